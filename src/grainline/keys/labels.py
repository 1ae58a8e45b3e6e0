"""The keys of tables and pictures: captions, headers, rows said as sentences, alternative texts, and the sentence that speaks of them.

`caption` keys are those of image nodes, `ocr` keys the words that stand in their pictures; `table` keys (caption, header, what names the
rows) and `row` keys ("column is value; ...") those of table and row nodes, and of passages of text without markup that holds a table with
" | " between its cells. A `shown` key is the path of the file of a picture, which leads from it to where it is shown.
"""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from grainline.keys.cells import Cells, split
from grainline.text import sentences
from grainline.types import Document, Key, Node, Shaped

#: rows of a table that have keys of their own; the passages hold those of a longer one, whose rows are records rather than facts
ROWS = 300
#: characters of one key, and of the names of a table's rows in its key
LONGEST, NAMES = 1_200, 400
#: characters of what OCR read that go into one key
READ = 300
#: characters of a sentence nearby, and how many of them go into a key
SENTENCE, MENTIONS = 400, 2
#: characters on either side in which the sentence around a mention is looked for
AROUND = 500
#: characters of one document that are looked through for anchors: those of a thick book with some hundred pictures
SEARCHED = 500_000_000
_MENTION = re.compile(
    r"(?P<what>fig(?:ure)?s?\.?|chart|diagram|图|圖|table|tab\.|表)\s{0,3}(?P<number>[A-Z]?\d{1,4}(?:\s?[-–—.．·‑]\s?\d{1,3}){0,3})",
    re.I,
)
_TABLES = ("table", "tab.", "表")
_POINTER = re.compile(
    r"[下上如见]图|\b(?:figure|picture|image|diagram|screenshot|photo|chart)\s+(?:below|above|that follows)"
    r"|\b(?:following|above)\s+(?:figure|picture|image|diagram|screenshot|photo|chart)|\bshown\s+(?:below|above|here)",
    re.I,
)
_DASHES = str.maketrans("–—‑．·", "---..")
_CJK = re.compile(r"[\u3400-\u9fff]")
#: lines that make a table where nothing but their cells says that they are one
FEWEST = 3
#: lines of Markdown that say nothing
_MARKS = re.compile(r"\s*(?:!\[|:\w+:|<|#)")


def keys(document: Document, shaped: Shaped) -> Iterator[Key]:
    """The keys of a document's tables and pictures, in the order of the nodes; there is nothing to do for any other document."""
    if " | " not in document.text and all(node.kind not in ("image", "table") for node in shaped.nodes):
        return
    labels = _Labels(document, shaped)
    for node in shaped.nodes:
        if node.kind == "image":
            yield Key(node.id, "caption", labels.caption(node))
            yield from labels.read(node)
            if path := shown_file(document, node):
                yield Key(node.id, "shown", path)
        elif node.kind == "table":
            yield Key(node.id, "table", labels.table(node))
        elif node.kind == "row":
            if said := labels.row(node):
                yield Key(node.id, "row", said)
        elif node.kind == "passage" and " | " in document.text[node.start : min(node.end, node.start + LONGEST)]:
            yield from labels.plain(node)


def shown_file(document: Document, node: Node) -> str:
    """The source that the file of an image's picture goes by if it was added, too; "" for a picture that is no file of its own."""
    src = unquote(str(node.meta.get("src", ""))).partition("#")[0].partition("?")[0]
    if not src or "member" in node.meta or node.meta.get("ocr") is True or "://" in src or src.startswith("/"):
        return ""
    return posixpath.normpath(posixpath.join(posixpath.dirname(document.source.partition("#")[0]), src))


