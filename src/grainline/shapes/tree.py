"""Spans that lie as they like, nested into a tree; and the tree as nodes and edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from grainline.types import Document, Edge, Node, Shaped

#: which span holds the other where two are equal
ORDER = {
    "document": 0,
    "section": 1,
    "exchange": 1,
    "class": 2,
    "function": 3,
    "table": 4,
    "turn": 5,
    "passage": 5,
    "row": 6,
    "image": 7,
}
#: the letter of a kind in ids, where it is not the first one (s is a section)
LETTERS = {"sentence": "n", "exchange": "x", "turn": "u"}
#: spans nested deeper make no nodes: no one's outline is so deep, and every node carries the names above it
DEEPEST = 50


@dataclass(slots=True)
class Span:
    """A node in the making; `head` is where its own heading ends (0 for none)."""

    kind: str
    start: int
    end: int
    name: str = ""
    head: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)
    children: list[Span] = field(default_factory=list)


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without white space at its ends; start == end where nothing is left.

    >>> trim("  ab ", 0, 5)
    (2, 4)
    """
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def nest(text: str, spans: Iterable[Span], is_leaf: Callable[[Span], bool]) -> Span:
    """The document's span with all others nested below it by containment.

    Ends are trimmed. Of two spans that cross, the one that begins later is cut where the other ends. What begins inside a
    leaf, is nested deeper than `DEEPEST` or has nothing left is dropped. So children lie inside their parent, in order, and
    apart from each other.
    """
    root = Span("document", 0, len(text))
    for span in spans:
        span.start, span.end = trim(text, span.start, span.end)
    ordered = sorted(
        (span for span in spans if span.start < span.end), key=lambda span: (span.start, -span.end, ORDER[span.kind])
    )
    stack = [root]
    for span in ordered:
        while len(stack) > 1 and span.start >= stack[-1].end:
            stack.pop()
        parent = stack[-1]
        span.start, span.end = trim(text, span.start, min(span.end, parent.end))
        if span.start < span.end and len(stack) <= DEEPEST and (parent is root or not is_leaf(parent)):
            parent.children.append(span)
            stack.append(span)
    return root


def walk(root: Span) -> Iterator[Span]:
    """The span and all below it, parents first, in reading order."""
    stack = [root]
    while stack:
        span = stack.pop()
        yield span
        stack.extend(reversed(span.children))


def path_of(document: Document) -> list[str]:
    """The names above a document, where its source gave some (`meta["path"]`: a list, or "part > chapter").

    >>> path_of(Document("d", "s", "t", "", meta={"path": "第一编 总则 > 第一章 任务"}))
    ['第一编 总则', '第一章 任务']
    """
    given = document.meta.get("path", ())
    names = given.split(" > ") if isinstance(given, str) else given
    return [str(name).strip() for name in names if str(name).strip()]


def emit(document: Document, root: Span) -> Shaped:
    """Nodes parents first; `child` edges in order, then `next` edges from passage to passage."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    passages: list[str] = []
    taken: set[str] = set()
    stack: list[tuple[Span, str, list[str]]] = [(root, "", path_of(document))]
    while stack:
        span, parent, path = stack.pop()
        node = _node(document, span, path, taken)
        nodes.append(node)
        if parent:
            edges.append(Edge(parent, node.id, "child"))
        if span.kind == "passage":
            passages.append(node.id)
        below = [*path, span.name] if span.name and span.kind not in ("document", "passage", "image") else path
        stack.extend((child, node.id, below) for child in reversed(span.children))
    edges += [Edge(one, other, "next") for one, other in pairwise(passages)]
    return Shaped(tuple(nodes), tuple(edges))


def _node(document: Document, span: Span, path: list[str], taken: set[str]) -> Node:
    """A node; its id says its document, kind and place, and the second of two equal ones (outer first) gets "#2"."""
    if span.kind == "document":
        meta: Mapping[str, Any] = {"path": path} if path else {}
        name = document.title
    else:
        meta = {**span.meta, "path": path} if path else span.meta
        name = span.name
        if span.head:
            meta = {**meta, "heading": [span.start, min(span.head, span.end)]}
    plain = unique = identity(document.id, span.kind, span.start, span.end)
    count = 1
    while unique in taken:
        count += 1
        unique = f"{plain}#{count}"
    taken.add(unique)
    return Node(unique, document.id, span.kind, name, span.start, span.end, meta)


def identity(document_id: str, kind: str, start: int, end: int) -> str:
    """The id of a node before it is made unique: `document:` the letter of its kind, `start-end`."""
    return f"{document_id}:{LETTERS.get(kind) or kind[0]}{start}-{end}"
