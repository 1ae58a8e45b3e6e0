"""What the rest of Grainline sees of a vector index, and what a family has to bring.

`VectorIndex` is the face: ids and distances. A `Structure` is what makes a family: it proposes candidates, cheaply and without
promise; `index.Index` holds the vectors, compares the candidates exactly and keeps every promise (filters, counts, files).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float32]
Numbers = NDArray[np.int64]
Arrays = dict[str, NDArray[Any]]
#: what a search may return: one boolean for each of `VectorIndex.ids`, in that order, or the ids themselves
Allowed = NDArray[np.bool_] | NDArray[np.integer[Any]] | Collection[int]


class Found(NamedTuple):
    """The nearest, best first; equal distances go by id."""

    ids: Numbers
    distances: NDArray[np.float64]


@runtime_checkable
class VectorIndex(Protocol):
    """Vectors by id, and the nearest to a question. Ids are whole numbers from 0, each held once."""

    effort: float
    """How hard a search looks: 1 is the family's own measure, 2 costs about twice the time and finds more. Exact ones ignore it."""

    @property
    def ids(self) -> Numbers:
        """The ids held, in an order that changes with every `add` and `remove`."""
        ...

    def add(self, vectors: ArrayLike, ids: ArrayLike) -> None:
        """Add rows under new ids, all or none; raises `UsageError` naming the row or the id that cannot be added."""
        ...

    def remove(self, ids: ArrayLike) -> int:
        """Remove what is held of these ids; returns how many."""
        ...

    def search(self, query: ArrayLike, k: int, allowed: Allowed | None = None) -> Found:
        """The `k` nearest among `allowed` (None: all); fewer only where fewer are allowed. Raises `UsageError`."""
        ...

    def save(self, folder: Path, about: Mapping[str, Any] | None = None) -> None:
        """Write the index as one file of `folder`, whole or not at all; `about` is kept with it. Raises `StorageError`."""
        ...

    def memory_bytes(self) -> int:
        """Bytes that it holds in memory."""
        ...


class Structure(Protocol):
    """Proposes candidates among numbered points by Euclidean distance. Numbers are given once and never again."""

    def add(self, points: Matrix, numbers: Numbers) -> None:
        """Take in points."""
        ...

    def remove(self, numbers: Numbers) -> None:
        """Stop proposing these numbers, where that can be had; the index drops them in any case."""
        ...

    def propose(self, point: Matrix, count: int) -> Numbers:
        """About `count` different numbers that are likely to be near `point`; fewer only where it can find no more."""
        ...

    def arrays(self) -> Arrays:
        """All of it, to be written; the family's `restore` takes it back."""
        ...

    def memory_bytes(self) -> int:
        """Bytes that it holds in memory."""
        ...
