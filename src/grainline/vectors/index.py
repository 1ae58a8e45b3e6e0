"""The one index behind all families: it holds the vectors, asks the family's structure for candidates, and keeps the promises.

What a filter allows is never lost: candidates are asked for until enough of them are allowed, else all that is allowed is compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grainline.errors import UsageError
from grainline.vectors import file
from grainline.vectors.distance import Distance, directions, rows_of
from grainline.vectors.quantise import Int8, check_small
from grainline.vectors.rows import Places, Rows
from grainline.vectors.scan import nearest
from grainline.vectors.space import Space
from grainline.vectors.types import Allowed, Arrays, Found, Matrix, Numbers, Structure

#: below this many vectors every family compares them all, in float32: that takes a millisecond, and nothing can be learned from fewer
FIT = 2048
#: vectors that a structure learns from, at least (where there are as many), and for each cell of an inverted file
SAMPLE, SAMPLE_PER_CELL = 20_000, 40
#: a structure is built anew when the index has this many times the vectors it learned from, or has given out twice its numbers
OUTGROWN, NUMBERS = 4, 2
AT_ONCE = 1 << 14
SEED = 2026
PREFIX = "structure."


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of index. `start(sample, expected)` makes an empty structure, `restore` one from its arrays; None: every vector is compared.
    `depth` candidates are compared exactly at effort 1. `refit` is False where a structure serves any number of vectors alike."""

    name: str
    about: str
    package: str = ""
    start: Callable[[Matrix, int], Structure] | None = None
    restore: Callable[[Arrays], Structure] | None = None
    depth: int = 0
    refit: bool = True


