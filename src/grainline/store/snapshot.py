"""One consistent state of a library, read: documents, their shapes, and the arrays of its indexes."""

from __future__ import annotations

import fnmatch
import json
import sqlite3
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from grainline.errors import DamagedError, NotFoundError, UsageError
from grainline.store import vectors
from grainline.store import work as works
from grainline.store.database import translate, translated
from grainline.store.manifest import Manifest, Stretch
from grainline.store.records import BODY, HEAD, Stored
from grainline.store.seal import check, verify
from grainline.store.work import Work
from grainline.types import EVERYWHERE, LLM, Document, Embedder, Shaped, Where

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

#: bytes of one block of an array: large enough to read fast, small enough to read a common term's postings in a few pieces
BLOCK_BYTES = 1 << 16
#: most characters of documents kept parsed between questions
CACHED_CHARACTERS = 16 << 20
COLUMNS = f"{HEAD}, head_seal, {BODY}, body_seal"


class Snapshot:
    """What a library holds at one sequence number. It lives inside one read transaction of its connection; what it has read and
    parsed stays valid for as long as the sequence number does."""

    def __init__(self, connection: sqlite3.Connection, path: Path, manifest: Manifest) -> None:
        self.path = path
        self.manifest = manifest
        self._connection = connection
        self._documents: OrderedDict[int, Stored] = OrderedDict()
        self._characters = 0
        self._blocks: dict[int, bytes] = {}
        self._sources: dict[int, tuple[str, str, tuple[str, ...]]] | None = None
        self._languages: dict[int, str] = {}
        #: gives the encoder to ask with; whoever opens the library says which
        self.embedder: Callable[[], Embedder] = _no_embedder
        #: gives the language model to ask with; None where nobody named one
        self.llm: Callable[[], LLM] | None = None
        #: vectors made while this state was asked, by encoder and text; whoever opened it keeps them
        self.fresh: dict[str, dict[int, bytes]] = {}
        #: what a model made while this state was asked, by key; whoever opened it keeps that, too
        self.made: dict[int, Work] = {}
        #: what others derived from this state and want to have at hand
        self.kept: dict[object, object] = {}

    def keep(self, name: object, make: Callable[[], T]) -> T:
        """What `make` gave the first time it was asked for under `name`: a place for what is derived from this state."""
        if name not in self.kept:
            self.kept[name] = make()
        return cast(T, self.kept[name])

    def at(self, number: int) -> Stored:
        """The document with this row number; raises `DamagedError` if the index names a document that is not there."""
        if (found := self._documents.get(number)) is not None:
            self._documents.move_to_end(number)
            return found
        with translated(self.path):
            row = self._connection.execute(f"SELECT {COLUMNS} FROM documents WHERE number=?", (number,)).fetchone()
        if row is None:
            raise DamagedError(f"document {number} is missing from the library; run `grainline doctor`")
        stored = Stored(row)
        if stored.number != number:
            raise DamagedError(f"document {number} is damaged; run `grainline doctor`")
        self._documents[number] = stored
        self._characters += len(row[9])
        while self._characters > CACHED_CHARACTERS and len(self._documents) > 1:
            _, dropped = self._documents.popitem(last=False)
            self._characters -= len(dropped.row[9])
        return stored

    def number(self, document_id: str) -> int:
        """The row number of a document by its id; raises `NotFoundError`, or `DamagedError` if the way to it is damaged."""
        with translated(self.path):
            row = self._connection.execute("SELECT number FROM documents WHERE id=?", (document_id,)).fetchone()
        if row is None and not any(document_id == known for known, _, _ in self.sources().values()):
            raise NotFoundError(f"no document {document_id} in this library")
        # SQLite trusts its index of ids; we do not
        if row is None or self.at(row[0]).row[1] != document_id:
            raise DamagedError("the index of documents is damaged; run `grainline doctor`")
        return int(row[0])

    def document(self, document_id: str) -> Document:
        """The whole document; raises `NotFoundError`."""
        return self.at(self.number(document_id)).document

    def shaped(self, document_id: str) -> Shaped:
        """The nodes and edges of a document; raises `NotFoundError`."""
        return self.at(self.number(document_id)).shaped

    def sources(self) -> dict[int, tuple[str, str, tuple[str, ...]]]:
        """(id, source, labels) of every document by row number; raises `DamagedError` if one is missing or damaged."""
        if self._sources is None:
            found = {}
            with translated(self.path):
                for *head, seal in self._connection.execute(f"SELECT {HEAD}, head_seal FROM documents ORDER BY number"):
                    verify(f"the document {head[2]}", seal, *head)
                    found[head[0]] = (head[1], head[2], tuple(json.loads(head[6])))
                    self._languages[head[0]] = head[5]
            if len(found) != self.manifest.documents:
                raise DamagedError(f"{self.manifest.documents - len(found)} documents are missing; run `grainline doctor`")
            self._sources = found
        return self._sources

    def numbers(self, where: Where) -> frozenset[int] | None:
        """The row numbers of the documents that may be seen; None for all of them."""
        if where == EVERYWHERE:
            return None
        return self.keep(
            where, lambda: frozenset(n for n, (_, source, labels) in self.sources().items() if sees(where, source, labels))
        )

    def languages(self, where: Where = EVERYWHERE) -> Counter[str]:
        """How many of the documents that may be seen are in each language ("zh", "en", "" where there are no words)."""
        sources, allowed = self.sources(), self.numbers(where)
        return self.keep(
            ("languages", where),
            lambda: Counter(self._languages[number] for number in (sources if allowed is None else allowed)),
        )

    def visible(self, where: Where) -> Callable[[str], bool]:
        """A test of document ids."""
        if where == EVERYWHERE:
            return lambda _: True
        return lambda document_id: self.number(document_id) in (self.numbers(where) or ())

    def stored(self, where: Where = EVERYWHERE) -> Iterator[Stored]:
        """All visible documents in order of source."""
        allowed = self.numbers(where)
        for number, _ in sorted(self.sources().items(), key=lambda item: item[1][1]):
            if allowed is None or number in allowed:
                yield self.at(number)

    def documents(self, where: Where = EVERYWHERE) -> Iterator[Document]:
        """All visible documents in order of source."""
        return (stored.document for stored in self.stored(where))

    def location(self, document_id: str) -> tuple[Path, Path]:
        """The folder or file that was added and the file that a document came from, where they lay when they were added last; raises
        `NotFoundError`, `DamagedError`."""
        path = self.at(self.number(document_id)).file
        with translated(self.path):
            row = self._connection.execute(
                "SELECT r.name, r.location, r.seal FROM roots r JOIN files f ON f.root = r.name WHERE f.path=?", (path,)
            ).fetchone()
        if row is None:
            raise DamagedError(f"the record of {path} is missing; run `grainline doctor`")
        verify(f"the record of the root {row[0]}", row[2], row[0], row[1])
        inside = path.removeprefix(row[0]).lstrip("/")
        return Path(row[1]), Path(row[1]) / inside if inside else Path(row[1])

    def recorded(self, document_id: str) -> tuple[int, int, str]:
        """Bytes, time of change in ns and digest of the file that a document came from, when it was read last; raises `NotFoundError`,
        `DamagedError`."""
        path = self.at(self.number(document_id)).file
        with translated(self.path):
            row = self._connection.execute("SELECT * FROM files WHERE path=?", (path,)).fetchone()
        if row is None:
            raise DamagedError(f"the record of {path} is missing; run `grainline doctor`")
        verify(f"the record of the file {path}", row[7], *row[:7])
        return row[3], row[4], row[2]

    def array(self, stretch: Stretch, start: int = 0, stop: int | None = None) -> NDArray[np.generic]:
        """Elements `start:stop` of a stored array; raises `DamagedError` if a block of it is missing or damaged."""
        import numpy as np

        kind = np.dtype(stretch.dtype)
        stop = stretch.length if stop is None else stop
        if start >= stop:
            return np.empty(0, kind)
        per_block = BLOCK_BYTES // kind.itemsize
        first, last = start // per_block, (stop - 1) // per_block
        data = self._read_blocks(stretch.first + first, stretch.first + last)
        held = min(stretch.length, (last + 1) * per_block) - first * per_block
        if len(data) != held * kind.itemsize:
            raise DamagedError("an index block has the wrong size; run `grainline doctor`")
        return np.frombuffer(data, kind)[start - first * per_block : stop - first * per_block]

    def vectors(self, identity: str, texts: Sequence[int]) -> dict[int, bytes]:
        """The vectors that are kept, or wait to be, of texts by their hashes; see `store.vectors`."""
        fresh = self.fresh.get(identity, {})
        missing = [text for text in texts if text not in fresh]
        with translated(self.path):
            return {
                **vectors.read(self._connection, identity, missing),
                **{text: fresh[text] for text in texts if text in fresh},
            }

    def all_vectors(self, identity: str) -> dict[int, bytes]:
        """All vectors that are kept of an encoder, by the hashes of their texts."""
        with translated(self.path):
            return dict(vectors.scan(self._connection, identity))

    def vectors_without(self, texts: set[int]) -> int:
        """How many vectors are kept of texts other than those with these hashes: none, unless a deletion did not delete."""
        with translated(self.path):
            return len(vectors.strays(self._connection, texts))

    def work(self, key: int) -> Work | None:
        """What a model made that is kept, or waits to be, under a key; see `store.work`."""
        if key in self.made:
            return self.made[key]
        with translated(self.path):
            return works.read(self._connection, key)

    def works(self, kind: str) -> list[Work]:
        """All of a kind that a model made and that is kept, by key."""
        with translated(self.path):
            return works.of_kind(self._connection, kind)

    def work_counts(self) -> dict[str, int]:
        """How much of what models made is kept, by kind."""
        with translated(self.path):
            return works.counts(self._connection)

    def work_without(self) -> int:
        """How much is kept of what was made from documents that are gone: none, unless a deletion did not delete."""
        with translated(self.path):
            return len(works.strays(self._connection))

    def encoders(self) -> dict[str, tuple[int, int]]:
        """By the identity of each encoder the number of its vectors that are kept, and their bytes."""
        with translated(self.path):
            return vectors.encoders(self._connection)

    def _read_blocks(self, first: int, last: int) -> bytes:
        """The bytes of blocks `first` to `last`, both included."""
        missing = [number for number in range(first, last + 1) if number not in self._blocks]
        try:
            for number in missing:
                row = self._connection.execute("SELECT data, seal FROM blocks WHERE number=?", (number,)).fetchone()
                if row is None:
                    raise DamagedError("an index block is missing; run `grainline doctor`")
                if row[1] != check(number, row[0]):
                    raise DamagedError("an index block is damaged; run `grainline doctor`")
                self._blocks[number] = row[0]
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        if first == last:
            return self._blocks[first]
        return b"".join([self._blocks[number] for number in range(first, last + 1)])


def _no_embedder() -> Embedder:
    raise UsageError("no encoder was given to this state of the library")


def sees(where: Where, source: str, labels: tuple[str, ...]) -> bool:
    """Whether a document with this source and these labels may be seen.

    >>> sees(Where(sources=("docs",)), "docs/a.md", ()), sees(Where(sources=("*.md",)), "docs/a.rs", ())
    (True, False)
    """
    if where.labels and not set(where.labels) & set(labels):
        return False
    return not where.sources or any(
        source == wanted or source.startswith((wanted.rstrip("/") + "/", wanted + "#")) or fnmatch.fnmatchcase(source, wanted)
        for wanted in where.sources
    )
