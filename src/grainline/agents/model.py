"""A language model as agents ask it: within the budget, with each call in the trace, and never the reason that a question fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grainline.agents.trace import Trace
from grainline.errors import ModelError
from grainline.models.completion import most_tokens
from grainline.types import LLM, Cost

ACTION = "ask the model"
#: the least that a call takes: milliseconds, and tokens that are worth writing
MILLISECONDS, LEAST = 1_000.0, 48


class Budgeted:
    """A model that is made when it is first asked."""

    def __init__(self, make: Callable[[], LLM], trace: Trace) -> None:
        self._make = make
        self._trace = trace

    def complete(self, prompt: str, schema: Mapping[str, Any], max_tokens: int) -> str | None:
        """The model's answer; None where the budget has too little left for it or the model failed, which the trace tells. An answer is cut
        where the tokens of the budget end. Raises what making the model raises."""
        read, left = most_tokens(prompt), self._trace.left().tokens
        most = max_tokens if left is None else max(LEAST, min(max_tokens, left - read))
        if not self._trace.affords(ACTION, Cost(MILLISECONDS, calls=1, tokens_in=read, tokens_out=min(LEAST, max_tokens))):
            return None
        model = self._make()
        try:
            answer = model.complete(prompt, schema, most)
        except ModelError as error:
            self._trace.count(ACTION, str(error), Cost(calls=1))
            return None
        self._trace.count(ACTION, answer.text, Cost(calls=1, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out))
        return answer.text
