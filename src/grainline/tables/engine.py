"""SQL over the tables of a catalog: parsed, placed, run by SQLite where it can only read, and what an answer rests on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from grainline.errors import NotFoundError, QueryError
from grainline.readers.sqlite import line
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import Catalog
from grainline.tables.derived import NAME, derived
from grainline.tables.evidence import Asked, bases_of, with_rows
from grainline.tables.found import Found
from grainline.tables.guard import ATTACHED, LARGE, USUAL, Bounds, guarded
from grainline.tables.rows import Rows, file_of, is_in_text
from grainline.tables.schema import Table
from grainline.tables.statement import Statement, parse, quoted

#: characters of all values after which a result is cut short; of SQLite's own message that ours repeats
CHARACTERS, MESSAGE = 4_000_000, 300
#: rows among which those are looked for that DISTINCT left
ALIKE = 5_000


@dataclass(frozen=True, slots=True)
class Result:
    """What a statement gave: as it was asked, the names of its columns, rows of str, int, float, bytes or None, whether there were more,
    and the tables it names."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool
    used: tuple[Table, ...]


class Engine:
    """Runs statements over the tables of a catalog; use it as a context."""

    def __init__(self, snapshot: Snapshot, catalog: Catalog) -> None:
        self._snapshot = snapshot
        self._catalog = catalog
        self._rows = Rows.of(snapshot)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return None

    def run(self, sql: str, *, rows: int = 1000, milliseconds: float = 5000) -> Result:
        """The result of one SELECT, at most so many rows of it; raises `QueryError` if it is refused, fails or takes longer.

        The time is that of running it: the first question to a text file of millions of rows has them put in order before, see `derived`.
        """
        statement = parse(sql)
        used = self._used(statement)
        _check_strings(statement, used)
        with self._placed(used) as places:
            columns, found, truncated = self._fetch(_Run(statement, used, places), rows, milliseconds)
        return Result(statement.sql, columns, tuple(found), truncated, tuple(dict.fromkeys(used.values())))

    def sources(self, sql: str, limit: int = 10, *, milliseconds: float = 1000) -> list[tuple[Table, int | None]]:
        """The rows that a statement's result rests on, counted from 0 in the text of their table; None stands for the table as a whole.

        These are the rows that the first `limit` rows of the result are made of; for an aggregate all rows that went into it, if there are
        no more than `limit`, and for a minimum or maximum the row that has it. Where none can be told (subqueries behind FROM, compounds,
        too many, too slow), or the text does not hold the row, it is the table as a whole. Raises `QueryError` for what is no question to
        these tables.
        """
        statement = parse(sql)
        used = self._used(statement)
        bases = bases_of(statement)
        tables = [self._catalog.table(base.name) for base in bases]
        columns = [self._row_columns(table) for table in tables]
        asked = with_rows(statement, [(base.alias, own) for base, own in zip(bases, columns, strict=True)], limit)
        found: dict[tuple[Table, int | None], None] = {}
        for row in self._resting(statement, asked, limit, milliseconds) if asked else ():
            at = 0
            for table, own in zip(tables, columns, strict=True):
                found[table, self._row(table, row[at : at + len(own)])] = None
                at += len(own)
        return list(found) or [(table, None) for table in dict.fromkeys(used.values())]

    def _resting(self, statement: Statement, asked: Asked, limit: int, milliseconds: float) -> list[tuple[Any, ...]]:
        """What tells the rows that a result rests on; nothing where these are too many, or finding them takes too long."""
        most = {"each": limit, "alike": ALIKE, "all": limit + 1}[asked.rows]
        try:
            result = self.run(asked.sql, rows=most, milliseconds=milliseconds)
            told = [(row[: len(row) - asked.width], row[len(row) - asked.width :]) for row in result.rows]
            if asked.rows == "alike":
                first = dict(told)
                wanted = self.run(statement.sql, rows=limit, milliseconds=milliseconds).rows
                return [first[row] for row in wanted if row in first]
        except QueryError:
            return []
        return [row for _, row in told] if len(told) <= limit else []

    def _row_columns(self, table: Table) -> list[str]:
        """The columns that tell a row of a table: its number in memory, all of it in a file."""
        return [column.sql for column in table.columns] if self._catalog.found(table).in_file else ["rowid"]

    def _row(self, table: Table, values: tuple[Any, ...]) -> int | None:
        """The row in the text that these values tell."""
        found = self._catalog.found(table)
        if not found.in_file:
            return int(values[0]) - 1 if values[0] is not None and values[0] <= found.held else None
        return self._catalog.row(table, line(values))

    def _used(self, statement: Statement) -> dict[str, Table]:
        """The tables that a statement names, by their names in small letters; raises `QueryError` for one that is not there."""
        used: dict[str, Table] = {}
        for name in statement.names:
            try:
                used.setdefault(name.name.lower(), self._catalog.table(name.name))
            except NotFoundError:
                raise QueryError(f"no table {name.name[:80]}") from None
        return used

    @contextmanager
    def _placed(self, used: dict[str, Table]) -> Iterator[dict[str, Place]]:
        """Where the tables lie while this lasts, by name: in memory, or in files that are attached meanwhile."""
        places: dict[str, Place] = {}
        files: dict[Path, str] = {}
        try:
            for name, table in used.items():
                found = self._catalog.found(table)
                if found.encoding:
                    places[name] = Place(self._attach(derived(self._snapshot, found), files), NAME, table)
                elif path := self._file(found):
                    places[name] = Place(self._attach(path, files), found.in_file, table, True)
                else:
                    places[name] = Place("main", self._rows.load(found), table)
            yield places
            for table in used.values():  # a file that was written to meanwhile may have told anything
                self._file(self._catalog.found(table))
        finally:
            for schema in files.values():
                self._rows.connection.execute(f"DETACH {schema}")

    def _file(self, found: Found) -> Path | None:
        """The file to read a table from; None where the text holds all there is to know of it."""
        if not found.in_file:
            return None
        try:
            return file_of(self._snapshot, found)
        except QueryError:
            if is_in_text(self._snapshot, found):
                return None
            raise

    def _attach(self, path: Path, files: dict[Path, str]) -> str:
        """The schema that a file is attached as; never is anything written beside it."""
        if (known := files.get(path)) is not None:
            return known
        if len(files) >= ATTACHED:
            raise QueryError(f"the statement needs more than {ATTACHED} SQLite files; ask about fewer at once")
        schema = f"f{len(files)}"
        try:
            self._rows.connection.execute(f"ATTACH ? AS {schema}", (f"{path.absolute().as_uri()}?mode=ro&immutable=1",))
        except sqlite3.Error as error:
            raise QueryError(f"{path.name} cannot be opened: {error}") from None
        files[path] = schema
        return schema

    def _fetch(self, run: _Run, most: int, milliseconds: float) -> tuple[tuple[str, ...], list[tuple[Any, ...]], bool]:
        """The names of the columns, the rows, and whether there are more."""
        try:
            return self._step(run, USUAL, most, milliseconds)
        except sqlite3.DataError:  # a value that is too large for these bounds
            pass
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise _told(error, milliseconds) from None
        try:
            return self._step(run, LARGE, most, milliseconds)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.DataError) or "not authorized" in str(error):
                raise QueryError(
                    f"a value in it has more than {USUAL.value:,} bytes; only simpler questions take such"
                ) from None
            raise _told(error, milliseconds) from None

    def _step(
        self, run: _Run, bounds: Bounds, most: int, milliseconds: float
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]], bool]:
        connection = self._rows.connection
        found: list[tuple[Any, ...]] = []
        size = 0
        with (
            guarded(connection, run.allowed(), run.statement.made, bounds, milliseconds),
            closing(connection.cursor()) as cursor,
        ):
            if bounds is LARGE:
                cursor.execute(f"SELECT * FROM ({run.text()}\n) LIMIT 0")
                if (width := len(cursor.description)) > bounds.columns:
                    raise QueryError(f"{width} columns of values as large as these; ask for {bounds.columns} at most")
            cursor.execute(run.text())
            columns = tuple(column[0] for column in cursor.description)
            while len(found) <= most and size <= CHARACTERS and (row := cursor.fetchone()):
                found.append(row)
                size += sum(len(value) for value in row if isinstance(value, str | bytes))
        return columns, found[:most], len(found) > most or size > CHARACTERS


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table lies: its schema in the connection and its name there."""

    schema: str
    name: str
    table: Table
    is_file: bool = False


@dataclass(frozen=True, slots=True)
class _Run:
    """A statement with the places of its tables."""

    statement: Statement
    used: dict[str, Table]
    places: dict[str, Place]

    def text(self) -> str:
        """What SQLite is given."""
        return self.statement.placed(lambda name: _written(self.places[name.lower()]))

    def allowed(self) -> dict[tuple[str, str], frozenset[str]]:
        """The columns that may be read, by schema and table, all in small letters; "" stands for none of them in particular."""
        return {
            (place.schema, place.name.lower()): frozenset(
                {"", "rowid", *(column.sql.lower() for column in place.table.columns)}
            )
            for place in self.places.values()
        }


def _check_strings(statement: Statement, used: dict[str, Table]) -> None:
    """Raise `QueryError` for a name in double quotes that no column has, which SQLite would take for a string, unless it is compared."""
    for name in statement.loose():
        if not any(column.sql.lower() == name.lower() for table in used.values() for column in table.columns):
            raise QueryError(f"no column {name[:80]}")


def _written(place: Place) -> str:
    """A table for use behind FROM; where columns of a file have no name, a subquery that gives them one."""
    name = f"{place.schema}.{quoted(place.name)}"
    if all(column.name or not place.is_file for column in place.table.columns):
        return name
    columns = ", ".join(f"{quoted(column.name)} AS {quoted(column.sql)}" for column in place.table.columns)
    return f"(SELECT {columns} FROM {name})"


def _told(error: Exception, milliseconds: float) -> QueryError:
    if str(error) == "interrupted":
        return QueryError(f"took longer than {milliseconds:.0f} ms and was stopped")
    return QueryError(f"SQLite refuses it: {str(error)[:MESSAGE]}")
