"""Shapes: the tree, code, tables and passages; properties that hold for any document."""

from __future__ import annotations

import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainline.shapes import sentence_nodes, shape
from grainline.shapes.passages import MAXIMUM, TARGET, TINY, cut_code, cut_mixed, cut_prose, cut_table
from grainline.shapes.table import MAXIMUM_ROWS
from grainline.shapes.tree import DEEPEST
from grainline.text import count_tokens
from grainline.types import Document, Edge, Part
from shape_checks import check_shape, markdown, parents, passages, plain

# --- the fast path and the tree ---


def test_a_short_text_is_one_passage() -> None:
    document = Document("m1", "corpus.jsonl#m1", "Rome", " Rome is old. It is big.\n", meta={"path": "Italy > Lazio"})
    root, passage = shape(document).nodes
    assert (root.kind, root.name, root.start, root.end) == ("document", "Rome", 0, 25)
    assert (passage.kind, passage.start, passage.end, passage.meta) == ("passage", 1, 24, {"path": ["Italy", "Lazio"]})
    assert shape(document).edges == (Edge("m1:d0-25", "m1:p1-24", "child"),)


def test_an_empty_text_is_a_document_alone() -> None:
    assert [node.kind for node in shape(plain(" \n ")).nodes] == ["document"]
    assert shape(plain("")).edges == ()


def test_short_documents_are_cheap() -> None:
    text = (
        "Green is the fourth studio album by British musician Steve Hillage. It was produced by Nick Mason of Pink Floyd. " * 4
    )
    documents = [Document(f"m{i}", f"m{i}", "Green", text, (Part("prose", 0, len(text)),)) for i in range(500)]
    best = 1.0
    for _ in range(5):
        begin = time.process_time()
        for document in documents:
            shape(document)
        best = min(best, (time.process_time() - begin) / len(documents))
    assert best < 60e-6


