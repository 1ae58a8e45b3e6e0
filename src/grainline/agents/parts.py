"""Tables and pictures by their labels: match captions, headers, rows said as sentences, the words in a picture and what speaks of it,
beside the passages; hand over the table, row or picture with the page it is on, then the passage around it.

A part is compared with the question in the units of the passages: its words by the share of the question that its label holds, its meaning
by the cosine of its label, each as standard deviations from the mean of the passages. So a library without a table or picture is searched
as by words and meaning alone, and one with them costs some embeddings of labels more. What a model wrote is a label, too: descriptions of
tables and pictures, and questions that a passage answers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import fsum

import numpy as np
from numpy.typing import NDArray

from grainline.agents.candidates import Candidates, Plan
from grainline.agents.trace import Trace
from grainline.errors import MissingExtraError
from grainline.keys import units
from grainline.keys.labels import keys as labels_of
from grainline.match.index import Index
from grainline.match.keyed import Keyed, Matches
from grainline.match.lexical import K1
from grainline.match.made import PICTURE, QUESTION, TABLE, signed, written
from grainline.match.pattern import page_of
from grainline.match.postings import text_hash
from grainline.match.vector import Unit
from grainline.store.snapshot import Snapshot
from grainline.text import terms
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Hit, Node, Where

Scores = NDArray[np.float64]
#: what a match of each kind of label counts; a table's label holds the names of its rows, too, and the row itself says more
KINDS = {"caption": 1.0, "ocr": 1.0, "table": 0.8, "row": 1.0, TABLE: 0.8, PICTURE: 1.0, QUESTION: 1.0}
#: passages that are compared, and texts embedded for them, the question among them
PLAN = Plan(first=70, terms=5_000, least=90, most=140, embedded=110)
#: parts that are compared by their words, and labels embedded for them
FIRST, LABELS = 40, 40
#: how far a passage is lifted towards its best part, if that is better: labels are short, and many say about the same
LIFT = 0.4
#: what the words of a label count, beside those of a passage: it holds little else than what it is about
LABEL_WORDS = 3.0
#: parts of one passage that are handed over
SHOWN = 2


class Parts:
    """Tables, rows and pictures, with the passages around them; for pages with tables and images."""

    name = "parts"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._keyed = Keyed(snapshot, KINDS)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` hits; a part's `via` and `meta["page"]` name the page it is on. Raises `ModelError` and `UsageError` if the library's
        encoder cannot be used; without what the encoder needs it goes by words."""
        return _Search(self._snapshot, self._keyed, question, where, budget).run(k)


@dataclass(slots=True)
class _Place:
    """A passage that is a candidate, or one with a part that is; `parts` with their scores, the best first."""

    node: Node
    score: float = 0.0
    via: tuple[str, ...] = ()
    parts: list[Hit] = field(default_factory=list)


