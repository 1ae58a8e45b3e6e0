"""The original of a part: the picture that a Markdown file links, the one packed in a Word file, the place on a page of a PDF.

A document names its pictures, and whoever wrote it is not trusted: only pictures are handed out, only from the file itself or from the
folder that was added, never through a link that leads out of it, never a hidden file, and nothing is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from grainline.errors import NotFoundError, UnreadableError
from grainline.readers import ocr
from grainline.readers.archive import Archive
from grainline.readers.files import Found, read_bytes, reason_for
from grainline.types import Limits

#: what is handed out, by suffix
MEDIA = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".svg": "image/svg+xml",  #: may hold scripts: whoever shows it in a browser does so by <img>, never as a page
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".emf": "image/emf",
    ".wmf": "image/wmf",
}
PNG = "image/png"


def original(path: Path, meta: Mapping[str, Any], root: Path | None = None, limits: Limits | None = None) -> tuple[bytes, str]:
    """The bytes and the media type of what a part was read from: `path` is the document's file, `meta` that of the part or its node.

    `root` is the folder that was added, beyond which no link leads; None means the folder of the file. A part of a PDF is its box on its
    page as PNG, or the whole page. Raises `NotFoundError` where there is no picture to show, `UnreadableError` where it cannot be read,
    `LimitError` where it is too large.
    """
    limits = limits or Limits()
    if member := str(meta.get("member", "")):
        kind = _media(member)
        archive = Archive(_bytes(path, limits), limits)
        if member not in archive.names():
            raise NotFoundError(f"{path.name} holds no {member}")
        return archive.read(member), kind
    if path.suffix.lower() == ".pdf":
        page = str(meta.get("page", ""))
        if not page.isdecimal() or int(page) < 1:
            raise NotFoundError(f"{path.name}: the part does not say on which page it is")
        return ocr.render(_bytes(path, limits), int(page) - 1, _box(meta.get("box")), limits), PNG
    if src := str(meta.get("src", "")):
        return _linked(path, src, root or path.parent, limits)
    raise NotFoundError(f"{path.name}: the part has no original but its text")


def _linked(path: Path, src: str, root: Path, limits: Limits) -> tuple[bytes, str]:
    """The picture that a link leads to, inside `root`."""
    if src.startswith(("data:", "//")) or "://" in src[:20]:
        raise NotFoundError(f"{src[:200]} is not in the added folder, and nothing is fetched")
    link = unquote(src.partition("#")[0].partition("?")[0])
    kind = _media(link)
    if "\0" in link:
        raise NotFoundError("a link with a NUL character leads nowhere")
    asked = root / link.lstrip("/") if link.startswith("/") else path.parent / link
    try:
        top, place = Path(os.path.realpath(root, strict=True)), Path(os.path.realpath(asked, strict=True))
    except FileNotFoundError:
        raise NotFoundError(f"{src} is not there") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(reason_for(error)) from None
    if not place.is_relative_to(top):
        raise NotFoundError(f"{src} leads out of the added folder")
    if any(name.startswith(".") for name in place.relative_to(top).parts) or _media(place.name) != kind:
        raise NotFoundError(f"{src} is hidden, or not the picture that it is called")
    return _bytes(place, limits), kind


def _bytes(path: Path, limits: Limits) -> bytes:
    """The bytes of a file; raises `NotFoundError`, `LimitError`, `UnreadableError`."""
    try:
        place = Path(os.path.realpath(path, strict=True))
        info = place.stat()
    except FileNotFoundError:
        raise NotFoundError(f"{path} is not there any more") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(reason_for(error)) from None
    return read_bytes(Found(place, place.name, info.st_size, info.st_mtime_ns), limits)


def _media(name: str) -> str:
    """The media type of a picture by its name; raises `NotFoundError` for what is none."""
    if kind := MEDIA.get(PurePosixPath(name).suffix.lower()):
        return kind
    raise NotFoundError(f"{name} is no picture: {', '.join(MEDIA)} are")


def _box(given: Any) -> tuple[float, ...]:
    """Four numbers with some room around, or nothing."""
    if not isinstance(given, list | tuple) or len(given) != 4 or not all(isinstance(side, int | float) for side in given):
        return ()
    left, bottom, right, top = map(float, given)
    return left - 4, bottom - 4, right + 4, top + 4
