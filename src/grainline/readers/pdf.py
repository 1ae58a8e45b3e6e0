"""PDF by its text layer: a part for each page, headings from the bookmarks, paragraphs by where their lines stand, tables by the rules
between their cells or by their captions, figures by their captions. A page that is only a picture is read by OCR where that is installed,
and so are the words in pictures on other pages.

Left out: running heads and page numbers, annotations, forms, embedded files. A table with neither rules nor a caption is lines of text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.apart import parse_apart
from grainline.readers.build import Layout, document, flow
from grainline.readers.pdf_blocks import Block, Line, blocks_of, without_running_heads, words_of
from grainline.readers.pdf_parts import Page, parts_of, with_names
from grainline.readers.pdf_pictures import with_words
from grainline.readers.pdf_ruled import lines_of, relations, ruled_on
from grainline.readers.pdf_scans import read_scans
from grainline.types import Document, Limits

LONGEST_TITLE = 3  #: lines that a heading may take
NUMBERING = 12  #: characters before the words of a heading ("Chapter 10") that only the page or only the bookmark may have
LONGEST_NAME = 300  #: characters of a bookmark
EFFORT = 3_000_000  #: lines that are compared with bookmarks; a book of 1,000 pages comes to a tenth
_CONVERTED = re.compile(r"^(?:Microsoft (?:Word|PowerPoint|Excel) - )|\.(?:docx?|pptx?|xlsx?|dvi|tex|indd|pdf)$", re.I)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A bookmark: lines `first` to `last` of its page are its words (`found`), or else the nearest to where it points.

    `sought` says that its words, if they are no lines, may still stand in the text.
    """

    name: str
    level: int
    first: int
    last: int
    found: bool
    sought: bool = True


class Pdf:
    """Reads `.pdf`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; `meta` has "pages" and "pages_without_text", a page's `meta` its "label" if that is not its number.

        Where pages are scans, `meta` has "ocr" (what read them), "ocr_pages" (their numbers), and "notes" on those that were not read; for
        pictures on other pages it is that of `pictures.Words`.
        Raises `UnreadableError` for what is damaged, encrypted, or has no text at all, and `LimitError`.
        """
        found = parse_apart("grainline.readers.pdf_text:pages_of", data, limits)
        pages = [[Line(*line) for line in page] for page in found["pages"]]
        scans = read_scans(data, pages, found["pictures"], found["sizes"], limits)
        for number, lines in scans.pages.items():
            pages[number] = lines
        if not any(pages):
            if found["damaged"]:
                raise UnreadableError(f"damaged PDF: none of its {len(pages)} pages can be read")
            raise UnreadableError(f"no text layer: {'; '.join(scans.notes) or f'{len(pages)} pages without words'}")
        title = _CONVERTED.sub("", found["title"]).strip() or _largest_words(pages)
        meta = {"pages": len(pages), "pages_without_text": sum(1 for page in pages if not page)}
        meta |= {"author": found["author"]} if found["author"] else {}
        meta |= scans.meta()
        cells = {
            line: cut for number, lines in found["cells"].items() for line, cut in zip(pages[int(number)], lines, strict=False)
        }
        words = words_of(pages)
        shown = {int(number): tables for number, tables in found["tables"].items() if int(number) not in scans.pages}
        before, pages = pages, without_running_heads(pages, {number: lines_of(tables) for number, tables in shown.items()})
        marks = _marks(found["outline"], pages)
        layout = Layout()
        laid: list[Page] = []
        for number, lines in enumerate(pages):
            here = marks.get(number, [])
            edges = {edge for mark in here if mark.found for edge in (mark.first, mark.last + 1)}
            tables = ruled_on(shown.get(number, ()), before[number], lines, words)
            blocks = blocks_of(lines, words, frozenset(edges), relations(tables))
            spans = _write_page(layout, number, found["labels"][number], blocks, here, number in scans.pages)
            firsts = frozenset(block.first for block in blocks)
            pictures = [] if number in scans.pages else found["pictures"][number]
            headings = [(mark.first, mark.name) for mark in here]
            laid.append(Page(str(number + 1), found["sizes"][number], lines, spans, firsts, cells, pictures, tables, headings))
        text = layout.text()
        laid = with_names(laid)
        parts, said = with_words(data, laid, [list(parts_of(page, text)) for page in laid], limits)
        for part in parts:
            layout.mark(part.kind, part.start, part.end, part.name, meta=part.meta)
        yield document(source, title, text, limits, parts=layout.parts(), meta=said.meta(meta))


