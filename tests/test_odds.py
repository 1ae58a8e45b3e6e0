"""How sure a model is of yes: as endpoints and models on this machine tell it, by the word that it says else, and weighed as fitted."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path
from typing import Any

import pytest

import grainline.models.llm as models
from grainline.bench.looks import Case, fit
from grainline.bench.memory import Memory
from grainline.errors import ModelError
from grainline.models.odds import CERTAIN, TOLD, TellsOdds, first, log_odds
from grainline.testing import FakeLLM
from grainline.types import Completion
from model_samples import server
from test_llm import Reply, Script, completion, model
from weight_samples import Weights

ASKED = "Is it so? Answer with Yes or No only."
CHANCES = [{"token": " Yes", "logprob": -0.5, "bytes": [89]}, {"token": "No", "logprob": -1.0, "bytes": [78]}]


def telling(logprobs: Any) -> bytes:
    said = json.loads(completion("Yes, of course"))
    said["choices"][0]["logprobs"] = logprobs
    return json.dumps(said).encode()


def test_an_endpoint_tells_how_likely_its_words_are() -> None:
    told = {"content": [{"token": " Yes", "logprob": -0.5, "top_logprobs": CHANCES}]}
    script = Script({1: lambda: (200, {}, telling(told))})
    with server(script) as url:
        said = first(model(url), ASKED)
    assert json.loads(said.text) == {" Yes": -0.5, "No": -1.0} and (said.tokens_in, said.tokens_out) == (11, 7)
    assert log_odds(said.text, ("yes",), ("no",)) == pytest.approx(0.5)
    assert (script.asked[0]["logprobs"], script.asked[0]["top_logprobs"]) == (True, TOLD)


@pytest.mark.parametrize("logprobs", [None, {"content": []}, {"tokens": ["Yes"], "token_logprobs": [-0.1]}, "many"])
def test_an_endpoint_that_tells_none_is_taken_at_its_word(logprobs: Any) -> None:
    with server(Script({1: lambda: (200, {}, telling(logprobs))})) as url:
        assert json.loads(first(model(url), ASKED).text) == {"Yes": 0.0}


def test_an_endpoint_that_refuses_to_tell_is_asked_without_from_then_on() -> None:
    refusal = json.dumps({"error": {"message": "top_logprobs must be at most 5"}}).encode()
    script = Script({1: lambda: (400, {}, refusal)}, text="No.")
    with server(script) as url:
        asked = model(url)
        said = [first(asked, ASKED) for _ in range(2)]
    assert [json.loads(one.text) for one in said] == [{"No": 0.0}] * 2
    assert ["logprobs" in body for body in script.asked] == [True, False, False]


def test_an_endpoint_that_is_down_fails() -> None:
    def refused() -> Reply:
        return 403, {}, b'{"error": {"message": "not you"}}'

    with server(Script({1: refused})) as url, pytest.raises(ModelError, match="not you"):
        first(model(url), ASKED)


def test_a_model_on_this_machine_tells_how_likely_its_words_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("xllamacpp", reason="xllamacpp is not installed")
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "cache"))
    Weights(tmp_path / "words.gguf", "llama", 7)
    llm = models.make(f"gguf:{tmp_path / 'words.gguf'}?threads=1&context=1024")
    assert isinstance(llm, TellsOdds)
    said = llm.first(ASKED)
    chances = json.loads(said.text)
    assert 1 < len(chances) <= TOLD and sum(map(exp, chances.values())) <= 1.01
    assert list(chances.values()) == sorted(chances.values(), reverse=True)
    assert llm.complete(ASKED, max_tokens=1).text == next(iter(chances))
    llm.complete("Who hunts at night? " * 20, max_tokens=4)
    assert llm.first(ASKED) == said  # whatever it was asked between
    with pytest.raises(ModelError, match="context of 1,024"):
        llm.first("owl " * 2_000)


def test_what_tells_no_odds_is_taken_at_its_word_and_asked_once(tmp_path: Path) -> None:
    llm = FakeLLM({}, "No, it is not.")
    said = [Memory(llm, tmp_path / "said.jsonl").first(ASKED) for _ in range(2)]
    assert said == [Completion('{"No": 0.0}', said[0].tokens_in, said[0].tokens_out)] * 2 and llm.calls == 1
    assert log_odds(said[0].text, ("yes",), ("no",)) == -CERTAIN


def test_the_bound_declines_as_many_as_are_wanted() -> None:
    """Answers are right where the model is sure; of a hundred questions without an answer two were answered without a second look."""
    sure = [Case(True, True, {"odds": 2.0 + at / 50}, right=True) for at in range(50)]
    doubted = [Case(False, True, {"odds": -1.0 + at / 30}, right=False) for at in range(90)]
    never = [Case(False, False, {}, right=False)] * 8 + [Case(False, True, {}, right=False)] * 2
    bounded, figures = fit(sure + doubted + never)
    assert bounded.logistic.weights["odds"] > 0 and figures["looks"] == 140 and figures["right"] == 50
    assert figures["unanswerable"] == 100 and figures["declined"] == 95
    kept = [one for one in doubted if bounded.logistic.probability(one.signs) >= bounded.bound]
    assert len(kept) == pytest.approx(3, abs=2) and figures["right kept"] == 50
