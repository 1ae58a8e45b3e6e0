"""Where the names of a library stand in a text: the longest at each place, without going through the names.

All runs of one and two tokens are looked up at once; only behind the head of a longer name are longer runs tried. That is what an
automaton of Aho and Corasick (1975) finds, read from sorted numbers that change with the documents instead of a graph made of all names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grainline.graph.spelling import FACTOR, HEAD, LONGEST, Numbers, numbered

#: for names by their numbers, how many nodes go by each
Bearers = Callable[[Numbers], NDArray[np.int64]]


@dataclass(frozen=True, slots=True)
class Mention:
    """A name, by its number, at `start:end` of a text; `bearers` nodes go by it."""

    name: int
    start: int
    end: int
    bearers: int


def mentions(text: str, known: Callable[[Numbers], NDArray[np.bool_]], bearers: Bearers) -> list[Mention]:
    """The names in a text from left to right, none inside another. `known` may say yes to names that nobody bears."""
    tokens, words = numbered(text)
    if not words:
        return []
    pairs = tokens[:-1] * np.uint64(FACTOR) + tokens[1:]
    # asked at once: which tokens are names, which pairs of them, and which pairs are heads of longer ones
    runs = np.concatenate([tokens, pairs, pairs ^ np.uint64(HEAD)])
    hits = np.flatnonzero(known(runs))
    behind = len(tokens) + len(pairs)
    short, heads = hits[hits < behind], hits[hits >= behind] - behind
    found = [(runs[short], short % len(tokens), 1 + short // len(tokens)), *_longer(tokens, heads, known)]
    names, starts, lengths = (np.concatenate(column) for column in zip(*found, strict=True))
    made: list[Mention] = []
    free = 0
    # from left to right, the longest first
    for start, less, name, count in sorted(
        zip(starts.tolist(), (-lengths).tolist(), names.tolist(), bearers(names).tolist(), strict=True)
    ):
        if count and start >= free:
            free = start - less
            made.append(Mention(name, words[start].start(), words[free - 1].end(), count))
    return made


Found = tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]


def _longer(tokens: Numbers, heads: NDArray[np.int64], known: Callable[[Numbers], NDArray[np.bool_]]) -> list[Found]:
    """Names of three tokens and more, all lengths behind each head at once."""
    if not len(heads):
        return []
    powers, inverses = _powers(len(tokens) + 1)
    # sums[j] - sums[i] is the number of tokens i to j - 1, but for a power of the factor
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(tokens * inverses[: len(tokens)], dtype=np.uint64)])
    starts = np.repeat(heads, LONGEST - 2)
    ends = starts + np.tile(np.arange(3, LONGEST + 1), len(heads))
    inside = ends <= len(tokens)
    starts, ends = starts[inside], ends[inside]
    runs = powers[ends - 1] * (sums[ends] - sums[starts])
    hit = known(runs)
    return [(runs[hit], starts[hit], (ends - starts)[hit])]


@lru_cache(maxsize=8)
def _powers_of(length: int) -> tuple[Numbers, Numbers]:
    """The powers of the factor from the 0th on, and their inverses modulo 2^64."""
    factors = np.full(length, FACTOR, np.uint64)
    inverse = np.full(length, pow(FACTOR, -1, 1 << 64), np.uint64)
    factors[0] = inverse[0] = 1
    return np.cumprod(factors, dtype=np.uint64), np.cumprod(inverse, dtype=np.uint64)


def _powers(length: int) -> tuple[Numbers, Numbers]:
    """As many powers as asked for, or some more, so that few lengths are ever made."""
    return _powers_of(max(1024, 1 << (length - 1).bit_length()))
