"""The /chat/completions of an endpoint through the `openai` client. Only here is that imported.

It builds the requests and keeps the connections. Ours are: what is sent, for the client adds what the user's environment says to it, and
what system this is; the tries, for it would wait two minutes where a server asks for that, and give up where an answer breaks off; the
time, which it counts from byte to byte; and the size of an answer.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2
import openai

from grainline.errors import GrainlineError, ModelError, UsageError
from grainline.models.events import values
from grainline.models.http import LONGEST_REFUSAL, Endpoint, Unavailable

SERVICE = "/chat/completions"
#: the headers that are sent, beside who asks; by the last the client itself knows how the answer is to be read
SENT = frozenset(
    {
        "host",
        "connection",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "user-agent",
        "x-stainless-raw-response",
    }
)


@dataclass(slots=True)
class Reply:
    """What has come of an answer so far: its pieces of text or of a refusal, the endpoint's count of tokens, why it ended, and how
    likely its words were, as the endpoint tells it."""

    pieces: list[str] = field(default_factory=list)
    refusal: str = ""
    usage: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    logprobs: Any = None
    begun: bool = False
    ended: bool = False

    def take(self, value: Any) -> str:
        """Add a value as `events.values` gives them, and return its text. Raises `TypeError`, `KeyError` or `AttributeError` for one that
        is no part of a completion."""
        if value is None:
            self.ended = True
            return ""
        self.usage = value.get("usage") or self.usage
        self.usage.get("prompt_tokens")
        for choice in value["choices"][:1]:
            part = choice["message"] if "message" in choice else choice.get("delta") or {}
            self.begun = True
            self.refusal += part.get("refusal") or ""
            self.reason = choice.get("finish_reason") or self.reason
            self.logprobs = self.logprobs or choice.get("logprobs")
            self.ended |= "message" in choice or bool(self.reason)
            if text := part.get("content"):
                self.pieces.append("" + text)
                return self.pieces[-1]
        return ""


class Chat:
    """The chats of one endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Nothing is sent yet. Raises `UsageError` for an address, or a proxy in the environment, that the client refuses."""
        self._endpoint = endpoint
        address = endpoint.parts._replace(query="").geturl().removesuffix(SERVICE)
        try:
            sender = httpx2.Client(event_hooks={"request": [self._sign], "response": [self._check]})
            self._client = openai.OpenAI(
                base_url=address,
                timeout=endpoint.timeout,
                max_retries=0,
                http_client=sender,
                # what is None is read from the environment; who asks is said by `_sign`
                api_key="-",
                admin_api_key="",
                organization="",
                project="",
                webhook_secret="",
            )
        except (ValueError, ImportError, httpx2.InvalidURL) as error:
            raise UsageError(f"{endpoint.shown} cannot be asked: {error}") from None

    def ask(self, body: Mapping[str, Any], heard: Callable[[str], None] | None = None) -> Reply:
        """The reply to one request; `heard` is called with each piece of it. Raises `Unavailable` where another try may help, which is
        never once something was heard, and `ModelError`."""
        reply, came = Reply(), False
        try:
            with closing(self._values(body)) as found:
                for value in found:
                    came, text = True, self._taken(reply, value)
                    if text and heard is not None:
                        heard(text)
            if not reply.ended and (reply.begun or not came):
                raise Unavailable("the answer broke off")
        except Unavailable as error:
            if not reply.pieces or heard is None:
                raise
            count = sum(map(len, reply.pieces))
            raise ModelError(f"{self._endpoint.shown} broke off after {count:,} characters of its answer: {error}") from None
        if not reply.begun:
            raise self._foreign("no choices")
        return reply

    def _values(self, body: Mapping[str, Any]) -> Generator[Any, None, None]:
        """What comes back to one request, value by value."""
        until = time.monotonic() + self._endpoint.timeout
        try:
            with self._client.chat.completions.with_streaming_response.create(**body) as response:
                yield from values(self._endpoint.bounded(response.iter_bytes(), until))
        except (openai.APITimeoutError, httpx2.TimeoutException):
            raise self._endpoint.late() from None
        except openai.APIConnectionError as error:
            if isinstance(error.__cause__, (GrainlineError, Unavailable)):  # what `_sign` and `_check` raise, in some versions
                raise error.__cause__ from None
            raise Unavailable(f"cannot reach it: {error.__cause__ or error}") from None
        except (httpx2.RequestError, ssl.SSLError) as error:
            raise Unavailable(f"the answer broke off: {error}") from None
        except ValueError as error:
            raise self._foreign(str(error)) from None

    def _taken(self, reply: Reply, value: Any) -> str:
        try:
            if isinstance(value, dict) and (said := value.get("error")):
                words = said.get("message") if isinstance(said, dict) else said
                raise ModelError(f"{self._endpoint.shown} failed: {self._endpoint.quoted(str(words))}")
            return reply.take(value)
        except (TypeError, KeyError, AttributeError):
            raise self._foreign(repr(value)[:80]) from None

    def _foreign(self, said: str) -> ModelError:
        return ModelError(f"{self._endpoint.shown} answered no completion: {self._endpoint.quoted(said)}")

    def _sign(self, request: httpx2.Request) -> None:
        """Leave on a request what we mean to send, and say who asks. What stands behind the "?" of an address may be a secret: it is sent,
        but no part of the address that the client writes to its log."""
        for name in set(request.headers) - SENT:
            del request.headers[name]
        if name := self._endpoint.authorization():
            request.headers["Authorization"] = name
        if query := self._endpoint.parts.query:
            request.extensions = {**request.extensions, "target": request.url.copy_with(query=query.encode()).raw_path}

    def _check(self, response: httpx2.Response) -> None:
        """Raise what a status other than success means; of the server's words no more is read than is quoted."""
        if response.is_success:
            return
        said = b""
        with suppress(httpx2.RequestError, Unavailable):
            for chunk in self._endpoint.bounded(response.iter_bytes(), time.monotonic() + self._endpoint.timeout):
                said += chunk
                if len(said) > LONGEST_REFUSAL:
                    break
        words = said[:LONGEST_REFUSAL].decode(errors="replace")
        raise self._endpoint.refusal(response.status_code, words, response.headers.get("Retry-After", ""))