class _Labels:
    """What is known of the parts of one document."""

    def __init__(self, document: Document, shaped: Shaped) -> None:
        self._document = document
        self._text = document.text
        self._tables = [node for node in shaped.nodes if node.kind == "table"]
        self._starts = [node.start for node in self._tables]
        labelled = [*self._tables, *(node for node in shaped.nodes if node.kind == "image")]
        wanted = {(node.kind, str(node.meta["number"])) for node in labelled if "number" in node.meta}
        self._mentions = _mentions(self._text, wanted) if wanted else {}
        rows = [part for part in document.parts if part.kind in ("row", "header")] if self._tables else []
        self._code = [(part.start, part.end) for part in document.parts if part.kind in ("code", "class", "function")]
        self._cells = Cells(document, rows)
        self._searched = 0  # characters that were looked through for anchors
        self._held: dict[str, tuple[list[str], int]] = {}

    def caption(self, node: Node) -> str:
        """The names above a picture, what it is called, and what is said of it nearby."""
        meta = node.meta
        said = [node.name, meta.get("caption", ""), meta.get("title", ""), *self._nearby(node)]
        if not any(said):
            said = [
                self._text[node.start : node.end] if meta.get("ocr") is True else "",
                *self._around(node),
                _file_words(meta),
            ]
        return self._joined(node, [str(words) for words in said])

    def read(self, node: Node) -> Iterator[Key]:
        """The words that OCR read in a picture, some lines a key: a label is compared by its words and by one vector."""
        lines: list[str] = []
        length = 0
        for line in words.split("\n") if isinstance(words := node.meta.get("ocr"), str) else ():
            if lines and length + len(line) > READ:
                yield Key(node.id, "ocr", self._joined(node, lines))
                lines, length = [], 0
            lines.append(line)
            length += len(line)
        if lines:
            yield Key(node.id, "ocr", self._joined(node, lines))

    def table(self, node: Node) -> str:
        """The names above a table, its caption, its header, and the first cells of its rows."""
        header, count = self._header(node)
        length, names = 0, []
        for part in self._cells.parts(node)[:ROWS]:
            if part.kind == "row" and length < NAMES:
                names.append(_head(self._cells.cut(node, part.start, part.end, part.meta), header))
                length += len(names[-1])
        about = f"{count} rows" if count > ROWS else ""
        return self._joined(node, [node.name, " | ".join(header), *self._nearby(node), "; ".join(filter(None, names)), about])

    def row(self, node: Node) -> str:
        """A row as sentences, with the caption of its table; "" for a row of a table with more than `ROWS`."""
        place = bisect_right(self._starts, node.start) - 1
        if place < 0 or self._tables[place].end < node.end:
            return ""
        table = self._tables[place]
        header, count = self._header(table)
        if count > ROWS:
            return ""
        said = sentence_of(self._cells.cut(table, node.start, node.end, node.meta), header)
        return self._joined(node, [table.name, said]) if said else ""

    def plain(self, node: Node) -> Iterator[Key]:
        """The keys of a table in a passage of plain text."""
        at = bisect_right(self._starts, node.start) - 1
        if (at >= 0 and node.start < self._tables[at].end) or any(
            start < node.end and node.start < end for start, end in self._code
        ):
            return
        lines = [split(line) for line in self._text[node.start : node.end].split("\n")]
        for width, run in groupby(lines, len):
            rows = [cells for cells in run if any(cells)]
            if width < 2 or len(rows) < FEWEST:
                continue
            header, *body = rows
            names = "; ".join(filter(None, (_head(cells, header) for cells in body)))[:NAMES]
            yield Key(node.id, "table", self._joined(node, [" | ".join(header), names]))
            for cells in body[:ROWS]:
                if said := sentence_of(cells, header):
                    yield Key(node.id, "row", self._joined(node, [said]))

    def _joined(self, node: Node, said: Sequence[str]) -> str:
        path = [name for name in node.meta.get("path", ()) if name not in said]
        lines = [" > ".join(path[-3:]), *said]
        body = "\n".join(dict.fromkeys(line.strip() for line in lines if line.strip()))
        return f"{self._document.title}\n{body}"[:LONGEST]

    def _header(self, table: Node) -> tuple[list[str], int]:
        """The names of a table's columns, and how many rows it has."""
        if (held := self._held.get(table.id)) is None:
            held = self._held[table.id] = self._cells.header(table)
        return held

    def _nearby(self, node: Node) -> list[str]:
        """The sentences that mention a part by its number or anchor, or point at the picture beside them."""
        places = [
            place
            for place in self._mentions.get((node.kind, str(node.meta.get("number", ""))), ())
            if not node.start <= place < node.end
        ]
        if (anchor := node.meta.get("anchor")) and self._searched < SEARCHED:
            self._searched += len(self._text)
            places += _found(self._text, str(anchor))
        said = [self._sentence(place) for place in places]
        if node.kind == "image" and not said:
            said = [sentence for sentence in self._around(node) if _POINTER.search(sentence)]
        own = (node.name, str(node.meta.get("caption", "")))
        kept = [words for words in dict.fromkeys(said) if words and not any(each and words.startswith(each) for each in own)]
        return kept[:MENTIONS]

    def _sentence(self, place: int) -> str:
        """The sentence around a place."""
        start, end = self._paragraph(place)
        spans = sentences(self._text, start, end)
        inside = next((span for span in spans if span[0] <= place < span[1]), None)
        return self._text[inside[0] : inside[1]].strip()[:SENTENCE] if inside else ""

    def _paragraph(self, place: int) -> tuple[int, int]:
        text = self._text
        start, end = text.rfind("\n\n", max(0, place - AROUND), place), text.find("\n\n", place, place + AROUND)
        return (start + 2 if start >= 0 else max(0, place - AROUND)), (end if end >= 0 else min(len(text), place + AROUND))

    def _around(self, node: Node) -> list[str]:
        """The sentence before a picture and the one behind it."""
        text = self._text
        first = text.rfind("\n", max(0, node.start - AROUND), node.start) + 1
        last = text.find("\n", node.end, node.end + AROUND)
        before = _words(reversed(text[max(0, first - AROUND) : first].split("\n")))
        after = _words(iter(text[last : last + AROUND].split("\n"))) if last >= 0 else ""
        found = [before[start:end] for start, end in sentences(before)[-1:]]
        found += [after[start:end] for start, end in sentences(after)[:1]]
        return [words.strip()[:SENTENCE] for words in found]


