"""A language model as agents ask it: within the budget, with each call in the trace, and never the reason that a question fails.

What it answered once is kept in the library, with the documents whose text it was shown, and asked of it no second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from typing import Any

from grainline.agents.trace import Trace
from grainline.errors import ModelError
from grainline.models.beginnings import begin
from grainline.models.completion import most_tokens
from grainline.store.snapshot import Snapshot
from grainline.store.work import Work, key_of
from grainline.types import LLM, Cost

ACTION = "ask the model"
#: the kind under which answers are kept
KIND = "completion"
#: the least that a call takes: milliseconds, and tokens that are worth writing
MILLISECONDS, LEAST = 1_000.0, 48


class Budgeted:
    """A model that is made when it is first asked."""

    def __init__(self, make: Callable[[], LLM], trace: Trace, snapshot: Snapshot) -> None:
        self._make = make
        self._trace = trace
        self._snapshot = snapshot

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None,
        max_tokens: int,
        documents: Collection[str] = (),
        heard: Callable[[str], None] | None = None,
        begins: str = "",
    ) -> str | None:
        """The model's answer; None where the budget has too little left for it or the model failed, which the trace tells. An answer is cut
        where the tokens of the budget end. `documents` are the ids of those whose text the prompt holds; `heard` is called with each piece
        of the answer as it comes; `begins` is what all prompts of its kind begin with. Raises what making the model raises."""
        read, left = most_tokens(prompt), self._trace.left().tokens
        most = max_tokens if left is None else max(LEAST, min(max_tokens, left - read))
        if not self._trace.affords(ACTION, Cost(MILLISECONDS, calls=1, tokens_in=read, tokens_out=min(LEAST, max_tokens))):
            return None
        model = self._make()
        key = key_of(KIND, model.identity, prompt, json.dumps(schema, sort_keys=True), str(max_tokens))
        if (work := self._snapshot.work(key)) and work.data.get("prompt") == _digest(prompt):
            said = str(work.data["text"])
            self._trace.count("the model was asked this before", said)
            if heard:
                heard(said)
            return said
        if begins:
            begin(model, begins)
        try:
            answer = model.complete(prompt, schema, most, heard=heard)
        except ModelError as error:
            self._trace.count(ACTION, str(error), Cost(calls=1), failed=True)
            return None
        self._trace.count(ACTION, answer.text, Cost(calls=1, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out))
        if most == max_tokens:
            numbers = tuple(sorted({self._snapshot.number(document) for document in documents}))
            self._snapshot.made[key] = Work(KIND, numbers, {"prompt": _digest(prompt), "text": answer.text})
        return answer.text


def _digest(prompt: str) -> str:
    """A stand-in for a prompt, so that two with one key are told apart."""
    return f"{key_of(prompt, 'prompt'):x}"
