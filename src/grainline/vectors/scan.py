"""The nearest rows, exactly: a fast pass in float32 whose rounding is bounded, then float64 for the few that can be among the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grainline.vectors.distance import L1, L2, Distance
from grainline.vectors.rows import Places, Rows

#: as few rows are compared in float64 at once
FEW = 64
#: what float32 loses in one operation
UNIT = 2.0**-24
#: with lengths beyond this, float32 would overflow: then all is done in float64
FAST_NORM = 1e15
#: covers what underflows in float32
TINY = 1e-30


def nearest(
    rows: Rows, distance: Distance, query: NDArray[np.float64], k: int, places: Places | None = None
) -> tuple[Places, NDArray[np.float64]]:
    """The `k` nearest rows (of those at `places`), nearest first, equal ones by id, and their distances in float64."""
    count = len(rows) if places is None else len(places)
    if count > max(FEW, k):
        near = _survivors(rows, distance, query, k, places)
        places = near if places is None else places[near]
    elif places is None:
        places = np.arange(count)
    distances = np.empty(len(places))
    for block, matrix in rows.blocks(places):
        distances[block] = distance.function(query, matrix)
    best = np.lexsort((rows.ids[places], distances))[:k]
    return places[best], distances[best]


def _survivors(rows: Rows, distance: Distance, query: NDArray[np.float64], k: int, places: Places | None) -> Places:
    """Which rows can be among the `k` nearest: those whose least possible distance is within the k-th largest possible."""
    norms = rows.norms if places is None else rows.norms[places]
    keys = np.empty(len(norms), np.float32)
    length = float(np.linalg.norm(query)) if np.abs(query).max() < FAST_NORM else np.inf
    if max(length, float(norms.max())) > FAST_NORM:
        exact = np.empty(len(norms))
        for block, matrix in rows.blocks(places):
            exact[block] = distance.function(query, matrix)
        return np.flatnonzero(exact <= np.partition(exact, k - 1)[k - 1])
    asked = query.astype(np.float32)
    for block, matrix in rows.blocks(places):
        keys[block] = np.abs(matrix - asked).sum(axis=1) if distance is L1 else matrix @ asked
    # the usual bound on a float32 sum of d products, doubled for what rounding the query adds
    loss = np.float32(2 * (rows.dimension + 8) * UNIT)
    if distance is L1:
        slack = loss * np.float32(np.sqrt(rows.dimension)) * (norms + np.float32(length)) + np.float32(TINY)
    elif distance is L2:
        keys = norms * norms - 2 * keys
        slack = loss * norms * (norms + np.float32(2 * length)) + np.float32(TINY)
    elif distance.needs_direction:
        keys, slack = -keys / norms, np.full(len(keys), loss * length, np.float32)
    else:
        keys, slack = -keys, loss * norms * np.float32(length) + np.float32(TINY)
    worst = np.partition(keys + slack, k - 1)[k - 1]
    return np.flatnonzero(keys - slack <= worst)
