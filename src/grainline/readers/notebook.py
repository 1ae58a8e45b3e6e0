"""Jupyter notebooks (nbformat 3 and 4): text cells, code cells and the text that code printed, in order; no images."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.build import decode, document, title_of
from grainline.readers.json import STRING, load, whole_letters
from grainline.readers.markdown import markdown_parts
from grainline.types import Document, Limits, Part

#: how much of one output is kept: enough for a result or a small table, not for a training log
OUTPUT_CHARACTERS = 2000

VALUE_OR_KEY = re.compile(rf"({STRING})(\s*:)?", re.DOTALL)
COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
OVERWRITTEN = re.compile(r"[^\n]*\r(?!\n)")  # a progress bar shows only what was written last
IMAGES = ("image/", "png", "jpeg", "svg")


class Notebook:
    """Reads `.ipynb` files."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document. Markdown cells give what the Markdown reader sees in them, code cells a code part with "language"
        in `meta`, printed text and plain results a prose part, clipped to `OUTPUT_CHARACTERS` (`meta` then has
        "characters_left_out"). `lines` are those of the file. Raises `UnreadableError` for what is no notebook.
        """
        page = _Page(whole_letters(decode(data)))
        page.read()
        parts = sorted(page.parts, key=lambda part: (part.start, -part.end))
        headings = [part for part in parts if part.kind == "heading"]
        title = min(headings, key=lambda part: part.level).name if headings else ""
        text = "".join(page.pieces)
        yield document(source, title or title_of(source), text, limits, parts=parts, lines=page.lines)


class _Page:
    """The text of a notebook as it grows, with its parts and the line of the file that each line came from."""

    def __init__(self, text: str) -> None:
        load(text)
        self.pieces: list[str] = []
        self.parts: list[Part] = []
        self.lines: list[int] = []
        self._length = 0
        self._text = text
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._strings: list[tuple[int, int]] = []
        # a string that is a value is known by its number from here on: so it is still known where it stood
        self._notebook = json.loads(VALUE_OR_KEY.sub(self._number, text))

    def _number(self, match: re.Match[str]) -> str:
        if match.group(2):
            return match.group()
        self._strings.append(match.span(1))
        return f'"{len(self._strings) - 1}"'

    def read(self) -> None:
        """Lay out every cell."""
        notebook = _mapping(self._notebook)
        sheets = [_mapping(sheet) for sheet in _list(notebook.get("worksheets"))]
        if not isinstance(notebook.get("cells"), list) and not sheets:
            raise UnreadableError("not a notebook: it has no cells")
        metadata = _mapping(notebook.get("metadata"))
        named = _mapping(metadata.get("language_info")).get("name") or _mapping(metadata.get("kernelspec")).get("language")
        language = self._string(named)[0]
        for holder in (notebook, *sheets):
            for cell in map(_mapping, _list(holder.get("cells"))):
                self._cell(cell, language)

    def _cell(self, cell: Mapping[str, Any], language: str) -> None:
        kind = self._string(cell.get("cell_type"))[0]
        text, lines = self._lines_of(cell.get("source", cell.get("input")))
        if kind == "code":
            self._add(text, lines, "code", meta={"language": self._string(cell.get("language"))[0] or language})
            for output in map(_mapping, _list(cell.get("outputs"))):
                self._output(output)
        elif kind == "markdown":
            start = self._add(text, lines)
            self.parts += (_moved(part, start) for part in markdown_parts(text)[0])
        elif kind == "heading":
            level = cell.get("level")
            self._add(text, lines, "heading", " ".join(text.split()), level if isinstance(level, int) else 1)
        else:
            self._add(text, lines, "prose")

    def _output(self, output: Mapping[str, Any]) -> None:
        data = _mapping(output.get("data", output))
        if any(key.startswith(IMAGES) for key in data):
            return  # its plain text only says that there is a figure
        text, lines = self._lines_of(output.get("text", data.get("text/plain")))
        left_out = max(0, len(text) - OUTPUT_CHARACTERS)
        clipped = text[:OUTPUT_CHARACTERS].rstrip()
        self._add(clipped, lines, "prose", meta={"characters_left_out": left_out} if left_out else None)

    def _add(
        self,
        text: str,
        lines: Sequence[int],
        kind: str = "",
        name: str = "",
        level: int = 0,
        meta: Mapping[str, Any] | None = None,
    ) -> int:
        """Append a block after an empty line, as a part if it has a kind; returns where it starts."""
        if text and self.pieces:
            self.pieces.append("\n\n")
            self._length += 2
            self.lines.append(self.lines[-1])
        start = self._length
        if text:
            self.pieces.append(text)
            self._length += len(text)
            self.lines += lines[: text.count("\n") + 1]
            if kind:
                self.parts.append(Part(kind, start, self._length, name, level, dict(meta or {})))
        return start

    def _lines_of(self, value: object) -> tuple[str, list[int]]:
        """A text that the file holds as one string or as a list of lines; with the line of the file for each of its lines."""
        text, lines = "", [0]
        pieces: list[str] = []
        for item in value if isinstance(value, list) else [value]:
            piece, line = self._string(item)
            if not text or text.endswith("\n"):
                lines[-1] = line
            lines += [line] * piece.count("\n")
            pieces.append(piece)
            text = piece or text
        text = "".join(pieces)
        blank = len(text) - len(text.lstrip())
        first = text.rfind("\n", 0, blank) + 1  # blanks before the first word of a line stay: they may mean something
        return text[first:].rstrip(), lines[text.count("\n", 0, first) :]

    def _string(self, value: object) -> tuple[str, int]:
        if not isinstance(value, str):
            return "", 0
        start, end = self._strings[int(value)]
        text = str(json.loads(self._text[start:end])).replace("\0", "")
        if "\x1b" in text or "\r" in text:
            text = OVERWRITTEN.sub("", COLOUR.sub("", text)).replace("\r\n", "\n")
        return text, bisect_left(self._newlines, start) + 1


def _moved(part: Part, by: int) -> Part:
    return Part(part.kind, part.start + by, part.end + by, part.name, part.level, part.meta)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
