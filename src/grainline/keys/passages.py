"""The keys of passages: what they say with what stands above them, and the names above them."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

from grainline.types import Document, Key, Node, Shaped


def keys(document: Document, shaped: Shaped, only: Collection[str] | None = None) -> Iterator[Key]:
    """The keys of a document's passages, or of those with these ids: `text` (title, the header of a table, the words themselves) and
    `name` (title and path)."""
    text = document.text
    headers = [
        (node.start, node.end, *node.meta["header"]) for node in shaped.nodes if node.kind == "table" and "header" in node.meta
    ]
    for node in shaped.nodes:
        if node.kind != "passage" or (only is not None and node.id not in only):
            continue
        yield Key(node.id, "text", f"{document.title}\n{_header(text, node, headers)}{text[node.start : node.end]}")
        yield Key(node.id, "name", "\n".join((document.title, *node.meta.get("path", ()))))


def _header(text: str, node: Node, headers: Sequence[tuple[int, int, int, int]]) -> str:
    """The header of the table that a passage is cut from, where the passage does not hold it itself."""
    place = bisect_right(headers, (node.start, sys.maxsize)) - 1
    if place < 0 or node.end > headers[place][1] or node.start < headers[place][3]:
        return ""
    return text[headers[place][2] : headers[place][3]] + "\n"
