"""Distances against their definitions and laws, and what each kind of small storage loses."""

from __future__ import annotations

import doctest
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from grainline.errors import UsageError
from grainline.vectors import choose, distance, quantise
from grainline.vectors.distance import ANGULAR, COSINE, DISTANCES, DOT, L1, L2, angular, cosine, dot, l1, l2
from grainline.vectors.quantise import Int8, hamming, signs, truncate

Floats = NDArray[np.float64]
METRICS = [found for found in DISTANCES.values() if found.is_metric]
ALL = list(DISTANCES.values())
by_name = pytest.mark.parametrize("way", ALL, ids=lambda way: way.name)


def values(limit: float) -> st.SearchStrategy[float]:
    return st.floats(-limit, limit, allow_nan=False)


def matrices(rows: int, limit: float = 1e6) -> st.SearchStrategy[Floats]:
    """Three vectors (or more) of up to 6 dimensions, none of them all zeros."""
    shape = st.tuples(st.just(rows), st.integers(1, 6))
    return shape.flatmap(lambda s: hnp.arrays(np.float64, s, elements=values(limit))).filter(
        lambda m: bool((m != 0).any(axis=1).all())
    )


def by_definition(way: str, x: Floats, y: Floats) -> float:
    """The textbook formula, summed exactly."""
    pairs = list(zip(x.tolist(), y.tolist(), strict=True))
    if way == "l2":
        return math.dist(x.tolist(), y.tolist())
    if way == "l1":
        return math.fsum(abs(a - b) for a, b in pairs)
    product = math.fsum(a * b for a, b in pairs)
    if way == "dot":
        return -product
    cos = max(-1.0, min(1.0, product / math.hypot(*x.tolist()) / math.hypot(*y.tolist())))
    return 1 - cos if way == "cosine" else math.acos(cos)


