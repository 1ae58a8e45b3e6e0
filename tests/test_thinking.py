"""Models that think before they answer: what they think is paid for, and is no part of the answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import grainline
import grainline.models.llm as models
from grainline.errors import ModelError, UsageError
from grainline.making import Order, plan
from grainline.models.odds import first
from grainline.testing import FakeLLM
from grainline.types import Budget
from model_samples import server
from test_llm import Reply, Script, completion

OWL = '{"owl": "barn"}'
SCHEMA = {"type": "object", "properties": {"owl": {"type": "string"}}, "required": ["owl"]}


@pytest.mark.parametrize("said", [OWL, f"<think>A {{tawny}} one?\n</think>\n\n{OWL}", f"[A tawny one?]</think>{OWL}"])
def test_thoughts_are_no_part_of_the_answer(said: str) -> None:
    heard: list[str] = []
    script = Script(text=said)
    with server(script) as url:
        made = models.make(f"{url}#tiny?think=900")
        answer = made.complete("Which owl?", SCHEMA, 64, heard=heard.append)
    assert answer.text == OWL and heard == [OWL] and (answer.tokens_in, answer.tokens_out) == (11, 7)
    assert (
        script.asked[0]["max_tokens"] == 964 and "stream" not in script.asked[0] and made.identity.endswith("#tiny?think=900")
    )


def test_what_thinks_is_taken_at_its_word() -> None:
    script = Script(text="<think>No? Yes?</think>No.")
    with server(script) as url:
        told = first(models.make(f"{url}#tiny?think=900"), "Is it so?")
    assert json.loads(told.text) == {"No": 0.0} and "logprobs" not in script.asked[0]


@pytest.mark.parametrize(("option", "way"), [("", r"named with \?think=TOKENS"), ("?think=900", "thought for too long")])
@pytest.mark.parametrize("said", ["", "<think>An owl is"])
def test_thoughts_without_an_end_are_no_answer(option: str, way: str, said: str) -> None:
    def cut() -> Reply:
        """An answer that was cut off."""
        body = json.loads(completion(said if option else ""))
        body["choices"][0]["finish_reason"] = "length"
        return 200, {}, json.dumps(body).encode()

    with server(Script({1: cut})) as url, pytest.raises(ModelError, match=way):
        models.make(f"{url}#tiny{option}").complete("Which owl?", max_tokens=64)


def test_a_budget_holds_thoughts_too(tmp_path: Path) -> None:
    (tmp_path / "owl.md").write_text("# Barn owl\n\nThe barn owl nests in hollow trees.\n", encoding="utf-8")
    script = Script(text='{"claims": []}')
    with server(script) as url, grainline.open(tmp_path / "library", llm=f"{url}#tiny?think=5000") as library:
        library.add([tmp_path / "owl.md"])
        little = library.ask("Where does the barn owl nest?", budget=Budget(tokens=4_000, embedded=0))
        enough = library.ask("Where does the barn owl nest?", budget=Budget(tokens=9_000, embedded=0))
    assert little.cost.calls == 0 and enough.cost.calls == len(script.asked) >= 1
    assert any("too little is left of the budget (tokens)" in step.detail for step in little.evidence.trace)
    assert 5_000 < script.asked[0]["max_tokens"] <= 9_000


def test_the_price_of_keys_holds_thoughts_before_a_model_is_asked(tmp_path: Path) -> None:
    text = "".join(f"## Owl {number}\n\n{'The barn owl nests in hollow trees. ' * 40}\n\n" for number in range(4))
    (tmp_path / "owls.md").write_text(f"# Owls\n\n{text}", encoding="utf-8")
    prices = []
    for llm in ("http://nowhere.invalid/v1#tiny", "http://nowhere.invalid/v1#tiny?think=900", FakeLLM({})):
        with grainline.open(tmp_path / "library", llm=llm) as library:
            library.add([tmp_path / "owls.md"])
            with library.snapshot() as state:
                planned = plan(state, Order())
                prices.append(planned.cost)
    assert prices[1].calls == prices[0].calls > 0 and prices[2] == prices[0]
    assert prices[1].tokens_out - prices[0].tokens_out == 900 * prices[0].calls


def test_thinking_is_counted_in_whole_tokens() -> None:
    with pytest.raises(UsageError, match="think=much"):
        models.make("openai:gpt?think=much")
