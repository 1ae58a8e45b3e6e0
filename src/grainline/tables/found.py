"""The tables that stand in one document, with their columns as its reader and its cells tell them."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from grainline.keys.cells import Cells, record
from grainline.readers.build import title_of
from grainline.readers.json import without_extras
from grainline.readers.sqlite import cut
from grainline.store.snapshot import Snapshot
from grainline.tables.infer import distinct, identifier, kind_of
from grainline.tables.parse import date_of, is_missing, number_of
from grainline.tables.schema import Column, Kind
from grainline.types import Document, Part

#: rows that are looked at to tell what a column holds, spread over the table
SAMPLE = 2_000
#: columns of one table: what SQLite takes
COLUMNS = 1_990
#: formats that are tables and nothing else: there one column is enough
_FILES = (".csv", ".tsv", ".tab", ".xlsx", ".xlsm", ".xls", ".ods", ".json", ".geojson", ".jsonl", ".ndjson")
_SHEET = re.compile(r"(?:sheet|工作表|table|表)\s?\d*", re.IGNORECASE)
_INTEGER, _TEXT, _REAL = re.compile("INT"), re.compile("CHAR|CLOB|TEXT"), re.compile("REAL|FLOA|DOUB")


@dataclass(frozen=True, slots=True)
class Found:
    """A table of a document: what to call it, where its part lies (`start:end`, with its `meta`), its columns, how many rows the text
    holds and how many there are. `refers` of the columns and the name in SQL are for a catalog to say, which sees other tables too.

    `in_file` is its name in the SQLite file that it comes from, "" for any other source; `links` are that file's references, by
    column (table, column). `encoding` is that of a text file whose other rows are read from it, "" where there is nothing to read.
    """

    number: int
    source: str
    name: str
    start: int
    end: int
    meta: dict[str, Any]
    columns: tuple[Column, ...]
    held: int
    rows: int
    in_file: str = ""
    links: tuple[tuple[str, str, str], ...] = ()
    encoding: str = ""


def tables_of(snapshot: Snapshot, number: int) -> tuple[Found, ...]:
    """The tables of the document with this row number, in order; read once for a snapshot. Raises `DamagedError`."""
    return snapshot.keep(("tables", number), lambda: tuple(_Reading(number, snapshot.at(number).document).tables()))


def is_table_file(source: str) -> bool:
    """Whether a source is of a format that is tables and nothing else."""
    return source.lower().partition("#")[0].endswith(_FILES)


def cells_of(document: Document, table: Found) -> Iterator[list[str]]:
    """The cells of each row that the text holds, as many in each as there are columns."""
    return _Reading(table.number, document).cells(table)


def spans_of(document: Document, table: Found) -> list[tuple[int, int]]:
    """Where the rows of a table stand."""
    if table.in_file:
        return [(row.start, row.end) for row in _lines(document.text, table.start, table.end)]
    first = bisect_left(document.parts, table.start, key=lambda part: part.start)
    last = bisect_left(document.parts, table.end, key=lambda part: part.start)
    return [(part.start, part.end) for part in document.parts[first:last] if part.kind == "row"]


def _lines(text: str, start: int, end: int) -> list[Part]:
    """The lines below the first one: rows of an SQLite file, of which an empty one has no part."""
    rows = []
    place = start
    for number, line in enumerate(text[start:end].split("\n")):
        if number:
            rows.append(Part("row", place, place + len(line)))
        place += len(line) + 1
    return rows


class _Reading:
    """One document, read for its tables."""

    def __init__(self, number: int, document: Document) -> None:
        self._number = number
        self._document = document
        self._cells = Cells(document)

    def tables(self) -> Iterator[Found]:
        """All tables with a header and rows, in order; of an SQLite file also those without rows."""
        if "table" in self._document.meta and "columns" in self._document.meta:
            yield self._in_file()
            return
        least = 1 if is_table_file(self._document.source) else 2
        for part in self._document.parts:
            if part.kind == "table" and (found := self._told(part, least)):
                yield found

    def cells(self, table: Found) -> Iterator[list[str]]:
        """The cells of each row of a table, filled up or cut to the number of its columns."""
        part = Part("table", table.start, table.end, meta=table.meta)
        width = len(table.columns)
        for row in _lines(self._document.text, part.start, part.end) if table.in_file else self._rows(part):
            cells = self._cut(part, row, width, bool(table.in_file))
            yield cells if len(cells) == width else (cells + [""] * (width - len(cells)))[:width]

    def _told(self, part: Part, least: int) -> Found | None:
        """A table of any source but SQLite; None if it is none that can be asked."""
        names, count = self._cells.header(part)
        if not count or not any(name.strip() for name in names):
            return None
        sample = [self._cut(part, row, len(names), False) for row in _spread(self._rows(part), SAMPLE)]
        width = min(max(map(len, [names, *sample])), COLUMNS)
        if width < least:
            return None
        names = [" ".join(name.split()) for name in names[:width]] + [""] * (width - len(names))
        columns = []
        for at, (name, sql) in enumerate(zip(names, distinct([identifier(name) for name in names], "column"), strict=True)):
            kind, unit = kind_of(name, [row[at] for row in sample if at < len(row)])
            columns.append(Column(name, sql, kind, unit=unit))
        rows = count + int(self._document.meta.get("rows_left_out", 0))
        place = (self._number, self._document.source, self._name(part), part.start, part.end, dict(part.meta))
        return Found(*place, tuple(columns), count, rows, encoding=str(self._document.meta.get("encoding", "")))

    def _in_file(self) -> Found:
        """The table of an SQLite file that this document is."""
        document = self._document
        meta = document.meta
        part = next((part for part in document.parts if part.kind == "table"), Part("table", 0, len(document.text)))
        rows = _lines(document.text, part.start, part.end)
        width = len(meta["columns"])
        sample = [cells for row in _spread(rows, SAMPLE) if len(cells := self._cut(part, row, width, True)) == width]
        columns = []
        links = []
        names = distinct([str(given["name"]) for given in meta["columns"]], "column")
        for at, (given, sql) in enumerate(zip(meta["columns"], names, strict=True)):
            kind = _declared(str(given["type"]), [row[at] for row in sample])
            columns.append(Column(given["name"], sql, kind, bool(given["key"])))
            if given["refers"]:
                table, _, column = str(given["refers"]).rpartition(".")
                links.append((given["name"], table or column, column if table else ""))
        count = len(rows) + int(meta.get("rows_left_out", 0))
        name = str(meta["table"])
        return Found(
            *(self._number, document.source, name, part.start, part.end, dict(part.meta), tuple(columns), len(rows), count),
            in_file=name,
            links=tuple(links),
        )

    def _rows(self, table: Part) -> Sequence[Part]:
        return [part for part in self._cells.parts(table) if part.kind == "row"]

    def _cut(self, table: Part, row: Part, width: int, in_file: bool) -> list[str]:
        line = self._document.text[row.start : row.end]
        if in_file:
            return cut(line)
        if line.startswith("{") and "delimiter" not in table.meta and not row.meta.get("cells"):
            found = record(line) or record(without_extras(line)) or {}
            return [_said(found.get(name)) for name in table.meta.get("columns", ())]
        cells = self._cells.cut(table, row.start, row.end, row.meta)
        if len(cells) == width - 2 and line.startswith("|"):
            return ["", *cells, ""]  # no frame, but an empty cell at either end
        return [" ".join(cell.replace("\\|", "|").split()) for cell in cells]

    def _name(self, part: Part) -> str:
        """What to call a table: its caption, its sheet or key; the heading above it; the document."""
        name = part.name.strip()
        if name and not _SHEET.fullmatch(name):
            return name
        return self._heading(part.start) or self._document.title or title_of(self._document.source)

    def _heading(self, place: int) -> str:
        at = bisect_left(self._headings, place, key=lambda part: part.start)
        heading = self._headings[at - 1].name.strip() if at else ""
        return "" if _SHEET.fullmatch(heading) else heading

    @cached_property
    def _headings(self) -> list[Part]:
        return [part for part in self._document.parts if part.kind == "heading"]


def _spread(rows: Sequence[Part], most: int) -> Iterator[Part]:
    """At most so many of the rows, evenly from all over the table."""
    return islice(rows, 0, None, max(1, -(-len(rows) // most)))


def _said(value: Any) -> str:
    """A value of JSON as a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and all(isinstance(item, str | int | float) for item in value):
        return ", ".join(map(_said, value))
    return json.dumps(value, ensure_ascii=False)


def _declared(kind: str, cells: Sequence[str]) -> Kind:
    """What a column of an SQLite file holds: by the affinity of its declared type (sqlite.org/datatype3.html), dates by their looks."""
    declared = kind.upper()
    said = [cell for cell in cells if not is_missing(cell)]
    if _INTEGER.search(declared):
        return "integer"
    if said and not _REAL.search(declared) and all(date_of(cell) == cell for cell in said):
        return "date"
    if _TEXT.search(declared):
        return "text"
    if _REAL.search(declared):
        return "real"
    numbers = [number_of(cell) for cell in said]
    if any(number is None or number.unit for number in numbers):
        return "text"
    if not numbers:
        return "real" if re.search("NUM|DEC", declared) else "text"
    return "integer" if all(number and isinstance(number.value, int) for number in numbers) else "real"
