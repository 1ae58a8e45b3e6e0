"""Lines of text on a page cut into cells: by rules, or by the room between words."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from grainline.readers.pdf_grids import Band

#: a character with its left and right edge in points; a blank has those of the character before it
Glyph: TypeAlias = tuple[str, float, float]
#: words without a wide gap, with their left and right edge
Run: TypeAlias = tuple[str, float, float]
TIGHT = 0.1  #: of the height of a line: the least room at a rule that parts letters
GAP = 1.0  #: of the height of a line: a wider gap between words parts cells where no rule does
CORRIDOR = 0.5  #: of the height of a line: what is free of words in all rows parts columns


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text on a page: its number, its place, and its characters."""

    number: int
    left: float
    right: float
    bottom: float
    height: float
    glyphs: Sequence[Glyph]

    @property
    def middle(self) -> float:
        """Half way up the line."""
        return self.bottom + self.height / 2


@dataclass(frozen=True, slots=True)
class Row:
    """The lines of a row by their numbers, the first and the last column of each line, and its cells, each with its lines of text.

    `spread` has the last column that a cell covers by its first, `joined` the columns that go on in the next row.
    """

    lines: list[int]
    places: list[tuple[int, int]]
    cells: list[list[str]]
    spread: Mapping[int, int] = field(default_factory=dict)
    joined: frozenset[int] = frozenset()

    @property
    def filled(self) -> int:
        """How many cells have words."""
        return sum(map(bool, self.cells))


@dataclass(slots=True)
class Cut:
    """The cells of one row while lines are put into them."""

    width: int
    lines: list[int] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    cells: dict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    covered: dict[int, int] = field(default_factory=dict)

    def add(self, line: Words, pieces: Sequence[tuple[str, int, int]]) -> None:
        """Put the pieces of a line into cells; each is its text, its first column and its last."""
        self.lines.append(line.number)
        self.places.append((pieces[0][1], pieces[-1][1]) if pieces else (-1, -1))
        for text, first, last in pieces:
            self.cells[first].append(text)
            self.covered[first] = max(last, self.covered.get(first, last))

    def row(self, joined: frozenset[int] = frozenset()) -> Row:
        """The row that they make."""
        spread = {first: last for first, last in self.covered.items() if last > first}
        return Row(self.lines, self.places, [self.cells.get(at, []) for at in range(self.width)], spread, joined)

    def is_title(self) -> bool:
        """Whether one cell goes over all columns."""
        return list(self.covered.items()) == [(0, self.width - 1)]


def levels_of(words: Sequence[Words]) -> list[list[Words]]:
    """Lines that stand beside each other, from the top down, each level in the order of the text."""
    levels: list[list[Words]] = []
    for line in sorted(words, key=lambda line: -line.middle):
        if levels and levels[-1][0].middle - line.middle <= 0.5 * max(line.height, levels[-1][0].height):
            levels[-1].append(line)
        else:
            levels.append([line])
    return [sorted(level, key=number) for level in levels]


def runs(line: Words, gap: float) -> list[Run]:
    """The pieces of a line between wide gaps, with their left and right edges; a piece begins with the blank that stands before it."""
    found: list[Run] = []
    blank = ""
    for character, left, right in line.glyphs:
        if character.isspace():
            blank = " "
            continue
        if found and -line.height < left - found[-1][2] <= gap * line.height:
            found[-1] = found[-1][0] + blank + character, found[-1][1], right
        else:
            found.append((blank + character, left, right))
        blank = ""
    return found


def pieces(line: Words, cuts: Sequence[float]) -> list[tuple[int, str]]:
    """What stands of a line in each cell between cuts; letters that go over a cut without a gap belong to the cell of most of them."""
    found: dict[int, str] = {}
    for text, left, right in runs(line, TIGHT):
        at = bisect_left(cuts, (left + right) / 2)
        found[at] = found.get(at, "") + text
    return [(at, text.strip()) for at, text in sorted(found.items()) if text.strip()]


def in_cells(words: Sequence[Words], band: Band, width: int) -> Cut:
    """The lines of a band in its cells, in the order in which they stand in the text."""
    cut = Cut(width)
    for line in words:
        cut.add(line, [(text, *band.columns[at]) for at, text in pieces(line, [right for _, right in band.cells[:-1]])])
    return cut


def in_columns(words: Sequence[Words], columns: Sequence[tuple[float, float]]) -> Cut:
    """Lines in the columns that their words stand in; words over several columns are parted where there is some room between them."""
    cut = Cut(len(columns))
    for line in words:
        found = [(run, *columns_under(run, columns)) for run in runs(line, GAP)]
        if any(last > first for _, first, last in found):
            found = [(run, *columns_under(run, columns)) for run in runs(line, CORRIDOR)]
        cut.add(line, [(text.strip(), first, last) for (text, _, _), first, last in found])
    return cut


def columns_between(said: Sequence[Run], left: float, right: float, height: float) -> list[tuple[float, float]]:
    """The columns between two sides: what no run of words crosses parts them, in the middle."""
    taken: list[tuple[float, float]] = []
    for _, low, high in sorted(said, key=lambda run: run[1:]):
        if taken and low - taken[-1][1] < CORRIDOR * height:
            taken[-1] = taken[-1][0], max(taken[-1][1], high)
        else:
            taken.append((low, high))
    middles = [(one[1] + other[0]) / 2 for one, other in pairwise(taken)]
    return list(pairwise((left, *middles, right)))


def columns_under(run: Run, columns: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """The first and the last column that words stand over, by at least half of the narrower of the two."""
    _, left, right = run
    under = [
        at for at, (low, high) in enumerate(columns) if min(right, high) - max(left, low) > 0.5 * min(right - left, high - low)
    ]
    if under:
        return under[0], under[-1]
    middle = (left + right) / 2
    nearest = min(range(len(columns)), key=lambda at: abs(sum(columns[at]) / 2 - middle))
    return nearest, nearest


def number(line: Words) -> int:
    """Where a line stands in the text of the page."""
    return line.number


def says(cell: Sequence[str]) -> bool:
    """Whether a cell has a letter or a digit."""
    return any(map(str.isalnum, "".join(cell)))
