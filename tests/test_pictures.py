"""Words in pictures: which pictures of a document are read, where their words go, and how they lead to the page that shows them."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import docx
import pptx
import pytest
from docx.oxml.ns import qn
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pptx.util import Inches

import document_samples as samples
import grainline
from document_samples import read
from grainline.errors import UnreadableError
from grainline.keys import keys
from grainline.library import Library
from grainline.readers import READERS, ocr
from grainline.readers.build import document
from grainline.readers.pictures import AT_ONCE, LONGEST, MOST, read_words
from grainline.shapes import shape
from grainline.testing import FakeEmbedder
from grainline.types import Budget, Document, Limits, Part, Where
from shape_checks import check_shape
from test_parts import CHINESE, drawing

needs_ocr = pytest.mark.skipif(not ocr.is_installed(), reason="the extra `ocr` is not installed")
WORDS = Budget(embedded=0)


def images(document: Document) -> list[tuple[str, object]]:
    return [(document.text[part.start : part.end], part.meta.get("ocr")) for part in document.parts if part.kind == "image"]


def said(document: Document, kind: str) -> list[str]:
    return [key.text for key in keys(document, shape(document)) if key.kind == kind]


def word_file() -> bytes:
    """A cover before any text, a picture that nothing names, one with a caption, one with an alternative text, one in a table, an icon."""
    file = docx.Document()
    file.add_picture(io.BytesIO(drawing("Cover of the manual")))
    file.add_heading("Grounding", 1)
    file.add_paragraph("The cabinet has to be grounded.")
    file.add_picture(io.BytesIO(drawing("Grounding torque is 1.4 Nm")))
    file.add_paragraph("Then close the door.")
    file.add_picture(io.BytesIO(CHINESE))
    file.add_paragraph("图 1 接地要求")
    file.add_picture(io.BytesIO(drawing("Valve 7 opens at 3 bar")))
    list(file.element.body.iter(qn("wp:docPr")))[-1].set("descr", "The valve")
    file.add_picture(samples.picture())
    table = file.add_table(2, 2)
    for cell, words in zip((cell for row in table.rows for cell in row.cells), ("step", "look", "1", ""), strict=True):
        cell.text = words
    table.cell(1, 1).paragraphs[0].add_run().add_picture(io.BytesIO(drawing("Press RESET twice")))
    data = io.BytesIO()
    file.save(data)
    return data.getvalue()


def deck() -> bytes:
    """A logo on every slide; a picture on a slide with a title, on one with nothing else, and on one with text but no title."""
    show = pptx.Presentation()
    for number, layout in enumerate((5, 6, 6, 6)):
        slide = show.slides.add_slide(show.slide_layouts[layout])
        slide.shapes.add_picture(io.BytesIO(drawing("ACME Limited")), 0, 0)
        if number == 0:
            slide.shapes.title.text = "Torque"
        if number != 2:
            slide.shapes.add_picture(io.BytesIO(drawing(f"Valve {number} opens at {number + 3} bar")), Inches(1), Inches(2))
        if number == 3:
            slide.shapes.add_textbox(0, 0, 99999, 99999).text_frame.text = "Valves\nof the plant"
            slide.shapes.add_picture(io.BytesIO(CHINESE), Inches(1), Inches(5))
    data = io.BytesIO()
    show.save(data)
    return data.getvalue()


def placed(picture: bytes, left: int, bottom: int, width: int) -> bytes:
    """What draws a picture on a page of a PDF."""
    with Image.open(io.BytesIO(picture)) as opened:
        grey = opened.convert("L")
    high, sides = width * grey.height // grey.width, b"/W %d /H %d /CS /G /BPC 8 /F /AHx" % grey.size
    return b"q %d 0 0 %d %d %d cm BI %s ID %s> EI Q " % (width, high, left, bottom, sides, grey.tobytes().hex().encode())


def report() -> bytes:
    """A logo on each of five pages, a figure with a caption, a picture without one, and a picture under words that the page has anyway."""
    pages = []
    for number in range(5):
        page = samples.shown([f"Page {number} tells how the cabinet is grounded.", "It has a door."])
        page += placed(drawing("ACME Limited", (300, 90)), 400, 720, 150)
        if number == 1:
            page += placed(drawing("Grounding torque is 1.4 Nm"), 72, 400, 350)
            page += samples.shown(["Figure 2. The grounding screw"], top=380)
        if number == 3:
            page += placed(CHINESE, 72, 300, 300)
        if number == 4:
            page += placed(drawing("Hidden below", (700, 300)), 72, 300, 400) + samples.shown(list("abc"), top=400)
        pages.append(page)
    return samples.pdf(pages)


def test_a_bounded_number_of_pictures_is_read_a_few_at_a_time() -> None:
    groups: list[int] = []

    def lines(group: Sequence[int]) -> list[list[str]]:
        """What stands in pictures 0, 1, 2, ...: their numbers, the same words in some, specks in one, a lot in one."""
        groups.append(len(group))
        if 2 * AT_ONCE in group:
            raise UnreadableError("it crashed")
        odd = {0: ["ACME Ltd"], 1: ["ACME Ltd"], 2: ["ACME Ltd"], 3: ["- .", "a"], 4: ["long " * LONGEST], 5: []}
        return [odd.get(number, [f"number {number}", "第二行"]) for number in group]

    words = read_words(range(MOST + 7), lines)
    assert groups == [AT_ONCE] * (MOST // AT_ONCE) and words.read == MOST - AT_ONCE
    assert words.of(6) == {"ocr": "number 6\n第二行"} and len(words.said[4]) <= LONGEST
    assert not any(words.of(number) for number in (0, 1, 2, 3, 5, 2 * AT_ONCE, MOST, None))
    assert words.meta({"pages": 2, "notes": ["before"]}) == {
        "pages": 2,
        "ocr": "rapidocr",
        "ocr_pictures": MOST - AT_ONCE,
        "notes": [
            "before",
            f"OCR of {AT_ONCE} pictures failed: it crashed",
            f"OCR reads {MOST} pictures of a file; 7 were left out",
        ],
    }
    assert read_words([], lines).meta() == {}


def test_what_is_worth_reading() -> None:
    assert ocr.is_large(drawing("x", (100, 50)), (100, 50)) and ocr.is_large(drawing("x", (50, 100)), (100, 50))
    assert not ocr.is_large(drawing("x", (99, 99)), (100, 50)) and not ocr.is_large(drawing("x", (700, 49)), (100, 50))
    assert not ocr.is_large(b"no picture", (1, 1)) and not ocr.is_large(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 500 500\n", (1, 1)
    )


def test_words_of_a_picture_are_keys_of_their_own() -> None:
    text = "The cabinet has to be grounded.\n\nThen close the door."
    lines = "\n".join(f"Line {number} of the wiring diagram" for number in range(30))
    parts = [
        Part("image", 0, 31, "", meta={"ocr": "接地电阻\nGrounding 1.4 Nm"}),
        Part("image", 33, 53, "", meta={"ocr": lines}),
    ]
    made = document("a.pdf", "Manual", text, Limits(), parts=parts)
    check_shape(made, shape(made))
    first, *rest = said(made, "ocr")
    assert first == "Manual\n接地电阻\nGrounding 1.4 Nm"
    assert len(rest) > 1 and all(key.startswith("Manual\nLine") for key in rest)
    assert "\n".join(key.partition("\n")[2] for key in rest) == lines
    assert not any("Grounding" in key or "diagram" in key for key in said(made, "caption"))


def test_without_the_extra_pictures_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # as if it were not installed
    file, show, paper = read("a.docx", word_file()), read("a.pptx", deck()), read("a.pdf", report())
    assert file.meta == {} and show.meta == {"pages": 4} and "ocr" not in paper.meta and "notes" not in paper.meta
    assert images(file) == [("图 1 接地要求", None), ("The valve", None)]
    assert images(show) == [("Torque", None)] * 2
    assert images(paper) == [("Figure 2. The grounding screw", None)]


@needs_ocr
def test_pictures_in_word_files(monkeypatch: pytest.MonkeyPatch) -> None:
    data = word_file()
    file = read("a.docx", data)
    assert file.meta == {"ocr": "rapidocr", "ocr_pictures": 5}
    (cover, screw, grounding, valve, reset) = images(file)
    assert cover == ("Grounding", "Cover of the manual") and screw == (
        "The cabinet has to be grounded.",
        "Grounding torque is 1.4 Nm",
    )
    assert grounding[0] == "图 1 接地要求" and "接地电阻应小于" in str(grounding[1])
    assert valve == ("The valve", "Valve 7 opens at 3 bar") and reset == ("1 |", "Press RESET twice")
    check_shape(file, shape(file))
    monkeypatch.setitem(sys.modules, "rapidocr", None)
    assert read("a.docx", data).text == file.text  # words in pictures are no part of the text


@needs_ocr
def test_pictures_on_slides() -> None:
    show = read("a.pptx", deck())
    assert show.meta == {"pages": 4, "ocr": "rapidocr", "ocr_pictures": 4}  # the logo on all of them is not read
    assert show.text == "Torque\n\nValve 1 opens at 4 bar\n\nValves\nof the plant"
    *others, chinese = images(show)
    assert chinese[0] == "Valves" and "接地电阻应小于" in str(chinese[1])
    assert others == [
        ("Torque", None),
        ("Torque", "Valve 0 opens at 3 bar"),
        ("Valve 1 opens at 4 bar", True),  # all that there is on its slide
        ("Valves", "Valve 3 opens at 6 bar"),
    ]
    assert [part.name for part in show.parts if part.kind == "page"] == ["1", "2", "4"]
    check_shape(show, shape(show))


@needs_ocr
def test_pictures_on_pages() -> None:
    paper = read("a.pdf", report())
    figure, lone = images(paper)
    assert figure == ("Figure 2. The grounding screw", "Grounding torque is 1.4 Nm")
    assert lone[0] == "It has a door." and "接地电阻应小于" in str(lone[1])
    (part,) = [part for part in paper.parts if part.kind == "image" and not part.name]
    assert part.meta["page"] == "4" and part.meta["box"] == [72.0, 300.0, 372.0, 340.0]
    assert paper.meta["ocr_pictures"] == 5  # three logos say the same: the others are left alone
    check_shape(paper, shape(paper))


@needs_ocr
def test_parts_finds_a_picture_by_its_words(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "talk.pptx").write_bytes(deck())
    for number in range(9):
        (folder / f"{number}.txt").write_text(f"The {number} hares sleep near the river. 野兔睡了。", encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        assert not library.add([folder]).failed
        for question, words, page in (
            ("when does valve 0 open", "Valve 0 opens at 3 bar", "1"),
            ("接地电阻应小于多少欧姆", "接地电阻应小于", "4"),
        ):
            for budget in (WORDS, Budget()):
                hit = library.search(question, 4, "parts", budget=budget).hits[0]
                assert hit.node.kind == "image" and "bm25:ocr" in hit.via and f"page:{page}" in hit.via
                assert words in hit.node.meta["ocr"] and library.original(hit)[0].startswith(b"\x89PNG")


class Told:
    """A reader of pictures that tell their words themselves, in place of OCR."""

    def read(self, data: bytes, source: str, limits: Limits) -> list[Document]:
        """As `ocr.Image.read`."""
        with Image.open(io.BytesIO(data)) as picture:
            words = str(picture.info["words"])
        part = Part("image", 0, len(words), meta={"src": source.rpartition("/")[2], "ocr": True})
        return [document(source, "", words, limits, parts=[part])]


def told(words: str) -> bytes:
    data, info = io.BytesIO(), PngInfo()
    info.add_itxt("words", words)
    Image.new("L", (4, 4)).save(data, "PNG", pnginfo=info)
    return data.getvalue()


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """A page and a second one that show pictures, which are files of their own; one picture is shown nowhere."""
    monkeypatch.setitem(READERS, ".png", "test_pictures:Told")
    folder = tmp_path / "docs"
    (folder / "img").mkdir(parents=True)
    (folder / "img" / "p1.png").write_bytes(told("Grounding torque is 1.4 Nm"))
    (folder / "img" / "接线 图.png").write_bytes(told("接地电阻应小于 5 欧姆"))
    (folder / "p1.png").write_bytes(told("A barn owl sits on the roof"))
    (folder / "guide.md").write_text(
        "# Cabinet\n\nOpen the door first.\n\n![](img/p1.png)\n\nThen lock it.\n\n# 接线\n\n先断电。\n\n![接线](img/接线%20图.png)\n",
        encoding="utf-8",
    )
    (folder / "page.html").write_text("<p>As shown below:</p><p><img src='./img/p1.png'></p>", encoding="utf-8")
    library = grainline.open(tmp_path / "library", embedder=FakeEmbedder())
    assert not library.add([folder]).failed
    return library


@pytest.mark.parametrize("budget", [WORDS, Budget()], ids=["words", "vectors"])
@pytest.mark.parametrize(
    ("question", "picture", "words"),
    [
        ("what is the grounding torque", "docs/img/p1.png", "Open the door first."),
        ("接地电阻应小于多少", "docs/img/接线 图.png", "先断电。"),
    ],
)
def test_a_picture_leads_to_the_page_that_shows_it(
    gallery: Library, question: str, picture: str, words: str, budget: Budget
) -> None:
    with gallery:
        hits = gallery.search(question, 8, "parts", budget=budget).hits
        assert hits[0].node.kind == "image" and gallery.source(hits[0].node.document_id) == picture
        (page,) = [hit for hit in hits[:4] if "walk:shown" in hit.via]
        assert gallery.source(page.node.document_id) == "docs/guide.md" and words in gallery.text(page)
        assert page.node.kind == "passage" and page.score == hits[0].score
        assert len({hit.node.id for hit in hits}) == len(hits)
        assert all(one.score >= other.score for one, other in pairwise(hits))


def test_a_page_is_shown_to_those_alone_who_may_see_it(gallery: Library) -> None:
    with gallery:
        for where, shown in (
            (Where(sources=("docs/img",)), []),
            (Where(sources=("docs/img", "docs/page.html")), ["docs/page.html"]),
        ):
            hits = gallery.search("grounding torque", 8, "parts", where, WORDS).hits
            assert [gallery.source(hit.node.document_id) for hit in hits if "walk:shown" in hit.via] == shown
        owl = gallery.search("barn owl on the roof", 8, "parts", budget=WORDS).hits
        assert gallery.source(owl[0].node.document_id) == "docs/p1.png" and not any("walk:shown" in hit.via for hit in owl)


def test_where_a_picture_is_shown_is_a_key() -> None:
    links = "![a](x.png)\n\n![b](../y%20z.png?w=1#top)\n\n![c](/root.png)\n\n![d](https://h.example/e.png)\n\n![f](data:image/png;base64,AA==)\n"
    assert said(read("docs/sub/a.md", links), "shown") == ["docs/sub/x.png", "docs/y z.png"]
    assert not said(read("a.docx", samples.word()), "shown")


def test_parts_embeds_a_question_once(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(
        "# Owls\n\nThey hunt.\n\n![The barn owl at night](a.png)\n\n| a | b |\n|---|---|\n| owl | 2 |\n"
    )
    embedder = FakeEmbedder()
    with grainline.open(tmp_path / "library", embedder=embedder) as library:
        library.add([tmp_path / "a.md"])
        evidence = library.search("barn owl at night", 4, "parts")
        assert embedder.embedded.count("barn owl at night") == 1
        assert any("vector:caption" in hit.via for hit in evidence.hits)
        labels = next(step for step in evidence.trace if step.action == "compare the meaning of labels")
        assert labels.cost.embedded > 0 and evidence.cost.embedded == sum(step.cost.embedded for step in evidence.trace)


@pytest.mark.parametrize("cut", [0, 40, 300])
def test_damaged_pictures_in_files_do_no_harm(cut: int) -> None:
    entries = samples.unpacked(word_file())
    for name in entries:
        if name.endswith(".png"):
            entries[name] = entries[name][:cut] + b"\0" * 9
    file = read("a.docx", samples.packed(entries))
    assert ("图 1 接地要求", None) in images(file) and "The cabinet has to be grounded." in file.text


@needs_ocr
def test_a_broken_picture_leaves_the_others() -> None:
    pictures = [b"", drawing("Owls at night")[:300], drawing("Owls at night")]
    assert ocr.read_pictures(pictures, Limits()) == [[], [], ["Owls at night"]]


@needs_ocr
def test_what_lies_beyond_the_page_or_on_a_turned_one_is_not_read() -> None:
    page = samples.shown(["It has a door."]) + placed(drawing("Owls at night"), 72, 400, 350)
    inside, beyond = (0, 72.0, 400.0, 422.0, 445.0), (0, 700.0, 900.0, 900.0, 990.0)
    assert ocr.read_boxes(samples.pdf([page]), [inside, beyond], Limits()) == [["Owls at night"], []]
    turned = samples.pdf([page]).replace(b"/Type/Page/Parent", b"/Type/Page/Rotate 90/Parent")
    assert b"/Rotate" in turned and ocr.read_boxes(turned, [inside], Limits()) == [[]]
