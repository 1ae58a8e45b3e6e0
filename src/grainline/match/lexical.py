"""BM25 over our own terms, exact: statistics count only what the asker may see, and pruning never changes a result.

Scores follow Robertson and Zaragoza (2009) with the non-negative inverse document frequency ln(1 + (N - n + .5) / (n + .5)).
Terms are taken rarest first; once the terms that are left cannot lift a new entry among the best k, they are only looked up
for the entries already met (MaxScore: Turtle and Flood, 1995).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.match.index import Index
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms
from grainline.types import EVERYWHERE, Hit, Node, Where

#: how soon repeats of a term in a text stop to count, and how much a text's length matters: between what suits prose and code
K1, B = 1.2, 0.5
#: how soon repeats in the question stop to count; matters for questions as long as a court's findings
K3 = 2.0
#: sums of single-precision gains may exceed the sum of their bounds by their rounding
SLACK = 1.0001
#: entries that tie with the k-th best are all weighed by source and place, up to so many
TIES = 1_000
#: with more terms, or fewer postings, adding everything up is faster than telling what need not be
PRUNED_TERMS, PRUNED_POSTINGS = 40, 50_000


@dataclass(frozen=True, slots=True)
class Found:
    """Postings of several terms, one behind the other: those of term i lie between `bounds[i]` and `bounds[i + 1]`, entries
    ascending; `gains` is what each posting adds to its entry's score, at most `most[i]`, which descend."""

    entries: NDArray[Any]
    gains: NDArray[Any]
    bounds: NDArray[Any]
    most: Sequence[float]

    def term(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Entries and gains of one term."""
        span = slice(self.bounds[number], self.bounds[number + 1])
        return self.entries[span], self.gains[span]

    def of(self, entries: NDArray[Any]) -> NDArray[np.float64]:
        """What each term adds to the score of each of some entries: a row a term."""
        made = np.zeros((len(self.most), len(entries)))
        # of the same type as the postings, which else would all be converted to be searched
        wanted = entries.astype(self.entries.dtype)
        for row in range(len(self.most) if len(entries) else 0):
            holding, gains = self.term(row)
            spots = np.minimum(holding.searchsorted(wanted), len(holding) - 1)
            made[row] = np.where(holding[spots] == wanted, gains[spots], 0.0)
        return made

    def scores(self, entries: NDArray[Any]) -> NDArray[np.float64]:
        """The score of each of some entries; 0 where it holds none of the terms. Gains are added in the order of the terms either way."""
        if len(self.most) * len(entries) < len(self.entries):
            total = np.zeros(len(entries))
            for gains in self.of(entries):
                total += gains
            return total
        places = np.argsort(entries, kind="stable")
        spots = np.minimum(entries.searchsorted(self.entries, sorter=places), max(0, len(entries) - 1))
        held = entries[places[spots]] == self.entries if len(entries) else np.zeros(0, bool)
        return np.bincount(places[spots[held]], self.gains[held], len(entries)).astype(np.float64)


class Lexical:
    """Matches a question with the keys of one kind by BM25."""

    def __init__(self, snapshot: Snapshot, kind: str = "text") -> None:
        self._snapshot = snapshot
        self._kind = kind

    def match(self, question: str, k: int, where: Where = EVERYWHERE) -> list[Hit]:
        """At most `k` hits with a score above zero, best first; equal scores in order of source and place."""
        found = self.found(Index.of(self._snapshot, self._kind), question_terms(question), where)
        return [Hit(self.node(entry), score, (f"bm25:{self._kind}",)) for entry, score in self.first(found, k)]

    @cached_property
    def index(self) -> Index:
        """The index of this kind of keys."""
        return Index.of(self._snapshot, self._kind)

    def node(self, entry: int) -> Node:
        """The node that an entry of the index points at."""
        return self._snapshot.at(int(self.index.documents[entry])).shaped.nodes[int(self.index.nodes[entry])]

    def ranked(self, terms: Sequence[str], k: int, where: Where = EVERYWHERE) -> list[tuple[int, float]]:
        """At most `k` entries with a score above zero, with their scores, in the order of `match`."""
        return self.first(self.found(self.index, terms, where), k)

    def first(self, found: Found, k: int) -> list[tuple[int, float]]:
        """At most `k` entries of what was found with a score above zero, in the order of `match`."""
        scored = best(found, self.index.size, k)
        if len({score for _, score in scored}) < len(scored):
            places = self._places([entry for entry, _ in scored])
            scored.sort(key=lambda found: (-found[1], places[found[0]]))
        return scored[:k]

    def _places(self, entries: Sequence[int]) -> dict[int, tuple[str, int]]:
        """Source and place of entries; nodes are numbered in reading order."""
        sources, index = self._snapshot.sources(), self.index
        held = zip(index.documents[entries].tolist(), index.nodes[entries].tolist(), strict=True)
        return {entry: (sources[number][1], node) for entry, (number, node) in zip(entries, held, strict=True)}

    def in_order(self, where: Where = EVERYWHERE) -> NDArray[np.int64]:
        """All entries that may be seen, by source and place."""
        allowed = self.index.allowed(where)
        entries = np.arange(self.index.size) if allowed is None else np.flatnonzero(allowed)
        ranks = np.zeros(self._snapshot.manifest.next_document, np.int64)
        by_source = sorted(self._snapshot.sources().items(), key=lambda held: held[1][1])
        ranks[[number for number, _ in by_source]] = np.arange(len(by_source))
        return entries[np.lexsort((self.index.nodes[entries], ranks[self.index.documents[entries]]))]

    def weights(self, terms: Sequence[str], where: Where = EVERYWHERE) -> dict[str, float]:
        """The inverse document frequency of each distinct term among the keys that may be seen; unseen terms weigh most."""
        visible, _ = self._snapshot.keep(("bm25", self._kind, where), lambda: _statistics(self.index, where))
        wanted = list(dict.fromkeys(terms))
        return {term: _rarity(visible, count) for term, count in zip(wanted, self.index.counts(wanted, where), strict=True)}

    def found(self, index: Index, terms: Sequence[str], where: Where) -> Found:
        """What the distinct terms of a question find, the most telling term first."""
        visible, average = self._snapshot.keep(("bm25", self._kind, where), lambda: _statistics(index, where))
        wanted = Counter(terms)
        found = []
        for times, (entries, counts) in zip(wanted.values(), index.postings(list(wanted), where), strict=True):
            if len(entries):
                weight = times * (K3 + 1) / (K3 + times) * _rarity(visible, len(entries))
                found.append((weight * (K1 + 1), weight, entries, counts))
        found.sort(key=lambda term: -term[0])
        every = np.concatenate([np.zeros(0, np.uint32), *[entries for _, _, entries, _ in found]])
        occurs = np.concatenate([np.zeros(0, np.uint8), *[counts for *_, counts in found]]).astype(np.float32)
        sizes = [len(entries) for _, _, entries, _ in found]
        weights = np.repeat(np.array([weight * (K1 + 1) for _, weight, _, _ in found], np.float32), sizes)
        norms = np.float32(K1 * (1 - B)) + np.float32(K1 * B / max(average, 1e-9)) * index.lengths[every]
        return Found(every, weights * occurs / (occurs + norms), np.cumsum([0, *sizes]), [most for most, *_ in found])


@lru_cache(maxsize=1 << 14)
def _rarity(visible: int, holding: int) -> float:
    """The inverse document frequency of a term that `holding` of `visible` keys hold."""
    return log(1 + (visible - holding + 0.5) / (holding + 0.5))


def _statistics(index: Index, where: Where) -> tuple[int, float]:
    """How many entries may be seen, and their mean length in terms."""
    allowed = index.allowed(where)
    lengths = index.lengths if allowed is None else index.lengths[allowed]
    return len(lengths), float(lengths.mean(dtype=np.float64)) if len(lengths) else 0.0


def best(found: Found, size: int, k: int) -> list[tuple[int, float]]:
    """The entries with the k best sums of gains, with their scores, best first; those that tie with the k-th are given, too.

    `size` is the number of entries that there are. Sums are taken in double precision in the order of the terms, so that it makes
    no difference which way they are taken.
    """
    if not len(found.entries) or k < 1:
        return []
    if len(found.most) > PRUNED_TERMS or len(found.entries) < PRUNED_POSTINGS:
        scores = np.bincount(found.entries, found.gains, size)
        candidates = np.flatnonzero(scores) if size < PRUNED_POSTINGS else np.unique(found.entries)
        reached = scores[candidates]
    else:
        candidates, reached = _pruned(found, size, k)
    if len(reached) > k:
        kept = reached >= _kth(reached, k)
        candidates, reached = candidates[kept], reached[kept]
    order = np.lexsort((candidates, -reached))[: k + TIES]
    return list(zip(candidates[order].tolist(), reached[order].tolist(), strict=True))


def _pruned(found: Found, size: int, k: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Entries with their scores, all of the k best among them: rare terms first, common ones only looked up."""
    rest = np.cumsum([0.0, *reversed(found.most)])[::-1] * SLACK
    scores = np.zeros(size, np.float64)
    threshold, turn = 0.0, 0
    while turn < len(found.most) and rest[turn] >= threshold:
        entries, gains = found.term(turn)
        scores[entries] += gains
        turn += 1
        if len(entries) >= k:
            threshold = max(threshold, _kth(scores[entries], k))
    candidates = np.unique(found.entries[: found.bounds[turn]])
    reached = scores[candidates]
    for later in range(turn, len(found.most)):
        hopeful = reached >= _kth(reached, k) - rest[later]
        candidates, reached = candidates[hopeful], reached[hopeful]
        entries, gains = found.term(later)
        places = np.minimum(entries.searchsorted(candidates), len(entries) - 1)
        reached += np.where(entries[places] == candidates, gains[places], np.float32(0))
    return candidates, reached


def _kth(values: NDArray[Any], k: int) -> float:
    """The k-th largest value, or 0 if there are fewer."""
    return float(np.partition(values, len(values) - k)[len(values) - k]) if len(values) >= k else 0.0