def _words(lines: Iterator[str]) -> str:
    """The first of the lines that is neither empty nor a mark of Markdown for a picture."""
    return next((line for line in lines if any(map(str.isalpha, line)) and not _MARKS.match(line)), "")


def sentence_of(cells: Sequence[str], header: Sequence[str]) -> str:
    """A row in words, so that what is asked of a column meets its value.

    >>> sentence_of(["Owls", "12", ""], ["kind", "count", "note"]), sentence_of(["北京", "2154"], ["城市", "人口"])
    ('Owls; kind is Owls; count is 12', '北京；城市 是 北京；人口 是 2154')
    """
    values = [(cells[at].strip(), header[at].strip() if at < len(header) else "") for at in range(len(cells))]
    if len(header) and len(cells) == len(header) - 1 and not header[0].strip():
        values = [(cells[at].strip(), header[at + 1].strip()) for at in range(len(cells))]
    if not any(value for value, _ in values):
        return ""
    chinese = bool(_CJK.search("".join(header)))
    verb, stop = ("是", "；") if chinese else ("is", "; ")
    pairs = [f"{name} {verb} {value}" if name else value for value, name in values if value]
    head = values[0][0] if values[0][1] else ""
    return stop.join(filter(None, (head, *pairs)))


def _head(cells: Sequence[str], header: Sequence[str]) -> str:
    """What names a row: its first cell, if that has a letter in it."""
    first = cells[0].strip() if cells else ""
    return first if any(map(str.isalpha, first)) and list(cells) != list(header) else ""


def _mentions(text: str, wanted: set[tuple[str, str]]) -> dict[tuple[str, str], list[int]]:
    """Where the wanted kinds and numbers ("image", "3-1") are spoken of, at most a few places each."""
    found: dict[tuple[str, str], list[int]] = {}
    for match in _MENTION.finditer(text):
        kind = "table" if match["what"].lower().rstrip("s") in _TABLES else "image"
        what = kind, re.sub(r"\s", "", match["number"]).translate(_DASHES)
        if what in wanted and len(places := found.setdefault(what, [])) <= 2 * MENTIONS:
            places.append(match.start())
    return found


def _found(text: str, anchor: str) -> list[int]:
    """Where an anchor is referred to: anywhere but where it is given."""
    places: list[int] = []
    place = text.find(anchor)
    while place >= 0 and len(places) <= MENTIONS:
        if not text.startswith(":label:`", max(0, place - 8)) and text[place - 1 : place] != "#":
            places.append(place)
        place = text.find(anchor, place + len(anchor))
    return places


def _file_words(meta: Any) -> str:
    """The words of a file's name, unless it is a number or what a camera or a program calls its pictures."""
    stem = PurePosixPath(str(meta.get("src", "")).partition("?")[0]).stem
    words = re.sub(r"[-_\s.]+", " ", stem)
    return (
        words
        if re.search(r"[^\W\d_]{3}", words) and not re.match(r"(?i)(?:image|img|dsc|picture|screenshot)\s?\d*", words)
        else ""
    )
