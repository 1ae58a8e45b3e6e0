"""Asking an endpoint over HTTP: one deadline for the whole answer, tries again where that may help, and a key that goes nowhere else."""

from __future__ import annotations

import base64
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from typing import IO, Any, TypeVar
from urllib.parse import SplitResult, unquote, urlsplit

from grainline.errors import ModelError, UsageError

KEYS = ("GRAINLINE_API_KEY", "OPENAI_API_KEY")  #: environment variables; the first that is set is sent
TIMEOUT_SECONDS = 30.0  #: for one request, from its start to the last byte of the answer
TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0  #: seconds before a request is tried again; doubled each time, or what the server asks for
LARGEST_ANSWER = 256 << 20  #: bytes
LONGEST_REFUSAL = 4_000  #: bytes that are read of one
TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


#: words of an endpoint that refuses a prompt for its length
_TOO_LONG = re.compile(r"context.{0,20}(length|size|window)|(prompt|input).{0,40}too long|too many tokens", re.IGNORECASE)
_Value = TypeVar("_Value")


class Unavailable(Exception):
    """A request that may succeed when it is tried again, in so many seconds if the server says so."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(ModelError):
    """An endpoint that will not answer this request; `status` and what it said."""

    def __init__(self, message: str, status: int, said: str) -> None:
        super().__init__(message)
        self.status, self.said = status, said


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go and how long they are waited for. `first_wait` is what is waited before the second try, in seconds."""

    url: str
    model: str
    timeout: float = TIMEOUT_SECONDS
    first_wait: float = FIRST_WAIT

    def __post_init__(self) -> None:
        """Raises `UsageError` for what is no http address with a model; it is not quoted, for a password may stand in it."""
        try:
            parts = urlsplit(self.url)
            sound = (
                parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0) and self.model
            )
        except ValueError:
            sound = False
        if not sound:
            raise UsageError("an endpoint is written https://HOST/v1#MODEL")

    @property
    def shown(self) -> str:
        """The address without a name or password that may stand in it."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()

    @property
    def parts(self) -> SplitResult:
        """The address as it is asked: who asks stands in a header, see `authorization`."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], path=parts.path.rstrip("/"), fragment="")

    def address(self, service: str) -> str:
        """Where a service such as "/embeddings" is asked for; the address may name it already."""
        parts = self.parts
        return parts._replace(path=f"{parts.path.removesuffix(service)}{service}").geturl()

    def authorization(self) -> str:
        """What says who asks: a name and password of the address, else the key; "" for nobody. Raises `UsageError`, without the key, for
        one that no header can hold."""
        name, found, _ = urlsplit(self.url).netloc.rpartition("@")
        if found:
            return f"Basic {base64.b64encode(unquote(name).encode()).decode()}"
        return f"Bearer {key}" if (key := _key()) else ""

    def post(self, service: str, body: Mapping[str, Any]) -> bytes:
        """The answer of a service to a JSON object. Raises `ModelError` if it cannot be reached, is busy or breaks off in four tries, or
        refuses; the server's own words are quoted, never the key."""
        data = json.dumps(body).encode()
        return self.patiently(lambda: self._answer(self.address(service), data))

    def patiently(self, attempt: Callable[[], _Value]) -> _Value:
        """What an attempt gives, made again where it raises `Unavailable`; raises `ModelError` when four have been made."""
        wait = self.first_wait
        for left in reversed(range(TRIES)):
            try:
                return attempt()
            except Unavailable as error:
                if not left:
                    raise ModelError(f"{self.shown} gave no answer after {TRIES} tries: {error}") from None
                time.sleep(min(LONGEST_WAIT, max(wait, error.wait)))
                wait *= 2
        raise AssertionError("the last try returns or raises")

    def bounded(self, chunks: Iterable[bytes], until: float) -> Iterator[bytes]:
        """The chunks of an answer up to a moment of `time.monotonic`. Raises `Unavailable` behind it, `ModelError` for an answer that is
        larger than any should be."""
        size = 0
        for chunk in chunks:
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise ModelError(f"{self.shown} answered more than {LARGEST_ANSWER >> 20} MiB")
            if time.monotonic() > until:
                raise self.late()
            yield chunk

    def late(self) -> Unavailable:
        """What is raised where the time for an answer is over."""
        return Unavailable(f"no answer within {self.timeout:g} s")

    def refusal(self, status: int, said: str, retry_after: str) -> Exception:
        """What a status other than 200 means: `Unavailable`, for as long as the server asks to be left alone, `ModelError` for
        a text that is too long, else `Refused`."""
        said = self.quoted(_message(said))
        if status in TRY_AGAIN:
            return Unavailable(f"status {status} {said}".strip(), float(retry_after) if retry_after.isdecimal() else 0.0)
        refused = f"{self.shown} refused with status {status}"
        if _TOO_LONG.search(said):
            return ModelError(f"{refused}, the text is longer than the model can read: {said}")
        hint = f"; is the key in {' or '.join(KEYS)} right?" if status in (401, 403) else ""
        return Refused(f"{refused}{hint} {said}".strip(), status, said)

    def quoted(self, said: str) -> str:
        """The server's own words on one line, but never the key."""
        key = _key()
        return " ".join((said.replace(key, "KEY") if key else said).split())[:300]

    def _answer(self, address: str, data: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if name := self.authorization():
            headers["Authorization"] = name
        request = urllib.request.Request(address, data, headers)
        # it goes straight there: a key is not carried along to wherever an answer points
        opener = urllib.request.build_opener(_NoRedirect)
        until = time.monotonic() + self.timeout
        try:
            with opener.open(request, timeout=self.timeout) as answer:
                whole = b"".join(self.bounded(_chunks(answer), until))
                if answer.length:
                    raise Unavailable(f"the answer broke off, {answer.length:,} bytes before its end")
                return whole
        except urllib.error.HTTPError as error:
            with error:
                raise self.refusal(error.code, _beginning(error), error.headers.get("Retry-After", "")) from None
        except TimeoutError:
            raise self.late() from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):
                raise self.late() from None
            raise Unavailable(f"cannot reach it: {reason}") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Follow nothing; the status is then an error like others."""


def _chunks(answer: IO[bytes]) -> Iterator[bytes]:
    while chunk := answer.read(1 << 16):
        yield chunk


def _beginning(answer: IO[bytes]) -> str:
    """Some words of a refusal, as many as come."""
    try:
        return answer.read(LONGEST_REFUSAL).decode(errors="replace")
    except (OSError, HTTPException):
        return ""


def _message(said: str) -> str:
    """The words for a person in a refusal as OpenAI writes it; what is written otherwise as it stands.

    >>> _message('{"error": {"message": "no such model", "code": 7}}'), _message("slow down")
    ('no such model', 'slow down')
    """
    try:
        value = json.loads(said)
        message = value["error"]["message"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return said
    return message if isinstance(message, str) else said


def _key() -> str:
    """The key to send; raises `UsageError`, without the key, for one that no header can hold."""
    for name in KEYS:
        if key := os.environ.get(name, "").strip():
            if not key.isascii() or not key.isprintable():
                raise UsageError(f"the key in {name} holds characters that no key has")
            return key
    return ""
