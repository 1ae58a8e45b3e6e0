"""What is known of a table before any of its rows is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: what a column holds; dates are text in the form 2024-01-31 (or 2024-01, or 2024-01-31 10:20:30)
Kind = Literal["integer", "real", "text", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name as the source writes it, and the one it goes by in SQL (unique in its table, never empty).

    `key` says whether it is the table's primary key or part of it; `refers` is the (table, column) in SQL names that it points at.
    `unit` stood in its cells or its name ("%", "元", "km"); the numbers in SQL are without it.
    """

    name: str
    sql: str
    kind: Kind
    key: bool = False
    refers: tuple[str, str] | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that may be asked: its name as a person would say it, and the one it goes by in SQL, unique among the tables of a catalog.

    `source` is that of the document it stands in and `start` where in the document's text; `rows` is how many it has, -1 if that was
    not counted.
    """

    name: str
    sql: str
    columns: tuple[Column, ...]
    source: str
    start: int
    rows: int
