"""A language model (GGUF) that writes, run by llama.cpp in this process: always the likeliest token, so a prompt gives one text.

What was read for the prompt before is not read again where both begin alike. Sums of floats depend on how many tokens go through the model
together, so that alone would let an answer depend on what was asked before; here only whole blocks of tokens that went through together are
used again, which leaves probabilities as they are to the last bit (see LOG.md).

A model is loaded when it is first asked, so that nobody waits for it whose question it answered before.

Two kinds of prompts that take turns, as an answer and a look back on it do, each keep their beginning: what one has read is set aside
while the other is answered.

What was read can be kept in a file and taken up again, whole blocks of it, too: the state of a transformer (keys and values of each token)
or of a recurrent model, which cannot forget the last of what it has read and so has to be kept where it is to go on from.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from grainline.errors import ModelError, NotFoundError
from grainline.models.completion import parsed
from grainline.models.digests import digest
from grainline.models.gguf_images import GgufEyes
from grainline.models.images import Image
from grainline.models.llama import Llama, library, likeliest, plain
from grainline.models.odds import TOLD, likeliest_first
from grainline.models.rows import threads_here
from grainline.models.spec import Spec
from grainline.types import Completion

CONTEXT = 8192  #: tokens of prompt and answer together
BLOCK = 128  #: tokens that go through the model together
ASIDE = 2_048  #: tokens of a state that is set aside, at most
SEAM = 8  #: the last tokens of a text, which may be others where something stands behind it
#: stands in the chat template for what is asked
_PLACE = "THE-PROMPT-STANDS-HERE"


class GgufLLM:
    """A model over a GGUF file, asked in its own chat template. Marks of that template inside a prompt are read as plain text."""

    def __init__(self, spec: Spec) -> None:
        """Options: context (tokens), threads, gpu (layers on it), mmproj (the file of a projector: with it the model reads pictures, too,
        and loads what it needs for that when it is shown the first one).

        Raises `NotFoundError`, `MissingExtraError`, `UsageError`, and `ModelError` for what is no GGUF file. Where llama.cpp refuses the
        file in the end, all that asks the model raises `ModelError`.
        """
        file, threads = Path(spec.target).expanduser(), spec.count("threads", threads_here())
        version = library(file).__version__
        projector = Path(spec.options["mmproj"]).expanduser() if "mmproj" in spec.options else None
        if projector and not projector.is_file():
            raise NotFoundError(f"no such file: {projector}")
        self.context, layers = spec.count("context", CONTEXT), spec.count("gpu", 0)
        self._name = str(file)
        self._lock = threading.RLock()

        def configure(params: Any, _: Any) -> None:
            """Set what the context is made with."""
            params.n_batch = params.n_ubatch = BLOCK
            params.n_gpu_layers = layers
            params.cache_ram_mib = 0
            params.n_ctx_checkpoints = 0  # they would cut blocks of tokens short near the end of a prompt

        self._load = lru_cache(lambda: Llama(file, self.context, threads, configure))
        weights = f"gguf/{digest(file)[:16]}"
        self.identity = f"{weights}+{digest(projector)[:16]}" if projector else weights
        #: with the version of the library: states of another one may be others
        self.state_identity = f"{weights} llama.cpp/{version} gpu={layers} block={BLOCK}"
        self.reads_images = projector is not None
        self._eyes = lru_cache(lambda: GgufEyes(file, projector, self.context, threads, layers)) if projector else None
        self._held: list[int] = []
        self._forgets = True
        folder = tempfile.mkdtemp(prefix="grainline-gguf-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        #: where a state was set aside, what it has read, and where the next one goes
        self._aside, self._aside_held, self._free = Path(folder, "one"), list[int](), Path(folder, "other")

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
        heard: Callable[[str], None] | None = None,
    ) -> Completion:
        """The likeliest answer, token by token. Raises `ModelError` for a prompt beyond the context, and for an answer of a schema that was
        not finished within `max_tokens`."""
        tokens = self._tokens(prompt)
        room = self._room(tokens)
        answer = self._answered(tokens, {**likeliest(min(max_tokens, room), schema), "stop": list(stop)}, heard)
        if schema is not None:
            parsed(answer["content"], schema)
        return Completion(answer["content"], len(tokens), int(answer["tokens_predicted"]))

    def first(self, prompt: str) -> Completion:
        """See `odds.TellsOdds`. Raises `ModelError`."""
        tokens = self._tokens(prompt)
        self._room(tokens)
        answer = self._answered(tokens, {**likeliest(1, None), "n_probs": TOLD})
        try:
            told = likeliest_first(answer["completion_probabilities"][0]["top_logprobs"])
        except (KeyError, IndexError, TypeError, ValueError):
            raise ModelError(f"{self._name} does not tell how likely its words are") from None
        return Completion(told, len(tokens), 1)

    def _room(self, tokens: Sequence[int]) -> int:
        """The tokens that an answer to a prompt may have; raises `ModelError` where there is none."""
        if (room := self.context - len(tokens)) < 1:
            raise ModelError(f"the prompt has {len(tokens):,} tokens; {self._name} was given a context of {self.context:,}")
        return room

    def _answered(self, tokens: list[int], wanted: Mapping[str, Any], heard: Callable[[str], None] | None = None) -> Any:
        """What the server says of a prompt, going on from what was read before where both begin alike."""
        with self._lock:
            self._turn(tokens)
            again = self._kept(tokens)
            answer = self._written({"prompt": tokens, "cache_prompt": again, **wanted}, heard)
            self._held = tokens
        return answer

    @property
    def _llama(self) -> Llama:
        """What runs the model, loaded when it is first needed. Raises `ModelError` where llama.cpp refuses the file."""
        with self._lock:
            return self._load()

    def _written(self, body: dict[str, Any], heard: Callable[[str], None] | None) -> Any:
        """What the model writes, heard as it does."""
        if heard is None:
            return self._llama.post("/completion", body)
        pieces, last = [], {}
        with closing(self._llama.stream("/completion", body)) as values:
            for last in values:
                if last["content"]:
                    pieces.append(last["content"])
                    heard(pieces[-1])
        return {**last, "content": "".join(pieces)}

    def see(
        self, prompt: str, images: Sequence[Image], schema: Mapping[str, Any] | None = None, max_tokens: int = 512
    ) -> Completion:
        """As `complete`, of pictures that are shown with the prompt. Raises `ModelError`, also where it reads none."""
        if not self._eyes:
            raise ModelError(f"{self._name} reads no pictures without a projector (mmproj=FILE)")
        with self._lock:
            return self._eyes().see(prompt, images, schema, max_tokens)

    @property
    def is_fresh(self) -> bool:
        """Whether it has read nothing that it could go on from."""
        return not (self._held or self._aside_held)

    def size(self, prompt: str) -> int:
        """The tokens of a prompt with what the chat template puts around it."""
        return len(self._tokens(prompt))

    def begins(self, text: str) -> list[int]:
        """The whole blocks of tokens with which every prompt begins that begins with this text: what a state of it has read."""
        tokens = [*self._around[0], *self._llama.tokens(plain(text.lstrip()))]
        return tokens[: max(0, len(tokens) - SEAM) // BLOCK * BLOCK]

    def read(self, tokens: list[int], path: Path) -> None:
        """Read what `begins` gave, and write the model's state then to `path`. Raises `ModelError`; what was read is known all the same if
        only the file could not be written."""
        with self._lock:
            self._held = []
            self._llama.post("/completion", {"prompt": tokens, "n_predict": 0, "cache_prompt": False})
            self._held = tokens
            if (kept := self._llama.save(path)) != len(tokens):
                raise ModelError(f"{self._name}: the state of {len(tokens):,} tokens was kept as one of {kept:,}")

    def resume(self, tokens: list[int], path: Path) -> None:
        """Know what `begins` gave from the state that `read` wrote to `path`, which must be as it was written: llama.cpp trusts it, and
        ends the process at many a damaged one. Raises `ModelError`; then nothing is known."""
        with self._lock:
            if self._held[: len(tokens)] == tokens and (self._forgets or len(self._held) == len(tokens)):
                return
            self._held = []
            if (known := self._llama.load(path)) != len(tokens):
                raise ModelError(f"{self._name}: the state is one of {known:,} tokens, not of {len(tokens):,}")
            self._held = tokens

    def _turn(self, tokens: list[int]) -> None:
        """Set aside what is held where the next prompt begins otherwise, and take up what was set aside if it goes on from that."""
        if not self._forgets or _alike(self._held, tokens) >= BLOCK:
            return
        takes = _alike(self._aside_held, tokens) >= BLOCK
        # of what begins alike a state was set aside before, and what hardly fills a block is soon read again
        keeps = 2 * BLOCK <= len(self._held) <= ASIDE and _alike(self._held, self._aside_held) < BLOCK
        try:
            if keeps:
                self._llama.save(self._free)
            held = self._held
            if takes:
                self._held = []
                self._llama.load(self._aside)
                self._held = self._aside_held
        except ModelError:
            return  # the disk may be full: it is read again
        if keeps:
            self._aside, self._free, self._aside_held = self._free, self._aside, held

    def _kept(self, tokens: list[int]) -> bool:
        """Let the model forget all that it holds but the whole blocks with which these tokens begin; False if there is none."""
        held, self._held = self._held, []
        whole = min(_alike(held, tokens), len(tokens) - 1) // BLOCK * BLOCK
        if not whole or whole == len(held):
            return whole > 0
        if self._forgets:
            other = next(token for token in [*chain(*self._around), 0, 1] if token != tokens[whole])
            asked = {"prompt": [*tokens[:whole], other], "n_predict": 0, "cache_prompt": True}
            self._forgets = self._llama.post("/completion", asked)["timings"]["cache_n"] >= whole
        return self._forgets

    def _tokens(self, prompt: str) -> list[int]:
        before, behind = self._around
        return [*before, *self._llama.tokens(plain(prompt.strip())), *behind]

    @cached_property
    def _around(self) -> tuple[list[int], list[int]]:
        """The tokens that the model's chat template puts before and behind what is asked."""
        body = {"messages": [{"role": "user", "content": _PLACE}], "chat_template_kwargs": {"enable_thinking": False}}
        written = str(self._llama.post("/apply-template", body)["prompt"])
        before, found, behind = written.partition(_PLACE)
        if not found or _PLACE in behind:
            raise ModelError(f"{self._name}: its chat template does not hold what is asked once: {written[:200]!r}")
        return self._llama.tokens(before, begins=True, special=True), self._llama.tokens(behind, special=True)


def _alike(held: Sequence[int], tokens: Sequence[int]) -> int:
    """With how many tokens both begin."""
    pairs = enumerate(zip(held, tokens, strict=False))
    return next((at for at, (old, new) in pairs if old != new), min(len(held), len(tokens)))
