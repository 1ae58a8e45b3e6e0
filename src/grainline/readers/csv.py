"""Tables in text (CSV, TSV and kin): the text is the source, so that every row and line is the file's own."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grainline.errors import LimitError, UnreadableError
from grainline.readers.build import decode, document, title_of
from grainline.readers.csv_large import FIRST_ROWS, HEAD_BYTES, NAMED, encoding_of, head_of, rows_of, stream
from grainline.types import Document, Limits, Part

#: where two delimiters cut all rows alike, the one that is rarer inside cells is meant
DELIMITERS = "\t;|,"
#: characters and rows that are looked at to tell the delimiter and the header
SAMPLE_CHARACTERS = 1 << 16
SAMPLE_ROWS = 200
#: a longer first cell, or one with the end of a sentence, is no column name
NAME_CHARACTERS = 80

NUMBER = re.compile(r"[-+(]?[$€£¥￥]?\s*\d[\d.,\s]*(?:[eE][-+]?\d+)?\s*[%)]?|(?i:nan|inf|null|none|true|false)")
DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?(?:[T ].*)?|\d{1,2}:\d\d.*")
YEAR = re.compile(r"(?:1[89]|20)\d\d(?:年|年度)?")
SENTENCE = re.compile(r".*[.。!！?？;；]\s*|.*\n.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one row and its span in the text, without the newline at its end."""

    start: int
    end: int
    cells: list[str]


class Csv:
    """Reads `.csv`, `.tsv` and kin, with `,`, `;`, tab or `|` between the cells, quoted as in RFC 4180 or not at all."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document: a table part over header and row parts, each the source's own lines.

        The table's `meta` has "columns" (the header's cells; empty if there is no header) and "delimiter". Rows may be ragged. Of more
        than `limits.rows` rows the text has the first ones, and the document's `meta` has "rows_left_out" and "encoding". Raises
        `UnreadableError` for binary data.
        """
        text = decode(data)
        first, delimiter = _form(text, source)
        try:
            rows = read_rows(text, delimiter, limits, first)
        except LimitError:
            count = sum(1 for _ in rows_of(io.StringIO(text[first:], newline="\n"), delimiter))
            yield _first_rows(text[:HEAD_BYTES], source, limits, count, encoding_of(data))
            return
        parts = tuple(_parts(rows, title_of(source), delimiter)) if rows else ()
        yield document(source, title_of(source), text, limits, parts=parts)

    def read_in_place(self, path: Path, source: str, limits: Limits) -> Iterator[Document]:
        """As `read`, for a file that is too large for memory: a document with its first rows. Raises `OSError` too."""
        text, encoding = head_of(path)
        _, delimiter = _form(text, source)
        count = sum(1 for _ in stream(path, encoding, delimiter))
        yield _first_rows(text, source, limits, count, encoding)


def _form(text: str, source: str) -> tuple[int, str]:
    """Where the rows of a text start, and what stands between their cells."""
    named = NAMED.match(text)
    is_tabbed = source.lower().endswith((".tsv", ".tab"))
    delimiter = named.group(1) if named else "\t" if is_tabbed else delimiter_of(text[:SAMPLE_CHARACTERS])
    return named.end() if named else 0, delimiter


def _first_rows(text: str, source: str, limits: Limits, count: int, encoding: str) -> Document:
    """A document with the first rows of a table of `count` rows, the header with them."""
    first, delimiter = _form(text, source)
    most = min(FIRST_ROWS, limits.rows)
    lines = io.StringIO(text, newline="\n")
    head = "".join(line for line, _ in zip(lines, range(4 * most), strict=False))
    rows = read_rows(head, delimiter, replace(limits, rows=len(head)), first)[:most]
    if not rows:
        raise UnreadableError(f"no row ends in its first {HEAD_BYTES:,} bytes")
    parts = tuple(_parts(rows, title_of(source), delimiter))
    meta = {"rows_left_out": count - len(rows), "encoding": encoding}
    return document(source, title_of(source), text[: rows[-1].end], limits, parts=parts, meta=meta)


