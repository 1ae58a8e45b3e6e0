"""The tables of a document cut into cells, however its format parts them: delimiters, pipes, JSON objects, or cells that a reader gave.

Keys say rows as sentences with it, and SQL reads them as rows.
"""

from __future__ import annotations

import csv
import json
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from grainline.types import Document, Part

_PIPE = re.compile(r"(?<!\\)\|")
_RULE = re.compile(r"[\s|:=-]+")


class Span(Protocol):
    """A table: a part of a document, or the node that a shape made of it."""

    @property
    def start(self) -> int:
        """Where it starts in the text."""
        ...

    @property
    def end(self) -> int:
        """Where it ends."""
        ...

    @property
    def meta(self) -> Mapping[str, Any]:
        """What its reader said of it: "columns", "delimiter"."""
        ...


class Cells:
    """The header and row parts of one document, found by place, and their cells."""

    def __init__(self, document: Document, parts: Sequence[Part] | None = None) -> None:
        """`parts` are the document's header and row parts where these are known already."""
        self._text = document.text
        self._parts = [part for part in document.parts if part.kind in ("row", "header")] if parts is None else parts
        self._starts = [part.start for part in self._parts]

    def parts(self, table: Span) -> Sequence[Part]:
        """The header and row parts that start inside a table."""
        return self._parts[bisect_left(self._starts, table.start) : bisect_left(self._starts, table.end)]

    def header(self, table: Span) -> tuple[list[str], int]:
        """The names of a table's columns, and how many rows it has."""
        parts = self.parts(table)
        columns = [str(name) for name in table.meta.get("columns") or ()]
        if not columns:  # what stands over each other in several lines is one name
            lines = [self.cut(table, part.start, part.end, part.meta) for part in parts if part.kind == "header"]
            width = max(map(len, lines), default=0)
            stacked = [[line[at] for line in lines if at < len(line) and line[at]] for at in range(width)]
            columns = [" ".join(dict.fromkeys(names)) for names in stacked]
        return columns, sum(1 for part in parts if part.kind == "row")

    def cut(self, table: Span, start: int, end: int, meta: Mapping[str, Any]) -> list[str]:
        """The cells of the row at `start:end` that has this `meta`."""
        if given := meta.get("cells"):
            return [str(cell) for cell in given]
        line = self._text[start:end]
        if delimiter := table.meta.get("delimiter"):
            try:
                return [
                    " ".join(cell.split()) for cell in next(csv.reader([line.replace("\n", " ")], delimiter=str(delimiter)), [])
                ]
            except csv.Error:
                return [line]
        if line.startswith("{"):
            return _values(line, table.meta.get("columns") or ())
        return split(line)


def split(line: str) -> list[str]:
    """The cells of a line with | between them, also at its ends.

    >>> split("| a | b |"), split("a | | c"), split("|---|:-:|")
    (['a', 'b'], ['a', '', 'c'], [])
    """
    if "|" not in line or _RULE.fullmatch(line):
        return []
    cells = [cell.strip() for cell in _PIPE.split(line)]
    framed = line.lstrip().startswith("|") and line.rstrip().endswith("|") and len(cells) > 2
    return cells[1:-1] if framed else cells


def record(line: str) -> dict[str, Any] | None:
    """The object that a line of JSON is; None for anything else."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _values(line: str, columns: Sequence[Any]) -> list[str]:
    """The values of a JSON object in the order of the columns."""
    found = record(line)
    if found is None:
        return [line]
    return [str(value) if isinstance(value := found.get(name), str | int | float) else "" for name in columns]
