"""Any endpoint that speaks OpenAI's /embeddings, on this machine or another."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from grainline.errors import ModelError, UsageError
from grainline.models.prefixes import NO_PREFIXES, Prefixes
from grainline.models.rows import unit_rows
from grainline.models.spec import Spec
from grainline.types import Side

KEYS = ("GRAINLINE_API_KEY", "OPENAI_API_KEY")  #: environment variables; the first that is set is sent
MAX_TOKENS = 8191  #: what OpenAI's own models take
TIMEOUT_SECONDS = 30.0  #: for one request, from its start to the last byte of the answer
TRIES = 4
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0  #: seconds before a request is tried again; doubled each time, or what the server asks for
TEXTS_TOGETHER, CHARACTERS_TOGETHER = 64, 100_000  #: in one request
LARGEST_ANSWER = 256 << 20  #: bytes
#: a token is at least so many characters: rough, but no tokenizer of the endpoint is at hand
_CHARACTERS = re.compile(r"[\x00-\x7f]{1,3}|[^\x00-\x7f]")
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

    @property
    def address(self) -> str:
        """Where embeddings are asked for."""
        parts = urlsplit(self.url)
        path = parts.path.rstrip("/")
        return parts._replace(path=path if path.endswith("/embeddings") else f"{path}/embeddings").geturl()


def from_spec(spec: Spec) -> EndpointEmbedder:
    """The embedder of "openai:URL#MODEL"."""
    url, _, model = spec.target.partition("#")
    endpoint = Endpoint(url, model, spec.number("timeout", TIMEOUT_SECONDS))
    return EndpointEmbedder(endpoint, NO_PREFIXES.overridden(spec.options), spec.count("tokens", MAX_TOKENS))


class EndpointEmbedder:
    """An embedder over an endpoint. Its weights are not known here: the identity is its address, the name of its model and `prefixes`."""

    def __init__(self, endpoint: Endpoint, prefixes: Prefixes = NO_PREFIXES, max_tokens: int = MAX_TOKENS) -> None:
        """Asks once, to see the dimension; raises `ModelError` if it cannot be reached or answers what it should not."""
        self._endpoint, self._prefixes, self.max_tokens = endpoint, prefixes, max_tokens
        # it goes straight there: a key is not carried along to wherever an answer points
        self._opener = urllib.request.build_opener(_NoRedirect)
        self.dimension = 0
        self.dimension = int(self._ask(["dimension"]).shape[1])
        behind = f"?{prefixes.query}|{prefixes.passage}" if prefixes != NO_PREFIXES else ""
        self.identity = f"openai/{endpoint.shown}#{endpoint.model}/{self.dimension}{behind}"

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """Unit rows, one a text; what is surely beyond `max_tokens` is cut.

        Raises `ModelError` if the endpoint cannot be reached after four tries, refuses, or answers anything but a vector of the
        same dimension for each text; nothing is returned then.
        """
        whole = [self._fit(text) for text in self._prefixes.put(texts, side)]
        parts = [self._ask(batch) for batch in _batches(whole)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), np.float32)

    def _fit(self, text: str) -> str:
        text = text.encode(errors="replace").decode()
        count = 0
        for count, match in enumerate(_CHARACTERS.finditer(text), 1):
            if count > self.max_tokens:
                return text[: match.start()]
        return text if count and text.strip() else "."  # servers refuse a text of nothing

    def _ask(self, texts: Sequence[str]) -> NDArray[np.float32]:
        wait = self._endpoint.first_wait
        for left in reversed(range(TRIES)):
            try:
                return self._rows(self._answer(texts), len(texts))
            except _Unavailable as error:
                if not left:
                    raise ModelError(f"{self._endpoint.shown} gave no embeddings after {TRIES} tries: {error}") from None
                time.sleep(min(LONGEST_WAIT, max(wait, error.wait)))
                wait *= 2
        raise AssertionError("the last try returns or raises")

    def _answer(self, texts: Sequence[str]) -> bytes:
        body = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key := _key():
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self._endpoint.address, json.dumps(body).encode(), headers)
        until = time.monotonic() + self._endpoint.timeout
        try:
            with self._opener.open(request, timeout=self._endpoint.timeout) as answer:
                return b"".join(self._chunks(answer, until))
        except urllib.error.HTTPError as error:
            raise self._refusal(error, key) from None
        except TimeoutError:
            raise _Unavailable(f"no answer within {self._endpoint.timeout:g} s") from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(reason, TimeoutError):
                raise _Unavailable(f"no answer within {self._endpoint.timeout:g} s") from None
            raise _Unavailable(f"cannot reach it: {reason}") from None

    def _chunks(self, answer: IO[bytes], until: float) -> Iterator[bytes]:
        size = 0
        while chunk := answer.read(1 << 16):
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise ModelError(f"{self._endpoint.shown} answered more than {LARGEST_ANSWER >> 20} MiB")
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
        return ModelError(f"{self._endpoint.shown} refused with status {error.code}{hint} {said}".strip())

    def _rows(self, answer: bytes, count: int) -> NDArray[np.float32]:
        """The vectors of an answer, in the order of the texts; raises `ModelError` for anything else."""
        shown = self._endpoint.shown
        try:
            data = json.loads(answer)["data"]
            by_index = {int(entry["index"]): entry["embedding"] for entry in data}
            rows = np.array([by_index[index] for index in range(count)], np.float64)
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            raise ModelError(f"{shown} answered no list of {count} embeddings: {answer[:80]!r}") from None
        if len(data) != count or rows.ndim != 2 or not rows.shape[1]:
            raise ModelError(f"{shown} answered {len(data)} embeddings to {count} texts, of shape {rows.shape}")
        if self.dimension and rows.shape[1] != self.dimension:
            raise ModelError(f"{shown} answered vectors of {rows.shape[1]} dimensions; those before had {self.dimension}")
        return unit_rows(rows, shown)


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


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) == TEXTS_TOGETHER or size + len(text) > CHARACTERS_TOGETHER):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _seconds(headers: Message) -> float:
    """What the server asks to be waited for; dates are not read."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0
