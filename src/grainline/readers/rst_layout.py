"""From a docutils tree to the blocks of a layout."""

from __future__ import annotations

from typing import Any

from docutils import nodes

from grainline.readers.build import Layout, flow

SUBSTITUTE = 1_000  #: characters that a substitution may stand for; more would let a small file grow without end
#: nodes that are no text of the document
SILENT = (
    nodes.comment,
    nodes.target,
    nodes.substitution_definition,
    nodes.pending,
    nodes.raw,
    nodes.transition,
    nodes.meta,
    nodes.decoration,
)
LISTS = (nodes.bullet_list, nodes.enumerated_list, nodes.definition_list, nodes.field_list, nodes.option_list)


def write_tree(tree: nodes.document, layout: Layout) -> None:
    """Add what a document says to `layout`, with source lines; `tree` is changed on the way."""
    _drop_messages(tree)
    _substitute(tree)
    writer = _Writer(layout)
    writer.inside(tree, 0)
    writer.flush()


def _drop_messages(tree: nodes.document) -> None:
    """Put in place of each message the text that docutils could not parse, if the message holds it."""
    for message in list(tree.findall(nodes.system_message)):
        texts = [nodes.paragraph("", literal.astext()) for literal in message.findall(nodes.literal_block)]
        for text in texts:
            text.line = message.get("line")
        message.parent.replace(message, texts)


def _substitute(tree: nodes.document) -> None:
    """Put in place of each |name| what it stands for; names in that stay names."""
    for reference in list(tree.findall(nodes.substitution_reference)):
        name = reference["refname"]
        definition = tree.substitution_defs.get(tree.substitution_names.get(name.lower(), name))
        if definition is not None:
            words = definition.astext() or " ".join(image.get("alt", "") for image in definition.findall(nodes.image))
            if len(words) <= SUBSTITUTE:
                reference.children = [nodes.Text(words)]


class _Writer:
    """Walks the tree in reading order; lines of lists are gathered and added as one block."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._line = 1
        self._run: list[tuple[str, int]] = []

    def _at(self, node: Any) -> int:
        """The source line of a node, or of what came before it where docutils does not tell."""
        self._line = max(self._line, node.line or 0)
        return self._line

    def flush(self) -> None:
        """Add the gathered lines as a block."""
        run, self._run = [(text, line) for text, line in self._run if text.strip()], []
        self._layout.add("\n".join(text for text, _ in run).lstrip(), "prose", line=[line for _, line in run])

    def inside(self, node: Any, level: int) -> None:
        """Add the children of a node that has `level` sections around it."""
        for child in node.children:
            self._add(child, level)

    def _add(self, node: Any, level: int) -> None:
        if isinstance(node, SILENT):
            return
        if isinstance(node, nodes.section):
            self.inside(node, level + 1)
        elif isinstance(node, nodes.title) and isinstance(node.parent, nodes.section):
            self.flush()
            words = flow(node.astext())
            # docutils notes the line of the underline
            self._layout.add(words, "heading", line=self._at(node.parent) - 1, name=words, level=level)
        elif isinstance(node, (nodes.literal_block, nodes.doctest_block)):
            self._code(node)
        elif isinstance(node, LISTS):
            self.flush()
            self._list(node, 0, level)
            self.flush()
        elif isinstance(node, (nodes.footnote, nodes.citation)):
            self.flush()
            self._item(node, 0, level, "")
            self.flush()
        elif isinstance(node, nodes.line_block):
            self._run += [(flow(line.astext()), self._at(line)) for line in node.findall(nodes.line)]
            self.flush()
        elif isinstance(node, nodes.table):
            self._table(node)
        elif isinstance(node, (nodes.image, nodes.figure)):
            self._image(node, level)
        elif isinstance(node, nodes.TextElement):
            self._add_prose(node)
        else:
            self.inside(node, level)

    def _add_prose(self, node: Any) -> None:
        self._run.append((flow(node.astext()), self._at(node)))
        self.flush()

    def _code(self, node: Any) -> None:
        self.flush()
        text = node.astext().strip("\n").rstrip()
        first = self._at(node)
        self._layout.add(text, "code", line=range(first, first + text.count("\n") + 1), name=node.get("language") or "")

    def _list(self, node: Any, depth: int, level: int) -> None:
        for number, item in enumerate(node.children):
            marker = ""
            if isinstance(node, nodes.bullet_list):
                marker = "- "
            elif isinstance(node, nodes.enumerated_list):
                marker = f"{node.get('start', 1) + number}. "
            elif not depth and isinstance(node, nodes.definition_list):
                self.flush()
            self._item(item, depth, level, marker)

    def _item(self, item: Any, depth: int, level: int, marker: str) -> None:
        """One item: its paragraphs are lines, lists in it are indented, and whatever else it holds is a block of its own."""
        indent = "  " * depth
        for child in _flat(item):
            if isinstance(child, LISTS):
                self._list(child, depth + 1, level)
            elif isinstance(child, nodes.option_group):
                marker = ", ".join(flow(option.astext()) for option in child.children) + "  "
            elif isinstance(child, nodes.field_name):
                marker = f"{flow(child.astext())}: "
            elif isinstance(child, nodes.label):
                marker = f"[{flow(child.astext())}] "
            elif isinstance(child, nodes.classifier):
                marker = ""
                if self._run:
                    text, line = self._run.pop()
                    self._run.append((f"{text} : {flow(child.astext())}", line))
            elif isinstance(child, nodes.TextElement) and not isinstance(child, nodes.FixedTextElement):
                if words := flow(child.astext()):
                    self._run.append((indent + marker + words, self._at(child)))
                    marker = ""
            else:
                self._add(child, level)
        if marker.strip(" -.0123456789"):  # a field or an option without a word about it
            self._run.append((indent + marker.rstrip(), self._line))

    def _table(self, node: Any) -> None:
        self.flush()
        caption = next((flow(child.astext()) for child in node.children if isinstance(child, nodes.title)), "")
        self._layout.add(caption, "prose", line=self._at(node))
        rows = list(node.findall(nodes.row))
        headers = sum(1 for row in rows if isinstance(row.parent, nodes.thead))
        lines = [next((self._at(below) for below in row.findall() if getattr(below, "line", None)), self._line) for row in rows]
        cells = [[entry.astext() for entry in row.children] for row in rows]
        self._layout.add_table(cells, headers=min(headers, len(rows) - 1), line=lines, name=caption)

    def _image(self, node: Any, level: int) -> None:
        """A picture with its caption is one image; the legend of a figure is text like any other."""
        self.flush()
        pictures = list(node.findall(nodes.image))
        captions = [flow(child.astext()) for child in node.children if isinstance(child, nodes.caption)]
        texts = [text for text in dict.fromkeys((*captions, *(flow(picture.get("alt", "")) for picture in pictures))) if text]
        meta = {"src": pictures[0]["uri"]} if pictures and pictures[0].get("uri") else {}
        self._layout.add("\n".join(texts), "image", line=self._at(node), name=(texts or [""])[0], meta=meta)
        for child in node.children:
            if not isinstance(child, (nodes.image, nodes.reference, nodes.caption)):
                self._add(child, level)


def _flat(item: Any) -> list[Any]:
    """The children of a list item, with those of what merely holds them in its place."""
    holders = (nodes.definition, nodes.field_body, nodes.description, nodes.option_list_item)
    children: list[Any] = []
    for child in item.children:
        children += _flat(child) if isinstance(child, holders) else [child]
    return children
