"""A model in a file of this machine: loaded when it is first asked, told apart from what is none, and no reason that a question fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import grainline
import grainline.models.llm as models
from grainline.errors import ModelError
from grainline.models.gguf_llm import GgufLLM
from grainline.types import Completion
from test_cli import run
from weight_samples import Weights

OWLS = "# Barn owl\n\nThe barn owl nests in hollow trees. It lays four to six eggs in April.\n"
QUESTION = "When does the barn owl lay its eggs?"
SAID = {"claims": [{"quote": "It lays four to six eggs in April.", "passage": 1, "answer": "in April"}]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, one that is broken behind its first bytes, a file that is none, and a document."""
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    folder = tmp_path_factory.mktemp("loading")
    Weights(folder / "words.gguf", "llama", 7)
    (folder / "broken.gguf").write_bytes(b"GGUF" + bytes(range(64)))
    (folder / "notes.gguf").write_text("no model", encoding="utf-8")
    (folder / "docs").mkdir()
    (folder / "docs" / "owls.md").write_text(OWLS, encoding="utf-8")
    return folder


@pytest.fixture
def load(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], GgufLLM]:
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "cache"))

    def made(name: str) -> GgufLLM:
        model = models.make(f"gguf:{folder / name}?threads=1&context=1024")
        assert isinstance(model, GgufLLM)
        return model

    return made


def is_loaded(model: GgufLLM) -> bool:
    return model._load.cache_info().currsize > 0


def test_a_model_is_loaded_when_it_is_first_asked(load: Callable[[str], GgufLLM]) -> None:
    model, other = load("words.gguf"), load("words.gguf")
    assert model.identity == other.identity and model.state_identity == other.state_identity
    assert not is_loaded(model)
    assert model.complete("Who hunts?", max_tokens=4) == model.complete("Who hunts?", max_tokens=4)
    assert is_loaded(model) and not is_loaded(other)


def test_a_question_that_was_answered_before_loads_nothing(
    load: Callable[[str], GgufLLM], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complete(_: GgufLLM, *__: Any, heard: Callable[[str], None] | None = None) -> Completion:
        if heard:
            heard(json.dumps(SAID))
        return Completion(json.dumps(SAID), 9, 9)

    with monkeypatch.context() as patch:
        patch.setattr(GgufLLM, "complete", complete)
        patch.setattr(GgufLLM, "first", lambda *_: Completion('{"Yes": -0.1, "No": -2.4}', 9, 1))
        with grainline.open(tmp_path / "library", llm=load("words.gguf")) as library:
            library.add([folder / "docs"])
            first = library.ask(QUESTION, agent="fulltext")
    model = load("words.gguf")
    with grainline.open(tmp_path / "library", llm=model) as library:
        again = library.ask(QUESTION, agent="fulltext")
    assert first.cost.calls == 2 and again.text == first.text == "in April [1]"
    assert again.cost.calls == 0 and not is_loaded(model)


def test_what_is_no_model_is_refused_at_once(load: Callable[[str], GgufLLM]) -> None:
    with pytest.raises(ModelError, match=r"notes\.gguf: it is no GGUF file"):
        load("notes.gguf")


def test_a_model_that_cannot_be_loaded_fails_nothing_but_its_calls(
    load: Callable[[str], GgufLLM], folder: Path, tmp_path: Path
) -> None:
    model = load("broken.gguf")
    for call in (lambda: model.complete("Who?"), lambda: model.size("Who?"), lambda: model.begins("Who?")):
        with pytest.raises(ModelError, match=r"llama\.cpp cannot load .*broken\.gguf"):
            call()
    with grainline.open(tmp_path / "library", llm=model) as library:
        library.add([folder / "docs"])
        answer = library.ask(QUESTION, agent="fulltext")
    assert answer.answered and "in April" in answer.text
    assert [step.failed for step in answer.evidence.trace].count(True) == 1


def test_the_command_line_says_that_the_model_failed(folder: Path, tmp_path: Path) -> None:
    given = ["ask", QUESTION, "--llm", f"gguf:{folder / 'broken.gguf'}"]
    assert run("add", str(folder / "docs"), cwd=tmp_path).returncode == 0
    done = run(*given, cwd=tmp_path)
    assert done.returncode == 0 and "in April" in done.stdout
    assert f"the model failed: llama.cpp cannot load {folder / 'broken.gguf'}" in done.stdout
    (why,) = json.loads(run(*given, "--json", cwd=tmp_path).stdout)["failed"]
    assert "broken.gguf" in why
