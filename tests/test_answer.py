"""Answers: quoted, cited, checked, and refused where the evidence does not answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import grainline
from grainline.ask.answer import no_answer
from grainline.library import Library


@pytest.mark.parametrize(
    ("question", "source", "words"),
    [
        ("What is ownership?", "docs/ownership.md", "set of rules that govern"),
        ("How many mutable references may there be at any time?", "docs/ownership.md", "either one mutable reference"),
        ("How many hares were in the field?", "docs/story.txt", "seventeen hares"),
        ("投喂猫头鹰罚款多少？", "docs/law/动物园.md", "五百元以下罚款"),
        ("盗窃动物的怎么办？", "docs/law/动物园.md", "移送公安机关处理"),
    ],
)
def test_the_sentence_that_answers(library: Library, question: str, source: str, words: str) -> None:
    answer = library.ask(question)
    assert answer.answered
    assert words in answer.citations[0].quote
    assert answer.citations[0].source == source
    assert words in answer.text
    assert "[1]" in answer.text


@pytest.mark.parametrize(
    "question", ["What is the capital of Mongolia?", "Who composed the Magic Flute?", "钨的熔点是多少？", "zzz qqq"]
)
def test_what_is_not_there_is_not_answered(library: Library, question: str) -> None:
    answer = library.ask(question)
    assert not answer.answered
    assert answer.text == no_answer(question)


def test_citations_stand_where_they_say(library: Library, folder: Path) -> None:
    for question in ("moves and owners", "owl", "动物园", "hoot_twice"):
        for citation in library.ask(question).citations:
            text = (folder.parent / citation.source).read_text(encoding="utf-8")
            assert text[citation.start : citation.end] == citation.quote
            assert text.count("\n", 0, citation.start) + 1 == citation.line


def test_headings_are_not_quoted(library: Library) -> None:
    assert all(not citation.quote.startswith("#") for citation in library.ask("Borrowing").citations)


@pytest.mark.parametrize(("name", "least"), [("cmrc2018_dev", 0.6), ("musique", 0.1)])
def test_real_questions_find_their_answer(shared: Path, tmp_path: Path, name: str, least: float) -> None:
    """Of every 40th question, the share whose quoted sentences hold a gold answer."""
    data = shared / "data" / name
    questions = [json.loads(line) for line in (data / "queries.jsonl").read_text(encoding="utf-8").splitlines()[::40]]
    with grainline.open(tmp_path / "library") as library:
        library.add([data / "corpus.jsonl"])
        right = 0
        for question in questions:
            quoted = " ".join(citation.quote for citation in library.ask(question["text"]).citations)
            right += any(answer in quoted for answer in question["answers"])
    assert right >= least * len(questions)
