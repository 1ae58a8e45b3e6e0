"""From a tree of HTML elements to the blocks of a layout, in reading order and without recursion."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from grainline.readers import html_rules as rules
from grainline.readers.build import Layout, flow
from grainline.readers.captions import points_below, read_caption
from grainline.readers.html_rules import clean, raw_text, tag_of

if TYPE_CHECKING:
    from lxml.etree import _Element

#: what is yet to be done inside an element: an iterator over what is yet to be done in elements inside it
Steps: TypeAlias = "Iterator[Steps]"

_MARKER = re.compile(r"(?:-|\d+\.)?")
#: marks in a run of text while it is gathered; the text itself is clean of them
_BREAK, _OPEN, _CLOSE, _INDENT = "\x01", "\x02", "\x03", "\x04"
_PICTURE = re.compile(f"{_OPEN}([^{_CLOSE}]*){_CLOSE}")


class Writer:
    """Gathers runs of inline text and adds a block to the layout where a run ends.

    With `located` it notes source lines; with `whole` it leaves out only what can never be text.
    """

    def __init__(self, layout: Layout, *, located: bool, whole: bool) -> None:
        self.layout = layout
        self._located = located
        self._whole = whole
        self._line = 1 if located else 0
        self._lists: list[int] = []  # the next number of each list around here, 0 for bullets
        self._items = 0  # how many list items and definitions are around here
        self._nameless: _Element | None = None  # a picture that the page has no words for, until a caption may follow
        self._before = self._last = (0, "")  # place and words of the last block before that picture, and of the last one of all
        self._legend = ""  # the caption of the figure around here
        self._start_run()

    def _start_run(self) -> None:
        self._run: list[str] = []
        self._lines: list[int] = [0]  # the source line of each line of the run
        self._pictures: list[_Element] = []
        self._anchors: list[_Element] = []
        self._fresh = True  # nothing said on this line of the run yet

    def write(self, element: _Element) -> None:
        """Add everything in an element."""
        stack = [self._content(element)]
        while stack:
            inner = next(stack[-1], None)
            if inner is None:
                stack.pop()
            else:
                stack.append(inner)
        self._flush()
        self._caption("", self.layout.length)

    def _content(self, element: _Element) -> Steps:
        self._say(clean(element.text))
        for child in element:
            if self._located:  # beyond rules.LAST_LINE only the newlines that are met count
                self._line = max(self._line, rules.line_of(child))
            tag = tag_of(child)
            if not tag:
                self._say(html.unescape(child.text or ""))  # an entity that XML leaves alone, such as &nbsp;
            elif rules.is_left_out(child, self._whole):
                self._skip(child)
            elif handler := _HANDLERS.get(tag):
                if (steps := handler(self, child)) is not None:
                    yield steps
            else:
                yield self._plain_block(child) if tag in rules.BLOCKS else self._content(child)
            self._say(clean(child.tail))

    def _say(self, text: str) -> None:
        if not text:
            return
        if not text.isspace():
            if self._lines[-1] == 0 and self._located:
                self._lines[-1] = self._line + text.count("\n", 0, len(text) - len(text.lstrip()))
            self._fresh = False
        if self._located:
            self._line += text.count("\n")
        self._run.append(text)

    def _skip(self, element: _Element) -> None:
        """Count the lines of an element whose text does not go through `_say`."""
        if self._located:
            self._line += sum(str(piece).count("\n") for piece in element.itertext())

    def _first_line(self, raw: str) -> int:
        return self._line + raw.count("\n", 0, len(raw) - len(raw.lstrip())) if self._located else 0

    def _break(self) -> None:
        if not self._fresh:
            self._run.append(_BREAK)
            self._lines.append(0)
            self._fresh = True

    def _flush(self) -> None:
        """Add the gathered run of text as a block."""
        run, numbers, elements, anchors = "".join(self._run), self._lines, self._pictures, self._anchors
        self._start_run()
        said: list[str] = []
        lines: list[int] = []
        pictures: list[tuple[int, int]] = []
        length = 0
        for raw, number in zip(run.split(_BREAK), numbers, strict=True):
            words = flow(raw.replace(_INDENT, ""))
            if _MARKER.fullmatch(words):
                continue
            lines.append(number)
            before = "\n" + "  " * raw.count(_INDENT) if said else ""
            for place, piece in enumerate((before, *_PICTURE.split(words))):
                if place and place % 2 == 0:  # what _PICTURE caught
                    pictures.append((length, length + len(piece)))
                said.append(piece)
                length += len(piece)
        text = "".join(said)
        if pictures == [(0, length)]:
            self.layout.add(text, "image", line=lines, name=text, meta=rules.source_of(elements[0]))
            return
        self.layout.add(text, "prose", line=lines)
        base = self.layout.length - length
        if text:
            self._caption(text, base)
        for (start, end), element in zip(pictures, elements, strict=True):
            self.layout.mark("image", base + start, base + end, text[start:end], meta=rules.source_of(element))
        self._mark_links(anchors, text, base)

    def _mark_links(self, anchors: list[_Element], text: str, base: int) -> None:
        """Note where the words of links to other files stand in a block."""
        behind = 0
        for anchor in anchors:
            words = flow("".join(str(piece) for piece in anchor.itertext()))
            start = text.find(words, behind)
            if words and start >= 0:
                behind = start + len(words)
                self.layout.mark("link", base + start, base + behind, words, meta={"href": str(anchor.get("href")).strip()})

    def _anchor(self, element: _Element) -> Steps:
        if rules.leads_on(element):
            self._anchors.append(element)
        return self._content(element)

    def _await_caption(self, picture: _Element) -> None:
        if rules.source_of(picture):
            self._nameless, self._before = picture, self._last

    def _caption(self, text: str, base: int) -> None:
        """After a picture without words: the block here is its caption, or the one before it speaks of it."""
        place, said = self._before
        if self._nameless is not None and (caption := read_caption(text)) and caption.kind == "image":
            self.layout.mark("image", base, base + len(text), text, meta=rules.source_of(self._nameless))
        elif self._nameless is not None and points_below(said):
            line = said.rpartition("\n")[2].strip()
            start = place + said.rindex(line)
            self.layout.mark("image", start, start + len(line), meta=rules.source_of(self._nameless))
        self._nameless = None
        self._last = base, text

    def _plain_block(self, element: _Element) -> Steps:
        """A block of its own, or inside a list item a line of its own."""
        end = self._break if self._items else self._flush
        end()
        yield self._content(element)
        end()

    def _list(self, element: _Element) -> Steps:
        end = self._break if self._lists or self._items else self._flush
        end()
        start = element.get("start") or "1"
        self._lists.append(0 if tag_of(element) != "ol" else int(start) if start.isdecimal() and len(start) < 9 else 1)
        yield self._content(element)
        self._lists.pop()
        end()

    def _item(self, element: _Element) -> Steps:
        self._break()
        number = self._lists[-1] if self._lists else 0
        self._run.append(_INDENT * (len(self._lists) - 1) + (f"{number}. " if number else "- "))
        if number:
            self._lists[-1] += 1
        yield self._inside(element)

    def _term(self, element: _Element) -> Steps:
        (self._break if self._items else self._flush)()
        yield self._content(element)
        self._break()

    def _inside(self, element: _Element) -> Steps:
        """A list item or a definition: blocks in it are lines, not blocks of their own."""
        self._break()
        self._items += 1
        yield self._content(element)
        self._items -= 1
        self._break()

    def _new_line(self, _: _Element) -> None:
        self._break()

    def _heading(self, element: _Element) -> None:
        self._flush()
        raw = raw_text(element, self._whole)
        words = flow(raw)
        self.layout.add(words, "heading", line=self._first_line(raw), name=words, level=rules.HEADINGS[tag_of(element)])
        self._skip(element)

    def _code(self, element: _Element) -> None:
        self._flush()
        raw = raw_text(element, self._whole)
        text = re.sub(r"\A(?:[^\S\n]*\n)+", "", raw).rstrip()
        first = self._first_line(raw)
        lines = [first + number if first else 0 for number in range(text.count("\n") + 1)]
        self.layout.add(text, "code", line=lines, name=rules.code_language(element))
        self._skip(element)

    def _picture(self, element: _Element) -> None:
        if words := flow(clean(element.get("alt") or element.get("title"))):
            self._say(f" {_OPEN}{words}{_CLOSE} ")
            self._pictures.append(element)
        else:
            self._await_caption(element)

    def _figure(self, element: _Element) -> Steps | None:
        """A picture with its caption is one image; a figure of anything else is its content."""
        below = list(element.iter())
        pictures = [each for each in below if tag_of(each) == "img"]
        captions = [flow(raw_text(each, self._whole)) for each in below if tag_of(each) == "figcaption"]
        if not pictures or any(tag_of(each) in ("table", "pre") for each in below):
            return self._figure_of_text(element, " ".join(captions))
        self._flush()
        alternatives = [flow(clean(picture.get("alt"))) for picture in pictures]
        texts = [text for text in dict.fromkeys((*captions, *alternatives)) if text]
        self.layout.add("\n".join(texts), "image", line=self._line, name=(texts or [""])[0], meta=rules.source_of(pictures[0]))
        self._skip(element)
        if not texts:
            self._await_caption(pictures[0])
        return None

    def _figure_of_text(self, element: _Element, legend: str) -> Steps:
        self._legend = legend
        yield self._plain_block(element)
        self._legend = ""

    def _math(self, element: _Element) -> Steps | None:
        if not (formula := rules.tex(element)):
            return self._content(element)
        self._say(f"${formula}$")
        self._skip(element)
        return None

    def _table(self, element: _Element) -> Steps | None:
        if rules.arranges(element):
            return self._plain_block(element)
        self._flush()
        caption = next((flow(raw_text(each, self._whole)) for each in element if tag_of(each) == "caption"), "")
        self.layout.add(caption, "prose", line=self._line)
        rows = rules.table_rows(element)
        lines = [rules.line_of(row) or self._line if self._located else 0 for row in rows]
        name = caption or self._legend
        self.layout.add_table(rules.table_words(rows, self._whole), headers=rules.header_rows(rows), line=lines, name=name)
        self._skip(element)
        return None


_HANDLERS: dict[str, Callable[[Writer, _Element], Steps | None]] = {
    **dict.fromkeys(rules.HEADINGS, Writer._heading),
    "a": Writer._anchor,
    "br": Writer._new_line,
    "img": Writer._picture,
    "figure": Writer._figure,
    "pre": Writer._code,
    "ul": Writer._list,
    "ol": Writer._list,
    "li": Writer._item,
    "dt": Writer._term,
    "dd": Writer._inside,
    "math": Writer._math,
    "table": Writer._table,
}
