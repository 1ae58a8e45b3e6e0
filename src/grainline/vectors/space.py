"""Where structures see the vectors: as points whose Euclidean distances sort as the index's distance does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grainline.vectors.distance import DOT, Distance
from grainline.vectors.types import Arrays, Matrix


@dataclass(frozen=True, slots=True)
class Space:
    """Points around their common middle. Directions come at length 1, where L2 sorts like the angle; L1 is taken for L2, which only
    decides what is proposed.

    For the dot product (`top` > 0) a vector x gets one more dimension, sqrt(top^2 - |x|^2), which makes all points equally long, and a
    query, brought to length `top`, gets 0 there: then |point - query|^2 = 2 top^2 - 2 x.query (Bachrach et al., RecSys 2014). Longer
    vectors than `top` get 0, and are proposed a little late.
    """

    middle: Matrix
    top: float

    @classmethod
    def fit(cls, sample: Matrix, distance: Distance) -> Space:
        """The space for vectors like these."""
        top = float(np.sqrt(np.einsum("ij,ij->i", sample, sample, dtype=np.float64)).max()) if distance is DOT else 0.0
        unshifted = cls(np.zeros(1, np.float32), top)
        return cls(unshifted.points(sample).mean(axis=0, dtype=np.float64).astype(np.float32), top)

    def points(self, matrix: Matrix) -> Matrix:
        """The points of vectors."""
        if self.top:
            rest = self.top**2 - np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64)
            matrix = np.column_stack([matrix, np.sqrt(np.maximum(rest, 0)).astype(np.float32)])
        points: Matrix = matrix - self.middle
        return points

    def point(self, query: NDArray[np.float64]) -> Matrix:
        """The point of a query."""
        if self.top:
            length = float(np.linalg.norm(query))
            query = np.append(query * (self.top / length if length else 0.0), 0.0)
        return query.astype(np.float32) - self.middle

    def arrays(self) -> Arrays:
        """For the constructor."""
        return {"middle": self.middle, "top": np.array([self.top])}
