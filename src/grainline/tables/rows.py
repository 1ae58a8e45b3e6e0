"""Where the rows of tables are had from: SQLite files in their places, and memory for what stands in the library's texts."""

from __future__ import annotations

import hashlib
import sqlite3
import weakref
from collections.abc import Iterator
from pathlib import Path

from grainline.errors import DamagedError, QueryError
from grainline.readers.sqlite import cut, text_of
from grainline.store.snapshot import Snapshot
from grainline.tables.found import Found, cells_of, spans_of
from grainline.tables.guard import harden
from grainline.tables.parse import Value, value_of
from grainline.tables.schema import Kind
from grainline.tables.statement import quoted
from grainline.types import Document

#: what columns of each kind are declared as
TYPES = {"integer": "INTEGER", "real": "REAL", "text": "TEXT", "date": "TEXT"}
#: cells of tables that are kept in memory between questions
CELLS = 20_000_000


class Rows:
    """The tables of one snapshot's texts that were asked for, as rows of an SQLite database in memory."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, uri=True)
        self.connection.text_factory = text_of
        weakref.finalize(self, self.connection.close)
        harden(self.connection)
        self._snapshot = snapshot
        self._held: dict[str, int] = {}

    @classmethod
    def of(cls, snapshot: Snapshot) -> Rows:
        """Those of a snapshot."""
        return snapshot.keep("rows of tables", lambda: cls(snapshot))

    def load(self, table: Found) -> str:
        """Have the rows of a table in memory; returns the name that they go by there. A row's rowid is its place in the text, from 1."""
        name = f"t{table.number}_{table.start}"
        if name in self._held:
            return name
        document = self._snapshot.at(table.number).document
        if sum(self._held.values()) > CELLS:
            self._drop()
        columns = ", ".join(f"{quoted(column.sql)} {TYPES[column.kind]}" for column in table.columns)
        marks = ", ".join("?" * len(table.columns))
        self.connection.execute("PRAGMA query_only=OFF")
        try:
            self.connection.execute("BEGIN")
            self.connection.execute(f"CREATE TABLE {quoted(name)} ({columns})")
            self.connection.executemany(f"INSERT INTO {quoted(name)} VALUES ({marks})", _values(document, table))
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        finally:
            self.connection.execute("PRAGMA query_only=ON")
        self._held[name] = table.held * len(table.columns)
        return name

    def _drop(self) -> None:
        """Give back the memory of all tables."""
        self.connection.execute("PRAGMA query_only=OFF")
        for name in self._held:
            self.connection.execute(f"DROP TABLE {quoted(name)}")
        self._held.clear()
        self.connection.execute("PRAGMA query_only=ON")


def _values(document: Document, table: Found) -> Iterator[list[Value]]:
    kinds = [column.kind for column in table.columns]
    read = _stored if table.in_file else value_of
    for cells in cells_of(document, table):
        yield [read(cell, kind) for cell, kind in zip(cells, kinds, strict=True)]


def _stored(cell: str, kind: Kind) -> Value:
    """The value that a cell of an SQLite file was written from."""
    if not cell:
        return None
    try:
        return cell if kind in ("text", "date") else int(cell)
    except ValueError:
        pass
    try:
        return float(cell)
    except ValueError:
        return cell


def file_of(snapshot: Snapshot, table: Found) -> Path:
    """The file that a table comes from, if it is still what the library read; raises `QueryError` if it is not."""
    document = snapshot.at(table.number).document
    name = table.source.rpartition("#")[0] if table.in_file else table.source
    try:
        _, path = snapshot.location(document.id)
        size, modified, digest = snapshot.recorded(document.id)
        info = path.stat()
        if info.st_size == size:
            key = ("digest of a file", path, info.st_size, info.st_mtime_ns)
            if info.st_mtime_ns == modified or snapshot.keep(key, lambda: digest_of(path)) == digest:
                return path
    except DamagedError as error:
        raise QueryError(str(error)) from error
    except FileNotFoundError:
        raise QueryError(f"{name} is gone from where it was; run `grainline add` again") from None
    except OSError as error:
        raise QueryError(f"{name} cannot be read: {error.strerror or error}") from error
    raise QueryError(f"{name} has changed since it was added; run `grainline add` again")


def is_in_text(snapshot: Snapshot, table: Found) -> bool:
    """Whether the text of an SQLite file's table holds all of its rows, and tells their cells apart."""
    if table.held < table.rows:
        return False
    document = snapshot.at(table.number).document
    width = len(table.columns)
    return all(len(cut(document.text[start:end])) == width for start, end in spans_of(document, table))


def digest_of(path: Path) -> str:
    """The digest of a file as the library records it; raises `OSError`."""
    made = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            made.update(chunk)
    return made.hexdigest()
