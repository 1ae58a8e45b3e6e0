"""PowerPoint presentations: a page a slide, with its title, text, tables, charts, diagrams, the speaker's notes, and pictures with the
words in them as far as OCR reads them.

Left out: what a slide takes over from its master, comments, animations, embedded files.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from grainline.errors import LimitError, UnreadableError
from grainline.readers.archive import Archive, parse_xml
from grainline.readers.build import Layout, document, flow
from grainline.readers.captions import labelled
from grainline.readers.docx import add_pictured, alternative_of, original_of, transitional
from grainline.readers.pictures import Words, of_archive
from grainline.types import Document, Limits

_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")  #: placeholders that are the same on every slide
CARRIED = 200  #: characters of a cell that are repeated in the rows that it spans


class Pptx:
    """Reads `.pptx`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; `meta` has "pages", and that of `pictures.Words`. A slide of nothing but pictures has their words for text.

        Raises `UnreadableError` for what is damaged, encrypted or no presentation, and `LimitError`.
        """
        archive = Archive(data, limits)
        import pptx

        layout = Layout()
        try:
            presentation = pptx.Presentation(io.BytesIO(transitional(data, archive)))
            slides = len(presentation.slides)
            if slides > limits.pages:
                raise LimitError("pages", slides, limits.pages)
            parts_of_slides = [slide.part for slide in presentation.slides]
            words = of_archive(archive, [member for part in parts_of_slides for member in _members(part)], limits)
            for number, part in enumerate(parts_of_slides, 1):
                _Slide(part, layout, words).write(number)
            named = presentation.core_properties.title or ""
        except RecursionError as error:
            raise UnreadableError("nested too deeply") from error
        except UnreadableError:
            raise
        except Exception as error:  # python-pptx trusts that every piece is there and well formed
            raise UnreadableError(f"damaged, or no presentation: {error}") from error
        text = layout.text()
        parts = labelled(text, layout.parts())
        named = "" if named in ("PowerPoint Presentation", "PowerPoint 演示文稿") else named  # what the programs put there
        title = next((part.name for part in parts if part.kind == "heading"), named)
        yield document(source, title, text, limits, parts=parts, meta=words.meta({"pages": slides}))


class _Slide:
    """Adds one slide to the layout."""

    def __init__(self, part: Any, layout: Layout, words: Words[str]) -> None:
        self._part = part
        self._layout = layout
        self._words_of = words
        self._number = 0
        self._title = (0, 0)  # the span of the slide's title
        self._unnamed: list[dict[str, Any]] = []  # pictures that have words, on a slide without a title

    def write(self, number: int) -> None:
        """Add the title, then all else in the order of the slide, then the notes, as a page of this number."""
        layout, root = self._layout, parse_xml(self._part.blob)
        self._number = number
        start = layout.length + (2 if layout.length else 0)
        shapes = list(_shapes(root.find(f"{_P}cSld/{_P}spTree")))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES][:1]
        for shape in titles:
            words = flow(_text(shape))
            layout.add(words, "heading", name=words, level=1)
            self._title = layout.length - len(words), layout.length
        for shape in shapes:
            if shape not in titles and _placeholder(shape) not in _FURNITURE:
                self._shape(shape)
        for shape in self._notes():
            layout.add(_text(shape), "prose", meta={"notes": True})
        self._place(start)
        if layout.length > start:
            layout.mark(
                "page", start, layout.length, str(number), meta={"hidden": True} if root.get("show") in ("0", "false") else {}
            )

    def _place(self, start: int) -> None:
        """Put the pictures that nothing names to the first line of the slide, which begins at `start`; if it has none, add their words."""
        line = self._layout.text()[start:].partition("\n")[0] if self._unnamed else ""
        for meta in self._unnamed:
            if line:
                self._layout.mark("image", start, start + len(line), meta=meta)
            else:
                add_pictured(self._layout, meta)

    def _notes(self) -> Iterator[Any]:
        for relation in self._part.rels.values():
            if relation.reltype.endswith("/notesSlide") and not relation.is_external:
                tree = parse_xml(relation.target_part.blob).find(f"{_P}cSld/{_P}spTree")
                yield from (shape for shape in _shapes(tree) if _placeholder(shape) not in _FURNITURE)

    def _shape(self, shape: Any) -> None:
        if shape.tag == _P + "sp":
            self._layout.add(_text(shape), "prose")
        elif shape.tag == _P + "graphicFrame":
            for table in shape.iter(_A + "tbl"):
                self._table(table)
            for chart in shape.iter(_C + "chart"):
                if (root := self._related(chart.get(_R + "id"))) is not None:
                    self._chart(root)
            for diagram in shape.iter(_DGM + "relIds"):
                if (root := self._related(diagram.get(_R + "dm"))) is not None:
                    self._layout.add("\n".join(filter(None, map(_text, root.iter(_DGM + "pt")))), "prose")
        properties = next(shape.iter(_P + "cNvPr"), None)
        words = alternative_of(properties) if properties is not None else ""
        blip = next(shape.iter(_A + "blip"), None)
        relation = self._part.rels.get(blip.get(_R + "embed")) if blip is not None else None
        original = original_of(relation)
        meta = {**original, **self._words_of.of(original.get("member")), "page": str(self._number)}
        if words:
            self._layout.add(words, "image", name=words, meta=meta)
        elif shape.tag == _P + "pic" and self._title[0] < self._title[1] and "src" in meta:
            self._layout.mark("image", *self._title, meta=meta)  # all that names it is the title of its slide
        elif "ocr" in meta:
            self._unnamed.append(meta)

    def _related(self, key: str | None) -> Any:
        """The root of the XML part that a relation of the slide leads to; None if it leads nowhere or out of the file."""
        relation = self._part.rels.get(key)
        return None if relation is None or relation.is_external else parse_xml(relation.target_part.blob)

    def _table(self, table: Any) -> None:
        grid: list[list[str]] = []
        for row in table.iterfind(_A + "tr"):
            line: list[str] = []
            for column, cell in enumerate(row.iterfind(_A + "tc")):
                words = flow(_text(cell))
                if cell.get("vMerge") in ("1", "true") and grid and column < len(grid[-1]):
                    words = grid[-1][column][:CARRIED]
                line.append(words)
            grid.append(line)
        self._layout.add_table(grid, headers=min(1, len(grid) - 1), meta={"page": str(self._number)})

    def _chart(self, root: Any) -> None:
        """A chart as the table that it draws: a row a category, a column a series."""
        title = next((flow(_text(each)) for each in root.iterfind(f"{_C}chart/{_C}title")), "")
        self._layout.add(title, "prose")
        series = list(root.iter(_C + "ser"))
        columns = [_points(each, "val") or _points(each, "yVal") for each in series]
        categories = next((found for each in series if (found := _points(each, "cat") or _points(each, "xVal"))), {})
        names = ["".join(value.text or "" for tx in each.iterfind(_C + "tx") for value in tx.iter(_C + "v")) for each in series]
        keys = sorted(set(categories).union(*columns))
        rows = [[categories.get(key, ""), *(column.get(key, "") for column in columns)] for key in keys]
        if rows:
            self._layout.add_table([["", *names], *rows], name=title, meta={"page": str(self._number)})


def _members(slide: Any) -> list[str]:
    """The pictures that a slide refers to, by their names in the archive."""
    relations = [relation for relation in slide.rels.values() if relation.reltype.endswith("/image")]
    return [original["member"] for relation in relations if "member" in (original := original_of(relation))]


def _points(series: Any, name: str) -> dict[int, str]:
    """The values that a chart keeps of a series, by their place."""
    found: dict[int, str] = {}
    for holder in series.iterfind(_C + name):
        for point in holder.iter(_C + "pt"):
            place = point.get("idx", "")
            if place.isdecimal() and len(place) < 7:
                found.setdefault(int(place), point.findtext(_C + "v", ""))
    return found


def _shapes(tree: Any) -> Iterator[Any]:
    """All shapes, those of groups in the group's place."""
    for child in () if tree is None else tree:
        if child.tag in (_P + "sp", _P + "pic", _P + "graphicFrame"):
            yield child
        elif child.tag == _P + "grpSp":
            yield from _shapes(child)
        elif child.tag == _MC + "AlternateContent":
            yield from _shapes(child.find(_MC + "Choice"))


def _placeholder(shape: Any) -> str:
    """Which placeholder of the layout a shape fills; "" for none, "obj" for one without a type."""
    for placeholder in shape.iterfind(f"*/{_P}nvPr/{_P}ph"):
        return str(placeholder.get("type", "obj"))
    return ""


def _text(element: Any) -> str:
    """The paragraphs in an element, one a line, indented by their level; formulas and fields with the rest."""
    lines = []
    for paragraph in element.iter(_A + "p"):
        level = next((each.get("lvl", "0") for each in paragraph.iterfind(_A + "pPr")), "0")
        pieces = [_A + "t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t", _A + "br"]
        words = flow("".join(" " if each.tag == _A + "br" else each.text or "" for each in paragraph.iter(pieces)))
        if words:
            lines.append(("  " * int(level) if level.isdecimal() and len(level) < 2 else "") + words)
    return "\n".join(lines).lstrip()
