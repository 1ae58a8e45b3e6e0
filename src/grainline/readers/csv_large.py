"""Tables in text with too many rows for a document: the first ones as its text, all of them as a stream from the file in its place."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from grainline.errors import UnreadableError
from grainline.readers.build import BOMS

#: rows of a large table that its text has: what it looks like; SQL reads the others where they lie
FIRST_ROWS = 2_000
#: bytes at the start of a file in which these are looked for, and that tell its encoding
HEAD_BYTES = 4 << 20
#: characters of one cell; a quote that nothing closes would make one of the whole file
LONGEST_CELL = 32 << 20
#: what a spreadsheet program writes first to say what stands between the cells
NAMED = re.compile(r"sep=([,;|\t])\n")


def encoding_of(head: bytes) -> str:
    """The encoding of a text by its first bytes: by its mark, else UTF-8, else GB18030; raises `UnreadableError` for no text."""
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return {"utf-8": "utf-8-sig", "utf-16-le": "utf-16", "utf-16-be": "utf-16"}.get(encoding, "utf-32")
    for encoding in ("utf-8", "gb18030"):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            raise UnreadableError("holds NUL characters: it looks binary")
        return encoding
    raise UnreadableError("broken encoding: not UTF-8, UTF-16 or GB18030")


def head_of(path: Path) -> tuple[str, str]:
    """Whole lines at the start of a file, and its encoding; raises `OSError`, `UnreadableError`."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    encoding = encoding_of(head)
    text = codecs.getincrementaldecoder(encoding)().decode(head).replace("\r\n", "\n").replace("\r", "\n")
    return text[: text.rfind("\n") + 1] if len(head) == HEAD_BYTES else text, encoding


def stream(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """The rows of a file, the header too, that are not blank; raises `OSError`, `UnreadableError`."""
    try:
        with path.open(encoding=encoding) as file:
            if not NAMED.fullmatch(file.readline(16)):
                file.seek(0)
            yield from rows_of(file, delimiter)
    except UnicodeDecodeError as error:
        raise UnreadableError(f"broken encoding: not {encoding} (at byte {error.start} of a piece of it)") from None


def rows_of(lines: Iterable[str], delimiter: str) -> Iterator[list[str]]:
    """The rows in lines that are not blank; raises `UnreadableError`."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST_CELL))  # for the whole process, so never lowered
    try:
        yield from (row for row in csv.reader(lines, delimiter=delimiter) if row and row != [""])
    except csv.Error as error:
        raise UnreadableError(f"not a table: {error}") from None
