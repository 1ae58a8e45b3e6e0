"""A language model behind any endpoint that speaks OpenAI's /chat/completions, on this machine or another.

Whether it reads pictures cannot be asked of an endpoint: the spec says so, `https://HOST/v1#MODEL?images=1`. Nor can how long it thinks
before it answers: `?think=TOKENS` gives it so many beside those of the answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from grainline.errors import MissingExtraError, ModelError
from grainline.models.completion import most_tokens, parsed
from grainline.models.http import Endpoint, Refused
from grainline.models.images import Image
from grainline.models.odds import TOLD, WORD_TOKENS, certain, likeliest_first
from grainline.models.spec import Spec
from grainline.models.thinking import answer_of
from grainline.types import Completion

if TYPE_CHECKING:
    from grainline.models.chat import Reply

OPENAI = "https://api.openai.com/v1"
TIMEOUT_SECONDS = 120.0  #: for one answer
#: how a schema is asked for: by the endpoint itself, or, where it knows less, as any JSON or not at all, with words in the prompt
SCHEMAS = ("strict", "object", "words")
#: what an endpoint may refuse for its name alone, and the name by which it may know it; without one it does without
INSTEAD = {
    "stream_options": "",
    "max_tokens": "max_completion_tokens",
    "temperature": "",
    "top_logprobs": "",
    "logprobs": "",
}


def from_spec(spec: Spec) -> EndpointLLM:
    """The model of "openai:MODEL", "openai:URL#MODEL" or "https://HOST/v1#MODEL"."""
    url, mark, model = spec.target.partition("#")
    if spec.kind != "openai":
        url = f"{spec.kind}:{url}"
    elif not mark:
        url, model = os.environ.get("OPENAI_BASE_URL") or OPENAI, spec.target
    endpoint = Endpoint(url, model, spec.number("timeout", TIMEOUT_SECONDS))
    thinks = spec.count("think", 0)
    return EndpointLLM(endpoint, spec.choice("schema", SCHEMAS), reads_images=spec.flag("images"), thinks=thinks)


class EndpointLLM:
    """A model over an endpoint. Its weights are not known here: the identity is its address, its name, and how long it may think."""

    def __init__(self, endpoint: Endpoint, schema: str = "strict", *, reads_images: bool = False, thinks: int = 0) -> None:
        """`schema` is one of `SCHEMAS`, `reads_images` says whether the model can be shown pictures, `thinks` how many tokens it may write
        before its answer; nothing is sent before the first question. Raises `MissingExtraError`, and `UsageError` for an address that
        cannot be asked."""
        try:
            from grainline.models.chat import Chat
        except ModuleNotFoundError:
            raise MissingExtraError("openai", "openai") from None
        self._endpoint, self._schema, self._chat = endpoint, schema, Chat(endpoint)
        self._unknown: set[str] = set()
        self.reads_images, self.thinks = reads_images, thinks
        self.identity = f"openai/{endpoint.shown}#{endpoint.model}" + (f"?think={thinks}" if thinks else "")

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
        heard: Callable[[str], None] | None = None,
    ) -> Completion:
        """The model's answer at temperature 0, where it knows one; of one that thinks first it is heard at once. Raises `ModelError` if the
        endpoint cannot be reached after four tries, refuses, breaks off after something was heard, or answers what is no completion, or
        text that does not fit the schema."""
        if heard is not None and self.thinks:
            answer = self.complete(prompt, schema, max_tokens, stop)
            heard(answer.text)
            return answer
        said = self._worded(prompt, schema)
        body = {
            **self._body(said, schema, max_tokens),
            **({"stop": list(stop)} if stop else {}),
            **({"stream": True, "stream_options": {"include_usage": True}} if heard is not None else {}),
        }
        return _fitting(self._asked(body, most_tokens(said), heard), schema)

    def first(self, prompt: str) -> Completion:
        """See `odds.TellsOdds`; of an endpoint that tells no odds, or thinks first, the word that it begins with, as certain. Raises as
        `complete`."""
        if self.thinks:  # the odds would be those of its thoughts
            return certain(self.complete(prompt, max_tokens=WORD_TOKENS))
        said = prompt.encode(errors="replace").decode()
        reply = self._reply({**self._body(said, None, WORD_TOKENS), "logprobs": True, "top_logprobs": TOLD})
        answer, told = self._completion(reply, most_tokens(said), WORD_TOKENS), _told(reply.logprobs)
        return replace(answer, text=told) if told else certain(answer)

    def see(
        self, prompt: str, images: Sequence[Image], schema: Mapping[str, Any] | None = None, max_tokens: int = 512
    ) -> Completion:
        """As `complete`, of pictures that are sent with the prompt. Raises `ModelError` also where the endpoint refuses them."""
        said = self._worded(prompt, schema)
        shown = [{"type": "image_url", "image_url": {"url": image.url}} for image in images]
        body = self._body([{"type": "text", "text": said}, *shown], schema, max_tokens)
        most = most_tokens(said) + sum(image.tokens for image in images)
        try:
            return _fitting(self._asked(body, most, None), schema)
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            raise ModelError(f"{refused}; it was sent a picture: a model that reads none is named without images=1") from None

    def _worded(self, prompt: str, schema: Mapping[str, Any] | None) -> str:
        """A prompt as it is sent, with the schema where the endpoint is not told it otherwise."""
        said = prompt.encode(errors="replace").decode()
        if schema is None or self._schema == "strict":
            return said
        return f"{said}\n\nAnswer with JSON of this schema, nothing else: {json.dumps(schema)}"

    def _body(self, content: str | list[dict[str, Any]], schema: Mapping[str, Any] | None, max_tokens: int) -> dict[str, Any]:
        """What is asked for with a message."""
        return {
            "model": self._endpoint.model,
            "messages": [{"role": "user", "content": content}],
            "max_tokens": max_tokens + self.thinks,
            "temperature": 0,
            **({"response_format": self._form(schema)} if schema is not None and self._schema != "words" else {}),
        }

    def _form(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        if self._schema == "object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": _unbounded(schema)}}

    def _asked(self, body: dict[str, Any], most: int, heard: Callable[[str], None] | None) -> Completion:
        """The answer to a request; where the endpoint counts no tokens, `most` were read, and as many written as there can be."""
        return self._completion(self._reply(body, heard), most, body["max_tokens"])

    def _reply(self, body: dict[str, Any], heard: Callable[[str], None] | None = None) -> Reply:
        """The reply to a request, made again in the words that the endpoint knows."""
        known = {INSTEAD[name] if name in self._unknown else name: value for name, value in body.items()}
        known.pop("", None)
        try:
            return self._endpoint.patiently(lambda: self._chat.ask(known, heard))
        except Refused as refused:
            if odd := [name for name in INSTEAD if name in known and name in refused.said and refused.status in (400, 422)]:
                self._unknown.update(odd)
                return self._reply(body, heard)
            if "response_format" in known and "response_format" in refused.said:
                raise ModelError(
                    f"{refused}; an endpoint that knows no schemas is asked with ?schema=object or =words"
                ) from None
            raise

    def _completion(self, reply: Reply, most: int, most_written: int) -> Completion:
        """What a reply to a request for so many tokens says."""
        text = answer_of("".join(reply.pieces)) if self.thinks else "".join(reply.pieces)
        if reply.refusal:
            raise ModelError(f"{self._endpoint.shown} refused: {self._endpoint.quoted(reply.refusal)}")
        if not text and reply.reason == "length":
            way = "it thought for too long" if self.thinks else "one that thinks first is named with ?think=TOKENS"
            raise ModelError(f"{self._endpoint.shown} wrote no answer within {most_written:,} tokens; {way}")
        read, written = (reply.usage.get(name) for name in ("prompt_tokens", "completion_tokens"))
        return Completion(
            text,
            read if isinstance(read, int) else most,
            written if isinstance(written, int) else most_tokens(text),
        )


def _told(logprobs: Any) -> str:
    """The likeliest first tokens of an answer, as /chat/completions tells them in `logprobs`; "" for what has another form.

    >>> _told({"content": [{"token": "Yes", "top_logprobs": [{"token": "Yes", "logprob": -0.25}]}]}), _told({"tokens": ["Yes"]})
    ('{"Yes": -0.25}', '')
    """
    try:
        return likeliest_first(logprobs["content"][0]["top_logprobs"])
    except (KeyError, IndexError, TypeError, ValueError):
        return ""


def _unbounded(schema: Any) -> Any:
    """A schema without the lengths of texts: many endpoints refuse one that has them, and who asks cuts what is too long.

    >>> _unbounded({"type": "array", "items": {"type": "string", "maxLength": 9}})
    {'type': 'array', 'items': {'type': 'string'}}
    """
    if isinstance(schema, Mapping):
        return {name: _unbounded(value) for name, value in schema.items() if name != "maxLength"}
    return [_unbounded(value) for value in schema] if isinstance(schema, list) else schema


def _fitting(completion: Completion, schema: Mapping[str, Any] | None) -> Completion:
    """An answer that fits the schema; raises `ModelError` for another."""
    if schema is not None:
        parsed(completion.text, schema)
    return completion
