"""The lexical index of a library: segments of postings in its file, changed with the documents in one transaction, read as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from grainline.match.postings import PLACES, Arrays, Builder, merge, term_hash
from grainline.store.manifest import Segment
from grainline.store.snapshot import Snapshot
from grainline.store.writer import Writer
from grainline.types import EVERYWHERE, Where

#: as many segments of one kind are left apart; beyond, the smaller ones are merged
SEGMENTS = 6
#: a segment with a larger share of removed entries is rewritten
DEAD_SHARE = 0.3
Hashes = NDArray[np.uint64]
NOTHING = np.zeros(0, np.uint32), np.zeros(0, np.uint8)


def put(writer: Writer, builders: Mapping[str, Builder], removed: Sequence[int]) -> None:
    """Add a segment for each kind of key and bury the entries of the removed documents, in the writer's transaction."""
    snapshot = writer.snapshot()
    before = texts(snapshot) if removed else set()
    segments = [_bury(writer, snapshot, segment, removed) for segment in writer.manifest.segments]
    for kind, builder in sorted(builders.items()):
        if len(builder):
            segments.append(Segment(kind, len(builder), writer.put_arrays(builder.arrays())))
    writer.put_segments(_tidied(writer, segments))
    if removed:
        # a vector goes when the last key goes that says its text: what moved or stayed as it was keeps it
        writer.drop_vectors(before - texts(writer.snapshot()))


def texts(snapshot: Snapshot) -> set[int]:
    """The hashes of all texts that a key of the index says."""
    found: set[int] = set()
    for segment in snapshot.manifest.segments:
        found.update(snapshot.array(segment.arrays["text"])[_alive(snapshot, segment)].tolist())
    return found


def _bury(writer: Writer, snapshot: Snapshot, segment: Segment, removed: Sequence[int]) -> Segment:
    if not removed:
        return segment
    documents = snapshot.array(segment.arrays["document"])
    dead = np.flatnonzero(np.isin(documents, np.array(removed, documents.dtype))).astype(np.uint32)
    if not len(dead):
        return segment
    if segment.dead:
        dead = np.union1d(dead, snapshot.array(segment.dead))
    return Segment(segment.kind, segment.entries, segment.arrays, writer.put_arrays({"dead": dead})["dead"])


def _tidied(writer: Writer, segments: list[Segment]) -> list[Segment]:
    """Merge the smaller segments of a kind once there are many, drop those with no entry left, rewrite those mostly dead."""
    kept: list[Segment] = []
    for kind in sorted({segment.kind for segment in segments}):
        own = [segment for segment in segments if segment.kind == kind and _living(segment)]
        small: list[Segment] = []
        if len(own) > SEGMENTS:
            by_size = sorted(own, key=_living)
            total = 0
            for place, segment in enumerate(by_size):
                if place >= 2 and _living(segment) > 2 * total:
                    break
                small.append(segment)
                total += _living(segment)
        large = [segment for segment in own if segment not in small]
        wasteful = [segment for segment in large if segment.dead and segment.dead.length > DEAD_SHARE * segment.entries]
        kept += [segment for segment in large if segment not in wasteful]
        kept += [
            _merged(writer, kind, group)
            for group in ([segment for segment in own if segment in small], *([w] for w in wasteful))
            if group
        ]
    return kept


def _living(segment: Segment) -> int:
    return segment.entries - (segment.dead.length if segment.dead else 0)


def _merged(writer: Writer, kind: str, segments: Iterable[Segment]) -> Segment:
    snapshot = writer.snapshot()
    loaded = []
    for segment in segments:
        arrays: Arrays = {name: snapshot.array(stretch) for name, stretch in segment.arrays.items()}
        loaded.append((arrays, _alive(snapshot, segment)))
    merged = merge(loaded)
    return Segment(kind, len(merged["document"]), writer.put_arrays(merged))


def _alive(snapshot: Snapshot, segment: Segment) -> NDArray[np.bool_]:
    alive = np.ones(segment.entries, bool)
    if segment.dead:
        alive[snapshot.array(segment.dead)] = False
    return alive


def _join(pieces: list[tuple[NDArray[Any], NDArray[Any]]]) -> tuple[NDArray[Any], NDArray[Any]]:
    if len(pieces) < 2:
        return pieces[0] if pieces else NOTHING
    return np.concatenate([entries for entries, _ in pieces]), np.concatenate([counts for _, counts in pieces])


def _hashes(terms: Sequence[str] | Hashes) -> Hashes:
    return terms if isinstance(terms, np.ndarray) else np.fromiter(map(term_hash, terms), np.uint64, len(terms))


