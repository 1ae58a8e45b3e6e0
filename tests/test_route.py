"""The router: which agents it asks and why, within which budget, and that a restricted view is routed like a library of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

import grainline
from grainline.agents.registry import registered
from grainline.ask.features import features
from grainline.ask.judge import judged, names_of
from grainline.ask.route import MOST, order
from grainline.ask.weights import Logistic, fitted
from grainline.bench.routing.fit import regression
from grainline.library import Library
from grainline.testing import FakeEmbedder, FakeLLM
from grainline.types import EVERYWHERE, Budget, Where

FILES = {
    "guide.md": "# Harbour guide\n\n## 1 Berths\n\nThe harbour has twelve berths. The pilot boards at buoy E7.\n\n"
    "## 2 Fees\n\nA berth costs 40 marks a night. "
    "Error code PX-4711 means that the crane is overloaded.\n",
    "港口.md": "# 港口手册\n\n## 泊位\n\n港口共有十二个泊位。引航员在七号浮标登船。\n\n## 费用\n\n每个泊位每晚四十马克。\n",
    "ships.csv": "name,flag,tonnage\nAurora,Norway,5200\nBoreas,Sweden,3100\nCalypso,Norway,8800\n",
    "crane.py": 'def lift_load(weight):\n    """Lift a load with the crane, unless it is too heavy."""\n    return weight < 40\n',
}


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Library:
    folder = tmp_path_factory.mktemp("harbour")
    (folder / "docs").mkdir()
    for name, text in FILES.items():
        (folder / "docs" / name).write_text(text, encoding="utf-8")
    library = grainline.open(folder / "library", embedder=FakeEmbedder())
    library.add([folder / "docs"])
    return library


@pytest.mark.parametrize(
    ("question", "agent"),
    [
        ("/PX-\\d+/", "grep"),
        ('where does it say "the crane is overloaded"', "grep"),
        ("哪里写着「引航员在七号浮标登船」", "grep"),
        ("How many ships have the flag Norway?", "sql"),
        ("What is the average tonnage of the ships?", "sql"),
    ],
)
def test_the_cheapest_that_can_is_asked_first(harbour: Library, question: str, agent: str) -> None:
    answer = harbour.ask(question)
    assert answer.route[0] == answer.agent == agent
    assert answer.answered and answer.citations


@pytest.mark.parametrize("question", ["What does a berth cost a night?", "每个泊位每晚多少钱", "who boards at buoy E7"])
def test_every_agent_is_thought_of(harbour: Library, question: str) -> None:
    answer = harbour.ask(question)
    assert {rung.agent for rung in answer.rungs} == set(registered()) - {"state"}  # which needs a model
    asked = [rung for rung in answer.rungs if rung.asked]
    assert tuple(rung.agent for rung in asked) == answer.route and 1 <= len(asked) <= MOST
    assert all(rung.reason for rung in answer.rungs) and all(rung.found for rung in asked)
    assert answer.cost.milliseconds >= sum(rung.cost.milliseconds for rung in asked)
    assert answer.evidence.trace[0].action == "route"
    assert answer.confidence == max(rung.confidence for rung in asked)


def test_the_same_question_takes_the_same_way(harbour: Library) -> None:
    first, second = harbour.ask("Which fees are there?"), harbour.ask("Which fees are there?")
    assert (first.text, first.route, first.citations) == (second.text, second.route, second.citations)
    assert [(rung.agent, rung.fit, rung.confidence) for rung in first.rungs] == [
        (rung.agent, rung.fit, rung.confidence) for rung in second.rungs
    ]


@pytest.mark.parametrize("question", ["What does a berth cost?", "港口有几个泊位", "why is the crane overloaded"])
def test_the_budget_is_kept(harbour: Library, question: str) -> None:
    assert harbour.ask(question, budget=Budget(embedded=0)).cost.embedded == 0
    assert harbour.ask(question, budget=Budget(embedded=3)).cost.embedded <= 3
    hurried = harbour.ask(question, budget=Budget(milliseconds=0))
    assert len(hurried.route) == 1 and hurried.rungs[0].price.milliseconds >= 0
    refused = [rung.reason for rung in hurried.rungs if not rung.asked]
    assert all("do not fit" in reason or "sure enough" in reason for reason in refused)


@pytest.mark.parametrize(
    "question",
    [
        'where does the guide say "mutiny is forbidden"',
        "What does section 9.7 say?",
        "Who founded the Williams County Observatory?",
        "海盗条例第二百条怎么规定的",
    ],
)
def test_what_is_not_there_is_declined(harbour: Library, question: str) -> None:
    answer = harbour.ask(question)
    assert not answer.answered and answer.confidence == 0.0


def test_search_takes_the_agent_that_is_asked_first(harbour: Library) -> None:
    evidence = harbour.search("What does a berth cost a night?", 4)
    answer = harbour.ask("What does a berth cost a night?", 4)
    assert evidence.agent == answer.route[0] and evidence.hits and evidence.trace[0].action == "route"
    assert evidence.cost.milliseconds > 0


def test_a_restricted_view_is_routed_like_a_library_of_its_own(tmp_path: Path) -> None:
    for part, names in {"mine": ("guide.md", "crane.py"), "theirs": ("港口.md", "ships.csv")}.items():
        (tmp_path / part).mkdir()
        for name in names:
            (tmp_path / part / name).write_text(FILES[name], encoding="utf-8")
    with (
        grainline.open(tmp_path / "both", embedder=FakeEmbedder()) as both,
        grainline.open(tmp_path / "one", embedder=FakeEmbedder()) as one,
    ):
        both.add([tmp_path / "mine", tmp_path / "theirs"])
        one.add([tmp_path / "mine"])
        for question in (
            "How many ships are from Norway?",
            "What does a berth cost?",
            "引航员在哪里登船",
            '"PX-4711"',
            "lift_load",
        ):
            seen, alone = both.ask(question, where=Where(sources=("mine",))), one.ask(question)
            assert (seen.text, seen.route, seen.answered, seen.confidence) == (
                alone.text,
                alone.route,
                alone.answered,
                alone.confidence,
            )
            assert [(r.agent, r.fit, r.found, r.reason) for r in seen.rungs] == [
                (r.agent, r.fit, r.found, r.reason) for r in alone.rungs
            ]


def test_signs_of_a_question(harbour: Library) -> None:
    with harbour.snapshot() as state:
        found = features("How many ships have the flag Norway?", state, EVERYWHERE)
        assert found["count"] == 1 and found["tables"] > 0.5 and found["regex"] == found["chinese"] == 0
        found = features("第二章讲了什么", state, EVERYWHERE)
        assert found["section"] == found["whole"] == found["chinese"] == 1
        assert all(-0.01 <= value <= 2.0 for value in found.values())


def test_signs_of_evidence(harbour: Library) -> None:
    question = "What does a berth cost a night?"
    with harbour.snapshot() as state:
        evidence = harbour.search(question, 5, "fulltext")
        chosen, found = judged(question, evidence, state, EVERYWHERE)
        assert chosen and found["share"] > 0.6 and found["pointed"] == found["quoted"] == 0
        _, found = judged("Which fees does the Baltic Pilots Board take?", evidence, state, EVERYWHERE)
        assert found["names"] == 0 and found["unseen"] > 0.2


def test_names_of_a_question() -> None:
    assert names_of("When did the United States of America buy Alaska?") == ["United States of America", "Alaska"]
    assert names_of("What is a berth?") == []
    assert names_of("《民法典》怎么说") == ["《民法典》"]
    assert names_of("who calls read_line in std::io?") == ["read_line", "std::io"]


def test_all_agents_of_ours_are_fitted() -> None:
    weights = fitted()
    assert set(weights.fit) == set(weights.price) == set(weights.right) == set(registered()) - {"state"}
    assert 0 < weights.stop < 1 and 0 < weights.decline < 1 and weights.second > 0
    ranked = order({"pattern": 1.0}, weights)
    assert ranked[0][0] == "grep"


def test_a_regression_learns_what_tells() -> None:
    rows = [{"a": float(n % 2), "b": float(n % 3 == 0)} for n in range(60)]
    learnt = regression(rows, [row["a"] > 0.5 for row in rows])
    assert learnt.probability({"a": 1.0, "b": 0.0}) > 0.8 > 0.2 > learnt.probability({"a": 0.0, "b": 1.0})
    assert Logistic({"a": 1.0}, 0.0).probability({}) == 0.5


def test_a_model_is_asked_only_within_the_budget(harbour: Library) -> None:
    model = FakeLLM(lambda prompt: '{"sql": null, "reason": "no such column"}')
    with grainline.open(harbour.folder, create=False, embedder=FakeEmbedder(), llm=model) as library:
        for question in ("How many ships have the flag Norway?", "What does a berth cost a night?"):
            answer = library.ask(question, budget=Budget(calls=0))
            assert answer.cost.calls == 0
        rungs = {rung.agent: rung for rung in answer.rungs}
        assert rungs["sql"].price.calls == 1 and not rungs["sql"].asked
