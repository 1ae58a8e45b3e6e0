"""The original of a part: the picture that a Markdown file links, the one packed in a Word file, the place on a page of a PDF.

A document names its pictures, and whoever wrote it is not trusted: only pictures are handed out, only from the file itself or from the
folder that was added, never through a link that leads out of it, never a hidden file, and nothing is fetched.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
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
    return Originals(path, root, limits).of(meta)


class Originals:
    """The originals of the parts of one document, whose file is read once."""

    def __init__(self, path: Path, root: Path | None = None, limits: Limits | None = None) -> None:
        """As `original`; nothing is read before something is asked for."""
        self._path, self._root, self._limits = path, root or path.parent, limits or Limits()

    @cached_property
    def data(self) -> bytes:
        """The bytes of the document's file. Raises as `original`."""
        return _bytes(self._path, self._limits)

    @cached_property
    def _archive(self) -> Archive:
        return Archive(self.data, self._limits)

    def of(self, meta: Mapping[str, Any]) -> tuple[bytes, str]:
        """The bytes and the media type of the original of a part. Raises as `original`."""
        path = self._path
        if member := str(meta.get("member", "")):
            kind = _media(member)
            if member not in self._archive.names():
                raise NotFoundError(f"{path.name} holds no {member}")
            return self._archive.read(member), kind
        if is_paged(path):
            page = str(meta.get("page", ""))
            if not page.isdecimal() or int(page) < 1:
                raise NotFoundError(f"{path.name}: the part does not say on which page it is")
            return ocr.render(self.data, int(page) - 1, box_of(meta), self._limits), PNG
        if src := str(meta.get("src", "")):
            return _linked(path, src, self._root, self._limits)
        raise NotFoundError(f"{path.name}: the part has no original but its text")


def is_paged(path: Path) -> bool:
    """Whether the originals of a document's parts are drawn, from its pages."""
    return path.suffix.lower() == ".pdf"


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


def box_of(meta: Mapping[str, Any]) -> tuple[float, ...]:
    """The sides of a part on its page (left, bottom, right, top) in points, with some room around; nothing where they are not known."""
    given = meta.get("box")
    if not isinstance(given, list | tuple) or len(given) != 4 or not all(isinstance(side, int | float) for side in given):
        return ()
    left, bottom, right, top = map(float, given)
    return left - 4, bottom - 4, right + 4, top + 4
