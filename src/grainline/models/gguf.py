"""A language model (GGUF) as an embedder, run by llama.cpp through xllamacpp.

A causal model sees only what stands before a token. Where the text is given twice, each token of the second copy has seen the
whole text, and the mean is taken over that copy alone (echo embeddings, Springer et al. 2024, arXiv 2402.15449).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import ModelError, UsageError
from grainline.models.digests import digest
from grainline.models.llama import Llama
from grainline.models.prefixes import NO_PREFIXES
from grainline.models.rows import cut, threads_here, unit_rows
from grainline.models.spec import Spec
from grainline.types import Side

MAX_TOKENS = 512
POOLINGS = ("mean", "last")
#: around the two copies of a text that is given twice
BEFORE, BETWEEN = "Rewrite the sentence: ", "\nThe rewritten sentence: "
SPARE_TOKENS = 64  #: of the context, for those words and for what begins a text


class GgufEmbedder:
    """An embedder over a GGUF file; each text is a request of its own, so a vector does not depend on the others."""

    def __init__(self, spec: Spec) -> None:
        """Loads the model; options: repeat (1 or 2), pool (mean or last), tokens (of one copy), threads, query, passage.

        Raises `NotFoundError`, `MissingExtraError`, `UsageError`, or `ModelError` where llama.cpp refuses the file.
        """
        file = Path(spec.target).expanduser()
        self._copies, self._pooling = spec.count("repeat", 1), spec.choice("pool", POOLINGS)
        if self._copies > 2:
            raise UsageError(f"repeat={self._copies}: a text is given once or twice")
        self._prefixes = NO_PREFIXES.overridden(spec.options)
        self.max_tokens = spec.count("tokens", MAX_TOKENS)
        self._name = str(file)
        context = self._copies * self.max_tokens + SPARE_TOKENS
        self._llama = Llama(file, context, spec.count("threads", threads_here()), _as_encoder)
        settings = f"{digest(file)} {self._copies} {self._pooling} {self._prefixes} {self.max_tokens}"
        self.identity = f"gguf/{hashlib.sha256(settings.encode()).hexdigest()[:16]}"
        self._begin = self._llama.tokens("", begins=True)
        self.dimension = len(self._vector("a"))

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """Unit rows, one a text; tokens beyond `max_tokens` are cut."""
        rows = [self._vector(text) for text in self._prefixes.put(texts, side)]
        return unit_rows(np.array(rows), self._name) if rows else np.empty((0, self.dimension), np.float32)

    def _vector(self, text: str) -> NDArray[np.float64]:
        text, tokens_of = cut(text, self.max_tokens), self._llama.tokens
        own = tokens_of(text)[: self.max_tokens] or tokens_of(".")
        if self._copies == 1:
            tokens = self._begin + own
        else:
            tokens = self._begin + tokens_of(BEFORE) + own + tokens_of(BETWEEN) + own
        (answer,) = self._llama.post("/embedding", {"content": tokens, "embd_normalize": -1})
        vectors = np.array(answer["embedding"], np.float64)
        if vectors.ndim != 2 or len(vectors) != len(tokens):
            raise ModelError(f"{self._name}: {len(tokens)} tokens gave vectors of shape {vectors.shape}")
        chosen: NDArray[np.float64] = vectors[-1] if self._pooling == "last" else vectors[-len(own) :].mean(axis=0)
        return chosen


def _as_encoder(params: Any, library: Any) -> None:
    params.embedding = True
    # every token's vector comes back and is pooled here: over the second copy alone where there are two
    params.pooling_type = library.llama_pooling_type.LLAMA_POOLING_TYPE_NONE
    params.n_batch = params.n_ubatch = params.n_ctx
    params.cache_prompt = False  # what was asked before must not change a vector
