"""Words and meaning: match by BM25, embed what that proposes and what resembles the best of it, fuse both scores, walk up and down.

An encoder is asked at question time, for a few candidates: those whose words match the question, then those that share words with the
candidates nearest in meaning. Where a library was embedded as a whole, its vectors propose, too, and nothing but the question is embedded.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from grainline.match.lexical import Lexical
from grainline.match.vector import Unit, Vectors, identity
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms, terms
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Hit, Where
from grainline.walk.outline import Outline as UpAndDown

Entries = NDArray[np.int64]
#: candidates that the question's words propose
FIRST = 90
#: with those that the words of the best `BEST` of them propose there are as many as have about so many terms, within bounds: an encoder's
#: time goes by length, and what a question may cost is a second or two
TERMS, LEAST, MOST = 7_000, 120, 195
BEST = 10
#: what a standardised BM25 score counts beside a standardised cosine, where candidates have `LENGTH` terms on average; a vector of a
#: longer passage says less about any part of it, while words lose nothing
WORDS, LENGTH = 0.35, 45
#: hits that take part in the vote of the sections, at least
VOTERS = 30
VIA = ("bm25:text", "vector:text")


class Hybrid:
    """BM25 and vectors over passages, embedded when a question first touches them; for unstructured prose."""

    name = "hybrid"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._words = Lexical(snapshot)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The best `k` passages. Raises `MissingExtraError` and `ModelError` if the library's encoder cannot be used."""
        return _Search(self._snapshot, self._words, question, where, budget).run(k)


