"""Nodes to keys: what a search compares a question with. Several keys may point at one node."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from grainline.types import Document, Key, Node, Shaped

#: kinds of nodes that can be found; the rest are reached by walks
FOUND = frozenset(("passage",))


def keys(document: Document, shaped: Shaped) -> Iterator[Key]:
    """The keys of a document's nodes: `text` (title, the header of a table, the words themselves) and `name` (title and path)."""
    text = document.text
    headers = [
        (node.start, node.end, *node.meta["header"]) for node in shaped.nodes if node.kind == "table" and "header" in node.meta
    ]
    for node in shaped.nodes:
        if node.kind not in FOUND:
            continue
        yield Key(node.id, "text", f"{document.title}\n{_header(text, node, headers)}{text[node.start : node.end]}")
        yield Key(node.id, "name", "\n".join((document.title, *node.meta.get("path", ()))))


def _header(text: str, node: Node, headers: Sequence[tuple[int, int, int, int]]) -> str:
    """The header of the table that a passage is cut from, where the passage does not hold it itself."""
    place = bisect_right(headers, (node.start, sys.maxsize)) - 1
    if place < 0 or node.end > headers[place][1] or node.start < headers[place][3]:
        return ""
    return text[headers[place][2] : headers[place][3]] + "\n"
