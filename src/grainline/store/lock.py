"""The writer's lock: a file that the one process that may change a library holds; the system lets it go when that process dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grainline.disk import held

LOCK_NAME = "lock"


@contextmanager
def locked(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Be the only writer in `folder`, which must exist, for as long as the context lasts.

    Raises `BusyError` if another one still is after `wait_seconds`, `StorageError` if the lock cannot be had at all.
    """
    busy = f"another process is writing to {folder}; try again when it is done"
    with held(folder / LOCK_NAME, wait_seconds, busy):
        yield
