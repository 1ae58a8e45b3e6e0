"""Every index family against comparing all: what it finds, what it refuses, what it forgets."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainline.errors import UsageError
from grainline.vectors.distance import COSINE, DISTANCES, L1, L2, Distance
from grainline.vectors.families import build
from grainline.vectors.index import FIT, Index
from grainline.vectors.types import VectorIndex
from vector_samples import (
    COUNT,
    DIMENSION,
    EFFORT,
    IDS,
    QUERIES,
    VECTORS,
    Floats,
    brute,
    clustered,
    each_approximate,
    each_distance,
    each_family,
)


@pytest.fixture(scope="module")
def made() -> Callable[[str, Distance], Index]:
    """Indexes over VECTORS, each built once."""
    kept: dict[tuple[str, str], Index] = {}

    def make(name: str, way: Distance) -> Index:
        if (name, way.name) not in kept:
            kept[name, way.name] = build(name, VECTORS, IDS, way)
            kept[name, way.name].effort = EFFORT.get(name, 1.0)
        return kept[name, way.name]

    return make


# --- searching


@each_distance
def test_exact_is_exact(made: Callable[[str, Distance], Index], way: Distance) -> None:
    for query in (*QUERIES, VECTORS[17]):
        for k in (1, 10, 300):
            found = made("exact", way).search(query, k)
            assert found.ids.tolist() == brute(way, query, k)
            rows = (found.ids - 3) // 7
            assert found.distances == pytest.approx(way.function(query, VECTORS[rows]), rel=1e-5, abs=1e-6)


@each_distance
@each_approximate
def test_approximate_families_find_nearly_all(made: Callable[[str, Distance], Index], name: str, way: Distance) -> None:
    index = made(name, way)
    assert isinstance(index, VectorIndex)
    hits = 0
    for query in QUERIES:
        found = index.search(query, 10)
        assert len(set(found.ids.tolist())) == 10
        assert (np.diff(found.distances) >= 0).all()
        rows = (found.ids - 3) // 7
        exact = way.function(query, VECTORS[rows])
        assert found.distances == pytest.approx(exact, rel=0.05, abs=0.05 * float(np.abs(exact).max()) + 0.01)
        hits += len({*found.ids.tolist()} & {*brute(way, query, 10)})
    assert hits >= 0.85 * 10 * len(QUERIES)


@each_approximate
def test_structures_are_asked_and_more_effort_finds_more(made: Callable[[str, Distance], Index], name: str) -> None:
    index = made(name, COSINE)
    found = []
    for effort in (0.02, EFFORT.get(name, 1.0), 100):
        index.effort = effort
        found.append(sum(len({*index.search(query, 10).ids.tolist()} & {*brute(COSINE, query, 10)}) for query in QUERIES))
    index.effort = EFFORT.get(name, 1.0)
    assert found[0] <= found[1] <= found[2]
    assert found[0] < found[2] or name == "ivf"  # few cells are enough here
    assert found[2] >= 0.97 * 10 * len(QUERIES)  # all compared: int8 is what is left of the loss


@each_family
@each_distance
def test_a_filter_loses_nothing(made: Callable[[str, Distance], Index], name: str, way: Distance) -> None:
    index = made(name, way)
    chance = np.random.default_rng(3)
    query = QUERIES[0]
    apart = np.argsort(-way.function(query, VECTORS))  # what a graph never comes by: the farthest
    for places in (apart[:7], apart[:2500], chance.choice(COUNT, 3, replace=False), chance.choice(COUNT, 2500, replace=False)):
        expected = brute(way, query, 10, VECTORS[places], IDS[places])
        mask = np.isin(index.ids, IDS[places])
        by_mask, by_array, by_set = (
            index.search(query, 10, allowed) for allowed in (mask, IDS[places], {*IDS[places].tolist()})
        )
        assert by_mask.ids.tolist() == by_array.ids.tolist() == by_set.ids.tolist()
        assert len(by_mask.ids) == min(10, len(places))
        assert np.isin(by_mask.ids, IDS[places]).all()
        if name == "exact":
            assert by_mask.ids.tolist() == expected
        # where many are about as far, int8 takes one for another: as near is as good
        truly = way.function(query, VECTORS[(np.concatenate([by_mask.ids, expected]) - 3) // 7])
        got, wanted = truly[: len(expected)].max(), truly[len(expected) :].max()
        assert got <= wanted + 0.03 * abs(wanted) + 0.01


@each_family
def test_filters_at_their_edges(made: Callable[[str, Distance], Index], name: str) -> None:
    index = made(name, COSINE)
    assert index.search(QUERIES[0], 5, set()).ids.tolist() == []
    assert index.search(QUERIES[0], 5, np.zeros(COUNT, bool)).ids.tolist() == []
    assert index.search(QUERIES[0], 5, [3, 3, 10**9]).ids.tolist() == [3]
    assert len(index.search(QUERIES[0], COUNT + 5).ids) == COUNT
    with pytest.raises(UsageError, match="mask of 3000 values"):
        index.search(QUERIES[0], 5, np.zeros(3, bool))


def test_equal_distances_go_by_id() -> None:
    index = build("exact", np.ones((200, 3)), np.arange(200)[::-1])
    assert index.search([1, 1, 1], 5).ids.tolist() == [0, 1, 2, 3, 4]
    assert build("exact", [[1.0, 0], [2, 0]], [8, 4]).search([3, 0], 1).ids.tolist() == [4]


@pytest.mark.parametrize("size", [1e-18, 1e-6, 1e6, 1e13])
def test_exact_at_any_size(size: float) -> None:
    for way in DISTANCES.values():
        scaled = (VECTORS[:300] * np.float32(size)).astype(np.float32)
        found = build("exact", scaled, IDS[:300], way).search(scaled[5], 10)
        assert found.ids.tolist() == brute(way, scaled[5], 10, scaled, IDS[:300])


def test_one_long_vector_among_short_ones() -> None:
    mixed = np.concatenate([VECTORS[:200], VECTORS[:1] * 1e12])
    for way in (L2, L1):
        assert build("exact", mixed, None, way).search(VECTORS[3], 5).ids.tolist() == brute(
            way, VECTORS[3], 5, mixed, np.arange(201)
        )


@each_family
def test_the_same_vectors_give_the_same_answers(made: Callable[[str, Distance], Index], name: str) -> None:
    again = build(name, VECTORS, IDS)
    again.effort = EFFORT.get(name, 1.0)
    for query in QUERIES[:5]:
        assert again.search(query, 10).ids.tolist() == made(name, COSINE).search(query, 10).ids.tolist()


# --- refusing


@each_family
def test_what_cannot_be_added_changes_nothing(name: str) -> None:
    index = build(name, VECTORS[:3], [1, 2, 3])
    bad = VECTORS[:2].copy()
    bad[1, 0] = math.nan
    huge, flat = VECTORS[:2].copy(), VECTORS[:2].copy()
    huge[1, 0], flat[1] = 1e30, 0
    cases: list[tuple[Any, Any, str]] = [
        (bad, [7, 8], "row 1 holds NaN"),
        (huge, [7, 8], "row 1 holds a value beyond"),
        (flat, [7, 8], "row 1 is all zeros"),
        (VECTORS[:2], [7, 7], "id 7 is given twice"),
        (VECTORS[:2], [7, 2], "id 2 is given twice, or held"),
        (VECTORS[:2], [7], "2 vectors cannot go by 1 ids"),
        (VECTORS[:2], [7, -1], "whole numbers from 0"),
        (VECTORS[:2], [0.5, 1], "whole numbers from 0"),
        (VECTORS[:2, :5], [7, 8], "have 5 dimensions, those of the index 16"),
    ]
    for vectors, ids, reason in cases:
        with pytest.raises(UsageError, match=reason):
            index.add(vectors, ids)
        assert sorted(index.ids.tolist()) == [1, 2, 3]
    for query, k in ((bad[1], 1), (np.zeros(16), 1), (VECTORS[0, :5], 1), (VECTORS[:2], 1), (VECTORS[0], 0)):
        with pytest.raises(UsageError):
            index.search(query, k)


def test_unknown_family_and_empty_index() -> None:
    with pytest.raises(UsageError, match="exact, binary, graph"):
        build("annoy", VECTORS)
    empty = build("binary", np.empty((0, 4)))
    assert empty.search([1, 0, 0, 0], 3).ids.tolist() == []
    assert empty.remove([1]) == 0
    empty.add([[1, 0, 0, 0]], [5])
    assert empty.search([1, 0, 0, 0], 3).ids.tolist() == [5]


# --- adding and removing


@settings(max_examples=30, deadline=None)
@given(
    name=st.sampled_from(["exact", "binary"]),
    way=st.sampled_from(list(DISTANCES.values())),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 2**32)), max_size=12),
)
def test_any_sequence_of_adds_and_removes(name: str, way: Distance, steps: list[tuple[bool, int, int]]) -> None:
    index, model = build(name, np.empty((0, DIMENSION)), None, way), dict[int, Floats]()
    for is_add, size, seed in steps:
        chance = np.random.default_rng(seed)
        ids = chance.choice(200, size, replace=False)
        if is_add:
            ids = np.array([id_ for id_ in ids.tolist() if id_ not in model], int)
            rows = clustered(len(ids), seed)
            index.add(rows, ids)
            model |= dict(zip(ids.tolist(), rows, strict=True))
        else:
            assert index.remove(ids) == sum(model.pop(id_, None) is not None for id_ in ids.tolist())
        assert sorted(index.ids.tolist()) == sorted(model)
        held = np.array(sorted(model), int)
        expected = brute(way, QUERIES[0], 7, np.array([model[id_] for id_ in held.tolist()]).reshape(-1, DIMENSION), held)
        assert index.search(QUERIES[0], 7).ids.tolist() == expected


@each_family
def test_adds_and_removes_around_a_structure(name: str) -> None:
    index, model = build(name, VECTORS[: FIT - 500], None, L2), dict(enumerate(VECTORS[: FIT - 500]))
    chance = np.random.default_rng(5)
    for step in range(8):
        fresh = np.arange(10_000 * (step + 1), 10_000 * (step + 1) + 700)
        rows = clustered(700, seed=step + 50)
        index.add(rows, fresh)
        model |= dict(zip(fresh.tolist(), rows, strict=True))
        gone = chance.choice(sorted(model), 250 if step < 6 else 1800, replace=False)
        assert index.remove([*gone.tolist(), 9_999_999]) == len(gone)
        for id_ in gone.tolist():
            del model[id_]
        assert {*index.ids.tolist()} == {*model}
        hits = 0
        for id_ in chance.choice(sorted(model), 10, replace=False).tolist():
            hits += int(index.search(model[id_], 1).ids[0] == id_)
        assert hits >= 9
        everything = index.search(QUERIES[0], len(model)).ids.tolist()
        assert {*everything} == {*model}
    again = chance.choice(sorted(model), 50, replace=False)
    index.remove(again)
    index.add(clustered(50, seed=1234), again)  # the same ids, other vectors
    assert index.search(clustered(50, seed=1234)[7], 1).ids.tolist() == [again[7]]


@each_approximate
def test_an_index_that_outgrows_its_structure(name: str) -> None:
    index = build(name, VECTORS[:FIT], IDS[:FIT], L2)
    rest = clustered(5 * FIT, seed=8)
    index.add(rest, np.arange(len(rest)) + 10**6)
    every, ids = np.concatenate([VECTORS[:FIT], rest]), np.concatenate([IDS[:FIT], np.arange(len(rest)) + 10**6])
    hits = sum(len({*index.search(query, 10).ids.tolist()} & {*brute(L2, query, 10, every, ids)}) for query in QUERIES[:10])
    assert hits >= 85
