"""Tables and pictures: their captions, nodes, keys and originals, OCR, and the agent that finds them."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

import document_samples as samples
import grainline
from document_samples import read
from grainline.errors import GrainlineError, LimitError, NotFoundError, UnreadableError
from grainline.keys import keys
from grainline.keys.labels import ROWS, sentence_of
from grainline.library import Library
from grainline.readers import claims, ocr
from grainline.readers.captions import Caption, points_below, read_caption
from grainline.readers.originals import original
from grainline.shapes import shape
from grainline.testing import FakeEmbedder
from grainline.types import Budget, Document, Limits, Node, Where
from shape_checks import check_shape

MANUAL = """# Switch manual

## Front panel

The panel has four lights, as shown below:

![](img/front.png)

图 3-1 前面板示意图：电源灯与链路灯

If the link light in Figure 9 blinks red, call support.

![Wiring of the redundant supply](img/power.png "Power")
*Figure 9: The redundant power supply and its fuse*

## 温度

表 4 各型号的工作温度

| 型号 | 最低 | 最高 |
|---|---|---|
| S5720 | -5 度 | 45 度 |
| S6730 | 0 度 | 40 度 |

Owls like none of this.
"""
#: "图 3-1 接地电阻应小于 5 欧姆", set in Droid Sans Fallback
CHINESE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAbgAAAA8AQAAAAA855JkAAAC10lEQVR42u2Wv4vcRhTHPyOJkzDeW5V3YLIiwTiVwd2mSKTLP+KEFEl5pArBeE"
    "eQQIrgbJsmPsi/kNZGbsx1viKtEy13xZa6vSNoD+08FzOa1aV0qsBOpeH7vu/H9715SAnvdQJ2vB1vx/uf8+ZoKW7g2t3PgGKAn7D0PFFqy974"
    "r/JQadpbXssE6oUaxtsksHL3QYAMgEulCsoM0MM8Z9JyfQMNEJQ9MlEGdXirjkkLSdz2PNGgGjjxBouR6mMBjLtZxbgGFtkgnilhL4Y5m29FcK"
    "oIkIvx5BR4w+aR6J7XAQlIBiwvgHl81fkyT7Yb9po8g8rr4lQrCJ91F6tT69FHMl4MQx7+rOqe11otlHbZLG0RswBO22GLk5dLUnye//zkY8ro"
    "k2fTRYXLnqxD28QAJNUFfNHzDgPgctj69SgiKg2rriFTTmNN9MT0HQwAMbD50OYqopl6JAGgfhWVKfqE4H6o+TXRDl2Jhru28jUA8VUHFUgaeT"
    "WlgcB3NQDOujnhn05pCC1i06spOM67WdPP2ObrdR/vwe8p7A+t+xM9HVymmLqGv328g29qiBcFyI+x0hANrM3QzzFSG98HvvdGTghbUEBAQq8T"
    "0NGp5o6fFzkGmFSAOj/XLcV6FCEASdUNwqkpfLedF/OwB0IdRZxZ+VdHRnh9q9yWl3xun00ABBdbaFkDTXwlTr90Dff8Y/04IbPzHgDqBWAbxx"
    "/J6sCO2Bg4qvTW5Sl30zF/XcZ9H3gEy8aCn1bUe+YA5m5R3OlHotDAD4id1ghg/4b1R1aA6ePjQQ9CIbJvBF5NWIwf6pFc7jteWSqTWqfsLYF2"
    "zxG/HKwXLUBQvf3KjZ0YUOLOL82RCEoaJs8rDmoQyUW6mYW72QefyZWICCJmJmtH6yZlI6JjacmfV9wTEalyEd3j8lsuoYhI8K/tvT+CWUssFb"
    "mcu/XhpzYkq6wkavdft+PteP+Z9w4XHDnkqbGPYwAAAABJRU5ErkJggg=="
)
needs_ocr = pytest.mark.skipif(not ocr.is_installed(), reason="the extra `ocr` is not installed")


def parts(document: Document, *wanted: str) -> list[tuple[str, str, dict[str, object]]]:
    return [
        (document.text[part.start : part.end], part.name, dict(part.meta)) for part in document.parts if part.kind in wanted
    ]


def said(document: Document, kind: str) -> list[str]:
    return [key.text for key in keys(document, shape(document)) if key.kind == kind]


def drawing(words: str, size: tuple[int, int] = (700, 90)) -> bytes:
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).text((20, 20), words, font=ImageFont.load_default(36), fill=0)
    data = io.BytesIO()
    picture.save(data, "PNG")
    return data.getvalue()


def report(*, scan: bytes = b"") -> bytes:
    """A PDF with a table and a figure, and a page that is nothing but a picture, if one is given."""
    rows = [("County", "Barn owls", "Snowy owls"), ("Kent", "389", "12"), ("Norfolk", "1,204", "31"), ("Devon", "98", "0")]
    text = samples.shown(["The trust keeps owls in four counties, as Table 2 shows.", "Figure 3 shows how they grew."])
    text += samples.shown(["Table 2: Owls counted by county"], top=660)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            text += b"BT /F 12 Tf %d %d Td (%s) Tj ET " % (72 + 150 * column, 640 - 18 * number, cell.encode())
    text += b"q 300 0 0 150 100 300 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q "
    text += samples.shown(["Figure 3. Growth of the owls since 2010"], top=280)
    pages = [text, samples.shown(["表 2-1 各型号的功耗"], chinese=True)]
    if scan:
        with Image.open(io.BytesIO(scan)) as picture:
            grey = picture.convert("L")
        shape_of = b"/W %d /H %d /CS /G /BPC 8 /F /AHx" % grey.size
        pages.append(b"q 612 0 0 400 0 392 cm BI " + shape_of + b" ID " + grey.tobytes().hex().encode() + b"> EI Q")
    return samples.pdf(pages)


@pytest.mark.parametrize(
    ("line", "caption"),
    [
        ("图 3-1 前面板示意图", Caption("image", "3-1")),
        ("图3前面板", Caption("image", "3")),
        ("图一：地图", Caption("image", "一")),
        ("图3-1所示的前面板", None),
        ("图 3 中给出了地图", None),
        ("表2-1 各城市人口", Caption("table", "2-1")),
        ("表 2。", None),
        ("表示为向量的词", None),
        ("Figure 3: Owls by year", Caption("image", "3")),
        ("Fig. 2.1. Owls", Caption("image", "2.1")),
        ("Figure 3 Owls by year", Caption("image", "3")),
        ("Figure 3 shows owls by year", None),
        ("TABLE 12 – Results", Caption("table", "12")),
        ("Table 2 lists the results.", None),
        ("Tables are useful", None),
        ("Figure 3: " + "word " * 100, None),
    ],
)
def test_what_a_caption_is(line: str, caption: Caption | None) -> None:
    assert read_caption(line) == caption


def test_what_says_that_a_picture_follows() -> None:
    assert points_below("机房的拓扑结构如下图所示：") and points_below("The panel looks as shown below:")
    assert not points_below("猫头鹰在夜里捕食。") and not points_below("Owls hunt below the trees.")


def test_markdown_pictures_and_tables_have_their_captions() -> None:
    document = read("a.md", MANUAL)
    assert parts(document, "image") == [
        ("图 3-1 前面板示意图：电源灯与链路灯",) * 2 + ({"src": "img/front.png", "number": "3-1"},),
        ("Wiring of the redundant supply",) * 2
        + (
            {
                "src": "img/power.png",
                "title": "Power",
                "number": "9",
                "caption": "Figure 9: The redundant power supply and its fuse",
            },
        ),
    ]
    assert [(name, meta) for _, name, meta in parts(document, "table")] == [("表 4 各型号的工作温度", {"number": "4"})]


def test_markdown_pictures_in_every_form() -> None:
    text = (
        'One ![inline](a.png) word.\n\n<img src=\'b.png\' alt="tag">\n\n![](c.png "title")\n\n![][r]\n\n![向量](v.svg)\n'
        ":width:`300px`\n:label:`fig_v`\n\n如 :numref:`fig_v` 所示。\n\n![x](data:image/png;base64,AA==)\n\n[r]: d.png\n"
    )
    document = read("a.md", text)
    assert [(text, name) for text, name, _ in parts(document, "image")] == [
        ("inline", "inline"),
        ("tag", "tag"),
        ("title", "title"),
        ("r", ""),
        ("向量", "向量"),
        ("x", "x"),
    ]
    assert [meta.get("src") for *_, meta in parts(document, "image")] == ["a.png", "b.png", "c.png", "d.png", "v.svg", None]
    assert "如 :numref:`fig_v` 所示。" in said(document, "caption")[4]


def test_html_pictures_without_words_take_the_caption_or_the_sentence_before() -> None:
    page = """<body><p>布局如下图所示：</p><p><img src="a.png"></p><p>More.</p><img src="b.png"><p>Figure 3: Owls at night</p>
    <figure><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><figcaption>Cities</figcaption></figure>
    <p>Table 2: Owls</p><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table>
    <p>An <img src="icon.png"> icon.</p></body>"""
    document = read("a.html", page)
    assert parts(document, "image") == [
        ("布局如下图所示：", "", {"src": "a.png"}),
        ("Figure 3: Owls at night", "Figure 3: Owls at night", {"src": "b.png", "number": "3"}),
    ]
    assert [name for _, name, _ in parts(document, "table")] == ["Cities", "Table 2: Owls"]


def test_pdf_tables_and_figures() -> None:
    document = read("a.pdf", report())
    (table,) = parts(document, "table")
    assert table[1:] == ("Table 2: Owls counted by county", {"page": "1", "number": "2"})
    assert [meta["cells"] for *_, meta in parts(document, "header", "row")][2] == ["Norfolk", "1,204", "31"]
    figure, lone = parts(document, "image")
    assert figure[0] == "Figure 3. Growth of the owls since 2010"
    assert figure[2] == {"page": "1", "number": "3", "image": 0, "box": [100.0, 300.0, 400.0, 450.0]}
    assert lone == ("表 2-1 各型号的功耗", "表 2-1 各型号的功耗", {"page": "2", "number": "2-1"})
    check_shape(document, shape(document))
    assert any("Norfolk; County is Norfolk; Barn owls is 1,204; Snowy owls is 31" in row for row in said(document, "row"))


@pytest.mark.parametrize("name", ["a.md", "a.docx", "a.pptx", "a.pdf"])
def test_images_leave_all_other_nodes_as_they_are(name: str) -> None:
    data = {"a.md": MANUAL.encode, "a.docx": samples.word, "a.pptx": samples.slides, "a.pdf": report}[name]()
    document = read(name, data)
    shaped = shape(document)
    check_shape(document, shaped)
    bare = shape(replace(document, parts=tuple(part for part in document.parts if part.kind != "image")))
    assert [node for node in shaped.nodes if node.kind != "image"] == list(bare.nodes)
    images = [node for node in shaped.nodes if node.kind == "image"]
    assert len(images) == sum(part.kind == "image" for part in document.parts) > 0
    assert all(node.id.startswith(f"{document.id}:i") for node in images)


def test_a_page_that_is_one_image_holds_its_passages() -> None:
    text = "\n\n".join(f"Sentence {number} tells of owls. " * 20 for number in range(9)).strip()
    image = samples.Document("d", "a.png", "a", text, (grainline.types.Part("image", 0, len(text)),))
    shaped = shape(image)
    check_shape(image, shaped)
    (node,) = [node for node in shaped.nodes if node.kind == "image"]
    assert (node.start, node.end) == (0, len(text))
    assert sum(edge.source == node.id for edge in shaped.edges) > 3


def test_the_keys_of_pictures_and_tables() -> None:
    document = read("a.md", MANUAL)
    first, second = said(document, "caption")
    assert first.startswith("Switch manual\n") and "Front panel" in first and "as shown below" in first
    assert "If the link light in Figure 9 blinks red, call support." in second and "its fuse" in second
    (table,) = said(document, "table")
    assert "型号 | 最低 | 最高" in table and "S5720; S6730" in table
    assert said(document, "row")[1].endswith("S6730；型号 是 S6730；最低 是 0 度；最高 是 40 度")


def test_a_row_as_a_sentence() -> None:
    assert sentence_of(["", "  "], ["a", "b"]) == ""
    assert sentence_of(["Total", "7"], ["", "2019"]) == "Total; 2019 is 7"
    assert sentence_of(["Total", "7"], ["", "kind", "2019"]) == "Total; kind is Total; 2019 is 7"


def test_tables_in_plain_text_have_keys_and_code_has_none() -> None:
    rows = "city | people | year\nBeijing | 2154 | 2020\nShanghai | 2487 | 2020"
    (row, _) = said(Document("d", "a.txt", "T", rows), "row")
    assert row == "T\nBeijing; city is Beijing; people is 2154; year is 2020"
    code = read("a.md", "# T\n\n```\n" + rows + "\n```\n")
    assert not said(code, "row") and not said(code, "table")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.sqlite"])
def test_rows_of_data_have_keys_up_to_a_bound(name: str, tmp_path: Path) -> None:
    import json
    import sqlite3

    for count, expected in ((ROWS, ROWS), (ROWS + 1, 0)):
        records = [(f"owl {number}", number) for number in range(count)]
        if name == "a.csv":
            data = ("kind,count\n" + "".join(f'"{kind}",{value}\n' for kind, value in records)).encode()
        elif name == "a.jsonl":
            data = "".join(json.dumps({"kind": kind, "count": value}) + "\n" for kind, value in records).encode()
        else:
            with sqlite3.connect(tmp_path / f"{count}.sqlite") as connection:
                connection.execute("CREATE TABLE owls (kind TEXT, count INTEGER)")
                connection.executemany("INSERT INTO owls VALUES (?, ?)", records)
            connection.close()
            data = (tmp_path / f"{count}.sqlite").read_bytes()
        document = read(name, data)
        found = said(document, "row")
        assert len(found) == expected
        assert not found or found[7].endswith("owl 7; kind is owl 7; count is 7")
        assert len(said(document, "table")) == 1


@pytest.fixture
def manual(tmp_path: Path) -> Iterator[Library]:
    """A library with tables and pictures of every kind, and prose that has nothing to do with them."""
    folder = tmp_path / "docs"
    (folder / "img").mkdir(parents=True)
    (folder / "manual.md").write_text(MANUAL, encoding="utf-8")
    (folder / "report.pdf").write_bytes(report())
    (folder / "talk.pptx").write_bytes(samples.slides())
    for number in range(12):
        (folder / f"{number}.txt").write_text(
            f"The {number} hares sleep in the wood near the river. 野兔睡了。", encoding="utf-8"
        )
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        assert not library.add([folder]).failed
        yield library


@pytest.mark.parametrize("budget", [Budget(), Budget(embedded=0), Budget(embedded=5)], ids=["vectors", "words", "few"])
@pytest.mark.parametrize(
    ("question", "kind", "words", "page"),
    [
        ("How many snowy owls in Norfolk?", "row", "Norfolk 1,204 31", "1"),
        ("figure of the growth since 2010", "image", "Figure 3. Growth of the owls since 2010", "1"),
        ("S6730 的最高工作温度", "row", "| S6730 | 0 度 | 40 度 |", ""),
        ("which fuse does the redundant supply have", "image", "Wiring of the redundant supply", ""),
        ("Map of the north", "image", "Map of the north", "2"),
    ],
)
def test_parts_hands_over_the_part_and_its_page_then_the_passage(
    manual: Library, question: str, kind: str, words: str, page: str, budget: Budget
) -> None:
    evidence = manual.search(question, 6, "parts", budget=budget)
    first = evidence.hits[0]
    assert (first.node.kind, manual.text(first)) == (kind, words)
    assert first.node.meta.get("page", "") == page
    assert (f"page:{page}" in first.via) == bool(page)
    assert any(way.startswith("bm25:") for way in first.via)
    around = next(hit for hit in evidence.hits if hit.node.kind == "passage")
    assert around.node.document_id == first.node.document_id and "walk:around" in around.via
    assert around.node.start <= first.node.start < around.node.end or first.node.kind != "image"
    assert evidence.cost.embedded <= (150 if budget.embedded is None else budget.embedded)
    if budget.embedded != 5:  # with vectors that were kept, the next question knows more for as much
        assert manual.search(question, 6, "parts", budget=budget).hits == evidence.hits


def test_parts_sees_only_what_may_be_seen(manual: Library) -> None:
    hits = manual.search("snowy owls in Norfolk", 10, "parts", where=Where(sources=("docs/manual.md",))).hits
    assert hits and {manual.source(hit.node.document_id) for hit in hits} == {"docs/manual.md"}


def test_parts_without_any_part_is_a_search_like_others(library: Library) -> None:
    library.remove(["docs/ownership.md"])
    hits = library.search("投喂猫头鹰", 3, "parts", budget=Budget(embedded=0)).hits
    assert hits[0].node.kind == "passage" and "投喂猫头鹰" in library.text(hits[0])
    assert library.search("nothing of the kind xyzzy", 3, "parts", budget=Budget(embedded=0)).hits == ()


def node(document: Document, kind: str = "image", number: int = 0) -> Node:
    return [node for node in shape(document).nodes if node.kind == kind][number]


def test_originals_of_packed_pictures(tmp_path: Path) -> None:
    for name, data in (("a.docx", samples.word()), ("a.pptx", samples.slides())):
        (tmp_path / name).write_bytes(data)
        found, media = original(tmp_path / name, node(read(name, data)).meta)
        assert (found, media) == (samples.picture().getvalue(), "image/png")
    with pytest.raises(NotFoundError, match=r"holds no word/media/other\.png"):
        original(tmp_path / "a.docx", {"member": "word/media/other.png"})
    with pytest.raises(NotFoundError, match="no picture"):
        original(tmp_path / "a.docx", {"member": "word/document.xml"})
    with pytest.raises(LimitError):
        original(tmp_path / "a.docx", {"member": "word/media/image1.png"}, limits=Limits(unpacked_bytes=100))
    (tmp_path / "b.docx").write_bytes(b"no zip")
    with pytest.raises(UnreadableError):
        original(tmp_path / "b.docx", {"member": "word/media/image1.png"})


def test_originals_of_pdf_pages(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(report())
    data, media = original(path, node(read("a.pdf", report())).meta)
    with Image.open(io.BytesIO(data)) as picture:
        assert media == "image/png" and picture.width > picture.height
        assert picture.convert("L").getpixel((picture.width // 2, picture.height // 2)) == 0x80
    whole, _ = original(path, {"page": "2"})
    with Image.open(io.BytesIO(whole)) as picture:
        assert picture.width < picture.height
    with pytest.raises(UnreadableError, match="no page 9: there are 2"):
        original(path, {"page": "9"})
    with pytest.raises(NotFoundError, match="does not say"):
        original(path, {"page": "first"})


def test_originals_of_linked_pictures_stay_in_the_folder(tmp_path: Path) -> None:
    root = tmp_path / "added"
    (root / "docs" / "img").mkdir(parents=True)
    (root / ".private").mkdir()
    picture = samples.picture().getvalue()
    for place in (root / "docs" / "img" / "a b.png", tmp_path / "secret.png", root / ".private" / "k.png", root / "top.png"):
        place.write_bytes(picture)
    (root / "docs" / "notes.txt").write_text("words", encoding="utf-8")
    (root / "docs" / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "docs" / "same.png").symlink_to(root / "top.png")
    (root / "docs" / "words.png").symlink_to(root / "docs" / "notes.txt")
    path = root / "docs" / "a.md"
    path.write_text("![a](img/a%20b.png)", encoding="utf-8")
    for src in ("img/a%20b.png", "img/a%20b.png?v=2#x", "../top.png", "/top.png", "same.png"):
        assert original(path, {"src": src}, root) == (picture, "image/png")
    bad = {
        "../../secret.png": "leads out",
        "link.png": "leads out",
        "notes.txt": "no picture",
        "words.png": "no picture",
        "../.private/k.png": "hidden",
        "gone.png": "is not there",
        "https://example.org/a.png": "nothing is fetched",
        "//example.org/a.png": "nothing is fetched",
        "": "no original",
    }
    for src, reason in bad.items():
        with pytest.raises(NotFoundError, match=reason):
            original(path, {"src": src}, root)
    with pytest.raises(NotFoundError, match="leads out"):
        original(path, {"src": "../top.png"})


def test_scans_without_ocr_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rapidocr", None)  # as if it were not installed
    assert not ocr.is_installed() and find_spec("rapidocr") is None
    document = read("a.pdf", report(scan=drawing("Grounding torque")))
    assert document.meta["notes"] == ["page 3 is a scan; install grainline[ocr] and add the file anew to have them read"]
    assert document.meta["pages_without_text"] == 1 and "ocr" not in document.meta
    with pytest.raises(GrainlineError, match="pip install 'grainline\\[ocr\\]'"):
        ocr.read_image(drawing("Owls"))


def test_pictures_that_hold_no_words_cost_nothing() -> None:
    assert list(ocr.Image().read(samples.picture().getvalue(), "icon.png", Limits())) == []


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"GIF89a", CHINESE[:30], b"not a picture"])
def test_damaged_pictures_are_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        list(ocr.Image().read(data, "a.png", Limits()))


def test_a_picture_too_large_is_refused() -> None:
    data = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(data, "PNG")
    with pytest.raises(UnreadableError, match=r"20000 by 20000 pixels|exceeds limit"):
        list(ocr.Image().read(data.getvalue(), "a.png", Limits()))


@needs_ocr
@pytest.mark.slow
def test_ocr_reads_pictures_in_both_languages() -> None:
    assert claims("a.png") == "grainline.readers.ocr:Image"
    document = read("wiring.png", drawing("Grounding torque is 1.4 Nm"))
    assert document.text == "Grounding torque is 1.4 Nm" and document.meta == {"ocr": "rapidocr"}
    assert parts(document, "image") == [(document.text, "", {"src": "wiring.png", "ocr": True})]
    chinese = read("a.png", CHINESE)
    assert "接地电阻应小于" in chinese.text and "欧姆" in chinese.text
    assert read("a.png", CHINESE) == chinese
    with pytest.raises(UnreadableError):
        read("a.png", drawing("Owls")[:900])


@needs_ocr
@pytest.mark.slow
def test_ocr_reads_scanned_pages() -> None:
    data = report(scan=drawing("Grounding torque is 1.4 Nm", (700, 460)))
    document = read("a.pdf", data)
    assert document.meta["ocr"] == "rapidocr" and document.meta["ocr_pages"] == [3] and "notes" not in document.meta
    (page,) = [part for part in document.parts if part.kind == "page" and part.meta.get("ocr")]
    assert page.name == "3" and document.text[page.start : page.end] == "Grounding torque is 1.4 Nm"
    assert read("a.pdf", data) == document
    check_shape(document, shape(document))


def test_a_library_gives_the_original_back(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    (folder / "img").mkdir(parents=True)
    (folder / "img" / "dam.png").write_bytes(b"\x89PNG\r\n\x1a\n picture")
    (folder / "a.md").write_text(
        "# Dams\n\n![The spillway of the northern dam](img/dam.png)\n\nIt was built in 1962.\n", encoding="utf-8"
    )
    with grainline.open(tmp_path / "library") as library:
        library.add([folder])
        hit = library.search("spillway of the northern dam", 1, "parts", budget=Budget(embedded=0)).hits[0]
        assert hit.node.kind == "image"
        assert library.original(hit) == (b"\x89PNG\r\n\x1a\n picture", "image/png")
        text = library.search("built 1962", 1, "fulltext").hits[0]
        with pytest.raises(NotFoundError, match="no original"):
            library.original(text)
        (folder / "a.md").unlink()
        with pytest.raises(NotFoundError, match="gone"):
            library.original(hit)
