"""Distances between vectors, lower is nearer: which of them are metrics, which rank alike, and how none of them overflows.

A metric d is 0 only between equal points, symmetric, and satisfies the triangle inequality d(x, y) <= d(x, z) + d(z, y). Only for a
metric does a bound follow for what was not compared.

All are computed in float64 and scaled by powers of two (which is exact), so that neither huge nor tiny values change an answer.
NaN and infinity are refused, and so is a result that a float64 cannot hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grainline.errors import UsageError

Floats = NDArray[np.float64]
#: rows compared in one go: a few megabytes
AT_ONCE = 2048


def rows_of(values: ArrayLike, what: str) -> NDArray[Any]:
    """`values` as a matrix of real numbers, a vector as its only row; raises `UsageError` if they are none, or empty rows."""
    try:
        matrix = np.asarray(values)
    except ValueError as error:
        raise UsageError(f"{what}: rows of one length are needed: {error}") from None
    if matrix.dtype.kind not in "fiub" or matrix.ndim not in (1, 2) or not matrix.shape[-1]:
        raise UsageError(f"{what}: a vector or a matrix of real numbers is needed, not {matrix.dtype} of shape {matrix.shape}")
    return matrix.reshape(-1, matrix.shape[-1])


def check_finite(matrix: NDArray[Any], what: str, start: int = 0) -> None:
    """Raise `UsageError` naming the first row (numbered from `start`) of `matrix` that holds NaN or infinity."""
    good = np.isfinite(matrix).all(axis=1)
    if not good.all():
        raise UsageError(f"{what}: row {start + int(np.argmin(good))} holds NaN or infinity; distances need finite numbers")


def scaled(matrix: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Rows times a power of two that brings their largest value into [.5, 1), and the exponents that were taken out."""
    _, exponents = np.frexp(np.abs(matrix).max(axis=-1, initial=0.0))
    return np.ldexp(matrix, -exponents[..., None]), exponents


def directions(values: ArrayLike, what: str, start: int = 0) -> Floats:
    """Rows at length 1, as float64; raises `UsageError` naming the first row that is all zeros, or not finite.

    >>> directions([[3e300, 4e300]], "vectors").tolist()
    [[0.6, 0.8]]
    """
    matrix = rows_of(values, what)
    check_finite(matrix, what, start)
    short, _ = scaled(matrix.astype(np.float64))
    lengths = np.sqrt((short * short).sum(axis=1, keepdims=True))
    if not lengths.all():
        row = start + int(np.argmin(lengths))
        raise UsageError(f"{what}: row {row} is all zeros, so it has no direction; cosine and angle need one")
    unit: Floats = short / lengths
    return unit


def _compare(one: Callable[[Floats, Floats], Floats], query: ArrayLike, matrix: ArrayLike, unit: bool = False) -> Floats:
    """`one` of each query against all rows, block by block."""
    queries, rows = rows_of(query, "query"), rows_of(matrix, "vectors")
    if queries.shape[1] != rows.shape[1]:
        raise UsageError(f"the query has {queries.shape[1]} dimensions, the vectors have {rows.shape[1]}")
    check_finite(queries, "query")
    queries = directions(queries, "query") if unit else queries.astype(np.float64)
    result = np.empty((len(queries), len(rows)))
    for start in range(0, len(rows), AT_ONCE):
        block = rows[start : start + AT_ONCE]
        check_finite(block, "vectors", start)
        block = directions(block, "vectors", start) if unit else block.astype(np.float64)
        with np.errstate(over="ignore"):
            for place, asked in enumerate(queries):
                result[place, start : start + AT_ONCE] = one(asked, block)
    if not np.isfinite(result).all():
        row = int(np.argmin(np.isfinite(result).all(axis=0)))
        raise UsageError(f"the distance to row {row} is beyond a float64; divide all vectors by one number first")
    return result[0] if np.ndim(query) == 1 else result


def l2(query: ArrayLike, matrix: ArrayLike) -> Floats:
    """Euclidean distance. A metric.

    >>> [float(f"{far:.9g}") for far in l2([0, 0], [[3, 4], [3e200, 4e200]])]
    [5.0, 5e+200]
    """
    return _compare(_l2, query, matrix)