@pytest.mark.parametrize("module", [distance, quantise, choose])
def test_doctests(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


# --- distances: what they are


@by_name
@given(data=st.data())
def test_definitions(way: distance.Distance, data: st.DataObject) -> None:
    matrix = data.draw(matrices(4).filter(lambda m: bool((np.abs(m).max(axis=1) > 1e-6).all())))
    far = way.function(matrix[0], matrix)
    expected = [by_definition(way.name, matrix[0], row) for row in matrix]
    scale = 1 + float(np.abs(matrix).max()) ** 2
    loose = 1e-7 if way is ANGULAR else 1e-12  # acos is what is inexact there
    assert far == pytest.approx(expected, abs=loose * (1 if way.needs_direction else scale))


@pytest.mark.parametrize("way", METRICS, ids=lambda way: way.name)
@given(matrix=matrices(3))
def test_metrics_are_metrics(way: distance.Distance, matrix: Floats) -> None:
    table = way.function(matrix, matrix)
    assert (table >= 0).all()
    assert (np.diag(table) <= 1e-12).all()
    assert (table == table.T).all()
    x, y, z = 0, 1, 2
    assert table[x, y] <= (table[x, z] + table[z, y]) * (1 + 1e-9) + 1e-9


def test_cosine_and_dot_are_no_metrics() -> None:
    x, y, z = [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]
    assert cosine(x, [y])[0] == pytest.approx(1)
    assert cosine(x, [z])[0] + cosine(z, [y])[0] == pytest.approx(2 - math.sqrt(2))
    assert cosine(x, [y])[0] > cosine(x, [z])[0] + cosine(z, [y])[0]
    assert cosine(x, [[7.0, 0.0]])[0] == 0  # different vectors, distance 0
    assert angular(x, [y])[0] <= angular(x, [z])[0] + angular(z, [y])[0] + 1e-15
    assert dot(x, [x])[0] < 0 < dot(x, [[-1.0, 0.0]])[0]
    assert np.argmin(dot(x, [x, [2.0, 0.0]])) == 1  # not nearest to itself
    assert [way.name for way in ALL if not way.is_metric] == ["cosine", "dot"]


@given(matrix=matrices(2, 1e300))
def test_cosine_within_0_and_2_and_angle_within_pi(matrix: Floats) -> None:
    assert 0 <= cosine(matrix[0], matrix[1:])[0] <= 2
    assert 0 <= angular(matrix[0], matrix[1:])[0] <= math.pi
    assert cosine(matrix[0], -matrix[:1])[0] == pytest.approx(2)


@given(matrix=matrices(6, 10).filter(lambda m: m.shape[1] > 1))
def test_on_unit_vectors_they_rank_alike(matrix: Floats) -> None:
    unit = distance.directions(matrix, "vectors")
    order = np.argsort(l2(unit[0], unit), kind="stable")
    for name in L2.ranks_like:
        far = DISTANCES[name].function(unit[0], unit)[order]
        assert (np.diff(far) >= -1e-12).all(), name
    assert L1.ranks_like == ()
    assert {way.name for way in (L2, COSINE, ANGULAR, DOT)} == {*L2.ranks_like, "l2"}


def test_close_directions_keep_their_digits() -> None:
    tiny = 1e-9
    near = [math.cos(tiny), math.sin(tiny)]
    assert angular([1, 0], [near])[0] == pytest.approx(tiny, rel=1e-6)
    assert cosine([1, 0], [near])[0] == pytest.approx(tiny * tiny / 2, rel=1e-6)


def test_one_query_gives_a_row_and_several_give_a_table() -> None:
    assert l1([1, 2], [[1, 2], [3, 4]]).tolist() == [0, 4]
    assert l1([[1, 2], [0, 0]], [[1, 2], [3, 4]]).tolist() == [[0, 4], [3, 7]]
    assert l2([1, 2], np.empty((0, 2))).tolist() == []
    many = np.arange(3.0 * 5000).reshape(5000, 3)
    assert l2(many[4999], many)[[0, 4999]].tolist() == pytest.approx([math.dist(many[0], many[4999]), 0])


# --- distances: what they refuse, and numbers at the edge


def test_large_and_small_numbers() -> None:
    assert l2([0, 0], [[3e200, 4e200], [3e-200, 4e-200]]).tolist() == pytest.approx([5e200, 5e-200], rel=1e-12)
    assert cosine([1e300, 0], [[1e-300, 1e-300]])[0] == pytest.approx(1 - math.sqrt(0.5))
    assert angular([5e-324, 0], [[0, 1e308]])[0] == pytest.approx(math.pi / 2)
    assert dot([1e300, 0], [[1e-300, 1]])[0] == pytest.approx(-1)
    assert dot([1e300, -1e300], [[1e300, 1e300]])[0] == 0
    assert l2(np.float32([3e38, 0]), np.float32([[-3e38, 0]]))[0] == pytest.approx(6e38)


@pytest.mark.parametrize("way", [l2, l1, dot])
def test_a_distance_that_no_float_holds_is_refused(way: Any) -> None:
    with pytest.raises(UsageError, match="row 1 is beyond a float64"):
        way([1.7e308, 0], [[1, 1], [-1.7e308, 0]])


@by_name
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_refused_by_row(way: distance.Distance, bad: float) -> None:
    matrix = np.ones((5000, 2))
    matrix[4321, 1] = bad
    with pytest.raises(UsageError, match="vectors: row 4321 holds NaN or infinity"):
        way.function([1, 1], matrix)
    with pytest.raises(UsageError, match="query: row 0 holds NaN"):
        way.function([1, bad], [[1, 1]])


def test_zero_vectors_have_no_direction() -> None:
    for way in (COSINE, ANGULAR):
        with pytest.raises(UsageError, match="vectors: row 2 is all zeros"):
            way.function([1, 0], [[1, 0], [0, 1], [0, 0]])
        with pytest.raises(UsageError, match="query: row 0 is all zeros"):
            way.function([0, 0], [[1, 0]])
    assert (l2([0, 0], [[0, 0]]), l1([0, 0], [[0, 0]]), dot([0, 0], [[0, 0]])) == (0, 0, 0)


@by_name
@pytest.mark.parametrize(
    "query, matrix", [([1, 2], [[1, 2, 3]]), ([], [[1]]), (["a"], [["b"]]), ([[[1]]], [[1]]), ([1], [[1], [1, 2]])]
)
def test_what_is_no_matrix_is_refused(way: distance.Distance, query: Any, matrix: Any) -> None:
    with pytest.raises(UsageError):
        way.function(query, matrix)


def test_distances_by_name() -> None:
    assert distance.named("angular") is ANGULAR
    with pytest.raises(UsageError, match="l2, l1, cosine, angular, dot"):
        distance.named("chebyshev")


# --- small storage


@given(matrix=matrices(5, 1e12), fitted=st.booleans())
def test_int8_is_off_by_half_a_step_at_most(matrix: Floats, fitted: bool) -> None:
    single = matrix.astype(np.float32)
    int8 = Int8.fit(single) if fitted else Int8.plain(single.shape[1])
    codes, scales = int8.encode(single)
    decoded = int8.decode(codes, scales)
    assert codes.dtype == np.int8 and decoded.dtype == np.float32
    off = np.abs(decoded.astype(np.float64) - single)
    rounding = 2.0**-21 * (np.abs(single).max(axis=1) + np.abs(int8.centre).max()) + 1e-35
    step = scales.astype(np.float64)[:, None] * int8.spread
    assert (off <= step / 2 + rounding[:, None]).all()
    assert (np.sqrt((off**2).sum(axis=1)) <= int8.bound(scales)).all()
    if not fitted:
        assert (off.max(axis=1) <= np.abs(single).max(axis=1) / 254 + rounding).all()


def test_int8_finds_more_with_centre_and_spread() -> None:
    chance = np.random.default_rng(1)
    matrix = (chance.standard_normal((500, 64)) * chance.uniform(0.2, 1, 64) + 5).astype(np.float32)
    off = []
    for int8 in (Int8.plain(64), Int8.fit(matrix)):
        off.append(np.abs(int8.decode(*int8.encode(matrix)) - matrix).mean())
    assert off[1] < off[0] / 2


def test_int8_of_equal_and_zero_vectors() -> None:
    for matrix in (np.zeros((3, 4)), np.full((3, 4), 7.5)):
        int8 = Int8.fit(matrix)
        assert (int8.decode(*int8.encode(matrix)) == matrix).all()


@pytest.mark.parametrize("bad, reason", [(math.nan, "NaN"), (1e16, "beyond 1e\\+15")])
def test_int8_refuses_by_row(bad: float, reason: str) -> None:
    matrix = np.ones((3, 2))
    matrix[1, 0] = bad
    with pytest.raises(UsageError, match=f"row 1 .*{reason}"):
        Int8.plain(2).encode(matrix)


@given(matrix=hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 200)), elements=values(10)))
def test_sign_bits(matrix: Floats) -> None:
    codes = signs(matrix)
    assert codes.shape == (len(matrix), -(-matrix.shape[1] // 64))
    differing = ((matrix > 0) != (matrix[0] > 0)).sum(axis=1)
    assert (hamming(codes[0], codes) == differing).all()


def test_sign_bits_follow_the_angle() -> None:
    chance = np.random.default_rng(2)
    directions = chance.standard_normal((4096, 3))  # random directions: the share of differing bits is the angle / pi
    x, y = np.array([1.0, 0, 0]), np.array([1.0, 1, 0])
    codes = signs(np.stack([directions @ x, directions @ y]))
    assert hamming(codes[0], codes)[1] / 4096 == pytest.approx(0.25, abs=0.03)


@given(words=hnp.arrays(np.uint64, st.integers(0, 20)))
def test_bits_are_counted_alike_without_numpy_2(words: NDArray[np.uint64]) -> None:
    expected = [bin(word).count("1") for word in words.tolist()]
    assert quantise.popcount(words).tolist() == quantise.count_bits(words).tolist() == expected


@given(matrix=matrices(3, 10).filter(lambda m: bool((np.abs(m[:, 0]) > 1e-3).all())), data=st.data())
def test_truncation(matrix: Floats, data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, matrix.shape[1]))
    unit = distance.directions(matrix, "vectors")
    short = truncate(unit, keep)
    assert short.shape == (3, keep)
    assert np.linalg.norm(short, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
    cut = np.linalg.norm(unit[:, keep:], axis=1)
    assert abs(float(unit[0] @ unit[1]) - float(unit[0, :keep] @ unit[1, :keep])) <= cut[0] * cut[1] + 1e-12


def test_truncation_refuses() -> None:
    with pytest.raises(UsageError, match="row 1 is all zeros"):
        truncate([[1, 0, 0], [0, 0, 1]], 2)
    with pytest.raises(UsageError, match="cut to 1 to 3, not to 4"):
        truncate([[1, 0, 0]], 4)
