"""BM25 over our own terms, exact: statistics count only what the asker may see, and pruning never changes a result.

Scores follow Robertson and Zaragoza (2009) with the non-negative inverse document frequency ln(1 + (N - n + .5) / (n + .5)).
Terms are taken rarest first; once the terms that are left cannot lift a new entry among the best k, they are only looked up
for the entries already met (MaxScore: Turtle and Flood, 1995).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.match.index import Index
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms
from grainline.types import EVERYWHERE, Hit, Where

#: how soon repeats of a term in a text stop to count, and how much a text's length matters: between what suits prose and code
K1, B = 1.2, 0.5
#: how soon repeats in the question stop to count; matters for questions as long as a court's findings
K3 = 2.0
#: sums of single-precision gains may exceed the sum of their bounds by their rounding
SLACK = 1.0001
#: entries that tie with the k-th best are all weighed by source and place, up to so many
TIES = 1_000
#: terms whose postings are kept at hand between questions
HELD_TERMS = 4_096


@dataclass(frozen=True, slots=True)
class Found:
    """A term's postings with what each one adds to a score, at most `most`."""

    entries: NDArray[Any]
    gains: NDArray[Any]
    most: float


class Lexical:
    """Matches a question with the keys of one kind by BM25."""

    def __init__(self, snapshot: Snapshot, kind: str = "text") -> None:
        self._snapshot = snapshot
        self._kind = kind

    def match(self, question: str, k: int, where: Where = EVERYWHERE) -> list[Hit]:
        """At most `k` hits with a score above zero, best first; equal scores in order of source and place."""
        index = Index.of(self._snapshot, self._kind)
        scored = best(self.found(index, question_terms(question), where), index.size, k)
        if not scored:
            return []
        hits = []
        for entry, score in scored:
            stored = self._snapshot.at(int(index.documents[entry]))
            hits.append(Hit(stored.shaped.nodes[int(index.nodes[entry])], score, (f"bm25:{self._kind}",)))
        if len({score for _, score in scored}) < len(scored):
            sources = {hit.node.id: self._snapshot.document(hit.node.document_id).source for hit in hits}
            hits.sort(key=lambda hit: (-hit.score, sources[hit.node.id], hit.node.start))
        return hits[:k]

    def weights(self, question: str, where: Where = EVERYWHERE) -> dict[str, float]:
        """The inverse document frequency of each distinct term of a question among the keys that may be seen; unseen terms weigh most."""
        index = Index.of(self._snapshot, self._kind)
        visible, _ = self._snapshot.keep(("bm25", self._kind, where), lambda: _statistics(index, where))
        counts = {term: len(index.postings(term, where)[0]) for term in dict.fromkeys(question_terms(question))}
        return {term: log(1 + (visible - n + 0.5) / (n + 0.5)) for term, n in counts.items()}

    def found(self, index: Index, terms: Sequence[str], where: Where) -> list[Found]:
        """What each distinct term of a question finds, the most telling first."""
        visible, average = self._snapshot.keep(("bm25", self._kind, where), lambda: _statistics(index, where))
        if not visible:
            return []
        held: dict[str, tuple[NDArray[Any], NDArray[Any]]] = self._snapshot.keep(("gains", self._kind, where), dict)
        if len(held) > HELD_TERMS:
            held.clear()
        found = []
        for term, times in Counter(terms).items():
            if term not in held:
                entries, counts = index.postings(term, where)
                occurs = counts.astype(np.float32)
                norms = np.float32(K1 * (1 - B)) + np.float32(K1 * B / max(average, 1e-9)) * index.lengths[entries]
                held[term] = entries, occurs * np.float32(K1 + 1) / (occurs + norms)
            entries, gains = held[term]
            if n := len(entries):
                weight = times * (K3 + 1) / (K3 + times) * log(1 + (visible - n + 0.5) / (n + 0.5))
                found.append(Found(entries, gains * np.float32(weight), weight * (K1 + 1)))
        found.sort(key=lambda term: -term.most)
        return found


def _statistics(index: Index, where: Where) -> tuple[int, float]:
    """How many entries may be seen, and their mean length in terms."""
    allowed = index.allowed(where)
    lengths = index.lengths if allowed is None else index.lengths[allowed]
    return len(lengths), float(lengths.mean(dtype=np.float64)) if len(lengths) else 0.0


def best(found: Sequence[Found], size: int, k: int) -> list[tuple[int, float]]:
    """The entries with the k best sums of gains, with their scores, best first; all that tie with the k-th are given, too.

    `found` is in descending order of `most`; `size` is the number of entries that there are.
    """
    if not found or k < 1:
        return []
    rest = [0.0]
    for term in reversed(found):
        rest.append(rest[-1] + term.most)
    rest.reverse()
    scores = np.zeros(size, np.float32)
    met: list[NDArray[Any]] = []
    threshold, turn = 0.0, 0
    while turn < len(found) and rest[turn] * SLACK >= threshold:
        term = found[turn]
        scores[term.entries] += term.gains
        met.append(term.entries)
        turn += 1
        if turn < len(found) and len(term.entries) >= k:
            reached = scores[term.entries]
            threshold = max(threshold, float(np.partition(reached, len(reached) - k)[len(reached) - k]))
    candidates = np.unique(np.concatenate(met)) if len(met) > 1 else met[0]
    reached = scores[candidates]
    for later in range(turn, len(found)):
        if len(reached) > k:
            threshold = max(threshold, float(np.partition(reached, len(reached) - k)[len(reached) - k]))
        hopeful = reached >= threshold - rest[later] * SLACK
        candidates, reached = candidates[hopeful], reached[hopeful]
        term = found[later]
        places = np.minimum(np.searchsorted(term.entries, candidates), len(term.entries) - 1)
        reached += np.where(term.entries[places] == candidates, term.gains[places], np.float32(0))
    if len(reached) > k:
        last = np.partition(reached, len(reached) - k)[len(reached) - k]
        kept = reached >= last
        candidates, reached = candidates[kept], reached[kept]
    order = np.lexsort((candidates, -reached))[: k + TIES]
    return [(int(candidates[place]), float(reached[place])) for place in order]