class _Search:
    """One question."""

    def __init__(self, snapshot: Snapshot, words: Lexical, question: str, where: Where, budget: Budget) -> None:
        self._snapshot = snapshot
        self._words = words
        self._question = question
        self._terms = question_terms(question)
        self._where = where
        #: texts that may be embedded, the question among them
        self._most = 1 + MOST if budget.embedded is None else min(budget.embedded, 1 + MOST)
        self._trace = Trace(budget)
        self._entries: Entries = np.zeros(0, np.int64)
        self._cosines: NDArray[np.float32] = np.zeros(0, np.float32)
        #: the first candidates, by which scores are standardised; whether a library was embedded as a whole changes nothing there
        self._judges: int | None = None

    def run(self, k: int) -> Evidence:
        """Propose, embed, propose again, embed again, fuse."""
        trace = self._trace
        ranked = self._words.ranked(self._terms, max(FIRST, k), self._where)
        found = np.array([entry for entry, _ in ranked[:FIRST]], np.int64)
        trace.count("match the words of passages (BM25)", f"{len(ranked)} hits")
        if self._most and trace.affords(step := "embed the question"):
            self._vectors = Vectors(self._snapshot, self._snapshot.embedder())
            self._vector = self._vectors.question(self._question)
            #: whether the whole library was embedded with this encoder
            self._whole = self._snapshot.manifest.settings.get("embedded") == identity(self._snapshot.embedder())
            self._weights = self._words.weights(self._terms, self._where)
            trace.count(step, "a vector", embedded=1)
            self._take(found, "compare the meaning of what matched")
            self._take_spread(FIRST - len(found))
            self._take_alike()
            self._judges = len(self._entries)
            if self._whole:
                self._take_nearest()
        else:
            self._entries, self._cosines = found, np.full(len(found), np.nan, np.float32)
        hits = trace.note("fuse words and meaning", self._fused())[: max(k, VOTERS)]
        if trace.affords(step := "walk up to the sections and down"):
            hits = trace.note(step, UpAndDown(self._snapshot).walk(hits, self._where))
        return trace.evidence((hits if len(hits) >= k else [*hits, *self._rest(ranked, hits)])[:k])

    def _rest(self, ranked: Sequence[tuple[int, float]], hits: Sequence[Hit]) -> list[Hit]:
        """What matched by its words and is no candidate, for one who wants more hits than that: weaker than any candidate."""
        known = {hit.node.id for hit in hits}
        nodes = [(self._words.node(entry), score / ranked[0][1] - 1) for entry, score in ranked]
        return [Hit(node, score, VIA[:1]) for node, score in nodes if node.id not in known]

    def _take_nearest(self) -> None:
        """Add what is nearest among all vectors of the library."""
        if self._trace.affords(step := "match meaning over all vectors"):
            found = Dense.of(self._snapshot, self._snapshot.embedder()).nearest(self._vector, LEAST, self._where)
            self._take(self._new(found), step)

    def _take_spread(self, count: int) -> None:
        """Where few passages share a word with the question, as with one in another language, add some from all over the library."""
        if count > 0 and self._trace.affords(step := "look at passages from all over the library"):
            free = self._new(self._words.in_order(self._where).tolist())
            self._take(free[np.unique(np.linspace(0, len(free) - 1, min(count, len(free))).astype(np.int64))], step)

    def _take_alike(self) -> None:
        """Add what shares words with the best candidates so far."""
        if len(self._entries) and self._trace.affords(step := "match the words that the best of them share (BM25)"):
            best = self._entries[np.argsort(-self._rank(), kind="stable")[:BEST]]
            wanted = common_terms(self._texts(best), self._words, self._where)
            length = float(self._words.index.lengths[self._entries].mean())
            more = min(MOST, max(LEAST, int(TERMS / max(1.0, length)))) - len(self._entries)
            ranked = self._words.ranked(wanted, more + len(self._entries), self._where)
            self._take(self._new([entry for entry, _ in ranked])[: max(0, more)], step)

    def _rank(self) -> Scores:
        """The cosines, with those not known last."""
        return np.nan_to_num(self._cosines.astype(np.float64), nan=-2.0)

    def _new(self, entries: Sequence[int]) -> Entries:
        known = set(self._entries.tolist())
        return np.array([entry for entry in entries if entry not in known], np.int64)

    def _take(self, entries: Entries, step: str) -> None:
        """Make entries candidates, and embed what of them has not been embedded, as far as the budget goes."""
        if not len(entries):
            return
        self._entries = np.concatenate([self._entries, entries])
        if not self._trace.affords(step):
            self._cosines = np.concatenate([self._cosines, np.full(len(entries), np.nan, np.float32)])
            return
        chosen = [self._units(entry, text) for entry, text in zip(entries.tolist(), self._texts(entries), strict=True)]
        before = self._vectors.embedded
        units_of_all = [unit for own in chosen for unit in own]
        cosines = self._vectors.cosines(self._vector, units_of_all, max(0, self._most - before))
        starts = np.cumsum([0, *(len(own) for own in chosen)])[:-1]
        self._cosines = np.concatenate([self._cosines, np.fmax.reduceat(cosines, starts)])
        embedded = self._vectors.embedded - before
        self._trace.count(step, f"{len(entries)} candidates, {embedded} of them embedded", embedded)

    def _texts(self, entries: Entries) -> list[str]:
        """What the keys of these entries say."""
        index = self._words.index
        wanted: dict[int, set[str]] = {}
        nodes = [self._words.node(entry).id for entry in entries.tolist()]
        for entry, node in zip(entries.tolist(), nodes, strict=True):
            wanted.setdefault(int(index.documents[entry]), set()).add(node)
        said: dict[str, str] = {}
        for number, ids in wanted.items():
            stored = self._snapshot.at(number)
            said |= texts_of(stored.document, stored.shaped, ids)
        return [said[node] for node in nodes]

    def _units(self, entry: int, text: str) -> list[Unit]:
        """The unit of a text that holds most of the question's terms by their weights; if none holds one, all that are embedded anyway."""
        said = units(text)
        chosen: Sequence[int] = (0,)
        if len(said) > 1:
            # sets have no order, and only an exact sum needs none
            held = [fsum(self._weights.get(term, 0.0) for term in set(terms(one))) for one in said]
            chosen = range(len(said)) if self._whole and not any(held) else [held.index(max(held))]
        return [Unit(int(self._words.index.texts[entry]), place, said[place]) for place in chosen]

    def _fused(self) -> list[Hit]:
        """All candidates, best first; equal scores by source and place."""
        entries = self._entries
        if not len(entries):
            return []
        bm25 = self._words.scores(self._terms, entries, self._where)
        lengths: NDArray[Any] = self._words.index.lengths[entries]
        weight = WORDS * sqrt(float(lengths[: self._judges].mean()) / LENGTH)
        fused = standardised(self._cosines, self._judges) + weight * standardised(bm25, self._judges)
        fused -= fused.min()  # the worst candidate lifts no section
        ways = [
            tuple(compress(VIA, (matched, embedded)))
            for matched, embedded in zip(bm25 > 0, ~np.isnan(self._cosines), strict=True)
        ]
        hits = [
            Hit(self._words.node(entry), float(score), via)
            for entry, score, via in zip(entries.tolist(), fused, ways, strict=True)
        ]
        places = [
            (self._snapshot.sources()[int(number)][1], hit.node.start)
            for number, hit in zip(self._words.index.documents[entries], hits, strict=True)
        ]
        order = sorted(range(len(hits)), key=lambda place: (-hits[place].score, places[place]))
        return [hits[place] for place in order]
