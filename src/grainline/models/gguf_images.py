"""Pictures read on this machine: a language model (GGUF) beside the projector of its family (llama.cpp's mmproj), which turns a picture
into what the model reads in place of tokens.

It is a model of its own beside the one that writes text: a picture may have to go through it in one piece, and blocks of tokens that are
used again are no use to it. The weights are the same bytes in memory. What stands for a picture in a text llama.cpp makes up anew for each
model that it loads, so no document can hold it; marks of the chat template are taken apart.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grainline.errors import ModelError
from grainline.models.completion import parsed
from grainline.models.images import Image
from grainline.models.llama import Llama, likeliest, plain
from grainline.types import Completion

TOGETHER = 2_048  #: tokens that go through the model together, a whole picture among them
#: where a mark of a chat template begins
_MARK = re.compile(r"(?<=[<\[])(?=\S)")


class GgufEyes:
    """A model that is shown pictures."""

    def __init__(self, file: Path, projector: Path, context: int, threads: int, layers: int) -> None:
        """Loads both, with room for `context` tokens and so many layers on a graphics card. Raises as `Llama`, and `ModelError` for a
        projector that is none of pictures or belongs to another model."""

        def configure(params: Any, _: Any) -> None:
            """Set what the context is made with."""
            params.n_batch = params.n_ubatch = min(TOGETHER, context)
            params.n_gpu_layers = layers
            params.mmproj.path = str(projector)
            params.mmproj_use_gpu = layers > 0
            params.cache_ram_mib = 0
            params.n_ctx_checkpoints = 0

        try:
            self._llama = Llama(file, context, threads, configure)
        except ModelError as error:
            raise ModelError(f"{error}; it was to be loaded with {projector}: does that belong to it?") from None
        self._name, self._context = f"{file} with {projector}", context
        about = self._llama.about()
        if not about.get("modalities", {}).get("vision"):
            raise ModelError(f"{projector} brings no pictures to {file}")
        self._stands = str(about["media_marker"])

    def see(
        self, prompt: str, images: Sequence[Image], schema: Mapping[str, Any] | None = None, max_tokens: int = 512
    ) -> Completion:
        """The likeliest answer to a prompt about pictures. Raises `ModelError`, also for what does not fit the context."""
        pictures = [{"type": "image_url", "image_url": {"url": image.url}} for image in images]
        message = {"role": "user", "content": [{"type": "text", "text": self._harmless(prompt)}, *pictures]}
        asked = {"messages": [message], "chat_template_kwargs": {"enable_thinking": False}}
        written = str(self._llama.post("/apply-template", asked)["prompt"])
        if written.count(self._stands) != len(images):
            raise ModelError(f"{self._name}: its chat template does not hold each picture once: {written[:200]!r}")
        data = [base64.b64encode(image.data).decode("ascii") for image in images]
        body = {
            "prompt": {"prompt_string": written, "multimodal_data": data},
            "cache_prompt": False,
            **likeliest(min(max_tokens, self._context), schema),
        }
        answer = self._llama.post("/completion", body)
        if schema is not None:
            parsed(answer["content"], schema)
        return Completion(answer["content"], int(answer["tokens_evaluated"]), int(answer["tokens_predicted"]))

    def _harmless(self, prompt: str) -> str:
        """A prompt whose marks of the chat template, if it brings any, are taken apart by blanks."""
        text = plain(prompt.strip())
        if self._llama.tokens(text) == self._llama.tokens(text, special=True):
            return text
        apart = _MARK.sub(" ", text)
        if self._llama.tokens(apart) != self._llama.tokens(apart, special=True):
            raise ModelError(f"{self._name}: the prompt holds marks of its chat template")
        return apart
