"""A forest of random-projection trees, with nothing but numpy. (annoy comes without wheels and cannot change once built; scikit-learn's
ball tree looks at nearly every row in some hundred dimensions.)"""

from __future__ import annotations

from math import ceil, log2

import numpy as np
from numpy.typing import NDArray

from grainline.vectors.scan import lowest
from grainline.vectors.types import Arrays, Matrix, Numbers

TREES = 16
#: points in a leaf, about
LEAF = 32
#: principal directions that the projections are drawn from, and points that they are found from
DIRECTIONS, SEEN = 128, 20_000
#: candidates compared at effort 1. Trees sort badly: on real embeddings 4,000 of 50,000 hold .86 of the ten nearest, 10,000 hold .98
DEPTH = 4000
SEED = 2026


class Forest:
    """A `types.Structure` after MRPT (Hyvonen et al., 2016): in each tree one random direction a level, at right angles to those above,
    and at each node the median of the points there, left or right. A query opens the leaves, of all trees, to which the way across the
    borders is shortest."""

    def __init__(self, arrays: Arrays) -> None:
        """What `arrays` gave."""
        self._directions: Matrix = arrays["directions"]  # (trees * levels, dimension)
        self._borders: Matrix = arrays["borders"]  # (trees, 2^levels - 1), each level after the one above
        self._leaves: NDArray[np.int32] = arrays["leaves"]  # (trees, points)
        self._numbers: Numbers = arrays["numbers"]
        self._sorted: tuple[NDArray[np.int32], NDArray[np.int32]] | None = None

    @classmethod
    def start(cls, sample: Matrix, expected: int) -> Forest:
        """Empty trees, with leaves for `expected` points like the sample."""
        chance = np.random.default_rng(SEED)
        levels = max(1, ceil(log2(max(2, min(expected / LEAF, len(sample) / 4)))))
        basis, spread = _basis(sample[:SEEN], chance)
        levels = min(levels, len(spread))
        directions = np.concatenate([_directions(basis, spread, levels, chance) for _ in range(TREES)])
        projected = (sample @ directions.T).T.reshape(TREES, levels, -1)
        borders = np.empty((TREES, (1 << levels) - 1), np.float32)
        for tree in range(TREES):
            order = np.arange(len(sample))[None]
            for level in range(levels):
                values = projected[tree, level][order]
                half = order.shape[1] // 2
                split = np.argpartition(values, half, axis=1)
                borders[tree, (1 << level) - 1 : (2 << level) - 1] = np.take_along_axis(values, split[:, half : half + 1], 1)[
                    :, 0
                ]
                order = np.take_along_axis(order, split, 1)[:, : 2 * half].reshape(-1, half)
        empty = np.empty((TREES, 0), np.int32)
        return cls({"directions": directions, "borders": borders, "leaves": empty, "numbers": np.empty(0, np.int64)})

    def _members(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """For each tree its points, leaf by leaf, and where each leaf starts."""
        if self._sorted is None:
            count = self._borders.shape[1] + 1
            starts = np.zeros((TREES, count + 1), np.int32)
            np.cumsum([np.bincount(leaves, minlength=count) for leaves in self._leaves], axis=1, out=starts[:, 1:])
            self._sorted = np.argsort(self._leaves, axis=1, kind="stable").astype(np.int32), starts
        return self._sorted

    def add(self, points: Matrix, numbers: Numbers) -> None:
        """Put points into their leaves."""
        levels = len(self._directions) // TREES
        projected = (points @ self._directions.T).T.reshape(TREES, levels, -1)
        leaves = np.zeros((TREES, len(points)), np.int32)
        for level in range(levels):
            borders = np.take_along_axis(self._borders, leaves + ((1 << level) - 1), axis=1)
            leaves = 2 * leaves + (projected[:, level] >= borders)
        self._leaves = np.concatenate([self._leaves, leaves.astype(np.int32)], axis=1)
        self._numbers = np.concatenate([self._numbers, numbers])
        self._sorted = None

    def remove(self, numbers: Numbers) -> None:
        """Take points out of their leaves."""
        kept = ~np.isin(self._numbers, numbers)
        self._leaves, self._numbers = self._leaves[:, kept], self._numbers[kept]
        self._sorted = None

    def propose(self, point: Matrix, count: int) -> Numbers:
        """The points in the leaves nearest to `point`, `count` or some more."""
        members, starts = self._members()
        costs = self._costs(point).reshape(-1)
        sizes = np.diff(starts, axis=1).reshape(-1)
        opened = min(len(costs), ceil(count / max(1.0, float(sizes.mean()))))
        while True:
            nearest = lowest(costs, opened)
            trees, leaves = np.divmod(nearest, starts.shape[1] - 1)
            spans = zip(trees, starts[trees, leaves], starts[trees, leaves + 1], strict=True)
            seen = np.zeros(len(self._numbers), bool)
            for tree, start, end in spans:
                seen[members[tree, start:end]] = True
            found = np.flatnonzero(seen)
            if len(found) >= min(count, len(seen)) or opened == len(costs):
                return self._numbers[found]
            opened = min(len(costs), ceil(opened * 1.5))

    def _costs(self, point: Matrix) -> Matrix:
        """For each leaf the squared way across the borders that part it from `point`; 0 for the leaf that the point falls into."""
        levels = len(self._directions) // TREES
        projected = (self._directions @ point).reshape(TREES, levels)
        costs = np.zeros((TREES, 1), np.float32)
        for level in range(levels):
            step = projected[:, level, None] - self._borders[:, (1 << level) - 1 : (2 << level) - 1]
            square = step * step
            costs = np.stack([costs + square * (step > 0), costs + square * (step <= 0)], axis=2).reshape(TREES, -1)
        return costs

    def arrays(self) -> Arrays:
        """All of it."""
        return {"directions": self._directions, "borders": self._borders, "leaves": self._leaves, "numbers": self._numbers}

    def memory_bytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in (*self.arrays().values(), *(self._sorted or ())))


def _basis(sample: Matrix, chance: np.random.Generator) -> tuple[Matrix, Matrix]:
    """Up to `DIRECTIONS` directions at right angles in which the sample differs most, about, and how much it does in each."""
    dimension = sample.shape[1]
    drawn = chance.standard_normal((dimension, min(dimension, DIRECTIONS)), np.float32)
    basis, _ = np.linalg.qr(sample.T @ (sample @ drawn))
    return basis, (sample @ basis).std(axis=0)


def _directions(basis: Matrix, spread: Matrix, levels: int, chance: np.random.Generator) -> Matrix:
    """Directions at right angles, drawn at random, more from those in which there is more to tell apart."""
    mixed = (chance.standard_normal((levels, len(spread)), np.float32) * spread) @ basis.T
    directions: Matrix = np.linalg.qr(mixed.T)[0].T
    return directions
