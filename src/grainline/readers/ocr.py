"""Words in pictures, by rapidocr (extra `ocr`): English and Chinese, some two seconds a page, a quarter of one for a small picture, and
nothing is fetched: the weights are part of the package.

It runs in a process of its own with bounded memory and time (`readers.apart`): it decodes what strangers made. A picture that holds no
words makes no document. What it cannot do: cut columns apart, read a screenshot many times as long as it is wide.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from grainline.errors import MissingExtraError, UnreadableError
from grainline.readers.apart import Exceeded, More, parse_apart
from grainline.readers.build import Layout, document, flow, title_of
from grainline.types import Document, Limits

#: what did it, for `Document.meta`
NAME = "rapidocr"
#: processor seconds that loading takes, and that a page may take
LOADING, PAGE_SECONDS = 20, 40
MEMORY_BYTES = 3 << 30  #: of address space; a page takes about a gigabyte and a half
#: pixels of the longer side of what is read, which is what small print needs
SIDE = 1_600
GAP = 1.2  #: of the height of a line: what stands farther apart is in another column
MOST_PIXELS = 80_000_000  #: of a picture; an A3 page at 600 dots an inch has 70 million
LEAST_SIDES = (64, 24)  #: pixels of the longer and the shorter side: anything smaller is an icon
FRAMES = 100  #: pages of a TIFF
#: what is decoded: other formats than those of pictures may start programs
FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF")

#: a line: its words, left, right, bottom and height; in points from the lower left corner for a page, in pixels from the upper left one
#: for a picture
OcrLine = list[Any]


def is_installed() -> bool:
    """Whether the extra is there."""
    return find_spec("rapidocr") is not None and find_spec("onnxruntime") is not None


def read_image(data: bytes, limits: Limits | None = None) -> list[list[OcrLine]]:
    """The lines of each page of a picture (most have but one), top to bottom.

    Raises `MissingExtraError` without the extra, `UnreadableError` for what is no picture, too large or damaged.
    """
    frames, sides = look(data)
    if not _has(sides, LEAST_SIDES):
        return [[]]
    if not is_installed():
        raise MissingExtraError("rapidocr", "ocr")
    more = More((), LOADING + PAGE_SECONDS * frames, MEMORY_BYTES)
    found: list[list[OcrLine]] = parse_apart("grainline.readers.ocr:lines_of_image", data, limits or Limits(), more)
    return found


def read_pages(data: bytes, pages: Sequence[int], limits: Limits) -> list[list[OcrLine]]:
    """The lines of pages of a PDF, by number from 0. Raises as `read_image`."""
    if not is_installed():
        raise MissingExtraError("rapidocr", "ocr")
    more = More(pages, LOADING + PAGE_SECONDS * len(pages), MEMORY_BYTES)
    found: list[list[OcrLine]] = parse_apart("grainline.readers.ocr:lines_of_pages", data, limits, more)
    return found


def render(data: bytes, page: int, box: Sequence[float], limits: Limits) -> bytes:
    """A page of a PDF, by number from 0, or what `box` (left, bottom, right, top in points; empty for all) cuts out of it, as PNG.

    Raises `UnreadableError`; needs no OCR.
    """
    more = More((page, *box), PAGE_SECONDS, MEMORY_BYTES)
    return base64.b64decode(parse_apart("grainline.readers.ocr:png_of_page", data, limits, more))


def read_pictures(pictures: Sequence[bytes], limits: Limits) -> list[list[str]]:
    """The lines of each of several pictures, in one go; none for one that cannot be decoded. Raises as `read_image`."""
    if not is_installed():
        raise MissingExtraError("rapidocr", "ocr")
    more = More([len(data) for data in pictures], LOADING + PAGE_SECONDS * len(pictures), MEMORY_BYTES)
    found: list[list[str]] = parse_apart("grainline.readers.ocr:words_of_pictures", b"".join(pictures), limits, more)
    return found


def read_boxes(data: bytes, boxes: Sequence[Sequence[float]], limits: Limits) -> list[list[str]]:
    """The lines in each of several boxes of a PDF: page by number from 0, left, bottom, right, top in points. Raises as `read_image`."""
    if not is_installed():
        raise MissingExtraError("rapidocr", "ocr")
    more = More([side for box in boxes for side in box], LOADING + PAGE_SECONDS * len(boxes), MEMORY_BYTES)
    found: list[list[str]] = parse_apart("grainline.readers.ocr:words_of_boxes", data, limits, more)
    return found


def is_large(data: bytes, sides: tuple[int, int]) -> bool:
    """Whether a picture has at least so many pixels on its longer and on its shorter side; False for what is none."""
    try:
        return _has(look(data)[1], sides)
    except UnreadableError:
        return False


class Image:
    """Reads pictures: `.png`, `.jpg`, `.webp`, `.tif`, `.bmp`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document of the words in a picture, none if there are none; `meta` has "ocr". Raises as `read_image`."""
        pages = [lines for lines in read_image(data, limits) if lines]
        layout = Layout()
        for number, lines in enumerate(pages, 1):
            start = layout.length + (2 if layout.length else 0)
            layout.add("\n".join(words for words, *_ in lines), "prose")
            meta = {"src": source.rpartition("/")[2], "ocr": True}
            layout.mark("image", start, layout.length, meta=meta)
            if len(pages) > 1:
                layout.mark("page", start, layout.length, str(number))
        if layout.length:
            yield document(source, title_of(source), layout.text(), limits, parts=layout.parts(), meta={"ocr": NAME})


def lines_of_image(data: bytes, limits: Limits) -> list[list[OcrLine]]:
    """The side of `read_image` that runs apart."""
    from PIL import Image as Pictures
    from PIL import ImageOps, ImageSequence

    found = []
    try:
        with Pictures.open(io.BytesIO(data), formats=FORMATS) as picture:
            for number, frame in enumerate(ImageSequence.Iterator(picture)):
                if number >= min(FRAMES, limits.pages):
                    raise Exceeded("pages", number + 1, min(FRAMES, limits.pages))
                _check(frame)
                upright = ImageOps.exif_transpose(frame)
                small = shrunk(upright)
                scale = upright.width / max(1, small.width)
                lines = _lines(small)
                found.append([[words, *(round(side * scale, 1) for side in sides)] for words, *sides in lines])
                if picture.format != "TIFF":
                    break  # an animation says on every frame what it says on the first
    except (OSError, ValueError, SyntaxError, EOFError, Pictures.DecompressionBombError) as error:
        raise UnreadableError(f"damaged picture: {error}") from error
    return found


def lines_of_pages(data: bytes, _limits: Limits, *pages: int) -> list[list[OcrLine]]:
    """The side of `read_pages` that runs apart."""
    found = []
    for page in pages:
        picture, scale, height = _rendered(data, page, ())
        lines = []
        for words, left, right, bottom, tall in _lines(picture):
            lines.append([words, *(round(side / scale, 1) for side in (left, right, height * scale - bottom, tall))])
        found.append(lines)
    return found


def words_of_pictures(data: bytes, limits: Limits, *lengths: int) -> list[list[str]]:
    """The side of `read_pictures` that runs apart: the pictures one behind the other, and their lengths."""
    found: list[list[str]] = []
    start = 0
    for length in lengths:
        try:
            pages = lines_of_image(data[start : start + length], limits)
        except UnreadableError:
            pages = []
        found.append([words for lines in pages for words, *_ in lines])
        start += length
    return found


def words_of_boxes(data: bytes, _limits: Limits, *numbers: float) -> list[list[str]]:
    """The side of `read_boxes` that runs apart."""
    found: list[list[str]] = []
    for at in range(0, len(numbers), 5):
        page, *box = numbers[at : at + 5]
        picture, scale, _ = _rendered(data, int(page), box)
        is_page = picture.width > (box[2] - box[0]) * scale + 2  # nothing is cut out of a turned page, nor beyond its edge
        found.append([] if is_page else [words for words, *_ in _lines(picture)])
    return found


def png_of_page(data: bytes, _limits: Limits, page: int, *box: float) -> str:
    """The side of `render` that runs apart; in base64."""
    out = io.BytesIO()
    _rendered(data, page, box)[0].save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode("ascii")


def look(data: bytes) -> tuple[int, tuple[int, int]]:
    """How many pages a picture has, and its pixels across and down, without decoding it; raises `UnreadableError`."""
    from PIL import Image as Pictures

    try:
        with Pictures.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check(picture)
            frames = min(getattr(picture, "n_frames", 1), FRAMES) if picture.format == "TIFF" else 1
            return frames, picture.size
    except UnreadableError:
        raise
    except Exception as error:  # decoders of a dozen formats throw what they like
        raise UnreadableError(f"damaged, or no picture: {error}") from error


def _has(sides: tuple[int, int], least: tuple[int, int]) -> bool:
    """Whether the longer and the shorter side have at least so many pixels."""
    return max(sides) >= least[0] and min(sides) >= least[1]


def _check(picture: Any) -> None:
    if picture.width * picture.height > MOST_PIXELS:
        raise UnreadableError(f"a picture of {picture.width} by {picture.height} pixels; at most {MOST_PIXELS:,} are read")


def shrunk(picture: Any, side: int = SIDE) -> Any:
    """A picture on white, no side of it longer than `side`."""
    from PIL import Image as Pictures

    if "A" in picture.getbands() or "transparency" in picture.info:
        over = picture.convert("RGBA")
        picture = Pictures.new("RGBA", over.size, "white")
        picture.alpha_composite(over)
    picture = picture.convert("RGB")
    picture.thumbnail((side, side))
    return picture


def _rendered(data: bytes, page: int, box: Sequence[float]) -> tuple[Any, float, float]:
    """A page as a picture, pixels a point, and the height of the page in points; raises `UnreadableError`."""
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(data)
        if not 0 <= page < len(pdf):
            raise UnreadableError(f"no page {page + 1}: there are {len(pdf)}")
        sheet = pdf[int(page)]
        width, height = sheet.get_size()
        crop = (0.0, 0.0, 0.0, 0.0)
        if len(box) == 4 and not sheet.get_rotation():
            left, bottom, right, top = (min(max(0.0, side), most) for side, most in zip(box, (width, height) * 2, strict=True))
            if right - left > 1 and top - bottom > 1:
                crop = left, bottom, width - right, height - top
        scale = min(3.0, SIDE / max(width - crop[0] - crop[2], height - crop[1] - crop[3], 1.0))
        return sheet.render(scale=scale, crop=crop).to_pil().convert("RGB"), scale, height
    except pypdfium2.PdfiumError as error:
        raise UnreadableError(f"damaged PDF: {error}") from error


def _lines(picture: Any) -> list[OcrLine]:
    """The lines of a picture as words, left, right, bottom and height, in pixels from its upper left corner."""
    import numpy as np

    found = _engine()(np.asarray(picture)[:, :, ::-1])
    if found.txts is None or found.boxes is None:
        return []
    lines: list[OcrLine] = []
    for words, box in zip(found.txts, found.boxes, strict=True):
        across, down = [float(point[0]) for point in box], [float(point[1]) for point in box]
        if said := flow(words):
            line: OcrLine = [said, min(across), max(across), max(down), max(down) - min(down)]
            if lines and _goes_on(lines[-1], line):
                before = lines.pop()
                bottom, top = max(before[3], line[3]), min(before[3] - before[4], line[3] - line[4])
                line = [f"{before[0]} {said}", before[1], max(before[2], line[2]), bottom, bottom - top]
            lines.append(line)
    return lines


def _goes_on(line: OcrLine, piece: OcrLine) -> bool:
    """Whether a piece stands on a line right behind what there is of it."""
    least = min(line[4], piece[4])
    level = abs((line[3] - line[4] / 2) - (piece[3] - piece[4] / 2)) < 0.4 * least
    return bool(level and piece[1] > line[1] and piece[1] - line[2] < GAP * least)


@lru_cache(maxsize=1)
def _engine() -> Any:
    """rapidocr with the weights that came with it, named one by one: where it looks for them itself it would fetch missing ones."""
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    # by itself it would blow up the shorter side of a picture to 736 pixels: a strip with one line of words took 5 s in place of .4,
    # and its words were found no better
    params: dict[str, Any] = {"Global.log_level": "critical", "Det.limit_type": "max", "Det.limit_side_len": SIDE}
    for step, pattern in (("Det", "*_det_*.onnx"), ("Cls", "*_cls_*.onnx"), ("Rec", "*_rec_*.onnx")):
        weights = sorted(folder.glob(pattern))
        if not weights:
            raise UnreadableError(f"rapidocr came without its weights ({pattern}): install grainline[ocr] anew")
        params[f"{step}.model_path"] = str(weights[0])
    return rapidocr.RapidOCR(params=params)
