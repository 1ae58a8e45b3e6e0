"""Vectors for the tests of indexes, and the truth about them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from grainline.vectors.distance import DISTANCES, Distance
from grainline.vectors.families import FAMILIES

Floats = NDArray[np.float32]
COUNT, DIMENSION = 3000, 16
#: below 1, so that these few vectors are enough for the structures to be asked at all
EFFORT = {"tree": 0.2, "hash": 0.5, "binary": 0.5, "ivfpq": 0.5}
APPROXIMATE = [name for name in FAMILIES if name != "exact"]
each_family = pytest.mark.parametrize("name", list(FAMILIES))
each_approximate = pytest.mark.parametrize("name", APPROXIMATE)
each_distance = pytest.mark.parametrize("way", list(DISTANCES.values()), ids=lambda way: way.name)


def clustered(count: int, seed: int = 0, dimension: int = DIMENSION) -> Floats:
    """Vectors of different lengths around some centres, away from the origin."""
    chance = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((30, dimension)) * 2 + 1
    rows = centres[chance.integers(30, size=count)] + chance.standard_normal((count, dimension)) * 0.7
    return (rows * chance.uniform(0.5, 1.5, (count, 1))).astype(np.float32)


VECTORS, QUERIES = clustered(COUNT), clustered(20, seed=1)
IDS = np.arange(COUNT) * 7 + 3


def brute(way: Distance, query: Floats, k: int, vectors: Floats = VECTORS, ids: Any = IDS) -> list[int]:
    """The ids of the `k` nearest, equal ones by id."""
    nearest: list[int] = ids[np.lexsort((ids, way.function(query, vectors)))][:k].tolist()
    return nearest
