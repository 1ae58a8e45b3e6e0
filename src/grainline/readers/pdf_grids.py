"""Ruling lines to the grids that they make: which of them cross, how they cut the page into bands, and bands into columns."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

SAME = 2.5  #: points between rules that are one to the eye
TOUCH = 3.0  #: points between the ends of rules that are one, and between rules that cross
SHORTEST = 6.0  #: points of a rule after its dashes are joined
MOST = 400  #: rules in one direction; a page with more is a drawing
LOWEST = 5.0  #: points between two rules with words between them
FEWEST = 3  #: level rules that make a table where no upright ones do
HALF = (
    0.5  #: share of the bands of a grid that are cut as its columns are, and of its width that a rule crosses that parts bands
)
LIKE = 0.75  #: share of those that are cut so, or less
ACROSS = 0.8  #: share of the width of a grid that its upper and its lower rule cover


class Rule(NamedTuple):
    """A rule: where it lies across its direction, and from where to where it goes along it."""

    at: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Band:
    """What lies between two level rules: `cells` are from side to side, `columns` say which columns of the grid each of them covers.

    `joined` are the columns in which no rule parts it from the next band.
    """

    top: float
    bottom: float
    cells: tuple[tuple[float, float], ...] = ()
    columns: tuple[tuple[int, int], ...] = ()
    joined: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Grid:
    """Bands from the top down, all from `left` to `right`; `columns` are from side to side, none where no upright rules part them."""

    left: float
    right: float
    bands: tuple[Band, ...]
    columns: tuple[tuple[float, float], ...] = ()

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.bands[0].top

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.bands[-1].bottom


def grids_of(rules: Sequence[Sequence[float]]) -> list[Grid]:
    """The grids that rules [x0, y0, x1, y1] make, from the top of the page down; for most pages there is nothing to do."""
    level = _joined([Rule(y0, x0, x1) for x0, y0, x1, y1 in rules if y0 == y1])
    if len(level) < 2 or len(level) > MOST:
        return []
    upright = _joined([Rule(x0, y0, y1) for x0, y0, x1, y1 in rules if x0 == x1 and y0 != y1])
    if len(upright) > MOST:
        return []
    grids: list[Grid] = []
    free: list[Rule] = []
    for own, sides in _crossing(level, upright):
        grid = _grid(own, sides)
        if grid is not None:
            grids.append(grid)
        elif not sides:
            free += own
        elif len({side.at for side in sides}) <= 2:
            grids += _open(own)
    grids += _open(free)
    return sorted(grids, key=lambda grid: (-grid.top, grid.left))


def _joined(rules: list[Rule]) -> list[Rule]:
    """Rules of one direction with those that lie on each other or end to end made one; what lies side by side gets one place."""
    found: list[Rule] = []
    group: list[Rule] = []
    for rule in [*sorted(rules), Rule(float("inf"), 0, 0)]:
        if group and rule.at - group[0].at > SAME:
            at = group[len(group) // 2].at
            low, high = float("inf"), float("-inf")
            for each in [*sorted(group, key=lambda rule: rule.low), Rule(0, float("inf"), 0)]:
                if each.low > high + TOUCH and high > low:
                    found += [Rule(at, low, high)] if high - low >= SHORTEST else []
                    low, high = each.low, each.high
                low, high = min(low, each.low), max(high, each.high)
            group = []
        group.append(rule)
    return found


def _crossing(level: Sequence[Rule], upright: Sequence[Rule]) -> Iterator[tuple[list[Rule], list[Rule]]]:
    """Rules that hang together by crossing or touching each other."""
    parent = list(range(len(level) + len(upright)))

    def root(number: int) -> int:
        """The rule that stands for all that hang together with one."""
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for number, one in enumerate(level):
        for place, other in enumerate(upright, len(level)):
            if (
                one.low - TOUCH <= other.at <= one.high + TOUCH
                and other.low - TOUCH <= one.at <= other.high + TOUCH
                and root(number) != root(place)
            ):
                parent[root(number)] = root(place)
    together: dict[int, tuple[list[Rule], list[Rule]]] = defaultdict(lambda: ([], []))
    for number, rule in enumerate([*level, *upright]):
        together[root(number)][number >= len(level)].append(rule)
    yield from together.values()


def _grid(level: Sequence[Rule], upright: Sequence[Rule]) -> Grid | None:
    """The grid that rules make which cross; None where upright ones do not part columns, or not the same in most bands."""
    if not level or not upright:
        return None
    left = min(*(rule.low for rule in level), *(rule.at for rule in upright))
    right = max(*(rule.high for rule in level), *(rule.at for rule in upright))
    level = [rule for rule in level if rule.high - rule.low > HALF * (right - left) or _parts(rule, upright)]
    heights = {rule.at for rule in level}
    for ends in (sorted((rule.high for rule in upright), reverse=True)[:2], sorted(rule.low for rule in upright)[:2]):
        if abs(ends[0] - ends[-1]) <= TOUCH and all(abs(ends[0] - height) > LOWEST for height in heights):
            heights.add(ends[0])
    ys = sorted(heights, reverse=True)
    spans = [(top, bottom) for top, bottom in pairwise(ys) if top - bottom >= LOWEST]
    if not level or not spans:
        return None
    cuts = [_cuts(upright, (top + bottom) / 2, left, right) for top, bottom in spans]
    columns = _usual(cuts)
    if not columns or not _is_framed(level, left, right, {spans[0][0], spans[-1][1]}):
        return None
    sides = list(pairwise((left, *columns, right)))
    ruled: dict[float, list[Rule]] = defaultdict(list)
    for rule in level:
        ruled[rule.at].append(rule)
    bands = []
    for (top, bottom), own in zip(spans, cuts, strict=True):
        cells = tuple(pairwise((left, *own, right)))
        over = tuple((at, at) if own == columns else covered(cell, sides) for at, cell in enumerate(cells))
        joined = frozenset(at for at, (low, high) in enumerate(sides) if not _is_ruled(ruled[bottom], (low + high) / 2))
        bands.append(Band(top, bottom, cells, over, joined))
    return Grid(left, right, tuple(bands), tuple(sides))


def _usual(cuts: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    """How most bands are cut; () where most are not cut alike. Bands that are not cut at all do not count at the top and the bottom."""
    inner = [at for at, each in enumerate(cuts) if each]
    usual = Counter(each for each in cuts if each)
    if len(inner) < 2:
        return ()
    columns = max(usual, key=lambda each: (usual[each], len(each)))
    alike = sum(usual[each] for each in usual if set(each) <= set(columns))
    most = usual[columns] >= HALF * (inner[-1] - inner[0] + 1) and usual[columns] > 1
    return columns if most and alike >= LIKE * len(inner) else ()


def _is_framed(level: Sequence[Rule], left: float, right: float, ends: set[float]) -> bool:
    """Whether the upper and the lower rule, if there are such, go from side to side."""
    lengths = [sum(rule.high - rule.low for rule in level if rule.at == end) for end in ends]
    return all(length >= ACROSS * (right - left) for length in lengths if length)


def _parts(rule: Rule, upright: Sequence[Rule]) -> bool:
    """Whether a level rule goes from one upright rule to another; what only touches one marks a place on a scale."""
    return len({side.at for side in upright if rule.low - TOUCH <= side.at <= rule.high + TOUCH}) > 1


def _cuts(upright: Sequence[Rule], height: float, left: float, right: float) -> tuple[float, ...]:
    """Where upright rules cut a band inside its sides."""
    return tuple(
        sorted({rule.at for rule in upright if rule.low < height < rule.high and left + TOUCH < rule.at < right - TOUCH})
    )


def covered(cell: tuple[float, float], sides: Sequence[tuple[float, float]]) -> tuple[int, int]:
    """The first and the last column that a cell covers the middle of; else the one that it is nearest to."""
    within = [at for at, (low, high) in enumerate(sides) if cell[0] < (low + high) / 2 < cell[1]]
    if within:
        return within[0], within[-1]
    middle = (cell[0] + cell[1]) / 2
    nearest = min(range(len(sides)), key=lambda at: abs(sum(sides[at]) / 2 - middle))
    return nearest, nearest


def _is_ruled(level: Sequence[Rule], place: float) -> bool:
    return any(rule.low <= place <= rule.high for rule in level)


def _open(level: Sequence[Rule]) -> Iterator[Grid]:
    """Bands between level rules that all begin and end at the same places."""
    groups: list[list[Rule]] = []
    for rule in sorted(level, key=lambda rule: (rule.low, rule.high)):
        same = next(
            (group for group in groups if max(abs(group[0].low - rule.low), abs(group[0].high - rule.high)) <= TOUCH), None
        )
        if same is None:
            groups.append([rule])
        else:
            same.append(rule)
    for group in groups:
        ys = sorted({rule.at for rule in group}, reverse=True)
        bands = tuple(Band(top, bottom) for top, bottom in pairwise(ys) if top - bottom >= LOWEST)
        if len(bands) >= FEWEST - 1:
            yield Grid(group[0].low, group[0].high, bands)
