"""Fusing ranked lists."""

from __future__ import annotations

from collections.abc import Sequence

from grainline.types import Hit

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
