"""A language model (GGUF) that writes, run by llama.cpp in this process: always the likeliest token, so a prompt gives one text.

What was read for the prompt before is not read again where both begin alike. Sums of floats depend on how many tokens go through the model
together, so that alone would let an answer depend on what was asked before; here only whole blocks of tokens that went through together are
used again, which leaves probabilities as they are to the last bit (see LOG.md).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grainline.errors import ModelError
from grainline.models.cache import sha256
from grainline.models.completion import parsed
from grainline.models.llama import Llama
from grainline.models.rows import threads_here
from grainline.models.spec import Spec
from grainline.types import Completion

CONTEXT = 8192  #: tokens of prompt and answer together
BLOCK = 128  #: tokens that go through the model together
#: stands in the chat template for what is asked
_PLACE = "THE-PROMPT-STANDS-HERE"


class GgufLLM:
    """A model over a GGUF file, asked in its own chat template. Marks of that template inside a prompt are read as plain text."""

    def __init__(self, spec: Spec) -> None:
        """Loads the model; options: context (tokens), threads, gpu (layers on it).

        Raises `NotFoundError`, `MissingExtraError`, `UsageError`, or `ModelError` where llama.cpp refuses the file.
        """
        file = Path(spec.target).expanduser()
        self.context, layers = spec.count("context", CONTEXT), spec.count("gpu", 0)
        self._name = str(file)
        self._lock = threading.Lock()

        def configure(params: Any, _: Any) -> None:
            """Set what the context is made with."""
            params.n_batch = params.n_ubatch = BLOCK
            params.n_gpu_layers = layers
            params.cache_ram_mib = 0

        self._llama = Llama(file, self.context, spec.count("threads", threads_here()), configure)
        self.identity = f"gguf/{sha256(file)[:16]}"
        self._before, self._behind = self._template()
        self._held: list[int] = []

    def complete(
        self, prompt: str, schema: Mapping[str, Any] | None = None, max_tokens: int = 512, stop: Sequence[str] = ()
    ) -> Completion:
        """The likeliest answer, token by token. Raises `ModelError` for a prompt beyond the context, and for an answer of a schema that was
        not finished within `max_tokens`."""
        plain = prompt.strip().encode(errors="replace").decode()
        tokens = [*self._before, *self._llama.tokens(plain), *self._behind]
        room = self.context - len(tokens)
        if room < 1:
            raise ModelError(f"the prompt has {len(tokens):,} tokens; {self._name} was given a context of {self.context:,}")
        wanted = {"n_predict": min(max_tokens, room), "temperature": 0, "top_k": 1, "seed": 1, "stop": list(stop)}
        if schema is not None:
            wanted["json_schema"] = dict(schema)
        with self._lock:
            again = self._kept(tokens)
            answer = self._llama.post("/completion", {"prompt": tokens, "cache_prompt": again, **wanted})
            self._held = tokens
        if schema is not None:
            parsed(answer["content"], schema)
        return Completion(answer["content"], len(tokens), int(answer["tokens_predicted"]))

    def _kept(self, tokens: list[int]) -> bool:
        """Let the model forget all that it holds but the whole blocks with which these tokens begin; False if there is none."""
        same = next((at for at, (old, new) in enumerate(zip(self._held, tokens, strict=False)) if old != new), None)
        shared = min(len(self._held), len(tokens)) if same is None else same
        whole = min(shared, len(tokens) - 1) // BLOCK * BLOCK
        self._held = []
        if whole:
            other = next(token for token in self._before + self._behind + [0, 1] if token != tokens[whole])
            self._llama.post("/completion", {"prompt": [*tokens[:whole], other], "n_predict": 0, "cache_prompt": True})
        return whole > 0

    def _template(self) -> tuple[list[int], list[int]]:
        """The tokens that the model's chat template puts before and behind what is asked."""
        body = {"messages": [{"role": "user", "content": _PLACE}], "chat_template_kwargs": {"enable_thinking": False}}
        written = str(self._llama.post("/apply-template", body)["prompt"])
        before, found, behind = written.partition(_PLACE)
        if not found or _PLACE in behind:
            raise ModelError(f"{self._name}: its chat template does not hold what is asked once: {written[:200]!r}")
        return self._llama.tokens(before, begins=True, special=True), self._llama.tokens(behind, special=True)
