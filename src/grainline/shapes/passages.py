"""Passages: what is searched and cited, about `TARGET` tokens each, cut where the text itself pauses.

Prose is cut at sentence ends, for choice at the end of a paragraph; code at empty lines, then at line ends; a table between
rows. Text of at most `MAXIMUM` tokens stays whole. What is longer and has no such place (a line of data, text without stops) is
cut at a comma or blank, at last anywhere; only a row is never cut.

A passage crosses the border of a code block only where one side is `TINY`: a one-line block goes with the prose or the block
before it, a line that leads into a block ("Filename: src/main.rs") with that block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from grainline.shapes.tree import trim
from grainline.text import count_tokens, sentences

#: tokens of a passage: near what an encoder reads well, and few enough to quote
TARGET = 200
#: tokens that stay together rather than leave a stump, and the most of a passage
MAXIMUM = 300
#: tokens under which a piece says too little alone
TINY = 40
#: text with fewer tokens than this for its length (white space, base64) is weighed by its length
CHARACTERS_PER_TOKEN = 12
#: a passage ends with its paragraph if it has this share of the goal, and the next paragraph would bring it over the other
EARLY = 0.6
LATE = 1.2

_CHUNK = re.compile(rf"[^\s，、；,;]{{1,{MAXIMUM}}}[\s，、；,;]*|[\s，、；,;]{{1,{MAXIMUM}}}")
_LINE = re.compile(r"[^\n]*\S[^\n]*")

Place = tuple[int, int]


def weigh(text: str, start: int, end: int) -> float:
    """Tokens of `text[start:end]`, or its length by `CHARACTERS_PER_TOKEN` where that is more."""
    return max(count_tokens(text[start:end]), (end - start) / CHARACTERS_PER_TOKEN)


def fits(text: str, start: int, end: int) -> bool:
    """Whether the span is short enough for one passage."""
    length = end - start
    if length <= MAXIMUM:
        return True
    if length > MAXIMUM * CHARACTERS_PER_TOKEN:
        return False
    piece = text[start:end]
    # words have something between them, so that this many letters of ASCII need no counting
    return (length < 2 * MAXIMUM and piece.isascii()) or count_tokens(piece) <= MAXIMUM


def cut_prose(text: str, start: int, end: int) -> list[Place]:
    """Passages of prose, in order, trimmed, never empty."""
    start, end = trim(text, start, end)
    if start == end:
        return []
    return [(start, end)] if fits(text, start, end) else _pack(text, _short(text, sentences(text, start, end)), end)


def cut_code(text: str, start: int, end: int) -> list[Place]:
    """Passages of source code, in order, trimmed, never empty."""
    start, end = trim(text, start, end)
    if start == end:
        return []
    if fits(text, start, end):
        return [(start, end)]
    lines = (trim(text, *found.span()) for found in _LINE.finditer(text, start, end))
    return _pack(text, _short(text, lines), end)


def cut_table(text: str, start: int, end: int, rows: Sequence[Place]) -> list[Place]:
    """Passages of a table, each of whole rows; what stands between two rows goes with the first of them."""
    start, end = trim(text, start, end)
    if start == end:
        return []
    if fits(text, start, end):
        return [(start, end)]
    if not rows:
        return cut_code(text, start, end)
    borders = [start, *(row[0] for row in rows[1:]), end]
    return _pack(text, (span for span in (trim(text, *pair) for pair in pairwise(borders)) if span[0] < span[1]), end)


def cut_mixed(text: str, start: int, end: int, blocks: Iterable[Place]) -> list[Place]:
    """Passages of prose with code blocks in it; `blocks` lie apart, in order."""
    pieces: list[tuple[int, int, int, bool]] = []
    for run, (begin, stop, is_code) in enumerate(_runs(start, end, blocks)):
        pieces += [(*place, run, is_code) for place in (cut_code if is_code else cut_prose)(text, begin, stop)]
    weights = [weigh(text, begin, stop) for begin, stop, _, _ in pieces]
    passages: list[Place] = []
    held = 0.0
    for at, (begin, stop, run, is_code) in enumerate(pieces):
        weight = weights[at]
        if at and pieces[at - 1][2] != run and held + weight <= MAXIMUM:
            leads = not is_code and at + 1 < len(pieces) and pieces[at + 1][3] and weight + weights[at + 1] <= MAXIMUM
            if weights[at - 1] < TINY or (weight < TINY and not leads):
                passages[-1] = (passages[-1][0], stop)
                held += weight
                continue
        passages.append((begin, stop))
        held = weight
    return passages


def _runs(start: int, end: int, blocks: Iterable[Place]) -> Iterator[tuple[int, int, bool]]:
    """`start:end` as prose and code in turn."""
    for begin, stop in blocks:
        begin, stop = max(begin, start), min(stop, end)
        if begin < stop:
            yield start, begin, False
            yield begin, stop, True
            start = stop
    yield start, end, False


def _short(text: str, units: Iterable[Place]) -> Iterator[Place]:
    """The units, those over `MAXIMUM` as their lines, and lines over it in pieces."""
    for start, end in units:
        if fits(text, start, end):
            yield start, end
            continue
        for line in _LINE.finditer(text, start, end):
            begin, stop = trim(text, *line.span())
            yield from ((begin, stop),) if fits(text, begin, stop) else _pieces(text, begin, stop)


def _pieces(text: str, start: int, end: int) -> Iterator[Place]:
    for chunk in _CHUNK.finditer(text, start, end):
        begin, stop = trim(text, *chunk.span())
        if begin < stop:
            yield begin, stop


def _pack(text: str, units: Iterable[Place], end: int) -> list[Place]:
    """Units in order, put together to passages near `TARGET`, none over `MAXIMUM` unless a unit is."""
    places = list(units)
    following = [place[0] for place in places[1:]] + [end]
    lengths = [after - place[0] for place, after in zip(places, following, strict=True)]
    weights = [max(count_tokens(text[a:b]), n / CHARACTERS_PER_TOKEN) for (a, b), n in zip(places, lengths, strict=True)]
    fresh = [True] + [text.count("\n", one[1], other[0]) > 1 for one, other in pairwise(places)]
    paragraph = weights[:]
    for at in range(len(places) - 2, -1, -1):
        if not fresh[at + 1]:
            paragraph[at] += paragraph[at + 1]
    total = sum(weights)
    goal = total / max(1, round(total / TARGET))
    passages: list[Place] = []
    held = last = 0.0
    for at, (begin, stop) in enumerate(places):
        full = held + weights[at] > MAXIMUM or held + weights[at] / 2 > goal
        pause = fresh[at] and held >= EARLY * goal and held + paragraph[at] > LATE * goal
        if not passages or full or pause:
            passages.append((begin, stop))
            last, held = held, weights[at]
        else:
            passages[-1] = (passages[-1][0], stop)
            held += weights[at]
    if len(passages) > 1 and held < TINY and last + held <= MAXIMUM:
        passages[-2:] = [(passages[-2][0], passages[-1][1])]
    return passages
