"""Which bytes of a sound library file hold something: found by following the format, apart from how the doctor looks at it."""

from __future__ import annotations

import struct
from pathlib import Path

from grainline.store import log
from grainline.store.pages import INDEX_INNER, INDEX_LEAF, PAGE, TABLE_INNER, TABLE_LEAF, Pages

#: where the head of the file names the SQLite release that wrote it last, which nothing depends on
RELEASE = slice(96, 100)


def used_bytes(path: Path) -> bytearray:
    """A byte for each byte of the SQLite file at `path`: 1 where it holds something. Nobody may have the file open.

    Not in use are pages of which the log holds a later state, free pages, gaps within pages, the ends of overflow pages that are not
    full, and the number of the SQLite release.
    """
    size = path.stat().st_size
    used = bytearray(size)
    with Pages(path) as pages:
        free = pages.free()
        overflows: dict[int, int] = {}
        for number in range(1, pages.count + 1):
            if number not in free:
                _mark(used, pages, number, overflows)
        for number, length in overflows.items():
            _fill(used, (number - 1) * PAGE, 4 + length)
        trunk = int.from_bytes(pages.page(1)[32:36], "big")
        while trunk:
            following, leaves = struct.unpack_from(">2I", pages.page(trunk))
            _fill(used, (trunk - 1) * PAGE, 8 + 4 * leaves)
            trunk = following
    used[RELEASE] = bytes(4)
    for number in log.read(path).latest()[0]:  # the log holds a later state of these pages
        used[(number - 1) * PAGE : number * PAGE] = bytes(PAGE)[: max(0, size - (number - 1) * PAGE)]
    return used


def _fill(used: bytearray, start: int, length: int) -> None:
    used[start : start + length] = b"\1" * length


def _mark(used: bytearray, pages: Pages, number: int, overflows: dict[int, int]) -> None:
    """Mark what is in use of a page that belongs to a tree, and note the overflow pages that its rows go on in."""
    data = pages.page(number)
    base, head = (number - 1) * PAGE, 100 if number == 1 else 0
    if data[head] not in (INDEX_INNER, TABLE_INNER, INDEX_LEAF, TABLE_LEAF):
        return
    first = head + (12 if data[head] in (INDEX_INNER, TABLE_INNER) else 8)
    cells = int.from_bytes(data[head + 3 : head + 5], "big")
    _fill(used, base, first + 2 * cells)
    gap = int.from_bytes(data[head + 1 : head + 3], "big")
    while gap:
        _fill(used, base + gap, 4)  # a gap begins with where the next one is, and its own length
        gap = int.from_bytes(data[gap : gap + 2], "big")
    if data[head] == TABLE_INNER:
        for start in struct.unpack_from(f">{cells}H", data, first):
            length = next(n for n in range(1, 10) if n == 9 or data[start + 3 + n] < 0x80)
            _fill(used, base + start, 4 + length)
        return
    for cell in pages.cells(number):
        _fill(used, base + cell.start, cell.end - cell.start)
        left = cell.beyond
        for page in cell.further:
            overflows[page] = min(left, PAGE - 4)
            left -= PAGE - 4
