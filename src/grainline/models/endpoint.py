"""Any endpoint that speaks OpenAI's /embeddings, on this machine or another."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from grainline.errors import ModelError
from grainline.models.http import TIMEOUT_SECONDS, Endpoint
from grainline.models.prefixes import NO_PREFIXES, Prefixes
from grainline.models.rows import unit_rows
from grainline.models.spec import Spec
from grainline.types import Side

MAX_TOKENS = 8191  #: what OpenAI's own models take
TEXTS_TOGETHER, CHARACTERS_TOGETHER = 64, 100_000  #: in one request
#: a token is at least so many characters: rough, but no tokenizer of the endpoint is at hand
_CHARACTERS = re.compile(r"[\x00-\x7f]{1,3}|[^\x00-\x7f]")


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
        body = {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}
        return self._rows(self._endpoint.post("/embeddings", body), len(texts))

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
