"""Long documents by their summaries: match summaries and passages, walk from the summary to its document or section and its best passages.

A summary says what the whole is about and leaves out what most questions ask for. So passages decide, and a summary lifts its document only
as far as it stands out from the other summaries. They are made of a text's own sentences; what a model wrote is compared beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.agents.candidates import left_out
from grainline.agents.hybrid import match_best
from grainline.agents.trace import Trace
from grainline.errors import MissingExtraError
from grainline.keys import units
from grainline.keys.summary import keys as keys_of
from grainline.match.fuse import standardised
from grainline.match.lexical import Lexical
from grainline.match.made import SUMMARY, signed, text_of
from grainline.match.postings import text_hash
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
class Proposed:
    """A summary that is to be compared: its kind, the hash of its text, its node, and what its words are worth."""

    kind: str
    text: int
    node: Node
    words: float


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
        self._summaries = {kind: Lexical(snapshot, kind) for kind in (SUMMARY, "summary")}

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` hits: documents or sections of them, behind each its best passages. Raises `ModelError` and `UsageError` if the
        library's encoder cannot be used; where it is not installed words alone are matched."""
        trace = Trace(budget)
        most = MOST if budget.embedded is None else min(budget.embedded, MOST)
        share = most // SPLIT
        fragments = match_best(self._snapshot, question, FRAGMENTS, where, replace(budget, embedded=most - share), trace)
        found: list[Compared] = []
        if trace.affords(step := "match summaries (BM25)"):
            proposed = [one for kind in self._summaries for one in self._proposed(kind, question, fragments, where)]
            trace.count(step, f"{len(proposed)} summaries")
            found = self._compared(question, proposed, share, trace)
        if not trace.affords(step := "walk up to the documents"):
            return trace.evidence(fragments[:k])
        documents = trace.note(step, self._documents(fragments, found, where))
        return trace.evidence(self._handed(documents, fragments, found)[:k])

    def _proposed(self, kind: str, question: str, fragments: Sequence[Hit], where: Where) -> list[Proposed]:
        """Summaries of a kind to compare: those whose words match, and those of whatever holds a fragment."""
        lexical = self._summaries[kind]
        index = lexical.index
        entries = lexical.in_order(where) if index.size else np.zeros(0, np.int64)
        wanted = question_terms(question)
        if len(entries) > FIRST:
            matched = [entry for entry, _ in lexical.ranked(wanted, FIRST, where)]
            numbers = {self._snapshot.number(hit.node.document_id) for hit in fragments}
            near = [
                (entry, lexical.node(entry)) for entry in entries[np.isin(index.documents[entries], list(numbers))].tolist()
            ]
            holding = [entry for entry, node in near if any(_holds(node, hit.node) for hit in fragments)]
            entries = np.array(list(dict.fromkeys([*matched, *holding])), np.int64)
        if not len(entries):
            return []
        # of another kind the same words are worth another score
        worth = 1.0 if kind == "summary" else self._whole("summary", wanted, where) / (self._whole(kind, wanted, where) or 1.0)
        scores = lexical.found(index, wanted, where).scores(entries) * worth
        return [
            Proposed(kind, int(index.texts[entry]), lexical.node(entry), float(score))
            for entry, score in zip(entries.tolist(), scores, strict=True)
        ]

    def _whole(self, kind: str, wanted: Sequence[str], where: Where) -> float:
        """What a question's words weigh among the summaries of a kind."""
        return fsum(self._summaries[kind].weights(wanted, where).values())

    def _compared(self, question: str, proposed: Sequence[Proposed], most: int, trace: Trace) -> list[Compared]:
        """The proposed summaries by words and, as far as `most` texts go, by meaning."""
        scores = np.array([one.words for one in proposed], np.float64)
        cosines: NDArray[Any] = np.full(len(proposed), np.nan, np.float32)
        if most > 1 and proposed and trace.affords(step := "compare the meaning of summaries"):
            try:
                vectors = Vectors(self._snapshot, self._snapshot.embedder())
                asked = vectors.question(question)
                cosines = vectors.cosines(asked, self._units(proposed, vectors, most - 1), most - 1)
                came = f"{len(proposed)} summaries, {vectors.embedded} texts embedded{left_out(cosines)}"
                trace.count(step, came, Cost(embedded=vectors.embedded))
            except MissingExtraError as error:
                trace.count(step, f"left out: {error}")
        fused = standardised(standardised(cosines) + WORDS * standardised(scores))
        return [
            Compared(one.node, float(score), self._via(one, bool(np.isnan(cosine))))
            for one, score, cosine in zip(proposed, fused, cosines, strict=True)
        ]

    def _via(self, one: Proposed, unknown: bool) -> tuple[str, ...]:
        ways = [*(["bm25"] if one.words > 0 else []), *([] if unknown else ["vector"])]
        return signed(self._snapshot, tuple(f"{way}:{one.kind}" for way in ways), one.node.id)

    def _units(self, proposed: Sequence[Proposed], vectors: Vectors, most: int) -> list[Unit]:
        """What is embedded of summaries: what they say is made again only for those without a vector, as many as may be embedded."""
        blank = [Unit(one.text, 0, "") for one in proposed]
        missing = {unit.text for unit in vectors.missing(blank)[:most]}
        said: dict[int, str] = {}
        wanted = [one for one in proposed if one.text in missing]
        for document_id in dict.fromkeys(one.node.document_id for one in wanted if one.kind == "summary"):
            stored = self._snapshot.at(self._snapshot.number(document_id))
            said |= {text_hash(key.text): key.text for key in keys_of(stored.document, stored.shaped)}
        said |= {one.text: text_of(self._snapshot, SUMMARY, one.node.id, one.text) for one in wanted if one.kind == SUMMARY}
        return [replace(unit, said=units(said[unit.text])[0]) if unit.text in missing else unit for unit in blank]

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
