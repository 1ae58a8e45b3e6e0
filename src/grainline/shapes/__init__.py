"""The shape of a document: its sections, classes, functions and tables as a tree, and the passages that cover its text.

The portions of a court case are sections with a role; a chat is a tree of exchanges and their turns.

Every character that is not white space lies in exactly one passage, except in headings that have no text of their own before
the next section or table begins, and in runs without a letter or digit between two nodes (a closing brace, a rule). A text of
nothing but headings has passages of them all the same.
"""

from __future__ import annotations

from bisect import bisect_right

import grainline.shapes.turns as turns
from grainline.shapes.cases import may_be_case, portioned
from grainline.shapes.code import CODE_ONLY, symbols
from grainline.shapes.headings import WORD, Blocked, may_head
from grainline.shapes.image import hang, images
from grainline.shapes.outline import sections
from grainline.shapes.passages import cut_code, cut_mixed, cut_prose, cut_table, fits
from grainline.shapes.table import MAXIMUM_ROWS, Rows, tables
from grainline.shapes.tree import Span, emit, identity, nest, path_of, trim, walk
from grainline.text import sentences
from grainline.types import Document, Edge, Node, Shaped

__all__ = ["sentence_nodes", "shape"]

#: parts that make structure; text with none of them may be one passage
_STRUCTURE = frozenset(
    {"heading", "code", "table", "class", "function", "signature", "package", "row", "header", "image", "turn"}
)


def shape(document: Document) -> Shaped:
    """The document's nodes, parents first (the document itself before all), and its edges.

    `child` edges go from parent to child in reading order, `next` edges from each passage to the one behind it.

    >>> shaped = shape(Document("d", "a.txt", "A", "One short text."))
    >>> [(node.id, node.kind) for node in shaped.nodes], shaped.edges
    ([('d:d0-15', 'document'), ('d:p0-15', 'passage')], (Edge(source='d:d0-15', target='d:p0-15', kind='child', weight=1.0),))
    """
    text = document.text
    plain = all(part.kind not in _STRUCTURE for part in document.parts)
    if plain and fits(text, 0, len(text)) and not (may_head(text) or may_be_case(text) or turns.may_be_chat(text)):
        return _single(document)
    return emit(document, _Shaping(document).tree())


def sentence_nodes(document: Document, node: Node) -> list[Node]:
    """The sentences of a node as nodes, in order; their path is that of the node and the node's name.

    >>> document = Document("d", "a.txt", "A", "One. Two.")
    >>> [made.id for made in sentence_nodes(document, shape(document).nodes[1])]
    ['d:n0-4', 'd:n5-9']
    """
    path = [*node.meta.get("path", ()), *([node.name] if node.name and node.kind != "document" else ())]
    return [
        Node(
            identity(document.id, "sentence", start, end),
            document.id,
            "sentence",
            "",
            start,
            end,
            {"path": path} if path else {},
        )
        for start, end in sentences(document.text, node.start, node.end)
    ]


def _single(document: Document) -> Shaped:
    """A short text without structure: one passage."""
    text = document.text
    path = path_of(document) if document.meta else []
    meta = {"path": path} if path else {}
    whole = identity(document.id, "document", 0, len(text))
    root = Node(whole, document.id, "document", document.title, 0, len(text), meta)
    start, end = trim(text, 0, len(text))
    if start == end:
        return Shaped((root,))
    passage = identity(document.id, "passage", start, end)
    return Shaped((root, Node(passage, document.id, "passage", "", start, end, meta)), (Edge(whole, passage, "child"),))


class _Shaping:
    """What is known of one document while it is shaped."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.text = document.text
        self.rows = Rows(document)
        self.tables = tables(document)
        blocks = [(part.start, part.end) for part in document.parts if part.kind == "code"]
        self.blocks = Blocked(blocks).spans
        self.starts = [start for start, _ in self.blocks]
        fenced = Blocked([*blocks, *((table.start, table.end) for table in self.tables)])
        #: whether text outside of blocks is source code too
        self.is_code = "code" in document.meta or any(
            part.kind in CODE_ONLY and not fenced.holds(part.start) for part in document.parts
        )

    def tree(self) -> Span:
        """The document's span with structure, passages and rows below it."""
        code = symbols(self.document)
        blocked = Blocked([*self.blocks, *((span.start, span.end) for span in [*code, *self.tables])])
        exchanges = self._exchanges()
        outline = sections(self.document, blocked, inferring=not (self.is_code or exchanges))
        if not self.is_code and not exchanges:
            outline = portioned(self.text, outline)
        root = nest(self.text, [*outline, *code, *self.tables, *exchanges], self._is_leaf)
        spans = list(walk(root))
        if not sum([self._fill(span, lone_headings=False) for span in spans]):
            for span in spans:
                self._fill(span, lone_headings=True)
        hang(root, images(self.document), self.text)
        return root

    def _exchanges(self) -> list[Span]:
        """The exchanges of a chat, bounded by headings and tables."""
        borders = sorted(part.start for part in self.document.parts if part.kind in ("heading", "table"))
        self.turns = [] if self.is_code else turns.turns_of(self.document, borders)
        return turns.spans(self.turns, borders)

    def _is_leaf(self, span: Span) -> bool:
        """A table; an exchange; and a function short enough for one passage, with whatever is defined inside it."""
        return span.kind in ("table", "exchange") or (span.kind == "function" and fits(self.text, span.start, span.end))

    def _fill(self, span: Span, *, lone_headings: bool) -> int:
        """Put passages between the span's children; returns their number. Headings alone get one only on demand."""
        if span.kind == "exchange":
            return 0 if span.children else turns.fill(self.text, span, self.turns)
        filled: list[Span] = []
        begin = span.start
        for child in [*span.children, None]:
            stop = child.start if child else span.end
            inked = max(begin, span.head) if span.head and not lone_headings else begin
            if inked < stop and WORD.search(self.text, inked, stop):
                filled += [Span("passage", *place) for place in self._cut(span, begin, stop)]
            if child:
                filled.append(child)
                begin = child.end
        made = len(filled) - len(span.children)
        span.children = filled
        if span.kind == "table":
            self._add_rows(span)
        return made

    def _cut(self, span: Span, start: int, end: int) -> list[tuple[int, int]]:
        if span.kind == "table":
            return cut_table(self.text, start, end, [(row.start, row.end) for row in self.rows.within(start, end)])
        if self.is_code or span.kind in ("class", "function"):
            return cut_code(self.text, start, end)
        first = max(bisect_right(self.starts, start) - 1, 0)
        blocks = self.blocks[first : bisect_right(self.starts, end)]
        if not blocks:
            return cut_prose(self.text, start, end)
        return cut_mixed(self.text, start, end, blocks)

    def _add_rows(self, table: Span) -> None:
        """Rows go below the passages that hold them."""
        rows = [row for row in self.rows.within(table.start, table.end) if row.kind == "row"]
        if len(rows) > MAXIMUM_ROWS:
            return
        for passage in table.children:
            passage.children = [row for row in rows if passage.start <= row.start and row.end <= passage.end]
