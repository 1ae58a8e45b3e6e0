"""Digests of large files: read once, and again as soon as the file may be another."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import grainline.models.digests as digests
from grainline.models.digests import FOLDER, SETTLED, digest

OLD = 1_700_000_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / FOLDER


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was written long ago."""
    path = tmp_path / "model.gguf"
    path.write_bytes(b"owls")
    os.utime(path, (OLD, OLD))
    later = digests.time.time_ns() + 2 * SETTLED
    monkeypatch.setattr(digests.time, "time_ns", lambda: later)
    return path


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read."""
    found: list[Path] = []
    sha256: Callable[[Path], str] = digests.sha256
    monkeypatch.setattr(digests, "sha256", lambda path: found.append(path) or sha256(path))
    return found


def of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_a_file_is_read_once(cache: Path, file: Path, read: list[Path]) -> None:
    assert [digest(file), digest(file)] == [of(b"owls")] * 2
    assert read == [file]
    assert [path.read_text(encoding="ascii") for path in cache.iterdir()] == [of(b"owls")]


def test_another_file_is_read_again(cache: Path, file: Path, read: list[Path]) -> None:
    digest(file)
    file.write_bytes(b"bats")  # as long as before, and the time put back: the change of the entry itself tells
    os.utime(file, (OLD, OLD))
    assert digest(file) == of(b"bats") and len(read) == 2


def test_what_was_written_a_moment_ago_is_not_kept(cache: Path, tmp_path: Path, read: list[Path]) -> None:
    path = tmp_path / "fresh.gguf"
    path.write_bytes(b"owls")
    assert [digest(path), digest(path)] == [of(b"owls")] * 2
    assert len(read) == 2 and not cache.exists()


def test_a_damaged_digest_is_made_anew(cache: Path, file: Path, read: list[Path]) -> None:
    digest(file)
    (kept,) = cache.iterdir()
    for damaged in (b"", b"\xff\xfe", b"owls" * 16):
        kept.write_bytes(damaged)
        assert digest(file) == of(b"owls")
    assert len(read) == 4 and kept.read_text(encoding="ascii") == of(b"owls")


def test_without_a_cache_that_can_be_written(
    tmp_path: Path, file: Path, read: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no folder").write_bytes(b"")
    monkeypatch.setenv("GRAINLINE_CACHE", str(tmp_path / "no folder"))
    assert [digest(file), digest(file)] == [of(b"owls")] * 2 and len(read) == 2


def test_a_file_that_is_not_there(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        digest(tmp_path / "nowhere.gguf")
