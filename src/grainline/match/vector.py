"""Cosines of a question with units of text that others propose: what was embedded before is read, the rest is embedded now.

Every vector is compared in the form in which it is kept, eight bits a dimension, so that a question answered from kept vectors gets the
same bits as the one for which they were made. A text is one or several units (see `keys.units`); its row holds the vectors of those
units that were ever wanted, each behind its place among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grainline.store.snapshot import Snapshot
from grainline.types import Embedder
from grainline.vectors.quantise import Int8

Floats = NDArray[np.float32]
Parts = dict[int, NDArray[np.int8]]
#: written into the number that vectors go by: another way to cut, word or keep units must not meet the old vectors
VERSION = 1
#: texts whose vectors are kept at hand between questions
KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a text: the hash of the text, its place among the text's units, and what it says."""

    text: int
    place: int
    said: str


def identity(embedder: Embedder) -> str:
    """What an embedder's vectors go by in a library."""
    return f"{embedder.identity}/{VERSION}"


class Vectors:
    """The vectors of one embedder over one state of a library; `embedded` counts the texts that it had to embed."""

    def __init__(self, snapshot: Snapshot, embedder: Embedder) -> None:
        self._snapshot = snapshot
        self._embedder = embedder
        self._identity = identity(embedder)
        self.embedded = 0

    def question(self, question: str) -> Floats:
        """The question as a vector."""
        self.embedded += 1
        vector: Floats = self._embedder.embed([question], "query")[0]
        return vector

    def cosines(self, question: Floats, units: Sequence[Unit], most: int) -> Floats:
        """The cosine of each unit with the question; NaN for those that would be embedded beyond the first `most`."""
        parts = self._held(units)
        self._embed(self._missing(units, parts)[:most], parts)
        cosines = np.full(len(units), np.nan, np.float32)
        rows = [parts.get(unit.text, {}).get(unit.place) for unit in units]
        known = [row is not None for row in rows]
        if any(known):
            codes = np.concatenate([row for row in rows if row is not None]).reshape(-1, self._embedder.dimension)
            cosines[known] = decode(codes) @ question
        return cosines

    def missing(self, units: Sequence[Unit]) -> list[Unit]:
        """Those of the units that have no vector yet, each once."""
        return self._missing(units, self._held(units))

    def fill(self, units: Sequence[Unit]) -> None:
        """Embed those of the units that have no vector yet."""
        parts = self._held(units)
        self._embed(self._missing(units, parts), parts)

    def _held(self, units: Sequence[Unit]) -> dict[int, Parts]:
        near: dict[int, Parts] = self._snapshot.keep(("vectors", self._identity), dict)
        texts = {unit.text: None for unit in units}
        if missing := [text for text in texts if text not in near]:
            if len(near) >= KEPT:
                near.clear()
                missing = list(texts)
            held = self._snapshot.vectors(self._identity, missing)
            near.update({text: unpack(data, self._embedder.dimension) for text, data in held.items()})
        return {text: near[text] for text in texts if text in near}

    @staticmethod
    def _missing(units: Sequence[Unit], parts: Mapping[int, Parts]) -> list[Unit]:
        return list({(unit.text, unit.place): unit for unit in units if unit.place not in parts.get(unit.text, {})}.values())

    def _embed(self, units: Sequence[Unit], parts: dict[int, Parts]) -> None:
        """Embed units, add them to the parts, and leave the rows of their texts to be kept."""
        if not units:
            return
        self.embedded += len(units)
        for unit, codes in zip(units, encode(self._embedder, [unit.said for unit in units]), strict=True):
            parts.setdefault(unit.text, {})[unit.place] = codes
        near: dict[int, Parts] = self._snapshot.keep(("vectors", self._identity), dict)
        near.update({unit.text: parts[unit.text] for unit in units})
        self._snapshot.fresh.setdefault(self._identity, {}).update({unit.text: pack(parts[unit.text]) for unit in units})


def encode(embedder: Embedder, texts: Sequence[str]) -> NDArray[np.int8]:
    """Passages as vectors in the form in which they are kept."""
    codes, _ = Int8.plain(embedder.dimension).encode(embedder.embed(texts, "passage"))
    return codes


def decode(codes: NDArray[np.int8]) -> Floats:
    """The unit vectors that kept ones stand for: only their directions count, so no scale is kept."""
    rows = codes.astype(np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(lengths > 0, lengths, 1)
    return rows


def pack(parts: Parts) -> bytes:
    """The vectors of a text's units by place, as one row."""
    return b"".join(bytes((place,)) + parts[place].tobytes() for place in sorted(parts))


def unpack(data: bytes, dimension: int) -> Parts:
    """The inverse of `pack`; nothing if the row cannot be of this dimension."""
    return {int(row[0]): row[1:] for row in unpack_rows(data, dimension)}


def unpack_rows(data: bytes, dimension: int) -> NDArray[np.int8]:
    """The vectors that `pack` put into a row in the order of their places, each behind its own; none if it cannot be of this dimension."""
    fits = len(data) % (dimension + 1) == 0
    return np.frombuffer(data if fits else b"", np.int8).reshape(-1, dimension + 1)
