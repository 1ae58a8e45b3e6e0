"""Asking an endpoint over HTTP: one deadline for the whole answer, tries again where that may help, and a key that goes nowhere else."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

from grainline.errors import ModelError, UsageError

KEYS = ("GRAINLINE_API_KEY", "OPENAI_API_KEY")  #: environment variables; the first that is set is sent
TIMEOUT_SECONDS = 30.0  #: for one request, from its start to the last byte of the answer
TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0  #: seconds before a request is tried again; doubled each time, or what the server asks for
LARGEST_ANSWER = 256 << 20  #: bytes
TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class _Unavailable(Exception):
    """A request that may succeed when it is tried again."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


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

    def address(self, service: str) -> str:
        """Where a service such as "/embeddings" is asked for; the address may name it already."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        return parts._replace(path=path if path.endswith(service) else f"{path}{service}").geturl()

    def post(self, service: str, body: Mapping[str, Any]) -> bytes:
        """The answer of a service to a JSON object. Raises `ModelError` if it cannot be reached, is busy or breaks off in four tries, or
        refuses; the server's own words are quoted, never the key."""
        wait = self.first_wait
        data = json.dumps(body).encode()
        for left in reversed(range(TRIES)):
            try:
                return self._answer(self.address(service), data)
            except _Unavailable as error:
                if not left:
                    raise ModelError(f"{self.shown} gave no answer after {TRIES} tries: {error}") from None
                time.sleep(min(LONGEST_WAIT, max(wait, error.wait)))
                wait *= 2
        raise AssertionError("the last try returns or raises")

    def _answer(self, address: str, data: bytes) -> bytes:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := _key():
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(address, data, headers)
        # it goes straight there: a key is not carried along to wherever an answer points
        opener = urllib.request.build_opener(_NoRedirect)
        until = time.monotonic() + self.timeout
        try:
            with opener.open(request, timeout=self.timeout) as answer:
                whole = b"".join(self._chunks(answer, until))
                if answer.length:
                    raise _Unavailable(f"the answer broke off, {answer.length:,} bytes before its end")
                return whole
        except urllib.error.HTTPError as error:
            raise self._refusal(error, key) from None
        except TimeoutError:
            raise _Unavailable(f"no answer within {self.timeout:g} s") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):
                raise _Unavailable(f"no answer within {self.timeout:g} s") from None
            raise _Unavailable(f"cannot reach it: {reason}") from None

    def _chunks(self, answer: IO[bytes], until: float) -> Iterator[bytes]:
        size = 0
        while chunk := answer.read(1 << 16):
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise ModelError(f"{self.shown} answered more than {LARGEST_ANSWER >> 20} MiB")
            if time.monotonic() > until:
                raise TimeoutError
            yield chunk

    def _refusal(self, error: urllib.error.HTTPError, key: str) -> Exception:
        """What a status other than 200 means; the server's own words are quoted, but never the key."""
        with error:
            try:
                said = error.read(2000).decode(errors="replace")
            except (OSError, HTTPException):
                said = ""
        said = " ".join((said.replace(key, "KEY") if key else said).split())[:300]
        if error.code in TRY_AGAIN:
            return _Unavailable(f"status {error.code} {said}".strip(), _seconds(error.headers))
        hint = f"; is the key in {' or '.join(KEYS)} right?" if error.code in (401, 403) else ""
        return ModelError(f"{self.shown} refused with status {error.code}{hint} {said}".strip())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> None:
        """Follow nothing; the status is then an error like others."""


def _key() -> str:
    """The key to send; raises `UsageError`, without the key, for one that no header can hold."""
    for name in KEYS:
        if key := os.environ.get(name, "").strip():
            if not key.isascii() or not key.isprintable():
                raise UsageError(f"the key in {name} holds characters that no key has")
            return key
    return ""


def _seconds(headers: Message) -> float:
    """What the server asks to be waited for; dates are not read."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0
