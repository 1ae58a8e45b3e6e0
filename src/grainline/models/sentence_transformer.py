"""Any model of sentence-transformers, for those who have it: a local folder, or an id on the hub."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grainline.errors import MissingExtraError, ModelError
from grainline.models.prefixes import Prefixes
from grainline.models.rows import cut, unit_rows
from grainline.models.sentence_folder import PASSAGE_PROMPTS
from grainline.models.spec import Spec
from grainline.types import Side

MAX_TOKENS = 512  #: where the model does not say


class SentenceTransformerEmbedder:
    """An embedder over `SentenceTransformer`; each text is encoded alone, so a vector does not depend on the others.

    Its own prompts are used (query; passage, document or corpus) unless the spec gives others.
    """

    def __init__(self, spec: Spec) -> None:
        """Loads the model, downloading a hub id that is not on this machine; raises `MissingExtraError`, `ModelError`."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError:
            raise MissingExtraError("sentence-transformers", "sentence-transformers") from None
        try:
            self._model = SentenceTransformer(spec.target)
        except Exception as error:  # torch, transformers and the hub each raise their own
            raise ModelError(f"sentence-transformers cannot load {spec.target}: {error}") from error
        prompts = self._model.prompts or {}
        passage = next((prompts[name] for name in PASSAGE_PROMPTS if prompts.get(name)), "")
        self._prefixes = Prefixes(prompts.get("query") or "", passage).overridden(spec.options)
        self._name = spec.target
        self.max_tokens = int(self._model.max_seq_length or MAX_TOKENS)
        digest = hashlib.sha256(f"{self._prefixes} {self.max_tokens}".encode())
        for name, tensor in sorted(self._model.state_dict().items()):
            digest.update(name.encode() + tensor.detach().cpu().float().numpy().tobytes())
        self.identity = f"st/{digest.hexdigest()[:16]}"
        self.dimension = int(self.embed(["a"], "passage").shape[1])

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """Unit rows, one a text; tokens beyond `max_tokens` are cut."""
        rows = [
            self._model.encode(cut(text, self.max_tokens), prompt="", convert_to_numpy=True, show_progress_bar=False)
            for text in self._prefixes.put(texts, side)
        ]
        return unit_rows(np.array(rows), self._name) if rows else np.empty((0, self.dimension), np.float32)
