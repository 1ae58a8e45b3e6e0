"""Tables and figures on a page of a PDF, found by their captions: a table is the lines beside its caption that gaps cut into cells, a
figure the picture beside it, or, where it is drawn line by line, only the page that it is on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from grainline.readers.build import flow
from grainline.readers.captions import LONGEST, Caption, read_caption
from grainline.readers.pdf_blocks import Line
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
    into, and its pictures."""

    name: str
    size: Sequence[float]
    lines: Sequence[Line]
    spans: Mapping[int, tuple[int, int]]
    firsts: frozenset[int]
    cells: Mapping[Line, Sequence[str]] = field(default_factory=dict)
    pictures: Sequence[Box] = ()


def parts_of(page: Page, text: str) -> Iterator[Part]:
    """The tables, with header and rows, and the figures of a page; `text` is that of the document."""
    taken: set[int] = set()
    left = MOST
    for number, line in enumerate(page.lines if page.spans else ()):
        caption = read_caption(flow(line.text)) if number in page.spans and number not in taken else None
        if caption is None or not left:
            continue
        left -= 1
        last = _end(page, number, text)
        start, end = page.spans[number][0], page.spans[last][1]
        meta: dict[str, Any] = {"page": page.name, "number": caption.number}
        rows = _rows(page, number, last, taken) if caption.kind == "table" else []
        if len(rows) >= FEWEST:
            taken.update(range(rows[0], rows[-1] + 1))
            yield from _table(page, rows, flow(text[start:end]), meta)
        elif text[start:end].strip():
            name = text[start:end].partition("\n")[0].strip()
            yield Part("image", start, end, name, meta={**meta, **_picture(page, number, last, caption)})


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
