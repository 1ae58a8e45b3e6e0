"""Opening the SQLite file: format, durability, and the translation of its errors into ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from grainline.disk import sync_folder
from grainline.errors import BusyError, DamagedError, GrainlineError, NotFoundError, StorageError
from grainline.store import log
from grainline.store.lock import locked

FILE_NAME = "library.sqlite"
#: a mended library that is whole but not yet in its place; while it is there, nobody else may open the library
MENDED_NAME = f"{FILE_NAME}.mended"
FORMAT = 4
#: "GRNL" in ASCII: tells a Grainline library from any other SQLite file
APPLICATION_ID = 0x47524E4C
PAGE_BYTES = 4096
BUSY_MILLISECONDS = 10_000
#: how long one who makes a library waits for another who makes it at the same time
CREATE_SECONDS = 10.0
#: characters of SQLite's own message that ours repeats; one about a text that is no text holds all of it
MESSAGE_CHARACTERS = 200

SCHEMA = """
CREATE TABLE manifest (key TEXT PRIMARY KEY, value TEXT NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE roots (name TEXT PRIMARY KEY, location TEXT NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE files (
    path TEXT PRIMARY KEY, root TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL,
    documents INTEGER NOT NULL, labels TEXT NOT NULL, seal INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE documents (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, source TEXT NOT NULL UNIQUE, file TEXT NOT NULL, title TEXT NOT NULL,
    language TEXT NOT NULL, labels TEXT NOT NULL, meta TEXT NOT NULL, head_seal INTEGER NOT NULL,
    text TEXT NOT NULL, lines TEXT NOT NULL, parts TEXT NOT NULL, shape TEXT NOT NULL, body_seal INTEGER NOT NULL
);
CREATE INDEX documents_by_file ON documents (file);
CREATE TABLE blocks (number INTEGER PRIMARY KEY, data BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE encoders (identity TEXT PRIMARY KEY, number INTEGER NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE vectors (key INTEGER PRIMARY KEY, encoder INTEGER NOT NULL, data BLOB NOT NULL, seal INTEGER NOT NULL);
CREATE TABLE work (key INTEGER PRIMARY KEY, kind TEXT NOT NULL, documents TEXT NOT NULL, data TEXT NOT NULL, seal INTEGER NOT NULL);
CREATE INDEX work_by_kind ON work (kind);
"""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the system about `path` into `DamagedError`, `BusyError` or `StorageError`."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise translate(error, path) from error
    except OSError as error:
        raise StorageError(f"cannot read or write {path} ({error.strerror or error}); nothing was changed") from error


def translate(error: Exception, path: Path) -> GrainlineError:
    """The error of ours that says what SQLite's error means to a user of the library at `path`."""
    code, said = _code(error), str(error)[:MESSAGE_CHARACTERS]
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(f"{path} is being written by another process; try again")
    if code == sqlite3.SQLITE_FULL:
        return StorageError(f"no space left for {path}; nothing was changed")
    if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StorageError(f"cannot read or write {path} ({said}); nothing was changed")
    return DamagedError(f"{path} is damaged ({said}); run `grainline doctor`")


def _code(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def connect(folder: Path, *, write: bool = False) -> sqlite3.Connection:
    """Open the library in `folder`; with `write` (and the writer's lock held) it may be changed.

    The log of a killed process is taken in. Raises `NotFoundError` where there is no library, `DamagedError` for a file that is
    no sound library of this format, for a log that does not verify, and where a repair was cut short.
    """
    path = folder / FILE_NAME
    with translated(path):
        _check_files(path, write)
        connection = _open(path, write)
        try:
            _check_format(connection, path, write)
        except BaseException:
            connection.close()
            raise
        return connection


def create(folder: Path) -> None:
    """Make an empty library in `folder` unless there is one: built beside its place, synced, then renamed into it."""
    path = folder / FILE_NAME
    with translated(path):
        if path.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder, CREATE_SECONDS):
            if path.exists():
                return
            refuse_remains(path)
            fresh = folder / f"{FILE_NAME}.new"
            try:
                clear(fresh)
                initialise(fresh)
                fresh.rename(path)
            except (sqlite3.Error, OSError):
                clear(fresh)
                raise
            sync_folder(folder)


def leftovers(path: Path) -> list[Path]:
    """A database file and all that SQLite may put beside it."""
    return [path, *(path.with_name(path.name + end) for end in ("-journal", "-wal", "-shm"))]


def clear(path: Path) -> None:
    """Remove a database file with all that SQLite may have put beside it; raises `OSError`."""
    for leftover in leftovers(path):
        leftover.unlink(missing_ok=True)


def refuse_remains(path: Path) -> None:
    """Raise `DamagedError` if there is no library at `path` but what only a repair can make one of."""
    if path.with_name(MENDED_NAME).exists():
        raise DamagedError(f"a repair of {path} was cut short; run `grainline doctor`")
    if not path.exists() and log.size(path):
        raise DamagedError(f"{path} is gone, though its log is there; run `grainline doctor`")


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


def _check_files(path: Path, write: bool) -> None:
    refuse_remains(path)
    if not path.exists():
        raise NotFoundError(f"no library in {path.parent}; make one with `grainline add PATH --library {path.parent}`")
    if log.size(path) and (fault := log.fault(path)) and (write or _is_damaged_at_rest(path)):
        raise DamagedError(f"the log of {path} is damaged ({fault}); run `grainline doctor`")


def _is_damaged_at_rest(path: Path) -> bool:
    """Whether the log is damaged though no writer is at work, who may have half of a change in it."""
    try:
        with locked(path.parent):
            return bool(log.fault(path))
    except BusyError:
        return False
    except StorageError:
        return True  # a folder that cannot be written has no writer


def _open(path: Path, write: bool) -> sqlite3.Connection:
    """A reader opens for writing too where it may: only so can it take in the log of a killed writer."""
    uri = path.resolve().as_uri()
    try:
        return _configured(f"{uri}?mode=rw", write)
    except sqlite3.OperationalError as error:
        if write or not _is_refused(error):
            raise
    try:
        return _configured(f"{uri}?mode=ro", write)
    except sqlite3.OperationalError as error:
        if not _is_refused(error) or log.size(path):
            raise
    # a folder that cannot be written, as on a medium for reading only; no log, so the file is all there is
    return _configured(f"{uri}?immutable=1", write)


def _is_refused(error: sqlite3.OperationalError) -> bool:
    return _code(error) in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)


def _configured(uri: str, write: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MILLISECONDS / 1000)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        connection.execute("PRAGMA synchronous=FULL")
        if write:
            # what is removed is overwritten, so that neither a thief nor the doctor finds it again
            connection.execute("PRAGMA secure_delete=ON")
            # no remains of older changes behind the last one in the log, so that what does not verify there is damage
            connection.execute("PRAGMA journal_size_limit=0")
        else:
            connection.execute("PRAGMA query_only=ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _check_format(connection: sqlite3.Connection, path: Path, write: bool) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise DamagedError(f"{path} is not a Grainline library, or its head is damaged; run `grainline doctor`")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise DamagedError(
            f"{path} has format {version}, this Grainline reads format {FORMAT}; use the release that wrote it, or run `grainline doctor`"
        )
    if schema(connection) != expected_schema():
        raise DamagedError(f"the tables of {path} are not those of a library; run `grainline doctor`")
    if write and connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        raise DamagedError(f"the head of {path} is damaged; run `grainline doctor`")


def schema(connection: sqlite3.Connection) -> list[tuple[str | int | None, ...]]:
    """The tables and indexes of a database, and the pages they begin at; raises `sqlite3.Error`."""
    return connection.execute("SELECT type, name, tbl_name, rootpage, sql FROM sqlite_master ORDER BY rowid").fetchall()


def expected_schema() -> list[tuple[str | int | None, ...]]:
    """What `schema` gives for every library of this format."""
    return _pristine()[0]


def schema_version() -> int:
    """How often SQLite counts the tables of this format to have changed, as the head of every library says."""
    return _pristine()[1]


@lru_cache(maxsize=1)
def _pristine() -> tuple[list[tuple[str | int | None, ...]], int]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        connection.executescript(SCHEMA)
        return schema(connection), int(connection.execute("PRAGMA schema_version").fetchone()[0])
    finally:
        connection.close()
