"""Opening the SQLite file: format, durability, and the translation of its errors into ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grainline.errors import BusyError, DamagedError, GrainlineError, NotFoundError, StorageError

FILE_NAME = "library.sqlite"
FORMAT = 1
#: "GRNL" in ASCII: tells a Grainline library from any other SQLite file
APPLICATION_ID = 0x47524E4C
PAGE_BYTES = 4096
BUSY_MILLISECONDS = 10_000

SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (name TEXT PRIMARY KEY, location TEXT NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE files (
    path TEXT PRIMARY KEY, root TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    seal INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL UNIQUE, file TEXT NOT NULL, title TEXT NOT NULL,
    language TEXT NOT NULL, labels TEXT NOT NULL, meta TEXT NOT NULL, head_seal INTEGER NOT NULL,
    text TEXT NOT NULL, lines TEXT NOT NULL, parts TEXT NOT NULL, shape TEXT NOT NULL, body_seal INTEGER NOT NULL
);
CREATE INDEX documents_by_file ON documents (file);
CREATE TABLE blocks (number INTEGER PRIMARY KEY, data BLOB NOT NULL, seal INTEGER NOT NULL);
"""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about `path` into `DamagedError`, `BusyError` or `StorageError`."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise translate(error, path) from error


def translate(error: Exception, path: Path) -> GrainlineError:
    """The error of ours that says what SQLite's error means to a user of the library at `path`."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(f"{path} is being written by another process; try again")
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"no space left for {path}; nothing was changed")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageError(f"cannot read or write {path} ({error}); nothing was changed")
    return DamagedError(f"{path} is damaged ({error}); run `grainline doctor`")


def connect(folder: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open the library in `folder`; with `write` it may be changed (and a WAL of a killed process is taken in).

    Raises `NotFoundError` where there is no library, `DamagedError` for a file that is no library of this format.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise NotFoundError(f"no library in {folder}; make one with `grainline add PATH --library {folder}`")
    with translated(path):
        connection = _open(path, write)
        try:
            _check_format(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection


def create(folder: Path) -> None:
    """Make an empty library in `folder` unless there is one: built beside its place, synced, then renamed into it."""
    path = folder / FILE_NAME
    if path.exists():
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot make the library folder {folder}: {error.strerror}") from error
    fresh = folder / f"{FILE_NAME}.new"
    with translated(path):
        for leftover in (fresh, fresh.with_name(fresh.name + "-journal"), fresh.with_name(fresh.name + "-wal")):
            leftover.unlink(missing_ok=True)
        initialise(fresh)
        fresh.rename(path)
        sync_folder(folder)


def initialise(path: Path) -> None:
    """Write an empty library of this format to a new file at `path`; raises `sqlite3.Error`."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(
            f"PRAGMA page_size={PAGE_BYTES}; PRAGMA synchronous=FULL; BEGIN; PRAGMA application_id={APPLICATION_ID};"
            f"PRAGMA user_version={FORMAT}; {SCHEMA} COMMIT; PRAGMA journal_mode=WAL;"
        )
    finally:
        connection.close()


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last; where folders cannot be opened (Windows) the system sees to it."""
    import os

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        raise StorageError(f"cannot sync {folder}: {error.strerror}") from error
    finally:
        os.close(handle)


def _open(path: Path, write: bool) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    try:
        # a reader opens for writing too where it may: only so can it take in the WAL of a killed writer
        connection = _configured(f"{uri}?mode=rw", write)
    except sqlite3.OperationalError:
        if write:
            raise
        connection = _configured(f"{uri}?immutable=1", write)
    return connection


def _configured(uri: str, write: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MILLISECONDS / 1000)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA synchronous=FULL")
        if not write:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise DamagedError(f"{path} is not a Grainline library, or its head is damaged; run `grainline doctor`")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise DamagedError(f"{path} has format {version}, this Grainline reads format {FORMAT}; use the release that wrote it")
