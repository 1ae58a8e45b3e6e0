"""Small files of each document format, made on the spot; English and Chinese in all of them."""

from __future__ import annotations

import datetime
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

import docx
import pptx
import xlsxwriter
from docx.oxml.ns import qn
from docx.shared import Inches
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches as SlideInches

from grainline.readers import reader_for
from grainline.types import Document, Limits


def read(name: str, data: bytes | str, limits: Limits | None = None) -> Document:
    """The one document in a file, after a check of what all documents keep to."""
    reader = reader_for(name)
    assert reader is not None
    raw = data.encode() if isinstance(data, str) else data
    (document,) = reader.read(raw, name, limits or Limits())
    spans = [(part.start, -part.end) for part in document.parts]
    assert spans == sorted(spans)
    for part in document.parts:
        assert 0 <= part.start < part.end <= len(document.text)
        words = document.text[part.start : part.end]
        assert words == words.strip() or part.kind == "code"
        assert part.kind != "image" or part.name in words
    assert not document.lines or len(document.lines) == document.text.count("\n") + 1
    return document


def kinds(document: Document, *wanted: str) -> list[str]:
    return [document.text[part.start : part.end] for part in document.parts if part.kind in wanted]


def headings(document: Document) -> list[tuple[int, str]]:
    return [(part.level, part.name) for part in document.parts if part.kind == "heading"]


def picture() -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(data, "PNG")
    data.seek(0)
    return data


def packed(entries: Mapping[str, bytes | str], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), content, method)
    return data.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def word() -> bytes:
    document = docx.Document()
    document.core_properties.title = "Manual of Things"
    document.add_heading("Introduction", 1)
    document.add_paragraph("First words of the text.")
    document.add_paragraph("one thing", style="List Bullet")
    document.add_paragraph("另一件", style="List Bullet")
    table = document.add_table(rows=3, cols=2)
    for cell, text in zip(
        (cell for row in table.rows for cell in row.cells), "城市 人口 北京 2154 上海 2487".split(), strict=True
    ):
        cell.text = text
    document.add_heading("第二章 总则", 2)
    document.add_paragraph("民法调整平等主体之间的关系。")
    document.add_picture(picture(), width=Inches(1))
    drawing = next(document.element.body.iter(qn("wp:docPr")))
    drawing.set("descr", "A red square")
    document.add_paragraph("图1 红色方块", style="Caption")
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def slides() -> bytes:
    deck = pptx.Presentation()
    first = deck.slides.add_slide(deck.slide_layouts[1])
    first.shapes.title.text = "Quarterly Report"
    first.placeholders[1].text_frame.text = "Sales grew"
    deeper = first.placeholders[1].text_frame.add_paragraph()
    deeper.text, deeper.level = "in the north", 1
    first.notes_slide.notes_text_frame.text = "Speak slowly here."
    second = deck.slides.add_slide(deck.slide_layouts[5])
    second.shapes.title.text = "各城市销售"
    box = (SlideInches(1), SlideInches(2), SlideInches(4), SlideInches(1))
    table = second.shapes.add_table(2, 2, *box).table
    for column, (head, cell) in enumerate((("城市", "北京"), ("数量", "12"))):
        table.cell(0, column).text, table.cell(1, column).text = head, cell
    drawn = second.shapes.add_picture(picture(), *box[:2])
    drawn._element.nvPicPr.cNvPr.set("descr", "Map of the north")
    data = io.BytesIO()
    deck.save(data)
    return data.getvalue()


def chart() -> bytes:
    deck = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("barn", (3, 4))
    data.add_series("snowy", (5, 6.5))
    slide = deck.slides.add_slide(deck.slide_layouts[6])
    box = (SlideInches(1), SlideInches(2), SlideInches(4), SlideInches(3))
    drawn = slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, *box, data).chart
    drawn.chart_title.text_frame.text = "Owls by year"
    out = io.BytesIO()
    deck.save(out)
    return out.getvalue()


def sheets() -> bytes:
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    sheet = book.add_worksheet("销售")
    date = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write_row(1, 1, ["城市", "amount", "date"])
    sheet.write_row(3, 1, ["北京", 3.0])
    sheet.write_datetime(3, 3, datetime.datetime(2024, 5, 1), date)
    sheet.write_row(4, 1, ["上海", 2.5])
    book.add_worksheet("empty")
    book.add_worksheet("Other").write_row(0, 0, ["name", "Ada"])
    book.close()
    return data.getvalue()


def far_sheet() -> bytes:
    """Two cells, both legal, between which a dense table would take 550 GB."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write(0, 0, "a")
    sheet.write(1_048_575, 16_383, "z")
    book.close()
    return data.getvalue()


OPEN_DOCUMENT = """<?xml version="1.0"?><office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">
 <office:body><office:spreadsheet><table:table table:name="表一">{rows}</table:table></office:spreadsheet></office:body>