def _l2(query: Floats, rows: Floats) -> Floats:
    gap, exponents = scaled(rows - query)
    far: Floats = np.ldexp(np.sqrt((gap * gap).sum(axis=1)), exponents)
    return far


def l1(query: ArrayLike, matrix: ArrayLike) -> Floats:
    """Sum of absolute differences (Manhattan). A metric.

    >>> l1([0, 0], [[3, -4]]).tolist()
    [7.0]
    """
    return _compare(lambda asked, rows: np.abs(rows - asked).sum(axis=1), query, matrix)


def cosine(query: ArrayLike, matrix: ArrayLike) -> Floats:
    """1 - cos(x, y), within [0, 2]. Not a metric: two vectors of one direction are at distance 0, and the triangle inequality fails.

    >>> x, y, z = [1, 0], [0, 1], [1, 1]
    >>> cosine(x, [[2, 0], [-1, 0]]).tolist()
    [0.0, 2.0]
    >>> direct, detour = cosine(x, [y])[0], cosine(x, [z])[0] + cosine(z, [y])[0]
    >>> print(f"{direct:.3f} {detour:.3f}")
    1.000 0.586
    """
    return _compare(_cosine, query, matrix, unit=True)


def _cosine(query: Floats, rows: Floats) -> Floats:
    gap = rows - query  # |u - v|^2 / 2 = 1 - cos, and keeps its digits where 1 - cos loses them: near 0
    far: Floats = np.minimum((gap * gap).sum(axis=1) / 2, 2.0)
    return far


def angular(query: ArrayLike, matrix: ArrayLike) -> Floats:
    """The angle arccos(cos(x, y)) in radians, within [0, pi]. A metric on directions (vectors of one direction count as one point).

    >>> x, y, z = [1, 0], [0, 1], [1, 1]
    >>> direct, detour = angular(x, [y])[0], angular(x, [z])[0] + angular(z, [y])[0]
    >>> print(f"{direct:.6f} {detour:.6f}")
    1.570796 1.570796
    """
    return _compare(_angular, query, matrix, unit=True)


def _angular(query: Floats, rows: Floats) -> Floats:
    gap, total = rows - query, rows + query  # arccos is inexact near 0 and pi; this form is not
    angle: Floats = 2 * np.arctan2(np.sqrt((gap * gap).sum(axis=1)), np.sqrt((total * total).sum(axis=1)))
    return angle


def dot(query: ArrayLike, matrix: ArrayLike) -> Floats:
    """The negative dot product, so that lower is nearer. Not a metric: negative, not 0 between equals, and a vector's nearest need
    not be itself.

    >>> dot([1, 1], [[1, 1], [9, 0]]).tolist()
    [-2.0, -9.0]
    """
    return _compare(_dot, query, matrix)


def _dot(query: Floats, rows: Floats) -> Floats:
    (asked, own), (short, exponents) = scaled(query), scaled(rows)
    far: Floats = 0.0 - np.ldexp((short * asked).sum(axis=1), exponents + own)
    return far


@dataclass(frozen=True, slots=True)
class Distance:
    """A way to compare. `function(query, matrix)` takes one query or rows of them and returns a distance for each row of the matrix,
    or a row of distances for each query. `ranks_like` names the distances that sort vectors of length 1 alike."""

    name: str
    function: Callable[[ArrayLike, ArrayLike], Floats] = field(repr=False)
    is_metric: bool
    needs_direction: bool
    ranks_like: tuple[str, ...] = ()


L2 = Distance("l2", l2, True, False, ("cosine", "angular", "dot"))
L1 = Distance("l1", l1, True, False)
COSINE = Distance("cosine", cosine, False, True, ("l2", "angular", "dot"))
ANGULAR = Distance("angular", angular, True, True, ("l2", "cosine", "dot"))
DOT = Distance("dot", dot, False, False, ("l2", "cosine", "angular"))
DISTANCES = {distance.name: distance for distance in (L2, L1, COSINE, ANGULAR, DOT)}


def named(name: str) -> Distance:
    """The distance that goes by this name; raises `UsageError`."""
    if name not in DISTANCES:
        raise UsageError(f"no distance {name}; there are: {', '.join(DISTANCES)}")
    return DISTANCES[name]
