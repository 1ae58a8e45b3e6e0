"""Questions of several steps: each is asked with the answer to the one before, and what answers in the end cites them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

import grainline
import grainline.ask.verify as verify
from grainline.ask.claims import prompt
from grainline.errors import ModelError
from grainline.library import Library
from grainline.testing import FakeLLM
from grainline.types import Answer, Budget, Where

FILES = {
    "lantern.md": "# Silver Lantern\n\nSilver Lantern is a silent film of 1931 that Ada Moren directed.\n",
    "moren.md": "# Ada Moren\n\nAda Moren was born in Vardal and grew up at sea.\n",
    "other.md": "# Paul Brandt\n\nPaul Brandt, who directed plays, was born in Oslo.\n",
    "河.md": "# 《长河》\n\n《长河》是林远的第一部小说，1962年出版。\n",
    "林.md": "# 林远\n\n林远，作家，生于青州，1990年去世。\n",
}
BORN, ZH = "Where was the director of Silver Lantern born?", "《长河》的作者生于哪里？"
#: what a model finds, by a word of its question: the answer, and the quote for it
FOUND = {
    "director of Silver Lantern?": ("Ada Moren", "a silent film of 1931 that Ada Moren directed"),
    "Ada Moren born": ("Vardal", "Ada Moren was born in Vardal"),
    "作者是谁": ("林远", "《长河》是林远的第一部小说"),
    "林远生于": ("青州", "生于青州"),
}


def reader(found: Mapping[str, tuple[str, str]], calls: int = 9, name: str = "") -> FakeLLM:
    """A model that answers a question if the passage that it quotes is among those it is shown, and fails after so many calls."""

    questions: list[str] = []

    def said(asked: str) -> str:
        """Its claims."""
        if model.calls > calls:
            raise ModelError("the endpoint is down")
        if verify.TASK in asked:
            return json.dumps({"question": questions[-1]})
        question = asked.strip().rpartition("Question: ")[2]
        questions.append(question)
        shown = asked.rpartition("Passages:")[2]
        for words, (answer, quote) in found.items():
            if words in question and quote in shown:
                return json.dumps({"claims": [{"quote": quote, "passage": 1, "answer": answer}]})
        return json.dumps({"claims": []})

    model = FakeLLM(said, identity=f"{name}{json.dumps(found)}")
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("steps")
    (root / "docs").mkdir()
    for name, text in FILES.items():
        (root / "docs" / name).write_text(text, encoding="utf-8")
    with grainline.open(root / "library") as library:
        library.add([root / "docs"])
    return root


def opened(folder: Path, found: Mapping[str, tuple[str, str]] = FOUND) -> Library:
    return grainline.open(folder / "library", llm=reader(found))


def steps(answer: Answer) -> list[str]:
    return [f"{step.action} = {step.detail}" for step in answer.evidence.trace if step.action.startswith("step ")]


@pytest.mark.parametrize("agent", ["fulltext", "auto"])
@pytest.mark.parametrize(
    ("question", "said", "sources"),
    [(BORN, "Vardal [1][2]", ["docs/lantern.md", "docs/moren.md"]), (ZH, "青州 [1][2]", ["docs/河.md", "docs/林.md"])],
)
def test_what_answers_in_the_end_cites_every_step(
    folder: Path, question: str, said: str, sources: list[str], agent: str
) -> None:
    heard: list[str] = []
    with opened(folder) as library:
        answer = library.ask(question, agent=agent, budget=Budget(embedded=0), heard=heard.append)
        again = library.ask(question, agent=agent, budget=Budget(embedded=0))
        assert {library.source(hit.node.document_id) for hit in answer.evidence.hits} >= set(sources)
    assert answer.answered and answer.text == said == "".join(heard)
    assert [citation.source for citation in answer.citations] == sources
    first, second = steps(answer)
    assert first.endswith((" = Ada Moren", " = 林远")) and ("Ada Moren born" in second or "林远生于" in second)
    assert again.text == answer.text and again.cost.calls == 0  # every step was remembered


def test_a_step_that_finds_nothing_leaves_the_question_whole(folder: Path) -> None:
    with opened(folder, {"Ada Moren born": FOUND["Ada Moren born"]}) as library:
        answer = library.ask(BORN, agent="fulltext", where=Where(sources=("docs/[a-z]*.md",)))
    assert not answer.answered and answer.cost.calls == 2
    assert steps(answer) == ["step 1: Who or what is the director of Silver Lantern? = not answered"]


def test_what_is_made_up_is_asked_again_of_the_best_passage_alone(folder: Path) -> None:
    question = "Who directed Silver Lantern, born at sea?"
    several: list[bool] = []

    def said(asked: str) -> str:
        """Something made up, as long as there is more than one passage."""
        if verify.TASK in asked:
            return json.dumps({"question": question})
        several.append("[2]" in asked.rpartition("Passages:")[2])
        quote = "a film of the eighties" if several[-1] else "a silent film of 1931 that Ada Moren directed"
        return json.dumps({"claims": [{"quote": quote, "passage": 1, "answer": "Paula Kern" if several[-1] else "Ada Moren"}]})

    with grainline.open(folder / "library", llm=FakeLLM(said, identity="made up")) as library:
        answer = library.ask(question, agent="fulltext", budget=Budget(embedded=0))
    assert several == [True, False] and answer.text == "Ada Moren [1]" and not answer.left_out


def test_what_one_passage_speaks_of_is_asked_at_once(folder: Path) -> None:
    found = {"1962": ("1962年", "1962年出版")}
    with opened(folder, found) as library:
        answer = library.ask("《长河》是林远的第几部小说，1962年出版？", agent="fulltext")
    assert answer.cost.calls == 2 and not steps(answer)  # with the look at what it says


@pytest.mark.parametrize(
    ("found", "first"),
    [(("林远舟", "由林远舟主持设计"), "林远舟"), (("东陵工学院", "东陵工学院创办于1911年"), "not answered")],
)
def test_a_step_is_answered_by_what_speaks_of_it(tmp_path: Path, found: tuple[str, str], first: str) -> None:
    (tmp_path / "docs").mkdir()
    for name, text in (
        ("水库.md", "# 望江水库\n\n望江水库位于青田县东部，由林远舟主持设计，1973年建成。\n"),
        ("学院.md", "# 东陵工学院\n\n东陵工学院创办于1911年。校舍的设计者不详。\n"),
    ):
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    with grainline.open(tmp_path / "library", llm=reader({"设计者是谁": found})) as library:
        library.add([tmp_path / "docs"])
        answer = library.ask("望江水库的设计者生于哪里？", agent="fulltext", budget=Budget(embedded=0))
    assert steps(answer)[0] == f"step 1: 望江水库的设计者是谁，是什么？ = {first}"


@pytest.mark.parametrize(("title", "first"), [("Vardal Five (band)", "Vardal Five"), ("Bands of Oslo", "not answered")])
def test_a_page_of_its_own_speaks_of_what_names_it_anywhere(tmp_path: Path, title: str, first: str) -> None:
    """The sentence that is quoted does not name whom the step names; another of the page does."""
    quote = "Vardal Five is a rock band from Oslo"
    text = f"# {title}\n\n{quote}. On the drums plays Ada Moren.\n"
    (tmp_path / "band.md").write_text(text, encoding="utf-8")
    question = "When was the band that Ada Moren is a member of formed?"
    with grainline.open(tmp_path / "library", llm=reader({"a member of?": ("Vardal Five", quote)})) as library:
        library.add([tmp_path / "band.md"])
        answer = library.ask(question, agent="fulltext", budget=Budget(embedded=0))
    assert steps(answer)[0].endswith(f"= {first}")


def test_the_budget_bounds_all_steps_together(folder: Path) -> None:
    with grainline.open(folder / "library", llm=reader(FOUND, name="bounded")) as library:
        answer = library.ask(BORN, agent="fulltext", budget=Budget(calls=1))
    assert answer.cost.calls == 1 and "Ada Moren" in steps(answer)[0]
    assert any("left out: too little is left" in step.detail for step in answer.evidence.trace)


def test_a_step_reads_only_what_may_be_seen(folder: Path) -> None:
    with opened(folder) as library:
        answer = library.ask(BORN, agent="fulltext", where=Where(sources=("docs/lantern.md", "docs/other.md")))
    assert not answer.answered and "Vardal" not in answer.text


def test_what_rests_on_a_step_goes_with_the_document_that_answered_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("lantern.md", "moren.md"):
        (tmp_path / "docs" / name).write_text(FILES[name], encoding="utf-8")
    with grainline.open(tmp_path / "library", llm=reader(FOUND)) as library:
        library.add([tmp_path / "docs"])
        assert library.ask(BORN, k=1, agent="fulltext", budget=Budget(embedded=0)).text == "Vardal [1][2]"
        with library.snapshot() as state:
            before = state.work_counts()["completion"]
        library.remove(["docs/lantern.md"])
        with library.snapshot() as state:
            left = state.works("completion")
    assert before >= 2 and not left


def test_a_model_that_fails_in_the_middle_leaves_the_quoted_answer(folder: Path) -> None:
    model = reader(FOUND, calls=1, name="failing")
    with grainline.open(folder / "library", llm=model) as library:
        answer = library.ask(BORN, agent="fulltext")
        quoted = library.ask(BORN, agent="fulltext", budget=Budget(calls=0))
    assert answer.text == quoted.text and any("the endpoint is down" in step.detail for step in answer.evidence.trace)


def test_a_prompt_holds_the_question_last() -> None:
    assert prompt(BORN, ()).strip().endswith(f"Question: {BORN} Answer in English.")
