"""Names, phrases and references as edges; the walk along them; and that edges are a function of the documents that may be seen."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import grainline
from grainline.graph.links import Links
from grainline.graph.names import introduced, variants_of
from grainline.graph.phrases import phrases
from grainline.graph.references import references
from grainline.graph.spelling import spell, written
from grainline.library import Library
from grainline.match.lexical import Lexical
from grainline.testing import FakeEmbedder
from grainline.types import EVERYWHERE, Budget, Where

WORDS_ALONE = Budget(embedded=0)
Edge = tuple[str, int, str, int, str, float, str]

FAMILY = {
    "lothair.md": "# Lothair II\n\nLothair II was a king of Lotharingia. He was a son of Ermengarde of Tours.\n",
    "ermengarde.md": "# Ermengarde of Tours\n\nErmengarde of Tours was an empress. She died on 20 March 851.\n",
    "hugh.md": "# Hugh of Italy\n\nHugh of Italy was a king whose mother died early, in 925.\n",
    "boso.md": "# Boso the Elder\n\nBoso the Elder was a count in the ninth century.\n",
    "mother.md": "# Mother Goose\n\nThe mother of all rhymes did not die.\n",
}
HARBOUR = {
    "港.md": "# 望海港\n\n望海港由林远舟设计，一九六二年开港。\n",
    "人.md": "# 林远舟\n\n林远舟，工程师，生于泉州，毕业于东南工学院。\n",
    "校.md": "# 东南工学院\n\n东南工学院的校训是“求实”。\n",
    "别.md": "# 灯塔\n\n灯塔为船只指路，校训与它无关。\n",
}

ACADEMY = {
    "一.md": "# 旧报\n\n他少年时在白鹭洲书院读书，后来经商。\n",
    "二.md": "# 碑记\n\n白鹭洲书院重修于乾隆年间，山长姓罗。\n",
    "三.md": "# 市志\n\n城外的洲上有白鹭，书店不少。\n",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def made(tmp_path: Path, files: dict[str, str], name: str = "docs") -> Library:
    library = grainline.open(tmp_path / f"{name}.library", embedder=FakeEmbedder())
    library.add([write(tmp_path / name, files)])
    return library


def edges(library: Library, where: Where = EVERYWHERE) -> set[Edge]:
    """All links between passages: source and place of both ends, kind, weight and words."""
    with library.snapshot() as state:
        words = Lexical(state)
        links = Links(state, lambda entries: np.zeros(len(entries)), where)
        place = {
            entry: (library.source(words.node(entry).document_id), words.node(entry).start)
            for entry in words.in_order(where).tolist()
        }
        return {
            (*place[entry], *place[link.entry], link.kind, round(link.weight, 9), link.name)
            for entry in place
            for link in links.of(entry)
        }


def ends(library: Library) -> set[tuple[str, str, str]]:
    """(from, kind, to) of all links, by the last part of the sources."""
    return {(one[0].rsplit("/")[-1], one[4], one[2].rsplit("/")[-1]) for one in edges(library)}


def found(library: Library, question: str, k: int = 3) -> list[str]:
    evidence = library.search(question, k, "linked", budget=WORDS_ALONE)
    return [library.source(hit.node.document_id).rsplit("/")[-1] for hit in evidence.hits]


def test_a_walk_reaches_what_the_question_does_not_name(tmp_path: Path) -> None:
    library = made(tmp_path, FAMILY)
    evidence = library.search("When did Lothair II's mother die?", 2, "linked", budget=WORDS_ALONE)
    assert [library.source(hit.node.document_id) for hit in evidence.hits] == ["docs/lothair.md", "docs/ermengarde.md"]
    assert "named in the question" in evidence.hits[0].via
    assert "Lothair II -mentions-> Ermengarde of Tours" in evidence.hits[1].via
    assert evidence.cost.embedded == 0
    assert "links from" in " ".join(step.detail for step in evidence.trace)


def test_a_walk_goes_two_links_far_in_chinese(tmp_path: Path) -> None:
    library = made(tmp_path, HARBOUR)
    evidence = library.search("望海港的设计者毕业的学校，校训是什么？", 3, "linked", budget=WORDS_ALONE)
    assert [library.source(hit.node.document_id) for hit in evidence.hits] == ["docs/港.md", "docs/人.md", "docs/校.md"]
    assert any("林远舟 -mentions-> 东南工学院" in way for way in evidence.hits[2].via)


def test_a_rare_string_of_chinese_links_without_any_mark(tmp_path: Path) -> None:
    library = made(tmp_path, ACADEMY)
    (edge, back) = sorted(one for one in edges(library) if one[4] == "shares")
    assert (edge[0], edge[2], edge[6]) == ("docs/一.md", "docs/二.md", "白鹭洲书院")
    assert (back[0], back[2], back[5]) == ("docs/二.md", "docs/一.md", edge[5])


def test_without_links_the_hits_are_those_of_hybrid(tmp_path: Path) -> None:
    library = made(
        tmp_path, {f"{n}.txt": f"the {word} is kept in box {n}" for n, word in enumerate(("ore", "oil", "ice", "oats"))}
    )
    assert not edges(library)
    for question in ("where is the oil", "ice", "nothing of the kind"):
        plain = library.search(question, 4, "hybrid")
        linked = library.search(question, 4, "linked")
        assert [hit.node for hit in linked.hits] == [hit.node for hit in plain.hits]
        assert linked.cost.embedded <= 150


def test_the_longest_name_counts_and_words_have_borders(tmp_path: Path) -> None:
    library = made(
        tmp_path,
        {
            "new.md": "# New York\n\nA state.\n",
            "city.md": "# New York City\n\nA city.\n",
            "art.md": "# Art\n\nWhat people make.\n",
            "law.md": "# 刑法\n\n一部法律。\n",
            "proc.md": "# 刑法修正案\n\n对法律的修改。\n",
            "x.txt": "she left new york city after the party. 她研究刑法修正案很久。",
        },
    )
    named = {(one[2].rsplit("/")[-1], one[6]) for one in edges(library) if one[0].endswith("x.txt") and one[4] == "mentions"}
    assert named == {("city.md", "new york city"), ("proc.md", "刑法修正案")}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("The World Health Organization (WHO) met.", {"WHO", "World Health Organization"}),
        ("The fox, also known as Reynard, ran.", {"Reynard"}),
        ("“Owner” means whoever holds the deed.", {"Owner"}),
        ("甲方全称为东海远洋运输公司，以下简称“东远”。", {"东海远洋运输公司", "东远"}),
        ("本法所称国家工作人员，是指从事公务的人员。", {"国家工作人员"}),
        ("这些样本组成*数据集*（dataset）。", {"数据集", "dataset"}),
        ("Nothing (see below) is introduced here. 这里什么也没有。", set()),
    ],
)
def test_texts_introduce_names(text: str, names: set[str]) -> None:
    assert set(introduced(text)) == names


def test_titles_have_variants() -> None:
    def ways(name: str) -> set[str]:
        return {written(tokens) for tokens in variants_of(name)}

    assert {"reference and borrowing", "4 2 reference and borrowing"} <= ways("4.2 References and Borrowing")
    assert "theodred ii" in ways("Theodred II (Bishop of Elmham)")
    assert "stanley" in ways("Stanley, North Dakota")
    assert "刑法的任务" in ways("第一章 刑法的任务")
    assert "with_capacity" in ways("Vec::with_capacity")


def test_phrases() -> None:
    text = "However, Mountrail County in North Dakota kept 1,250 km of road since 1914. 《远航》报道了“算网大脑”和 5G SA 网络。"
    said = {written(phrase) for phrase in phrases(text)}
    assert {"mountrail county", "north dakota", "1914", "1 250 km", "远航", "算网大脑", "5g sa"} <= said
    assert "however" not in said
    assert not phrases("It was so. They came in 12 days, 3% of them.")


def test_references() -> None:
    text = (
        "See [Chapter 4](../src/ch04.html#x) and [[Lothair II|him]], section 4.2, 图3.1, note[^1]. "
        "依照本法第二百三十二条和《民法典》第1042条。"
    )
    made_of = list(references(text, "book/src/ch01.md"))
    assert [one.path for one in made_of if one.path] == ["book/src/ch04.html"]
    assert {"".join(one.name) for one in made_of if one.name} == {
        "lothairii",
        "§article232",
        "§article1042",
        "§section42",
        "§figure31",
        "§chapter4",
    }
    assert [one.mark for one in made_of if one.mark] == ["[^1]:"]
    assert {"".join(one.within) for one in made_of if one.within} == {"民法典", "§"}
    assert not list(references("[out](https://example.org/a.md) [mail](mailto:a@example.org)", "a.md"))


def test_references_lead_to_their_places(tmp_path: Path) -> None:
    filler = "\n\n".join(
        f"Sentence {n} says something of its own about nothing much at all, and goes on for a while." for n in range(12)
    )
    library = made(
        tmp_path,
        {
            "guide.md": f"# Guide\n\n## 1 Start\n\nRead [the rest](more/next.html), and section 2.1.\n\n## 2 Work\n\n{filler}\n\n"
            f"### 2.1 Tools\n\nA hammer.\n\n{filler}\n",
            "notes.md": f"# Notes\n\nIt was so.[^a]\n\n{filler}\n\n{filler}\n\n[^a]: A note.\n",
            "page.html": "<html><head><title>Page</title></head><body><p>Then <a href='more/next.md#x'>go <b>on</b></a>, or "
            "<a href='https://example.org/'>out</a>.</p></body></html>",
            "more/next.md": "# Next\n\nWhat comes then.\n",
            "law.md": "# 某法\n\n第一条 为了秩序，制定本法。\n\n第二条 违反本法第一条的，处罚款。\n\n第三条 本法自公布之日起施行。\n",
        },
    )
    refers = {(one[0].rsplit("/")[-1], one[2].rsplit("/")[-1], one[6]) for one in edges(library) if one[4] == "refers"}
    assert ("guide.md", "next.md", "[the rest](more/next.html)") in refers
    assert ("guide.md", "guide.md", "section 2.1") in refers
    assert ("page.html", "next.md", "go on") in refers
    assert ("notes.md", "notes.md", "[^a]") in refers
    assert ("law.md", "law.md", "第一条") in refers
    assert found(library, "第二条说了什么？", 1) == ["law.md"]


def test_symbols_link_code(tmp_path: Path) -> None:
    library = made(
        tmp_path,
        {
            "parse.py": 'def parse_header(line):\n    """Split a header line."""\n    return line.split(":")\n',
            "main.py": "from parse import parse_header\n\n\ndef main(path):\n    return [parse_header(line) for line in open(path)]\n",
        },
    )
    assert ("main.py", "mentions", "parse.py") in ends(library)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(sorted({**FAMILY, **HARBOUR, **ACADEMY})), st.sampled_from(("put", "change", "drop"))),
        max_size=8,
    )
)
def test_edges_do_not_depend_on_the_way_there(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]) -> None:
    tmp_path = tmp_path_factory.mktemp("steps")
    texts = {**FAMILY, **HARBOUR, **ACADEMY}
    start = dict(list(texts.items())[:4])
    with made(tmp_path, start) as library:
        for name, what in steps:
            if what == "drop":
                (tmp_path / "docs" / name).unlink(missing_ok=True)
            else:
                other = "\nSee also Boso the Elder and 林远舟, in 1962.\n" if what == "change" else ""
                write(tmp_path / "docs", {name: texts[name] + other})
            library.add([tmp_path / "docs"])
        with grainline.open(tmp_path / "fresh.library") as fresh:
            fresh.add([tmp_path / "docs"])
            assert edges(library) == edges(fresh)
            question = "When did Lothair II's mother die? 望海港的设计者是谁？"
            answers = [
                [(hit.node, hit.via) for hit in one.search(question, 9, "linked", budget=WORDS_ALONE).hits]
                for one in (library, fresh)
            ]
            assert answers[0] == answers[1]
    shutil.rmtree(tmp_path)


def test_a_restricted_view_has_the_edges_of_a_library_of_its_own(tmp_path: Path) -> None:
    """Names that hidden documents bear, longer names that only they bear, and namesakes among them leave no trace."""
    hidden = {
        "lothair.md": FAMILY["lothair.md"],
        "tours.md": "# Ermengarde of Tours, Empress\n\nErmengarde of Tours and Lothair II, in 851.\n",
        "next.txt": "A page of another kind by the name of next.",
        "塔.md": "# 塔影\n\n望江楼下的白鹭洲书院，旧址尚存。\n",
    }
    files = {**FAMILY, **HARBOUR, **ACADEMY, "next.md": "# Next\n\nGo [on](next.html) to Hugh of Italy.\n"}
    with grainline.open(tmp_path / "both") as both, grainline.open(tmp_path / "one") as one:
        mine = write(tmp_path / "mine", files)
        both.add([mine, write(tmp_path / "theirs", hidden)])
        one.add([mine])
        where = Where(sources=("mine",))
        assert edges(both, where) == edges(one) != edges(both)
        for question in ("When did Lothair II's mother die?", "望海港的设计者毕业的学校，校训是什么？", "Hugh of Italy"):
            seen, alone = (
                [(hit.node, hit.score, hit.via) for hit in library.search(question, 9, "linked", view, WORDS_ALONE).hits]
                for library, view in ((both, where), (one, EVERYWHERE))
            )
            assert seen == alone


def test_the_budget_is_kept(tmp_path: Path) -> None:
    library = made(tmp_path, FAMILY)
    for most in (1, 2, 4):
        assert (
            library.search("When did Lothair II's mother die?", 5, "linked", budget=Budget(embedded=most)).cost.embedded <= most
        )
    evidence = library.search("When did Lothair II's mother die?", 5, "linked", budget=Budget(milliseconds=0.0))
    assert evidence.hits
    assert any(step.action == "spread along names" and "left out" in step.detail for step in evidence.trace)


def test_names_are_spelled_alike() -> None:
    assert spell("Neural Network's") == spell("neural networks") == ("neural", "network")
    assert spell("Müller") == spell("muller")
