"""Pictures as language models are shown them, and which models read any: a capability beside `types.LLM` that a model need not have."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from grainline.types import LLM, Completion

#: pixels of the longer side and bytes of the file of a picture that is shown: words of a diagram can be read, and no request is large
SIDE, BYTES = 1_024, 1 << 20
#: an estimate of tokens: so many, and one for so many pixels. What a picture of 1,024 by 1,024 pixels takes by the published rules: Claude
#: and Qwen2-VL about 1,400, GPT-4o 765, GPT-4.1 mini and nano 1,659 and 2,519, InternVL 2,560, LLaVA 1.6 2,880. GPT-4o mini counts more.
LEAST_TOKENS, PIXELS_A_TOKEN = 260, 400


@dataclass(frozen=True, slots=True)
class Image:
    """A picture: the bytes of its file, their media type, and its pixels across and down."""

    data: bytes = field(repr=False)
    media: str
    width: int
    height: int

    @property
    def tokens(self) -> int:
        """About as many tokens as it takes."""
        return tokens_of(self.width, self.height)

    @property
    def url(self) -> str:
        """The picture itself as an address.

        >>> Image(b"GIF", "image/gif", 1, 1).url
        'data:image/gif;base64,R0lG'
        """
        return f"data:{self.media};base64,{base64.b64encode(self.data).decode('ascii')}"


@runtime_checkable
class ReadsImages(Protocol):
    """A language model that can be shown pictures, as long as `reads_images` says so."""

    reads_images: bool

    def see(
        self, prompt: str, images: Sequence[Image], schema: Mapping[str, Any] | None = None, max_tokens: int = 512
    ) -> Completion:
        """The model's answer to a prompt about some pictures; as `LLM.complete` otherwise. Raises `ModelError`."""
        ...


def tokens_of(width: int, height: int) -> int:
    """About as many tokens as a picture of so many pixels takes when it is shown, no side longer than `SIDE`: rather more than fewer.

    >>> tokens_of(1024, 1024), tokens_of(4096, 4096), tokens_of(200, 100)
    (2882, 2882, 310)
    """
    scale = min(1.0, SIDE / max(width, height, 1))
    return LEAST_TOKENS + -(-round(width * scale) * round(height * scale) // PIXELS_A_TOKEN)


def sighted(model: LLM) -> ReadsImages | None:
    """The model as one that reads pictures; None where it is none."""
    return model if isinstance(model, ReadsImages) and model.reads_images else None
