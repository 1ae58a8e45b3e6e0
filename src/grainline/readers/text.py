"""Plain text: the text is the source; paragraphs are its parts. Headings in plain text are a matter of shape, not of reading."""

from __future__ import annotations

import re
from collections.abc import Iterator

from grainline.readers.build import decode, document, title_of
from grainline.types import Document, Limits, Part

_BLOCK = re.compile(r"\S(?:.*\n?)*?(?=\n[ \t]*\n|\s*\Z)")


class Text:
    """Reads `.txt`, logs, configuration and whatever else is text without a structure of its own."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; raises `UnreadableError` where the bytes are not text."""
        text = decode(data)
        parts = tuple(Part("prose", start, end) for start, end in paragraphs(text))
        yield document(source, title_of(source), text, limits, parts=parts)


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Spans of the runs of lines between empty lines, trimmed.

    >>> list(paragraphs("a\\nb\\n\\n  c\\n"))
    [(0, 3), (7, 8)]
    """
    start = end = -1
    offset = 0
    for line in text.splitlines(keepends=True) if "\x0b" not in text else re.split(r"(?<=\n)", text):
        bare = line.strip()
        if bare:
            if start < 0:
                start = offset + line.index(bare[0])
            end = offset + len(line.rstrip())
        elif start >= 0:
            yield start, end
            start = -1
        offset += len(line)
    if start >= 0:
        yield start, end