def delimiter_of(sample: str) -> str:
    """The delimiter that cuts most rows of the sample into the same number of cells; "," if none cuts anything.

    >>> delimiter_of("name;price\\nA;1,5\\nB;2,0\\n")
    ';'
    """
    lines = sample.split("\n")
    whole = "\n".join(lines[:-1] if len(lines) > 1 and len(sample) >= SAMPLE_CHARACTERS else lines)
    best, delimiter = 0.0, ","
    for candidate in DELIMITERS:
        if candidate not in whole:
            continue
        try:
            rows = [
                row for row, _ in zip(csv.reader(io.StringIO(whole), delimiter=candidate), range(SAMPLE_ROWS), strict=False)
            ]
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if row)
        width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
        share = count / max(1, widths.total())
        if width > 1 and share > best:
            best, delimiter = share, candidate
    return delimiter


def read_rows(text: str, delimiter: str, limits: Limits, first: int = 0) -> list[Row]:
    """The rows of `text` from offset `first` that are not blank; raises `LimitError` for more than `limits.rows`."""
    csv.field_size_limit(max(csv.field_size_limit(), limits.characters))  # for the whole process, so never lowered
    rows: list[Row] = []
    quoting: int = csv.QUOTE_MINIMAL
    position = first
    while position < len(text):
        position, unclosed = _read_run(text, delimiter, quoting, position, rows, limits)
        if unclosed is not None:
            # a quote that nothing closes has swallowed the rest: there the file does not quote at all
            position = rows[unclosed].start
            del rows[unclosed:]
            quoting = csv.QUOTE_NONE
    if len(rows) > limits.rows:
        raise LimitError("rows", len(rows), limits.rows)
    return rows


def _read_run(
    text: str, delimiter: str, quoting: int, position: int, rows: list[Row], limits: Limits
) -> tuple[int, int | None]:
    """Append rows until the text ends; returns where reading stopped and the index of a last row whose quote is open."""
    lengths: list[int] = []

    def lines() -> Iterator[str]:
        """The lines, noting how long each one is that the reader takes for a row."""
        for line in io.StringIO(text[position:], newline="\n"):
            lengths.append(len(line))
            yield line

    start = position
    try:
        for cells in csv.reader(lines(), delimiter=delimiter, quoting=quoting):  # type: ignore[arg-type]
            stop = start + sum(lengths)
            line_count = len(lengths)
            lengths.clear()
            if any(cells) or text[start:stop].strip():
                end = stop - text.endswith("\n", start, stop)
                rows.append(Row(start, end, cells))
                if line_count > 1 and stop == len(text) and text.count('"', start, stop) % 2:
                    return stop, len(rows) - 1
            start = stop
            if len(rows) > limits.rows:
                break
    except csv.Error as error:
        raise UnreadableError(f"not a table: {error} (character {start})") from None
    return len(text), None


def header_of(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: its cells are short, distinct words, over cells of another kind or other words.

    >>> header_of([["name", "born"], ["Ada", "1815"]]), header_of([["Ada", "1815"], ["Alan", "1912"]])
    (True, False)
    """
    first = [cell.strip() for cell in rows[0]]
    words = [cell for cell in first if cell]
    if len(set(words)) < len(words) or len(words) < max(1, len(first) - 1) or not all(map(_may_name, words)):
        return False
    if all(YEAR.fullmatch(word) for word in words):
        return False
    body = rows[1:SAMPLE_ROWS]
    if len(first) == 1:
        return bool(body) and all(_is_value(row[0].strip()) for row in body if row and row[0])
    columns = [[row[index].strip() for row in body if index < len(row)] for index in range(len(first))]
    return not any(name and _is_alike(name, column) for name, column in zip(first, columns, strict=True))


def _is_alike(name: str, column: Sequence[str]) -> bool:
    """Whether `name` could be one more value of the column: it is there again, or is a year over years."""
    return name in column or (bool(YEAR.fullmatch(name)) and any(map(YEAR.fullmatch, column)))


def _may_name(cell: str) -> bool:
    is_short = len(cell) <= NAME_CHARACTERS and not SENTENCE.fullmatch(cell)
    return is_short and (bool(YEAR.fullmatch(cell)) or not _is_value(cell))


def _is_value(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell) or DATE.fullmatch(cell))


def _parts(rows: Sequence[Row], name: str, delimiter: str) -> Iterator[Part]:
    has_header = header_of([row.cells for row in rows[:SAMPLE_ROWS]])
    columns = [" ".join(cell.split()) for cell in rows[0].cells] if has_header else []
    yield Part("table", rows[0].start, rows[-1].end, name, meta={"columns": columns, "delimiter": delimiter})
    for number, row in enumerate(rows):
        yield Part("header" if has_header and number == 0 else "row", row.start, row.end)
