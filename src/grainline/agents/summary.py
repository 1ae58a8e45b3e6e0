"""Long documents by their summaries: match summaries and passages, walk from the summary to its document or section and its best passages.

A summary says what the whole is about and leaves out what most questions ask for. So passages decide, and a summary lifts its document only
as far as it stands out from the other summaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.agents.candidates import left_out
from grainline.agents.hybrid import match_best
from grainline.agents.trace import Trace
from grainline.errors import MissingExtraError
from grainline.keys import units
from grainline.keys.summary import keys as keys_of
from grainline.match.fuse import Scores, standardised
from grainline.match.lexical import Lexical
from grainline.match.vector import Unit, Vectors
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Cost, Evidence, Hit, Node, Where
from grainline.walk.parent import Parent

#: passages that are matched, and how many of them stand behind their document
FRAGMENTS, SHOWN = 50, 2
#: summaries that the question's words propose; with fewer in sight all are compared
FIRST = 40
#: texts embedded for a question, one share in `SPLIT` of them for summaries
MOST, SPLIT = 150, 3
#: what a standardised BM25 score counts beside a standardised cosine
WORDS = 0.35
#: standard deviations above the mean from which a summary stands out, and what each further one counts beside those of passages
OUT, LIFT = 1.0, 0.2


@dataclass(frozen=True, slots=True)
class Compared:
    """A summary that was compared: its node, its score in standard deviations, what matched."""

    node: Node
    score: float
    via: tuple[str, ...]


class Summary:
    """Documents and sections by what they are about, with their best passages; for long documents."""

    name = "summary"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._summaries = Lexical(snapshot, "summary")

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` hits: documents or sections of them, behind each its best passages. Raises `ModelError` and `UsageError` if the
        library's encoder cannot be used; where it is not installed words alone are matched."""
        trace = Trace(budget)
        most = MOST if budget.embedded is None else min(budget.embedded, MOST)
        share = most // SPLIT
        fragments = match_best(self._snapshot, question, FRAGMENTS, where, replace(budget, embedded=most - share), trace)
        found: list[Compared] = []
        if trace.affords(step := "match summaries (BM25)"):
            entries, scores = self._proposed(question, fragments, where)
            trace.count(step, f"{len(entries)} summaries")
            found = self._compared(question, entries, scores, share, trace)
        if not trace.affords(step := "walk up to the documents"):
            return trace.evidence(fragments[:k])
        documents = trace.note(step, self._documents(fragments, found, where))
        return trace.evidence(self._handed(documents, fragments, found)[:k])

    def _proposed(self, question: str, fragments: Sequence[Hit], where: Where) -> tuple[NDArray[np.int64], Scores]:
        """Entries of summaries to compare, with their BM25 scores: those whose words match, and those of whatever holds a fragment."""
        index = self._summaries.index
        entries = self._summaries.in_order(where) if index.size else np.zeros(0, np.int64)
        wanted = question_terms(question)
        if len(entries) > FIRST:
            matched = [entry for entry, _ in self._summaries.ranked(wanted, FIRST, where)]
            numbers = {self._snapshot.number(hit.node.document_id) for hit in fragments}
            near = [
                (entry, self._summaries.node(entry))
                for entry in entries[np.isin(index.documents[entries], list(numbers))].tolist()
            ]
            holding = [entry for entry, node in near if any(_holds(node, hit.node) for hit in fragments)]
            entries = np.array(list(dict.fromkeys([*matched, *holding])), np.int64)
        return entries, self._summaries.found(self._summaries.index, wanted, where).scores(entries)

    def _compared(self, question: str, entries: NDArray[np.int64], scores: Scores, most: int, trace: Trace) -> list[Compared]:
        """The proposed summaries by words and, as far as `most` texts go, by meaning."""
        cosines: NDArray[Any] = np.full(len(entries), np.nan, np.float32)
        if most > 1 and len(entries) and trace.affords(step := "compare the meaning of summaries"):
            try:
                vectors = Vectors(self._snapshot, self._snapshot.embedder())
                asked = vectors.question(question)
                cosines = vectors.cosines(asked, self._units(entries, vectors, most - 1), most - 1)
                came = f"{len(entries)} summaries, {vectors.embedded} texts embedded{left_out(cosines)}"
                trace.count(step, came, Cost(embedded=vectors.embedded))
            except MissingExtraError as error:
                trace.count(step, f"left out: {error}")
        fused = standardised(cosines) + WORDS * standardised(scores)
        fused = standardised(fused)
        return [
            Compared(self._summaries.node(entry), float(score), (*(("bm25:summary",) if words else ()), *way))
            for entry, score, words, way in zip(
                entries.tolist(),
                fused,
                scores > 0,
                [() if unknown else ("vector:summary",) for unknown in np.isnan(cosines)],
                strict=True,
            )
        ]

    def _units(self, entries: NDArray[np.int64], vectors: Vectors, most: int) -> list[Unit]:
        """What is embedded of summaries: what they say is made again only for those without a vector, as many as may be embedded."""
        hashes = self._summaries.index.texts[entries].tolist()
        blank = [Unit(text, 0, "") for text in hashes]
        missing = {unit.text for unit in vectors.missing(blank)[:most]}
        said: dict[str, str] = {}
        nodes = [self._summaries.node(entry) for entry in entries.tolist()]
        for document_id in dict.fromkeys(node.document_id for node, text in zip(nodes, hashes, strict=True) if text in missing):
            stored = self._snapshot.at(self._snapshot.number(document_id))
            said |= {key.node_id: key.text for key in keys_of(stored.document, stored.shaped)}
        return [
            replace(unit, said=units(said[node.id])[0]) if unit.text in missing else unit
            for unit, node in zip(blank, nodes, strict=True)
        ]

    def _documents(self, fragments: Sequence[Hit], found: Sequence[Compared], where: Where) -> list[Hit]:
        """One hit a document, best first: what its fragments are worth, lifted by its best summary where that stands out."""
        whole = Parent(self._snapshot).walk(fragments, where)
        worth = standardised(np.array([hit.score for hit in whole]))
        least = float(worth.min()) if len(whole) else 0.0
        scores = {hit.node.document_id: float(score) - least for hit, score in zip(whole, worth, strict=True)}
        ways = {hit.node.document_id: hit.via for hit in whole}
        lifted: set[str] = set()
        for one in sorted(found, key=lambda one: -one.score):
            document_id = one.node.document_id
            if one.score > OUT and document_id not in lifted:
                lifted.add(document_id)
                scores[document_id] = scores.get(document_id, 0.0) + LIFT * (one.score - OUT)
                ways[document_id] = (*one.via, *ways.get(document_id, ("walk:document",)))
        sources = {document_id: source for document_id, source, _ in self._snapshot.sources().values()}
        order = sorted(scores, key=lambda document_id: (-scores[document_id], sources[document_id]))
        return [Hit(self._snapshot.shaped(each).nodes[0], scores[each], ways[each]) for each in order]

    def _handed(self, documents: Sequence[Hit], fragments: Sequence[Hit], found: Sequence[Compared]) -> list[Hit]:
        """Each document, or the section of it whose summary holds its best fragment and matches best, then its best passages."""
        own: dict[str, list[Hit]] = {}
        for hit in fragments:
            own.setdefault(hit.node.document_id, []).append(hit)
        summaries: dict[str, list[Compared]] = {}
        for one in found:
            summaries.setdefault(one.node.document_id, []).append(one)
        hits = []
        for hit, floor in zip(documents, [*(hit.score for hit in documents[1:]), 0.0], strict=False):
            held = own.get(hit.node.document_id, [])
            holding = [one for one in summaries.get(hit.node.document_id, ()) if not held or _holds(one.node, held[0].node)]
            best = max(holding, key=lambda one: one.score, default=None)
            node = best.node if best else hit.node
            shown = [fragment for fragment in held if _holds(node, fragment.node)][:SHOWN]
            step = (hit.score - floor) / (len(shown) + 1)
            hits.append(replace(hit, node=node))
            hits += [
                Hit(each.node, hit.score - step * (place + 1), (*each.via, "walk:down")) for place, each in enumerate(shown)
            ]
        return hits


def _holds(outer: Node, inner: Node) -> bool:
    return outer.document_id == inner.document_id and outer.start <= inner.start and inner.end <= outer.end
