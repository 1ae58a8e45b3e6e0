"""Components for tests that mean something: what they give can be reasoned about and asserted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from grainline.models.completion import parsed
from grainline.text import terms
from grainline.types import Completion, Side

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class FakeEmbedder:
    """An embedder where shared words give similarity, in English and Chinese; no model, no files, the same rows everywhere.

    A text is the sum of its terms' directions, which their hashes choose; a text without terms stands at a right angle to all
    others. `embedded` holds the texts in the order in which they were asked for.

    >>> owl, again, night = FakeEmbedder().embed(["the owl hunts", "an owl", "盗窃公私财物"], "passage")
    >>> bool(owl @ again > 0.6 > 0.2 > owl @ night)
    True
    """

    max_tokens = 512  #: terms behind these are cut

    def __init__(self, dimension: int = 256) -> None:
        """`dimension` at least 9; in few dimensions strangers look alike."""
        self.dimension = dimension
        self.identity = f"fake/{dimension}"
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:  # noqa: ARG002
        """Unit rows, one a text; both sides are alike."""
        import numpy as np

        self.embedded += texts
        rows = np.zeros((len(texts), self.dimension), np.float64)
        for row, text in zip(rows, texts, strict=True):
            for term in terms(text)[: self.max_tokens]:
                row[:-1] += self._direction(term)
            if not row.any():
                row[-1] = 1.0
        unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit

    def _direction(self, term: str) -> NDArray[np.int8]:
        """A point of the cube, ±1 in all dimensions but the last."""
        import numpy as np

        size = self.dimension - 1
        bits = np.unpackbits(np.frombuffer(hashlib.shake_128(term.encode()).digest(-(-size // 8)), np.uint8))[:size]
        return bits.astype(np.int8) * 2 - 1


class FakeLLM:
    """A language model that answers by rule: of the phrases it knows, the one that stands last in the prompt says what it answers.

    That is the question rather than what stands around it. `prompts` holds what it was asked, in order. Tokens are words and marks. Like a
    real model it raises `ModelError` where what it would say does not fit the schema, or is cut by `max_tokens` so that it does not.

    >>> llm = FakeLLM({"How many owls?": '{"sql": "SELECT count(*) FROM owl"}'})
    >>> llm.complete("CREATE TABLE owl (name text);  How many owls?").text
    '{"sql": "SELECT count(*) FROM owl"}'
    """

    def __init__(
        self, answers: Mapping[str, str] | Callable[[str], str], otherwise: str = "", *, identity: str = "fake"
    ) -> None:
        """`answers` by phrase, or a function of the prompt; `otherwise` is said to a prompt with none of the phrases in it. A library keeps
        what a model said under its `identity`: models that say other things to one library need others."""
        self._answers, self._otherwise = answers, otherwise
        self.identity = identity
        self.prompts: list[str] = []

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.prompts)

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
        heard: Callable[[str], None] | None = None,
    ) -> Completion:
        """What it says to a prompt, up to the first of `stop`; a token is a piece that is heard."""
        self.prompts.append(prompt)
        said = self._said(prompt)
        said = said[: min((place for mark in stop if (place := said.find(mark)) >= 0), default=len(said))]
        tokens = list(_PIECE.finditer(said))[:max_tokens]
        ends = [token.end() for token in tokens]
        text = said[: ends[-1]] if ends else ""
        if heard is not None:
            for start, end in pairwise([0, *ends]):
                heard(text[start:end])
        if schema is not None:
            parsed(text, schema)
        return Completion(text, len(_PIECE.findall(prompt)), len(tokens))

    def _said(self, prompt: str) -> str:
        if callable(self._answers):
            return self._answers(prompt)
        place, phrase = max(((prompt.rfind(phrase), phrase) for phrase in self._answers), default=(-1, ""))
        return self._answers[phrase] if place >= 0 else self._otherwise


_PIECE = re.compile(r"\w+|[^\w\s]")
