"""Rows read straight from the pages of an SQLite file, for when its trees are damaged.

Every page that looks like one that holds rows is read, whatever points at it; what is found is a guess until its seal verifies. The
format is SQLite's (sqlite.org/fileformat2.html); of it, what our own files use: UTF-8, pages of one size, nothing reserved.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from grainline.store import log

PAGE = log.PAGE
#: first bytes of pages that hold rows or keys: inner and outer ones of indexes, outer ones of tables
INDEX_INNER, TABLE_INNER, INDEX_LEAF, TABLE_LEAF = 2, 5, 10, 13
#: bytes of the integers with type codes 0 to 9 in a record
WIDTHS = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)

Value = bytes | int | float | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A row or key: where it lies in its page, its row number (None in indexes), its values (text as UTF-8), the pages that it goes on
    in, and how many bytes lie there."""

    start: int
    end: int
    number: int | None
    values: tuple[Value, ...]
    further: tuple[int, ...]
    beyond: int


class Pages:
    """The pages of an SQLite file with the committed changes of its log; use it as a context. Raises `OSError`.

    No connection of this process may be open on the file: closing it here would drop that one's locks.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Pages:
        self._file: BinaryIO | None = self._path.open("rb") if self._path.exists() else None
        size = self._path.stat().st_size if self._file else 0
        self._changed, committed = log.read(self._path).latest()
        #: how many pages there are; the last one may be cut short
        self.count = max(committed, -(-size // PAGE)) if committed else -(-size // PAGE)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file:
            self._file.close()

    def page(self, number: int) -> bytes:
        """The page with this number, from 1; zero bytes where it is lost or cut short."""
        data = b""
        if number in self._changed:
            frame = self._changed[number]
            data = log.page(self._path, frame) if frame is not None else b""
        elif self._file:
            self._file.seek((number - 1) * PAGE)
            data = self._file.read(PAGE)
        return data.ljust(PAGE, b"\0")

    def free(self) -> set[int]:
        """The pages that hold nothing, as far as their list can be followed."""
        found: set[int] = set()
        trunk = int.from_bytes(self.page(1)[32:36], "big")
        while 1 < trunk <= self.count and trunk not in found:
            found.add(trunk)
            following, length = struct.unpack_from(">2I", self.page(trunk))
            leaves = struct.unpack_from(f">{min(length, PAGE // 4 - 2)}I", self.page(trunk), 8)
            found.update(leaf for leaf in leaves if 1 < leaf <= self.count)
            trunk = following
        return found

    def cells(self, number: int) -> Iterator[Cell]:
        """The rows and keys of a page; none for any other kind of page, and without those that make no sense."""
        data = self.page(number)
        head = 100 if number == 1 else 0
        kind = data[head]
        if kind not in (INDEX_INNER, INDEX_LEAF, TABLE_LEAF):
            return
        first = head + (12 if kind == INDEX_INNER else 8)
        length = min(int.from_bytes(data[head + 3 : head + 5], "big"), (PAGE - first) // 2)
        for start in struct.unpack_from(f">{length}H", data, first):
            try:
                yield self._cell(data, start, kind)
            except (IndexError, ValueError, struct.error):
                continue  # no row of ours; what was here is missed and named when rows are counted

    def _cell(self, data: bytes, start: int, kind: int) -> Cell:
        place = start + (4 if kind == INDEX_INNER else 0)
        size, place = _varint(data, place)
        number = None
        if kind == TABLE_LEAF:
            number, place = _varint(data, place)
        local = local_size(size, kind)
        end = place + local + (4 if local < size else 0)
        if end > PAGE or size > self.count * PAGE:
            raise ValueError("a row beyond its page")
        payload, further = data[place : place + local], []
        if local < size:
            chunks = [payload]
            following, missing = int.from_bytes(data[place + local : end], "big"), size - local
            while missing > 0:
                if not 1 < following <= self.count:
                    raise ValueError("a row that goes on nowhere")
                further.append(following)
                chunk = self.page(following)
                chunks.append(chunk[4 : 4 + missing])
                following, missing = int.from_bytes(chunk[:4], "big"), missing - (PAGE - 4)
            payload = b"".join(chunks)
        return Cell(start, end, number, tuple(_values(payload)), tuple(further), size - local)


def local_size(size: int, kind: int) -> int:
    """How many bytes of a row of `size` bytes lie in its own page; the rest goes on in others.

    >>> local_size(100, TABLE_LEAF), local_size(5000, TABLE_LEAF), local_size(5000, INDEX_LEAF)
    (100, 908, 908)
    """
    most = PAGE - 35 if kind == TABLE_LEAF else (PAGE - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (PAGE - 12) * 32 // 255 - 23
    wanted = least + (size - least) % (PAGE - 4)
    return wanted if wanted <= most else least


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    value = 0
    for at in range(place, place + 8):
        value = value << 7 | data[at] & 0x7F
        if data[at] < 0x80:
            return value, at + 1
    value = value << 8 | data[place + 8]
    return value - (1 << 64) if value >> 63 else value, place + 9


def _values(payload: bytes) -> Iterator[Value]:
    """The values of a record."""
    body, place = _varint(payload, 0)
    codes = []
    while place < body:
        code, place = _varint(payload, place)
        codes.append(code)
    at = body
    for code in codes:
        width = (code - 12) // 2 if code >= 12 else WIDTHS[code]
        piece = payload[at : at + width]
        if len(piece) < width:
            raise ValueError("a row cut short")
        at += width
        if code >= 12:
            yield piece
        elif code in (0, 8, 9):
            yield None if code == 0 else code - 8
        else:
            yield int.from_bytes(piece, "big", signed=True) if code < 7 else struct.unpack(">d", piece)[0]
