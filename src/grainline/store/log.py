"""The write-ahead log of the SQLite file, verified by ourselves.

SQLite takes in a log up to the first frame that does not verify and drops the rest without a word: right after a crash in the middle
of a write, where nothing behind that frame was ever acknowledged, but silent loss where the frame was damaged since. The two are
told apart here: a frame that ends a commit, at or behind the frame that does not verify, tells of a change that was whole.

The format is SQLite's (sqlite.org/fileformat2.html, section 4). What cannot be told: a log cut short from one that was never longer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PAGE = 4096
HEADER = 32
FRAME = 24 + PAGE
MAGIC_LITTLE, MAGIC_BIG = 0x377F0682, 0x377F0683
VERSION = 3007000
#: frames verified in one go
AT_ONCE = 2048


def path_of(library: Path) -> Path:
    """Where the log of the SQLite file `library` lies."""
    return Path(f"{library.resolve()}-wal")


def size(library: Path) -> int:
    """Bytes of the log; 0 where there is none. Raises `OSError`."""
    try:
        return path_of(library).stat().st_size
    except FileNotFoundError:
        return 0


@dataclass(frozen=True)
class Log:
    """The frames of a log: for each the page it holds, the size of the database if it ends a commit (else 0), whether it verifies from
    the one before it, and whether it carries the marks of this log, or those of an older one that it overwrites."""

    is_headed: bool
    pages: NDArray[np.uint32]
    commits: NDArray[np.uint32]
    good: NDArray[np.bool_]
    ours: NDArray[np.bool_]
    older: NDArray[np.bool_]

    def fault(self) -> str:
        """What is wrong with it, in words; "" where nothing is."""
        import numpy as np

        if not len(self.good):
            return ""
        if not self.is_headed:
            return "its head does not verify"
        bad = np.flatnonzero(~self.good)
        if not len(bad):
            return ""
        first = int(bad[0])
        followed = np.append(self.older[1:], False)  # half a frame, written over an older one when the process died
        if (self.ours & (self.commits > 0) & ~followed)[first:].any():
            return f"frame {first + 1} of {len(self.good)} does not verify"
        return ""

    def latest(self) -> tuple[dict[int, int | None], int]:
        """For each page changed by what was committed, the frame that holds it now (None if that one is damaged), and the number of
        pages of the database; 0 if nothing was committed."""
        import numpy as np

        ends = np.flatnonzero(self.ours & (self.commits > 0))
        if not len(ends):
            return {}, 0
        last = int(ends[-1])
        held: dict[int, int | None] = {}
        for place in np.flatnonzero(self.ours[: last + 1]).tolist():
            held[int(self.pages[place])] = place if self.good[place] else None
        return held, int(self.commits[last])


def fault(library: Path) -> str:
    """What is wrong with the log of the SQLite file `library`, in words; "" where nothing is. Raises `OSError`."""
    return read(library).fault()


def read(library: Path) -> Log:
    """Read and verify the log of the SQLite file `library`; one that is not there has no frames. Raises `OSError`."""
    import numpy as np

    empty = np.zeros((0, FRAME), np.uint8)
    try:
        with path_of(library).open("rb") as file:
            header = file.read(HEADER)
            kind, start = _head(header)
            gathered = [_frames(empty, kind)]
            while data := file.read(AT_ONCE * FRAME):
                whole = len(data) // FRAME
                gathered.append(_frames(np.frombuffer(data, np.uint8, whole * FRAME).reshape(whole, FRAME), kind))
    except FileNotFoundError:
        start, gathered = None, [_frames(empty, "<u4")]
    pages, commits, salts, sums, added = (np.concatenate(column) for column in zip(*gathered, strict=True))
    # without a head, the first frame says which marks are this log's, and cannot be verified itself
    marks = np.array(start[:2] if start else salts[0] if len(salts) else (0, 0), np.uint32)
    before = np.concatenate([np.array([start[2:] if start else (0, 0)], np.uint32), sums])[: len(sums)]
    matrix, _ = _powers()
    with np.errstate(over="ignore"):
        expected = np.stack([matrix[row][0] * before[:, 0] + matrix[row][1] * before[:, 1] for row in (0, 1)], axis=1) + added
    same = salts == marks
    good = (expected == sums).all(axis=1) & same.all(axis=1) & (pages > 0)
    if start is None:
        good[:1] = False
    return Log(start is not None, pages, commits, good, same.any(axis=1), ~same.any(axis=1))


def page(library: Path, frame: int) -> bytes:
    """The page that a frame holds. Raises `OSError`."""
    with path_of(library).open("rb") as file:
        file.seek(HEADER + frame * FRAME + 24)
        return file.read(PAGE)


def _head(header: bytes) -> tuple[str, tuple[int, int, int, int] | None]:
    """The byte order of the checksums, and the log's two marks with the two sums to start from; None if the head is damaged."""
    import numpy as np

    if len(header) < HEADER:
        return "<u4", None
    magic, version, page_size, _, mark, other, first, second = struct.unpack(">8I", header)
    kind = ">u4" if magic == MAGIC_BIG else "<u4"
    sums = [0, 0]
    for a, b in np.frombuffer(header, kind, 6).reshape(3, 2).tolist():
        sums[0] = (sums[0] + a + sums[1]) & 0xFFFFFFFF
        sums[1] = (sums[1] + b + sums[0]) & 0xFFFFFFFF
    sound = magic in (MAGIC_LITTLE, MAGIC_BIG) and version == VERSION and page_size == PAGE and sums == [first, second]
    return kind, (mark, other, first, second) if sound else None


def _frames(data: NDArray[np.uint8], kind: str) -> tuple[NDArray[Any], ...]:
    """Page numbers, sizes at commits, marks, stored sums, and what each frame adds to the running sums."""
    import numpy as np

    head = data[:, :24].copy().view(">u4").astype(np.uint32)
    summed = np.concatenate([data[:, :8], data[:, 24:]], axis=1).view(kind).astype(np.uint32)
    _, weights = _powers()
    return head[:, 0], head[:, 1], head[:, 2:4], head[:, 4:6], summed @ weights


@lru_cache(maxsize=1)
def _powers() -> tuple[list[list[np.uint32]], NDArray[np.uint32]]:
    """The sums of a log as linear algebra modulo 2^32: (s, t) becomes (s + t + a, s + 2t + a + b) for each pair of words a, b.

    Returns the matrix that takes the sums over a whole frame, and the weights of the frame's words in both sums.
    """
    import numpy as np

    pairs = (8 + PAGE) // 8
    power = [[1, 0], [0, 1]]
    weights = np.zeros((2 * pairs, 2), np.uint32)
    for pair in reversed(range(pairs)):
        for row in (0, 1):
            weights[2 * pair, row] = (power[row][0] + power[row][1]) & 0xFFFFFFFF
            weights[2 * pair + 1, row] = power[row][1]
        power = [[(row[0] + row[1]) & 0xFFFFFFFF, (row[0] + 2 * row[1]) & 0xFFFFFFFF] for row in power]
    return [[np.uint32(value) for value in row] for row in power], weights
