"""Articles that a question points at by number: found however both write it, of the law that is named, quoted whole where that is asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import grainline
from grainline.ask.articles import wanted
from grainline.graph.pointed import pointed, spelled
from grainline.ingest import Options
from grainline.library import Library
from grainline.testing import FakeEmbedder, FakeLLM
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Manner, Where

HARBOUR = """# 中华人民共和国港湾法

第一章 总则

第一条 为了保护港湾，制定本法。

第二条 船舶进港，应当提前二日申报。未申报的，不得停泊。

第二条之一 渔船进港，不必申报。

第十二条 停泊费每日四十元。依照本法第二条申报的，减半收取。

第十三条 违反第二条的，处以罚款。
"""
LAMPS = """# 灯塔条例

第1条 灯塔由县人民政府管理。

第2条 灯塔在日落后点亮。

第12条 灯塔看守人每年休假十日。
"""
AMENDED = """# 中华人民共和国港湾法修正案（二）

第一条 将港湾法第二条修改为：船舶进港，应当提前一日申报。

第二条 本修正案自公布之日起施行。
"""


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    folder = tmp_path / "laws"
    folder.mkdir()
    for name, text in (("harbour", HARBOUR), ("lamps", LAMPS), ("amended", AMENDED)):
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        library.add([folder / "harbour.md", folder / "amended.md"])
        library.add([folder / "lamps.md"], Options(labels=("town",)))
        yield library


def headings(library: Library, question: str, where: Where = EVERYWHERE) -> list[str]:
    """What a question points at, with the sources."""
    with library.snapshot() as state:
        nodes = [node for one in pointed(question, state, where) for node in one.nodes]
        return [f"{library.source(node.document_id).rpartition('/')[2][:-3]} {node.name}" for node in nodes]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("港湾法第2条规定了什么？", ["harbour 第二条"]),
        ("《中华人民共和国港湾法》第二条", ["harbour 第二条"]),
        ("港湾法第２条之一", ["harbour 第二条之一"]),
        ("港湾法13条", ["harbour 第十三条"]),
        ("港湾法的第 12 条和第十三条、第1条", ["harbour 第十二条", "harbour 第十三条", "harbour 第一条"]),
        ("灯塔条例第十二条", ["lamps 第12条"]),
        ("港湾法修正案（二）第1条", ["amended 第一条"]),
        ("港湾法第1条与灯塔条例第1条有什么不同？", ["harbour 第一条", "lamps 第1条"]),
        ("第13条是什么？", ["harbour 第十三条"]),  # no other document has one
        ("第12条是什么？", []),
        ("第十三条鱼是谁钓的？", []),
        ("海上交通法第2条", []),
        ("港湾法第99条", []),
        ("港里有13条船吗？", []),
        ("这两条路通向港湾法院的第二条街吗？", []),
    ],
)
def test_what_is_pointed_at(library: Library, question: str, found: list[str]) -> None:
    assert headings(library, question) == found


def test_each_article_may_be_a_document(tmp_path: Path) -> None:
    rows = [
        {"_id": str(n), "title": f"港湾法第{one}条", "text": f"港湾的第{n}件事。"} for n, one in ((1, "一"), (64, "六十四"))
    ]
    (tmp_path / "laws.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=FakeEmbedder()) as library:
        library.add([tmp_path / "laws.jsonl"])
        found = library.ask("港湾法64条规定了什么？")
        assert found.text == "港湾的第64件事。 [1]" and found.citations[0].source == "laws.jsonl#64"


def test_what_may_not_be_seen_is_not_pointed_at(library: Library) -> None:
    town = Where(labels=("town",))
    assert headings(library, "灯塔条例第12条", town) == ["lamps 第12条"]
    hidden = Where(sources=("lamps.md",))
    assert headings(library, "港湾法第2条", hidden) == [] and headings(library, "第12条", hidden) == ["lamps 第12条"]


def test_numbers_are_spelled_as_the_library_does(library: Library) -> None:
    with library.snapshot() as state:
        assert spelled("港湾法第2条、第12条怎么说？", state) == "港湾法第二条、第十二条怎么说？"
        assert spelled("灯塔条例第十二条", state) == "灯塔条例第12条"
        assert spelled("港湾法13条之外", state) == "港湾法第十三条之外"
        for same in ("2条船", "港湾法第99条", "What does article 2 say?", ""):
            assert spelled(same, state) == same


@pytest.mark.parametrize(
    ("question", "count"),
    [
        ("港湾法第2条规定了什么？", 1),
        ("请帮我查一下《港湾法》第2条的具体内容", 1),
        ("港湾法第2条", 1),
        ("港湾法第1条、第2条都说了些什么？", 2),
        ("港湾法第12条规定的停泊费是多少？", 0),
        ("港湾法第1条与灯塔条例第1条有什么不同？", 0),
        ("港湾法规定了什么？", 0),
        (f"港湾法第2条{'看' * 4000}鱼", 0),
    ],
)
def test_an_article_is_wanted_as_such_where_nothing_else_is_asked(library: Library, question: str, count: int) -> None:
    with library.snapshot() as state:
        assert len(wanted(question, state, EVERYWHERE)) == count


def test_articles_are_quoted_whole_for_the_least_price(library: Library) -> None:
    found = library.ask("港湾法第2条规定了什么？")
    assert found.answered and found.route == ("outline",) and found.cost.embedded == 0
    assert found.text == "第二条 船舶进港，应当提前二日申报。未申报的，不得停泊。 [1]"
    assert [citation.source for citation in found.citations] == ["harbour.md"]
    both = library.ask("港湾法第1条和第12条的内容")
    assert "保护港湾" in both.text and "四十元" in both.text and [one.source for one in both.citations] == ["harbour.md"] * 2
    assert "named by its number" in found.evidence.hits[0].via
    assert [hit.node.id for hit in found.evidence.hits].count(found.evidence.hits[0].node.id) == 1


def test_what_is_asked_of_an_article_is_answered_from_it(library: Library) -> None:
    found = library.ask("港湾法第12条规定的停泊费是多少？")
    assert found.answered and "四十元" in found.text and found.citations[0].source == "harbour.md"
    after = library.ask("那第12条呢？", manner=Manner(history=("港湾法第2条规定了什么？",)))
    assert after.answered and "四十元" in after.text


def test_a_model_is_not_asked_to_read_an_article_aloud(tmp_path: Path, library: Library) -> None:
    model = FakeLLM({})
    with grainline.open(library.folder, embedder=FakeEmbedder(), llm=model) as asked:
        assert asked.ask("港湾法第2条规定了什么？", budget=Budget()).text.startswith("第二条 船舶进港") and model.calls == 0
        asked.ask("港湾法第2条规定提前几日申报？", budget=NO_LIMIT)
        assert model.calls > 0
