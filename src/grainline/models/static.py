"""Static embeddings as model2vec writes them: a table of word vectors, whose mean over a text's words is its vector."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.errors import MissingExtraError, ModelError, NotFoundError
from grainline.models.rows import cut, unit_rows
from grainline.types import Side

#: the kinds of numbers of a safetensors file that a table may be kept in
KINDS = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1"}
MAX_TOKENS = 512


class StaticEmbedder:
    """An embedder over a folder with model.safetensors and tokenizer.json.

    Words that the table does not know are left out. A text without any word that it knows points as far from one axis as from
    another, which is near nothing in particular.
    """

    max_tokens = MAX_TOKENS

    def __init__(self, folder: Path) -> None:
        """Raises `NotFoundError` for a missing file, `ModelError` for one that is not what it should be, `MissingExtraError`."""
        try:
            from tokenizers import Tokenizer
        except ImportError:
            raise MissingExtraError("tokenizers", "static") from None
        table, words = folder / "model.safetensors", folder / "tokenizer.json"
        if missing := [path.name for path in (table, words) if not path.is_file()]:
            raise NotFoundError(f"{folder} is no static embedding: it lacks {', '.join(missing)}")
        try:
            self._tokenizer = Tokenizer.from_file(str(words))
        except Exception as error:  # it raises nothing more special
            raise ModelError(f"cannot read {words}: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        model = json.loads(self._tokenizer.to_str())["model"]
        unknown = model.get("unk_token")
        self._unknown = model.get("unk_id") if unknown is None else self._tokenizer.token_to_id(unknown)
        tensors = read_tensors(table)
        self._check(tensors, table)
        self._name = str(folder)
        digest = hashlib.sha256(table.read_bytes() + words.read_bytes()).hexdigest()[:16]
        self.identity = f"static/{digest}"
        self.dimension = int(self._table.shape[1])

    def _check(self, tensors: dict[str, NDArray[Any]], path: Path) -> None:
        """Newer tables share rows between words (`mapping`) and weigh words by their own number (`weights`)."""
        table = tensors.get("embeddings")
        if table is None or table.ndim != 2 or not table.size:
            raise ModelError(f"{path} holds no table called embeddings")
        size = self._tokenizer.get_vocab_size()
        mapping = tensors.get("mapping", np.arange(size))
        weights = tensors.get("weights", np.ones(size, np.float32))
        if mapping.shape != (size,) or weights.shape != (size,) or mapping.min() < 0 or mapping.max() >= len(table):
            raise ModelError(f"{path} does not fit its tokenizer of {size:,} words: the table has {len(table):,} rows")
        self._table, self._mapping, self._weights = table, mapping.astype(np.int64), weights.astype(np.float32)

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:  # noqa: ARG002
        """Unit rows, one a text; both sides are alike, and words beyond the 512th are left out."""
        rows = np.empty((len(texts), self.dimension), np.float32)
        encoded = self._tokenizer.encode_batch([cut(text, MAX_TOKENS) for text in texts], add_special_tokens=False)
        for index, encoding in enumerate(encoded):
            ids = np.array([word for word in encoding.ids if word != self._unknown][:MAX_TOKENS], np.int64)
            vectors = self._table[self._mapping[ids]].astype(np.float32)
            mean = (vectors * self._weights[ids, None]).sum(axis=0)
            rows[index] = mean if mean.any() else 1.0
        return unit_rows(rows, self._name)


def read_tensors(path: Path) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file by name, mapped from the disk; raises `ModelError` if it is damaged.

    The file is eight bytes with the length of a JSON object, the object ({name: {dtype, shape, data_offsets}}), and the numbers.
    """
    try:
        data = np.memmap(path, np.uint8, "r")
        size = int(data[:8].view("<u8")[0])
        header = json.loads(data[8 : 8 + size].tobytes())
        tensors = {}
        for name, entry in header.items():
            if name != "__metadata__" and entry["dtype"] in KINDS:
                start, end = entry["data_offsets"]
                numbers = data[8 + size + start : 8 + size + end].view(KINDS[entry["dtype"]])
                tensors[name] = numbers.reshape(entry["shape"])
        return tensors
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
