"""Named arrays in one file: written under a temporary name, synced and renamed, and checked byte by byte when read.

Layout: MAGIC, length and CRC-32 of the head (two uint32), the head (JSON), zeros up to a multiple of `ALIGN`, then each array, raw and
little-endian, aligned. The head lists every array with its type, shape, offset and CRC-32. The check finds damage; it is no defence
against a forger.
"""

from __future__ import annotations

import json
import os
import struct
import tempfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from grainline.disk import sync_folder
from grainline.errors import DamagedError, NotFoundError, StorageError
from grainline.vectors.types import Arrays

NAME = "vectors.index"
MAGIC = b"GRLVEC\x00\x01"
HEAD = struct.Struct("<8sII")
FORMAT = 1
ALIGN = 64
TYPES = ("|i1", "|u1", "|b1", "<u2", "<u4", "<u8", "<i4", "<i8", "<f4", "<f8")


def write(folder: Path, meta: Mapping[str, Any], arrays: Arrays) -> None:
    """Put `meta` (plain JSON) and the arrays into the file of `folder`, which is there afterwards as it was before or as it should be,
    whatever happens in between. Raises `StorageError`."""
    entries, offset = [], 0
    little = {
        name: np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False) for name, array in arrays.items()
    }
    for name, array in little.items():
        entry = {
            "name": name,
            "type": array.dtype.str,
            "shape": array.shape,
            "offset": offset,
            "crc": zlib.crc32(_bytes(array)),
        }
        entries.append(entry)
        offset += -(-array.nbytes // ALIGN) * ALIGN
    head = json.dumps({"format": FORMAT, "meta": dict(meta), "arrays": entries}, ensure_ascii=False).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(f".{NAME}.*"):  # of a writer that died; there is one writer at a time
            left.unlink()
        number, temporary = tempfile.mkstemp(prefix=f".{NAME}.", dir=folder)
        try:
            with os.fdopen(number, "wb") as file:
                _put(file, HEAD.pack(MAGIC, len(head), zlib.crc32(head)) + head)
                for array in little.values():
                    _put(file, _bytes(array))
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(folder / NAME)
        except BaseException:
            with suppress(OSError):
                Path(temporary).unlink()
            raise
        sync_folder(folder)
    except OSError as error:
        raise StorageError(f"{folder / NAME}: {error.strerror or error}; what was there before is unchanged") from error


def _bytes(array: NDArray[Any]) -> memoryview:
    return array.reshape(-1).view(np.uint8).data


def _put(file: IO[bytes], data: bytes | memoryview) -> None:
    file.write(data)
    file.write(bytes(-len(data) % ALIGN))


def read(folder: Path) -> tuple[dict[str, Any], Arrays]:
    """What `write` put there. Raises `NotFoundError`, `DamagedError` (also for a format that this release does not know) and
    `StorageError`."""
    path = folder / NAME
    try:
        data = np.fromfile(path, np.uint8)
    except FileNotFoundError:
        raise NotFoundError(f"{folder}: no vector index here ({NAME})") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from error
    head = _head(path, data)
    start = -(-(HEAD.size + head["length"]) // ALIGN) * ALIGN
    arrays, end = {}, start
    for entry in head["arrays"]:
        kind, shape = np.dtype(entry["type"]), tuple(entry["shape"])
        first = start + entry["offset"]
        last = first + kind.itemsize * int(np.prod(shape, dtype=object))
        if entry["type"] not in TYPES or last > len(data) or zlib.crc32(_bytes(data[first:last])) != entry["crc"]:
            raise DamagedError(f"{path}: {entry['name']} is damaged; build the index again")
        arrays[entry["name"]] = data[first:last].view(kind).reshape(shape).astype(kind.newbyteorder("="), copy=False)
        end = -(-last // ALIGN) * ALIGN
    if end != len(data):
        raise DamagedError(f"{path}: it has {len(data):,} bytes, its head says {end:,}; build the index again")
    return head["meta"], arrays


def _head(path: Path, data: NDArray[Any]) -> dict[str, Any]:
    raw = data[: HEAD.size].tobytes()
    if len(raw) < HEAD.size or not raw.startswith(MAGIC):
        raise DamagedError(f"{path}: this is no vector index, or its first bytes are damaged; build the index again")
    _, length, crc = HEAD.unpack(raw)
    text = data[HEAD.size : HEAD.size + length].tobytes()
    if len(text) != length or zlib.crc32(text) != crc:
        raise DamagedError(f"{path}: its head is damaged; build the index again")
    head: dict[str, Any] = json.loads(text)
    if head.get("format") != FORMAT:
        raise DamagedError(f"{path}: format {head.get('format')}, this release reads {FORMAT}; build the index again")
    return {**head, "length": length}
