"""Words in the pictures on the pages of a PDF that have text of their own: which pictures are read, and where in the text they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from grainline.readers import ocr
from grainline.readers.pdf_parts import GROUND, Box, Page
from grainline.readers.pictures import REPEATED, Words, read_words
from grainline.types import Limits, Part

#: points of the longer and the shorter side of a picture that is read
SIDES = (72.0, 36.0)
#: lines of text that may lie on a picture that is read: the words on one with more of them are known
KNOWN = 2

#: a picture: its page by number from 0, and its box
Place = tuple[int, Box]


def with_words(
    data: bytes, pages: Sequence[Page], parts: Sequence[Sequence[Part]], limits: Limits
) -> tuple[list[Part], Words[Place]]:
    """The parts of all pages with the words in figures; a picture with words that no caption names is a part at the line next to it."""
    if not ocr.is_installed():
        return [part for own in parts for part in own], Words()
    places = [place for page, own in zip(pages, parts, strict=True) for place in _places(page, own)]
    words = _read(data, places, limits)
    made: list[Part] = []
    for page, own in zip(pages, parts, strict=True):
        made += [replace(part, meta={**part.meta, **words.of((_number(page), _box(part)))}) for part in own]
        named = {_box(part) for part in own if part.kind == "image"}
        for number, box in enumerate(map(_sides, page.pictures)):
            if box not in named and (found := words.of((_number(page), box))):
                named.add(box)
                meta = {"page": page.name, "image": number, "box": list(box), **found}
                made.append(Part("image", *_beside(page, box), meta=meta))
    return made, words


def _read(data: bytes, places: Sequence[Place], limits: Limits) -> Words[Place]:
    """The words of the pictures. What stands at one place of many pages is read on the first ones alone if it says the same there."""
    known: dict[Place, list[str]] = {}

    def read(group: Sequence[Place]) -> list[list[str]]:
        """The lines of pictures, each read once."""
        new = [place for place in group if place not in known]
        known.update(zip(new, ocr.read_boxes(data, [(page, *box) for page, box in new], limits) if new else (), strict=True))
        return [known[place] for place in group]

    pages: dict[Box, list[int]] = {}
    for page, box in places:
        pages.setdefault(box, []).append(page)
    first = [(page, box) for page, box in places if page in pages[box][: REPEATED + 1]]
    words = read_words(first, read)
    if len(first) == len(places):
        return words
    same = {box for box, own in pages.items() if len({tuple(known.get((page, box), ())) for page in own[: REPEATED + 1]}) == 1}
    rest = [(page, box) for page, box in places if box not in same and page not in pages[box][: REPEATED + 1]]
    return read_words([*first, *rest], read)


def _places(page: Page, parts: Sequence[Part]) -> Iterator[Place]:
    """The pictures of a page that are worth reading: figures as a whole, and others that are no part of one."""
    figures = [box for part in parts if part.kind == "image" and any(box := _box(part))]
    others = [box for box in map(_sides, page.pictures) if not any(_inside(box, figure) for figure in figures)]
    area = max(1.0, page.size[0] * page.size[1])
    for box in dict.fromkeys([*figures, *others] if page.spans else []):
        width, height = box[2] - box[0], box[3] - box[1]
        if max(width, height) < SIDES[0] or min(width, height) < SIDES[1] or width * height > GROUND * area:
            continue
        on_it = sum(
            box[0] <= (line.left + line.right) / 2 <= box[2] and box[1] <= line.bottom + line.height / 2 <= box[3]
            for line in page.lines
        )
        if on_it <= KNOWN:
            yield _number(page), box


def _beside(page: Page, box: Box) -> tuple[int, int]:
    """The span of the line of text that is next to a picture, up or down."""
    middle = (box[1] + box[3]) / 2
    number = min(page.spans, key=lambda line: abs(page.lines[line].bottom + page.lines[line].height / 2 - middle))
    return page.spans[number]


def _number(page: Page) -> int:
    return int(page.name) - 1


def _box(part: Part) -> Box:
    """The box of a figure; nothing where its picture is not known."""
    return _sides(part.meta.get("box", ()))


def _sides(numbers: Sequence[float]) -> Box:
    left, bottom, right, top = numbers or (0.0, 0.0, 0.0, 0.0)
    return left, bottom, right, top


def _inside(box: Box, other: Box) -> bool:
    return other[0] <= box[0] and other[1] <= box[1] and box[2] <= other[2] and box[3] <= other[3]
