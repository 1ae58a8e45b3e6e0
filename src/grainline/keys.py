"""Nodes to keys: what a search compares a question with. Several keys may point at one node."""

from __future__ import annotations

from collections.abc import Iterator

from grainline.types import Document, Key, Node, Shaped

#: kinds of nodes that can be found; the rest are reached by walks
FOUND = frozenset(("passage",))


def keys(document: Document, shaped: Shaped) -> Iterator[Key]:
    """The keys of a document's nodes: `text` (title, the header of a table, the words themselves) and `name` (title and path)."""
    text = document.text
    for node in shaped.nodes:
        if node.kind not in FOUND:
            continue
        yield Key(node.id, "text", f"{document.title}\n{_header(text, node)}{text[node.start : node.end]}")
        yield Key(node.id, "name", "\n".join((document.title, *node.meta.get("path", ()))))


def _header(text: str, node: Node) -> str:
    """The header of the table that a passage is cut from, where it does not begin with it."""
    start, end = node.meta.get("header", (0, 0))
    return f"{text[start:end]}\n" if end <= node.start and end > start else ""
