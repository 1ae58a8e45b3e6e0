"""Where the names of a library stand in a text: the longest at each place, without going through the names.

All runs of one and two tokens are looked up at once; only behind the head of a longer name are longer runs tried. That is what an
automaton of Aho and Corasick (1975) finds, read from sorted numbers that change with the documents instead of a graph made of all names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    tokens, spans = numbered(text)
    if not len(tokens):
        return []
    found = [_runs(tokens, known(tokens), 1)]
    if len(tokens) > 1:
        pairs = tokens[:-1] * np.uint64(FACTOR) + tokens[1:]
        found.append(_runs(pairs, known(pairs), 2))
        found += _longer(tokens, pairs, known)
    names, starts, lengths = (np.concatenate(column) for column in zip(*found, strict=True))
    if not len(names):
        return []
    distinct, place = np.unique(names, return_inverse=True)
    counts = bearers(distinct)[place]
    made: list[Mention] = []
    free = 0
    for at in np.lexsort((-lengths, starts)).tolist():
        if counts[at] and starts[at] >= free:
            free = int(starts[at] + lengths[at])
            made.append(Mention(int(names[at]), spans[int(starts[at])][0], spans[free - 1][1], int(counts[at])))
    return made


Found = tuple[Numbers, NDArray[np.int64], NDArray[np.int64]]


def _runs(runs: Numbers, hit: NDArray[np.bool_], length: int) -> Found:
    """Those of the runs that are hit, each beginning at the token of its own place."""
    starts = np.flatnonzero(hit)
    return runs[starts], starts, np.full(len(starts), length, np.int64)


def _longer(tokens: Numbers, pairs: Numbers, known: Callable[[Numbers], NDArray[np.bool_]]) -> list[Found]:
    """Names of three tokens and more."""
    found: list[Found] = []
    starts = np.flatnonzero(known(pairs ^ np.uint64(HEAD)))
    runs = pairs[starts]
    for length in range(3, LONGEST + 1):
        inside = starts + length <= len(tokens)
        starts, runs = starts[inside], runs[inside]
        if not len(starts):
            break
        runs = runs * np.uint64(FACTOR) + tokens[starts + length - 1]
        hit = known(runs)
        found.append((runs[hit], starts[hit], np.full(int(hit.sum()), length, np.int64)))
    return found
