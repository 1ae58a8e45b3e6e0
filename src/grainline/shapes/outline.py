"""The outline of a document: each heading opens a section that reaches to the next heading of its level or a higher one.

Levels come from the reader. Where one level mixes numbering styles (converted reports mark 一、 and （一） and 1. all alike),
the styles order it: 编 > 分编 > 章 > 节 > 条 > 一、 > （一） > 1. > 1.1 > （1）. Headings that no reader saw stand by their style.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from grainline.shapes.headings import WORD, Blocked, Heading, infer, may_head, underlined, width
from grainline.shapes.numbering import Mark, read_mark
from grainline.shapes.tree import Span
from grainline.types import Document

#: the level of an inferred heading whose style no real heading bears: inside all real ones
INFERRED = 50
#: the level of a heading that stands above the reader's highest
TITLE = 0
#: half-width columns from which a heading that runs on in the next one was broken by a converter
BROKEN_WIDTH = 40
#: headings that are looked at to see whether a heading without a number interrupts a sequence
LOOKAHEAD = 60
#: numbers that may be missing in a sequence of real headings
MISSING = 3

Level = tuple[int, int]


def sections(document: Document, blocked: Blocked, inferring: bool) -> list[Span]:
    """One span of kind section a heading, its `head` the end of the heading; none begins inside `blocked`.

    With `inferring`, headings that the reader did not see are found too.
    """
    text = document.text
    found = _real(document, blocked)
    if inferring and may_head(text):
        found = found or underlined(text, blocked)
        taken = Blocked([*blocked.spans, *((heading.start, heading.end) for heading in found)])
        found = sorted(found + infer(text, taken, found), key=lambda heading: heading.start)
    spans: list[Span] = []
    open_: list[tuple[Level, Span]] = []
    for heading, level in zip(found, _levels(found), strict=True):
        while open_ and open_[-1][0] >= level:
            open_.pop()[1].end = heading.start
        span = Span("section", heading.start, len(text), heading.name, heading.end)
        spans.append(span)
        open_.append((level, span))
    return spans


def _real(document: Document, blocked: Blocked) -> list[Heading]:
    """The headings that the reader saw, with their numbers; one that was broken in two is put together again."""
    found: list[Heading] = []
    for part in document.parts:
        if part.kind != "heading" or blocked.holds(part.start) or not WORD.search(part.name):
            continue
        if found and part.start < found[-1].end:
            continue
        heading = Heading(part.start, part.end, part.name, max(part.level, 1), read_mark(part.name))
        if found and _runs_on(document.text, found[-1], heading):
            found[-1] = replace(found[-1], end=heading.end, name=found[-1].name + heading.name)
        else:
            found.append(heading)
    return _without_chance(_titled(document.text, found))


def _titled(text: str, found: list[Heading]) -> list[Heading]:
    """A first heading with neither text before it nor before a second of its level is the title, above all others."""
    if len(found) < 2 or found[0].level != found[1].level or found[0].mark or found[1].mark:
        return found
    if WORD.search(text, 0, found[0].start) or WORD.search(text, found[0].end, found[1].start):
        return found
    return [replace(found[0], level=TITLE), *found[1:]]


def _runs_on(text: str, last: Heading, heading: Heading) -> bool:
    """Whether `heading` is the second line of `last`, a long numbered heading in Chinese."""
    long = last.mark is not None and width(last.name) >= max(BROKEN_WIDTH, len(last.name) * 3 // 2)
    apart = WORD.search(text, last.end, heading.start) or ":" in heading.name or "：" in heading.name
    return long and heading.mark is None and heading.level == last.level and not apart


def _without_chance(found: list[Heading]) -> list[Heading]:
    """Without marks that are no numbering: a number that only a blank sets off ("3 ways") and that has no neighbour."""
    seen = {(heading.mark.style, heading.mark.number) for heading in found if heading.mark}

    def numbered(heading: Heading, mark: Mark) -> bool:
        """Whether the mark numbers the heading, by how it is written or by a neighbour with the next number."""
        if mark.strong or heading.name[: mark.end].rstrip()[-1] in ".．、)）":
            return True
        *above, number = mark.number
        return any((mark.style, (*above, number + step)) in seen for step in (1, -1))

    return [
        heading if heading.mark is None or numbered(heading, heading.mark) else replace(heading, mark=None) for heading in found
    ]


def _levels(found: Sequence[Heading]) -> list[Level]:
    """The place of every heading: the reader's level, then that of the numbering style within it."""
    ranks: dict[int, set[int]] = defaultdict(set)
    for heading in found:
        if heading.level and heading.mark:
            ranks[heading.level].add(heading.mark.rank)
    marked = [_marked_level(heading, ranks) for heading in found]
    levels: list[Level] = []
    open_: dict[int, tuple[int, ...]] = {}
    for at, (heading, level) in enumerate(zip(found, marked, strict=True)):
        if at and level[0] < levels[-1][0]:
            open_ = {}
        if heading.mark is None and len(ranks[level[0]]) > 1:
            level = (level[0], _unnumbered(found, marked, at, open_))
        open_ = {rank: number for rank, number in open_.items() if rank < level[1]}
        if heading.mark is not None:
            open_[level[1]] = heading.mark.number
        levels.append(level)
    return levels


def _marked_level(heading: Heading, ranks: dict[int, set[int]]) -> Level:
    if heading.mark is None:
        return heading.level, min(ranks[heading.level], default=0)
    rank = heading.mark.rank
    if heading.level:
        return heading.level, rank
    same = [level for level, held in ranks.items() if rank in held]
    lower = [level for level, held in ranks.items() if any(rank < other for other in held)]
    return min(same or lower or [INFERRED]), rank


def _unnumbered(found: Sequence[Heading], marked: Sequence[Level], at: int, open_: dict[int, tuple[int, ...]]) -> int:
    """Where heading `at`, which has no number, stands among numbered ones of its level (`open_`: rank to number).

    If the sequence of an open one goes on behind it, it is inside the innermost open one; else beside the outermost, and if
    none is open beside the next that comes.
    """
    level, first, lowest = marked[at][0], 0, 10_000
    for heading, (other, rank) in zip(found[at + 1 : at + LOOKAHEAD], marked[at + 1 : at + LOOKAHEAD], strict=True):
        if other < level:
            break
        if other == level and heading.mark and rank < lowest:
            lowest = rank
            first = first or rank
            last = open_.get(rank)
            if last and last[:-1] == heading.mark.number[:-1] and 0 < heading.mark.number[-1] - last[-1] <= MISSING:
                return max(open_) + 1
    return min(open_, default=first or marked[at][1])
