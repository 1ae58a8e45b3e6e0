"""A graph of near neighbours (HNSW), by voyager: chosen over usearch for its size (0.8 MB installed against 57 with its kernels), and
over faiss's for its deletes; all three find the same."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from io import BytesIO
from typing import Any

import numpy as np

from grainline.errors import MissingExtraError
from grainline.vectors.types import Arrays, Matrix, Numbers

NEIGHBOURS = 16
#: candidates looked at when a point is linked; more cost time at building and gain little
BUILD = 100
#: share of the sample's values that voyager's [-1, 1] covers; the few beyond are cut, which only moves proposals a little
COVERED = 0.9999


class Graph:
    """A `types.Structure`. Built by one thread, so that the same points give the same graph. A removed point is no longer proposed but
    stays in the graph, and in its file, until the index builds it anew."""

    def __init__(self, arrays: Arrays) -> None:
        """What `arrays` gave. Raises `MissingExtraError`."""
        self._scale: Matrix = arrays["scale"]
        self._index: Any = _voyager().Index.load(BytesIO(arrays["graph"].tobytes()))

    @classmethod
    def start(cls, sample: Matrix, expected: int) -> Graph:
        """Empty, for points like the sample."""
        voyager = _voyager()
        graph = cls.__new__(cls)
        widest = float(np.quantile(np.abs(sample), COVERED))
        graph._scale = np.array([1 / widest if widest else 1.0], np.float32)
        graph._index = voyager.Index(
            voyager.Space.Euclidean,
            num_dimensions=sample.shape[1],
            M=NEIGHBOURS,
            ef_construction=BUILD,
            max_elements=max(1, expected),
            storage_data_type=voyager.StorageDataType.Float8,
        )
        return graph

    def _scaled(self, points: Matrix) -> Matrix:
        short: Matrix = np.clip(points * self._scale, -1, 1)
        return short

    def add(self, points: Matrix, numbers: Numbers) -> None:
        """Link points."""
        if len(points):
            self._index.add_items(self._scaled(points), ids=numbers.tolist(), num_threads=1)

    def remove(self, numbers: Numbers) -> None:
        """Mark points as removed."""
        for number in numbers.tolist():
            self._index.mark_deleted(number)

    def propose(self, point: Matrix, count: int) -> Numbers:
        """The `count` nearest that the graph leads to."""
        try:
            numbers, _ = self._index.query(self._scaled(point), k=count, num_threads=1, query_ef=count)
        except _voyager().RecallError:  # parts of the graph cannot be reached
            return np.empty(0, np.int64)
        found: Numbers = numbers.astype(np.int64)
        return found

    def arrays(self) -> Arrays:
        """All of it."""
        return {"scale": self._scale, "graph": np.frombuffer(bytes(self._index), np.uint8)}

    def memory_bytes(self) -> int:
        """Bytes held, by voyager's layout: a byte a dimension, twice the neighbours below, labels and counts."""
        return int(self._index.max_elements) * (int(self._index.num_dimensions) + 4 * (2 * NEIGHBOURS + 1) + 24)


@cache
def _voyager() -> Any:
    if find_spec("voyager") is None:
        raise MissingExtraError("voyager", "vectors")
    import voyager

    return voyager
