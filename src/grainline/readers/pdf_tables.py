"""Tables that the rules on a page of a PDF show: the words between the rules put into cells.

Where upright rules part columns, each band between two level rules is a row, or several where nothing else parts rows. Where there are
level rules alone, columns are what no word crosses, and only short cells beside each other in one line of text make a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median
from typing import Any, TypeAlias

from grainline.readers.build import flow
from grainline.readers.pdf_cells import (
    CORRIDOR,
    GAP,
    Cut,
    Glyph,
    Row,
    Words,
    columns_between,
    in_cells,
    in_columns,
    levels_of,
    number,
    runs,
    says,
)
from grainline.readers.pdf_grids import Band, Grid, covered

#: left and right edge, bottom and height of a line in points
Place: TypeAlias = tuple[float, float, float, float]
LARGE = 3.0  #: of the height of most lines in a table: a higher one is a watermark
OUTSIDE = 4.0  #: points by which words may stand out of a table
FILLED = 0.4  #: share of the cells of a table that have words
ROWS = 2  #: rows that make a table, the header among them
SHORT = 40  #: characters of most cells where no upright rules part them
TOGETHER = 0.7  #: share of the rows of such a table that are lines of text with several cells
WRAPPED = 0.8  #: of the width of a column: a line that fills more of it may go on in the next one
MANY = 4  #: lines of text over each other in a band that may be as many rows
MOSTLY = 0.8  #: share of the rows in such a band that have what makes them rows
ROOM = 0.3  #: of the height of a line: more room over a line parts rows
HEADERS = 3  #: rows of a header, at most
TITLE = 120  #: characters of a title in the first row of a table


@dataclass(frozen=True, slots=True)
class Table:
    """Rows from the top down, of which the first `headers` name the columns; `title` is what stands in a band of its own over them.

    `sides` are the edges of its columns, `top` and `bottom` its own.
    """

    rows: list[Row]
    headers: int
    title: str
    sides: list[float]
    top: float
    bottom: float

    def plain(self) -> dict[str, Any]:
        """What can be said in JSON: "rows" are lines, their columns, and cells; everything else goes by its name."""
        rows = [[row.lines, row.places, row.cells] for row in self.rows]
        return {"rows": rows, "headers": self.headers, "title": self.title, "sides": self.sides}


def tables_of(grids: Sequence[Grid], lines: Sequence[Place], glyphs: Callable[[int], Sequence[Glyph]]) -> list[Table]:
    """The tables in grids; `lines` have left, right, bottom and height of each line of the page, `glyphs` hands over its characters."""
    found: list[Table] = []
    taken: set[int] = set()
    for grid in grids:
        inside = [number for number, line in enumerate(lines) if _is_in(line, grid)]
        if len(inside) < ROWS or not taken.isdisjoint(inside):
            continue
        usual = median(lines[number][3] for number in inside)
        words = [Words(number, *lines[number], glyphs=glyphs(number)) for number in inside if lines[number][3] < LARGE * usual]
        if any(line.left < grid.left - OUTSIDE or line.right > grid.right + OUTSIDE for line in words):
            continue
        table = _ruled(grid, words) if grid.columns else _open(grid, words)
        if table is not None:
            taken.update(number for row in table.rows for number in row.lines)
            found.append(table)
    return found


def in_rows(tables: Sequence[Table], lines: Sequence[Sequence[Any]]) -> tuple[list[Table], list[int]]:
    """The order of the lines of a page in which those of each row stand together, and the tables with the numbers that lines have in it.

    Lines between those of a table go before it if they stand over it, else behind it; the others stay where they are.
    """
    order = list(range(len(lines)))
    for table in tables:
        own = [number for row in table.rows for number in row.lines]
        held = set(own)
        places = [at for at, number in enumerate(order) if number in held]
        others = [number for number in order[places[0] : places[-1] + 1] if number not in held]
        over = [number for number in others if lines[number][3] > table.top]
        under = [number for number in others if lines[number][3] <= table.top]
        order[places[0] : places[-1] + 1] = [*over, *own, *under]
    place = {number: at for at, number in enumerate(order)}
    moved = [
        replace(table, rows=[replace(row, lines=[place[number] for number in row.lines]) for row in table.rows])
        for table in tables
    ]
    return moved, order


def _is_in(line: Place, grid: Grid) -> bool:
    """Whether a line stands at the height of a grid, and at least in part between its sides."""
    left, right, bottom, height = line
    return grid.bottom < bottom + height / 2 < grid.top and left < grid.right and right > grid.left


def _within(band: Band, words: Sequence[Words]) -> list[Words]:
    return [line for line in words if band.bottom < line.middle <= band.top]


def _ruled(grid: Grid, words: Sequence[Words]) -> Table | None:
    """The table in a grid whose columns upright rules part."""
    grid = _refined(grid, words)
    rows: list[Row] = []
    title, top = "", grid.top
    for band in grid.bands:
        own = _within(band, words)
        if not own:
            continue
        cut = in_cells(own, band, len(grid.columns))
        if not rows and cut.is_title():
            title = flow(" ".join(cut.cells[0]))
            continue
        top = top if rows else band.top
        rows += list(_split(own, band, grid)) or [cut.row(band.joined)]
    while rows and rows[-1].filled < 2:
        rows.pop()
    if len(rows) < ROWS or sum(row.filled > 1 for row in rows) < ROWS:
        return None
    if sum(row.filled for row in rows) < FILLED * len(rows) * len(grid.columns):
        return None
    headers = _headers(rows)
    _fill_joined(rows)
    _fill_spread(rows[:headers])
    sides = [grid.left, *(right for _, right in grid.columns)]
    return Table(rows, headers, title if len(title) <= TITLE else "", sides, top, grid.bottom)


def _refined(grid: Grid, words: Sequence[Words]) -> Grid:
    """The grid with its columns cut further where most lines of a band of many have words on both sides of what no word crosses."""
    cuts = {cut for band in grid.bands for cut in _further(band, levels_of(_within(band, words)))}
    if not cuts:
        return grid
    columns = list(pairwise(sorted({side for column in grid.columns for side in column} | cuts)))
    bands = []
    for band in grid.bands:
        own = [run for line in _within(band, words) for run in runs(line, CORRIDOR)]
        free = {cut for cut in cuts if not any(left < cut < right for _, left, right in own)}
        cells = tuple(pairwise(sorted({side for cell in band.cells for side in cell} | free)))
        old = [grid.columns[at] for at in band.joined]
        joined = frozenset(
            at for at, (low, high) in enumerate(columns) if any(left <= low and high <= right for left, right in old)
        )
        bands.append(Band(band.top, band.bottom, cells, tuple(covered(cell, columns) for cell in cells), joined))
    return Grid(grid.left, grid.right, tuple(bands), tuple(columns))


def _further(band: Band, levels: Sequence[Sequence[Words]]) -> Iterator[float]:
    """Where lines over each other in a band cut its cells further."""
    if len(levels) < MANY:
        return
    said = [[run for line in level for run in runs(line, CORRIDOR)] for level in levels]
    for left, right in band.cells:
        inside = [[run for run in own if left < (run[1] + run[2]) / 2 < right] for own in said]
        columns = columns_between([run for own in inside for run in own], left, right, levels[0][0].height)
        usual = [sum(any(low < (run[1] + run[2]) / 2 < high for run in own) for own in inside) for low, high in columns]
        if len(columns) > 1 and min(usual) >= MOSTLY * len(levels):
            yield from (high for _, high in columns[:-1])


def _split(words: Sequence[Words], band: Band, grid: Grid) -> Iterator[Row]:
    """The rows in a band that holds several: its lines of text, or what room parts; nothing where it is one row."""
    levels = levels_of(words)
    cuts = [in_cells(level, band, len(grid.columns)) for level in levels]
    begun = [len(cut.cells) > 1 and 0 in cut.cells for cut in cuts]
    if sum(begun) < 2:
        return
    if not (sum(begun) >= MOSTLY * len(cuts) and _are_rows(cuts, levels, grid)):
        starts = [0, *(at for at in range(1, len(levels)) if begun[at] and _clear(levels, at) > ROOM * levels[at][0].height)]
        together = [
            sorted((line for level in levels[one:other] for line in level), key=number)
            for one, other in pairwise([*starts, len(levels)])
        ]
        cuts = [in_cells(lines, band, len(grid.columns)) for lines in together] if len(starts) > 1 and begun[0] else []
    for cut in cuts:
        yield cut.row()


def _clear(levels: Sequence[Sequence[Words]], at: int) -> float:
    """The room between a level and all that stands over it."""
    return min(line.bottom for level in levels[:at] for line in level) - max(line.bottom + line.height for line in levels[at])


def _are_rows(cuts: Sequence[Cut], levels: Sequence[Sequence[Words]], grid: Grid) -> bool:
    """Whether lines over each other are rows: a column has a number in each of them, all columns have words in each of them, or no column
    has lines that fill it."""
    width = len(grid.columns)
    if (
        width > 2
        and len(cuts) >= MANY
        and all(sum(at in cut.cells for cut in cuts) >= MOSTLY * len(cuts) for at in range(width))
    ):
        return True
    for at in range(1, len(grid.columns)):
        if sum(any(map(str.isdigit, "".join(cut.cells.get(at, ())))) for cut in cuts) >= MOSTLY * len(cuts):
            return True
    if len(cuts) < HEADERS:
        return False
    for left, right in grid.columns:
        ends = [glyph[2] for level in levels for line in level for glyph in line.glyphs if left < glyph[2] < right]
        if ends and max(ends) - left > WRAPPED * (right - left):
            return False
    return True


def _headers(rows: Sequence[Row]) -> int:
    """How many rows name the columns: the first, and those below as long as cells of it cover several of them."""
    count = 1
    while count < min(HEADERS, len(rows) - 1) and (rows[count - 1].spread or rows[count - 1].joined):
        count += 1
    return count


def _fill_joined(rows: Sequence[Row]) -> None:
    """Give all rows that share a cell its words."""
    width = len(rows[0].cells) if rows else 0
    for at in range(width):
        first = 0
        while first < len(rows):
            last = first
            while last + 1 < len(rows) and at in rows[last].joined:
                last += 1
            said = [text for row in rows[first : last + 1] for text in row.cells[at]]
            for row in rows[first : last + 1]:
                row.cells[at] = list(said)
            first = last + 1


def _fill_spread(rows: Sequence[Row]) -> None:
    """Give all columns that a cell covers its words."""
    for row in rows:
        for first, last in row.spread.items():
            for at in range(first + 1, last + 1):
                row.cells[at][:] = row.cells[at] or row.cells[first]


def _open(grid: Grid, words: Sequence[Words]) -> Table | None:
    """The table between level rules alone: its first band is the header, below it columns are what no word crosses."""
    bands = [own for band in grid.bands if (own := _within(band, words))]
    if len(bands) < ROWS:
        return None
    levels = [level for own in bands[1:] for level in levels_of(own)]
    said = [run for level in levels for line in level for run in runs(line, CORRIDOR)]
    columns = columns_between(said, grid.left, grid.right, median(line.height for line in words))
    first = levels_of(bands[0])
    cuts = [in_columns(level, columns) for level in levels]
    heads = [in_columns(level, columns) for level in first]
    if not all(len(cut.cells) > 1 and 0 in cut.cells for cut in heads):
        heads = [in_columns(bands[0], columns)]
    rows = [cut.row() for cut in (*heads, *cuts)]
    if len(columns) < 2 or not _are_short(first, levels) or not _are_columns(rows[len(heads) :], len(columns)):
        return None
    _fill_spread(rows[:1])
    return Table(rows, 1, "", [grid.left, *(right for _, right in columns)], grid.top, grid.bottom)


def _are_short(first: Sequence[Sequence[Words]], levels: Sequence[Sequence[Words]]) -> bool:
    """Whether most lines hold short cells beside each other, and so does one of the header's: lines of columns of prose do not."""
    cells = [text for level in levels for line in level for text, _, _ in runs(line, CORRIDOR)]
    together = sum(any(len(runs(line, GAP)) > 1 for line in level) for level in levels)
    named = any(sum(len(runs(line, GAP)) for line in level) > 1 for level in first)
    return named and together >= TOGETHER * len(levels) and median(map(len, cells)) <= SHORT


def _are_columns(body: Sequence[Row], width: int) -> bool:
    """Whether most rows have several cells, and no column is but dots and dashes."""
    words = [sum(says(row.cells[at]) for row in body) for at in range(width)]
    return min(words) >= FILLED * len(body) and sum(row.filled > 1 for row in body) >= TOGETHER * len(body)
