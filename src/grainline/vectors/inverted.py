"""Families of faiss: inverted files (IVF), with one byte a dimension or product-quantised, and hashing (LSH)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from math import ceil, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import MissingExtraError
from grainline.vectors.types import Arrays, Matrix, Numbers

#: candidates compared at effort 1; product quantisation needs more, for it sorts them badly
DEPTH, PRODUCT_DEPTH = 100, 500
#: share of the cells that is searched for as many, and how many at least
SHARE, CELLS = 0.1, 8
#: dimensions that product quantisation puts into one byte, and passes over the sample to find its 256 codes
GROUP, PASSES = 8, 10
#: bits of a hash for each dimension, and how many at least
HASH_BITS, LEAST_BITS = 2, 256
#: points that the thresholds of a hash are found from
SEEN = 4096
#: from so many multiplications on, more than one thread is worth it
WORTH_THREADS = 1_000_000_000
SEED = 2026


class Inverted:
    """A `types.Structure`: points in cells around about sqrt(n) centres; a query searches the cells nearest to it."""

    def __init__(self, arrays: Arrays) -> None:
        """What `arrays` gave. Raises `MissingExtraError`."""
        self._index: Any = _faiss().deserialize_index(arrays["index"])
        self._dimension = int(arrays["dimension"][0])

    @classmethod
    def start(cls, sample: Matrix, expected: int) -> Inverted:
        """Empty, with cells for `expected` points like the sample."""
        return cls._trained(sample, expected, product=False)

    @classmethod
    def start_product(cls, sample: Matrix, expected: int) -> Inverted:
        """The same with product-quantised points: a byte for every `GROUP` dimensions."""
        return cls._trained(sample, expected, product=True)

    @classmethod
    def _trained(cls, sample: Matrix, expected: int, product: bool) -> Inverted:
        faiss = _faiss()
        made = cls.__new__(cls)
        made._dimension = ceil(sample.shape[1] / GROUP) * GROUP if product else sample.shape[1]
        cells = max(1, min(round(sqrt(expected)), len(sample) // 8))
        flat = faiss.IndexFlatL2(made._dimension)
        if product:
            index = faiss.IndexIVFPQ(flat, made._dimension, cells, made._dimension // GROUP, 8)
            index.pq.cp.min_points_per_centroid, index.pq.cp.niter = 1, PASSES
        else:
            index = faiss.IndexIVFScalarQuantizer(flat, made._dimension, cells, faiss.ScalarQuantizer.QT_8bit)
        index.cp.min_points_per_centroid, index.cp.niter = 1, PASSES
        with _threads(len(sample) * cells * made._dimension * PASSES):
            index.train(made._padded(sample))
        made._index = index
        return made

    def _padded(self, points: Matrix) -> Matrix:
        room = self._dimension - points.shape[-1]
        return np.ascontiguousarray(np.pad(points, ((0, 0), (0, room))) if room else points)

    def add(self, points: Matrix, numbers: Numbers) -> None:
        """Put points into their cells."""
        with _threads(len(points) * int(self._index.nlist) * self._dimension):
            self._index.add_with_ids(self._padded(points), numbers)

    def remove(self, numbers: Numbers) -> None:
        """Take points out of their cells."""
        self._index.remove_ids(np.ascontiguousarray(numbers, np.int64))

    def propose(self, point: Matrix, count: int) -> Numbers:
        """The nearest in the cells nearest to the point; more cells where those hold too few."""
        faiss, cells = _faiss(), int(self._index.nlist)
        held = max(1, int(self._index.ntotal))
        search = max(CELLS, cells * SHARE) * max(1.0, count / (PRODUCT_DEPTH if hasattr(self._index, "pq") else DEPTH))
        row = self._padded(point[None])
        while True:
            settings = faiss.SearchParametersIVF(nprobe=min(cells, ceil(search)))
            with _threads(0):
                numbers: Numbers = self._index.search(row, min(count, held), params=settings)[1][0]
            numbers = numbers[numbers >= 0]
            if len(numbers) >= min(count, held) or search >= cells:
                return numbers
            search *= 4

    def arrays(self) -> Arrays:
        """All of it."""
        return {"index": _faiss().serialize_index(self._index), "dimension": np.array([self._dimension])}

    def memory_bytes(self) -> int:
        """Bytes held: a code and a number for each point, the centres of the cells, and the codebooks."""
        codebooks = 256 * self._dimension * 4 if hasattr(self._index, "pq") else 8 * self._dimension
        return (
            int(self._index.ntotal) * (int(self._index.code_size) + 8)
            + int(self._index.nlist) * self._dimension * 4
            + codebooks
        )


class Hashed:
    """A `types.Structure`: locality-sensitive hashing. Each bit is the side of a random plane through the sample's middle (its median
    along the plane's direction); hashes are compared by Hamming distance with all others."""

    def __init__(self, arrays: Arrays) -> None:
        """What `arrays` gave. Raises `MissingExtraError`."""
        self._planes: Matrix = arrays["planes"]
        self._middles: Matrix = arrays["middles"]
        self._index: Any = _faiss().deserialize_index_binary(arrays["index"])

    @classmethod
    def start(cls, sample: Matrix, _: int) -> Hashed:
        """Empty, for points like the sample."""
        faiss = _faiss()
        bits = max(LEAST_BITS, ceil(HASH_BITS * sample.shape[1] / 8) * 8)
        planes = np.random.default_rng(SEED).standard_normal((sample.shape[1], bits), np.float32)
        index = faiss.IndexBinaryIDMap(faiss.IndexBinaryFlat(bits))
        middles = np.median(sample[:SEEN] @ planes, axis=0)
        return cls({"planes": planes, "middles": middles, "index": faiss.serialize_index_binary(index)})

    def _hashes(self, points: Matrix) -> NDArray[np.uint8]:
        return np.packbits(points @ self._planes > self._middles, axis=1)

    def add(self, points: Matrix, numbers: Numbers) -> None:
        """Hash points."""
        self._index.add_with_ids(self._hashes(points), numbers)

    def remove(self, numbers: Numbers) -> None:
        """Forget points."""
        self._index.remove_ids(np.ascontiguousarray(numbers, np.int64))

    def propose(self, point: Matrix, count: int) -> Numbers:
        """Those whose hashes differ in the fewest bits."""
        with _threads(0):
            numbers: Numbers = self._index.search(self._hashes(point[None]), min(count, int(self._index.ntotal)))[1][0]
        return numbers[numbers >= 0]

    def arrays(self) -> Arrays:
        """All of it."""
        return {"planes": self._planes, "middles": self._middles, "index": _faiss().serialize_index_binary(self._index)}

    def memory_bytes(self) -> int:
        """Bytes held: the hashes, the numbers, and the planes."""
        size = int(self._planes.shape[1]) // 8 + 8
        return int(self._index.ntotal) * size + int(self._planes.nbytes) + int(self._middles.nbytes)


@contextmanager
def _threads(multiplications: int) -> Iterator[None]:
    """One thread for little work: a team costs more to start than it gains, and many times more on a busy machine."""
    faiss = _faiss()
    before = faiss.omp_get_max_threads()
    if multiplications < WORTH_THREADS:
        faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


@cache
def _faiss() -> Any:
    if find_spec("faiss") is None:
        raise MissingExtraError("faiss-cpu", "vectors")
    import faiss

    return faiss
