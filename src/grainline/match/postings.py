"""Inverted indexes as plain arrays: built from terms, merged, and read back a term at a time.

A segment covers a number of entries (keys of one kind). Its arrays: `document`, `node` (row number and place of the node that
an entry's key points at), `length` (terms in the key), `text` (a 64-bit hash of what the key says); `term` (64-bit hashes of the
terms, ascending), `start` (where each term's postings begin, one more than there are terms), `entry` and `count` (the postings:
entries ascending within a term, and how often it occurs there).
Terms are kept as hashes: among ten million terms the odds that any two meet are about one in 370,000.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
        order = np.argsort(hashes)
        ranks = np.empty(len(hashes), np.int64)
        ranks[order] = np.arange(len(hashes))
        entries = max(1, len(places))
        # every use of a term in an entry is one number that sorts by term, then entry
        pairs = ranks[np.fromiter(self._flat, np.int64, len(self._flat))]
        pairs *= entries
        pairs += np.repeat(np.arange(len(places)), places[:, 2].astype(np.int64))
        pairs, counts = np.unique(pairs, return_counts=True)
        starts = np.searchsorted(pairs, np.arange(len(hashes) + 1) * entries)
        pairs %= entries
        return {
            **{name: places[:, column].astype(kind) for column, (name, kind) in enumerate(PLACES.items())},
            "term": hashes[order],
            "start": starts.astype(np.uint32),
            "entry": pairs.astype(np.uint32),
            "count": np.minimum(counts, MOST_COUNTED).astype(np.uint8),
        }


def merge(segments: Sequence[tuple[Arrays, NDArray[np.bool_]]]) -> Arrays:
    """One segment's arrays from those of several, each with a mask of its living entries; the order of entries stays.

    Within a term the postings of a segment follow those of the segments before it, so that nothing is sorted but the terms.
    """
    kept = [_living_postings(arrays, living) for arrays, living in segments]
    terms = np.unique(
        np.concatenate([arrays["term"][sizes > 0] for (arrays, _), (_, sizes) in zip(segments, kept, strict=True)])
    )
    filled = np.zeros(len(terms) + 1, np.int64)
    for (arrays, _), (_, sizes) in zip(segments, kept, strict=True):
        filled[1:][np.searchsorted(terms, arrays["term"][sizes > 0])] += sizes[sizes > 0]
    starts = np.cumsum(filled)
    free = starts[:-1].copy()
    made: Arrays = {"entry": np.empty(starts[-1], np.uint32), "count": np.empty(starts[-1], np.uint8)}
    offset = 0
    for (arrays, living), (mask, sizes) in zip(segments, kept, strict=True):
        own = np.searchsorted(terms, arrays["term"][sizes > 0])
        held = sizes[sizes > 0]
        # where a posting goes: where its term's next free place is, and on from there
        places = np.repeat(free[own] - np.cumsum(held) + held, held)
        places += np.arange(len(places))
        made["entry"][places] = (np.cumsum(living) - 1 + offset).astype(np.uint32)[arrays["entry"][mask]]
        made["count"][places] = arrays["count"][mask]
        free[own] += held
        offset += int(living.sum())
    return {
        **{
            name: np.concatenate([arrays[name][living] for arrays, living in segments]).astype(kind)
            for name, kind in PLACES.items()
        },
        "term": terms,
        "start": starts.astype(np.uint32),
        **made,
    }


def _living_postings(arrays: Arrays, living: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which postings of a segment are of living entries, and how many of them each term has."""
    mask = living[arrays["entry"]]
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(mask)])
    return mask, np.diff(before[arrays["start"]])
