"""SQLite databases to documents, one a table: what its columns are, then its rows. Only a file too large for memory is opened by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.build import document
from grainline.types import Document, Limits, Part

MAGIC = b"SQLite format 3\0"
#: where the header says whether a write-ahead log belongs to the file (2) or not (1); bytes in memory have none
JOURNAL_BYTES = slice(18, 20)
#: steps of SQLite's machine between two looks at the budget, and the budget: far above what reading every cell takes
STEPS_BETWEEN_LOOKS = 100_000
STEPS = 10_000_000
STEPS_PER_BYTE = 40
ROWS_AT_ONCE = 1000
#: rows of a table that the text of a large file has: what it looks like; SQL reads the others where they lie
FIRST_ROWS = 2_000
#: bytes of one value of a large file
LONGEST_VALUE = 64 << 20

ALLOWED = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ})
ALLOWED_PRAGMAS = frozenset({"table_xinfo", "foreign_key_list"})
#: what table_xinfo says of a column that is computed when it is read
COMPUTED = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column; `key` is its 1-based place in the primary key, 0 if it is not in it; `refers` is "Table.Column" or ""."""

    name: str
    type: str
    key: int
    refers: str


class Sqlite:
    """Reads SQLite files. Views, virtual tables and computed columns are left out: nothing in the file is executed."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield a document a table, in order of creation: source "FILE#Table", text a line like
        "table Album (AlbumId INTEGER, Title TEXT, ArtistId INTEGER -> Artist.ArtistId)", an empty line, the header and the rows.

        `meta` has "table", "columns" (name, type, key and refers of each), "primary_key" and "foreign_keys" (column to
        "Table.Column"), and "rows_left_out" if all tables together have more than `limits.rows` rows, or one has more text
        than `limits.characters`. Raises `UnreadableError` for anything but a sound, unencrypted database.
        """
        _check(data[: len(MAGIC)], len(data))
        with _sound(), closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            image = bytearray(data)
            image[JOURNAL_BYTES] = b"\1\1"
            connection.deserialize(image)
            _lock(connection, len(data))
            yield from _documents(connection, source, limits, limits.rows)

    def read_in_place(self, path: Path, source: str, limits: Limits) -> Iterator[Document]:
        """As `read`, for a file that is too large for memory: the text has the first `FIRST_ROWS` rows of each table.

        What a write-ahead log beside the file adds to it is not read. Raises `OSError` too.
        """
        size = path.stat().st_size
        with path.open("rb") as file:
            _check(file.read(len(MAGIC)), size)
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"  # nothing is written, not even a lock, nor beside it
        with _sound(), closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            _lock(connection, size)
            yield from _documents(connection, source, limits, FIRST_ROWS)


def _check(magic: bytes, size: int) -> None:
    if magic != MAGIC:
        raise UnreadableError("not an SQLite database, or an encrypted one: its first bytes are not SQLite's")
    if size < 512:
        raise UnreadableError("damaged SQLite database: it ends within its first page")


@contextmanager
def _sound() -> Iterator[None]:
    """Turn what SQLite has against a file into `UnreadableError`."""
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        reason = "its pages lead in circles" if str(error) == "interrupted" else str(error)
        raise UnreadableError(f"damaged SQLite database: {reason}") from None


def _lock(connection: sqlite3.Connection, size: int) -> None:
    """Bound what reading a database of `size` bytes may do and cost."""
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}")
    connection.text_factory = text_of
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, min(max(size, 1 << 20), LONGEST_VALUE))
    connection.set_authorizer(_authorize)
    looks = (STEPS + STEPS_PER_BYTE * size) // STEPS_BETWEEN_LOOKS
    budget = iter(range(looks))
    connection.set_progress_handler(lambda: next(budget, None) is None, STEPS_BETWEEN_LOOKS)


