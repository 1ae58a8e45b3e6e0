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

from grainline.disk import held, sync_file, sync_folder
from grainline.errors import StorageError

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
    lock = root / f"{name}.lock"
    busy = f"another process has been holding {lock} for {WAIT_SECONDS:.0f} s; end it, or try again"
    with held(lock, WAIT_SECONDS, busy), _storage_errors(root):
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
            sync_file(path)
        sync_folder(made)
        if folder.exists():
            folder.rename(folder.with_name(f"{folder.name}.damaged.tmp"))
        made.rename(folder)
        sync_folder(folder.parent)
    finally:
        for left in folder.parent.glob(f"{folder.name}.*.tmp"):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _storage_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise StorageError(f"cannot write the cache at {root}: {reason}; GRAINLINE_CACHE names another folder") from error
