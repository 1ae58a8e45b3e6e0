"""Folders of files that are made once for a user and kept: whole or not there at all, and checked by hash each time they are used."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from grainline.errors import BusyError, StorageError

MANIFEST = "manifest.json"
WAIT_SECONDS = 300.0  #: for another process that makes the same folder, which takes seconds


def cache_folder() -> Path:
    """Where made files are kept: `$GRAINLINE_CACHE`, else `grainline` in the cache folder of the platform."""
    if chosen := os.environ.get("GRAINLINE_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "grainline" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "grainline"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "grainline"


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache, filled by `make` when it is missing or when a file of it is not what was written.

    Two processes may ask at once: one makes, the other waits. Raises `StorageError` where the cache cannot be written,
    `BusyError` where another process has been making it for five minutes, and what `make` raises.
    """
    root = cache_folder()
    folder = root / name
    if is_sound(folder):
        return folder
    with _storage_errors(root):
        root.mkdir(parents=True, exist_ok=True)
    with _only_maker(root / f"{name}.lock"), _storage_errors(root):
        if not is_sound(folder):
            _replace(folder, make)
    return folder


def is_sound(folder: Path) -> bool:
    """Whether the folder holds each file of its manifest as it was written."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return bool(manifest) and all(sha256(folder / name) == digest for name, digest in manifest.items())
    except (OSError, ValueError, AttributeError):
        return False


def sha256(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal; raises `OSError`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(folder: Path, make: Callable[[Path], None]) -> None:
    for abandoned in folder.parent.glob(f"{folder.name}.*.tmp"):  # of makers that died: nobody else is one now
        shutil.rmtree(abandoned, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        make(made)
        manifest = {path.name: sha256(path) for path in sorted(made.iterdir())}
        (made / MANIFEST).write_text(json.dumps(manifest, indent=1), encoding="utf-8")
        for path in made.iterdir():
            _sync(path)
        _sync(made)
        if folder.exists():
            folder.rename(folder.with_name(f"{folder.name}.damaged.tmp"))
        made.rename(folder)
        _sync(folder.parent)
    finally:
        for left in folder.parent.glob(f"{folder.name}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)


def _sync(path: Path) -> None:
    if path.is_dir() and sys.platform == "win32":  # a folder cannot be opened there
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _only_maker(path: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=WAIT_SECONDS)
    except Timeout:
        raise BusyError(f"another process has been holding {path} for {WAIT_SECONDS:.0f} s; end it, or try again") from None
    except (OSError, NotImplementedError) as error:
        raise StorageError(f"cannot lock {path}: {getattr(error, 'strerror', None) or error}") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _storage_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write the cache at {root}: {reason}; GRAINLINE_CACHE names another folder") from error
