"""Which language models there are, and making one from a spec. Nothing of a model is imported before one is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache

from grainline.errors import NotFoundError, UsageError
from grainline.models.spec import Spec, parse
from grainline.types import LLM

VARIABLE = "GRAINLINE_LLM"
#: by how it is written: what it is, and its options
KINDS = {
    "gguf": ("gguf:FILE", "a model on this machine, run by llama.cpp", ("context", "threads", "gpu")),
    "openai": ("openai:MODEL", "a model of OpenAI, or of $OPENAI_BASE_URL", ("timeout", "schema")),
    "https": ("https://HOST/v1#MODEL", "any endpoint that speaks OpenAI's /chat/completions", ("timeout", "schema")),
    "http": (
        "http://HOST/v1#MODEL",
        "the same without encryption: on this machine, or a net of your own",
        ("timeout", "schema"),
    ),
}


def make(spec: str) -> LLM:
    """The model of a spec such as "gguf:model.gguf?context=4096" or "openai:gpt-4o-mini"; see `KINDS`.

    The key of an endpoint is read from GRAINLINE_API_KEY or OPENAI_API_KEY each time it is asked. Raises `NotFoundError` for an unknown
    kind or a file that is not there, `UsageError` for a spec that cannot be meant, `MissingExtraError`, and `ModelError` for a file that is
    no model.
    """
    parsed = parse(spec)
    if parsed.kind not in KINDS:
        raise NotFoundError(f"no language model {parsed.kind!r}; there are: {', '.join(kind[0] for kind in KINDS.values())}")
    written, _, options = KINDS[parsed.kind]
    if not parsed.target:
        raise UsageError(f"{parsed.kind}: write it as {written}")
    if unknown := [name for name in parsed.options if name not in options]:
        raise UsageError(f"{parsed.kind}: no option {unknown[0]!r}; it takes {', '.join(options)}")
    return _gguf(parsed) if parsed.kind == "gguf" else _endpoint(parsed)


@lru_cache(maxsize=1)
def shared(spec: str) -> LLM:
    """The model of a spec, made once for all who ask in this process. Raises as `make`."""
    return make(spec)


def chosen(given: str | LLM | None) -> Callable[[], LLM] | None:
    """What gives the model: the given one, else that of `$GRAINLINE_LLM`; None where nobody names one.

    A library has no say in it: it may come from a stranger, and what is sent to a model is the user's own text.
    """
    if given is not None and not isinstance(given, str):
        return lambda: given
    spec = given or os.environ.get(VARIABLE, "")
    return (lambda: shared(spec)) if spec else None


def _gguf(spec: Spec) -> LLM:
    from grainline.models.gguf_llm import GgufLLM

    return GgufLLM(spec)


def _endpoint(spec: Spec) -> LLM:
    from grainline.models.endpoint_llm import from_spec

    return from_spec(spec)