def text_of(data: bytes) -> str:
    """Text as the file holds it: UTF-8, or the GB18030 that old programs wrote in its place."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _authorize(action: int, first: str | None, second: str | None, *_rest: str | None) -> int:
    is_pragma = action == sqlite3.SQLITE_PRAGMA and first in ALLOWED_PRAGMAS
    is_count = action == sqlite3.SQLITE_FUNCTION and second == "count"
    is_allowed = action in ALLOWED or is_pragma or is_count
    return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY


def _documents(connection: sqlite3.Connection, source: str, limits: Limits, most: int) -> Iterator[Document]:
    """A document a table with `most` of its rows, if `limits` let it have so many."""
    tables = _tables(connection)
    if not tables:
        raise UnreadableError("the database has no tables")
    keys = {table.lower(): [column.name for column in _columns(connection, table, {}) if column.key] for table in tables}
    rows_left = limits.rows
    for table in tables:
        columns = _columns(connection, table, keys)
        if not columns:
            continue
        schema, header = _schema(table, columns), line([column.name for column in columns])
        room = limits.characters - len(schema) - len(header) - 2
        rows, left_out = _rows(connection, table, columns, min(rows_left, most), room)
        rows_left -= len(rows)
        parts, text = _parts(table, columns, schema, [header, *rows])
        meta = _meta(table, columns) | ({"rows_left_out": left_out} if left_out else {})
        yield document(f"{source}#{_cell(table)}", table, text, limits, parts=parts, meta=meta)


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Names of ordinary tables; those that a virtual table keeps its own data in are named after it."""
    schema = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
    found = [(name, sql or "") for name, sql in schema if isinstance(name, str) and isinstance(sql, str | None)]
    virtual = tuple(name for name, sql in found if sql.upper().split()[:2] == ["CREATE", "VIRTUAL"])
    shadows = tuple(f"{name}_" for name in virtual)
    return [name for name, _ in found if name not in virtual and not name.startswith(("sqlite_", *shadows))]


def _columns(connection: sqlite3.Connection, table: str, keys: dict[str, list[str]]) -> list[Column]:
    """The stored columns of a table; `keys` gives the primary keys of all by small letters, for a reference that names no column."""
    quoted = _quoted(table)
    refers: dict[str, str] = {}
    for _, place, parent, column, parent_column, *_rest in connection.execute(f"PRAGMA foreign_key_list({quoted})"):
        key = keys.get(parent.lower(), [])
        target = parent_column or (key[place] if place < len(key) else "")
        refers.setdefault(column, f"{parent}.{target}" if target else parent)
    return [
        Column(name, " ".join(kind.split()), key, refers.get(name, ""))
        for _, name, kind, _, _, key, hidden in connection.execute(f"PRAGMA table_xinfo({quoted})")
        if hidden != COMPUTED
    ]


def _quoted(name: str) -> str:
    """A name for use in SQL. In double quotes a name that is not there would quietly become a string."""
    return "`" + name.replace("`", "``") + "`"


def _rows(
    connection: sqlite3.Connection, table: str, columns: Sequence[Column], most: int, characters: int
) -> tuple[list[str], int]:
    """The first rows as lines of text, as many as the bounds allow, and the number of rows beyond."""
    names = ", ".join(_quoted(column.name) for column in columns)
    cursor = connection.execute(f"SELECT {names} FROM {_quoted(table)}")
    rows: list[str] = []
    size = 0
    while batch := cursor.fetchmany(ROWS_AT_ONCE):
        for cells in batch:
            said = line(cells)
            size += len(said) + 1
            if len(rows) >= most or size > characters:
                count = connection.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()[0]
                return rows, max(1, count - len(rows))
            rows.append(said)
    return rows, 0


def line(cells: Sequence[object]) -> str:
    """A row as it stands in the text of its table.

    >>> line([1, None, "a\\nb", b"xyz"])
    '1 |  | a b | <blob 3 bytes>'
    """
    return " | ".join([_cell(cell) for cell in cells])


def cut(text: str) -> list[str]:
    """The cells of a line; more than there were if one of them holds " | " itself."""
    return text.split(" | ")


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"<blob {len(value)} bytes>"
    text = str(value)
    if text.isprintable():
        return text
    return text.replace("\0", "").replace("\r\n", " ").replace("\n", " ").replace("\r", " ")


def _schema(table: str, columns: Sequence[Column]) -> str:
    described = (" ".join(filter(None, (c.name, c.type, c.refers and f"-> {c.refers}"))) for c in columns)
    return _cell(f"table {table} ({', '.join(described)})")


def _parts(table: str, columns: Sequence[Column], schema: str, lines: Sequence[str]) -> tuple[list[Part], str]:
    """The parts and the text: the schema, an empty line, the header and the rows."""
    text = "\n".join((schema, "", *lines))
    start = len(schema) + 2
    parts = [Part("prose", 0, len(schema), table)]
    if start < len(text):
        parts.append(Part("table", start, len(text), table, meta={"columns": [column.name for column in columns]}))
    for number, line in enumerate(lines):
        if line:
            parts.append(Part("row" if number else "header", start, start + len(line)))
        start += len(line) + 1
    return parts, text


def _meta(table: str, columns: Sequence[Column]) -> dict[str, Any]:
    return {
        "table": table,
        "columns": [{"name": c.name, "type": c.type, "key": c.key, "refers": c.refers} for c in columns],
        "primary_key": [column.name for column in sorted(columns, key=lambda column: column.key) if column.key],
        "foreign_keys": {column.name: column.refers for column in columns if column.refers},
    }
