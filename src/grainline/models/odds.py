"""How likely a model takes one word of an answer over another: a capability beside `types.LLM` that a model need not have.

Asked yes or no, a small model says yes; by how much it is surer of yes than of no tells right from wrong far better (P(True), Kadavath et
al., 2022, arXiv:2207.05221).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from math import exp, fsum, log
from typing import Any, Protocol, runtime_checkable

from grainline.types import LLM, Completion

#: the tokens that are told at most, which is what endpoints tell
TOLD = 20
#: the odds of what is certain, as logarithms: the model wrote a word and nothing of its chances is known, or only one of two is told
CERTAIN = 5.0
#: tokens of an answer of a word
WORD_TOKENS = 4


@runtime_checkable
class TellsOdds(Protocol):
    """A language model that tells how likely it is to begin its answer with which token."""

    def first(self, prompt: str) -> Completion:
        """The likeliest tokens that its answer begins with, as JSON: each with the natural logarithm of its probability. Raises
        `ModelError`."""
        ...


def first(model: LLM, prompt: str) -> Completion:
    """What `TellsOdds.first` gives; of a model that tells no odds the word that it begins with, as certain. Raises `ModelError`."""
    if isinstance(model, TellsOdds):
        return model.first(prompt)
    return certain(model.complete(prompt, max_tokens=WORD_TOKENS))


def likeliest_first(told: Iterable[Mapping[str, Any]]) -> str:
    """Tokens with their logarithms of probabilities as llama.cpp and /chat/completions list them, as JSON, the likeliest first; those of
    one text, such as parts of characters, together. Raises `KeyError`, `TypeError` or `ValueError` for what is no such list.

    >>> likeliest_first([{"token": "No", "logprob": -2}, {"token": "Yes", "logprob": -0.5}, {"token": "No", "logprob": -2}])
    '{"Yes": -0.5, "No": -1.3069}'
    """
    chances: dict[str, float] = {}
    for one in told:
        chances[str(one["token"])] = chances.get(str(one["token"]), 0.0) + exp(min(0.0, float(one["logprob"])))
    ordered = sorted(((token, chance) for token, chance in chances.items() if chance), key=lambda one: (-one[1], one[0]))
    return json.dumps({token: round(log(chance), 4) for token, chance in ordered}, ensure_ascii=False)


def certain(said: Completion) -> Completion:
    """The first word of what was said as one that nothing else was likely beside.

    >>> certain(Completion("Yes, it does.", 9, 4)).text
    '{"Yes": 0.0}'
    """
    word = said.text.split(maxsplit=1)[0].rstrip(".,;:!，。；：！") if said.text.strip() else ""
    return replace(said, text=json.dumps({word: 0.0}, ensure_ascii=False))


def briefly(told: str) -> str:
    """The likeliest of the tokens that are told, each with its probability, in words.

    >>> briefly('{"Yes": -0.1, "No": -2.5, "Well": -7.0}')
    'Yes 0.90, No 0.08'
    """
    return ", ".join(f"{token} {exp(chance):.2f}" for token, chance in list(json.loads(told).items())[:2])


def log_odds(told: str, yes: Collection[str], no: Collection[str]) -> float | None:
    """The logarithm of how much likelier one kind of words is than another, each in lower case, between ±`CERTAIN`; None where neither is
    among the tokens that are told.

    >>> round(log_odds('{"Yes": -0.1, " yes": -4.0, "No": -2.5, "Well": -3.0}', ("yes",), ("no",)) or 0.0, 2)
    2.42
    >>> log_odds('{"Yes": 0.0}', ("yes",), ("no",)), log_odds('{"Well": 0.0}', ("yes",), ("no",))
    (5.0, None)
    """
    chances = {
        kind: fsum(exp(chance) for token, chance in json.loads(told).items() if token.strip().casefold() in words)
        for kind, words in (("yes", yes), ("no", no))
    }
    if not any(chances.values()):
        return None
    if not all(chances.values()):
        return CERTAIN if chances["yes"] else -CERTAIN
    return max(-CERTAIN, min(CERTAIN, log(chances["yes"]) - log(chances["no"])))
