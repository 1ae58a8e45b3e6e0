"""Tables that rules show, as parts of the document: see `pdf_tables` for how they are found."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from grainline.readers.build import flow
from grainline.readers.captions import read_caption
from grainline.readers.pdf_blocks import Line, joint
from grainline.readers.pdf_text import HYPHEN
from grainline.types import Part

FEWEST = 2  #: rows of a table
HEADERS = 3  #: rows of a header, at most
ASIDE = 2.0  #: points by which the columns of a table may be aside on its next page
EDGE = 1  #: lines, and characters of them, that may stand between a table and the edge of a page over which it goes on
SHORT = 30
LONGEST = 60  #: characters of a line over a table that is its name
NEAR = 3.0  #: line's heights between them
_SENTENCE = re.compile(r"[.!?。！？；;，,、][”’\"'」』）)\]】]*$")


@dataclass(frozen=True, slots=True)
class Ruled:
    """A table: the lines of each row by their numbers on the page, in order and beside each other, with the first and the last column
    of each; the cells of each row; how many rows are headers; its title; and the edges of its columns.

    `columns` are the names of its columns if these stand on an earlier page, `name` what it is called there.
    """

    lines: tuple[tuple[int, ...], ...]
    places: tuple[tuple[tuple[int, int], ...], ...]
    cells: tuple[tuple[str, ...], ...]
    headers: int
    title: str
    sides: tuple[float, ...]
    columns: tuple[str, ...] = ()
    name: str = ""

    @property
    def first(self) -> int:
        """Its first line."""
        return self.lines[0][0]

    @property
    def last(self) -> int:
        """Its last line."""
        return self.lines[-1][-1]

    @property
    def head(self) -> tuple[tuple[str, ...], ...]:
        """The rows that name its columns."""
        return self.cells[: self.headers]


def ruled_on(
    found: Sequence[Mapping[str, Any]], before: Sequence[Line], lines: Sequence[Line], words: frozenset[str]
) -> list[Ruled]:
    """The tables of a page as `pdf_tables.Table.plain` tells them of the lines that it had `before`; `words` are those of the document."""
    numbers = {id(line): number for number, line in enumerate(lines)}
    tables = []
    for each in found:
        rows, places, cells = [], [], []
        for own, columns, said in each["rows"]:
            left = [
                (numbers[id(before[line])], column)
                for line, column in zip(own, columns, strict=True)
                if id(before[line]) in numbers
            ]
            if left:
                rows.append(tuple(line for line, _ in left))
                places.append(tuple((first, last) for _, (first, last) in left))
                cells.append(tuple(_mended(cell, words) for cell in said))
        in_order = [line for row in rows for line in row]
        if len(rows) >= FEWEST and in_order == list(range(in_order[0], in_order[-1] + 1)):
            headers = min(each["headers"], len(rows) - 1)
            tables.append(Ruled(tuple(rows), tuple(places), tuple(cells), headers, each["title"], tuple(each["sides"])))
    return tables


def lines_of(found: Sequence[Mapping[str, Any]]) -> list[set[int]]:
    """The lines of tables."""
    return [{line for lines, _, _ in each["rows"] for line in lines} for each in found]


def _mended(lines: Sequence[str], words: frozenset[str]) -> str:
    """The lines of a cell on one."""
    text = ""
    for line in lines:
        text = (joint(text, line, words) if text else "") + line
    return flow(text.replace(HYPHEN, "-"))


def relations(tables: Sequence[Ruled]) -> dict[int, str]:
    """How the lines of tables follow those before them: a row is a line of the text."""
    known: dict[int, str] = {}
    for table in tables:
        for lines, places in zip(table.lines, table.places, strict=True):
            for at, line in enumerate(lines):
                same = at and places[at][0] == places[at - 1][1]
                known[line] = "join" if same else "cell" if at else "line"
        known[table.first] = "break"
        known[table.last + 1] = "break"
    return known


def continued(before: Ruled, table: Ruled) -> Ruled:
    """A table at the top of a page, told what the one at the end of the page before it is called, if it goes on with that one."""
    same = len(table.sides) == len(before.sides) and all(
        abs(one - other) <= ASIDE for one, other in zip(table.sides, before.sides, strict=True)
    )
    if not same:
        return table
    columns = before.columns or _stacked(before.head)
    most = min(HEADERS + 1, len(table.cells))
    headers = next((count for count in range(1, most) if _stacked(table.cells[:count]) == columns), 0)
    if not headers and _is_header(table.cells[0], before.cells[before.headers :]):
        return table
    return replace(table, headers=headers, columns=() if headers else columns, name=before.name)


def is_between(lines: Sequence[Line]) -> bool:
    """Whether lines may stand between two parts of a table: a page number, a name in the margin."""
    return len(lines) <= EDGE and all(len(line.text) <= SHORT and not read_caption(flow(line.text)) for line in lines)


def _is_header(row: Sequence[str], body: Sequence[Sequence[str]]) -> bool:
    """Whether a row has words in all columns that have numbers in all rows of another table."""
    counted = [cell for at, cell in enumerate(row) if all(_counts(each[at]) for each in body)]
    return bool(counted) and not any(map(_counts, counted))


def _counts(cell: str) -> bool:
    return any(map(str.isdigit, cell))


def _stacked(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What stands over each other in a header, as one name for each column."""
    return tuple(" ".join(dict.fromkeys(filter(None, names))) for names in zip(*rows, strict=True))


def named(table: Ruled, lines: Sequence[Line], firsts: frozenset[int], headings: Sequence[tuple[int, str]]) -> Ruled:
    """The table with a name: its own title, the line over it, the heading above, by its line, or what its columns are called."""
    if table.name:
        return table
    heading = next((name for line, name in reversed(headings) if line < table.first), "")
    name = table.title or _over(table, lines, firsts) or heading
    for cell in filter(None, table.head[0] if not name and table.head else ()):
        joined = f"{name} | {cell}" if name else cell
        if len(joined) > LONGEST:
            break
        name = joined
    return replace(table, name=name)


def _over(table: Ruled, lines: Sequence[Line], firsts: frozenset[int]) -> str:
    """The line over a table if it is a title: short, alone in its block, and no sentence."""
    number = table.first - 1
    if number < 0 or number not in firsts or table.first not in firsts:
        return ""
    line, below = lines[number], lines[table.first]
    text = flow(line.text).rstrip(":：")
    is_near = 0 < line.bottom - below.bottom <= NEAR * line.height + below.height
    caption = found.kind if (found := read_caption(text)) else ""
    is_title = len(text) <= LONGEST and any(map(str.isalpha, text)) and not _SENTENCE.search(text) and caption != "image"
    return text if is_near and is_title else ""


def parts_of_table(table: Ruled, spans: Mapping[int, tuple[int, int]], meta: Mapping[str, Any]) -> Iterator[Part]:
    """A table part over header and row parts with their cells; `spans` are those of the page's lines in the document."""
    meta = {**meta, **({"columns": list(table.columns)} if table.columns else {})}
    yield Part("table", spans[table.first][0], spans[table.last][1], table.name, meta=meta)
    for number, (lines, cells) in enumerate(zip(table.lines, table.cells, strict=True)):
        kind = "header" if number < table.headers else "row"
        yield Part(kind, spans[lines[0]][0], spans[lines[-1]][1], meta={"cells": list(cells)})
