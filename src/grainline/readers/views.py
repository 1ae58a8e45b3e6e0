"""The pictures of a document as a language model is shown them: found where the document was read, small, and nothing but pixels.

A library keeps no pictures. They are taken again from the file that they were read from, if that is still the same, and drawn anew: what
else their file holds (where and by whom a photograph was taken, say) is not sent anywhere. They are decoded in a process of their own.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import grainline.readers.ocr as ocr
from grainline.errors import NotFoundError, UnreadableError
from grainline.models.images import BYTES, SIDE, Image
from grainline.readers.apart import More, parse_apart
from grainline.readers.files import digest
from grainline.readers.originals import Originals, box_of, is_paged
from grainline.readers.pdf_pictures import SIDES as PAPER_SIDES
from grainline.readers.pictures import SIDES
from grainline.types import Limits

#: why a picture is not shown; said of one, and of many
GONE = "whose file is gone, or has changed since it was added"
ELSEWHERE = "that cannot be found in what was added"
UNREADABLE = "that cannot be read: damaged, too large, or of a kind that is not decoded"
SMALL = "too small to show much"
#: processor seconds and memory that drawing a picture may take beyond `Limits`
SECONDS, MEMORY_BYTES = 20, 1 << 30
#: how a picture is written, the first way that makes it small enough: a drawing is sharp, a photograph is not worth its bytes
_WAYS: tuple[tuple[str, dict[str, int]], ...] = (("PNG", {}), ("JPEG", {"quality": 85}), ("JPEG", {"quality": 50}))


class Views:
    """The pictures of one document. Each method raises `UnreadableError` with one of the reasons above."""

    def __init__(self, path: Path, root: Path, known: str, limits: Limits | None = None) -> None:
        """`path` is the document's file, `root` the folder that was added, `known` the digest of the file as it was read."""
        self._path, self._known, self._limits = path, known, limits or Limits()
        self._originals = Originals(path, root, limits)

    def sides(self, meta: Mapping[str, Any]) -> tuple[int, int]:
        """Pixels across and down of the picture of a part by its `meta`, before it is made small; of one on a page the most that it has."""
        if not self._is_same:
            raise UnreadableError(GONE)
        if is_paged(self._path):
            box, sides = box_of(meta), (SIDE, SIDE)
            _check((box[2] - box[0], box[3] - box[1]) if box else sides, PAPER_SIDES)
            return sides
        data = self._original(meta)
        try:
            sides = ocr.look(data)[1]
        except UnreadableError:
            raise UnreadableError(UNREADABLE) from None
        _check(sides, SIDES)
        return sides

    def image(self, meta: Mapping[str, Any]) -> Image:
        """The picture of a part, no side longer than `images.SIDE`, its file no larger than `images.BYTES`."""
        self.sides(meta)
        original = self._original(meta)
        try:
            more = More((), SECONDS, MEMORY_BYTES)
            data, media, width, height = parse_apart("grainline.readers.views:drawn", original, self._limits, more)
        except UnreadableError:
            raise UnreadableError(UNREADABLE) from None
        return Image(base64.b64decode(data), media, width, height)

    def _original(self, meta: Mapping[str, Any]) -> bytes:
        """The file of a picture."""
        try:
            return self._originals.of(meta)[0]
        except NotFoundError:
            raise UnreadableError(ELSEWHERE) from None
        except UnreadableError:
            raise UnreadableError(UNREADABLE) from None

    @cached_property
    def _is_same(self) -> bool:
        """Whether the document's file is as it was read."""
        try:
            return digest(self._originals.data) == self._known
        except NotFoundError:
            return False
        except UnreadableError:
            raise UnreadableError(UNREADABLE) from None


def _check(sides: tuple[float, float], least: tuple[float, float]) -> None:
    """Raise `UnreadableError` unless the longer and the shorter side are at least so long."""
    if max(sides) < least[0] or min(sides) < least[1]:
        raise UnreadableError(SMALL)


def drawn(data: bytes, _limits: Limits) -> tuple[str, str, int, int]:
    """The side of `Views.image` that runs apart: the file in base64, its media type, pixels across and down."""
    from PIL import Image as Pictures
    from PIL import ImageOps

    ocr.look(data)
    try:
        with Pictures.open(io.BytesIO(data), formats=ocr.FORMATS) as picture:
            small = ocr.shrunk(ImageOps.exif_transpose(picture), SIDE)
    except (OSError, ValueError, SyntaxError, EOFError, Pictures.DecompressionBombError) as error:
        raise UnreadableError(f"damaged picture: {error}") from error
    for form, options in _WAYS:
        out = io.BytesIO()
        small.save(out, form, **options)
        if out.tell() <= BYTES:
            break
    return base64.b64encode(out.getvalue()).decode("ascii"), f"image/{form.lower()}", small.width, small.height
