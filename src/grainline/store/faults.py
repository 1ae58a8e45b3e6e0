"""What is wrong with a library's file, in words: its head, its log, its structure, its rows.

What cannot be seen: changes in bytes that hold nothing (free pages, gaps within pages, the number of the SQLite release that wrote last).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from grainline.errors import DamagedError
from grainline.store import log
from grainline.store import manifest as manifests
from grainline.store.database import APPLICATION_ID, FORMAT, connect, schema_version, translated
from grainline.store.manifest import Manifest
from grainline.store.pages import PAGE, Pages
from grainline.store.records import Stored
from grainline.store.seal import verify
from grainline.store.snapshot import COLUMNS, Snapshot
from grainline.store.writer import FILE, File, blocks_of

MAGIC = b"SQLite format 3\0"
#: what SQLite's own check may say before it is cut off
COMPLAINTS = 5


def advice_cut(error: Exception) -> str:
    """The message of an error of ours without what it says to do next."""
    return str(error).partition("; run `grainline")[0].partition("; use the release")[0]


def outer_faults(path: Path) -> list[str]:
    """What is wrong with the head of the file at `path`, its length and its log, without opening it. Raises `OSError`."""
    if not path.exists():
        return [f"{path.name} is missing"]
    found = []
    if fault := log.fault(path):
        found.append(f"the log of the last changes is damaged: {fault}")
    size = path.stat().st_size
    with Pages(path) as pages:
        head, count = pages.page(1), pages.count
    if size % PAGE:
        found.append(f"{path.name} is cut short: it has {size:,} bytes, which are no whole pages")
    if not size:
        return [*found, f"{path.name} is empty"]
    if _fixed(head) != _expected():
        found.append(f"the head of {path.name} is damaged")
    elif head[24:28] != head[92:96]:
        found.append(f"the head of {path.name} is damaged: its counters differ")
    elif (pages_said := int.from_bytes(head[28:32], "big")) != count:
        found.append(f"{path.name} has {count:,} pages, its head says {pages_said:,}")
    return found


def _fixed(head: bytes) -> tuple[bytes, ...]:
    """The parts of the head that never change."""
    return head[:24], head[40:72], head[72:92]


def _expected() -> tuple[bytes, ...]:
    numbers = (schema_version(), 4, 0, 0, 1, FORMAT, 0, APPLICATION_ID)
    return MAGIC + struct.pack(">H6B", PAGE, 2, 2, 0, 64, 32, 32), struct.pack(">8I", *numbers), bytes(20)


def inner_faults(folder: Path) -> list[str]:
    """What is wrong inside of a file whose outside is sound: structure, rows, counts. Raises `BusyError`, `StorageError`."""
    try:
        connection = connect(folder, write=True)
    except DamagedError as error:
        return [advice_cut(error)]
    path = folder / "library.sqlite"
    try:
        with translated(path):
            said = [row[0] for row in connection.execute(f"PRAGMA integrity_check({COMPLAINTS})")]
            if said != ["ok"]:
                return [f"the structure of the file is damaged: {' '.join(what.split())}" for what in said]
            connection.execute("BEGIN")
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            snapshot = Snapshot(connection, path, manifests.read(connection))
            return [*_files(snapshot), *_documents(snapshot), *_blocks(snapshot)]
    except DamagedError as error:
        return [advice_cut(error)]
    finally:
        connection.close()
