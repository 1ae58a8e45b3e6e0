"""A language model behind any endpoint that speaks OpenAI's /chat/completions, on this machine or another."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from grainline.errors import ModelError
from grainline.models.completion import most_tokens, parsed
from grainline.models.http import Endpoint
from grainline.models.spec import Spec
from grainline.types import Completion

OPENAI = "https://api.openai.com/v1"
TIMEOUT_SECONDS = 120.0  #: for one answer
#: how a schema is asked for: by the endpoint itself, or, where it knows less, as any JSON or not at all, with words in the prompt
SCHEMAS = ("strict", "object", "words")


def from_spec(spec: Spec) -> EndpointLLM:
    """The model of "openai:MODEL", "openai:URL#MODEL" or "https://HOST/v1#MODEL"."""
    url, mark, model = spec.target.partition("#")
    if spec.kind != "openai":
        url = f"{spec.kind}:{url}"
    elif not mark:
        url, model = os.environ.get("OPENAI_BASE_URL") or OPENAI, spec.target
    return EndpointLLM(Endpoint(url, model, spec.number("timeout", TIMEOUT_SECONDS)), spec.choice("schema", SCHEMAS))


class EndpointLLM:
    """A model over an endpoint. Its weights are not known here: the identity is its address and its name."""

    def __init__(self, endpoint: Endpoint, schema: str = "strict") -> None:
        """`schema` is one of `SCHEMAS`; nothing is sent before the first question."""
        self._endpoint, self._schema = endpoint, schema
        self.identity = f"openai/{endpoint.shown}#{endpoint.model}"

    def complete(
        self, prompt: str, schema: Mapping[str, Any] | None = None, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Completion:
        """The model's answer at temperature 0. Raises `ModelError` if the endpoint cannot be reached after four tries, refuses, or answers
        what is no completion, or text that does not fit the schema."""
        said = prompt.encode(errors="replace").decode()
        if schema is not None and self._schema != "strict":
            said = f"{said}\n\nAnswer with JSON of this schema, nothing else: {json.dumps(schema)}"
        body: dict[str, Any] = {
            "model": self._endpoint.model,
            "messages": [{"role": "user", "content": said}],
            "max_tokens": max_tokens,
            "temperature": 0,
        }
        if stop:
            body["stop"] = list(stop)
        if schema is not None and self._schema == "strict":
            form = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        elif schema is not None and self._schema == "object":
            body["response_format"] = {"type": "json_object"}
        completion = self._read(self._endpoint.post("/chat/completions", body), said)
        if schema is not None:
            parsed(completion.text, schema)
        return completion

    def _read(self, answer: bytes, prompt: str) -> Completion:
        """The text and the usage of an answer; where the endpoint counts no tokens, as many as there can be."""
        try:
            value = json.loads(answer)
            message = value["choices"][0]["message"]
            text, usage = message["content"], value.get("usage") or {}
            if not isinstance(text, str):
                raise ModelError(f"{self._endpoint.shown} refused: {str(message.get('refusal'))[:200]}")
            read, written = usage.get("prompt_tokens"), usage.get("completion_tokens")
            return Completion(
                text,
                most_tokens(prompt) if read is None else int(read),
                most_tokens(text) if written is None else int(written),
            )
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            raise ModelError(f"{self._endpoint.shown} answered no completion: {answer[:80]!r}") from None
