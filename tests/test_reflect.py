"""Looking back: what an answer is worth, what is asked again, and how far users' marks move the router."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

import grainline
from grainline.ask.feedback import MOST, Mark, shifts
from grainline.ask.reflect import reward
from grainline.cli import main
from grainline.doctor import examine
from grainline.testing import FakeLLM
from grainline.types import EVERYWHERE, Budget, Manner, Where

PUMP = "# Pump\n\nThe pump P7 moves water from the well to the tank.\n"
CARE = "# Care of machines\n\nThe pump P7 needs maintenance every six months, by an engineer.\n"
AGREED = "# Plan for the year\n\nMaintenance of the pump P7 every six months, by an engineer.\n"
DAM = "# 水库\n\n青石水库位于安平县北部，1975年建成。\n"
QUESTION = "How often does the pump P7 need maintenance?"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    for name, text in (("pump.md", PUMP), ("care.md", CARE), ("dam.md", DAM)):
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        library.add([tmp_path / "docs"])
    return tmp_path


def claims(answer: str, quote: str) -> str:
    return json.dumps({"claims": [{"quote": quote, "passage": 1, "answer": answer}]}, ensure_ascii=False)


def worth(folder: Path, question: str, mark: int = 0):  # type: ignore[no-untyped-def]
    with grainline.open(folder / "library") as library:
        answer = library.ask(question, agent="fulltext")
        with library.snapshot() as state:
            return reward(question, answer, state, EVERYWHERE, mark)


def test_a_reward_is_made_of_its_parts(folder: Path) -> None:
    found = worth(folder, QUESTION)
    assert found.support == 1.0 and found.coverage > 0.7 and found.agreement == 0.0
    assert found.value == pytest.approx(0.45 + 0.35 * found.coverage)
    (folder / "docs" / "plan.md").write_text(AGREED, encoding="utf-8")
    with grainline.open(folder / "library") as library:
        library.add([folder / "docs"])
    with grainline.open(
        folder / "library", llm=FakeLLM({}, claims("every six months", "needs maintenance every six months"))
    ) as library:
        answer = library.ask(QUESTION, agent="fulltext")
        with library.snapshot() as state:
            assert reward(QUESTION, answer, state, EVERYWHERE).agreement == 1.0


def test_a_mark_counts_half(folder: Path) -> None:
    plain, good, bad = (worth(folder, QUESTION, mark).value for mark in (0, 1, -1))
    assert good == pytest.approx(plain / 2 + 0.5) and bad == pytest.approx(plain / 2)


def test_no_answer_is_worth_nothing(folder: Path) -> None:
    found = worth(folder, "钨的熔点是多少？")
    assert found.value == found.support == 0.0


def test_a_weak_answer_is_asked_again_for_what_is_missing(folder: Path) -> None:
    """The model finds nothing until the passage about care is among those that it is shown."""
    model = FakeLLM(
        lambda prompt: claims("every six months", "every six months") if "| The pump P7 needs" in prompt else '{"claims": []}'
    )
    question = "Which pump moves water from the well, and what of its maintenance?"
    with grainline.open(folder / "library", llm=model) as library:
        english = Where(sources=("docs/pump.md", "docs/care.md"))  # so that nothing is asked in the other language
        first = library.ask(question, k=1, agent="fulltext", where=english)
        later = library.ask(question, k=1, agent="fulltext", where=english, manner=Manner(rounds=2))
    assert not first.answered
    steps = [step for step in later.evidence.trace if step.action.startswith("reflect")]
    assert "worth 0.00" in steps[0].detail and "mainten" in steps[1].detail
    assert later.text == "every six months [1]" and later.cost.calls == 2  # the first round was remembered


def test_an_answer_that_is_good_enough_is_left_alone(folder: Path) -> None:
    with grainline.open(folder / "library") as library:
        plain = library.ask(QUESTION, agent="fulltext")
        again = library.ask(QUESTION, agent="fulltext", manner=Manner(rounds=3))
    assert again.text == plain.text
    assert [step.action for step in again.evidence.trace if step.action.startswith("reflect")] == ["reflect"]


def test_rounds_end_with_the_budget(folder: Path) -> None:
    model = FakeLLM({}, '{"claims": []}')
    with grainline.open(folder / "library", llm=model) as library:
        answer = library.ask(QUESTION, agent="fulltext", budget=Budget(calls=1), manner=Manner(rounds=5))
    assert model.calls == 1 and answer.cost.calls == 1


SIGNS = st.dictionaries(st.sampled_from(["count", "chinese", "named", "length"]), st.floats(0, 1), max_size=4)
MARKS = st.lists(
    st.builds(Mark, st.text(max_size=3), st.sampled_from(["sql", "hybrid"]), st.sampled_from([1, -1]), SIGNS), max_size=30
)


@settings(max_examples=60, deadline=None)
@for_all(SIGNS, MARKS)
def test_marks_never_move_an_agent_by_more_than_is_stated(signs: dict[str, float], marks: list[Mark]) -> None:
    assert all(abs(shift) < MOST for shift in shifts(signs, marks).values())


def test_marks_move_questions_alike_only() -> None:
    marks = [Mark("a", "sql", 1, {"count": 1.0}), Mark("b", "hybrid", -1, {"count": 1.0, "chinese": 0.2})]
    moved = shifts({"count": 1.0}, marks)
    assert 0 < moved["sql"] < MOST and -MOST < moved["hybrid"] < 0
    assert shifts({"chinese": 1.0}, marks[:1]) == {}


def test_a_mark_moves_the_router_and_can_be_taken_back(folder: Path) -> None:
    def fits() -> dict[str, float]:
        with grainline.open(folder / "library") as library:
            return {rung.agent: rung.fit for rung in library.ask(QUESTION, budget=Budget(embedded=0)).rungs}

    before = fits()
    runner = CliRunner()
    where = ["--library", str(folder / "library")]
    said = runner.invoke(main, ["feedback", QUESTION, "bad", "--json", *where])
    assert said.exit_code == 0, said.output
    agent = json.loads(said.output)["agent"]
    after = fits()
    assert after[agent] < before[agent]
    assert examine(folder / "library").sound
    runner.invoke(main, ["feedback", QUESTION, "none", *where])
    assert fits() == before


def test_a_mark_goes_with_the_documents_that_were_cited_and_is_hidden_with_them(folder: Path) -> None:
    with grainline.open(folder / "library") as library:
        answer = library.feedback(QUESTION, good=True, agent="fulltext")
        assert answer.citations[0].source == "docs/care.md"
        hidden = library.ask(QUESTION, where=Where(sources=("docs/dam.md",)), budget=Budget(embedded=0))
    with grainline.open(folder / "other") as alone:
        (folder / "alone" / "docs").mkdir(parents=True)
        (folder / "alone" / "docs" / "dam.md").write_text(DAM, encoding="utf-8")
        alone.add([folder / "alone" / "docs"])
        same = alone.ask(QUESTION, budget=Budget(embedded=0))
    assert [(rung.agent, rung.fit) for rung in hidden.rungs] == [(rung.agent, rung.fit) for rung in same.rungs]
    with grainline.open(folder / "library") as library:
        assert len(library.marks()) == 1
        library.remove(["docs/care.md"])
        assert library.marks() == []


def test_a_follow_up_is_understood_after_the_question_before_it(folder: Path) -> None:
    with grainline.open(folder / "library") as library:
        alone = library.ask("And how often does it need maintenance?", agent="fulltext")
        after = library.ask(
            "And how often does it need maintenance?", agent="fulltext", manner=Manner(history=("What does the pump P7 move?",))
        )
    assert "P7" in after.text and "six months" in after.text
    assert after.confidence >= alone.confidence


def test_a_transform_is_used_by_its_name_alone_with_any_agent(folder: Path) -> None:
    runner = CliRunner()
    for agent in ("auto", "fulltext"):
        said = runner.invoke(
            main,
            [
                "ask", "What moves water from the well and how often does the pump P7 need maintenance?", "--agent", agent,
                "--transform", "decompose", "--explain", "--budget", "embedded=0", "--library", str(folder / "library"),
            ],
        )  # fmt: skip
        assert said.exit_code == 0, said.output
        assert "decompose, by rules" in said.output
    wrong = runner.invoke(main, ["ask", "x", "--transform", "nonsense", "--library", str(folder / "library")])
    assert wrong.exit_code == 1 and "no transform 'nonsense'" in wrong.output
