"""Which language models there are, and making one from a spec. Nothing of a model is imported before one is asked for."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

from grainline.errors import NotFoundError, UsageError
from grainline.models.images import sighted
from grainline.models.spec import Spec, parse
from grainline.models.thinking import thought
from grainline.types import LLM

VARIABLE = "GRAINLINE_LLM"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of language model: how it is written, what it is, its options, the package that it runs on and the extra that brings it."""

    written: str
    about: str
    options: tuple[str, ...]
    package: str
    extra: str


_OPTIONS = ("timeout", "schema", "images", "think")
KINDS = {
    "gguf": Kind(
        "gguf:FILE", "a model on this machine, run by llama.cpp", ("context", "threads", "gpu", "mmproj"), "xllamacpp", "gguf"
    ),
    "openai": Kind("openai:MODEL", "a model of OpenAI, or of $OPENAI_BASE_URL", _OPTIONS, "openai", "openai"),
    "https": Kind("https://HOST/v1#MODEL", "any endpoint that speaks OpenAI's /chat/completions", _OPTIONS, "openai", "openai"),
    "http": Kind(
        "http://HOST/v1#MODEL",
        "the same without encryption: on this machine, or a net of your own",
        _OPTIONS,
        "openai",
        "openai",
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
        raise NotFoundError(
            f"no language model {parsed.kind!r}; there are: {', '.join(kind.written for kind in KINDS.values())}"
        )
    kind = KINDS[parsed.kind]
    if not parsed.target:
        raise UsageError(f"{parsed.kind}: write it as {kind.written}")
    if unknown := [name for name in parsed.options if name not in kind.options]:
        raise UsageError(f"{parsed.kind}: no option {unknown[0]!r}; it takes {', '.join(kind.options)}")
    return _gguf(parsed) if parsed.kind == "gguf" else _endpoint(parsed)


def available() -> dict[str, str]:
    """One line about each kind by how it is written, with whether what it needs is installed."""
    lines = {}
    for kind in KINDS.values():
        missing = find_spec(kind.package) is None
        state = f"needs {kind.package}: pip install 'grainline[{kind.extra}]'" if missing else "ready"
        lines[kind.written] = f"{kind.about} [{state}]"
    return lines


@lru_cache(maxsize=1)
def shared(spec: str) -> LLM:
    """The model of a spec, made once for all who ask in this process. Raises as `make`."""
    return make(spec)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model, or the spec of one that is made when it is first asked for."""

    given: str | LLM

    def __call__(self) -> LLM:
        """The model. Raises as `make`."""
        return shared(self.given) if isinstance(self.given, str) else self.given


def chosen(given: str | LLM | None) -> Callable[[], LLM] | None:
    """What gives the model: the given one, else that of `$GRAINLINE_LLM`; None where nobody names one.

    A library has no say in it: it may come from a stranger, and what is sent to a model is the user's own text.
    """
    named = given or os.environ.get(VARIABLE, "")
    return Chosen(named) if named else None


def reads_images(choice: Callable[[], LLM] | None) -> bool:
    """Whether what gives a model gives one that reads pictures. That of a spec is not made for it: the spec says, by `?images=1` or
    a projector. Raises `UsageError` for a spec that cannot be meant."""
    given = _given(choice)
    if not isinstance(given, str):
        return sighted(given) is not None
    spec, known = _known(given)
    return ("images" in known and spec.flag("images")) or ("mmproj" in known and "mmproj" in spec.options)


def thinks(choice: Callable[[], LLM] | None) -> int:
    """How many tokens a model may write before its answer, as `reads_images` knows it."""
    given = _given(choice)
    if not isinstance(given, str):
        return thought(given)
    spec, known = _known(given)
    return spec.count("think", 0) if "think" in known else 0


def _given(choice: Callable[[], LLM] | None) -> str | LLM:
    return choice.given if isinstance(choice, Chosen) else choice() if choice else ""


def _known(given: str) -> tuple[Spec, tuple[str, ...]]:
    """A spec, and the options that its kind has."""
    spec = parse(given)
    return spec, KINDS[spec.kind].options if spec.kind in KINDS else ()


def _gguf(spec: Spec) -> LLM:
    from grainline.models.gguf_llm import GgufLLM

    return GgufLLM(spec)


def _endpoint(spec: Spec) -> LLM:
    from grainline.models.endpoint_llm import from_spec

    return from_spec(spec)
