"""Word documents: the body in its order, with text boxes, footnotes, tables, the captions and alternative texts of pictures, and the words
in these as far as OCR reads them.

Left out: headers and footers, comments, deleted text, tables of contents (their entries are the headings), embedded files.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers.archive import Archive, parse_xml
from grainline.readers.build import Layout, document, flow
from grainline.readers.captions import labelled, points_below, read_caption
from grainline.readers.docx_styles import BODY, Numbering, Style, Styles, W, number
from grainline.readers.pictures import Words, of_archive
from grainline.types import Document, Limits

_MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_RELATED = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
#: the names of the strict form of the format, which differ from those of the other by how they begin
_STRICT, _XML = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/"), (".xml", ".rels")
#: elements that only hold blocks
_HOLDERS = frozenset(W + name for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag"))
#: elements whose text is not the paragraph's: deleted, moved away, said once more in an older form, a box of its own, ruby
_NOT_TEXT = frozenset((W + "del", W + "moveFrom", _MC + "Fallback", W + "txbxContent", W + "rt", W + "pPr"))
_SPACES = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-"}
_PICTURE_CAPTION = re.compile(r"(?:图|圖|fig(?:ure|\.)?)\s*[\d一二三四五六七八九十]", re.I)
#: names that programs give to files of pictures, and put where a person would say what is to be seen
_FILE = re.compile(
    r"(?:.*[\\/])?(?:image|img|dsc|picture|photo|screenshot|clip_image|图片|截图)?[\s_\-\d()]*\.(?:png|jpe?g|gif|bmp|tiff?|webp|[ew]mf)",
    re.I,
)
_SPOKEN_LENGTH = 120  #: characters from which such words begin a paragraph rather than a caption, unless it is written like one
_TITLES = frozenset(("title", "标题", "標題"))
_CAPTIONS = frozenset(("caption", "题注", "題注", "图表标题"))
WIDEST = 64  #: columns over which Word lets a cell go
CARRIED = 200  #: characters of a cell that are repeated in the rows that it spans


class Docx:
    """Reads `.docx`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; its `meta` is that of `pictures.Words`. A document of nothing but pictures has their words for its text.

        Raises `UnreadableError` for what is damaged, encrypted or no Word document, and `LimitError`.
        """
        archive = Archive(data, limits)
        import docx

        try:
            package = docx.Document(io.BytesIO(transitional(data, archive)))
            words = of_archive(archive, _members(package.element.body, package.part), limits)
            writer = _Writer(package.part, words)
            writer.write(package.element.body)
            named = package.core_properties.title or ""
        except RecursionError as error:
            raise UnreadableError("nested too deeply") from error
        except UnreadableError:
            raise
        except Exception as error:  # python-docx trusts that every piece is there and well formed
            raise UnreadableError(f"damaged, or no Word document: {error}") from error
        text = writer.layout.text()
        parts = labelled(text, writer.layout.parts())
        title = writer.title or ("" if named == "Word Document" else named)  # what python-docx says where there is none
        title = title or next((part.name for part in parts if part.kind == "heading"), "")
        yield document(source, title, text, limits, parts=parts, meta=words.meta())


class _Writer:
    """Walks the body and adds its blocks to a layout; paragraphs of one list are gathered into one block."""

    def __init__(self, part: Any, words: Words[str]) -> None:
        self.layout = Layout()
        self.title = ""
        self._part = part
        self._words_of = words
        self._styles = Styles(self._related("styles"))
        self._numbering = Numbering(self._related("numbering"))
        self._notes: list[tuple[str, str]] = []  # kind and id of each note that was referred to
        self._items: list[str] = []
        self._caption = ""  # the words of the block just added, if it was a caption
        self._pictured = False  # whether the block just added was a picture
        self._original: dict[str, Any] = {}  # where the picture just met lies, and what its words are
        self._pointer = ""  # the last line of the block just added, if it says that a picture follows
        self._shown: list[tuple[int, int, dict[str, Any]]] = []  # where such lines stand whose picture no caption has named yet
        self._first: list[dict[str, Any]] = []  # pictures with words that stand before any text

    def _related(self, kind: str) -> Any:
        """The root of the part of this kind; None if there is none."""
        for relation in self._part.rels.values():
            if relation.reltype == _RELATED + kind and not relation.is_external:
                return parse_xml(relation.target_part.blob)
        return None

    def write(self, body: Any) -> None:
        """Add the body, then the notes that it refers to."""
        self._blocks(body)
        self._flush()
        self._show()
        for kind in ("footnote", "endnote"):
            wanted = dict.fromkeys(each for name, each in self._notes if name == kind)
            root = self._related(f"{kind}s") if wanted else None
            for note in () if root is None else root.iterfind(W + kind):
                if (key := note.get(W + "id", "")) in wanted:
                    self.layout.add(f"[{key}] " + flow(_all_words(note)), "prose", meta={"note": kind})
        for original in self._first:
            add_pictured(self.layout, original)

    def _blocks(self, holder: Any) -> None:
        for element in holder:
            if element.tag == W + "p":
                self._paragraph(element)
            elif element.tag == W + "tbl":
                self._table(element)
            elif element.tag in _HOLDERS:
                self._blocks(element)

    def _flush(self) -> None:
        items, self._items = self._items, []
        if items:
            self._add("\n".join(items).lstrip(), "prose")

    def _show(self) -> None:
        """Make the lines that speak of pictures without a caption stand for them."""
        shown, self._shown = self._shown, []
        for start, end, meta in shown:
            self.layout.mark("image", start, end, meta=meta)

    def _name(self, picture: Any, kind: str) -> None:
        """A block of this kind names a picture: no line needs to stand for it, nor for another one that has no words."""
        if kind == "image":
            self._shown = [each for each in self._shown if "ocr" in each[2] and each[2] is not picture]
            self._first = [each for each in self._first if each is not picture]

    def _add(self, text: str, kind: str, **more: Any) -> None:
        self._name(more.get("meta"), kind)
        self._show()
        start = self.layout.length
        self.layout.add(text, kind, **more)
        if self._first and self.layout.length > start:
            line = text.partition("\n")[0]
            self._shown, self._first = [(start, start + len(line), original) for original in self._first], []
            self._show()
        self._caption, self._pictured = "", False
        self._pointer = text.rpartition("\n")[2].strip() if kind == "prose" and points_below(text) else ""

    def _paragraph(self, element: Any) -> None:
        style = self._styles.of(element)
        name = style.name.lower()
        if name.startswith(("toc ", "目录")):
            return
        lines = [flow(line) for line in "".join(self._pieces(element)).split("\n")]
        text = "\n".join(line for line in lines if line)
        if text:
            self._words(text, style, name)
        for picture in element.iter(_WP + "docPr"):
            self._picture(picture)
        for box in element.iter(W + "txbxContent"):
            if not any(above.tag in (_MC + "Fallback", W + "txbxContent") for above in box.iterancestors()):
                self._blocks(box)

    def _words(self, text: str, style: Style, name: str) -> None:
        label = self._numbering.label(style)
        flat = flow(text)
        if name in _TITLES or style.level < BODY:
            self._flush()
            if name in _TITLES:
                self.title = self.title or flat
            words = label.strip("- ") + " " + flat if label.strip("- ") else flat
            self._add(words, "heading", name=words, level=1 if name in _TITLES else style.level)
        elif label or name.startswith("list"):
            depth = max(style.depth, 0)
            self._items.append("  " * depth + (label or ("- " if "bullet" in name else "")) + text)
        else:
            self._flush()
            if self._pictured and (name in _CAPTIONS or _is_caption(flat)):
                self._add(flat, "image", name=flat, meta=self._original)
            else:
                self._add(text, "prose")
                self._caption = flat if name in _CAPTIONS else ""

    def _pieces(self, element: Any) -> Iterator[str]:
        for child in element:
            tag = child.tag
            if tag in (W + "t", _M + "t"):
                yield child.text or ""
            elif tag in _SPACES:
                yield _SPACES[tag]
            elif tag in (W + "footnoteReference", W + "endnoteReference"):
                kind, key = tag[len(W) : -len("Reference")], child.get(W + "id", "")
                self._notes.append((kind, key))
                yield f"[{key}]"
            elif tag not in _NOT_TEXT:
                yield from self._pieces(child)

    def _picture(self, properties: Any) -> None:
        """A drawing: its alternative text if someone wrote one, and that a caption may follow."""
        if any(above.tag == _MC + "Fallback" for above in properties.iterancestors()):
            return
        self._flush()
        text = alternative_of(properties)
        self._original = self._meta(properties.getparent())
        if text:
            self._add(text, "image", name=text, meta=self._original)
        elif self._pointer and self._original:
            end = self.layout.length
            self._shown = [(end - len(self._pointer), end, self._original)]
        elif "ocr" in self._original:
            self._unnamed(self._original)
        self._caption, self._pictured, self._pointer = "", True, ""

    def _meta(self, drawing: Any) -> dict[str, Any]:
        """Where the picture of a drawing lies, and its words."""
        blip = next(drawing.iter(_A + "blip"), None) if drawing is not None else None
        original = original_of(self._part.rels.get(blip.get(_R + "embed")) if blip is not None else None)
        return {**original, **self._words_of.of(original.get("member"))}

    def _unnamed(self, original: dict[str, Any]) -> None:
        """A picture with words that nothing names goes to the line before it, unless a caption follows; the first one to the first line."""
        end = self.layout.length
        if not end:
            self._first.append(original)
            return
        self._show()
        line = self.layout.text().rpartition("\n")[2].strip()
        self._shown = [(end - len(line), end, original)]

    def _table(self, table: Any) -> None:
        self._flush()
        caption = self._caption
        rows = [row for row in _held(table, W + "tr") if row.find(f"{W}trPr/{W}del") is None]
        cells = [list(_held(row, W + "tc")) for row in rows]
        if len(rows) < 2 or max(map(len, cells)) < 2:  # a frame around something
            for cell in (cell for line in cells for cell in line):
                self._blocks(cell)
            self._flush()
            return
        headers = 0
        while headers < len(rows) - 1 and rows[headers].find(f"{W}trPr/{W}tblHeader") is not None:
            headers += 1
        self.layout.add_table(self._grid(cells), headers=headers or 1, name=caption)
        self._caption, self._pictured = "", False
        for drawing in map(self._meta, table.iter(_WP + "inline", _WP + "anchor")):
            if "ocr" in drawing:
                self._unnamed(drawing)

    def _grid(self, rows: list[list[Any]]) -> list[list[str]]:
        """The words of each cell: those of one that goes on from the row above are said again, one over several columns is followed by
        empty ones."""
        grid: list[list[str]] = []
        above: dict[int, str] = {}
        for cells in rows:
            line: list[str] = []
            here: dict[int, str] = {}
            column = 0
            for cell in cells:
                merged = cell.find(f"{W}tcPr/{W}vMerge")
                words = flow(_all_words(cell))
                if merged is not None and merged.get(W + "val", "continue") == "continue":
                    words = words or above.get(column, "")[:CARRIED]
                span = cell.find(f"{W}tcPr/{W}gridSpan")
                here[column] = words
                wide = max(number(span.get(W + "val")), 1) if span is not None else 1
                column += wide
                line += [words, *[""] * (min(wide, WIDEST) - 1)]
            grid.append(line if len(cells) > 1 else line[:1])
            above = here
        return grid


def transitional(data: bytes, archive: Archive) -> bytes:
    """An Office file with the names that all programs know (ISO/IEC 29500, transitional) in place of those of the strict form.

    Any other file stays as it is.
    """
    if "_rels/.rels" not in archive.names() or _STRICT.search(archive.read("_rels/.rels")) is None:
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        for name in archive.names():
            entry = archive.read(name)
            file.writestr(
                name, _STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/", entry) if name.endswith(_XML) else entry
            )
    return out.getvalue()


def _is_caption(text: str) -> bool:
    """Whether a paragraph behind a picture is its caption."""
    return read_caption(text) is not None or (len(text) <= _SPOKEN_LENGTH and bool(_PICTURE_CAPTION.match(text)))


def _members(body: Any, part: Any) -> list[str]:
    """The pictures in a body by their names in the archive, each as often as it is shown."""
    blips = [
        blip for blip in body.iter(_A + "blip") if not any(above.tag == _MC + "Fallback" for above in blip.iterancestors())
    ]
    found = [original_of(part.rels.get(blip.get(_R + "embed"))) for blip in blips]
    return [original["member"] for original in found if "member" in original]


def alternative_of(properties: Any) -> str:
    """The alternative text of a drawing, if someone wrote one: the name of a file that says nothing is none."""
    words = flow(properties.get("descr") or properties.get("title") or "")
    return "" if _FILE.fullmatch(words) else words


def add_pictured(layout: Layout, meta: Mapping[str, Any]) -> None:
    """Add the words of a picture, its `meta["ocr"]`, as text where there is no other that they could go with."""
    start = layout.length + (2 if layout.length else 0)
    layout.add(str(meta["ocr"]), "prose")
    layout.mark("image", start, layout.length, meta={**meta, "ocr": True})


def original_of(relation: Any) -> dict[str, str]:
    """Where a picture lies that a relation of a part leads to, for `Part.meta`: "member" is its name in the archive, "src" its link."""
    if relation is None:
        return {}
    if relation.is_external:
        return {"src": str(relation.target_ref)}
    return {"src": str(relation.target_ref), "member": str(relation.target_part.partname).lstrip("/")}


def _held(element: Any, tag: str) -> Iterator[Any]:
    """The children with this tag, also inside elements that only hold them."""
    for child in element:
        if child.tag == tag:
            yield child
        elif child.tag in _HOLDERS:
            yield from _held(child, tag)


def _all_words(element: Any) -> str:
    """All text in an element, paragraph after paragraph."""
    pieces = []
    for child in element:
        if child.tag == W + "t" or child.tag == _M + "t":
            pieces.append(child.text or "")
        elif child.tag in _SPACES:
            pieces.append(" ")
        elif child.tag not in _NOT_TEXT:
            pieces.append(_all_words(child) + ("\n" if child.tag in (W + "p", W + "tc") else ""))
    return "".join(pieces)
