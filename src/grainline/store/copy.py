"""A copy of a library as it is at one moment, to try on it what is not to be done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from grainline.store.database import FILE_NAME, connect, translated


def copy(folder: Path, target: Path) -> None:
    """Put a copy of the library in `folder` into the folder `target`; what is derived from it or kept beside it stays behind.

    Nobody waits for it, and it waits for nobody. Raises `NotFoundError`, `DamagedError`, `StorageError`.
    """
    with (
        closing(connect(folder)) as source,
        translated(target / FILE_NAME),
        closing(sqlite3.connect(target / FILE_NAME)) as made,
    ):
        source.backup(made)
