"""A language model behind any endpoint that speaks OpenAI's /chat/completions, on this machine or another."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grainline.errors import MissingExtraError, ModelError
from grainline.models.completion import most_tokens, parsed
from grainline.models.http import Endpoint, Refused
from grainline.models.spec import Spec
from grainline.types import Completion

OPENAI = "https://api.openai.com/v1"
TIMEOUT_SECONDS = 120.0  #: for one answer
#: how a schema is asked for: by the endpoint itself, or, where it knows less, as any JSON or not at all, with words in the prompt
SCHEMAS = ("strict", "object", "words")
#: what an endpoint may refuse for its name alone, and the name by which it may know it; without one it does without
INSTEAD = {"stream_options": "", "max_tokens": "max_completion_tokens", "temperature": ""}


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
        """`schema` is one of `SCHEMAS`; nothing is sent before the first question. Raises `MissingExtraError`, and `UsageError` for an
        address that cannot be asked."""
        try:
            from grainline.models.chat import Chat
        except ModuleNotFoundError:
            raise MissingExtraError("openai", "openai") from None
        self._endpoint, self._schema, self._chat = endpoint, schema, Chat(endpoint)
        self._unknown: set[str] = set()
        self.identity = f"openai/{endpoint.shown}#{endpoint.model}"

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
        heard: Callable[[str], None] | None = None,
    ) -> Completion:
        """The model's answer at temperature 0, where it knows one. Raises `ModelError` if the endpoint cannot be reached after four tries,
        refuses, breaks off after something was heard, or answers what is no completion, or text that does not fit the schema."""
        said = prompt.encode(errors="replace").decode()
        if schema is not None and self._schema != "strict":
            said = f"{said}\n\nAnswer with JSON of this schema, nothing else: {json.dumps(schema)}"
        body = {
            "model": self._endpoint.model,
            "messages": [{"role": "user", "content": said}],
            "max_tokens": max_tokens,
            "temperature": 0,
            **({"stop": list(stop)} if stop else {}),
            **({"response_format": self._form(schema)} if schema is not None and self._schema != "words" else {}),
            **({"stream": True, "stream_options": {"include_usage": True}} if heard is not None else {}),
        }
        completion = self._asked(body, said, heard)
        if schema is not None:
            parsed(completion.text, schema)
        return completion

    def _form(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._schema == "object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}

    def _asked(self, body: dict[str, Any], said: str, heard: Callable[[str], None] | None) -> Completion:
        """The answer to a request, made again in the words that the endpoint knows. Where it counts no tokens, as many as there can be."""
        known = {INSTEAD[name] if name in self._unknown else name: value for name, value in body.items()}
        known.pop("", None)
        try:
            reply = self._endpoint.patiently(lambda: self._chat.ask(known, heard))
        except Refused as refused:
            if odd := [name for name in INSTEAD if name in known and name in refused.said and refused.status in (400, 422)]:
                self._unknown.update(odd)
                return self._asked(body, said, heard)
            if "response_format" in known and "response_format" in refused.said:
                raise ModelError(
                    f"{refused}; an endpoint that knows no schemas is asked with ?schema=object or =words"
                ) from None
            raise
        text = "".join(reply.pieces)
        if reply.refusal:
            raise ModelError(f"{self._endpoint.shown} refused: {self._endpoint.quoted(reply.refusal)}")
        if not text and reply.reason == "length":
            raise ModelError(
                f"{self._endpoint.shown} wrote no answer within {body['max_tokens']:,} tokens; does it think first?"
            )
        read, written = (reply.usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
        return Completion(
            text,
            read if isinstance(read, int) else most_tokens(said),
            written if isinstance(written, int) else most_tokens(text),
        )