class Index:
    """A `types.VectorIndex` of any family. With a structure, vectors are held as int8 from `FIT` on, and distances are those to the
    decoded vectors; without, as float32, and distances are exact."""

    def __init__(self, family: Family, distance: Distance, dimension: int) -> None:
        """Empty."""
        self.family = family
        self.distance = distance
        self.dimension = dimension
        self.effort = 1.0
        self.about: dict[str, Any] = {}
        self._rows = Rows(dimension)
        self._structure: Structure | None = None
        self._space: Space | None = None
        self._learned = 0
        #: for each number given to the structure its row; -1 where it is removed
        self._row_of = np.empty(0, np.int64)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def ids(self) -> Numbers:
        """The ids held, in an order that changes with every `add` and `remove`."""
        return self._rows.ids.copy()

    def add(self, vectors: ArrayLike, ids: ArrayLike) -> None:
        """Add rows under new ids, all or none; raises `UsageError` naming the row or the id that cannot be added."""
        matrix = rows_of(vectors, "vectors")
        if matrix.shape[1] != self.dimension:
            raise UsageError(f"the vectors have {matrix.shape[1]} dimensions, those of the index {self.dimension}")
        named = ids_of(ids)
        if len(named) != len(matrix):
            raise UsageError(f"{len(matrix)} vectors cannot go by {len(named)} ids")
        counted, first = np.unique(named, return_index=True)
        again = np.ones(len(named), bool)
        again[first] = self._rows.find(counted) >= 0
        if again.any():
            raise UsageError(f"the id {named[np.argmax(again)]} is given twice, or held; remove it first")
        for start in range(0, len(matrix), AT_ONCE):
            self._ready(matrix, start)
        total = len(self) + len(matrix)
        if self.family.start and not self._structure and total >= FIT:
            self._learn(self._sample(matrix), total)
        self._rows.reserve(total)
        for start in range(0, len(matrix), AT_ONCE):
            self._append(self._ready(matrix, start), named[start : start + AT_ONCE])
        if self.family.refit and len(self) > OUTGROWN * self._learned:
            self._relearn()

    def _ready(self, matrix: NDArray[Any], start: int) -> Matrix:
        """A block of the matrix as it will be held; raises `UsageError`."""
        block = matrix[start : start + AT_ONCE]
        check_small(block, "vectors", start)
        if self.distance.needs_direction:
            block = directions(block, "vectors", start)
        return block.astype(np.float32)

    def _append(self, matrix: Matrix, ids: Numbers) -> None:
        first = len(self._row_of)
        numbers = np.arange(first, first + len(ids))
        self._row_of = np.concatenate([self._row_of, np.arange(len(self), len(self) + len(ids))])
        self._rows.append(matrix, ids, numbers)
        if self._structure and self._space:
            self._structure.add(self._space.points(matrix), numbers)

    def _sample(self, coming: NDArray[Any] | None = None) -> Matrix:
        """Some of the vectors held and of those that come, drawn alike."""
        total = len(self) + (0 if coming is None else len(coming))
        wanted = min(total, max(SAMPLE, ceil(SAMPLE_PER_CELL * total**0.5)))
        drawn = np.sort(np.random.default_rng(SEED).choice(total, wanted, replace=False))
        held = self._rows.take(drawn[drawn < len(self)])
        if coming is None:
            return held
        new = coming[drawn[drawn >= len(self)] - len(self)]
        return np.concatenate([held, self._ready_all(new)])

    def _ready_all(self, matrix: NDArray[Any]) -> Matrix:
        parts = [self._ready(matrix, start) for start in range(0, len(matrix), AT_ONCE)]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *parts])

    def _learn(self, sample: Matrix, expected: int) -> None:
        """Start the structure, and the int8 codes if there are none yet, from a sample; what is held goes into both."""
        assert self.family.start
        if self._rows.int8 is None:
            self._rows.quantise(Int8.fit(sample))
        self._rows.renumber()
        self._row_of = np.arange(len(self))
        self._space = Space.fit(sample, self.distance)
        self._structure = self.family.start(self._space.points(sample), expected)
        self._learned = expected
        for block, matrix in self._rows.blocks():
            self._structure.add(self._space.points(matrix), self._rows.numbers[block])

    def _relearn(self) -> None:
        if self._structure and len(self) >= FIT:
            self._learn(self._sample(), len(self))

    def remove(self, ids: ArrayLike) -> int:
        """Remove what is held of these ids; returns how many."""
        places = self._rows.find(np.unique(ids_of(ids)))
        places = places[places >= 0]
        numbers = self._rows.numbers[places]
        self._row_of[numbers] = -1
        targets, _ = self._rows.remove(places)
        self._row_of[self._rows.numbers[targets]] = targets
        if self._structure:
            self._structure.remove(numbers)
            if len(self._row_of) > NUMBERS * len(self) + FIT:
                self._relearn()
        return len(places)

    def search(self, query: ArrayLike, k: int, allowed: Allowed | None = None) -> Found:
        """The `k` nearest among `allowed` (None: all); fewer only where fewer are allowed. Raises `UsageError`."""
        asked = self._asked(query)
        if k < 1:
            raise UsageError(f"k must be at least 1; it is {k}")
        places = None if allowed is None else self._allowed(allowed)
        count = len(self) if places is None else len(places)
        if not count:
            return Found(np.empty(0, np.int64), np.empty(0))
        k = min(k, count)
        near = self._candidates(asked, k, places) if self._structure and count > FIT else None
        best, distances = nearest(self._rows, self.distance, asked, k, places if near is None else near)
        return Found(self._rows.ids[best], distances)

    def _asked(self, query: ArrayLike) -> NDArray[np.float64]:
        row = rows_of(query, "query")
        if row.shape != (1, self.dimension):
            raise UsageError(f"one query of {self.dimension} dimensions is needed, not {np.shape(query)}")
        check_small(row, "query")
        asked: NDArray[np.float64] = directions(row, "query")[0] if self.distance.needs_direction else row[0].astype(np.float64)
        return asked

    def _allowed(self, allowed: Allowed) -> Places:
        """Where the allowed rows stand, ascending."""
        if isinstance(allowed, np.ndarray) and allowed.dtype == bool:
            if allowed.shape != (len(self),):
                raise UsageError(f"a mask of {len(self)} values is needed, one for each of ids, not {allowed.shape}")
            return np.flatnonzero(allowed)
        wanted = ids_of(allowed if isinstance(allowed, np.ndarray) else list(allowed))
        places = self._rows.find(np.unique(wanted))
        return np.sort(places[places >= 0])

    def _candidates(self, asked: NDArray[np.float64], k: int, places: Places | None) -> Places | None:
        """Rows that the structure proposes, at least as many allowed ones as are to be compared; None where that is no less than half
        of all, or the structure finds no more: then everything allowed is compared."""
        assert self._structure and self._space
        total, count = len(self), len(self) if places is None else len(places)
        wanted = min(count, max(k, ceil(max(self.family.depth, 4 * k) * self.effort)))
        seen = None
        if places is not None:
            seen = np.zeros(total, bool)
            seen[places] = True
        point = self._space.point(asked)
        fetch = wanted if seen is None else ceil(1.2 * wanted * total / count)
        while fetch <= total // 2:
            numbers = self._structure.propose(point, fetch)
            found = self._row_of[numbers]
            found = found[found >= 0]
            if seen is not None:
                found = found[seen[found]]
            if len(found) >= wanted:
                return np.sort(found)
            if len(numbers) < fetch:
                return None
            fetch *= 2
        return None

    def save(self, folder: Path, about: Mapping[str, Any] | None = None) -> None:
        """Write the index as one file of `folder`, whole or not at all; `about` (plain JSON) is kept with it. Raises `StorageError`."""
        self.about = dict(self.about if about is None else about)
        meta = {"family": self.family.name, "distance": self.distance.name, "dimension": self.dimension, "effort": self.effort}
        arrays = {**self._rows.arrays(), **(self._space.arrays() if self._space else {})}
        if self._structure:
            arrays |= {PREFIX + name: array for name, array in self._structure.arrays().items()}
        given = {"learned": self._learned, "numbers": len(self._row_of), "about": self.about}
        file.write(folder, meta | given, arrays)

    def load(self, meta: Mapping[str, Any], arrays: Arrays) -> None:
        """Become what `save` wrote. Raises `MissingExtraError` where the family's package is not installed."""
        held = dict(arrays)
        parts = {name.removeprefix(PREFIX): held.pop(name) for name in arrays if name.startswith(PREFIX)}
        if "middle" in held:
            self._space = Space(held.pop("middle"), float(held.pop("top")[0]))
        if parts and self.family.restore:
            self._structure = self.family.restore(parts)
        self._rows = Rows(self.dimension, held)
        self._learned, self.effort, self.about = meta["learned"], meta["effort"], meta["about"]
        self._row_of = np.full(meta["numbers"], -1)
        self._row_of[self._rows.numbers] = np.arange(len(self))

    def memory_bytes(self) -> int:
        """Bytes that it holds in memory."""
        structure = self._structure.memory_bytes() if self._structure else 0
        return self._rows.memory_bytes() + self._row_of.nbytes + structure

    def blocks(self) -> Iterator[tuple[Numbers, Matrix]]:
        """All ids with their vectors as they are held, block by block."""
        for block, matrix in self._rows.blocks():
            yield self._rows.ids[block].copy(), matrix


def ids_of(values: ArrayLike) -> Numbers:
    """Ids as int64; raises `UsageError` for what is no whole number from 0 to 2^63 - 1."""
    given = np.asarray(values)
    if not given.size:
        return np.empty(0, np.int64)
    if given.ndim > 1 or given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= 1 << 63:
        raise UsageError("ids must be whole numbers from 0 to 2^63 - 1, in one row")
    return given.reshape(-1).astype(np.int64)