def _largest_words(pages: Sequence[Sequence[Line]]) -> str:
    """The words on the first page in the largest letters, if these are larger than those of most lines."""
    first = next(filter(None, pages))
    size = max(line.height for line in first)
    large = [line.text for line in first if line.height > 0.95 * size]
    usual = median(line.height for page in pages for line in page)
    return flow("\n".join(large[:LONGEST_TITLE])) if size > 1.15 * usual else ""


def _bare(text: str) -> str:
    """Letters and digits alone: what a bookmark and the page have in common."""
    return "".join(filter(str.isalnum, text.casefold()))


def _marks(outline: Sequence[Any], pages: Sequence[Sequence[Line]]) -> dict[int, list[_Mark]]:
    """The bookmarks by the pages that they stand on; one of a page without text goes to the next page that has some."""
    marks: dict[int, list[_Mark]] = {}
    bare = [[_bare(line.text) for line in page] for page in pages]
    effort = 0
    for title, level, page, top in outline:
        name = flow(title)[:LONGEST_NAME]
        place = next((number for number in range(page, len(pages)) if pages[number]), None) if page is not None else None
        if not name or place is None:
            continue
        here = marks.setdefault(place, [])
        effort += len(pages[place])
        if effort > EFFORT:
            here.append(_Mark(name, level, 0, 0, found=False, sought=False))
            continue
        taken = {line for mark in here if mark.found for line in range(mark.first, mark.last + 1)}
        spots = [spot for spot in _spots(_bare(name), bare[place]) if taken.isdisjoint(range(spot[1], spot[2] + 1))]
        top = top if place == page else None
        lines = pages[place]
        if spots:
            best = min(spots, key=lambda spot: (spot[0], _distance(lines[spot[1]], top), spot[1]))
            here.append(_Mark(name, level, best[1], best[2], found=True))
        else:
            nearest = 0 if top is None else min(range(len(lines)), key=lambda line: _distance(lines[line], top))
            here.append(_Mark(name, level, nearest, nearest, found=False))
    return marks


def _distance(line: Line, top: float | None) -> float:
    return 0.0 if top is None else abs(line.bottom + line.height - top)


def _spots(name: str, bare: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Where whole lines are the words of a bookmark: how many letters of numbering they differ by, first and last line."""
    for first in range(len(bare) if name else 0):
        words = ""
        for last in range(first, min(first + LONGEST_TITLE, len(bare))):
            words += bare[last]
            if not bare[last] or len(words) > len(name) + NUMBERING:
                break
            difference = abs(len(words) - len(name))
            longer, shorter = (words, name) if len(words) > len(name) else (name, words)
            if longer.endswith(shorter) and difference <= NUMBERING and difference < len(shorter):
                yield difference, first, last


def _inside(name: str, texts: Sequence[tuple[int, str]]) -> tuple[int, int] | None:
    """Where the words of a bookmark stand in texts that are given with their places in the document."""
    pattern = re.compile(r"\s*".join(map(re.escape, name.split())), re.I)
    for start, text in texts:
        if found := pattern.search(text):
            return start + found.start(), start + found.end()
    return None


def _write_page(
    layout: Layout, number: int, label: str, blocks: Sequence[Block], marks: Sequence[_Mark], is_scan: bool
) -> dict[int, tuple[int, int]]:
    """Add the blocks of a page; a bookmark whose words are lines of it is a block, any other one a span in the text.

    Returns the spans of the page's lines in the document.
    """
    if not blocks:
        return {}
    headings = {mark.first: mark for mark in marks if mark.found}
    page_start = layout.length + (2 if layout.length else 0)
    spans: dict[int, tuple[int, int]] = {}  # of each line in the document
    texts: list[tuple[int, str]] = []
    for block in blocks:
        mark = headings.get(block.first)
        if mark is not None:
            layout.add(block.text, "heading", name=mark.name, level=mark.level)
        else:
            layout.add(block.text, "prose")
        start = layout.length - len(block.text)
        texts.append((start, block.text))
        for place, (begin, end) in enumerate(zip(block.starts, (*block.starts[1:], len(block.text)), strict=True)):
            inked = len(block.text[begin:end].rstrip())
            spans[block.first + place] = start + begin, start + begin + inked
    for mark in marks:
        if not mark.found:
            layout.mark(
                "heading", *(_inside(mark.name, texts) if mark.sought else None) or spans[mark.first], mark.name, mark.level
            )
    meta: dict[str, Any] = {"label": label} if label not in ("", str(number + 1)) else {}
    meta |= {"ocr": True} if is_scan else {}
    layout.mark("page", page_start, layout.length, str(number + 1), meta=meta)
    return spans
