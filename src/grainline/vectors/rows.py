"""The vectors that an index holds, by id: as float32, or as int8 once there are enough of them to know their centre and spread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.vectors.quantise import LEVELS, Int8
from grainline.vectors.types import Arrays, Matrix, Numbers

Places = NDArray[np.int64]
#: rows decoded or compared in one go: what stays in a processor's cache, and few enough that BLAS does not start threads for them, which
#: on a busy machine took ten times longer than the product itself
AT_ONCE = 1024
GROWTH = 1.25


class Columns:
    """Arrays of one length that grow at their end; where rows are removed, the last ones move into their places."""

    def __init__(self, columns: Arrays) -> None:
        self._columns = dict(columns)
        self._length = len(next(iter(columns.values())))

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self._length]

    def reserve(self, rows: int) -> None:
        """Make room for as many rows in all, with some to spare unless they are the first."""
        old = self._length
        for name, held in self._columns.items():
            if len(held) < rows:
                grown = np.empty((max(rows, int(old * GROWTH)), *held.shape[1:]), held.dtype)
                grown[:old] = held[:old]
                self._columns[name] = grown

    def append(self, rows: Mapping[str, NDArray[Any]]) -> None:
        """Add rows, a part of each column."""
        old, new = self._length, self._length + len(next(iter(rows.values())))
        self.reserve(new)
        for name, added in rows.items():
            self._columns[name][old:new] = added
        self._length = new

    def remove(self, places: Places) -> tuple[Places, Places]:
        """Take out the rows at these different places; returns where rows were moved to and from."""
        length = self._length - len(places)
        leaving = np.zeros(self._length, bool)
        leaving[places] = True
        targets, origins = np.flatnonzero(leaving[:length]), np.flatnonzero(~leaving[length:]) + length
        for name, column in self._columns.items():
            column[targets] = column[origins]
            if len(column) > 2 * GROWTH * length:
                self._columns[name] = column[:length].copy()
        self._length = length
        return targets, origins

    def arrays(self) -> Arrays:
        """The columns as they are."""
        return {name: self[name] for name in self._columns}

    def memory_bytes(self) -> int:
        """Bytes held, room to grow included."""
        return sum(column.nbytes for column in self._columns.values())


class Rows:
    """Vectors with their ids, the numbers that the structure knows them by, and their lengths (norms)."""

    def __init__(self, dimension: int, arrays: Arrays | None = None) -> None:
        """Empty, or what `arrays` gave."""
        self.dimension = dimension
        self.int8: Int8 | None = None
        held = dict(arrays or {})
        if "centre" in held:
            self.int8 = Int8(held.pop("centre"), held.pop("spread"))
        if not held:
            held = {"values": np.empty((0, dimension), np.float32), **_empty()}
        self._columns = Columns(held)
        self._order: Places | None = None

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def ids(self) -> Numbers:
        """The id of each row."""
        return self._columns["ids"]

    @property
    def numbers(self) -> Numbers:
        """The structure's number of each row."""
        return self._columns["numbers"]

    @property
    def norms(self) -> Matrix:
        """The Euclidean length of each row as it is stored."""
        return self._columns["norms"]

    def reserve(self, rows: int) -> None:
        """Make room for as many rows in all."""
        self._columns.reserve(rows)

    def append(self, matrix: Matrix, ids: Numbers, numbers: Numbers) -> None:
        """Add rows; the ids must be new."""
        rows: dict[str, NDArray[Any]] = {"ids": ids, "numbers": numbers}
        if self.int8:
            rows["codes"], rows["scales"] = self.int8.encode(matrix)
            matrix = self.int8.decode(rows["codes"], rows["scales"])
        else:
            rows["values"] = matrix
        rows["norms"] = np.sqrt(np.einsum("ij,ij->i", matrix, matrix, dtype=np.float64))
        self._columns.append(rows)
        self._order = None

    def remove(self, places: Places) -> tuple[Places, Places]:
        """Take out rows; returns where rows were moved to and from."""
        self._order = None
        return self._columns.remove(places)

    def quantise(self, int8: Int8) -> None:
        """Hold the rows as int8 from now on."""
        old, self.int8 = self, int8
        values, ids, numbers = old._columns["values"], old.ids, old.numbers
        empty: Arrays = {"codes": np.empty((0, self.dimension), np.int8), "scales": np.empty(0, np.float32), **_empty()}
        self._columns = Columns(empty)
        self.append(values, ids, numbers)

    def renumber(self) -> None:
        """Number the rows anew, from 0."""
        self._columns["numbers"][:] = np.arange(len(self))

    def take(self, places: Places | slice) -> Matrix:
        """The vectors at these places."""
        if self.int8:
            return self.int8.decode(self._columns["codes"][places], self._columns["scales"][places])
        values: Matrix = self._columns["values"][places]
        return values

    def dots(self, places: Places | slice, query: Matrix) -> Matrix:
        """The dot products of the vectors at these places with a query, without decoding them."""
        if not self.int8:
            plain: Matrix = self._columns["values"][places] @ query
            return plain
        dots: Matrix = self._columns["codes"][places].astype(np.float32) @ (self.int8.spread * query)
        dots *= self._columns["scales"][places]
        dots += self.int8.centre @ query
        return dots

    def sizes(self, places: Places | slice) -> Matrix:
        """For each vector a length that none of the sums which `take` and `dots` form it from goes beyond: the measure of rounding."""
        if not self.int8:
            plain: Matrix = self.norms[places]
            return plain
        step = np.float32(LEVELS * np.linalg.norm(self.int8.spread))
        sizes: Matrix = self._columns["scales"][places] * step + np.float32(np.linalg.norm(self.int8.centre))
        return sizes

    def blocks(self, places: Places | None = None) -> Iterator[tuple[slice, Matrix]]:
        """All vectors, or those at `places`, block by block, each with where it stands among them."""
        for block, held in self.parts(places):
            yield block, self.take(held)

    def parts(self, places: Places | None = None) -> Iterator[tuple[slice, Places | slice]]:
        """The places of all vectors, or `places`, in parts, each with where it stands among them."""
        for start in range(0, len(self) if places is None else len(places), AT_ONCE):
            block = slice(start, start + AT_ONCE)
            yield block, block if places is None else places[block]

    def find(self, ids: Numbers) -> Places:
        """Where each of the ids stands; -1 where it is not held."""
        held = self.ids
        if not len(held):
            return np.full(len(ids), -1)
        if self._order is None:
            self._order = np.argsort(held)
        nearest = np.minimum(np.searchsorted(held, ids, sorter=self._order), len(held) - 1)
        places = self._order[nearest]
        return np.where(held[places] == ids, places, -1)

    def arrays(self) -> Arrays:
        """All of it, for the constructor."""
        fitted = {"centre": self.int8.centre, "spread": self.int8.spread} if self.int8 else {}
        return {**self._columns.arrays(), **fitted}

    def memory_bytes(self) -> int:
        """Bytes held."""
        return self._columns.memory_bytes() + (self._order.nbytes if self._order is not None else 0)


def _empty() -> Arrays:
    return {"ids": np.empty(0, np.int64), "numbers": np.empty(0, np.int64), "norms": np.empty(0, np.float32)}
