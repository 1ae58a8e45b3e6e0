"""What readers share: decoding bytes, laying out text with parts, and the identity of a document."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from grainline.errors import LimitError, UnreadableError
from grainline.types import Document, Limits, Part

BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: Chinese and Japanese, with their punctuation: scripts that put no blank where a line of text is broken
_WIDE = "\u2e80-\u2fff\u3001-\u31ff\u3400-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U000323af"
_WIDE_BREAK = re.compile(rf"(?:(?<=[{_WIDE}])[^\S\n]*+\n\s*+(?=[{_WIDE}“‘—…]))|(?:(?<=[”’—…])[^\S\n]*+\n\s*+(?=[{_WIDE}]))")


def decode(data: bytes) -> str:
    """Decode UTF-8, UTF-16/32 (by mark, or by its zero bytes) or GB18030; newlines become "\\n".

    Raises `UnreadableError` for binary data (NUL bytes, or none of these encodings).
    """
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return _newlines(_strict(data[len(mark) :], encoding))
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    else:
        if "\0" not in text:
            return _newlines(text)
    if encoding := _utf16_without_mark(data):
        return _newlines(_strict(data, encoding))
    if b"\0" in data:
        raise UnreadableError("holds NUL bytes: it looks binary")
    return _newlines(_strict(data, "gb18030"))


def _strict(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError(
            f"broken encoding: not UTF-8, UTF-16 or GB18030 ({encoding} fails at byte {error.start})"
        ) from None
    if "\0" in text:
        raise UnreadableError("holds NUL characters: it looks binary")
    return text


def _utf16_without_mark(data: bytes) -> str:
    """The byte order of UTF-16 text with ASCII in it, by where its zero bytes stand; "" if it does not look so."""
    sample = data[:4096]
    if len(sample) < 4 or len(data) % 2:
        return ""
    high, low = sample[1::2].count(0), sample[0::2].count(0)
    if high > len(sample) // 8 and high > 8 * low:
        return "utf-16-le"
    if low > len(sample) // 8 and low > 8 * high:
        return "utf-16-be"
    return ""


def _newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def flow(text: str) -> str:
    """Running text on one line: a line break inside Chinese or Japanese is nothing, any other white space one blank.

    >>> flow(" 检索\\n增强 generation\\n works ")
    '检索增强 generation works'
    """
    return " ".join((_WIDE_BREAK.sub("", text) if "\n" in text else text).split())


def title_of(source: str) -> str:
    """The words of a file name, for a document that names itself nowhere.

    >>> title_of("docs/getting-started_guide.md")
    'getting started guide'
    """
    return PurePosixPath(source).stem.replace("-", " ").replace("_", " ").strip() or source


def document(
    source: str,
    title: str,
    text: str,
    limits: Limits,
    *,
    parts: Sequence[Part] = (),
    language: str = "",
    meta: Mapping[str, Any] | None = None,
    lines: Sequence[int] = (),
) -> Document:
    """A document with the id that follows from its source and content; raises `LimitError` for too much text."""
    if len(text) > limits.characters:
        raise LimitError("characters", len(text), limits.characters)
    source, title, text = _storable(source), _storable(" ".join(title.split()) or title_of(source)), _storable(text)
    return Document(
        identify(source, title, text), source, title, text, tuple(parts), language, (), dict(meta or {}), tuple(lines)
    )


def identify(source: str, title: str, text: str) -> str:
    """The id of a document: 20 hexadecimal digits that follow from its source and content."""
    return hashlib.blake2b("\0".join((source, title, text)).encode("utf-8"), digest_size=10).hexdigest()


def _storable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which no UTF-8 can hold; its length stays."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode("utf-8")
    return text


class Layout:
    """Builds a text piece by piece and notes the span and the source line of each piece.

    >>> layout = Layout()
    >>> layout.add("Title", "heading", line=3, name="Title", level=1)
    >>> layout.add("Some words.", "prose", line=5)
    >>> layout.text(), layout.parts()[1].start, layout.lines()
    ('Title\\n\\nSome words.', 7, (3, 3, 5))
    """

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._parts: list[Part] = []
        self._lines: list[int] = []
        self.length = 0

    def add(
        self,
        text: str,
        kind: str,
        *,
        line: int | Sequence[int] = 0,
        name: str = "",
        level: int = 0,
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        """Append a block after an empty line; empty text is left out.

        `line` is its 1-based source line, 0 if unknown; a sequence holds one for each line of the block.
        """
        if not text:
            return
        if self._pieces:
            self._write("\n\n", self._lines[-1])
        start = self.length
        if isinstance(line, int):
            self._write(text, line)
        else:
            for number, piece in enumerate(text.split("\n")):
                if number:
                    self._write("\n", self._lines[-1])
                self._write(piece, line[number])
        self._parts.append(Part(kind, start, self.length, name, level, dict(meta or {})))

    def add_table(
        self,
        rows: Sequence[Sequence[str]],
        *,
        headers: int = 1,
        line: Sequence[int] = (),
        name: str = "",
        row_meta: Sequence[Mapping[str, Any]] = (),
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        """Append a table, one line a row with " | " between its cells, as a table part with header and row parts inside.

        The first `headers` rows are headers; `line` and `row_meta` hold one entry a row. Rows without a word are left out.

        >>> layout = Layout()
        >>> layout.add_table([["城市", "people"], ["", " "], ["北京", "21\\nmillion"]])
        >>> layout.text(), [part.kind for part in layout.parts()]
        ('城市 | people\\n北京 | 21 million', ['table', 'header', 'row'])
        """
        written, lines, marks = [], [], []
        length = 0
        for number, row in enumerate(rows):
            cells = [flow(cell) for cell in row]
            if not any(cells):
                continue
            text = " | ".join(cells).strip()
            kind = "header" if number < headers else "row"
            marks.append((kind, length, length + len(text), row_meta[number] if row_meta else None))
            written.append(text)
            lines.append(line[number] if line else 0)
            length += len(text) + 1
        self.add("\n".join(written), "table", line=lines, name=name, meta=meta)
        base = self.length - length + 1
        for kind, start, end, extra in marks:
            self.mark(kind, base + start, base + end, meta=extra)

    def extend(self, other: Layout, meta: Mapping[str, Any] | None = None) -> None:
        """Append all that another layout holds, with `meta` added to that of its parts that are no prose."""
        if not other.length:
            return
        if self._pieces:
            self._write("\n\n", self._lines[-1])
        base = self.length
        self._pieces += other._pieces
        self._lines[-1:] = other._lines
        self.length += other.length
        for part in other._parts:
            joined = {**part.meta, **(meta or {})} if part.kind != "prose" else part.meta
            self._parts.append(Part(part.kind, base + part.start, base + part.end, part.name, part.level, joined))

    def mark(
        self, kind: str, start: int, end: int, name: str = "", level: int = 0, meta: Mapping[str, Any] | None = None
    ) -> None:
        """Note a further span over text that is already there (a page over its blocks, a row in its table)."""
        self._parts.append(Part(kind, start, end, name, level, dict(meta or {})))

    def _write(self, text: str, line: int) -> None:
        if not self._lines:
            self._lines.append(line)
        for _ in range(text.count("\n")):
            self._lines.append(line)
        if not text.isspace():
            first = len(self._lines) - 1 - text.count("\n")
            self._lines[first:] = [line] * (text.count("\n") + 1)
        self._pieces.append(text)
        self.length += len(text)

    def text(self) -> str:
        """All pieces."""
        return "".join(self._pieces)

    def parts(self) -> tuple[Part, ...]:
        """All parts in reading order, the larger first where several start at one place, a page before the block that fills it."""
        return tuple(sorted(self._parts, key=lambda part: (part.start, -part.end, part.kind != "page")))

    def lines(self) -> tuple[int, ...]:
        """The source line of every line of the text; empty if no line was known."""
        return tuple(self._lines) if any(self._lines) else ()
