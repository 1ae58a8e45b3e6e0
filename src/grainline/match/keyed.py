"""Several kinds of keys matched together by BM25, one hit a node that says which of its keys matched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.match.index import Index
from grainline.match.lexical import K1, Lexical
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms
from grainline.types import EVERYWHERE, Hit, Node, Where

Floats = NDArray[np.float64]
#: what the other keys of a node add to its best one, as a share of theirs: a node that several keys point at is likelier meant, but two
#: keys often say the same words (the "tie breaker" of a disjunction max query)
OTHERS = 0.3
#: bits of a node's place in its document, in the number that stands for the node
PLACE_BITS = 32


@dataclass(frozen=True, slots=True)
class Matches:
    """Nodes with a key that shares a term with the question. `nodes` are numbers, ascending (see `Keyed.node`); `shares[i, j]` is what the
    best key of node i of the j-th of `kinds` holds of the question, 0 where none matched: its BM25 score as a share of the weight of
    the question's terms among the keys of that kind, and so comparable between kinds."""

    kinds: tuple[str, ...]
    nodes: NDArray[np.int64]
    shares: Floats

    def fused(self, weights: Sequence[float], others: float = OTHERS) -> Floats:
        """A score for each node: its best share, each multiplied by the weight of its kind, and `others` of all the others."""
        weighted = self.shares * np.array(weights, np.float64)
        best = weighted.max(axis=1, initial=0.0)
        result: Floats = best + others * (weighted.sum(axis=1) - best)
        return result


class Keyed:
    """Matches a question with the keys of several kinds; `weights` says by kind what a match of such a key counts."""

    def __init__(self, snapshot: Snapshot, weights: Mapping[str, float]) -> None:
        self._snapshot = snapshot
        self.weights = dict(weights)
        self.lexical = {kind: Lexical(snapshot, kind) for kind in weights}

    def match(self, question: str, k: int, where: Where = EVERYWHERE) -> list[Hit]:
        """At most `k` nodes, best first, equal scores by source and place; `via` names the kinds of keys that matched, the best first."""
        matches = self.matches(question_terms(question), where)
        scores = matches.fused(list(self.weights.values()))
        order = self.best(matches.nodes, scores, k)
        return [Hit(self.node(int(matches.nodes[at])), float(scores[at]), self.via(matches, at)) for at in order]

    def matches(self, terms: Sequence[str], where: Where = EVERYWHERE) -> Matches:
        """All nodes with a key that holds one of the terms."""
        found = [self._of_kind(lexical, terms, where) for lexical in self.lexical.values()]
        nodes = np.unique(np.concatenate([np.zeros(0, np.int64), *[owners for owners, _ in found]]))
        shares = np.zeros((len(nodes), len(found)))
        for column, (owners, scores) in enumerate(found):
            np.maximum.at(shares[:, column], np.searchsorted(nodes, owners), scores)
        return Matches(tuple(self.lexical), nodes, shares)

    def _of_kind(self, lexical: Lexical, terms: Sequence[str], where: Where) -> tuple[NDArray[np.int64], Floats]:
        """The nodes that keys of one kind point at, in the order of the keys, with the share of each key that holds a term."""
        index = lexical.index
        if not index.size:
            return np.zeros(0, np.int64), np.zeros(0)
        found = lexical.found(index, terms, where)
        scores = np.bincount(found.entries, found.gains, index.size)
        entries = np.flatnonzero(scores)
        weights = lexical.weights(terms, where)
        # a term in the question twice is taken once: what matters is that all keys of a kind are divided by one number
        whole = (K1 + 1) * sum(weights.values()) or 1.0
        return self.numbers(index, entries), scores[entries] / whole

    @staticmethod
    def numbers(index: Index, entries: NDArray[Any]) -> NDArray[np.int64]:
        """The numbers of the nodes that entries of an index point at."""
        places: NDArray[np.int64] = index.documents[entries].astype(np.int64) << PLACE_BITS
        places |= index.nodes[entries].astype(np.int64)
        return places

    def node(self, number: int) -> Node:
        """The node that a number stands for."""
        return self._snapshot.at(number >> PLACE_BITS).shaped.nodes[number & ((1 << PLACE_BITS) - 1)]

    def best(self, nodes: NDArray[np.int64], scores: Floats, k: int) -> list[int]:
        """The places of the `k` best scores, best first; equal ones by source and place."""
        order = np.argsort(-scores, kind="stable")
        if len(order) > k > 0:
            order = order[: int(np.searchsorted(-scores[order], -scores[order[k - 1]], "right"))]
        sources = self._snapshot.sources()
        place = (1 << PLACE_BITS) - 1

        def rank(at: int) -> tuple[float, str, int]:
            """By score, then by source and place."""
            return -float(scores[at]), sources[int(nodes[at]) >> PLACE_BITS][1], int(nodes[at]) & place

        return sorted(order.tolist(), key=rank)[: max(0, k)]

    def via(self, matches: Matches, at: int) -> tuple[str, ...]:
        """Which kinds of keys matched a node, the one that counted most first: "bm25:caption"."""
        counted = {
            kind: float(share) * self.weights[kind] for kind, share in zip(matches.kinds, matches.shares[at], strict=True)
        }
        return tuple(f"bm25:{kind}" for kind in sorted(counted, key=lambda kind: -counted[kind]) if counted[kind] > 0)
