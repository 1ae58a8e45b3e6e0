"""Which family: comparing all as long as that is quick; something approximate only after its recall was measured on these vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grainline.errors import UsageError
from grainline.vectors.distance import COSINE, Distance, rows_of
from grainline.vectors.families import available, build, family
from grainline.vectors.index import Index, ids_of
from grainline.vectors.types import Numbers, VectorIndex

#: below this many vectors all are compared in float32: one to two milliseconds at 384 dimensions
EXACT_BELOW = 10_000
#: below this many all are compared by binary codes (one or two milliseconds for each 50,000), if those find what is asked
BINARY_BELOW = 200_000
#: in the order in which they are tried: the quickest to build first
APPROXIMATE = ("binary", "ivf", "graph")
EFFORTS = (1.0, 2.0, 4.0, 8.0)
K = 10
QUERIES = 100  #: vectors taken as questions where none are given
TARGET = 0.95
SEED = 2026
AT_ONCE = 1 << 16


@dataclass(frozen=True, slots=True)
class Measured:
    """A family at an effort: recall@10 against comparing all, milliseconds of a search (median, 95th percentile), and what it holds."""

    family: str
    effort: float
    recall: float
    p50_ms: float
    p95_ms: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The family chosen and why, what was measured, and the index, built over all the vectors."""

    name: str
    reason: str
    measured: tuple[Measured, ...]
    index: Index


def choose(
    vectors: ArrayLike,
    sample: ArrayLike | None = None,
    target_recall: float = TARGET,
    distance: Distance = COSINE,
    ids: ArrayLike | None = None,
    families: Sequence[str] | None = None,
) -> Choice:
    """Choose among `families` (None: exact and `APPROXIMATE`, where installed) for these vectors, and build.

    `sample` holds questions as vectors; without one, `QUERIES` of the vectors are asked for while they are left out. Raises
    `UsageError`, and `MissingExtraError` for a family named and not installed.
    """
    matrix = rows_of(vectors, "vectors")
    if not 0 < target_recall <= 1:
        raise UsageError(f"a recall above 0 and up to 1 can be asked for, not {target_recall}")
    named = np.arange(len(matrix)) if ids is None else ids_of(ids)
    if len(named) != len(matrix):
        raise UsageError(f"{len(matrix)} vectors cannot go by {len(named)} ids")
    wanted = (
        [name for name in ("exact", *APPROXIMATE) if name in available()]
        if families is None
        else [family(f).name for f in families]
    )
    if len(matrix) < EXACT_BELOW or wanted == ["exact"]:
        name, _, reason = decide(len(matrix), (), target_recall)
        return Choice(name, reason, (), build(name, matrix, named, distance))
    kept, queries = held_out(matrix, QUERIES) if sample is None else (np.arange(len(matrix)), rows_of(sample, "sample"))
    searched = matrix if sample is not None else matrix[kept]
    right = truth(searched, queries, distance)
    measured: list[Measured] = []
    best: Index | None = None
    for name in (name for name in wanted if name != "exact"):
        index = build(name, searched, named[kept], distance)
        measured += climb(index, name, queries, named[kept][right], target_recall)
        chosen, effort, _ = decide(len(matrix), measured, target_recall)
        if chosen == name:
            best, index.effort = index, effort
        if best and (len(matrix) < BINARY_BELOW or chosen != "binary"):
            break
    name, _, reason = decide(len(matrix), measured, target_recall)
    if best is None:
        return Choice(name, reason, tuple(measured), build(name, matrix, named, distance))
    left = np.setdiff1d(np.arange(len(matrix)), kept)
    best.add(matrix[left], named[left])
    return Choice(name, reason, tuple(measured), best)


def decide(count: int, measured: Sequence[Measured], target: float) -> tuple[str, float, str]:
    """The family for `count` vectors, its effort and the reason: exact when they are few, else the fastest that was measured to find
    the target; exact again when none does.

    >>> decide(500, [], 0.95)
    ('exact', 1.0, '500 vectors are few enough to compare them all (under 10,000)')
    """
    if count < EXACT_BELOW:
        return "exact", 1.0, f"{count:,} vectors are few enough to compare them all (under {EXACT_BELOW:,})"
    least: dict[str, Measured] = {}  # of each family the lowest effort that is enough
    for run in sorted(measured, key=lambda run: run.effort):
        if run.recall >= target and run.family != "exact":
            least.setdefault(run.family, run)
    passing = list(least.values())
    if not passing:
        tried = ", ".join(f"{run.family} {run.recall:.3f}" for run in measured if run.family != "exact") or "nothing else"
        return "exact", 1.0, f"no other family was measured to find {target:g} of the {K} nearest ({tried})"
    binary = [run for run in passing if run.family == "binary"]
    best = min(binary if binary and count < BINARY_BELOW else passing, key=lambda run: run.p50_ms)
    limit = f"; under {BINARY_BELOW:,} vectors it is enough" if best.family == "binary" and count < BINARY_BELOW else ""
    return (
        best.family,
        best.effort,
        f"it finds {best.recall:.3f} of the {K} nearest ({target:g} asked) in {best.p50_ms:.2f} ms with "
        f"{best.memory_bytes / 1e6:.0f} MB for {count:,} vectors{limit}",
    )


def held_out(matrix: NDArray[np.generic], count: int) -> tuple[Numbers, NDArray[np.generic]]:
    """Places of the rows that stay, and `count` rows (at most a tenth of all) as questions, always the same ones."""
    asked = np.sort(np.random.default_rng(SEED).choice(len(matrix), max(1, min(count, len(matrix) // 10)), replace=False))
    return np.setdiff1d(np.arange(len(matrix)), asked), matrix[asked]


def truth(matrix: NDArray[np.generic], queries: ArrayLike, distance: Distance) -> Numbers:
    """For each query the places of the `K` nearest rows, by comparing all; a block of rows at a time, so that memory stays small."""
    asked = rows_of(queries, "queries")
    k = min(K, len(matrix))
    places, distances = np.empty((len(asked), 0), np.int64), np.empty((len(asked), 0))
    for start in range(0, len(matrix), AT_ONCE):
        block = matrix[start : start + AT_ONCE]
        index = build("exact", block, np.arange(start, start + len(block)), distance)
        found = [index.search(query, k) for query in asked]
        places = np.hstack([places, [one.ids for one in found]])
        distances = np.hstack([distances, [one.distances for one in found]])
        best = np.argsort(distances, axis=1, kind="stable")[:, :k]
        places, distances = np.take_along_axis(places, best, 1), np.take_along_axis(distances, best, 1)
    return places


def climb(index: VectorIndex, name: str, queries: ArrayLike, right: Numbers, target: float) -> list[Measured]:
    """Measure at growing effort until the target is reached."""
    runs: list[Measured] = []
    for effort in EFFORTS:
        runs.append(measure(index, name, effort, queries, right))
        if runs[-1].recall >= target:
            break
    return runs


def measure(index: VectorIndex, name: str, effort: float, queries: ArrayLike, right: Numbers) -> Measured:
    """Search for each query once (the first twice: it warms up); `right` holds the ids that comparing all finds."""
    index.effort = effort
    asked = rows_of(queries, "queries")
    index.search(asked[0], K)
    times, hits = [], 0
    for query, ids in zip(asked, right, strict=True):
        start = perf_counter()
        found = index.search(query, K)
        times.append((perf_counter() - start) * 1000)
        hits += len(np.intersect1d(found.ids, ids))
    p50, p95 = np.percentile(times, [50, 95])
    return Measured(name, effort, hits / max(1, right.size), float(p50), float(p95), index.memory_bytes())
