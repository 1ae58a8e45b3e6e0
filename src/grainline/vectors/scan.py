"""The nearest rows, exactly: a fast pass in float32 whose rounding is bounded, then float64 for the few that can be among the first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grainline.vectors.distance import L1, L2, Distance
from grainline.vectors.rows import Places, Rows

#: as few rows are compared in float64 at once
FEW = 64
#: one value in so many is looked at to guess where the least ones end
STRIDE = 16
#: what float32 loses in one operation
UNIT = 2.0**-24
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


def lowest(values: NDArray[np.float32], count: int) -> Places:
    """Where the `count` least values stand, in no order. A bound taken from every `STRIDE`-th value spares sorting most of the rest."""
    places = np.arange(len(values))
    if len(values) > STRIDE * STRIDE and 0 < count < len(values) // 2:
        some = values[::STRIDE]
        bound = min(len(some) - 1, 2 * count // STRIDE + STRIDE)
        within = np.flatnonzero(values <= np.partition(some, bound)[bound])
        if len(within) >= count:
            places = within
    return places[np.argpartition(values[places], count - 1)[:count]] if count < len(places) else places


def _survivors(rows: Rows, distance: Distance, query: NDArray[np.float64], k: int, places: Places | None) -> Places:
    """Which rows can be among the `k` nearest: those whose least possible distance is within the k-th largest possible."""
    chosen: Places | slice = slice(None) if places is None else places
    norms, sizes = rows.norms[chosen], rows.sizes(chosen)
    keys = np.empty(len(norms), np.float32)
    length, asked = np.float32(np.linalg.norm(query)), query.astype(np.float32)
    for block, part in rows.parts(places):
        keys[block] = np.abs(rows.take(part) - asked).sum(axis=1) if distance is L1 else rows.dots(part, asked)
    # the usual bound on a float32 sum of d products, doubled for what rounding the query and the vectors adds
    loss = np.float32(2 * (rows.dimension + 8) * UNIT)
    if distance is L1:
        slack = loss * np.float32(np.sqrt(rows.dimension)) * (sizes + length)
    elif distance is L2:
        keys = norms * norms - 2 * keys
        slack = loss * (sizes * sizes + 2 * sizes * length)
    elif distance.needs_direction:
        keys, slack = -keys / norms, loss * (sizes / norms)
    else:
        keys, slack = -keys, loss * sizes * length
    slack += np.float32(TINY)
    worst = np.partition(keys + slack, k - 1)[k - 1]
    return np.flatnonzero(keys - slack <= worst)
