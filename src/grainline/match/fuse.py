"""Fusing what several matchers found: by rank, or by score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grainline.types import Hit

Scores = NDArray[np.float64]

#: the constant of Cormack, Clarke and Buettcher (2009)
RRF_CONSTANT = 60


def reciprocal_rank_fusion(rankings: Sequence[Sequence[Hit]], k: int) -> list[Hit]:
    """The `k` nodes with the highest sum of 1 / (60 + rank) over the rankings, whatever the order of these.

    A hit that stands in several keeps the names of all ways to it in `via`, sorted. Equal sums go by node id.
    """
    sums: dict[str, list[float]] = {}
    nodes: dict[str, Hit] = {}
    ways: dict[str, set[str]] = {}
    for ranking in rankings:
        for rank, hit in enumerate(ranking, 1):
            sums.setdefault(hit.node.id, []).append(1 / (RRF_CONSTANT + rank))
            nodes.setdefault(hit.node.id, hit)
            ways.setdefault(hit.node.id, set()).update(hit.via)
    # summed in order of size, so that the order of the rankings leaves no trace in the last digit
    totals = {node: sum(sorted(parts)) for node, parts in sums.items()}
    order = sorted(totals, key=lambda node: (-totals[node], node))
    return [Hit(nodes[node].node, totals[node], tuple(sorted(ways[node]))) for node in order[:k]]


def standardised(scores: NDArray[np.floating], judges: int | None = None) -> Scores:
    """Scores as standard deviations from the mean of the first `judges` of them (None: all): comparable with any others over the same
    candidates, whatever range an encoder or BM25 uses. A score that is not known (NaN) counts as the mean.

    >>> standardised(np.array([0.7, 0.8, 0.9, np.nan])).round(2).tolist()
    [-1.22, 0.0, 1.22, 0.0]
    """
    known = ~np.isnan(scores)
    centred = np.where(known, scores, 0.0).astype(np.float64)
    judging = centred[:judges][known[:judges]]
    if not len(judging):
        return np.zeros(len(scores))
    centred[known] -= judging.mean()
    spread = judging.std()
    return centred / spread if spread > 1e-9 else np.zeros(len(scores))
