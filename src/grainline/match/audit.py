"""Whether the lexical index says what the documents say: both sides are summed up in one number a document, and compared.

A document's number is the sum, modulo 2^64, of well mixed hashes of its entries and postings, so neither order nor the cut into segments
counts, and any difference shows but for a chance of one in 2^64.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import DamagedError
from grainline.match.postings import PLACES, Arrays
from grainline.store.manifest import Segment
from grainline.store.snapshot import Snapshot

Numbers = NDArray[np.uint64]


class Ledger:
    """The numbers of the documents 0 to `documents` - 1, for each kind of key."""

    def __init__(self, documents: int) -> None:
        self._size = documents
        self._sums: dict[str, Numbers] = {}

    def add(self, kind: str, arrays: Arrays, living: NDArray[np.bool_] | None = None) -> None:
        """Count a segment in, or only its `living` entries."""
        sums = self._sums.setdefault(kind, np.zeros(self._size, np.uint64))
        documents = arrays["document"].astype(np.int64)
        places = documents.astype(np.uint64) << np.uint64(32) | arrays["node"].astype(np.uint64)
        marks = _mixed(places)
        entries = np.arange(len(places)) if living is None else np.flatnonzero(living)
        np.add.at(sums, documents[entries], _mixed(_mixed(marks + arrays["length"]) ^ arrays["text"])[entries])
        starts = arrays["start"].astype(np.int64)
        terms = np.repeat(arrays["term"], starts[1:] - starts[:-1])
        owners, counts = arrays["entry"], arrays["count"].astype(np.uint64)
        if living is not None:
            kept = living[owners]
            terms, owners, counts = terms[kept], owners[kept], counts[kept]
        np.add.at(sums, documents[owners], _mixed(_mixed(terms) ^ marks[owners]) * (counts + np.uint64(1)))

    def differing(self, other: Ledger) -> NDArray[np.int64]:
        """The documents that the two differ about, ascending."""
        nothing = np.zeros(self._size, np.uint64)
        wrong = np.zeros(self._size, bool)
        for kind in self._sums.keys() | other._sums.keys():
            wrong |= self._sums.get(kind, nothing) != other._sums.get(kind, nothing)
        return np.flatnonzero(wrong)


def stored(snapshot: Snapshot) -> Ledger:
    """What the index in a library says. Raises `DamagedError` if an array of it is damaged or makes no sense."""
    ledger = Ledger(snapshot.manifest.next_document)
    for segment in snapshot.manifest.segments:
        arrays = {name: snapshot.array(stretch) for name, stretch in segment.arrays.items()}
        dead = snapshot.array(segment.dead) if segment.dead else np.zeros(0, np.uint32)
        if not _is_sane(segment, arrays, dead, snapshot.manifest.next_document):
            raise DamagedError(f"a segment of the index of {segment.kind} makes no sense; run `grainline doctor`")
        living = np.ones(segment.entries, bool)
        living[dead] = False
        ledger.add(segment.kind, arrays, living)
    return ledger


def _is_sane(segment: Segment, arrays: dict[str, NDArray[Any]], dead: NDArray[Any], documents: int) -> bool:
    """Whether the arrays fit together: lengths agree, numbers are in range, terms and the entries of each term ascend."""
    if set(arrays) != {*PLACES, "term", "start", "entry", "count"}:
        return False
    starts, terms, entries = arrays["start"].astype(np.int64), arrays["term"], arrays["entry"].astype(np.int64)
    lengths_agree = (
        all(len(arrays[name]) == segment.entries for name in PLACES)
        and len(starts) == len(terms) + 1
        and len(entries) == len(arrays["count"]) == starts[-1]
    )
    if not lengths_agree or starts[0] != 0 or (starts[1:] <= starts[:-1]).any() or (terms[1:] <= terms[:-1]).any():
        return False
    for values, bound in ((entries, segment.entries), (dead, segment.entries), (arrays["document"], documents)):
        if len(values) and values.max() >= bound:
            return False
    rises = np.diff(entries) > 0
    rises[starts[1:-1] - 1] = True  # a term's first entry may lie before the last one of the term before it
    return bool(rises.all())


def _mixed(values: NDArray[Any]) -> Numbers:
    """Numbers whose every bit depends on every bit of the values (the finaliser of SplitMix64)."""
    mixed = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ mixed >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ mixed >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return mixed ^ mixed >> np.uint64(31)
