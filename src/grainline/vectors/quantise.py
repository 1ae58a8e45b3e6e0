"""Vectors in fewer bytes: int8 (a quarter), sign bits (a thirty-second), and the first dimensions only; with what each one loses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from grainline.errors import UsageError
from grainline.vectors.distance import check_finite, directions, rows_of

Matrix = NDArray[np.float32]
LEVELS = 127
#: no dimension is taken for narrower than this share of the widest: one odd value there would cost the others their digits
NARROWEST = 1 / 8
#: values beyond this are refused: their squares and sums would leave float32
LARGEST = 1e15
AT_ONCE = 4096
WORD = 64  #: sign bits in a word


@dataclass(frozen=True, slots=True)
class Int8:
    """A vector as one signed byte a dimension and one scale: x is about centre + spread * scale * code.

    `centre` and `spread` (one number a dimension, the widest 1) belong to a set of vectors, `scale` to each vector, so no value is
    ever clipped. The error of dimension d is at most scale * spread[d] / 2, apart from float32's own rounding; see `bound`.
    """

    centre: Matrix
    spread: Matrix

    @classmethod
    def plain(cls, dimension: int) -> Int8:
        """For vectors of which nothing is known: centre 0, spread 1; the error is at most max|x| / 254 a dimension."""
        return cls(np.zeros(dimension, np.float32), np.ones(dimension, np.float32))

    @classmethod
    def fit(cls, sample: ArrayLike) -> Int8:
        """Centre and spread (mean and standard deviation) of a sample. Encoders put all texts into one corner of their space: without
        the common mean, and with each dimension at its own width, the same byte is several times finer."""
        matrix = rows_of(sample, "sample")
        check_small(matrix, "sample")
        exact = matrix.astype(np.float64)
        deviation = exact.std(axis=0)
        widest = deviation.max()
        spread = np.maximum(deviation / widest, NARROWEST) if widest else np.ones(len(deviation))
        return cls(exact.mean(axis=0).astype(np.float32), spread.astype(np.float32))

    def encode(self, matrix: ArrayLike) -> tuple[NDArray[np.int8], Matrix]:
        """Codes (n, d) and scales (n,). Raises `UsageError` for NaN, infinity and values beyond `LARGEST`."""
        rows = rows_of(matrix, "vectors")
        codes = np.empty(rows.shape, np.int8)
        scales = np.empty(len(rows), np.float32)
        for start in range(0, len(rows), AT_ONCE):
            block = slice(start, start + AT_ONCE)
            check_small(rows[block], "vectors", start)
            shifted = (rows[block].astype(np.float64) - self.centre) / self.spread
            scale = (np.abs(shifted).max(axis=1) / LEVELS).astype(np.float32)
            scales[block] = scale
            exact = np.where(scale > 0, scale, 1).astype(np.float64)[:, None]
            codes[block] = np.clip(np.rint(shifted / exact), -LEVELS, LEVELS)
        return codes, scales

    def decode(self, codes: NDArray[np.int8], scales: Matrix) -> Matrix:
        """The vectors that the codes stand for."""
        rows = codes.astype(np.float32)
        rows *= scales[:, None]
        rows *= self.spread
        rows += self.centre
        return rows

    def bound(self, scales: Matrix) -> NDArray[np.float64]:
        """For each vector the most that its Euclidean distance to the decoded one can be (half a step in every dimension)."""
        steps = scales.astype(np.float64) * float(np.linalg.norm(self.spread.astype(np.float64)))
        rounding = 2.0**-22 * (LEVELS * steps + float(np.linalg.norm(self.centre.astype(np.float64))))
        smallest = float(np.finfo(np.float32).tiny) * LEVELS * len(self.spread)
        bound: NDArray[np.float64] = steps / 2 + rounding + smallest
        return bound


def check_small(matrix: NDArray[Any], what: str, start: int = 0) -> None:
    """Raise `UsageError` naming the first row that holds NaN, infinity or a value beyond `LARGEST`."""
    check_finite(matrix, what, start)
    good = (np.abs(matrix) <= LARGEST).all(axis=1)
    if not good.all():
        row = start + int(np.argmin(good))
        raise UsageError(f"{what}: row {row} holds a value beyond {LARGEST:g}; divide all vectors by one number first")


def signs(matrix: ArrayLike, centre: ArrayLike = 0.0) -> NDArray[np.uint64]:
    """One bit a dimension: whether the value is above `centre`; (n, words), 64 to a word, the rest of the last one 0.

    What is lost has no bound: sizes are gone. The share of bits in which two codes differ follows the angle between the vectors
    (exactly so, on average, where directions are random: angle / pi).
    """
    rows = rows_of(matrix, "vectors")
    words = -(-rows.shape[1] // WORD)
    packed = np.zeros((len(rows), words * 8), np.uint8)
    for start in range(0, len(rows), AT_ONCE):
        block = rows[start : start + AT_ONCE]
        check_finite(block, "vectors", start)
        bits = np.packbits(block > centre, axis=1, bitorder="little")
        packed[start : start + AT_ONCE, : bits.shape[1]] = bits
    return packed.view("<u8").astype(np.uint64, copy=False)


def hamming(code: NDArray[np.uint64], codes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """In how many bits each of `codes` differs from `code`."""
    differing: NDArray[np.int64] = popcount(codes ^ code).sum(axis=1, dtype=np.int64)
    return differing


def count_bits(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """What `numpy.bitwise_count` does, by a table of 16-bit halves."""
    halves = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    counts: NDArray[np.uint8] = _BITS[halves].sum(axis=-1, dtype=np.uint8)
    return counts


_BITS = np.unpackbits(np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(-1, 2), axis=1).sum(axis=1, dtype=np.uint8)
#: bits set in each word of an array
popcount = getattr(np, "bitwise_count", count_bits)  # numpy 1 has none


def truncate(matrix: ArrayLike, dimension: int) -> Matrix:
    """The first `dimension` values of each row, brought back to length 1: for models trained so that these carry the most
    (matryoshka); for others measure it first.

    With u and v of length 1, and u' and v' their parts that are cut off, the dot product before renormalising changes by at most
    |u'| |v'|. Raises `UsageError` if a row has nothing but zeros left.
    """
    rows = rows_of(matrix, "vectors")
    if not 1 <= dimension <= rows.shape[1]:
        raise UsageError(f"vectors of {rows.shape[1]} dimensions can be cut to 1 to {rows.shape[1]}, not to {dimension}")
    return directions(rows[:, :dimension], "vectors").astype(np.float32)
