"""The rows of text files that are too large for a document, as SQLite files in the library's folder: made when they are asked for.

Each goes by the digest of the file that it was made from, and may be deleted at any time; those of files that are no longer in the
library are deleted by the next change to it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

from grainline.errors import QueryError, UnreadableError
from grainline.readers.csv_large import stream
from grainline.store.database import leftovers
from grainline.store.snapshot import Snapshot
from grainline.tables.found import Found
from grainline.tables.parse import Value, value_of
from grainline.tables.rows import TYPES, file_of
from grainline.tables.statement import quoted

#: the folder inside that of the library
FOLDER = "tables"
#: what the table goes by in its file
NAME = "rows_of_file"


def derived(snapshot: Snapshot, table: Found) -> Path:
    """The SQLite file with all rows of a table, a row's rowid its place, from 1; made if it is not there. Raises `QueryError`."""
    path = file_of(snapshot, table)
    digest = snapshot.recorded(snapshot.at(table.number).document.id)[2]
    place = snapshot.path.parent / FOLDER / f"{digest}.sqlite"
    if place.exists():
        return place
    fresh = place.with_name(f"{digest}.{os.getpid()}.new")
    try:
        place.parent.mkdir(exist_ok=True)
        fresh.unlink(missing_ok=True)
        _write(fresh, path, table)
        file_of(snapshot, table)  # it may have been written to meanwhile
        fresh.replace(place)
    except UnreadableError as error:
        raise QueryError(f"{table.source}: {error}") from error
    except (OSError, sqlite3.Error) as error:
        raise QueryError(f"the rows of {table.source} cannot be kept in {place.parent}: {error}") from error
    finally:
        fresh.unlink(missing_ok=True)
    return place


def sweep(folder: Path, digests: Collection[str]) -> None:
    """Delete what was derived in the library in `folder` from files other than those with these digests. Raises `OSError`."""
    if (place := folder / FOLDER).is_dir():
        for path in place.iterdir():
            if path.name.partition(".")[0] not in digests:
                for left in leftovers(path):
                    left.unlink(missing_ok=True)
        if not any(place.iterdir()):
            place.rmdir()


def _write(fresh: Path, path: Path, table: Found) -> None:
    columns = ", ".join(f"{quoted(column.sql)} {TYPES[column.kind]}" for column in table.columns)
    marks = ", ".join("?" * len(table.columns))
    with closing(sqlite3.connect(fresh, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=OFF")
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("BEGIN")
        connection.execute(f"CREATE TABLE {NAME} ({columns})")
        connection.executemany(f"INSERT INTO {NAME} VALUES ({marks})", _values(path, table))
        connection.execute("COMMIT")


def _values(path: Path, table: Found) -> Iterator[list[Value]]:
    kinds = [column.kind for column in table.columns]
    width = len(kinds)
    for row in islice(stream(path, table.encoding, str(table.meta["delimiter"])), 1, None):
        cells = row if len(row) == width else (row + [""] * (width - len(row)))[:width]
        yield [value_of(" ".join(cell.split()), kind) for cell, kind in zip(cells, kinds, strict=True)]
