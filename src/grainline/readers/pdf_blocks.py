"""Lines on a page to paragraphs, by their place: a PDF knows neither words nor paragraphs, only where letters stand."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles
from types import MappingProxyType
from typing import TypeAlias

from grainline.readers.build import flow
from grainline.readers.pdf_text import HYPHEN

#: how much of what is around a line tells its margins
AROUND = 8
#: pages on which a line must stand at one place to be a running head, if it counts the pages; else half of all pages
HEADS = 3
EDGE = 2  #: lines at the top and at the bottom of a page that may be running heads
#: where a line at the edge stands, its words, and for one that counts the pages by how much it differs from the page's index
_Key: TypeAlias = tuple[int, str, int | None]
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_LAST_PIECE = re.compile(r"[^\W\d_]+(?=[-\u00ad‐]$)")
_BULLET = re.compile(r"[•·▪■◆●○–—*►➢✓-]\s?\S")
_MARKER = re.compile(r"(?:[(（]?[\d一二三四五六七八九十]{1,3}[)）.、．]|[a-zA-Z][.)]|\[\d{1,3}\])\s*\S")
_ARTICLE = re.compile(r"第[一二三四五六七八九十百千零〇\d]{1,9}[编章节条]")
_END = re.compile(r"[.!?:;。！？：；][”’\"'」』）)\]】]*$")
#: first parts of words that keep their hyphen
_PREFIXES = frozenset(("self", "well", "non", "half", "cross", "high", "low", "full", "real", "long", "short", "ex"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and its place in points from the lower left corner of the page."""

    text: str
    left: float
    right: float
    bottom: float
    height: float


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a page as one text; `starts` says where each of them, from line `first` of the page on, begins in it."""

    first: int
    text: str
    starts: tuple[int, ...]


def words_of(pages: Iterable[Sequence[Line]]) -> frozenset[str]:
    """All words in small letters, those with hyphens inside whole."""
    return frozenset(word for page in pages for line in page for word in _WORD.findall(line.text.lower()))


def without_running_heads(pages: Sequence[list[Line]], tables: Mapping[int, Sequence[set[int]]]) -> list[list[Line]]:
    """The pages without their running heads and page numbers.

    These are lines at the edge of a page, with room between them and the text, that stand at the same place with the same words on
    half of the pages, or on `HEADS` pages with a number that counts the pages. `tables` are the lines of tables by their pages: the
    header of one that goes on over many pages is no running head.
    """
    seen: Counter[_Key] = Counter()
    keys: dict[tuple[int, int], set[_Key]] = {}
    for number, page in enumerate(pages):
        for place in _edges(page):
            line = page[place]
            spot = round(line.bottom / 3)
            figures = [int(figure) - number for figure in re.findall(r"\d{1,4}", line.text)]
            words = re.sub(r"\d+", "#", line.text)
            keys[number, place] = {(spot, line.text, None), *((spot, words, shift) for shift in figures)}
            seen.update(keys[number, place])
    half = max(HEADS + 1, (len(pages) + 1) // 2)
    running = {place for place, found in keys.items() if any(seen[key] >= (half if key[2] is None else HEADS) for key in found)}
    for number, held in tables.items():
        for lines in held:
            if not running >= {(number, line) for line in lines}:
                running -= {(number, line) for line in lines}
    return [[line for place, line in enumerate(page) if (number, place) not in running] for number, page in enumerate(pages)]


def _edges(page: list[Line]) -> list[int]:
    """Lines at the top or bottom of a page, pieces of one row among them, that room separates from the rest."""
    steps = [above.bottom - below.bottom for above, below in pairwise(page)]
    down = [step for above, step in zip(page, steps, strict=False) if step > 0.5 * above.height]
    if len(down) < 3:
        return []
    room = 1.4 * median(down)
    top = next((place for place in range(min(EDGE, len(steps))) if steps[place] > room), -1)
    last = len(page) - 1
    bottom = next((place for place in range(last, max(last - EDGE, 0), -1) if abs(steps[place - 1]) > room), last + 1)
    return [*range(top + 1), *range(bottom, last + 1)]


def blocks_of(
    lines: Sequence[Line],
    words: frozenset[str],
    cuts: frozenset[int] = frozenset(),
    known: Mapping[int, str] = MappingProxyType({}),
) -> list[Block]:
    """The lines of a page as blocks of running text; besides where it seems right, a block begins at each line in `cuts`.

    `known` says how lines follow the ones before them: "break", "line", "join", or "cell" for another cell of a row. Words broken at line
    ends are mended, Chinese lines join without a blank; lines that end early on purpose stay lines.
    """
    leading = _leading(lines)
    blocks: list[Block] = []
    first, pieces, starts, length = 0, [""], [0], 0
    for number, line in enumerate(lines):
        relation = "break" if number in cuts or not number else known.get(number) or _relation(lines, first, number, leading)
        if relation == "break":
            if number:
                blocks.append(Block(first, _finished(pieces), tuple(starts)))
            first, pieces, starts, length = number, [""], [], 0
        else:
            before = pieces[-1]
            pieces[-1] = (
                joint(before, line.text, words) if relation == "join" else before + ("\n" if relation == "line" else " ")
            )
            length += len(pieces[-1]) - len(before)
        starts.append(length)
        pieces.append(line.text[:-1].replace(HYPHEN, "") + line.text[-1])
        length += len(pieces[-1])
    if lines:
        blocks.append(Block(first, _finished(pieces), tuple(starts)))
    return blocks


def _finished(pieces: list[str]) -> str:
    text = "".join(pieces)
    return text[:-1] + "-" if text.endswith(HYPHEN) else text.replace(f"{HYPHEN}\n", "-\n").replace(f"{HYPHEN} ", "- ")


def joint(text: str, after: str, words: frozenset[str]) -> str:
    """A line made ready for the line `after` to follow it in the same paragraph."""
    piece = _LAST_PIECE.search(text, max(0, len(text) - 40))
    following = _WORD.match(after)
    if piece is None or following is None:
        return text + ("" if len(flow(f"{text[-1]}\n{after[0]}")) == 2 else " ")
    before, behind = piece.group().lower(), following.group()
    whole, parted = before + behind.lower(), f"{before}-{behind.lower()}"
    keeps = not behind[0].islower() or (whole not in words and (parted in words or before in _PREFIXES))
    return text[:-1] + ("-" if keeps else "")


def _leading(lines: Sequence[Line]) -> dict[int, float]:
    """From line to line, how far it is down the page in running text, by the height of the line in whole points."""
    steps: dict[int, list[float]] = defaultdict(list)
    for above, below in pairwise(lines):
        step = above.bottom - below.bottom
        if 0.5 * above.height < step < 2.6 * above.height and abs(above.height - below.height) < 0.1 * above.height:
            steps[round(below.height)].append(step)
    return {height: quantiles(found, n=4)[0] if len(found) > 1 else found[0] for height, found in steps.items()}


def _relation(lines: Sequence[Line], first: int, number: int, leading: dict[int, float]) -> str:
    """How a line follows the one before it, in a paragraph that began at line `first`: "join", "line" or "break"."""
    above, line = lines[number - 1], lines[number]
    height = max(above.height, line.height)
    step = above.bottom - line.bottom
    ends = bool(_END.search(above.text))
    if abs(step) <= 0.5 * height:  # pieces of one row
        return "join" if line.left >= above.right - 1 else "line"
    short = _is_short(lines, number) and not above.text.endswith(HYPHEN)
    goes_on = not short and not ends and (line.text[0].islower() or line.text[0] >= "\u2e80")
    if step < 0:  # at the top of another column
        return "join" if goes_on else "break"
    usual = leading.get(round(line.height), 1.6 * line.height)
    if step > 2.6 * height or step > 1.2 * usual + 0.5:
        return "break"
    contrast = abs(above.height - line.height) / height
    if contrast > 0.25 or (contrast > 0.1 and short):
        return "break"
    if _ARTICLE.match(line.text) and (ends or short):
        return "break"
    if _BULLET.match(line.text) or (_MARKER.match(line.text) and (ends or short)):
        return "line"
    if short:
        return "break" if ends else "line"
    indent = line.left - above.left
    hangs = number - 1 == first and (_BULLET.match(above.text) or _MARKER.match(above.text))
    if indent > 0.8 * height and not hangs:
        return "break"
    return "break" if indent < -0.8 * height and number - 1 != first and ends else "join"


def _is_short(lines: Sequence[Line], number: int) -> bool:
    """Whether the line before `number` ends earlier than its margin, though the first word of the line would have fitted in."""
    above, line = lines[number - 1], lines[number]
    column = [
        each.right
        for each in lines[max(0, number - AROUND) : number + AROUND]
        if abs(each.left - above.left) < 4 * above.height and each.left < above.right and each.right > above.left
    ]
    wide = line.text[0] >= "\u2e80"
    word = 1 if wide else len(line.text.split(None, 1)[0])
    room = word * (line.right - line.left) / len(line.text) + (2.2 if wide else 0.8) * above.height
    return above.right + room < max(column, default=above.right)
