"""Changing a library: one writer at a time, in transactions that are whole or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from grainline.errors import BusyError, DamagedError, StorageError
from grainline.store import manifest as manifests
from grainline.store.database import FILE_NAME, connect, translated
from grainline.store.manifest import Segment, Stretch
from grainline.store.records import to_row
from grainline.store.seal import check, verify
from grainline.store.snapshot import BLOCK_BYTES, Snapshot
from grainline.types import Document, Shaped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOCK_NAME = "lock"


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: its path as a source names it, the root it was found under, and what tells whether it changed."""

    path: str
    root: str
    digest: str
    size: int
    modified: int


class Writer:
    """The one process that may change the library in `folder`; use it as a context. Raises `BusyError` if another one is at it.

    Changes gather in a transaction until `commit`; leaving the context without it leaves the library as it was.
    """

    def __init__(self, folder: Path, wait_seconds: float = 0.0) -> None:
        self.path = folder / FILE_NAME
        self.folder = folder.resolve()
        self._wait = wait_seconds
        self._written: set[int] = set()

    def __enter__(self) -> Writer:
        from filelock import FileLock, Timeout

        self._lock = FileLock(self.folder / LOCK_NAME)
        try:
            self._lock.acquire(timeout=self._wait)
        except Timeout:
            raise BusyError(f"another process is writing to {self.folder}; try again when it is done") from None
        except OSError as error:
            raise StorageError(f"cannot lock {self.folder}: {error.strerror}") from error
        try:
            self._connection = connect(self.folder, write=True)
            with translated(self.path):
                self.manifest = manifests.read(self._connection)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
            if kind is None:
                self._checkpoint()
        finally:
            self._connection.close()
            self._lock.release()

    def _checkpoint(self) -> None:
        """Bring the log into the file and empty it; where a reader holds it back, a later commit will."""
        with translated(self.path):
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def begin(self) -> None:
        """Start gathering changes, if that has not been done since the last commit."""
        if not self._connection.in_transaction:
            with translated(self.path):
                self._connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make the changes since the last commit last, all at once; when it returns they are on disk."""
        if not self._connection.in_transaction:
            return
        manifest = self.manifest.replaced(sequence=self.manifest.sequence + 1)
        with translated(self.path):
            try:
                manifests.write(self._connection, manifest)
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._undo()
                raise
        self.manifest = manifest

    def _undo(self) -> None:
        if self._connection.in_transaction:
            self._connection.rollback()
        self.manifest = manifests.read(self._connection)

    def snapshot(self) -> Snapshot:
        """The library as it is with the changes gathered so far."""
        return Snapshot(self._connection, self.path, self.manifest)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Run one SQL statement; raises our errors."""
        with translated(self.path):
            return self._connection.execute(statement, values).fetchall()

    def put_documents(self, rows: Iterable[tuple[str, Document, Shaped]]) -> list[int]:
        """Store (file path, document, its shape), in order; returns their row numbers. Raises `StorageError`, `DamagedError`."""
        self.begin()
        first = number = self.manifest.next_document
        packed = []
        for file, document, shaped in rows:
            packed.append(to_row(number, file, document, shaped))
            number += 1
        with translated(self.path):
            self._connection.executemany("INSERT INTO documents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", packed)
        self.manifest = self.manifest.replaced(documents=self.manifest.documents + len(packed), next_document=number)
        return list(range(first, number))

    def drop_documents(self, numbers: Sequence[int]) -> None:
        """Remove documents; their entries in indexes are the caller's to bury. Raises `DamagedError` if one is not there."""
        self.begin()
        with translated(self.path):
            gone = self._connection.executemany("DELETE FROM documents WHERE number=?", [(n,) for n in numbers]).rowcount
        if numbers and gone != len(numbers):
            raise DamagedError("a document to remove is not in the library; run `grainline doctor`")
        self.manifest = self.manifest.replaced(documents=self.manifest.documents - len(numbers))

    def documents_of(self, file: str) -> list[tuple[int, str, str]]:
        """(row number, id, source) of the documents that came from a file."""
        return [
            tuple(row) for row in self.execute("SELECT number, id, source FROM documents WHERE file=? ORDER BY number", (file,))
        ]

    def labels_of(self, file: str) -> set[tuple[str, ...]]:
        """The sets of labels that the documents of a file carry."""
        return {tuple(json.loads(row[0])) for row in self.execute("SELECT DISTINCT labels FROM documents WHERE file=?", (file,))}

    def files(self) -> dict[str, File]:
        """All files by path; raises `DamagedError` if one is missing or damaged."""
        found = {}
        for row in self.execute("SELECT path, root, digest, size, modified, seal FROM files"):
            verify(f"the record of the file {row[0]}", row[5], *row[:5])
            found[row[0]] = File(*row[:5])
        if len(found) != self.manifest.files:
            raise DamagedError(f"{self.manifest.files - len(found)} file records are missing; run `grainline doctor`")
        return found

    def put_files(self, files: Sequence[File]) -> None:
        """Store or replace the records of files."""
        if not files:
            return
        self.begin()
        rows = [(f.path, f.root, f.digest, f.size, f.modified) for f in files]
        with translated(self.path):
            before = self._connection.execute("SELECT count(*) FROM files").fetchone()[0]
            self._connection.executemany(
                "INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?)", [(*row, check(*row)) for row in rows]
            )
            after = self._connection.execute("SELECT count(*) FROM files").fetchone()[0]
        self.manifest = self.manifest.replaced(files=self.manifest.files + after - before)

    def drop_file(self, path: str) -> None:
        """Remove the record of a file."""
        self.begin()
        self.execute("DELETE FROM files WHERE path=?", (path,))
        self.manifest = self.manifest.replaced(files=self.manifest.files - 1)

    def roots(self) -> dict[str, str]:
        """Where each root lies on this machine, by name."""
        found = {}
        for name, location, seal in self.execute("SELECT name, location, seal FROM roots ORDER BY name"):
            verify(f"the record of the root {name}", seal, name, location)
            found[name] = location
        return found

    def put_root(self, name: str, location: str) -> None:
        """Remember where a root lies."""
        self.begin()
        self.execute("INSERT OR REPLACE INTO roots VALUES (?,?,?)", (name, location, check(name, location)))

    def put_segments(self, segments: Sequence[Segment]) -> None:
        """Let these be the index segments from now on; blocks that none of them uses are dropped."""
        self.begin()
        kept = {number for segment in segments for number in _blocks_of(segment)}
        old = {number for segment in self.manifest.segments for number in _blocks_of(segment)} | self._written
        self._written = set()
        with translated(self.path):
            self._connection.executemany("DELETE FROM blocks WHERE number=?", [(n,) for n in sorted(old - kept)])
        self.manifest = self.manifest.replaced(segments=tuple(segments))

    def put_arrays(self, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Stretch]:
        """Store arrays as blocks; returns where each one lies."""
        self.begin()
        stretches = {}
        for name, values in arrays.items():
            stretches[name] = Stretch(self.manifest.next_block, values.dtype.str, len(values))
            rows = [(number, data, check(number, data)) for number, data in self._cut(values.tobytes())]
            self._written |= {row[0] for row in rows}
            with translated(self.path):
                self._connection.executemany("INSERT INTO blocks VALUES (?,?,?)", rows)
            self.manifest = self.manifest.replaced(next_block=self.manifest.next_block + len(rows))
        return stretches

    def _cut(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        for place, start in enumerate(range(0, len(data), BLOCK_BYTES)):
            yield self.manifest.next_block + place, data[start : start + BLOCK_BYTES]


def _blocks_of(segment: Segment) -> Iterator[int]:
    import numpy as np

    for stretch in (*segment.arrays.values(), *((segment.dead,) if segment.dead else ())):
        size = stretch.length * np.dtype(stretch.dtype).itemsize
        yield from range(stretch.first, stretch.first + -(-size // BLOCK_BYTES))
