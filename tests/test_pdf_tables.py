"""Tables in PDFs that rules show: what becomes a table, what does not, and what is made of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

import document_samples as samples
import grainline
from document_samples import read
from grainline.keys import keys
from grainline.readers.pdf_blocks import Line, blocks_of
from grainline.shapes import shape
from grainline.testing import FakeEmbedder
from grainline.types import Budget, Document
from shape_checks import check_shape

OWLS = [("County", "Barn owls", "Snowy owls"), ("Kent", "389", "12"), ("Norfolk", "1,204", "31"), ("Devon", "98", "0")]
CITIES = [("城市", "人口", "面积"), ("北京", "2154", "16410"), ("上海", "2487", "6340")]
#: what a table stands between
BEFORE, AFTER = "The trust counts its owls every year in spring.", "Nobody knows how many owls there were before."


def words(text: str, left: float, bottom: float, size: int = 10) -> bytes:
    """The content that shows words at a place; Chinese ones in a Chinese font."""
    if text.isascii():
        return b"BT /F %d Tf %d %d Td (%s) Tj ET " % (size, left, bottom, text.replace("(", "\\(").replace(")", "\\)").encode())
    return b"BT /C %d Tf %d %d Td <%s> Tj ET " % (size, left, bottom, text.encode("utf-16-be").hex().encode())


def line(x0: float, y0: float, x1: float, y1: float) -> bytes:
    return b"%d %d m %d %d l S " % (x0, y0, x1, y1)


def grid(
    rows: Sequence[Sequence[str]], *, left: int = 72, top: int = 600, width: int = 120, height: int = 20, by: str = "lines"
) -> bytes:
    """A table with a frame around each cell: `by` lines, thin rectangles, outlines of cells, or one path."""
    right, bottom = left + width * len(rows[0]), top - height * len(rows)
    ys = [top - height * number for number in range(len(rows) + 1)]
    xs = [left + width * number for number in range(len(rows[0]) + 1)]
    if by == "cells":
        out = b"".join(b"%d %d %d %d re S " % (x, y - height, width, height) for x in xs[:-1] for y in ys[:-1])
    elif by == "rectangles":
        out = b"".join(b"%d %d %d 1 re f " % (left, y, right - left) for y in ys)
        out += b"".join(b"%d %d 1 %d re f " % (x, bottom, top - bottom) for x in xs)
    elif by == "path":
        out = b"".join(b"%d %d m %d %d l " % (left, y, right, y) for y in ys)
        out += b"".join(b"%d %d m %d %d l " % (x, bottom, x, top) for x in xs) + b"S "
    else:
        out = b"".join(line(left, y, right, y) for y in ys) + b"".join(line(x, bottom, x, top) for x in xs)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            for part, text in enumerate(cell.split("\n")):
                out += words(text, left + 4 + width * column, top - 14 - height * number - 12 * part)
    return out


def page(*contents: bytes) -> bytes:
    """A page with prose above and below what it shows."""
    return samples.shown([BEFORE], top=720) + b"".join(contents) + samples.shown([AFTER], top=120)


def tables(document: Document) -> list[tuple[str, list[list[str]]]]:
    """The name of each table, and the cells of its header and rows, the kind of the part first."""
    found = []
    for table in document.parts:
        if table.kind == "table":
            inside = [
                part for part in document.parts if part.kind in ("header", "row") and table.start <= part.start < table.end
            ]
            found.append((table.name, [[part.kind, *part.meta["cells"]] for part in inside]))
    return found


def cells(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    return [["row" if number else "header", *(" ".join(cell.split()) for cell in row)] for number, row in enumerate(rows)]


@pytest.mark.parametrize("by", ["lines", "rectangles", "cells", "path"])
@pytest.mark.parametrize("rows", [OWLS, CITIES], ids=["english", "chinese"])
def test_a_grid_is_a_table(rows: Sequence[Sequence[str]], by: str) -> None:
    document = read("a.pdf", samples.pdf([page(grid(rows, by=by))]))
    assert [found for _, found in tables(document)] == [cells(rows)]
    shown = [" ".join(row) for row in rows]
    assert samples.kinds(document, "header", "row") == shown
    assert document.text == "\n\n".join((BEFORE, "\n".join(shown), AFTER))
    check_shape(document, shape(document))


def test_rows_between_level_rules_alone() -> None:
    out = b"".join(line(72, y, 372, y) for y in (620, 600, 540))
    for number, row in enumerate(OWLS):
        out += b"".join(words(cell, 76 + 100 * column, 606 - 20 * number) for column, cell in enumerate(row))
    document = read("a.pdf", samples.pdf([page(out)]))
    assert [found for _, found in tables(document)] == [cells(OWLS)]


def test_cells_of_several_lines_are_one_row_each() -> None:
    rows = [("Kind", "What it eats"), ("Barn owl", "Voles, mice and\nshrews of the field"), ("雪鸮", "旅鼠和\n野兔")]
    document = read("a.pdf", samples.pdf([page(grid(rows, height=34))]))
    ((_, found),) = tables(document)
    assert found == [
        ["header", *rows[0]],
        ["row", "Barn owl", "Voles, mice and shrews of the field"],
        ["row", "雪鸮", "旅鼠和野兔"],
    ]
    assert samples.kinds(document, "row") == ["Barn owl Voles, mice and shrews of the field", "雪鸮 旅鼠和野兔"]


def test_columns_that_are_drawn_one_after_the_other_read_row_by_row() -> None:
    frame = grid([("", "", "")] * 3)
    out = b"".join(
        words(row[column], 76 + 120 * column, 586 - 20 * number) for column in range(3) for number, row in enumerate(CITIES)
    )
    document = read("a.pdf", samples.pdf([page(frame, out)]))
    assert samples.kinds(document, "header", "row") == [" ".join(row) for row in CITIES]


def test_rows_without_rules_between_them_in_a_grid() -> None:
    frame = grid([("", "", "")], top=600) + grid([("", "", "")], top=580, height=60)
    out = b"".join(
        words(cell, 76 + 120 * column, 586 - 20 * number) for number, row in enumerate(OWLS) for column, cell in enumerate(row)
    )
    document = read("a.pdf", samples.pdf([page(frame, out)]))
    assert [found for _, found in tables(document)] == [cells(OWLS)]


def test_cells_over_several_columns_and_rows() -> None:
    out = (
        line(72, 600, 432, 600)
        + line(192, 580, 432, 580)
        + line(72, 560, 432, 560)
        + line(192, 540, 432, 540)
        + line(72, 520, 432, 520)
    )
    out += line(72, 600, 72, 520) + line(192, 600, 192, 520) + line(432, 600, 432, 520) + line(312, 580, 312, 520)
    out += words("County", 76, 576) + words("Owls seen", 290, 586) + words("2019", 196, 566) + words("2020", 316, 566)
    out += words("Kent", 76, 536) + words("12", 196, 546) + words("14", 316, 546) + words("3", 196, 526) + words("5", 316, 526)
    document = read("a.pdf", samples.pdf([page(out)]))
    ((_, found),) = tables(document)
    assert [row[0] for row in found] == ["header", "header", "row", "row"]
    assert [row[1:] for row in found] == [
        ["County", "Owls seen", "Owls seen"],
        ["County", "2019", "2020"],
        ["Kent", "12", "14"],
        ["Kent", "3", "5"],
    ]
    said = [key.text for key in keys(document, shape(document)) if key.kind == "row"]
    assert any("Kent; County is Kent; Owls seen 2019 is 12; Owls seen 2020 is 14" in row for row in said)


def test_a_table_goes_on_over_the_page() -> None:
    top = samples.shown([BEFORE]) + grid(OWLS[:2], top=140)
    later = grid(OWLS[2:], top=700) + samples.shown([AFTER], top=500)
    document = read("a.pdf", samples.pdf([top, later], [("Counts of 2020", 0, 730)]))
    assert tables(document) == [("Counts of 2020", cells(OWLS[:2])), ("Counts of 2020", [["row", *row] for row in OWLS[2:]])]
    other = grid(CITIES, top=700) + samples.shown([AFTER], top=500)
    apart = read("a.pdf", samples.pdf([top, other]))
    assert [found for _, found in tables(apart)] == [cells(OWLS[:2]), cells(CITIES)]
    second = [part for part in document.parts if part.kind == "table"][1]
    assert second.meta == {"page": "2", "columns": list(OWLS[0])}


@pytest.mark.parametrize(
    ("over", "name"),
    [
        ("Table 7: Owls by county", "Table 7: Owls by county"),
        ("Owls by county", "Owls by county"),
        ("表 2-1 各郡的猫头鹰", "表 2-1 各郡的猫头鹰"),
        ("", "County | Barn owls | Snowy owls"),
    ],
)
def test_what_a_table_is_called(over: str, name: str) -> None:
    contents = [words(over, 72, 610)] if over else []
    document = read("a.pdf", samples.pdf([page(*contents, grid(OWLS))]))
    assert [called for called, _ in tables(document)] == [name]


def test_a_caption_between_two_tables_is_that_of_the_nearer_one() -> None:
    over, under = words("Table 1: Owls", 72, 610), words("Table 2: Cities", 72, 490)
    document = read("a.pdf", samples.pdf([page(over, grid(OWLS), under, grid(CITIES, top=480))]))
    assert tables(document) == [("Table 1: Owls", cells(OWLS)), ("Table 2: Cities", cells(CITIES))]
    assert [part.meta["number"] for part in document.parts if part.kind == "table"] == ["1", "2"]


def test_a_title_in_the_first_row() -> None:
    frame = b"72 600 360 20 re S " + words("Owls in the south", 200, 606)
    document = read("a.pdf", samples.pdf([page(frame, grid(OWLS))]))
    assert tables(document) == [("Owls in the south", cells(OWLS))]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            b"".join(words(f"{name}:", 72, 604 - 24 * at) + line(150, 600 - 24 * at, 400, 600 - 24 * at) for at, name in enumerate(
                ("Name", "Address", "City", "Date"))),
            id="a form with lines to fill in",
        ),
        pytest.param(
            b"72 480 400 120 re S " + line(72, 570, 472, 570) + words("Note", 80, 580)
            + b"".join(words("Owls are shy, so be quiet when you are near them.", 80, 550 - 14 * at) for at in range(4)),
            id="a note in a box",
        ),
        pytest.param(
            line(100, 400, 100, 600) + line(100, 400, 400, 400)
            + b"".join(line(95, y, 100, y) + line(100, y, 400, y) + words(str(y - 400), 76, y - 4) for y in range(440, 601, 40))
            + b"".join(line(x, 395, x, 400) + words(str(1900 + x), x - 10, 380) for x in range(150, 401, 50))
            + b"".join(b"%d 400 20 %d re S " % (x, x // 3) for x in range(140, 380, 50)),
            id="a chart with axes and bars",
        ),
        pytest.param(
            b"72 500 400 100 re S " + b"".join(
                words(f"{at + 1}", 78, 586 - 14 * at) + words("owls = count(owls, county)", 100, 586 - 14 * at) for at in range(6)),
            id="code in a frame",
        ),
        pytest.param(
            b"".join(line(72, y, 540, y) for y in (640, 400, 200))
            + b"".join(words("The owls of the county were all", 76, 620 - 14 * at) for at in range(14))
            + b"".join(words("seen again in the spring when it", 310, 620 - 14 * at) for at in range(14)),
            id="prose in two columns between rules",
        ),
        pytest.param(
            b"".join(words("Owls hunt at night in the old wood.", 72, 600 - 20 * at) + line(72, 598 - 20 * at, 240, 598 - 20 * at)
                     for at in range(6)),
            id="underlined words",
        ),
        pytest.param(
            b"".join(b"%d %d 24 24 re S " % (72 + 24 * x, 500 + 24 * y) for x in range(10) for y in range(3))
            + words("A", 80, 556) + words("B", 176, 532) + words("C", 224, 508),
            id="squares with few letters in them",
        ),
    ],
)  # fmt: skip
def test_what_is_no_table(content: bytes) -> None:
    document = read("a.pdf", samples.pdf([page(content)]))
    assert tables(document) == []
    assert BEFORE in document.text and AFTER in document.text


def test_words_drawn_twice_are_read_once() -> None:
    twice = words("Owls in bold", 72, 600) + words("Owls in bold", 72, 600) + words("Owls in bold", 72, 500)
    assert read("a.pdf", samples.pdf([page(twice)])).text.count("Owls in bold") == 2


def test_spread_letters_are_one_word() -> None:
    spread = b"BT /F 12 Tf 3 Tc 72 600 Td (The o) Tj ET BT /F 12 Tf 3 Tc 117.7 600 Td (wl hunts) Tj ET "
    assert "The owl hunts" in read("a.pdf", samples.pdf([page(spread)])).text


def test_a_page_of_graph_paper_is_read_in_time() -> None:
    out = b"".join(line(50, 40 + 3 * at, 560, 40 + 3 * at) + line(50 + 3 * at, 40, 50 + 3 * at, 760) for at in range(170))
    assert tables(read("a.pdf", samples.pdf([page(out)] * 5))) == []


def test_a_page_with_more_rules_than_any_table_is_read_as_before() -> None:
    out = b"".join(
        line(72, 100 + at / 20, 500, 100 + at / 20) + line(72 + at / 20, 100, 72 + at / 20, 600) for at in range(4_000)
    )
    document = read("a.pdf", samples.pdf([page(out)]))
    assert tables(document) == [] and BEFORE in document.text


@pytest.mark.parametrize(
    ("question", "row"), [("How many barn owls in Norfolk?", "Norfolk 1,204 31"), ("北京的人口是多少？", "北京 2154 16410")]
)
def test_tables_without_a_caption_are_found_and_asked(tmp_path: Path, question: str, row: str) -> None:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "owls.pdf").write_bytes(samples.pdf([page(grid(OWLS)), page(grid(CITIES))]))
    for number in range(8):
        (folder / f"{number}.txt").write_text(f"The {number} hares sleep near the river. 野兔睡了。", encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        assert not library.add([folder]).failed
        first = library.search(question, 3, "parts", budget=Budget(embedded=0)).hits[0]
        assert (first.node.kind, library.text(first)) == ("row", row)
        answer = library.ask(question, agent="sql")
        assert row.split()[1].replace(",", "") in answer.text


def test_a_line_that_ends_left_of_where_it_began() -> None:
    lines = [Line("Page 2 of 4 Form of 2025", 261.0, 138.3, 18.7, 14.3), Line("Owls are shy.", 21.6, 155.0, 6.1, 10.9)]
    assert [block.text for block in blocks_of(lines, frozenset())] == ["Page 2 of 4 Form of 2025 Owls are shy."]
