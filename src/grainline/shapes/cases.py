"""Court cases: the portions of a judgment, in Chinese and English, each a section with its role.

A case is told by several marks together in their order, each where a sentence or paragraph begins: parties or docket, then the charge or
the facts, then the reasoning of the court, then what it orders. No word does it alone, so texts about courts stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import grainline.shapes.cases_en as cases_en
import grainline.shapes.cases_zh as cases_zh
from grainline.shapes.marks import Mark, inked
from grainline.shapes.tree import Span


def may_be_case(text: str) -> bool:
    """Whether the text is worth a closer look; cheap."""
    return ("本院" in text and "如下" in text) or (text.count("\n") > 2 and cases_en.has_caption(text))


def portioned(text: str, outline: list[Span]) -> list[Span]:
    """The sections of a text with the portions of the case that it is; the same list if it is none.

    A section whose heading is the mark of a portion keeps its name and gets the role; other portions are sections of their own, and what
    crosses their beginning ends there.
    """
    if not may_be_case(text):
        return outline
    names = cases_zh.NAMES
    marks = cases_zh.portions(text)
    if not marks:
        names, marks = cases_en.NAMES, cases_en.portions(text)
    if not marks:
        return outline
    whole = [span for span in outline if span.start < marks[0].start and span.end > marks[-1].start]
    rest = [span for span in outline if span not in whole]
    start = inked(text, min(max((span.head for span in whole), default=0), marks[0].start))
    if start < marks[0].start:
        marks = [Mark(start, "head", names["head"]), *marks]
    return [*whole, *_merged(rest, marks, min((span.end for span in whole), default=len(text)))]


def _merged(outline: list[Span], marks: Sequence[Mark], end: int) -> list[Span]:
    """The sections with the portions, the last of which ends at `end`."""
    made = []
    for mark, stop in zip(marks, [*(mark.start for mark in marks[1:]), end], strict=True):
        own = next((span for span in outline if span.start <= mark.start < max(span.head, span.start + 1)), None)
        for span in outline:
            if span is not own and span.start < mark.start < span.end:
                span.end = mark.start
        if own is None or mark.role == "head":
            made.append(Span("section", mark.start, stop, mark.name, mark.head, {"role": mark.role}))
        else:
            own.meta = {**own.meta, "role": mark.role}
            own.end = min(own.end, stop)
    return outline + made
