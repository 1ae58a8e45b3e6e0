"""The candidates of a question: passages that its words propose, compared with it by words and by meaning.

An encoder is asked at question time, for a few passages: those whose words match the question, then those that share words with the
candidates nearest in meaning. Where a library was embedded as a whole, its vectors propose, too, and nothing but the question is embedded.
An agent may make more passages candidates, as far as its plan goes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from math import fsum, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.agents.trace import Trace
from grainline.keys import texts_of, units
from grainline.match.dense import Dense
from grainline.match.feedback import common_terms
from grainline.match.fuse import Scores, standardised
from grainline.match.lexical import Found, Lexical
from grainline.match.vector import Unit, Vectors, identity
from grainline.store.manifest import EMBEDDED
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms, terms
from grainline.types import Cost, Hit, Node, Where

Entries = NDArray[np.int64]
BEST = 10
#: what a standardised BM25 score counts beside a standardised cosine, where candidates have `LENGTH` terms on average; a vector of a
#: longer passage says less about any part of it, while words lose nothing
WORDS, LENGTH = 0.35, 45
#: texts whose units are kept at hand between questions
KEPT = 8_000
VIA = ("bm25:text", "vector:text")


@dataclass(frozen=True, slots=True)
class Plan:
    """How many candidates there are to be: `first` that the question's words propose; with those that the words of the best `BEST` of
    them propose as many as have about `terms` terms, but from `least` to `most`: an encoder's time goes by length, and what a question
    may cost is a second or two. `embedded` texts may be embedded, the question among them."""

    first: int
    terms: int
    least: int
    most: int
    embedded: int

    def within(self, embedded: int | None) -> Plan:
        """The plan with at most so many texts embedded."""
        return self if embedded is None else replace(self, embedded=min(embedded, self.embedded))


class Candidates:
    """The candidates of one question; `entries` are those of the index of texts, in the order in which they came."""

    def __init__(self, snapshot: Snapshot, question: str, where: Where, plan: Plan, trace: Trace) -> None:
        self._snapshot = snapshot
        self._where = where
        self._question = question
        self._plan = plan
        self._trace = trace
        self.words = Lexical(snapshot)
        self.terms = question_terms(question)
        self.entries: Entries = np.zeros(0, np.int64)
        #: the cosine of each candidate with the question, NaN where it is not known
        self.cosines: NDArray[np.float32] = np.zeros(0, np.float32)
        #: the first candidates, by which scores are standardised; whether a library was embedded as a whole changes nothing there
        self.judges: int | None = None
        self._vectors: Vectors | None = None

    def propose(self, k: int, room: Callable[[], int] = int) -> list[tuple[int, float]]:
        """Propose, embed, propose again, embed again. Returns the entries that match by their words, with their scores, at least `k` if
        so many do. `room`, asked once the first candidates are known, says for how many more to leave room. Raises `MissingExtraError`
        and `ModelError` if the library's encoder cannot be used."""
        plan, trace = self._plan, self._trace
        ranked = self.words.first(self.found, max(plan.first, k))
        found = np.array([entry for entry, _ in ranked[: plan.first]], np.int64)
        trace.count("match the words of passages (BM25)", f"{len(ranked)} hits")
        if trace.affords(step := "embed the question", Cost(embedded=1)) and plan.embedded:
            self._vectors = Vectors(self._snapshot, self._snapshot.embedder())
            self._vector = self._vectors.question(self._question)
            #: whether the whole library was embedded with this encoder
            self._whole = self._snapshot.manifest.settings.get(EMBEDDED) == identity(self._snapshot.embedder())
            self._weights = self.words.weights(self.terms, self._where)
            trace.count(step, "a vector", Cost(embedded=1))
            self.take(found, "compare the meaning of what matched")
            self._take_spread(plan.first - len(found))
            self._take_alike(room())
            self.judges = len(self.entries)
            if self._whole:
                self._take_nearest()
        else:
            self.take(found, "")
            self.judges = len(self.entries)
        return ranked

    def take(self, entries: Entries, step: str) -> None:
        """Make entries candidates, and embed what of them has not been embedded, as far as the plan and the budget go."""
        if not len(entries):
            return
        self.entries = np.concatenate([self.entries, entries])
        if self._vectors is None or not self._trace.affords(step):
            self.cosines = np.concatenate([self.cosines, np.full(len(entries), np.nan, np.float32)])
            return
        before = self._vectors.embedded
        cosines = self._known(entries)
        unknown = np.isnan(cosines)
        if unknown.any():
            cosines[unknown] = self._compared(entries[unknown], self._vectors)
        self.cosines = np.concatenate([self.cosines, cosines])
        embedded = self._vectors.embedded - before
        self._trace.count(
            step, f"{len(entries)} candidates, {embedded} of them embedded{left_out(cosines)}", Cost(embedded=embedded)
        )

    def _known(self, entries: Entries) -> NDArray[np.float32]:
        """The cosines that are at hand where the whole library was embedded; NaN for others."""
        if self._whole:
            return Dense.of(self._snapshot, self._snapshot.embedder()).cosines(self._vector, entries)
        return np.full(len(entries), np.nan, np.float32)

    def _compared(self, entries: Entries, vectors: Vectors) -> NDArray[np.float32]:
        """The cosines of entries by their texts, embedded if need be, as far as the plan goes."""
        chosen = self._units(entries)
        units_of_all = [unit for own in chosen for unit in own]
        cosines = vectors.cosines(self._vector, units_of_all, max(0, self._plan.embedded - vectors.embedded))
        starts = np.cumsum([0, *(len(own) for own in chosen)])[:-1]
        best: NDArray[np.float32] = np.fmax.reduceat(cosines, starts)
        return best

    def compare(self, units: Sequence[Unit], most: int, step: str) -> NDArray[np.float32]:
        """The cosines of units of other texts than the candidates' with the question, at most `most` of them embedded for it; NaN where
        one is not known."""
        if self._vectors is None or not self._trace.affords(step):
            return np.full(len(units), np.nan, np.float32)
        before = self._vectors.embedded
        cosines: NDArray[np.float32] = self._vectors.cosines(self._vector, units, most)
        embedded = self._vectors.embedded - before
        self._trace.count(step, f"{len(units)} texts, {embedded} of them embedded{left_out(cosines)}", Cost(embedded=embedded))
        return cosines

    def new(self, entries: Sequence[int]) -> Entries:
        """Those of the entries that are no candidates yet."""
        known = set(self.entries.tolist())
        return np.array([entry for entry in entries if entry not in known], np.int64)

    def meaning(self) -> Scores:
        """The cosines, standardised."""
        return standardised(self.cosines, self.judges)

    def word_weight(self) -> float:
        """What a standardised BM25 score counts beside a standardised cosine."""
        lengths: NDArray[Any] = self.words.index.lengths[self.entries]
        return WORDS * sqrt(float(lengths[: self.judges].mean()) / LENGTH)

    @cached_property
    def found(self) -> Found:
        """What the words of the question find."""
        return self.words.found(self.words.index, self.terms, self._where)

    def bm25(self) -> Scores:
        """The BM25 score of each candidate."""
        return self.found.scores(self.entries)

    def fused(self) -> Scores:
        """The score of each candidate by words and meaning, 0 for the worst."""
        if not len(self.entries):
            return np.zeros(0)
        fused = self.meaning() + self.word_weight() * standardised(self.bm25(), self.judges)
        fused -= fused.min()  # the worst candidate lifts no section
        return fused

    def best(self, k: int) -> list[Hit]:
        """The best `k` candidates by words and meaning; equal ones by source and place."""
        scores = self.fused()
        return self.hits(scores, self.order(scores)[:k])

    def hits(self, scores: Scores, places: Sequence[int]) -> list[Hit]:
        """The candidates at these places, with their scores among those of all."""
        matched, embedded = (self.bm25() > 0).tolist(), (~np.isnan(self.cosines)).tolist()
        return [
            Hit(self.node(place), float(scores[place]), tuple(compress(VIA, (matched[place], embedded[place]))))
            for place in places
        ]

    def node(self, place: int) -> Node:
        """The passage that a candidate is."""
        return self.words.node(int(self.entries[place]))

    def order(self, scores: Scores) -> list[int]:
        """The places of candidates in order of their scores, best first; equal ones by source and place."""
        index, sources = self.words.index, self._snapshot.sources()
        held = zip(index.documents[self.entries].tolist(), index.nodes[self.entries].tolist(), strict=True)
        places = [(sources[number][1], node) for number, node in held]
        return sorted(range(len(scores)), key=lambda place: (-scores[place], places[place]))

    def _take_nearest(self) -> None:
        """Add what is nearest among all vectors of the library."""
        if self._trace.affords(step := "match meaning over all vectors"):
            found = Dense.of(self._snapshot, self._snapshot.embedder()).nearest(self._vector, self._plan.least, self._where)
            self.take(self.new(found), step)

    def _take_spread(self, count: int) -> None:
        """Where few passages share a word with the question, as with one in another language, add some from all over the library."""
        if count > 0 and self._trace.affords(step := "look at passages from all over the library"):
            free = self.new(self.words.in_order(self._where).tolist())
            self.take(free[np.unique(np.linspace(0, len(free) - 1, min(count, len(free))).astype(np.int64))], step)

    def _take_alike(self, room: int) -> None:
        """Add what shares words with the best candidates so far."""
        if len(self.entries) and self._trace.affords(step := "match the words that the best of them share (BM25)"):
            best = self.entries[np.argsort(-self._rank(), kind="stable")[:BEST]]
            wanted = common_terms(self._texts(best), self.words, self._where)
            length = float(self.words.index.lengths[self.entries].mean())
            plan = self._plan
            more = max(0, min(plan.most, max(plan.least, int(plan.terms / max(1.0, length)))) - len(self.entries) - room)
            ranked = self.words.ranked(wanted, more + len(self.entries), self._where)
            self.take(self.new([entry for entry, _ in ranked])[:more], step)

    def _rank(self) -> Scores:
        """The cosines, with those not known last."""
        return np.nan_to_num(self.cosines.astype(np.float64), nan=-2.0)

    def _texts(self, entries: Entries) -> list[str]:
        """What the keys of these entries say."""
        index = self.words.index
        wanted: dict[int, set[str]] = {}
        nodes = [self.words.node(entry).id for entry in entries.tolist()]
        for entry, node in zip(entries.tolist(), nodes, strict=True):
            wanted.setdefault(int(index.documents[entry]), set()).add(node)
        said: dict[str, str] = {}
        for number, ids in wanted.items():
            stored = self._snapshot.at(number)
            said |= texts_of(stored.document, stored.shaped, ids)
        return [said[node] for node in nodes]

    def _units(self, entries: Entries) -> list[list[Unit]]:
        """For each entry the unit of its text that holds most of the question's terms by their weights; if none holds one, all that are
        embedded anyway."""
        keys = self.words.index.texts[entries].tolist()
        cuts: dict[int, tuple[list[str], list[frozenset[str]]]] = self._snapshot.keep("units", dict)
        if len(cuts) >= KEPT:
            cuts.clear()
        new = np.array([key not in cuts for key in keys], bool)
        for key, text in zip(compress(keys, new), self._texts(entries[new]), strict=True):
            said = units(text)
            cuts[key] = said, [frozenset(terms(one)) for one in said] if len(said) > 1 else []
        chosen = []
        for key in keys:
            said, held = cuts[key]
            # sets have no order, and only an exact sum needs none
            worth = [fsum([self._weights[term] for term in self._weights.keys() & own]) for own in held]
            best = worth.index(max(worth)) if worth else 0
            places = range(len(said)) if worth and self._whole and not any(worth) else (best,)
            chosen.append([Unit(key, place, said[place]) for place in places])
        return chosen


def left_out(cosines: NDArray[np.float32]) -> str:
    """How many of what was compared has no cosine, since nothing more may be embedded, in words."""
    count = int(np.isnan(cosines).sum())
    return f", {count} left out" if count else ""


def filled(words: Lexical, hits: Sequence[Hit], ranked: Sequence[tuple[int, float]], k: int) -> list[Hit]:
    """The first `k` hits; where there are fewer, then what matched by its words and is no candidate: weaker than any candidate."""
    if len(hits) >= k:
        return list(hits[:k])
    known = {hit.node.id for hit in hits}
    nodes = [(words.node(entry), score / ranked[0][1] - 1) for entry, score in ranked]
    return [*hits, *(Hit(node, score, VIA[:1]) for node, score in nodes if node.id not in known)][:k]
