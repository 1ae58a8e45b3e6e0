"""Classes and functions of source code."""

from __future__ import annotations

from grainline.shapes.tree import Span
from grainline.types import Document

#: parts that only source code has
CODE_ONLY = frozenset({"package", "class", "function", "signature"})


def symbols(document: Document) -> list[Span]:
    """A span for each class and function part, named with the part's qualified name."""
    return [
        Span(part.kind, part.start, part.end, part.name, meta=part.meta)
        for part in document.parts
        if part.kind in ("class", "function")
    ]
