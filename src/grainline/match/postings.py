"""Inverted indexes as plain arrays: built from terms, merged, and read back a term at a time.

A segment covers a number of entries (keys of one kind). Its arrays: `document`, `node` (row number and place of the node that
an entry's key points at), `length` (terms in the key), `text` (a 64-bit hash of what the key says); `term` (64-bit hashes of the
terms, ascending), `start` (where each term's postings begin, one more than there are terms), `entry` and `count` (the postings:
entries ascending within a term, and how often it occurs there).
Terms are kept as hashes: among ten million terms the odds that any two meet are about one in 370,000.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
#: the arrays with one element an entry
PLACES = {"document": np.uint32, "node": np.uint32, "length": np.uint32, "text": np.uint64}
#: counts are kept in a byte; BM25 hardly tells 255 from more
MOST_COUNTED = 255


@lru_cache(maxsize=1 << 16)
def term_hash(term: str) -> int:
    """The 64-bit number that stands for a term in an index."""
    return int.from_bytes(blake2b(term.encode("utf-8"), digest_size=8).digest(), "little")


def text_hash(text: str) -> int:
    """The 64-bit number that stands for the text of a key."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _hash(term: str | int) -> int:
    return term if isinstance(term, int) else term_hash(term)


class Builder:
    """Gathers keys, then gives the arrays of a segment over them."""

    def __init__(self) -> None:
        self._terms: defaultdict[str | int, int] = defaultdict()
        self._terms.default_factory = self._terms.__len__
        self._flat: list[int] = []
        self._places: list[tuple[int, int, int, int]] = []

    def __len__(self) -> int:
        return len(self._places)

    def add(self, document: int, node: int, terms: Sequence[str] | Sequence[int], text: int) -> None:
        """Add a key: the row number of its document, its node's place, its terms or their hashes, and the hash of its text."""
        self._places.append((document, node, len(terms), text))
        self._flat.extend(map(self._terms.__getitem__, terms))

    def arrays(self) -> Arrays:
        """The segment's arrays."""
        places = np.array(self._places, np.uint64).reshape(-1, len(PLACES))
        hashes = np.fromiter(map(_hash, self._terms), np.uint64, len(self._terms))
        entries = np.repeat(np.arange(len(places), dtype=np.int64), places[:, 2].astype(np.int64))
        return _assemble(places, hashes[np.array(self._flat, np.int64)], entries, np.ones(len(entries), np.int64))


def merge(segments: Iterable[tuple[Arrays, NDArray[np.bool_]]]) -> Arrays:
    """One segment's arrays from those of several, each with a mask of its living entries; the order of entries stays."""
    places, hashes, entries, counts = [], [], [], []
    offset = 0
    for arrays, living in segments:
        renumbered = np.cumsum(living) - 1 + offset
        kept = living[arrays["entry"]]
        starts = arrays["start"].astype(np.int64)
        hashes.append(np.repeat(arrays["term"], starts[1:] - starts[:-1])[kept])
        entries.append(renumbered[arrays["entry"][kept]])
        counts.append(arrays["count"][kept].astype(np.int64))
        places.append(np.stack([arrays[name][living].astype(np.uint64) for name in PLACES], axis=1))
        offset += int(living.sum())
    return _assemble(np.concatenate(places), np.concatenate(hashes), np.concatenate(entries), np.concatenate(counts))


def _assemble(places: NDArray[Any], hashes: NDArray[Any], entries: NDArray[Any], counts: NDArray[Any]) -> Arrays:
    """Sort (hash, entry, count) triples by hash and entry, add up the counts of equal pairs, and lay the arrays out."""
    terms, codes = np.unique(hashes, return_inverse=True)
    pairs = codes.astype(np.int64) * max(1, len(places)) + entries
    order = np.argsort(pairs, kind="stable")
    pairs = pairs[order]
    firsts = np.flatnonzero(np.diff(pairs, prepend=-1))
    summed = np.add.reduceat(counts[order], firsts) if len(firsts) else counts
    owners = pairs[firsts] // max(1, len(places))
    return {
        **{name: places[:, column].astype(kind) for column, (name, kind) in enumerate(PLACES.items())},
        "term": terms.astype(np.uint64),
        "start": np.searchsorted(owners, np.arange(len(terms) + 1)).astype(np.uint32),
        "entry": (pairs[firsts] % max(1, len(places))).astype(np.uint32),
        "count": np.minimum(summed, MOST_COUNTED).astype(np.uint8),
    }
