"""Changing a library: one writer at a time, in transactions that are whole or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from grainline.errors import DamagedError
from grainline.store import manifest as manifests
from grainline.store import vectors
from grainline.store import work as works
from grainline.store.database import FILE_NAME, connect, translated
from grainline.store.lock import locked
from grainline.store.manifest import Segment, Stretch
from grainline.store.records import HEAD, dump, to_row
from grainline.store.seal import check, verify
from grainline.store.snapshot import BLOCK_BYTES, Snapshot
from grainline.store.work import Work
from grainline.types import Document, Shaped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: how long the end of a change waits for readers before it leaves the log to a later one
CHECKPOINT_MILLISECONDS = 1_000
FILE = "path, root, digest, size, modified, documents, labels"


@dataclass(frozen=True, slots=True)
class File:
    """A file that was read: its path as a source names it, the root it was found under, what tells whether it changed, how many
    documents came of it and with which labels. No file has an empty `digest`: a record with one is of a file to read again."""

    path: str
    root: str
    digest: str
    size: int
    modified: int
    documents: int
    labels: tuple[str, ...] = ()

    def row(self) -> tuple[str | int, ...]:
        """Its row without the seal."""
        return self.path, self.root, self.digest, self.size, self.modified, self.documents, dump(sorted(self.labels))

    @classmethod
    def of(cls, row: Sequence[Any]) -> File:
        """The file of a row with its seal last; raises `DamagedError` if that is wrong."""
        verify(f"the record of the file {row[0]}", row[7], *row[:7])
        path, root, digest, size, modified, documents, labels, _ = row
        return cls(path, root, digest, size, modified, documents, tuple(json.loads(labels)))


class Writer:
    """The one process that may change the library in `folder`; use it as a context. Raises `BusyError` if another one is at it.

    Changes gather in a transaction until `commit`; leaving the context without it leaves the library as it was.
    """

    def __init__(self, folder: Path, wait_seconds: float = 0.0) -> None:
        self.path = folder / FILE_NAME
        self.folder = folder.resolve()
        self._wait = wait_seconds
        self._written: set[int] = set()
        self._kept = False

    def __enter__(self) -> Writer:
        with ExitStack() as stack:
            stack.enter_context(locked(self.folder, self._wait))
            self._connection = connect(self.folder, write=True)
            stack.callback(self._connection.close)
            with translated(self.path):
                self.manifest = manifests.read(self._connection)
            self._held = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._held:
            if self._connection.in_transaction:
                self._connection.rollback()
            if kind is None and not self._kept:
                self._checkpoint()

    def _checkpoint(self) -> None:
        """Bring the log into the file and empty it. What was committed is safe in the log: where this fails, a later one will do."""
        try:
            self._connection.execute(f"PRAGMA busy_timeout={CHECKPOINT_MILLISECONDS}")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:
            return

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
        self._kept = False

    def keep(self) -> None:
        """Make vectors put since the last commit last. A cache changes no answer, so the sequence number stays.

        Questions do this, so it keeps no other writer waiting: the log stays as it is for the next commit, which empties it.
        """
        if self._connection.in_transaction:
            with translated(self.path):
                self._connection.execute("COMMIT")
            self._kept = True

    def _undo(self) -> None:
        with translated(self.path):
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
        """Remove documents, with what a model made from them; their entries in indexes are the caller's to bury. Raises `DamagedError` if
        one is not there."""
        self.begin()
        with translated(self.path):
            if numbers:
                works.drop(self._connection, numbers)
            gone = self._connection.executemany("DELETE FROM documents WHERE number=?", [(n,) for n in numbers]).rowcount
        if numbers and gone != len(numbers):
            raise DamagedError("a document to remove is not in the library; run `grainline doctor`")
        self.manifest = self.manifest.replaced(documents=self.manifest.documents - len(numbers))

    def documents_of(self, file: str) -> list[tuple[int, str, str]]:
        """(row number, id, source) of the documents that came from a file; raises `DamagedError` unless it is all of them."""
        heads = self.execute(f"SELECT {HEAD}, head_seal FROM documents WHERE file=? ORDER BY number", (file,))
        for *head, seal in heads:
            verify(f"the document {head[2]}", seal, *head)
        records = self.execute(f"SELECT {FILE}, seal FROM files WHERE path=?", (file,))
        # SQLite trusts its index of files; we do not
        if len(records) != 1 or File.of(records[0]).documents != len(heads) or any(head[3] != file for head in heads):
            raise DamagedError(f"the documents of {file} are not all there; run `grainline doctor`")
        return [(head[0], head[1], head[2]) for head in heads]

    def files(self) -> dict[str, File]:
        """All files by path; raises `DamagedError` if one is missing or damaged."""
        found = {row[0]: File.of(row) for row in self.execute(f"SELECT {FILE}, seal FROM files")}
        if len(found) != self.manifest.files:
            raise DamagedError(f"{self.manifest.files - len(found)} file records are missing; run `grainline doctor`")
        return found

    def put_files(self, files: Sequence[File]) -> None:
        """Store or replace the records of files."""
        if files:
            rows = [file.row() for file in files]
            added = self._run_all(
                "files", "INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?)", [(*row, check(*row)) for row in rows]
            )
            self.manifest = self.manifest.replaced(files=self.manifest.files + added)

    def drop_file(self, path: str) -> None:
        """Remove the record of a file."""
        gone = self._run_all("files", "DELETE FROM files WHERE path=?", [(path,)])
        self.manifest = self.manifest.replaced(files=self.manifest.files + gone)

    def _run_all(self, table: str, statement: str, rows: Sequence[Sequence[Any]]) -> int:
        """Run a statement for all `rows`; returns by how many rows the table has grown."""
        self.begin()
        with translated(self.path):
            before = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            self._connection.executemany(statement, rows)
            return int(self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] - before)

    def roots(self) -> dict[str, str]:
        """Where each root lies on this machine, by name; raises `DamagedError` if one is missing or damaged."""
        found = {}
        for name, location, seal in self.execute("SELECT name, location, seal FROM roots ORDER BY name"):
            verify(f"the record of the root {name}", seal, name, location)
            found[name] = location
        if len(found) != self.manifest.roots:
            raise DamagedError(f"{self.manifest.roots - len(found)} records of roots are missing; run `grainline doctor`")
        return found

    def put_root(self, name: str, location: str) -> None:
        """Remember where a root lies."""
        added = self._run_all("roots", "INSERT OR REPLACE INTO roots VALUES (?,?,?)", [(name, location, check(name, location))])
        self.manifest = self.manifest.replaced(roots=self.manifest.roots + added)

    def drop_root(self, name: str) -> None:
        """Forget where a root lies."""
        gone = self._run_all("roots", "DELETE FROM roots WHERE name=?", [(name,)])
        self.manifest = self.manifest.replaced(roots=self.manifest.roots + gone)

    def put_vectors(self, identity: str, held: Mapping[int, bytes]) -> None:
        """Keep an encoder's vectors of texts, given by their hashes."""
        self.begin()
        with translated(self.path):
            vectors.put(self._connection, identity, held)

    def work_of(self, documents: Collection[int]) -> dict[int, Work]:
        """All that a model made from any of these documents, by key."""
        with translated(self.path):
            return works.of_documents(self._connection, documents)

    def put_work(self, made: Mapping[int, Work]) -> None:
        """Keep what a model made, by keys."""
        self.begin()
        with translated(self.path):
            works.put(self._connection, made)

    def drop_work(self, keys: Iterable[int]) -> None:
        """Forget what is kept under these keys."""
        self.begin()
        with translated(self.path):
            works.forget(self._connection, keys)

    def keep_living_work(self) -> None:
        """Forget what a model made from documents that are gone."""
        self.begin()
        with translated(self.path):
            works.keep_only_living(self._connection)

    def drop_vectors(self, texts: Iterable[int]) -> None:
        """Forget the vectors of texts, given by their hashes."""
        self.begin()
        with translated(self.path):
            vectors.drop(self._connection, texts)

    def keep_vectors_of(self, texts: set[int]) -> None:
        """Forget all vectors but those of the texts with these hashes."""
        self.begin()
        with translated(self.path):
            vectors.keep_only(self._connection, texts)

    def drop_encoders(self, kept: str) -> None:
        """Forget the vectors of every encoder but one."""
        self.begin()
        with translated(self.path):
            vectors.drop_encoders(self._connection, kept)

    def put_segments(self, segments: Sequence[Segment]) -> None:
        """Let these be the index segments from now on; blocks that none of them uses are dropped."""
        self.begin()
        kept = {number for segment in segments for number in blocks_of(segment)}
        old = {number for segment in self.manifest.segments for number in blocks_of(segment)} | self._written
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


def blocks_of(segment: Segment) -> Iterator[int]:
    """The numbers of the blocks that the arrays of a segment lie in."""
    import numpy as np

    for stretch in (*segment.arrays.values(), *((segment.dead,) if segment.dead else ())):
        size = stretch.length * np.dtype(stretch.dtype).itemsize
        yield from range(stretch.first, stretch.first + -(-size // BLOCK_BYTES))
