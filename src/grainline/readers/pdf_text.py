"""The text layer of a PDF, line by line with its place on the page. pdfium runs apart, see `readers.apart`: this is its side.

A page is a list of lines, a line is [text, left, right, bottom, height] in points, from the lower left corner of the page; a hyphen
that pdfium takes for the mark of a broken word is HYPHEN at the end of the line. A picture is [left, bottom, right, top]. Lines are in the
order of the page's content, but those of a table that rules show go row by row.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from itertools import islice
from statistics import median
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.apart import Exceeded
from grainline.readers.captions import read_caption
from grainline.readers.pdf_cells import Glyph
from grainline.readers.pdf_grids import grids_of
from grainline.readers.pdf_rules import drawn_on
from grainline.readers.pdf_tables import Table, in_rows, tables_of
from grainline.types import Limits

HYPHEN = "\u00ad"
BOOKMARKS = 50_000  #: entries of an outline that are looked at
SAMPLED = 8  #: characters of a line whose boxes are asked for
STRETCH = 0.6  #: of the line's height: a wider gap between Chinese characters is meant
SPREAD = 1.3  #: of the room between two letters: no more of it is no blank
SHADOW = 0.25  #: of the line's height: the same words nearer than this to themselves are one line
CELL_GAP = 1.0  #: of the line's height: a wider gap in a line of a table parts two cells
_PDFIUM_HYPHENS = ("\x02", "\ufffe")
#: presentation forms (ligatures, radicals and ideographs for compatibility) that fonts use in place of the letters meant
_FORMS = (("\u2e80", "\u2fdf"), ("\uf900", "\ufaff"), ("\ufb00", "\ufb06"))
_BULLETS = "\uf0b7\uf0a7\uf0d8\uf06c\uf06e\uf076\uf0fc"  #: those of the Symbol and Wingdings fonts
_REASONS = {
    3: "damaged, or no PDF",
    4: "encrypted PDF: it needs a password",
    5: "encrypted PDF, in a way that is not supported",
}
_TOP_AT = {1: 1, 3: 0, 5: 3, 7: 0}  #: where the upper edge stands among the numbers of each kind of destination


def pages_of(data: bytes, limits: Limits) -> dict[str, Any]:
    """What a PDF holds: "title", "author", "pages" (lists of lines), "labels" (of the pages), "damaged" (their number),
    "outline", a list of [title, level from 1, page from 0 or None, upper edge there in points or None], "pictures" and "sizes" ([width,
    height]) of the pages, "cells": for pages with the caption of a table, the cells of each of their lines, and "tables": for pages with
    such as rules show, these, see `pdf_tables.Table`.

    Raises `UnreadableError` for what is damaged or encrypted, `Exceeded` for more than `limits.pages` or `limits.characters`.
    """
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(_REASONS.get(error.err_code, "damaged, or no PDF")) from error
    count = len(pdf)
    if count > limits.pages:
        raise Exceeded("pages", count, limits.pages)
    pages: list[dict[str, Any]] = []
    damaged = size = 0
    for index in range(count):
        try:
            pages.append(_page(pdf[index]))
        except pypdfium2.PdfiumError:
            pages.append({"lines": [], "pictures": [], "size": [0.0, 0.0]})
            damaged += 1
        size += sum(len(line[0]) for line in pages[-1]["lines"])
        if size > limits.characters:
            raise Exceeded("characters", size, limits.characters)
    return {
        "title": pdf.get_metadata_value("Title"),
        "author": pdf.get_metadata_value("Author"),
        "pages": [page["lines"] for page in pages],
        "labels": [pdf.get_page_label(index) for index in range(count)],
        "damaged": damaged,
        "outline": [_bookmark(bookmark) for bookmark in islice(pdf.get_toc(), BOOKMARKS)],
        "pictures": [page["pictures"] for page in pages],
        "sizes": [page["size"] for page in pages],
        "cells": {index: page["cells"] for index, page in enumerate(pages) if page.get("cells")},
        "tables": {index: page["tables"] for index, page in enumerate(pages) if page.get("tables")},
    }


def _page(page: Any) -> dict[str, Any]:
    """What a page holds: "lines", "pictures", "size", and, where it has such, "cells" and "tables"."""
    text = page.get_textpage()
    pictures, rules = drawn_on(page)
    lines, plain = _once(_lines(text))
    tables, order = _tables(lines, plain, rules)
    found = {"pictures": pictures, "size": [round(side, 1) for side in page.get_size()]}
    captions = (read_caption(line[0]) for line in plain)
    if any(caption is not None and caption.kind == "table" for caption in captions):
        found["cells"] = [lines[number].cells() for number in order]
    found["tables"] = [table.plain() for table in tables]
    page.close()
    return found | {"lines": [plain[number] for number in order]}


def _once(lines: Sequence[_Line]) -> tuple[list[_Line], list[list[Any]]]:
    """The lines, and what is said of them, without those that are drawn over themselves to look bold or to have a shadow."""
    kept: list[_Line] = []
    plain: list[list[Any]] = []
    places: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        said = line.plain()
        text, left, _, bottom, height = said
        same = places.setdefault(text, [])
        if not any(abs(left - other) + abs(bottom - low) < SHADOW * height for other, low in same[-SAMPLED:]):
            same.append((left, bottom))
            kept.append(line)
            plain.append(said)
    return kept, plain


def _tables(
    lines: Sequence[_Line], plain: Sequence[list[Any]], rules: Sequence[Sequence[float]]
) -> tuple[list[Table], list[int]]:
    """The tables that rules show, and the order of the lines in which they go row by row."""
    grids = grids_of(rules) if lines and rules else []
    if not grids:
        return [], list(range(len(lines)))
    places = [(left, right, bottom, height) for _, left, right, bottom, height in plain]
    return in_rows(tables_of(grids, places, lambda number: lines[number].glyphs()), plain)


def _bookmark(bookmark: Any) -> list[Any]:
    target = bookmark.get_dest()
    top = None
    if target is not None:
        mode, numbers = target.get_view()
        place = _TOP_AT.get(mode)
        if place is not None and place < len(numbers) and numbers[place] > 0:
            top = numbers[place]
    return [bookmark.get_title(), bookmark.level + 1, target.get_index() if target is not None else None, top]


def _lines(page: Any) -> list[_Line]:
    """The lines of a page that are not blank, in the order of its content."""
    from pypdfium2 import raw

    handle = page.raw
    lines = [_Line(handle)]
    for index in range(page.count_chars()):
        code = raw.FPDFText_GetUnicode(handle, index)
        character = chr(code) if code <= sys.maxunicode else " "
        is_hyphen = character in _PDFIUM_HYPHENS and raw.FPDFText_IsHyphen(handle, index) == 1
        if character not in "\r\n":
            lines[-1].add(HYPHEN if is_hyphen else "-" if character in _PDFIUM_HYPHENS else character, index)
        if is_hyphen or character in "\r\n":
            lines.append(_Line(handle))
    found = [line for line in lines if not line.is_blank()]
    for line in found:
        line.close_up()
    return found


class _Line:
    """A line while its characters come in, each with its index on the page."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._characters: list[str] = []
        self._places: list[int] = []

    def add(self, character: str, place: int) -> None:
        """Take in the next character and its index on the page."""
        character = "•" if character in _BULLETS else character
        if character == " " or (character > " " and character.isprintable()) or character in f"{HYPHEN}\u3000\xa0":
            if character >= _FORMS[0][0] and any(first <= character <= last for first, last in _FORMS):
                character = unicodedata.normalize("NFKC", character)
            self._characters.append(character)
            self._places.append(place)

    def is_blank(self) -> bool:
        """Whether the line has nothing but white space."""
        return all(map(str.isspace, self._characters))

    def close_up(self) -> None:
        """Take out the blanks that pdfium put between spread letters, in a line with blanks of its own between its words."""
        from pypdfium2 import raw

        blanks = [number for number, character in enumerate(self._characters) if character == " "]
        made = {number for number in blanks if raw.FPDFText_IsGenerated(self._handle, self._places[number]) == 1}
        if not made or len(made) == len(blanks):
            return
        wrong = {number for number in made if self._is_spread(number)}
        if wrong:
            kept = [number for number in range(len(self._characters)) if number not in wrong]
            self._characters = [self._characters[number] for number in kept]
            self._places = [self._places[number] for number in kept]

    def _is_spread(self, number: int) -> bool:
        """Whether a blank is no wider than the room between the two letters before it, or, of a word of one letter, behind it."""
        pairs = ((number - 2, number - 1), (number + 1, number + 2)) if number + 1 < len(self._characters) else ()
        for first, second in pairs:
            if first >= 0 and second < len(self._characters) and " " not in (self._characters[first], self._characters[second]):
                one, other = self._box(first), self._box(second)
                before, after = self._box(number - 1), self._box(number + 1)
                return before[1] == after[1] and 0 < after[0] - before[2] <= SPREAD * (other[0] - one[2])
        return False

    def plain(self) -> list[Any]:
        """The text of the line, its left and right edge, bottom and height."""
        inked = [number for number, character in enumerate(self._characters) if not character.isspace()]
        first, last = inked[0], inked[-1]
        text = "".join(
            character
            for number, character in enumerate(self._characters[first : last + 1], first)
            if character != " " or not self._is_stretch(number)
        )
        boxes = [self._box(number) for number in inked[:: max(len(inked) // SAMPLED, 1)]]
        bottom, height = median(box[1] for box in boxes), median(box[3] - box[1] for box in boxes)
        return [text, *(round(value, 1) for value in (self._box(first)[0], self._box(last)[2], bottom, height))]

    def cells(self) -> list[str]:
        """What wide gaps cut the line into."""
        cells: list[str] = []
        last = -1
        for number, character in enumerate(self._characters):
            if character.isspace():
                continue
            if last < 0:
                cells.append(character)
            elif number - last == 1:
                cells[-1] += character
            else:
                left, right = self._box(last), self._box(number)
                wide = right[0] - left[2] > CELL_GAP * max(left[3] - left[1], 1.0)
                cells += [character] if wide else []
                cells[-1] += "" if wide else ("" if self._is_stretch(number - 1) else " ") + character
            last = number
        return cells

    def glyphs(self) -> list[Glyph]:
        """The characters of the line with their left and right edges."""
        found: list[Glyph] = []
        for number, character in enumerate(self._characters):
            if not character.isspace():
                left, _, right, _ = self._box(number)
                found.append((character, left, right))
            elif found and not (character == " " and 0 < number < len(self._characters) - 1 and self._is_stretch(number)):
                found.append((" ", found[-1][1], found[-1][2]))
        return found

    def _box(self, number: int) -> tuple[float, float, float, float]:
        """Left, bottom, right and top of a character with the room that its font gives it."""
        from pypdfium2 import raw

        box = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self._handle, self._places[number], box)
        return box.left, box.bottom, box.right, box.top

    def _is_stretch(self, number: int) -> bool:
        """Whether a blank is only the room between two Chinese characters of a stretched line, which pdfium took for a blank."""
        from pypdfium2 import raw

        before, after = self._characters[number - 1], self._characters[number + 1]
        if before < "\u2e80" or after < "\u2e80" or raw.FPDFText_IsGenerated(self._handle, self._places[number]) != 1:
            return False
        left, right = self._box(number - 1), self._box(number + 1)
        return right[0] - left[2] < STRETCH * (left[3] - left[1])
