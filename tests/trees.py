"""Small trees of files for tests, and what is found in them."""

from __future__ import annotations

from pathlib import Path

from grainline.readers.files import Found, Skipped, find
from grainline.types import Limits

LIMITS = Limits()


def make(folder: Path, *names: str, **texts: str) -> None:
    for name, text in {**dict.fromkeys(names, "text"), **texts}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def rules(folder: Path, *lines: str, name: str = ".gitignore") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def names(root: Path, **options: bool) -> list[str]:
    """What is found, and that nothing is skipped."""
    items = list(find(root, limits=LIMITS, **options))
    assert [item for item in items if isinstance(item, Skipped)] == []
    return [item.relative for item in items]


def skipped(root: Path, limits: Limits = LIMITS, **options: bool) -> dict[str, str]:
    return {item.relative: item.reason for item in find(root, limits=limits, **options) if isinstance(item, Skipped)}


def found(root: Path, **options: bool) -> list[Found]:
    return [item for item in find(root, limits=LIMITS, **options) if isinstance(item, Found)]
