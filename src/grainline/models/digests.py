"""Digests of large files, kept for a user: a model of gigabytes is read for its identity once, and not each time a process begins."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from grainline.models.cache import cache_folder, sha256

#: inside the cache folder: a file for each digest, by what a file is known by
FOLDER = "digests"
#: a file that was written so many nanoseconds ago may be written again, and its time be no other
SETTLED = 2_000_000_000
_DIGEST = re.compile(r"[0-9a-f]{64}")


def digest(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal: the one that was kept, as long as its place, size and times are the same. Where the cache
    cannot be written none is kept. Raises `OSError` if the file cannot be read."""
    known_by, changed = _known_by(path)
    kept = cache_folder() / FOLDER / hashlib.sha256(known_by.encode("utf-8", "surrogateescape")).hexdigest()[:32]
    with suppress(OSError, ValueError):
        if _DIGEST.fullmatch(said := kept.read_text(encoding="ascii")):
            return said
    made = sha256(path)
    if time.time_ns() - changed > SETTLED and _known_by(path)[0] == known_by:
        _keep(made, kept)
    return made


def _known_by(path: Path) -> tuple[str, int]:
    """What a file is known by without being read, and when it was changed last."""
    status = path.stat()
    times = status.st_mtime_ns, status.st_ctime_ns
    return " ".join(map(str, (path.resolve(), status.st_dev, status.st_ino, status.st_size, *times))), max(times)


def _keep(said: str, place: Path) -> None:
    """Write a digest, whole or not at all; that the cache cannot be written is no reason that anything fails."""
    fresh = None
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(".tmp", dir=place.parent)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(said)
        Path(fresh).replace(place)
    except OSError:
        if fresh:
            with suppress(OSError):
                Path(fresh).unlink()
