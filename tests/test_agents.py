"""Agents: what each hands over, and that one from outside needs no change of ours."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from grainline.agents import registry
from grainline.agents.grep import pattern_of
from grainline.errors import PatternError
from grainline.library import Library
from grainline.match.fuse import reciprocal_rank_fusion
from grainline.store.snapshot import Snapshot
from grainline.testing import FakeEmbedder
from grainline.types import EVERYWHERE, NO_LIMIT, Agent, Budget, Evidence, Hit, Node, Where


def test_window_hands_over_the_surroundings(library: Library) -> None:
    hit = library.search("who counted the hares", 1, "window").hits[0]
    assert "owl called twice" in library.text(hit)
    assert "quiet after that" in library.text(hit)
    start, end = hit.node.meta["sentence"]
    with library.snapshot() as snapshot:
        assert "seventeen hares" in snapshot.document(hit.node.document_id).text[start:end]


def test_parent_hands_over_the_document(library: Library) -> None:
    hit = library.search("borrows a value", 1, "parent").hits[0]
    assert hit.node.kind == "document"
    assert library.text(hit).startswith("# Ownership")


def test_outline_tells_the_path(library: Library) -> None:
    hits = library.search("盗窃动物怎么处理", 3, "outline").hits
    assert "移送公安机关" in library.text(hits[0])
    assert "第二章 罚则" in " ".join(hits[0].node.meta["path"])
    assert any("第二章 罚则" in way for way in hits[0].via)


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("hoot_\\w+", "def hoot_twice(times: int) -> str:"),
        ("/第.条 盗窃/", "第四条 盗窃动物的，移送公安机关处理。"),
        (
            "where is `seventeen hares` told?",
            "Marta opened the door and counted seventeen hares in the field. She closed it again. The night was quiet after that.",
        ),
        ("what does hoot_twice return?", "def hoot_twice(times: int) -> str:"),
        (r"\p{Han}{2}猫头鹰", "第三条 投喂猫头鹰的，处五百元以下罚款；情节严重的，禁止入园一年。"),
    ],
)
def test_grep_finds_the_line(library: Library, question: str, line: str) -> None:
    hits = library.search(question, 5, "grep").hits
    assert [library.text(hit) for hit in hits] == [line]
    assert library.text(hits[0])


@pytest.mark.parametrize("pattern", ["(unclosed", r"(a)\1", "(?<=a)b", "x{1,999}{1,999}", "a" * 20_000])
def test_a_pattern_that_cannot_be_had_is_refused(library: Library, pattern: str) -> None:
    with pytest.raises(PatternError):
        library.search(f"/{pattern}/", agent="grep")


def test_a_hostile_pattern_takes_no_time(library: Library, tmp_path: Path) -> None:
    (tmp_path / "docs" / "a.txt").write_text("a" * 200_000, encoding="utf-8")
    library.add([tmp_path / "docs"])
    evidence = library.search("/(a+)+$|(a|aa)+b|(.*)*x/", agent="grep")
    assert evidence.cost.milliseconds < 2_000


def test_pattern_of_a_question() -> None:
    assert pattern_of("错误码 “E0382” 是什么") == "E0382"
    assert pattern_of(
        "what raises std::io::Error and ReadTimeout?"
    ) == "std::io::Error|ReadTimeout" or "std::io::Error" in pattern_of("what raises std::io::Error and ReadTimeout?")


class Toy:
    """The first document, whatever is asked."""

    name = "toy"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The first document that may be seen."""
        hits = [Hit(self._snapshot.shaped(document.id).nodes[0], 1.0, ("toy",)) for document in self._snapshot.documents(where)]
        return Evidence(tuple(hits[:1]))


def test_an_agent_from_outside(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution on the path with an entry point is all it takes."""
    place = tmp_path / "toy_agent-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: toy-agent\nVersion: 1.0\n", encoding="utf-8")
    (place / "entry_points.txt").write_text(f"[grainline.agents]\ntoy = {__name__}:Toy\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.syspath_prepend(str(tmp_path))
    assert registry.describe()["toy"] == "The first document, whatever is asked."
    assert library.search("anything", agent="toy").hits[0].via == ("toy",)


@pytest.mark.parametrize("name", ["fulltext", "grep", "hybrid", "outline", "parent", "summary", "window"])
def test_conformance(library: Library, name: str) -> None:
    with library.snapshot() as snapshot:
        snapshot.embedder = FakeEmbedder
        agent = registry.make(name, snapshot)
        assert isinstance(agent, Agent)
        assert agent.name == name
        for question in ("owl", "猫头鹰"):
            evidence = agent.retrieve(question, 2)
            assert 0 < len(evidence.hits) <= 2
            assert evidence == evidence and evidence.trace
            assert [hit.score for hit in evidence.hits] == sorted((hit.score for hit in evidence.hits), reverse=True)
            assert all(hit.via for hit in evidence.hits)
            assert [hit.node for hit in agent.retrieve(question, 2).hits] == [hit.node for hit in evidence.hits]
            nothing = agent.retrieve(question, 2, Where(sources=("nowhere",)))
            assert nothing.hits == ()
            hurried = agent.retrieve(question, 2, budget=Budget(milliseconds=0.0))
            assert hurried.cost.embedded == 0 and any("left out" in step.detail for step in hurried.trace) == (
                len(evidence.trace) > 1
            )
            assert len(hurried.trace) == len(evidence.trace) or name in ("hybrid", "linked", "parent", "summary", "window")


def test_fusion_does_not_depend_on_order() -> None:
    hits = [Hit(Node(name, "d", "passage", "", 0, 1), 1.0, (name,)) for name in "abcd"]
    rankings = [hits, hits[::-1], hits[1:3]]
    fused = reciprocal_rank_fusion(rankings, 4)
    assert fused == reciprocal_rank_fusion(rankings[::-1], 4)
    assert {hit.node.id for hit in fused[:2]} == {"b", "c"}
    assert fused[0].score == pytest.approx(1 / 62 + 1 / 63 + 1 / 61)
