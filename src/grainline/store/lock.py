"""The writer's lock: a file that the one process that may change a library holds; the system lets it go when that process dies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grainline.errors import BusyError, StorageError

LOCK_NAME = "lock"


@contextmanager
def locked(folder: Path, wait_seconds: float = 0.0) -> Iterator[None]:
    """Be the only writer in `folder`, which must exist, for as long as the context lasts.

    Raises `BusyError` if another one still is after `wait_seconds`, `StorageError` if the lock cannot be had at all.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK_NAME)
    try:
        lock.acquire(timeout=wait_seconds)
    except Timeout:
        raise BusyError(f"another process is writing to {folder}; try again when it is done") from None
    except (OSError, NotImplementedError) as error:
        raise StorageError(f"cannot lock {folder}: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield
    finally:
        lock.release()