</office:document-content>"""


def open_sheets() -> bytes:
    rows = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row)
        + "</table:table-row>"
        for row in (("name", "born"), ("李雷", "1990"))
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    manifest = '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
    return packed({"mimetype": kind, "META-INF/manifest.xml": manifest, "content.xml": OPEN_DOCUMENT.format(rows=rows)})


CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OPS/book.opf"/></rootfiles></container>'
)
PACKAGE = """<?xml version="1.0"?><!DOCTYPE package [<!ENTITY a "aaaa">]>
<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" version="3.0">
<metadata><dc:title>A Book 一本书</dc:title><dc:creator>Ann Author</dc:creator></metadata>
<manifest><item id="n" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>
<item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one%20file.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="one"/><itemref idref="two"/></spine></package>"""
PAGE = (
    '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>{}</body></html>'
)
NAVIGATION = (
    '<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc"><ol><li><a href="text/one%20file.xhtml">One</a></li>'
    '<li><a href="text/two.xhtml#a">第二章</a></li></ol></nav>'
)


def book(**more: str) -> bytes:
    entries = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": PACKAGE,
        "OPS/nav.xhtml": PAGE.format(NAVIGATION),
        "OPS/text/one file.xhtml": PAGE.format("<h1>Chapter One</h1><p>It was a dark&nbsp;night.</p>"),
        "OPS/text/two.xhtml": PAGE.format("<p>这是第二章的正文。</p>"),
    }
    return packed({**entries, **more})


def pdf_stream(content: bytes, extra: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (extra, len(content), content)


def shown(lines: Sequence[str], *, size: int = 12, top: int = 720, step: int = 14, chinese: bool = False) -> bytes:
    """The content of a page that shows lines of text from `top` (points) down."""
    out = b"BT /%s %d Tf 72 %d Td %d TL " % (b"C" if chinese else b"F", size, top, step)
    for line in lines:
        escaped = line.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
        out += (
            b"<%s> Tj T* " % line.encode("utf-16-be").hex().encode() if chinese else b"(%s) Tj T* " % escaped.encode("latin-1")
        )
    return out + b"ET "


def pdf(contents: Sequence[bytes], outline: Sequence[tuple[str, int, int]] = (), trailer: bytes = b"") -> bytes:
    """A PDF with a page for each content; `outline` is (title, page from 0, upper edge)."""
    count, first = len(contents), 8
    entries = first + 2 * count
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(count))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Outlines 7 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (count, kids),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[5 0 R]>>",
        b"<</Type/Font/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 2>>"
        b"/FontDescriptor 6 0 R/DW 1000>>",
        b"<</Type/FontDescriptor/FontName/STSong-Light/Flags 6/FontBBox[-25 -254 1000 880]/ItalicAngle 0/Ascent 880/Descent -120"
        b"/CapHeight 880/StemV 93>>",
        b"<</Type/Outlines/First %d 0 R/Last %d 0 R/Count %d>>" % (entries, entries + len(outline) - 1, len(outline))
        if outline
        else b"<<>>",
    ]
    for number, content in enumerate(contents):
        place = first + 2 * number + 1
        resources = b"<</Font<</F 3 0 R/C 4 0 R>>/XObject<</X %d 0 R>>>>" % (entries + len(outline))
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R/Resources%s>>" % (place, resources))
        objects.append(pdf_stream(zlib.compress(content), b"/Filter/FlateDecode"))
    for number, (title, page, top) in enumerate(outline):
        following = b"/Next %d 0 R" % (entries + number + 1) if number + 1 < len(outline) else b""
        name = ("\ufeff" + title).encode("utf-16-be").hex().encode()
        target = b"/Dest[%d 0 R/XYZ 72 %d 0]" % (first + 2 * page, top)
        objects.append(b"<</Title<%s>/Parent 7 0 R%s%s>>" % (name, target, following))
    return _pdf_file(objects, trailer)


def pdf_of_forms(depth: int, fan: int) -> bytes:
    """A PDF of a page that draws fan ** depth letters by forms that draw forms."""
    resources = b"<</Font<</F 3 0 R>>/XObject<</X %d 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[4 0 R]>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 5 0 R/Resources" + resources % 6 + b">>",
        pdf_stream(shown(["top"]) + b"/X Do"),
    ]
    for level in range(depth):
        content = b"/X Do " * fan if level < depth - 1 else shown(["leaf"])
        form = b"/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources" + resources % (len(objects) + 2)
        objects.append(pdf_stream(content, form))
    return _pdf_file(objects)


def _pdf_file(objects: Sequence[bytes], trailer: bytes = b"") -> bytes:
    out = bytearray(b"%PDF-1.7\n")
    places = []
    for number, each in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, trailer, table)
    return bytes(out)


def manual() -> bytes:
    """A PDF with two pages of text, one of them Chinese, and bookmarks."""
    english = shown(["1 Introduction"], size=18) + shown(
        ["These words tell of the lon-", "gest journey of a man who", "knew a well-", "known road. It ends here."], top=680
    )
    chinese = shown(["第一条 为了保护民事主体的合法权", "益，调整民事关系，维护社会和经济", "秩序。"], chinese=True, step=18)
    return pdf([english, chinese], [("Introduction", 0, 740), ("没有的标题", 1, 735), ("民事关系", 1, 0)])