@pytest.mark.parametrize(
    "sentence", ["The walk took {} days, said Dr. Smith, and was long. ", "这段路走了{}天，他说，路很长。"]
)
def test_a_megabyte_of_prose_is_linear(sentence: str) -> None:
    text = "\n\n".join("".join(sentence.format(i + j) for j in range(7)) for i in range(1_000_000 // (7 * len(sentence))))
    begin = time.process_time()
    shaped = shape(plain(text))
    assert time.process_time() - begin < 2
    sizes = [count_tokens(text[node.start : node.end]) for node in shaped.nodes if node.kind == "passage"]
    assert max(sizes) <= MAXIMUM
    assert 0.7 * TARGET < sum(sizes) / len(sizes) < 1.3 * TARGET


def test_crossing_spans_are_cut_and_equal_ones_get_ids_of_their_own() -> None:
    text = "aaaa bbbb cccc dddd"
    document = plain(text, Part("class", 0, 9, "A"), Part("class", 5, 14, "B"), Part("class", 5, 14, "B"))
    found = [(node.id, node.start, node.end) for node in shape(document).nodes if node.kind == "class"]
    assert found == [("d:c0-9", 0, 9), ("d:c5-9", 5, 9), ("d:c5-9#2", 5, 9)]


def test_nesting_without_end_is_bounded() -> None:
    text = "class x " * 4000
    parts = [Part("class", 8 * at, len(text), f"x{at}") for at in range(4000)]
    shaped = shape(plain(text, *parts))
    check_shape(plain(text, *parts), shaped)
    assert max(len(node.meta.get("path", ())) for node in shaped.nodes) == DEEPEST


def test_sentences_of_a_passage() -> None:
    document = markdown("# 甲\n\n他走了。She left. Dr. No stayed.\n")
    passage = next(node for node in shape(document).nodes if node.kind == "passage")
    made = sentence_nodes(document, passage)
    assert [document.text[node.start : node.end] for node in made][1:] == ["他走了。", "She left.", "Dr. No stayed."]
    assert made[1].meta == {"path": ["甲"]}
    assert made[1].kind == "sentence"
    assert made[1].id == "d:n5-9".replace("d:", f"{document.id}:")


# --- code, tables, passages ---


def test_code_is_cut_at_its_symbols() -> None:
    body = "".join(f"        x{i} = {i}\n\n" for i in range(300))
    text = (
        "import os\n\nclass A:\n    y = 1\n\n    def f(self):\n        def g(): pass\n        return g\n\n    def long(self):\n"
        + body
    )
    f, g, long = text.index("def f"), text.index("def g"), text.index("def long")
    document = plain(
        text,
        Part("class", 11, len(text), "A"),
        Part("function", f, long - 6, "A.f"),
        Part("function", g, text.index("\n", g), "A.f.g"),
        Part("function", long, len(text), "A.long"),
    )
    shaped = shape(document)
    assert [node.name for node in shaped.nodes if node.kind in ("class", "function")] == ["A", "A.f", "A.long"]
    found = passages(document)
    assert found[:3] == ["import os", "class A:\n    y = 1", text[f : long - 6].rstrip()]
    assert all(piece.startswith(("x", "def long")) and count_tokens(piece) <= MAXIMUM for piece in found[3:])
    assert shaped.nodes[-1].meta["path"] == ["A", "A.long"]


def test_code_without_symbols_has_no_headings() -> None:
    text = "# settings\n\n1. Alpha\n\nx = 1\n\n2. Beta\n\ny = 2\n"
    assert [node.kind for node in shape(plain(text)).nodes].count("section") == 2
    assert [node.kind for node in shape(plain(text, code="python")).nodes] == ["document", "passage"]


@pytest.mark.parametrize(("count", "expected"), [(60, 60), (MAXIMUM_ROWS, MAXIMUM_ROWS), (MAXIMUM_ROWS + 1, 0)])
def test_tables_hold_whole_rows(count: int, expected: int) -> None:
    rows = "".join(f"| name {i} | 数值 {i} | some more words here |\n" for i in range(count))
    document = markdown(f"# T\n\n| a | b | c |\n|---|---|---|\n{rows}\nAfter.\n")
    shaped = shape(document)
    table = next(node for node in shaped.nodes if node.kind == "table")
    assert document.text[slice(*table.meta["header"])] == "| a | b | c |"
    assert table.meta["path"] == ["T"]
    kinds = Counter(node.kind for node in shaped.nodes)
    assert kinds["row"] == expected
    within = [text for text in passages(document) if text.startswith("|")]
    assert all(line.startswith("|") and line.endswith("|") for text in within for line in text.splitlines())
    up = parents(shaped)
    assert all(up[up[node.id]] == table.id for node in shaped.nodes if node.kind == "row")


def test_prose_and_code_share_a_passage_only_if_one_is_tiny() -> None:
    prose, code = "Some words of prose. " * 12, "let value = compute(argument);\n" * 15
    text = f"{prose}\n\nlet x = 1;\n\n{prose}\n\n{code}\n\nFilename: main.rs\n\n{code}"
    short, block, other = text.index("let x"), text.index(code), text.rindex(code)
    blocks = [(short, short + 10), (block, block + len(code)), (other, len(text))]
    cut = [text[a:b] for a, b in cut_mixed(text, 0, len(text), blocks)]
    assert cut == [text[:block].strip(), code.strip(), text[text.index("Filename") :].strip()]
    assert count_tokens(code) >= TINY


def test_cuts_fall_where_the_text_pauses() -> None:
    prose = "\n\n".join(f"It was {i} o'clock. The bell rang. " * 20 for i in range(9))
    assert all(prose[b - 1] == "." for _, b in cut_prose(prose, 0, len(prose)))
    chinese = "钟敲了，天亮了。" * 200
    assert all(chinese[b - 1] == "。" for _, b in cut_prose(chinese, 0, len(chinese)))
    code = "\n".join(f"let a{i} = {i};" + ("\n" if i % 9 == 8 else "") for i in range(500))
    assert all(code[b : b + 2] in ("\n\n", "\n", "") for _, b in cut_code(code, 0, len(code)))
    for text in ("字" * 2000, "word " * 2000, "x" * 20_000):
        assert all(count_tokens(text[a:b]) <= MAXIMUM for a, b in cut_prose(text, 0, len(text)))


def test_a_row_is_never_cut() -> None:
    rows = ["a b", "c " * 900, "d e"]
    text = "\n".join(rows)
    places = [(text.index(row), text.index(row) + len(row)) for row in rows]
    assert all(any(a <= start and end <= b + 1 for a, b in cut_table(text, 0, len(text), places)) for start, end in places)


# --- properties ---

LINES = st.sampled_from(
    [
        *(
            "",
            "",
            " ",
            "# A",
            "## B",
            "第一章 总则",
            "第二章 分则",
            "第一条 为了。",
            "第二条 本法。",
            "一、甲",
            "二、乙",
            "（一）丙",
        ),
        *("1. Foo", "2. Bar", "2.1 Baz", "CHAPTER I.", "PART TWO", "SOME TITLE", "=====", "-----", "目录", "第三条的规定"),
        *(
            "Some words here. And more! ",
            "一句话。又一句话！",
            "x" * 50,
            "词" * 350,
            "word " * 320,
            "}",
            "| a | b |",
            "\u3000第三条\u3000文",
        ),
    ]
)
KINDS = st.sampled_from(
    ["heading", "prose", "code", "table", "header", "row", "image", "page", "class", "function", "signature"]
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Any lines, any parts: nested, crossing, equal."""
    text = "\n".join(draw(st.lists(LINES, max_size=25)))
    parts = []
    for _ in range(draw(st.integers(0, 8)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, len(text)))
        kind = draw(KINDS)
        parts.append(Part(kind, start, end, text[start:end].strip()[:40], draw(st.integers(0, 4))))
    return Document("d", "d", "d", text, tuple(sorted(parts, key=lambda part: (part.start, -part.end))))


@settings(max_examples=250, deadline=None)
@given(documents())
def test_any_document_gives_a_proper_tree(document: Document) -> None:
    shaped = shape(document)
    check_shape(document, shaped)
    assert shape(document) == shaped


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab第一二条章、（）1. \n。A=-", max_size=120))
def test_any_text_gives_a_proper_tree(text: str) -> None:
    check_shape(plain(text), shape(plain(text)))
