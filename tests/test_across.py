"""Questions whose answers stand in the other language: translated by the model, asked so, and answered in the language of the question."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import grainline
import grainline.ask.verify as verify
from grainline.ask.derive import derived
from grainline.testing import FakeLLM
from grainline.types import EVERYWHERE, Answer, Budget, Manner, Side, Where

FILES = {
    "租赁法.md": "# 租赁法\n\n第一条 为了规范租赁，制定本法。\n\n第二条 租赁期限不得超过二十年。\n",
    "owls.md": "# Barn owl\n\nThe barn owl nests in hollow trees. It lays four to six eggs in April.\n",
    "mill.md": "# Lowmarket mill\n\nThe mill of Lowmarket ground corn for a term of forty years.\n",
}
LEASE, EGGS = "What is the maximum term of a lease?", "仓鸮在几月产卵？"
#: what the model makes of a question in the other language
TOLD = {LEASE: "租赁期限最长是多少年？", EGGS: "In which month does the barn owl lay its eggs?"}
#: what it answers to a question in these words, from which quote
CLAIMS = {
    TOLD[LEASE]: ("不得超过二十年", "租赁期限不得超过20年。"),
    TOLD[EGGS]: ("four to six in April", "It lays four to six eggs in April."),
}
#: and what it makes of these answers
RETOLD = {"不得超过二十年": "not more than 20 years", "four to six in April": "四月产四至六枚"}


class Same:
    """An encoder to which all texts mean the same but those with "forever" in them."""

    identity, dimension, max_tokens = "same", 2, 512

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """One of two rows for each."""
        return np.array([[0.0, 1.0] if "forever" in text else [1.0, 0.0] for text in texts], np.float32)


def model(told: Mapping[str, str] = TOLD, retold: Mapping[str, str] = RETOLD) -> FakeLLM:
    """Translates what it knows, answers where it is shown what it quotes, and stands by it where it is asked in the user's words."""

    def said(prompt: str) -> str:
        """What it says to a prompt."""
        if "Translate the question" in prompt:
            question = prompt.rpartition("> question: ")[2].partition("\n")[0]
            return json.dumps({"question": told.get(question, question)}, ensure_ascii=False)
        if "Translate the text" in prompt:
            answer = prompt.rpartition("> text: ")[2].partition("\n")[0]
            return json.dumps({"translation": retold[answer]}, ensure_ascii=False)
        if verify.TASK in prompt:
            return "Yes" if {LEASE, EGGS, TOLD[EGGS]} & set(prompt.replace("Question: ", "").splitlines()) else "No"
        asked = prompt.strip().rpartition("Question: ")[2]
        shown = prompt.rpartition("Passages:")[2]
        claims = [
            {"quote": quote, "passage": 1, "answer": answer}
            for question, (answer, quote) in CLAIMS.items()
            if question in asked and quote[:6] in shown
        ]
        return json.dumps({"claims": claims}, ensure_ascii=False)

    return FakeLLM(said, identity=f"{sorted(told.items())} {sorted(retold.items())}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A library that has not been asked anything, so that each call counts."""
    (tmp_path / "docs").mkdir()
    for name, text in FILES.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    with grainline.open(tmp_path / "library") as library:
        library.add([tmp_path / "docs"])
    return tmp_path


def ask(folder: Path, question: str, llm: FakeLLM | None = None, where: Where = EVERYWHERE, **more: Any) -> Answer:
    with grainline.open(folder / "library", embedder=Same(), llm=llm or model()) as library:
        return library.ask(question, agent="fulltext", where=where, **more)


def actions(answer: Answer) -> list[str]:
    return [step.action for step in answer.evidence.trace]


@pytest.mark.parametrize(
    ("question", "text", "quote"),
    [
        (LEASE, "not more than 20 years (不得超过二十年) [1]", "第二条 租赁期限不得超过二十年。"),
        (EGGS, "四月产四至六枚（four to six in April） [1]", "It lays four to six eggs in April."),
    ],
)
@pytest.mark.parametrize("seen", ["all", "other"])
def test_an_answer_is_in_the_language_of_the_question_and_its_quote_in_that_of_the_text(
    folder: Path, question: str, text: str, quote: str, seen: str
) -> None:
    where = EVERYWHERE if seen == "all" else Where(sources=("docs/租*" if question == LEASE else "docs/[a-z]*",))
    heard: list[str] = []
    answer = ask(folder, question, where=where, heard=heard.append)
    assert answer.answered and answer.text == "".join(heard) == text
    assert [citation.quote for citation in answer.citations] == [quote]
    assert "ask it in the other language" in actions(answer)
    # translate, answer, look, translate; it is asked in its own language first where something in that language was found
    assert answer.cost.calls == (5 if seen == "all" and question == LEASE else 4)


def test_a_translation_of_other_numbers_or_meaning_is_not_told(folder: Path) -> None:
    for wrong in ("not more than 25 years", "as long as one likes", "二十年", "", "20 years, or forever"):
        answer = ask(folder, LEASE, model(retold={"不得超过二十年": wrong}))
        assert answer.answered and answer.text == "不得超过二十年 [1]"


def test_what_is_answered_in_its_own_language_is_not_translated(folder: Path) -> None:
    english = ask(folder, TOLD[EGGS])
    assert english.answered and english.text == "four to six in April [1]" and english.cost.calls == 2
    assert "ask it in the other language" not in actions(english)


def test_what_may_not_be_seen_is_not_asked_for(folder: Path) -> None:
    answer = ask(folder, LEASE, where=Where(sources=("docs/[a-z]*",)))
    assert not answer.answered and answer.cost.calls == 1
    assert "ask it in the other language" not in actions(answer)


def test_a_translation_that_is_none_or_finds_less_is_left_alone(folder: Path) -> None:
    for told in ({}, {LEASE: "猫头鹰什么时候繁殖？"}):
        answer = ask(folder, LEASE, model(told))
        assert not answer.answered and answer.text == "The library does not hold an answer to this question."
        assert "docs/租赁法.md" not in [citation.source for citation in answer.citations]


def test_the_budget_bounds_the_translation_too(folder: Path) -> None:
    answer = ask(folder, LEASE, budget=Budget(calls=1))
    assert not answer.answered and answer.cost.calls == 1


def test_the_transform_finds_what_is_written_in_the_other_language(folder: Path) -> None:
    with grainline.open(folder / "library", llm=model()) as library:
        manner = Manner(transform="translate")
        found = library.search(LEASE, k=3, agent="fulltext", manner=manner)
        sources = [library.source(hit.node.document_id) for hit in found.hits]
    assert "docs/租赁法.md" in sources[:2]
    assert any(step.detail == TOLD[LEASE] for step in found.trace)


def test_a_model_is_told_to_write_in_the_other_language() -> None:
    asked: list[str] = []

    def complete(prompt: str, *_: object) -> str:
        """Keep what is asked; say it again."""
        asked.append(prompt)
        return json.dumps({"question": prompt.rpartition("> question: ")[2].partition("\n")[0]}, ensure_ascii=False)

    assert derived("translate", LEASE, complete) == derived("translate", EGGS, complete) == ()  # no translation
    assert [prompt.splitlines()[-1] for prompt in asked] == ["用中文写。", "Write in English."]
