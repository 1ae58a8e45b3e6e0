"""What every room that writes needs of a disk: that one process at a time does it, and that what was written lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grainline.errors import BusyError, StorageError

POLL_SECONDS = 0.01


@contextmanager
def held(path: Path, wait_seconds: float, busy: str) -> Iterator[None]:
    """Hold the lock file `path` for as long as the context lasts; the system lets it go when its holder dies.

    Raises `BusyError` saying `busy` if another one still holds it after `wait_seconds`, `StorageError` if it cannot be had at all.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait_seconds, poll_interval=POLL_SECONDS)
    except Timeout:
        raise BusyError(busy) from None
    except (OSError, NotImplementedError) as error:
        raise StorageError(f"cannot lock {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield
    finally:
        lock.release()


def sync_file(path: Path) -> None:
    """Make the content of a file last; raises `OSError`."""
    import os

    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last; where folders cannot be opened (Windows) the system sees to it. Raises `StorageError`."""
    import os

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError as error:
        raise StorageError(f"cannot sync {folder}: {error.strerror}") from error
    finally:
        os.close(handle)
