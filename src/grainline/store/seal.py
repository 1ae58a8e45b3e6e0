"""Checks that go with stored values: a value that does not have the check it was written with is reported, never used."""

from __future__ import annotations

import zlib

from grainline.errors import DamagedError


def check(*fields: object) -> int:
    """CRC-32 over the fields and their borders. It finds every single damaged byte; it is no defence against a forger."""
    crc = 0
    for value in fields:
        data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
        crc = zlib.crc32(data, zlib.crc32(len(data).to_bytes(8, "little"), crc))
    return crc


def verify(what: str, stored: object, *fields: object) -> None:
    """Raise `DamagedError` naming `what` unless `stored` is the check of the fields."""
    if stored != check(*fields):
        raise DamagedError(f"{what} is damaged; run `grainline doctor`")
