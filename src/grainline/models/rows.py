"""From tokens to rows of unit length: which texts go through a model together, and in which thread."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import ModelError

Floats = NDArray[np.float32]
#: (texts, tokens) of token ids, all texts of one length, to (texts, dimension)
Encode = Callable[[NDArray[np.int64]], Floats]
#: a piece of text of so many characters is more than a token, in any language, so what is behind is never looked at
CHARACTERS_PER_TOKEN = 32


def cut(text: str, max_tokens: int) -> str:
    """The part of a text that can matter to a model of `max_tokens`; what is no Unicode (lone surrogates) becomes "?"."""
    text = text[: max_tokens * CHARACTERS_PER_TOKEN]
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def threads_here() -> int:
    """The processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def encode_rows(ids: Sequence[Sequence[int]], encode: Encode, dimension: int, threads: int, together: int) -> Floats:
    """One row of `dimension` for each sequence of token ids, made by `encode` from sequences of one length.

    At most `together` tokens go in one call, or one sequence. Nothing is padded, so a model whose rows do not depend on the batch
    gives the same bits whatever a text is embedded with. With `threads`, calls run beside each other.
    """
    rows = np.empty((len(ids), dimension), np.float32)

    def fill(group: list[int]) -> None:
        """Encode the sequences of one group."""
        rows[group] = encode(np.array([ids[index] for index in group], np.int64))

    groups = _groups(ids, together)
    if threads == 1 or len(groups) == 1:
        for group in groups:
            fill(group)
    elif groups:
        with ThreadPoolExecutor(min(threads, len(groups))) as pool:
            for done in [pool.submit(fill, group) for group in groups]:
                done.result()
    return rows


def _groups(ids: Sequence[Sequence[int]], together: int) -> list[list[int]]:
    """Indices of sequences of one length, the longest first, so that no thread is left with a long one at the end."""
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, sequence in enumerate(ids):
        by_length[len(sequence)].append(index)
    groups = []
    for length in sorted(by_length, reverse=True):
        indices, size = by_length[length], max(1, together // max(1, length))
        groups += [indices[start : start + size] for start in range(0, len(indices), size)]
    return groups


def unit_rows(rows: NDArray[Any], model: str) -> Floats:
    """The rows at length 1; raises `ModelError` naming `model` where one has no direction: nothing but noughts, or no number."""
    wide = np.asarray(rows, np.float64)
    peaks = np.abs(wide).max(axis=-1, keepdims=True, initial=0.0)
    if not np.isfinite(peaks).all() or not peaks.all():
        raise ModelError(f"{model} gave a vector that points nowhere (noughts, infinite or no numbers)")
    wide = wide / peaks
    unit: Floats = (wide / np.linalg.norm(wide, axis=-1, keepdims=True)).astype(np.float32)
    return unit
