"""Tables and figures on a page of a PDF: tables that rules show, and what has a caption. A table without rules is the lines beside its
caption that gaps cut into cells, a figure the picture beside it, or, where it is drawn line by line, only the page that it is on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from grainline.readers.build import flow
from grainline.readers.captions import LONGEST, Caption, read_caption
from grainline.readers.pdf_blocks import Line
from grainline.readers.pdf_ruled import Ruled, continued, is_between, named, parts_of_table
from grainline.types import Part

Box = tuple[float, float, float, float]
#: points between a caption and what it names
NEAR = 90.0
#: a picture that covers a larger share of its page is the page's ground
GROUND = 0.9
#: lines in one cell that may stand between two rows, and lines' heights that part a table from what follows
BETWEEN, APART = 2, 3.0
#: captions of one page that are believed
MOST = 100
#: rows that make a table
FEWEST = 2


@dataclass(frozen=True, slots=True)
class Page:
    """A page as laid out: its lines, their spans in the document by their number, the first lines of its blocks, what gaps cut lines
    into, its pictures, its tables that rules show, and its headings with their lines."""

    name: str
    size: Sequence[float]
    lines: Sequence[Line]
    spans: Mapping[int, tuple[int, int]]
    firsts: frozenset[int]
    cells: Mapping[Line, Sequence[str]] = field(default_factory=dict)
    pictures: Sequence[Box] = ()
    tables: Sequence[Ruled] = ()
    headings: Sequence[tuple[int, str]] = ()


def with_names(pages: Sequence[Page]) -> list[Page]:
    """The pages with names for the tables on them that rules show; one that goes on over the edge of a page keeps its own."""
    named_pages: list[Page] = []
    heading: list[tuple[int, str]] = []
    open_table: Ruled | None = None
    for page in pages:
        tables: list[Ruled] = []
        for table in page.tables:
            known = continued(open_table, table) if open_table and _is_first(page, table) else table
            tables.append(named(known, page.lines, page.firsts, [*heading, *page.headings]))
            open_table = None
        if page.lines:
            open_table = tables[-1] if tables and is_between(page.lines[tables[-1].last + 1 :]) else None
        heading = [(-1, page.headings[-1][1])] if page.headings else heading
        named_pages.append(replace(page, tables=tables))
    return named_pages


def _is_first(page: Page, table: Ruled) -> bool:
    """Whether nothing but a running head stands over a table on its page."""
    return is_between(page.lines[: table.first]) and all(line > table.first for line, _ in page.headings)


def parts_of(page: Page, text: str) -> Iterator[Part]:
    """The tables, with header and rows, and the figures of a page; `text` is that of the document."""
    tables = list(page.tables) if page.spans else []
    taken = {line for table in tables for line in range(table.first, table.last + 1)}
    left = MOST
    for number, line in enumerate(page.lines if page.spans else ()):
        caption = read_caption(flow(line.text)) if number in page.spans and number not in taken else None
        if caption is None or not left:
            continue
        left -= 1
        last = _end(page, number, text)
        start, end = page.spans[number][0], page.spans[last][1]
        meta: dict[str, Any] = {"page": page.name, "number": caption.number}
        ruled = _beside_caption(page, tables, number, last) if caption.kind == "table" else None
        if ruled is not None:
            tables.remove(ruled)
            yield from parts_of_table(replace(ruled, name=flow(text[start:end])), page.spans, meta)
            continue
        rows = _rows(page, number, last, taken) if caption.kind == "table" else []
        if len(rows) >= FEWEST:
            taken.update(range(rows[0], rows[-1] + 1))
            yield from _table(page, rows, flow(text[start:end]), meta)
        elif text[start:end].strip():
            name = text[start:end].partition("\n")[0].strip()
            yield Part("image", start, end, name, meta={**meta, **_picture(page, number, last, caption)})

    for table in tables:
        yield from parts_of_table(table, page.spans, {"page": page.name})


def _beside_caption(page: Page, tables: Sequence[Ruled], first: int, last: int) -> Ruled | None:
    """The table that is the next thing below a caption or above it: the nearer one, that below where both are as near."""
    found: list[tuple[float, Ruled]] = []
    for table in tables:
        between = table.first - last if table.first > last else first - table.last
        upper, lower = (last, table.first) if table.first > last else (table.last, first)
        room = page.lines[upper].bottom - page.lines[lower].bottom - page.lines[lower].height
        if 1 <= between <= BETWEEN and room < NEAR:
            found.append((room if table.first > last else room + page.lines[first].height / 2, table))
    return min(found, key=lambda each: each[0])[1] if found else None


def _end(page: Page, number: int, text: str) -> int:
    """The last line of the caption that begins with a line: it runs on in its paragraph, unless that is long or a table."""
    last = number
    length = len(page.lines[number].text)
    for following in range(number + 1, len(page.lines)):
        line = page.lines[following]
        length += len(line.text)
        if following in page.firsts or following not in page.spans or length > LONGEST or len(page.cells.get(line, ())) > 1:
            break
        if read_caption(flow(line.text)) or "\n" in text[page.spans[last][1] : page.spans[following][0]]:
            break
        last = following
    return last


def _rows(page: Page, first: int, last: int, taken: set[int]) -> list[int]:
    """The lines of the table below a caption, or of the one above it; nothing where there is none."""
    for step, start in ((1, last + 1), (-1, first - 1)):
        found: list[int] = []
        pending: list[int] = []
        at, before = start, page.lines[last if step > 0 else first]
        while 0 <= at < len(page.lines) and at in page.spans and at not in taken:
            line = page.lines[at]
            if read_caption(flow(line.text)) or abs(line.bottom - before.bottom) > APART * max(line.height, before.height):
                break
            pending.append(at)
            if len(page.cells.get(line, ())) > 1:
                found += pending
                pending = []
            elif len(pending) > BETWEEN:
                break
            at, before = at + step, line
        cut = [number for number in found if len(page.cells.get(page.lines[number], ())) > 1]
        if len(cut) >= FEWEST:
            rows = sorted(found)
            in_order = all(page.spans[one][1] <= page.spans[other][0] for one, other in pairwise(rows))
            return rows if in_order else []
    return []


def _table(page: Page, rows: Sequence[int], name: str, meta: Mapping[str, Any]) -> Iterator[Part]:
    """A table part over a part for each line; what stands over the first line with a number in a cell but its first is the header."""
    yield Part("table", page.spans[rows[0]][0], page.spans[rows[-1]][1], name, meta=dict(meta))
    cells = [list(page.cells.get(page.lines[row], ())) for row in rows]
    valued = next((at for at, line in enumerate(cells) if any(any(map(str.isdigit, cell)) for cell in line[1:])), 1)
    headers = max(1, valued)
    if headers > 3:
        headers = 1
    for at, row in enumerate(rows):
        yield Part("header" if at < headers else "row", *page.spans[row], meta={"cells": cells[at]})


def _picture(page: Page, first: int, last: int, caption: Caption) -> dict[str, Any]:
    """Which picture of the page a caption names, by number and box in points; nothing if none is near."""
    top, bottom = page.lines[first].bottom + page.lines[first].height, page.lines[last].bottom
    left = min(line.left for line in page.lines[first : last + 1])
    right = max(line.right for line in page.lines[first : last + 1])
    area = max(1.0, page.size[0] * page.size[1])
    near: list[tuple[float, int]] = []
    for number, box in enumerate(page.pictures):
        if (box[2] - box[0]) * (box[3] - box[1]) > GROUND * area or box[2] < left or box[0] > right:
            continue
        over, under = abs(box[1] - top), abs(bottom - box[3])
        distance = min(over, under + 1) if caption.kind == "image" else min(over + 1, under)
        if distance <= NEAR:
            near.append((distance, number))
    if not near:
        return {}
    chosen = page.pictures[min(near)[1]]
    same = [box for box in page.pictures if _beside(box, chosen, page.size)]  # the panels of one figure
    sides = [min(box[0] for box in same), min(box[1] for box in same), max(box[2] for box in same), max(box[3] for box in same)]
    return {"image": min(near)[1], "box": sides}


def _beside(box: Box, chosen: Box, size: Sequence[float]) -> bool:
    """Whether a picture stands at the height of the chosen one."""
    shared = min(box[3], chosen[3]) - max(box[1], chosen[1])
    least = min(box[3] - box[1], chosen[3] - chosen[1])
    is_ground = (box[2] - box[0]) * (box[3] - box[1]) > GROUND * size[0] * size[1]
    return box == chosen or (shared > 0.5 * least and not is_ground)
