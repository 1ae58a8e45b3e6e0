"""The nearest of all vectors of a library, for one that was embedded as a whole; `vectors.choose` says which index family compares them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grainline.match.index import Index
from grainline.match.vector import decode, identity, unpack_rows
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, Embedder, Where
from grainline.vectors.choose import EXACT_BELOW, choose
from grainline.vectors.types import VectorIndex

Floats = NDArray[np.float32]
AT_ONCE = 4096
#: as many vectors, 30 MB of 384 numbers each, are held in full precision
HELD = 20_000
#: questions until an index is built of many vectors: it takes as long as comparing all of them for some dozens
PATIENCE = 20


class Dense:
    """All kept vectors of an encoder over one state of a library, as an index of rows: a row is a unit of an entry's text."""

    def __init__(self, snapshot: Snapshot, embedder: Embedder) -> None:
        self._entries = Index.of(snapshot, "text")
        self._owners, self._codes = rows_of(snapshot, embedder)
        rows = np.bincount(self._owners, minlength=self._entries.size)
        #: the row of each entry that has one alone, -1 for others
        self._alone = np.full(self._entries.size, -1, np.int64)
        self._alone[self._owners] = np.where(rows[self._owners] == 1, np.arange(len(self._owners)), -1)
        #: a smaller library's vectors, ready to be compared
        self._decoded = decode(self._codes) if len(self._codes) <= HELD else None
        self._index: VectorIndex | None = None
        self._asked = 0

    @property
    def is_indexed(self) -> bool:
        """Whether an index was built by now."""
        return self._index is not None

    def nearest(self, question: Floats, k: int, where: Where = EVERYWHERE) -> list[int]:
        """At most `k` entries with the units nearest to the question, nearest first.

        From the `PATIENCE`th question on, many vectors are searched by an index of a family that was measured to find 95% of them or more.
        What is seen through `where` is compared row by row: an index that learned from all vectors would tell of hidden ones.
        """
        self._asked += 1
        if self._asked == PATIENCE and len(self._codes) >= EXACT_BELOW:
            self._index = choose(decode(self._codes)).index
        count = 2 * k
        while True:
            if self._index and where == EVERYWHERE:
                rows = self._index.search(question, count).ids
            else:
                rows = self._compared(question, count, where)
            entries = list(dict.fromkeys(self._owners[rows].tolist()))
            if len(entries) >= k or len(rows) < count:
                return entries[:k]
            count *= 2

    def cosines(self, question: Floats, entries: NDArray[np.int64]) -> Floats:
        """The cosine of each entry whose text is one unit and has its vector, NaN for others; no text is looked at."""
        rows = self._alone[entries]
        cosines = np.full(len(entries), np.nan, np.float32)
        known = rows >= 0
        wanted = rows[known]
        cosines[known] = (decode(self._codes[wanted]) if self._decoded is None else self._decoded[wanted]) @ question
        return cosines

    def _compared(self, question: Floats, count: int, where: Where) -> NDArray[np.int64]:
        """The `count` rows nearest to the question among all that may be seen, the nearest first; equal ones in their order."""
        allowed = self._entries.allowed(where)
        rows = np.arange(len(self._owners)) if allowed is None else np.flatnonzero(allowed[self._owners])
        if self._decoded is not None:
            far = -(self._decoded @ question)[rows]
        else:
            blocks = [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]
            far = np.concatenate([np.zeros(0, np.float32), *[-(decode(self._codes[block]) @ question) for block in blocks]])
        if count < len(far):
            kept = np.flatnonzero(far <= np.partition(far, count - 1)[count - 1])
            rows, far = rows[kept], far[kept]
        nearest: NDArray[np.int64] = rows[np.argsort(far, kind="stable")][:count]
        return nearest

    @classmethod
    def of(cls, snapshot: Snapshot, embedder: Embedder) -> Dense:
        """The vectors of a state, read once."""
        return snapshot.keep(("dense", identity(embedder)), lambda: cls(snapshot, embedder))


def rows_of(snapshot: Snapshot, embedder: Embedder) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
    """The entry and the kept form of every vector of every living entry of a library."""
    index = Index.of(snapshot, "text")
    held = snapshot.all_vectors(identity(embedder))
    allowed = index.allowed(EVERYWHERE)
    entries = np.arange(index.size) if allowed is None else np.flatnonzero(allowed)
    rows = [unpack_rows(held.get(text, b""), embedder.dimension) for text in index.texts[entries].tolist()]
    owners = np.repeat(entries, [len(own) for own in rows])
    nothing = np.zeros((0, embedder.dimension + 1), np.int8)
    return owners, np.concatenate([nothing, *rows])[:, 1:]
