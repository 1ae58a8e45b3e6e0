"""Pictures, each where its words stand."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from grainline.shapes.tree import Span, trim
from grainline.types import Document


def images(document: Document) -> list[Span]:
    """A span for each image part: its alternative text, caption or what else the reader knows it by."""
    spans = []
    for part in document.parts:
        if part.kind == "image":
            start, end = trim(document.text, part.start, part.end)
            if start < end:
                spans.append(Span("image", start, end, part.name, meta=part.meta))
    return spans


def hang(root: Span, found: Sequence[Span], text: str) -> None:
    """Put images into the tree of a document, each under the smallest span that holds it, in reading order.

    What lies wholly inside an image (the passages of a page that OCR read) goes below it; one that crosses the border of another span is
    cut there. All else stays as it is.
    """
    for image in found:
        _hang(root, image, text)


def _hang(holder: Span, image: Span, text: str) -> None:
    while image.start < image.end:
        below = holder.children
        first = bisect_right(below, image.start, key=lambda each: each.end)
        last = bisect_left(below, image.end, key=lambda each: each.start)
        if first >= last:
            below.insert(first, image)
            return
        if below[first].start <= image.start and image.end <= below[first].end:
            holder = below[first]
        elif image.start <= below[first].start and below[last - 1].end <= image.end:
            image.children = below[first:last]
            below[first:last] = [image]
            return
        else:
            crossed = below[first].end if below[first].start < image.start else below[last - 1].start
            image.start, image.end = trim(text, image.start, min(image.end, crossed))
