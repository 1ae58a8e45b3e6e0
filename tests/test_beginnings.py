"""What prompts begin with is read once for a user: known to the next process from a state, and to no effect on what is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import grainline
import grainline.ask.claims as claims
import grainline.tables.with_llm as with_llm
from grainline.models.beginnings import FOLDER, begin
from grainline.models.gguf_llm import BLOCK, GgufLLM
from grainline.models.llm import make
from grainline.models.states import BODY, HEAD, Stateful
from grainline.testing import FakeLLM
from weight_samples import Weights

TASK = "Answer from the passages below, word for word, and say nothing that does not stand there. " * 6
PROMPTS = [f"{TASK}\n\n{question}" for question in ("Who hunts?", "猫头鹰何时睡觉？")]


class Watched(GgufLLM):
    """A model that tells what was done with states of it."""

    def __init__(self, spec: Any) -> None:
        super().__init__(spec)
        self.log: list[str] = []

    def read(self, tokens: list[int], path: Path) -> None:
        self.log.append("read")
        super().read(tokens, path)

    def resume(self, tokens: list[int], path: Path) -> None:
        self.log.append("resume")
        super().resume(tokens, path)


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Watched]:
    """A tiny model, loaded anew each time as another process would, with a cache of its own."""
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("grainline.models.gguf_llm.GgufLLM", Watched)
    Weights(tmp_path / "words.gguf", "llama", 7)

    def made() -> Watched:
        model = make(f"gguf:{tmp_path / 'words.gguf'}?threads=1&context=2048")
        assert isinstance(model, Watched) and isinstance(model, Stateful)
        return model

    return made


def files(tmp_path: Path, end: str) -> list[Path]:
    return sorted((tmp_path / "cache" / FOLDER).rglob(f"*{end}"))


def test_the_next_process_does_not_read_it_again(load: Callable[[], Watched], tmp_path: Path) -> None:
    expected = [load().complete(prompt, max_tokens=16) for prompt in PROMPTS]
    for log in ("read", "resume", "resume"):
        model = load()
        begin(model, TASK)
        assert model.log == [log] and not model.is_fresh
        assert [model.complete(prompt, max_tokens=16) for prompt in PROMPTS] == expected
    assert len(files(tmp_path, BODY)) == len(files(tmp_path, HEAD)) == 1
    assert expected[0].text != expected[1].text  # it matters what was read


def test_one_that_has_read_something_is_left_alone(load: Callable[[], Watched], tmp_path: Path) -> None:
    model = load()
    model.complete("Who hunts?", max_tokens=2)
    begin(model, TASK)
    begin(load(), "too short for a block")
    begin(FakeLLM({}), TASK)
    assert not model.log and not files(tmp_path, BODY)


def test_a_damaged_state_is_made_anew(load: Callable[[], Watched], tmp_path: Path) -> None:
    begin(load(), TASK)
    (body,) = files(tmp_path, BODY)
    body.write_bytes(body.read_bytes()[:-1] + b"\x00")
    model = load()
    begin(model, TASK)
    assert model.log == ["read"]
    begin(again := load(), TASK)
    assert again.log == ["resume"]


def test_what_fails_leaves_the_prompt_to_be_read(
    load: Callable[[], Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = load().complete(PROMPTS[0], max_tokens=16)
    (tmp_path / "no folder").write_bytes(b"")
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "no folder"))
    model = load()
    begin(model, TASK)
    assert not model.log and model.complete(PROMPTS[0], max_tokens=16) == expected
    (tmp_path / "words.gguf").write_bytes(b"GGUF" + bytes(64))
    begin(broken := load(), TASK)
    assert not broken.log


def test_a_question_begins_with_what_was_read_for_another(load: Callable[[], Watched], tmp_path: Path) -> None:
    (tmp_path / "owls.md").write_text("# Barn owl\n\nThe barn owl lays four to six eggs in April.\n", encoding="utf-8")
    logs = []
    for question in ("When does the barn owl lay?", "How many eggs does the barn owl lay?"):
        with grainline.open(tmp_path / "library", llm=(model := load())) as library:
            library.add([tmp_path / "owls.md"])
            assert library.ask(question, agent="fulltext").cost.calls >= 1
        logs.append(model.log)
    assert logs == [["read"], ["resume"]]
    (head,) = files(tmp_path, HEAD)
    assert json.loads(head.read_text(encoding="utf-8"))["tokens"] % BLOCK == 0


def test_what_prompts_begin_with_is_worth_it(load: Callable[[], Watched]) -> None:
    model = load()
    for begins in (claims.BEGINS, with_llm.BEGINS):
        assert len(model.begins(begins)) >= 2 * BLOCK
    assert claims.prompt("Who?", ()).startswith(claims.BEGINS)
