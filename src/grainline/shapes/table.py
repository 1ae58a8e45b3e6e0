"""Tables and their rows."""

from __future__ import annotations

from bisect import bisect_left

from grainline.shapes.tree import Span, trim
from grainline.types import Document

#: a table with more rows has no nodes for them (they stay parts): a node a row would outweigh the rest of a library
MAXIMUM_ROWS = 2_000


def tables(document: Document) -> list[Span]:
    """A span for each table part, with the place of its header in `meta["header"]`."""
    found = [part for part in document.parts if part.kind == "table"]
    if not found:
        return []
    headers = [part for part in document.parts if part.kind == "header"]
    starts = [part.start for part in headers]
    spans = []
    for part in found:
        meta = dict(part.meta)
        at = bisect_left(starts, part.start)
        if at < len(headers) and headers[at].end <= part.end:
            meta["header"] = [headers[at].start, headers[at].end]
        spans.append(Span("table", part.start, part.end, part.name, meta=meta))
    return spans


class Rows:
    """The rows of all tables of a document, found by place."""

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._rows = [part for part in document.parts if part.kind in ("header", "row")]
        self._starts = [part.start for part in self._rows]

    def within(self, start: int, end: int) -> list[Span]:
        """Header and rows (each of its own kind) that lie wholly in `start:end`, trimmed, apart from each other, in order."""
        found: list[Span] = []
        for part in self._rows[bisect_left(self._starts, start) : bisect_left(self._starts, end)]:
            if part.end <= end and (not found or part.start >= found[-1].end):
                begin, stop = trim(self._text, part.start, part.end)
                if begin < stop:
                    found.append(Span(part.kind, begin, stop, part.name, meta=part.meta))
        return found
