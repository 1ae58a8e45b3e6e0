"""A language model as agents ask it: within the budget, with each call in the trace, and never the reason that a question fails.

What it answered once is kept in the library, with the documents whose text it was shown, and asked of it no second time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from grainline.agents.trace import Trace
from grainline.errors import ModelError
from grainline.models.beginnings import begin
from grainline.models.completion import most_tokens
from grainline.models.llm import thinks
from grainline.models.odds import briefly, first, log_odds
from grainline.store.snapshot import Snapshot
from grainline.store.work import Work, key_of
from grainline.types import LLM, Completion, Cost

ACTION = "ask the model"
#: the kind under which answers are kept
KIND = "completion"
#: the least that a call takes: milliseconds, and tokens that are worth writing
MILLISECONDS, LEAST = 1_000.0, 48


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a model is asked, how, the tokens that it writes at least, the ids of the documents whose text it is shown, and whether what it
    says is kept."""

    prompt: str
    how: tuple[str, ...]
    least: int
    documents: Collection[str]
    is_whole: bool = True


class Budgeted:
    """A model that is made when it is first asked."""

    def __init__(self, make: Callable[[], LLM], trace: Trace, snapshot: Snapshot) -> None:
        self._make = make
        self._trace = trace
        self._snapshot = snapshot
        #: tokens that the model may write before its answer
        self._thinks = thinks(make)

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
        left = self._trace.left().tokens
        most = max_tokens if left is None else max(LEAST, min(max_tokens, left - most_tokens(prompt) - self._thinks))

        def ask(model: LLM) -> Completion:
            """Ask the model itself."""
            if begins:
                begin(model, begins)
            return model.complete(prompt, schema, most, heard=heard)

        how = (json.dumps(schema, sort_keys=True), str(max_tokens))
        asked = _Asked(prompt, how, min(LEAST, max_tokens), documents, is_whole=most == max_tokens)
        return self._said(asked, ask, heard)

    def odds(self, prompt: str, yes: Collection[str], no: Collection[str], documents: Collection[str] = ()) -> float | None:
        """How much likelier the model is to begin its answer with one kind of words than with another (see `odds.log_odds`); None as in
        `complete`, or where it begins with neither. Raises what making the model raises."""
        told = self._said(_Asked(prompt, ("first",), 1, documents), lambda model: first(model, prompt), shown=briefly)
        return None if told is None else log_odds(told, yes, no)

    def _said(
        self,
        asked: _Asked,
        ask: Callable[[LLM], Completion],
        heard: Callable[[str], None] | None = None,
        shown: Callable[[str], str] = str,
    ) -> str | None:
        """What the model says, or said when it was asked the same before; the trace shows it as `shown` does."""
        price = Cost(MILLISECONDS, calls=1, tokens_in=most_tokens(asked.prompt), tokens_out=asked.least + self._thinks)
        if not self._trace.affords(ACTION, price):
            return None
        model = self._make()
        key = key_of(KIND, model.identity, asked.prompt, *asked.how)
        if (work := self._snapshot.work(key)) and work.data.get("prompt") == _digest(asked.prompt):
            said = str(work.data["text"])
            self._trace.count("the model was asked this before", shown(said))
            if heard:
                heard(said)
            return said
        try:
            answer = ask(model)
        except ModelError as error:
            self._trace.count(ACTION, str(error), Cost(calls=1), failed=True)
            return None
        self._trace.count(ACTION, shown(answer.text), Cost(calls=1, tokens_in=answer.tokens_in, tokens_out=answer.tokens_out))
        if asked.is_whole:
            numbers = tuple(sorted({self._snapshot.number(document) for document in asked.documents}))
            self._snapshot.made[key] = Work(KIND, numbers, {"prompt": _digest(asked.prompt), "text": answer.text})
        return answer.text


def _digest(prompt: str) -> str:
    """A stand-in for a prompt, so that two with one key are told apart."""
    return f"{key_of(prompt, 'prompt'):x}"
