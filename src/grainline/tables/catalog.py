"""The tables that an asker may see, as they go in SQL, and where their rows stand in the library."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace

from grainline.errors import NotFoundError
from grainline.match.index import Index
from grainline.store.snapshot import Snapshot
from grainline.tables.found import Found, spans_of, tables_of
from grainline.tables.infer import distinct, identifier
from grainline.tables.joins import joins
from grainline.tables.schema import Column, Table
from grainline.types import EVERYWHERE, Document, Where

#: the kind of key that every table of a document has
KEYED = "table"


class Catalog:
    """All tables with a header that `where` lets be seen, in order of source and place."""

    def __init__(self, snapshot: Snapshot, where: Where, found: Iterable[Found]) -> None:
        self.where = where
        self._snapshot = snapshot
        self._found = sorted(found, key=lambda table: (table.source, table.start))
        names = distinct([table.in_file or identifier(table.name) for table in self._found], "table")
        self.tables: tuple[Table, ...] = _linked(
            snapshot,
            [
                Table(table.name, name, table.columns, table.source, table.start, table.rows)
                for table, name in zip(self._found, names, strict=True)
            ],
            self._found,
        )
        self._places = {table.sql.lower(): place for place, table in enumerate(self.tables)}

    @classmethod
    def of(cls, snapshot: Snapshot, where: Where = EVERYWHERE) -> Catalog:
        """The catalog of a snapshot, made once for every view. Raises `DamagedError`."""
        return snapshot.keep(("catalog", where), lambda: cls(snapshot, where, _visible(snapshot, where)))

    def table(self, name: str) -> Table:
        """The table that goes by this name in SQL, whatever its case; raises `NotFoundError`."""
        if (place := self._places.get(name.lower())) is None:
            raise NotFoundError(f"no table {name}")
        return self.tables[place]

    def found(self, table: Table) -> Found:
        """What was found of a table in its document; raises `NotFoundError` for one of another catalog."""
        place = self._places.get(table.sql.lower())
        if place is None or self.tables[place] is not table:
            raise NotFoundError(f"no table {table.sql}")
        return self._found[place]

    def document(self, table: Table) -> Document:
        """The document that a table stands in."""
        return self._snapshot.at(self.found(table).number).document

    def span(self, table: Table, row: int | None) -> tuple[str, int, int]:
        """The document and the place in it of a row, counted from 0; of the table's first line for None and for a row that the text
        does not hold."""
        found, document = self.found(table), self.document(table)
        if row is not None:
            spans = self._spans(found, document)
            if 0 <= row < len(spans):
                return (document.id, *spans[row])
        stop = document.text.find("\n", found.start, found.end)
        return document.id, found.start, stop if stop > found.start else found.end

    def row(self, table: Table, line: str) -> int | None:
        """The first row of a table that reads like this; None if there is none in the text."""
        found, document = self.found(table), self.document(table)
        place = f"{document.text[found.start : found.end]}\n".find(f"\n{line}\n")
        spans = self._spans(found, document)
        row = bisect_left(spans, (found.start + place + 1,))
        return row if place >= 0 and row < len(spans) else None

    def _spans(self, found: Found, document: Document) -> list[tuple[int, int]]:
        return self._snapshot.keep(("rows of a table", found.number, found.start), lambda: spans_of(document, found))


def _visible(snapshot: Snapshot, where: Where) -> list[Found]:
    """The tables of all visible documents that have one, found by its key in the index."""
    allowed = snapshot.numbers(where)
    index = Index.of(snapshot, KEYED)
    alive = index.allowed(where)
    numbers = set((index.documents if alive is None else index.documents[alive]).tolist())
    return [
        table for number in sorted(numbers) if allowed is None or number in allowed for table in tables_of(snapshot, number)
    ]


def _linked(snapshot: Snapshot, tables: list[Table], found: list[Found]) -> tuple[Table, ...]:
    """The tables with what their columns refer to, in the names of SQL: as files declare it, else as names and values suggest."""
    in_files: dict[tuple[str, str], Table] = {
        (table.source.rpartition("#")[0], own.in_file.lower()): table
        for table, own in zip(tables, found, strict=True)
        if own.in_file
    }
    guessed = joins(snapshot, tables, found)
    linked = []
    for place, (table, own) in enumerate(zip(tables, found, strict=True)):
        refers: dict[str, tuple[str, str]] = dict(guessed.get(place, {}))
        for column, other, key in own.links:
            target = in_files.get((table.source.rpartition("#")[0], other.lower()))
            if target and (named := _named(target, key)):
                refers[column.lower()] = target.sql, named
        linked.append(_with(table, refers) if refers else table)
    return tuple(linked)


def _with(table: Table, refers: dict[str, tuple[str, str]]) -> Table:
    columns = [replace(column, refers=refers.get(column.sql.lower())) for column in table.columns]
    return replace(table, columns=tuple(columns))


def _named(table: Table, name: str) -> str:
    """The name in SQL of a column as a reference gives it; its key's where it gives none; "" if there is no such column."""
    columns: list[Column] = [column for column in table.columns if (column.sql.lower() == name.lower() if name else column.key)]
    return columns[0].sql if columns else ""
