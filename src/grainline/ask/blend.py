"""Rankings of several questions made one: what a person asked counts most, and each derived question puts its best forward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from grainline.types import Hit


@dataclass(frozen=True, slots=True)
class Ranking:
    """What one question found, best first, and what that counts; `said` is what `via` tells of it, "" for nothing."""

    hits: Sequence[Hit]
    weight: float = 1.0
    said: str = ""


def blend(rankings: Sequence[Ranking], k: int, place: Callable[[Hit], tuple[str, int]]) -> list[Hit]:
    """The `k` hits with the highest sum of weight / rank over the rankings; equal sums go by `place` (source and start).

    Steeper than reciprocal rank fusion, whose constant of 60 lets what several questions found in passing outrank what one found at
    once: of questions that ask for different things, each has evidence of its own. A hit keeps all ways to it in `via`, in their order.
    """
    parts: dict[str, list[float]] = {}
    firsts: dict[str, Hit] = {}
    ways: dict[str, dict[str, None]] = {}
    for ranking in rankings:
        for rank, hit in enumerate(ranking.hits, 1):
            firsts.setdefault(hit.node.id, hit)
            parts.setdefault(hit.node.id, []).append(ranking.weight / rank)
            ways.setdefault(hit.node.id, {}).update(dict.fromkeys((*hit.via, *filter(None, [ranking.said]))))
    # summed in order of size, so that the order of the rankings leaves no trace in the last digit
    totals = {node: sum(sorted(own)) for node, own in parts.items()}
    order = sorted(totals, key=lambda node: (-totals[node], place(firsts[node])))
    return [Hit(firsts[node].node, totals[node], tuple(ways[node])) for node in order[:k]]
