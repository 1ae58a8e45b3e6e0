"""Word, PowerPoint, spreadsheets and PDF: what their readers see in them."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import docx
import pptx
import pytest
from docx.shared import Inches

import document_samples as samples
from document_samples import headings, kinds, read
from grainline.errors import LimitError, UnreadableError
from grainline.types import Document, Limits

# Word

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def word(body: str, styles: str = "", numbering: str = "") -> Document:
    """What is read of a Word file with this body, and with these styles and lists in place of its own."""
    entries = samples.unpacked(samples.word())
    for name, root, content in (
        ("document", "document", f"<w:body>{body}</w:body>"),
        ("styles", "styles", styles),
        ("numbering", "numbering", numbering),
    ):
        entries[f"word/{name}.xml"] = f'<w:{root} xmlns:w="{WORD}">{content}</w:{root}>'.encode()
    return read("a.docx", samples.packed(entries))


def paragraph(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_word_has_headings_lists_tables_and_pictures_in_order() -> None:
    document = read("a.docx", samples.word())
    assert document.title == "Manual of Things"
    assert headings(document) == [(1, "Introduction"), (2, "第二章 总则")]
    assert kinds(document, "prose") == ["First words of the text.", "- one thing\n- 另一件", "民法调整平等主体之间的关系。"]
    assert kinds(document, "header", "row") == ["城市 | 人口", "北京 | 2154", "上海 | 2487"]
    assert kinds(document, "image") == ["A red square", "图1 红色方块"]
    assert [part.kind for part in document.parts][:4] == ["heading", "prose", "prose", "table"]


def test_word_headings_by_name_by_outline_level_and_by_what_a_style_is_based_on() -> None:
    styles = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{name}"/>{more}</w:style>'
        for key, name, more in (
            ("1", "标题 2", ""),
            ("2", "Own", "<w:pPr><w:outlineLvl w:val='2'/></w:pPr>"),
            ("3", "Child", "<w:basedOn w:val='2'/>"),
            ("4", "Round", "<w:basedOn w:val='5'/>"),
            ("5", "Round too", "<w:basedOn w:val='4'/>"),
            ("6", "Title", ""),
            ("7", "toc 1", ""),
        )
    )
    body = "".join(paragraph(f"text {key}", f'<w:pStyle w:val="{key}"/>') for key in range(1, 8))
    document = word(body + paragraph("last", '<w:outlineLvl w:val="0"/>'), styles)
    assert headings(document) == [(2, "text 1"), (3, "text 2"), (3, "text 3"), (1, "text 6"), (1, "last")]
    assert kinds(document, "prose") == ["text 4", "text 5"]
    assert document.title == "text 6"


def test_word_shows_the_numbers_that_word_shows() -> None:
    level = '<w:lvl w:ilvl="{}"><w:start w:val="1"/><w:numFmt w:val="{}"/><w:lvlText w:val="{}"/></w:lvl>'
    levels = level.format(0, "chineseCounting", "第%1条") + level.format(1, "decimal", "%1.%2.")
    numbering = (
        f'<w:abstractNum w:abstractNumId="9">{levels}</w:abstractNum><w:num w:numId="4"><w:abstractNumId w:val="9"/></w:num>'
    )
    place = '<w:numPr><w:ilvl w:val="{}"/><w:numId w:val="4"/></w:numPr>'
    body = "".join(
        paragraph(text, place.format(depth)) for text, depth in (("甲", 0), ("乙", 1), ("丙", 1), ("丁", 0), ("戊", 1))
    )
    assert word(body, "", numbering).text.split("\n") == ["第一条 甲", "  一.1. 乙", "  一.2. 丙", "第二条 丁", "  二.1. 戊"]


def test_word_tables_repeat_merged_cells_and_deleted_text_is_gone() -> None:
    def cell(text: str, properties: str = "") -> str:
        return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"

    rows = (
        cell("a") + cell("b"),
        cell("x", '<w:vMerge w:val="restart"/>') + cell("1"),
        cell("", "<w:vMerge/>") + cell("2"),
    )
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    deleted = "<w:p><w:r><w:t>kept</w:t></w:r><w:del><w:r><w:t>deleted</w:t></w:r></w:del></w:p>"
    held = f"<w:sdt><w:sdtContent>{paragraph('held')}</w:sdtContent></w:sdt>"
    document = word(table + deleted + held)
    assert kinds(document, "header", "row") == ["a | b", "x | 1", "x | 2"]
    assert kinds(document, "prose") == ["kept", "held"]


def test_word_notes_stand_at_the_end() -> None:
    entries = samples.unpacked(samples.word())
    said = '<w:p><w:r><w:t>said</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r></w:p>'
    note = '<w:footnote w:id="1"><w:p/></w:footnote><w:footnote w:id="2"><w:p><w:r><w:t>注 note</w:t></w:r></w:p></w:footnote>'
    entries["word/document.xml"] = f'<w:document xmlns:w="{WORD}"><w:body>{said}</w:body></w:document>'.encode()
    entries["word/footnotes.xml"] = f'<w:footnotes xmlns:w="{WORD}">{note}</w:footnotes>'.encode()
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes"
    relation = f'<Relationship Id="rId99" Type="{kind}" Target="footnotes.xml"/></Relationships>'
    name = "word/_rels/document.xml.rels"
    entries[name] = entries[name].replace(b"</Relationships>", relation.encode())
    assert read("a.docx", samples.packed(entries)).text == "said[2]\n\n[2] 注 note"


# PowerPoint


def test_slides_are_pages_with_titles_tables_notes_and_pictures() -> None:
    document = read("a.pptx", samples.slides())
    assert document.title == "Quarterly Report"
    assert headings(document) == [(1, "Quarterly Report"), (1, "各城市销售")]
    assert [part.name for part in document.parts if part.kind == "page"] == ["1", "2"]
    assert kinds(document, "prose") == ["Sales grew\n  in the north", "Speak slowly here."]
    assert [part.meta for part in document.parts if part.kind == "prose"] == [{}, {"notes": True}]
    assert kinds(document, "header", "row", "image") == ["城市 | 数量", "北京 | 12", "Map of the north"]
    assert kinds(document, "page")[1] == document.text[document.text.index("各城市销售") :]
    with pytest.raises(LimitError, match="pages"):
        read("a.pptx", samples.slides(), Limits(pages=1))


def test_charts_are_the_tables_that_they_draw() -> None:
    document = read("a.pptx", samples.chart())
    assert kinds(document, "prose", "header", "row") == [
        "Owls by year",
        "| barn | snowy",
        "2023 | 3 | 5",
        "2024 | 4 | 6.5",
    ]


# Spreadsheets


def test_sheets_are_tables_with_rows_as_people_see_them() -> None:
    document = read("a.xlsx", samples.sheets())
    assert headings(document) == [(1, "销售"), (1, "Other")]
    assert kinds(document, "header", "row") == ["城市 | amount | date", "北京 | 3 | 2024-05-01", "上海 | 2.5 |", "name | Ada"]
    rows = [dict(part.meta) for part in document.parts if part.kind == "row"]
    assert rows == [{"sheet": "销售", "row": 4}, {"sheet": "销售", "row": 5}, {"sheet": "Other", "row": 1}]
    assert document.meta == {"sheets": ["销售", "Other"]}
    with pytest.raises(LimitError, match="rows"):
        read("a.xlsx", samples.sheets(), Limits(rows=2))


def test_open_document_sheets() -> None:
    document = read("a.ods", samples.open_sheets())
    assert (document.title, kinds(document, "header", "row")) == ("表一", ["name | born", "李雷 | 1990"])


# PDF


def test_pdf_pages_paragraphs_and_bookmarks() -> None:
    document = read("a.pdf", samples.manual())
    assert document.meta == {"pages": 2, "pages_without_text": 0}
    assert [part.name for part in document.parts if part.kind == "page"] == ["1", "2"]
    assert kinds(document, "prose") == [
        "These words tell of the longest journey of a man who knew a well-known road. It ends here.",
        "第一条 为了保护民事主体的合法权益，调整民事关系，维护社会和经济秩序。",
    ]
    assert headings(document) == [(1, "Introduction"), (1, "没有的标题"), (1, "民事关系")]
    assert kinds(document, "heading") == ["1 Introduction", "第一条 为了保护民事主体的合法权", "民事关系"]


def test_pdf_paragraphs_stay_apart_and_running_heads_go() -> None:
    body = [
        "The first sentence of this page goes to the right margin here",
        "and on. It ends.",
        "Another paragraph begins in a line of its own on this page:",
    ]
    pages = [
        samples.shown([f"A Book of Owls {number}"], top=760)
        + samples.shown([*body, "This is the last line of the page, near its end."], top=700)
        for number in range(1, 5)
    ]
    document = read("a.pdf", samples.pdf(pages))
    assert "Book of Owls" not in document.text
    assert kinds(document, "prose")[:2] == [
        f"{body[0]} {body[1]}",
        f"{body[2]} This is the last line of the page, near its end.",
    ]


def test_pdf_without_text() -> None:
    partly = read("a.pdf", samples.pdf([samples.shown(["words"]), b"0 0 10 10 re f"]))
    assert partly.meta == {"pages": 2, "pages_without_text": 1}
    assert [part.name for part in partly.parts if part.kind == "page"] == ["1"]
    with pytest.raises(UnreadableError, match="no text layer: 2 pages without words"):
        read("a.pdf", samples.pdf([b"0 0 10 10 re f"] * 2))


def test_pdf_that_is_encrypted_damaged_or_too_long() -> None:
    junk = b"00" * 32
    lock = b"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<%s>/U<%s>>>/ID[<00><00>]" % (junk, junk)
    with pytest.raises(UnreadableError, match="encrypted PDF: it needs a password"):
        read("a.pdf", samples.pdf([samples.shown(["secret"])], trailer=lock))
    with pytest.raises(UnreadableError, match="no PDF"):
        read("a.pdf", b"not a PDF at all")
    with pytest.raises(LimitError, match="pages"):
        read("a.pdf", samples.manual(), Limits(pages=1))


def test_word_pictures_take_the_caption_or_the_sentence_that_shows_them() -> None:
    file = docx.Document()
    for before, caption in (
        ("机房的拓扑如下图所示：", "图 5 机房双核心拓扑图"),
        ("Press the button in the picture below:", ""),
    ):
        file.add_paragraph(before)
        file.add_picture(samples.picture(), width=Inches(1))
        if caption:
            file.add_paragraph(caption, style="Caption")
        file.add_paragraph("Then save.")
    table = file.add_table(rows=2, cols=2)
    for cell, words in zip((cell for row in table.rows for cell in row.cells), "item cost cables 12".split(), strict=True):
        cell.text = words
    file.add_paragraph("表 2 改造费用", style="Caption")
    data = io.BytesIO()
    file.save(data)
    document = read("a.docx", data.getvalue())
    member = {"src": "media/image1.png", "member": "word/media/image1.png"}
    assert [(document.text[part.start : part.end], dict(part.meta)) for part in document.parts if part.kind == "image"] == [
        ("图 5 机房双核心拓扑图", {**member, "number": "5"}),
        ("Press the button in the picture below:", member),
    ]
    assert [(part.name, dict(part.meta)) for part in document.parts if part.kind == "table"] == [
        ("表 2 改造费用", {"number": "2"})
    ]


def test_slide_pictures_without_words_take_the_title() -> None:
    deck = pptx.Presentation()
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "Owls by region"
    slide.shapes.add_picture(samples.picture(), 0, 0)._element.nvPicPr.cNvPr.set("descr", "")
    data = io.BytesIO()
    deck.save(data)
    document = read("a.pptx", data.getvalue())
    (image,) = [part for part in document.parts if part.kind == "image"]
    assert document.text[image.start : image.end] == "Owls by region"
    assert dict(image.meta) == {"src": "../media/image1.png", "member": "ppt/media/image1.png", "page": "1"}


def test_cells_of_word_tables_over_several_columns() -> None:
    document = docx.Document()
    table = document.add_table(rows=3, cols=3)
    for row, words in zip(table.rows, (("County", "Owls", ""), ("郡", "2019", "2020"), ("Kent", "12", "14")), strict=True):
        for cell, text in zip(row.cells, words, strict=True):
            cell.text = text
    table.cell(0, 1).merge(table.cell(0, 2))
    data = io.BytesIO()
    document.save(data)
    assert read("a.docx", data.getvalue()).text == "County | Owls |\n郡 | 2019 | 2020\nKent | 12 | 14"


@pytest.mark.parametrize(("name", "made"), [("a.docx", samples.word), ("a.pptx", samples.slides)])
def test_the_strict_form_reads_like_the_other(name: str, made: Callable[[], bytes]) -> None:
    loose = re.compile(rb"http://schemas\.openxmlformats\.org/(?!package)(\w+)/2006/")
    entries = {
        entry: content if entry.startswith("[Content") else loose.sub(rb"http://purl.oclc.org/ooxml/\1/", content)
        for entry, content in samples.unpacked(made()).items()
    }
    strict = read(name, samples.packed(entries))
    other = read(name, made())
    assert (strict.text, strict.parts) == (other.text, other.parts)
