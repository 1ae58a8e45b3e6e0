"""What a library holds, as lines that can be compared: no row numbers, no times, no place on this machine.

Two libraries that give the same lines answer alike, whatever the order of the changes that made them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from grainline.store import manifest as manifests
from grainline.store.database import FILE_NAME, connect, translated
from grainline.store.manifest import Segment
from grainline.store.records import dump as packed
from grainline.store.snapshot import Snapshot
from grainline.store.writer import FILE, File


def dump(folder: Path) -> Iterator[str]:
    """A line a file, a document, an entry of the index and a term of it, each in a fixed order.

    Raises `NotFoundError`, `DamagedError`, `StorageError`.
    """
    connection = connect(folder)
    try:
        with translated(folder / FILE_NAME):
            connection.execute("BEGIN")
            snapshot = Snapshot(connection, folder / FILE_NAME, manifests.read(connection))
            files = [File.of(row) for row in connection.execute(f"SELECT {FILE}, seal FROM files")]
        for file in sorted(files, key=lambda file: file.path):
            yield packed(["file", file.path, file.digest, file.documents, file.labels])
        yield from lines(snapshot)
    finally:
        connection.close()


def digest(folder: Path) -> str:
    """A short stand-in for `dump`: equal for equal lines. Raises what `dump` raises."""
    return digest_of(dump(folder))


def digest_of(lines: Iterable[str]) -> str:
    """The digest of lines."""
    whole = hashlib.blake2b(digest_size=16)
    for line in lines:
        whole.update(line.encode("utf-8", "surrogatepass") + b"\n")
    return whole.hexdigest()


def lines(snapshot: Snapshot) -> Iterator[str]:
    """The lines of the documents and indexes of one state; see `dump`."""
    for stored in snapshot.stored():
        document, row = stored.document, stored.row
        text = hashlib.blake2b(document.text.encode("utf-8"), digest_size=16).hexdigest()
        head = ["document", document.source, document.id, document.title, document.language, row[6], row[7], text]
        # lines, parts, nodes and edges as they are stored, which is one way only for equal values
        yield packed([*head, stored.file, *row[10:13]])
    for kind in sorted({segment.kind for segment in snapshot.manifest.segments}):
        yield from _index(snapshot, kind)


def _index(snapshot: Snapshot, kind: str) -> Iterator[str]:
    """The entries of one kind of key and, for each term, the entries that hold it; entries go by source and the end of the node's id."""
    names: list[tuple[str, str]] = []
    entries = []
    postings: dict[int, list[tuple[int, int]]] = {}
    for segment in snapshot.manifest.segments:
        if segment.kind == kind:
            offset = len(names)
            held = _entries(snapshot, segment)
            names += [(source, node) for source, node, _ in held]
            entries += [entry for entry in held if entry[0]]
            _gather(snapshot, segment, offset, postings)
    for entry in sorted(entries):
        yield packed(["entry", kind, *entry])
    for term in sorted(postings):
        holding = sorted((*names[entry], count) for entry, count in postings[term] if names[entry][0])
        if holding:
            yield packed(["term", kind, f"{term:016x}", holding])


def _entries(snapshot: Snapshot, segment: Segment) -> list[tuple[str, str, int]]:
    """(source, end of the node's id, terms) of every entry; ("", "", 0) for a removed one."""
    documents, nodes, lengths = (snapshot.array(segment.arrays[name]).tolist() for name in ("document", "node", "length"))
    dead = set(snapshot.array(segment.dead).tolist()) if segment.dead else set()
    held = []
    for entry, (number, node, length) in enumerate(zip(documents, nodes, lengths, strict=True)):
        if entry in dead:
            held.append(("", "", 0))
            continue
        stored = snapshot.at(number)
        held.append((stored.document.source, stored.shaped.nodes[node].id.removeprefix(stored.document.id), length))
    return held


def _gather(snapshot: Snapshot, segment: Segment, offset: int, postings: dict[int, list[tuple[int, int]]]) -> None:
    """Add the postings of a segment, entries counted from `offset`."""
    terms, starts, entries, counts = (
        snapshot.array(segment.arrays[name]).tolist() for name in ("term", "start", "entry", "count")
    )
    for term, start, stop in zip(terms, starts, starts[1:], strict=False):
        postings.setdefault(term, []).extend(
            (entry + offset, count) for entry, count in zip(entries[start:stop], counts[start:stop], strict=True)
        )
