"""Which spans of the evidence can be quoted: sentences, rows of tables, what is said in code, and runs of lines."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grainline.text import sentences
from grainline.types import Document, Hit, Part

#: characters of the longest quote; code and tables have no sentences to cut at
QUOTE_CHARACTERS = 600
#: how much less code is worth than words, unless the question names something in it
CODE = 0.5
#: a heading that is no part, since it stands in a block quote
_HEADING = re.compile(r"[>\s]*#{1,6}\s")
#: a word that can only be a name in code: with an underscore, a double colon, or a capital behind a small letter
_NAME = re.compile(r"\w*[a-z][A-Z]\w*|\w+_\w+|\w+::\w+")

Span = tuple[int, int]


def quotable(document: Document, hit: Hit, question: str) -> list[tuple[int, int, float]]:
    """The spans of a hit that can be quoted, in order, and what each is worth by its kind.

    They are its sentences and rows of tables, or runs of lines where one would be too long; in source code docstrings and comments
    are the sentences. Headings, comments in prose and marks without a word are left out; code counts for less than words.
    """
    text, first, last = document.text, hit.node.start, hit.node.end
    parts = [part for part in document.parts if part.start < last and part.end > first]
    names = set(_NAME.findall(question))
    spans = _in_code(text, first, last, parts) if document.meta.get("code") else _in_prose(text, first, last, parts)
    return [
        (start, end, CODE if is_code and not any(name in text[start:end] for name in names) else 1.0)
        for start, end, is_code in sorted((*piece, is_code) for *span, is_code in spans for piece in _clipped(text, *span))
        if not _HEADING.match(text, start) and any(map(str.isalnum, text[start:end]))
    ]


def _in_prose(text: str, first: int, last: int, parts: Sequence[Part]) -> Iterator[tuple[int, int, bool]]:
    """Rows and sentences with whether they are code; a document without any prose is not, however it looks."""
    prose = any(part.kind in ("prose", "heading") for part in parts)
    rows = [part for part in parts if part.kind == "row"]
    aside = [part for part in parts if (part.kind in ("heading", "comment") and prose) or (part.kind == "table" and rows)]
    code = [part for part in parts if part.kind == "code" and prose]
    for row in rows:
        yield max(row.start, first), min(row.end, last), False
    for start, end in sentences(text, first, last):
        if not _within(start, aside):
            yield start, end, _within(start, code)


def _in_code(text: str, first: int, last: int, parts: Sequence[Part]) -> Iterator[tuple[int, int, bool]]:
    """The sentences of docstrings and comments, and the code between them."""
    done = first
    for part in parts:
        if part.kind in ("docstring", "comment") and part.start >= done:
            yield from ((*span, True) for span in _trimmed(text, done, part.start))
            done = min(part.end, last)
            yield from ((*span, False) for span in sentences(text, part.start, done))
    yield from ((*span, True) for span in _trimmed(text, done, last))


def _within(place: int, parts: Sequence[Part]) -> bool:
    return any(part.start <= place < part.end for part in parts)


def _clipped(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The span, or runs of whole lines of it, or pieces of overlong lines, none longer than a quote may be."""
    if end - start <= QUOTE_CHARACTERS:
        yield start, end
        return
    begin = stop = start
    for line in text[start:end].splitlines(keepends=True):
        if stop + len(line) - begin > QUOTE_CHARACTERS and stop > begin:
            yield from _trimmed(text, begin, stop)
            begin = stop
        stop += len(line)
        while stop - begin > QUOTE_CHARACTERS:
            yield from _trimmed(text, begin, begin + QUOTE_CHARACTERS)
            begin += QUOTE_CHARACTERS
    yield from _trimmed(text, begin, stop)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    piece = text[start:end]
    if piece.strip():
        yield start + len(piece) - len(piece.lstrip()), end - (len(piece) - len(piece.rstrip()))
