"""The face: open, add, remove, search, ask; no logic of its own."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import grainline.costs as ledger
import grainline.embedding as embedding
import grainline.models.llm as models
from grainline.errors import NotFoundError, UsageError
from grainline.store import database, manifest
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, LLM, NO_LIMIT, PLAIN, Answer, Budget, Embedder, Evidence, Hit, Manner, Where

if TYPE_CHECKING:
    from grainline.ingest import Options, Progress, Summary
    from grainline.making import Order, Result

DEFAULT_FOLDER = ".grainline"


def locate(folder: str | Path | None = None) -> Path:
    """The library's folder: the given one, else `$GRAINLINE_LIBRARY`, else `.grainline` in the working directory."""
    return Path(folder or os.environ.get("GRAINLINE_LIBRARY") or DEFAULT_FOLDER)


class Library:
    """A library in a folder, open for asking; adding and removing take the writer's lock for as long as they run."""

    def __init__(self, folder: Path, embedder: str | Embedder | None = None, llm: str | LLM | None = None) -> None:
        self.folder = folder
        self._embedder = embedder
        self._llm = llm
        self._connection = database.connect(folder)
        self._mutex = threading.RLock()
        self._snapshot: Snapshot | None = None

    def __enter__(self) -> Library:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let the files go."""
        self._connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One consistent state to read, for as long as the context lasts."""
        with self._mutex:
            path = self.folder / database.FILE_NAME
            with database.translated(path):
                nested = self._connection.in_transaction
                if not nested:
                    self._connection.execute("BEGIN")
                current = manifest.read(self._connection)
            try:
                if self._snapshot is None or self._snapshot.manifest.sequence != current.sequence:
                    self._snapshot = Snapshot(self._connection, path, current)
                    self._snapshot.embedder = lambda: embedding.embedder(self._embedder, current.settings)
                    self._snapshot.llm = models.chosen(self._llm)
                yield self._snapshot
            finally:
                if not nested and self._connection.in_transaction:
                    self._connection.rollback()
            if not nested and (self._snapshot.fresh or self._snapshot.made):
                embedding.keep(self.folder, self._snapshot)

    def add(self, paths: Sequence[str | Path], options: Options | None = None, progress: Progress | None = None) -> Summary:
        """Bring the library up to date with the files under `paths`; see `ingest.add`."""
        import grainline.ingest as ingest  # readers and shapes are not needed for asking

        return ingest.add(self.folder, paths, options or ingest.Options(), progress)

    def embed(self, progress: Progress | None = None) -> int:
        """Embed all that has not been, so that questions need not; see `embedding.embed`. Returns how many texts that were."""
        return embedding.embed(self, self._embedder, progress)

    def make(self, order: Order, budget: Budget = NO_LIMIT, progress: Progress | None = None) -> Result:
        """Have the language model write keys: summaries, descriptions, questions that passages answer; see `making.make`."""
        import grainline.making as making

        return making.make(self, order, budget, progress)

    def remove(self, sources: Sequence[str]) -> int:
        """Remove documents by source; see `ingest.remove`."""
        import grainline.ingest as ingest

        return ingest.remove(self.folder, sources)

    def search(
        self,
        question: str,
        k: int = 10,
        agent: str = "auto",
        where: Where = EVERYWHERE,
        budget: Budget = NO_LIMIT,
        manner: Manner = PLAIN,
    ) -> Evidence:
        """Evidence for a question from one agent; `auto` takes the likeliest for its price that finds anything. Raises `UsageError` for an
        empty question or k below 1."""
        from grainline.ask.respond import Wish, prepared

        _check(question, k)
        with self.snapshot() as snapshot:
            asked, words = prepared(question, snapshot, Wish(k, agent, where, budget, manner))
            evidence = asked.retrieve(words, k, where, budget)
        evidence = evidence if evidence.agent else replace(evidence, agent=agent)
        ledger.record(self.folder, {evidence.agent or agent: evidence.cost})
        return evidence

    def ask(
        self,
        question: str,
        k: int = 10,
        agent: str = "auto",
        where: Where = EVERYWHERE,
        budget: Budget = NO_LIMIT,
        manner: Manner = PLAIN,
        heard: Callable[[str], None] | None = None,
    ) -> Answer:
        """An answer with a citation for each of its claims, from the evidence of one agent; `auto` asks those that are likely to be right
        for their price, see `ask.route`. It is made of quoted sentences, or written by the model that was given, see `ask.generate`;
        `heard` is called with each piece of what that writes."""
        from grainline.ask.respond import Wish, respond

        _check(question, k)
        with self.snapshot() as snapshot:
            found = respond(question, snapshot, Wish(k, agent, where, budget, manner, heard))
        ledger.record(self.folder, ledger.by_agent(found))
        return found

    def feedback(self, question: str, good: bool | None, agent: str = "auto", where: Where = EVERYWHERE) -> Answer:
        """Mark the answer to a question as good or bad, or take the mark back (None); returns the answer. See `ask.feedback` for what marks
        do. Raises `BusyError` while another process changes the library."""
        from grainline.ask.respond import Wish, marked

        _check(question, 1)
        with self.snapshot() as snapshot:
            answer, key, work = marked(question, good, snapshot, Wish(agent=agent, where=where))
        embedding.mark(self.folder, key, work)
        return answer

    def marks(self) -> list[dict[str, Any]]:
        """The marks that answers were given, by question: question, agent, mark (1 or -1)."""
        from grainline.ask.feedback import marks

        with self.snapshot() as snapshot:
            return [{"question": one.question, "agent": one.agent, "mark": one.value} for one in marks(snapshot, EVERYWHERE)]

    def status(self, *, sources: bool = False, costs: bool = False) -> dict[str, Any]:
        """What the library holds: counts, bytes on disk, vectors by encoder, the one that all was embedded with, what models left,
        labels; with `sources` the list of them, with `costs` what questions have spent so far (see `costs.summed`)."""
        with self.snapshot() as snapshot:
            held = snapshot.manifest
            rows = snapshot.sources().values()
            disk = sum(
                file.stat().st_size for file in self.folder.iterdir() if file.is_file() and file.name not in ledger.NAMES
            )
            living = [
                (segment.kind, segment.entries - (segment.dead.length if segment.dead else 0)) for segment in held.segments
            ]
            passages = sum(entries for kind, entries in living if kind == "text")
            found: dict[str, Any] = {
                "library": str(self.folder),
                "documents": held.documents,
                "files": held.files,
                "passages": passages,
                "keys": sum(entries for _, entries in living),
                "changes": held.sequence,
                "disk_bytes": disk,
                "bytes_per_passage": round(disk / passages) if passages else 0,
                "vectors": {name: {"texts": texts, "bytes": size} for name, (texts, size) in snapshot.encoders().items()},
                "embedded": held.settings.get(manifest.EMBEDDED, ""),
                "models": self._from_models(snapshot),
                "labels": sorted({label for _, _, labels in rows for label in labels}),
            }
            found |= {"sources": sorted(source for _, source, _ in rows)} if sources else {}
            return {**found, "costs": ledger.summed(self.folder)} if costs else found

    def _from_models(self, snapshot: Snapshot) -> dict[str, int]:
        """What models left in the library: answers that need not be asked for again, nodes that they described with keys, and states
        in which they had read documents; what there is none of is left out."""
        from grainline.agents.model import KIND as ANSWER
        from grainline.match.made import KIND as KEY
        from grainline.models.states import kept

        counts, (states, size) = snapshot.work_counts(), kept(self.folder)
        left = {"answers": counts.get(ANSWER, 0), "described": counts.get(KEY, 0), "states": states, "state_bytes": size}
        return {name: count for name, count in left.items() if count}

    def source(self, document_id: str) -> str:
        """The source of a document by its id; raises `NotFoundError`."""
        with self.snapshot() as snapshot:
            return snapshot.document(document_id).source

    def text(self, hit: Hit) -> str:
        """The text of a hit."""
        with self.snapshot() as snapshot:
            return snapshot.document(hit.node.document_id).text[hit.node.start : hit.node.end]

    def original(self, hit: Hit) -> tuple[bytes, str]:
        """The picture that a hit of `parts` was read from, or the page of a PDF that it is on as PNG: bytes and media type. Raises
        `NotFoundError` where there is none or its file is gone, `UnreadableError` where it cannot be read."""
        from grainline.readers.originals import original

        with self.snapshot() as snapshot:
            root, file = snapshot.location(hit.node.document_id)
        if not file.is_file():
            raise NotFoundError(f"{file} is gone; add its folder again")
        return original(file, hit.node.meta, root if root.is_dir() else root.parent)


def open_library(
    folder: str | Path | None = None,
    *,
    create: bool = True,
    embedder: str | Embedder | None = None,
    llm: str | LLM | None = None,
) -> Library:
    """Open the library in `folder` (see `locate`), made empty if there is none and `create` is set; see `embedding.embedder` and
    `models.llm.chosen`."""
    place = locate(folder)
    if create:
        database.create(place)
    return Library(place, embedder, llm)


def _check(question: str, k: int) -> None:
    if not question.strip():
        raise UsageError("the question is empty")
    if k < 1:
        raise UsageError(f"k is {k}; it is the number of results and must be at least 1")
