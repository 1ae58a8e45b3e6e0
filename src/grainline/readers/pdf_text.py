"""The text layer of a PDF, line by line with its place on the page. pdfium runs apart, see `readers.apart`: this is its side.

A page is a list of lines, a line is [text, left, right, bottom, height] in points, from the lower left corner of the page; a hyphen
that pdfium takes for the mark of a broken word is HYPHEN at the end of the line. A picture is [left, bottom, right, top].
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from ctypes import c_float
from itertools import islice
from statistics import median
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.apart import Exceeded
from grainline.readers.captions import read_caption
from grainline.types import Limits

HYPHEN = "\u00ad"
BOOKMARKS = 50_000  #: entries of an outline that are looked at
SAMPLED = 8  #: characters of a line whose boxes are asked for
STRETCH = 0.6  #: of the line's height: a wider gap between Chinese characters is meant
CELL_GAP = 1.0  #: of the line's height: a wider gap in a line of a table parts two cells
OBJECTS = 5_000  #: things drawn on a page that are looked at for pictures
PICTURES = 200  #: pictures of a page
SMALLEST = 12.0  #: points that a picture has in both directions
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
    height]) of the pages, and "cells": for pages with the caption of a table, the cells of each of their lines.

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
    pages: list[list[list[Any]]] = []
    pictures: list[list[list[float]]] = []
    sizes: list[list[float]] = []
    cells: dict[int, list[list[str]]] = {}
    damaged = size = 0
    for index in range(count):
        lines, drawn, sized = [], [], [0.0, 0.0]
        try:
            page = pdf[index]
            text = page.get_textpage()
            lines, drawn, sized = _lines(text), _pictures(page), [round(side, 1) for side in page.get_size()]
            captions = (read_caption(line[0]) for line in lines)
            if any(caption is not None and caption.kind == "table" for caption in captions):
                cells[index] = _lines(text, _Line.cells)
            page.close()
        except pypdfium2.PdfiumError:
            damaged += 1
        pages.append(lines)
        pictures.append(drawn)
        sizes.append(sized)
        size += sum(len(line[0]) for line in lines)
        if size > limits.characters:
            raise Exceeded("characters", size, limits.characters)
    return {
        "title": pdf.get_metadata_value("Title"),
        "author": pdf.get_metadata_value("Author"),
        "pages": pages,
        "labels": [pdf.get_page_label(index) for index in range(count)],
        "damaged": damaged,
        "outline": [_bookmark(bookmark) for bookmark in islice(pdf.get_toc(), BOOKMARKS)],
        "pictures": pictures,
        "sizes": sizes,
        "cells": cells,
    }


def _pictures(page: Any) -> list[list[float]]:
    """The boxes of images and of drawings that came as one piece, in the order of the page's content."""
    from pypdfium2 import raw

    found: list[list[float]] = []
    for number in range(min(raw.FPDFPage_CountObjects(page.raw), OBJECTS)):
        each = raw.FPDFPage_GetObject(page.raw, number)
        if raw.FPDFPageObj_GetType(each) not in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM):
            continue
        sides = [c_float() for _ in range(4)]
        if raw.FPDFPageObj_GetBounds(each, *sides):
            left, bottom, right, top = (round(side.value, 1) for side in sides)
            if min(right - left, top - bottom) >= SMALLEST and len(found) < PICTURES:
                found.append([left, bottom, right, top])
    return found


def _bookmark(bookmark: Any) -> list[Any]:
    target = bookmark.get_dest()
    top = None
    if target is not None:
        mode, numbers = target.get_view()
        place = _TOP_AT.get(mode)
        if place is not None and place < len(numbers) and numbers[place] > 0:
            top = numbers[place]
    return [bookmark.get_title(), bookmark.level + 1, target.get_index() if target is not None else None, top]


def _lines(page: Any, finish: Callable[[_Line], list[list[Any]]] | None = None) -> list[list[Any]]:
    """The lines of a page in the order of its content, or what else `finish` makes of each of them."""
    from pypdfium2 import raw

    finish = finish or _Line.finish
    handle = page.raw
    line = _Line(handle)
    lines: list[list[Any]] = []
    for index in range(page.count_chars()):
        code = raw.FPDFText_GetUnicode(handle, index)
        character = chr(code) if code <= sys.maxunicode else " "
        is_hyphen = character in _PDFIUM_HYPHENS and raw.FPDFText_IsHyphen(handle, index) == 1
        if character not in "\r\n":
            line.add(HYPHEN if is_hyphen else "-" if character in _PDFIUM_HYPHENS else character, index)
        if is_hyphen or character in "\r\n":
            lines += finish(line)
            line = _Line(handle)
    return lines + finish(line)


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
            if any(first <= character <= last for first, last in _FORMS):
                character = unicodedata.normalize("NFKC", character)
            self._characters.append(character)
            self._places.append(place)

    def finish(self) -> list[list[Any]]:
        """The line in a list; nothing if it is blank."""
        inked = [number for number, character in enumerate(self._characters) if not character.isspace()]
        if not inked:
            return []
        first, last = inked[0], inked[-1]
        text = "".join(
            character
            for number, character in enumerate(self._characters[first : last + 1], first)
            if character != " " or not self._is_stretch(number)
        )
        boxes = [self._box(number) for number in inked[:: max(len(inked) // SAMPLED, 1)]]
        bottom, height = median(box[1] for box in boxes), median(box[3] - box[1] for box in boxes)
        return [[text, *(round(value, 1) for value in (self._box(first)[0], self._box(last)[2], bottom, height))]]

    def cells(self) -> list[list[str]]:
        """What wide gaps cut the line into, in a list; nothing if it is blank."""
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
        return [cells] if cells else []

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
