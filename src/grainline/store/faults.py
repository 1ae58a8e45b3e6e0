"""What is wrong with a library's file, in words: its head, its log, its structure, its rows.

What cannot be seen: changes in bytes that hold nothing (free pages, gaps within pages, the number of the SQLite release that wrote last).
"""

from __future__ import annotations

import sqlite3
import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from grainline.errors import DamagedError
from grainline.store import log, vectors, work
from grainline.store import manifest as manifests
from grainline.store.database import APPLICATION_ID, FILE_NAME, FORMAT, connect, schema_version, translated
from grainline.store.manifest import Manifest
from grainline.store.pages import PAGE, Pages
from grainline.store.records import Stored
from grainline.store.seal import verify
from grainline.store.snapshot import COLUMNS
from grainline.store.writer import FILE, blocks_of

MAGIC = b"SQLite format 3\0"
#: how much of what SQLite's own check complains about is repeated
COMPLAINTS = 5


def reason(error: Exception) -> str:
    """The message of an error of ours without the advice at its end."""
    return str(error).partition("; run `grainline")[0].partition("; use the release")[0]


def outer_faults(path: Path) -> list[str]:
    """What is wrong with the head, the length and the log of the file at `path`, without opening it as a database. Raises `OSError`."""
    if not path.exists():
        return [f"{path.name} is missing"]
    size = path.stat().st_size
    if not size:
        return [f"{path.name} is empty"]
    found = []
    if fault := log.fault(path):
        found.append(f"the log of the last changes is damaged: {fault}")
    if size % PAGE:
        found.append(f"{path.name} is cut short: its {size:,} bytes are no whole pages")
    with Pages(path) as pages:
        head, count = pages.page(1), pages.count
    if _fixed(head) != _expected():
        found.append(f"the head of {path.name} is damaged")
    elif head[24:28] != head[92:96]:
        found.append(f"the head of {path.name} is damaged: its counters differ")
    elif (said := int.from_bytes(head[28:32], "big")) != count:
        found.append(f"{path.name} has {count:,} pages, its head says {said:,}")
    return found


def _fixed(head: bytes) -> tuple[bytes, ...]:
    """The parts of the head that never change."""
    return head[:24], head[40:72], head[72:92]


def _expected() -> tuple[bytes, ...]:
    numbers = (schema_version(), 4, 0, 0, 1, FORMAT, 0, APPLICATION_ID)
    return MAGIC + struct.pack(">H6B", PAGE, 2, 2, 0, 64, 32, 32), struct.pack(">8I", *numbers), bytes(20)


def inner_faults(folder: Path) -> list[str]:
    """What is wrong inside of a file whose outside is sound: structure, rows, counts. The writer's lock must be held.

    Raises `BusyError`, `StorageError`.
    """
    connection = None
    try:
        connection = connect(folder, write=True)
        with translated(folder / FILE_NAME):
            said = [row[0] for row in connection.execute(f"PRAGMA integrity_check({COMPLAINTS})")]
            if said != ["ok"]:
                return [f"the structure of the file is damaged: {' '.join(what.split())}" for what in said]
            # bytes that are no text become text that its seal does not fit
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            manifest = manifests.read(connection)
            found = [*_small(connection, manifest), *_documents(connection, manifest), *_blocks(connection, manifest)]
            return [*found, *_vectors(connection), *_work(connection)]
    except DamagedError as error:
        return [reason(error)]
    finally:
        if connection:
            connection.close()


def _small(connection: sqlite3.Connection, manifest: Manifest) -> Iterator[str]:
    """Faults in the records of files and roots."""
    for table, columns, said in (("files", FILE, manifest.files), ("roots", "name, location", manifest.roots)):
        count = 0
        for *row, seal in connection.execute(f"SELECT {columns}, seal FROM {table}"):
            count += 1
            yield from _wrong(f"the record of {row[0]} among the {table}", seal, *row)
        if count != said:
            yield f"there are records of {count} {table}, and there should be {said}"


def _vectors(connection: sqlite3.Connection) -> Iterator[str]:
    """Faults in the vectors that are kept."""
    known = set()
    for identity, number, seal in connection.execute("SELECT identity, number, seal FROM encoders"):
        known.add(number)
        yield from _wrong(f"the record of the encoder {identity}", seal, identity, number)
    wrong = sum(
        row[1] not in known or not vectors.is_whole(*row)
        for row in connection.execute("SELECT key, encoder, data, seal FROM vectors")
    )
    if wrong:
        yield f"{wrong} vector{'s are' if wrong > 1 else ' is'} damaged"


def _work(connection: sqlite3.Connection) -> Iterator[str]:
    """Faults in what models made and is kept."""
    rows = connection.execute("SELECT key, kind, documents, data, seal FROM work")
    if wrong := sum(not work.is_whole(*row) for row in rows):
        yield f"{wrong} answer{'s' if wrong > 1 else ''} of models {'are' if wrong > 1 else 'is'} damaged"


def _wrong(what: str, seal: object, *fields: object) -> Iterator[str]:
    try:
        verify(what, seal, *fields)
    except DamagedError as error:
        yield reason(error)


def _documents(connection: sqlite3.Connection, manifest: Manifest) -> Iterator[str]:
    """Faults in documents, and where they and the records of files disagree."""
    counts: Counter[str] = Counter()
    last = 0
    for row in connection.execute(f"SELECT {COLUMNS} FROM documents ORDER BY number"):
        last = row[0]
        counts[row[3]] += 1
        try:
            stored = Stored(row)
        except DamagedError as error:
            yield reason(error)
            continue
        length = len(stored.document.text)
        spans = [*((part.start, part.end) for part in stored.document.parts), *((n.start, n.end) for n in stored.shaped.nodes)]
        if not all(0 <= start <= end <= length for start, end in spans):
            yield f"the document {row[2]} has parts beyond its text"
    if counts.total() != manifest.documents:
        yield f"there are {counts.total()} documents, and there should be {manifest.documents}"
    if last >= manifest.next_document:
        yield "documents are numbered beyond the next free number"
    for row in connection.execute(f"SELECT {FILE}, seal FROM files").fetchall():
        if row[5] != (count := counts.pop(row[0], 0)):
            yield f"there are {count} documents of {row[0]}, and there should be {row[5]}"
    for path in counts:
        yield f"there is no record of the file {path}, though its documents are there"


def _blocks(connection: sqlite3.Connection, manifest: Manifest) -> Iterator[str]:
    """Faults in the blocks that the index lies in."""
    wanted = {number for segment in manifest.segments for number in blocks_of(segment)}
    found = set()
    for number, data, seal in connection.execute("SELECT number, data, seal FROM blocks"):
        found.add(number)
        yield from _wrong(f"block {number} of the index", seal, number, data)
    if wanted - found:
        yield f"{len(wanted - found)} blocks of the index are missing"
    if found - wanted:
        yield f"{len(found - wanted)} blocks of the index belong to nothing"
    if found and max(found) >= manifest.next_block:
        yield "blocks of the index are numbered beyond the next free number"