class Index:
    """All entries of one kind as one snapshot sees them, numbered through its segments."""

    def __init__(self, snapshot: Snapshot, kind: str) -> None:
        self._snapshot = snapshot
        self._kind = kind
        self._segments = [segment for segment in snapshot.manifest.segments if segment.kind == kind]
        self._offsets = np.cumsum([0, *(segment.entries for segment in self._segments)])
        self._terms = [(snapshot.array(s.arrays["term"]), snapshot.array(s.arrays["start"])) for s in self._segments]
        self.size = int(self._offsets[-1])
        self._alive = np.concatenate([np.ones(0, bool), *[_alive(snapshot, segment) for segment in self._segments]])
        self._whole = bool(self._alive.all())
        #: row number of the document, place of the node, number of terms, and hash of the text of every entry
        self.documents, self.nodes, lengths, self.texts = (
            np.concatenate([np.zeros(0, dtype), *[snapshot.array(segment.arrays[name]) for segment in self._segments]])
            for name, dtype in PLACES.items()
        )
        self.lengths = lengths.astype(np.float32)

    def allowed(self, where: Where) -> NDArray[np.bool_] | None:
        """Which entries live and may be seen; None for all."""
        numbers = self._snapshot.numbers(where)
        if numbers is None:
            return None if self._whole else self._alive
        wanted = np.fromiter(numbers, np.uint32, len(numbers))
        return self._snapshot.keep(("allowed", self._kind, where), lambda: self._alive & np.isin(self.documents, wanted))

    def postings(self, terms: Sequence[str] | Hashes, where: Where = EVERYWHERE) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """For each term, or hash of one, the entries that hold it, ascending, and how often each one does."""
        found: list[list[tuple[NDArray[Any], NDArray[Any]]]] = [[] for _ in terms]
        for number, segment, offset, first, last in self._stretches(terms):
            entries: NDArray[Any] = self._snapshot.array(segment.arrays["entry"], first, last)
            counts = self._snapshot.array(segment.arrays["count"], first, last)
            found[number].append((entries + np.uint32(offset) if offset else entries, counts))
        allowed = self.allowed(where)
        joined = [_join(pieces) for pieces in found]
        if allowed is None:
            return joined
        return [(entries[seen], counts[seen]) for entries, counts in joined for seen in (allowed[entries],)]

    def holders(self, terms: Sequence[str] | Hashes, where: Where = EVERYWHERE) -> list[NDArray[Any]]:
        """For each term, or hash of one, the entries that hold it, ascending."""
        found: list[list[NDArray[Any]]] = [[] for _ in terms]
        for number, segment, offset, first, last in self._stretches(terms):
            entries: NDArray[Any] = self._snapshot.array(segment.arrays["entry"], first, last)
            found[number].append(entries + np.uint32(offset) if offset else entries)
        allowed = self.allowed(where)
        joined = [pieces[0] if len(pieces) == 1 else np.concatenate([NOTHING[0], *pieces]) for pieces in found]
        return joined if allowed is None else [entries[allowed[entries]] for entries in joined]

    def _stretches(self, terms: Sequence[str] | Hashes) -> Iterator[tuple[int, Segment, int, int, int]]:
        """Where the postings of terms lie: the place of the term, a segment with its offset, and the bounds in its arrays."""
        hashes = _hashes(terms)
        for (known, starts), segment, offset in zip(self._terms, self._segments, self._offsets, strict=False):
            if len(known):
                places = np.minimum(known.searchsorted(hashes), len(known) - 1)
                held = np.flatnonzero(known[places] == hashes)
                first, last = starts[places[held]].tolist(), starts[places[held] + 1].tolist()
                yield from zip(held.tolist(), repeat(segment), repeat(int(offset)), first, last, strict=False)

    def holds(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of these terms, given by their hashes, some entry holds, or held before it was removed; seen or hidden."""
        found = np.zeros(len(hashes), bool)
        for known, _ in self._terms:
            if len(known):
                found |= known[np.minimum(known.searchsorted(hashes), len(known) - 1)] == hashes
        return found

    def counts(self, terms: Sequence[str] | Hashes, where: Where = EVERYWHERE) -> list[int]:
        """For each term, or hash of one, how many entries hold it."""
        if self.allowed(where) is not None:
            return [len(entries) for entries in self.holders(terms, where)]
        hashes = _hashes(terms)
        counts = np.zeros(len(terms), np.int64)
        for known, starts in self._terms:
            if len(known):
                places = np.minimum(known.searchsorted(hashes), len(known) - 1)
                counts += np.where(known[places] == hashes, starts[places + 1].astype(np.int64) - starts[places], 0)
        return counts.tolist()

    @classmethod
    def of(cls, snapshot: Snapshot, kind: str) -> Index:
        """The index of a kind of keys, read once for a snapshot."""
        if (held := snapshot.kept.get(("index", kind))) is None:
            held = snapshot.kept["index", kind] = cls(snapshot, kind)
        return cast(Index, held)
