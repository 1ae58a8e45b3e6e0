"""Components for tests that mean something: what they give can be reasoned about and asserted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from grainline.text import terms
from grainline.types import Side

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