class _Search:
    """One question."""

    def __init__(self, snapshot: Snapshot, keyed: Keyed, question: str, where: Where, budget: Budget) -> None:
        self._snapshot = snapshot
        self._keyed = keyed
        self._question = question
        self._where = where
        self._trace = Trace(budget)
        self._homes: dict[str, list[Node]] = {}  # the passages of a document
        self._labels = LABELS if budget.embedded is None else min(LABELS, max(0, (budget.embedded - 1) // 3))
        self._plan = PLAN.within(None if budget.embedded is None else budget.embedded - self._labels)

    def run(self, k: int) -> Evidence:
        """Match passages, match parts, put each part to its passage."""
        found = self._passages(k)
        places = {hit.node.id: _Place(hit.node, hit.score, hit.via) for hit in found.best(len(found.entries))}
        for part in self._parts(found):
            home = self._home(part.node)
            place = places.setdefault(home.id, _Place(home))
            place.parts.append(part)
        for place in places.values():
            place.score += LIFT * max([0.0, *(part.score - place.score for part in place.parts)])
        sources = {number: source for number, (_, source, _) in self._snapshot.sources().items()}
        order = sorted(
            places.values(),
            key=lambda place: (-place.score, sources[self._snapshot.number(place.node.document_id)], place.node.start),
        )
        hits: dict[str, Hit] = {}
        for hit in (hit for place in order[:k] for hit in self._handed(place)):
            hits.setdefault(hit.node.id, hit)
        return self._trace.evidence(self._trace.note("put parts to their passages", list(hits.values()))[:k])

    def _passages(self, k: int) -> Candidates:
        """The candidates among passages, by meaning too if that can be had."""
        if self._plan.embedded:
            try:
                found = Candidates(self._snapshot, self._question, self._where, self._plan, self._trace)
                found.propose(k)
                return found
            except MissingExtraError as error:
                self._labels = 0
                self._trace.count("match meaning", f"left out: {error}")
        found = Candidates(self._snapshot, self._question, self._where, self._plan.within(0), self._trace)
        found.propose(k)
        return found

    def _parts(self, found: Candidates) -> list[Hit]:
        """The parts that match, best first, scored like passages."""
        step = "match the labels of tables and pictures (BM25)"
        if not any(lexical.index.size for lexical in self._keyed.lexical.values()) or not self._trace.affords(step):
            return []
        matches = self._keyed.matches(found.terms, self._where)
        shares = matches.fused(list(KINDS.values()))
        best = self._keyed.best(matches.nodes, shares, FIRST)
        self._trace.count(step, f"{len(best)} parts")
        if not best:
            return []
        cosines = self._cosines(found, matches, best)
        scores = self._scores(found, shares[best], cosines, self._where)
        return sorted(
            (
                Hit(self._keyed.node(int(matches.nodes[at])), float(score), self._via(matches, at, bool(np.isnan(cosine))))
                for at, score, cosine in zip(best, scores, cosines, strict=True)
            ),
            key=lambda hit: -hit.score,
        )

    @staticmethod
    def _scores(found: Candidates, shares: Scores, cosines: Scores, where: Where) -> Scores:
        """Scores of parts in the units of the passages' fused ones, by the shares of the question that they hold and their cosines."""
        if not len(found.entries):
            return shares
        weight = fsum(found.words.weights(found.terms, where).values()) * (K1 + 1) or 1.0
        words = LABEL_WORDS * found.word_weight() * _above(shares, found.bm25() / weight)
        mean = float(found.fused()[: found.judges].mean())
        result: Scores = np.nan_to_num(_above(cosines, found.cosines)) + words + mean
        return result

    def _via(self, matches: Matches, at: int, unknown: bool) -> tuple[str, ...]:
        ways = signed(self._snapshot, self._keyed.via(matches, at), self._keyed.node(int(matches.nodes[at])).id)
        return ways if unknown else (*ways, ways[0].replace("bm25:", "vector:"))

    def _cosines(self, found: Candidates, matches: Matches, best: Sequence[int]) -> Scores:
        """The cosine of the label of each part that holds most of the question; NaN where it is not known."""
        if not self._labels or np.isnan(found.cosines).all():
            return np.full(len(best), np.nan)
        weights = found.words.weights(found.terms, self._where)
        said = self._said([self._keyed.node(int(matches.nodes[at])) for at in best], weights)
        chosen = [Unit(text_hash(text), 0, units(text)[0]) for text in said]
        return found.compare(chosen, self._labels, "compare the meaning of labels").astype(np.float64)

    def _said(self, nodes: Sequence[Node], weights: Mapping[str, float]) -> list[str]:
        """Of each node the label that holds most of the question."""
        held: dict[str, tuple[float, str]] = {}
        for node_id, label in self._labelled(nodes):
            worth = fsum(weights.get(term, 0.0) for term in set(terms(label)))
            if node_id not in held or worth > held[node_id][0]:
                held[node_id] = worth, label
        return [held[node.id][1] for node in nodes]

    def _labelled(self, nodes: Sequence[Node]) -> Iterator[tuple[str, str]]:
        """The labels of nodes, each with the id of its node: their own, then those that a model wrote."""
        wanted = {node.id for node in nodes}
        for document_id in dict.fromkeys(node.document_id for node in nodes):
            stored = self._snapshot.at(self._snapshot.number(document_id))
            yield from ((key.node_id, key.text) for key in labels_of(stored.document, stored.shaped) if key.node_id in wanted)
        for kind in (TABLE, PICTURE, QUESTION):
            for node in nodes if self._keyed.lexical[kind].index.size else ():
                found = written(self._snapshot, kind, node.id)
                yield from ((node.id, text) for text in (found.texts if found else ()))

    def _home(self, part: Node) -> Node:
        """The passage that a part stands in; that of a table is its first."""
        if part.kind == "passage":
            return part
        if (passages := self._homes.get(part.document_id)) is None:
            nodes = self._snapshot.shaped(part.document_id).nodes
            passages = self._homes[part.document_id] = [node for node in nodes if node.kind == "passage"] or [nodes[0]]
        place = bisect_right(passages, part.start, key=lambda node: node.start) - 1
        inside = place >= 0 and part.start < passages[place].end
        return passages[place if inside else min(place + 1, len(passages) - 1)]

    def _handed(self, place: _Place) -> list[Hit]:
        """The best parts of a passage, then the passage."""
        hits: list[Hit] = []
        own = place.via
        for part in place.parts[:SHOWN]:
            if part.node.id == place.node.id:
                own = (*own, *part.via)
            else:
                hits.append(self._paged(Hit(part.node, place.score, part.via)))
        around = Hit(place.node, place.score, (*own, "walk:around") if hits else own)
        showing = [replace(hit, score=place.score) for part in place.parts[:SHOWN] for hit in self._showing(part)]
        return [*hits, *map(self._paged, (around, *showing))]

    def _showing(self, part: Hit) -> list[Hit]:
        """The passage that shows a picture which is a file of its own: the first one by source and place."""
        index = Index.of(self._snapshot, "shown")
        if not index.size or part.node.meta.get("ocr") is not True or "member" in part.node.meta:
            return []
        alike = index.texts == text_hash(self._snapshot.document(part.node.document_id).source)
        allowed = index.allowed(self._where)
        entries = np.flatnonzero(alike if allowed is None else alike & allowed)
        sources = self._snapshot.sources()
        places = sorted(
            (sources[number][1], place, number)
            for number, place in zip(index.documents[entries].tolist(), index.nodes[entries].tolist(), strict=True)
        )
        nodes = [self._snapshot.at(number).shaped.nodes[place] for _, place, number in places[:1]]
        return [Hit(self._home(node), part.score, (*part.via, "walk:shown")) for node in nodes]

    def _paged(self, hit: Hit) -> Hit:
        """The hit with the page that it is on, if its document has pages."""
        page = str(hit.node.meta.get("page", "")) or page_of(self._snapshot.document(hit.node.document_id), hit.node.start)
        if not page:
            return hit
        return Hit(replace(hit.node, meta={**hit.node.meta, "page": page}), hit.score, (*hit.via, f"page:{page}"))


def _above(scores: NDArray[np.floating], judges: NDArray[np.floating]) -> Scores:
    """Scores as standard deviations from the mean of others."""
    known = judges[~np.isnan(judges)].astype(np.float64)
    spread = float(known.std()) if len(known) else 0.0
    centre = float(known.mean()) if len(known) else 0.0
    result: Scores = (scores.astype(np.float64) - centre) / (spread if spread > 1e-9 else 1.0)
    return result
