"""Headings that no reader saw: numbered lines, articles of a statute, capitals and underlined titles in prose.

A line is believed only if much speaks for it: it is short and ends no sentence, its number continues a sequence, it stands
alone, and text of its own follows (so neither a list nor a table of contents passes).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grainline.shapes.numbering import RANKS, Mark, read_mark

#: half-width columns that a heading may take
WIDTH = 90
#: articles that may be missing from a statute between two that are there
ARTICLE_GAP = 10
#: half-width columns that the title of an article may take: a longer line without an end is a sentence that goes on
ARTICLE_WIDTH = 40
#: numbers that a converter may have lost between two headings of a list-like style
NUMBER_GAP = 2
#: capital lines that a text needs before they are taken for headings
CAPITALS_NEEDED = 2
#: styles that a text with headings of its own uses for lists, unless one of those headings bears the style
LIST_STYLES = frozenset({"digit", "dotted", "digit-bracket", "digit-half", "roman"})

WORD = re.compile(r"[^\W_]")
_CANDIDATE = re.compile(
    r"^[ \t\u3000]*(?:\*\*|__)?(?=第\s?[\d〇零○一二三四五六七八九十百千两]|附录"
    r"|[一二三四五六七八九十百]{1,4}\s?[、．]|[（(]\s?[一二三四五六七八九十\d]"
    r"|\d{1,2}(?:[.．、)）]|[ \t\u3000]+[^\W\d_])|[IVXLC]{1,7}\.[ \t]"
    r"|(?i:chapter|part|book|volume|section|article|appendix|annex)[ \t])",
    re.MULTILINE,
)
_CAPITALS = re.compile(r"^[ \t]*(?P<title>[A-Z][A-Z\d ,'’&:/()-]{1,70}[A-Z\d)?])[ \t]*$", re.MULTILINE)
_UNDERLINED = re.compile(r"^(?P<title>\S[^\n]{0,88})\n(?P<rule>={3,}|-{3,})[ \t]*$", re.MULTILINE)
_LISTED = re.compile(r"(?:[.．…·_]\s*|\s{2,}|\t)\d{1,4}$")
_CONTENTS = re.compile(r"(?i:[图表]?\s*目\s*[录次]|(?:table of )?contents|list of (?:figures|tables)|index)$")
#: what follows the number of an article or chapter that is only spoken of: 第三条的, 第三章规定, 第三条、
_CITED = frozenset("的规第至和或与及所中之以到、，。；：款项）)》”」’")
_CJK = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_CJK_LINE_END = frozenset("。！？：；”…!?.:;>）)|】")
_SENTENCE_END = frozenset("。；;：:，,、！!…")
_NEXT_LINE = re.compile(r"[ \t]*\n\s*([^\n]{1,60}?)[ \t]*\n[ \t]*\n")
_INK = re.compile(r"\S")
_ARTICLE_TITLE = re.compile(r"\s*【([^】\n]{1,30})】")


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading over `start:end`; `level` is the one that was read, 0 for an inferred heading, which only its mark places."""

    start: int
    end: int
    name: str
    level: int = 0
    mark: Mark | None = None


@dataclass(slots=True)
class _Item:
    """A line that may be a heading, or one that is (`real`); `listed` lines look like entries of a table of contents."""

    heading: Heading
    real: bool = False
    listed: bool = False

    @property
    def rank(self) -> int:
        """The rank of its mark; 0 for a heading without one."""
        return self.heading.mark.rank if self.heading.mark else 0

    @property
    def style(self) -> str:
        """The style of its mark; "" for a heading without one."""
        return self.heading.mark.style if self.heading.mark else ""


class Blocked:
    """Spans without headings (code, tables), asked in any order."""

    def __init__(self, spans: Sequence[tuple[int, int]]) -> None:
        self.spans: list[tuple[int, int]] = []
        for start, end in sorted(spans):
            if self.spans and start < self.spans[-1][1]:
                self.spans[-1] = (self.spans[-1][0], max(end, self.spans[-1][1]))
            else:
                self.spans.append((start, end))
        self._starts = [start for start, _ in self.spans]

    def holds(self, place: int) -> bool:
        """Whether `place` lies in one of the spans."""
        at = bisect_right(self._starts, place) - 1
        return at >= 0 and place < self.spans[at][1]


def may_head(text: str) -> bool:
    """Whether any line of `text` is worth a closer look; cheap."""
    return "\n" in text and bool(_CANDIDATE.search(text) or _UNDERLINED.search(text) or _CAPITALS.search(text))


def underlined(text: str, blocked: Blocked) -> list[Heading]:
    """Titles with a line of = (level 1) or - (level 2) below them, after an empty line."""
    found = []
    for match in _UNDERLINED.finditer(text):
        title, rule = match["title"].strip(), match["rule"]
        fits = 2 * len(rule) >= width(title) and WORD.search(title) and title[-1] not in _SENTENCE_END and "|" not in title
        if fits and _blank_before(text, match.start()) and not blocked.holds(match.start("title")):
            level = 1 if rule[0] == "=" else 2
            found.append(Heading(match.start("title"), match.end(), title, level, read_mark(title)))
    return found


def infer(text: str, blocked: Blocked, real: Sequence[Heading]) -> list[Heading]:
    """The headings in `text` that are not among `real`, in order; none inside `blocked`."""
    lines, articles = _candidates(text, blocked, real)
    kept = _chain(articles)
    quoted = {article.start for article in articles} - {article.start for article in kept}
    items = (
        [_Item(heading, real=True) for heading in real] + _with_neighbour(lines, real) + [_Item(article) for article in kept]
    )
    items.sort(key=lambda item: item.heading.start)
    believed = _in_sequence(_with_text(text, items, quoted), {heading.mark.style for heading in real if heading.mark})
    found = [item.heading for item in believed if not item.real]
    if not real:
        found += _capitals(text, blocked, found)
    return sorted(found, key=lambda heading: heading.start)


def _candidates(text: str, blocked: Blocked, real: Sequence[Heading]) -> tuple[list[_Item], list[Heading]]:
    """Lines that look like numbered headings, and lines that begin like articles."""
    lines: list[_Item] = []
    articles: list[Heading] = []
    contents = Blocked(list(_contents(text, real)))
    for match in _CANDIDATE.finditer(text):
        start = match.end()
        if blocked.holds(start) or contents.holds(start):
            continue
        stop = text.find("\n", start)
        line = text[start : stop if stop >= 0 else len(text)].rstrip().rstrip("*_")
        mark = read_mark(line)
        if mark is None:
            continue
        begin = match.start() + len(match.group()) - len(match.group().lstrip())
        if mark.style == "article" and line[0] == "第":
            articles += _article(begin, start, line, mark)
        elif _LISTED.search(line):
            lines.append(_Item(Heading(begin, start + len(line), line, 0, mark), listed=True))
        elif _title_shaped(line, mark):
            heading = _with_title(text, Heading(begin, start + len(line), line, 0, mark))
            if _stands_alone(text, heading, lines[-1].heading.end if lines else 0):
                lines.append(_Item(heading))
    return lines, articles


def _with_neighbour(lines: list[_Item], real: Sequence[Heading]) -> list[_Item]:
    """The lines but those of list-like styles whose number follows on no other."""
    marks = [heading.mark for heading in [*real, *(line.heading for line in lines)] if heading.mark]
    seen = {(mark.style, len(mark.number), mark.number[-1]) for mark in marks}

    def follows(mark: Mark) -> bool:
        last = mark.number[-1]
        return last == 1 or any((mark.style, len(mark.number), last - step) in seen for step in range(1, NUMBER_GAP + 1))

    return [line for line in lines if line.heading.mark and (line.heading.mark.strong or follows(line.heading.mark))]


def _contents(text: str, real: Sequence[Heading]) -> Iterator[tuple[int, int]]:
    """What stands under headings such as 目录 and Contents."""
    for at, heading in enumerate(real):
        if _CONTENTS.match(heading.name.strip()):
            yield heading.end, real[at + 1].start if at + 1 < len(real) else len(text)


def _article(begin: int, start: int, line: str, mark: Mark) -> Iterator[Heading]:
    """第二百三十二条 at the start of a line, unless the words only speak of it; a short line gives the article its title."""
    if line[mark.end : mark.end + 1] in _CITED:
        return
    name, end = "".join(line[: mark.end].split()), mark.end
    title = line[mark.end :].strip()
    if bracketed := _ARTICLE_TITLE.match(line, mark.end):
        name, end = f"{name} {bracketed[1].strip()}", bracketed.end()
    elif WORD.match(title) and width(title) <= ARTICLE_WIDTH and "，" not in title and _title_shaped(line, mark):
        name, end = f"{name} {title}", len(line)
    yield Heading(begin, start + end, name, 0, mark)


def _title_shaped(line: str, mark: Mark) -> bool:
    """Whether the words behind the number are a title: short, no sentence, not in mid-sentence."""
    rest = line[mark.end :].lstrip(" \t\u3000:：*—–-").rstrip()
    if not mark.strong and len(WORD.findall(rest)) < 2:
        return False
    if not rest.strip("."):
        return mark.strong
    if width(line) > WIDTH or "。" in rest or "；" in rest or rest[-1] in _SENTENCE_END:
        return False
    if _CJK.search(line):
        spaced = line[mark.end] in " \t\u3000:：" or not mark.strong
        return not rest.endswith(".") and (spaced or (rest[0] not in _CITED and len(rest) <= 20 and "，" not in rest))
    first = rest.lstrip(".\"'“‘(")[:1]
    if first.islower() or re.search(r"[.!?]\s+[A-Z]", rest[1:]):
        return False
    return not rest.endswith(".") or (mark.strong and len(rest.split()) <= 8)


def _with_title(text: str, heading: Heading) -> Heading:
    """A bare 第一章 or CHAPTER IV takes the short line below it as its title, if an empty line follows that."""
    assert heading.mark is not None
    if not heading.mark.strong or WORD.search(heading.name, heading.mark.end):
        return heading
    match = _NEXT_LINE.match(text, heading.end)
    if match is None or match[1][-1] in _SENTENCE_END | {".", "？", "?"} or match[1][0].islower() or _CANDIDATE.match(match[1]):
        return heading
    return Heading(heading.start, match.end(1), f"{heading.name} {match[1]}", 0, heading.mark)


def _stands_alone(text: str, heading: Heading, last: int) -> bool:
    """Empty lines around it; Chinese text often has none, there the line before must have ended (or be such a heading)."""
    stop = text.find("\n", heading.end)
    after = stop < 0 or not text[stop + 1 : (text.find("\n", stop + 1) + 1 or len(text) + 1) - 1].strip()
    if _blank_before(text, heading.start):
        return after or bool(_CJK.search(heading.name))
    if not _CJK.search(heading.name):
        return False
    before = text[: heading.start].rstrip() if heading.start < 200 else text[heading.start - 200 : heading.start].rstrip()
    return not before or before[-1] in _CJK_LINE_END or not text[last : heading.start].strip()


def _blank_before(text: str, start: int) -> bool:
    line = text.rfind("\n", 0, start)
    return line < 0 or not text[text.rfind("\n", 0, line) + 1 : line].strip()


def _chain(articles: Sequence[Heading]) -> list[Heading]:
    """The articles of the text itself: their numbers ascend in small steps; those of a quoted law leap and are left out.

    A text that is a collection of single articles leaps everywhere; there every ascent counts.
    """
    for gap in (ARTICLE_GAP, 10_000):
        kept: list[Heading] = []
        for at, article in enumerate(articles):
            following = _number(articles[at + 1])[0] if at + 1 < len(articles) else 0
            again = _number(article) == (1,) and following in (1, 2)
            if not kept or again or _ascends(kept[-1], article, gap):
                kept.append(article)
        if 2 * len(kept) >= len(articles):
            break
    return kept if len(kept) > 1 else []


def _number(heading: Heading) -> tuple[int, ...]:
    return heading.mark.number if heading.mark else ()


def _ascends(last: Heading, article: Heading, gap: int) -> bool:
    before, after = (*_number(last), 0)[:2], (*_number(article), 0)[:2]
    return before < after and after[0] - before[0] <= gap and (after[1] < 2 or after[0] == before[0])


def _with_text(text: str, items: list[_Item], quoted: set[int]) -> list[_Item]:
    """The items that have text before the next of their rank; a line in a run of its like without text is part of a list."""
    stops = [*(item.heading.start for item in items), len(text)][1:]
    spoken = [bool(WORD.search(text, item.heading.end, stop)) for item, stop in zip(items, stops, strict=False)]
    own = [item.style == "article" or words for item, words in zip(items, spoken, strict=True)]
    has, following = own[:], [len(items)] * len(items)
    for at in range(len(items) - 1, -1, -1):
        below = at + 1
        while below < len(items) and items[below].rank > items[at].rank:
            has[at] = has[at] or has[below]
            below = following[below]
        following[at] = below
    kept: list[_Item] = []
    run: Counter[str] = Counter()
    for at, item in enumerate(items):
        again = item.heading.mark is not None and item.heading.mark.number == (1,) and run[item.style] > 1
        if item.real or again or (at and own[at - 1]):
            run.clear()
        heads = has[at] and not item.listed and run[item.style] < 2 and _next_place(text, item.heading.end) not in quoted
        if item.real or item.style == "article" or heads:
            kept.append(item)
        run[item.style] += 1
    return kept


def _next_place(text: str, place: int) -> int:
    """Where the next text begins."""
    found = _INK.search(text, place)
    return found.start() if found else len(text)


def _in_sequence(items: list[_Item], styles: set[str]) -> list[_Item]:
    """The items whose numbers continue; a list-like style must begin at one and get to two."""
    last: dict[tuple[str, int], tuple[int, ...]] = {}
    runs: dict[tuple[str, int], list[_Item]] = {}
    kept: list[tuple[_Item, list[_Item]]] = []
    headed = any(item.real for item in items)
    for item in items:
        mark = item.heading.mark
        if mark is None:
            kept.append((item, []))
            continue
        key = (mark.style, len(mark.number))
        sure = item.real or mark.style == "article"
        listing = headed and mark.style in LIST_STYLES and mark.style not in styles
        follows = _continues(last.get(key), mark)
        if not sure and (listing or not follows):
            continue
        for other in [other for other in last if _deeper(other, mark)]:
            del last[other]
        if key not in runs or not follows or mark.number == (1,):
            runs[key] = []
        runs[key].append(item)
        last[key] = mark.number
        kept.append((item, runs[key]))
    return [item for item, run in kept if item.real or item.rank < RANKS["cjk"] or len(run) > 1]


def _deeper(other: tuple[str, int], mark: Mark) -> bool:
    """Whether a style's numbers start again below `mark`; those of chapters and articles often run on."""
    return other[0] not in ("chapter", "article") and Mark(other[0], (1,) * other[1], 0).rank > mark.rank


def _continues(last: tuple[int, ...] | None, mark: Mark) -> bool:
    """Whether a number comes next: one begins, one more follows; a chapter may begin anywhere and skip."""
    if mark.number[-1] == 1:
        return last is None or mark.style != "dotted" or mark.number > last
    if last is None:
        return mark.strong
    if mark.strong:
        return mark.number > last
    return mark.number[:-1] == last[:-1] and 0 < mark.number[-1] - last[-1] <= NUMBER_GAP


def _capitals(text: str, blocked: Blocked, found: Sequence[Heading]) -> list[Heading]:
    """Lines in capitals between empty lines, followed by text that is not in capitals."""
    taken = Blocked([(heading.start, heading.end) for heading in found])
    lines = []
    for match in _CAPITALS.finditer(text):
        start, end = match.span("title")
        following = text[end : end + 400].lstrip().split("\n", 1)[0]
        alone = _blank_before(text, start) and re.match(r"[ \t]*\n[ \t]*\n", text[end : end + 200])
        if alone and re.search("[A-Z]{3}", match["title"]) and re.search("[a-z]", following) and not blocked.holds(start):
            lines.append(Heading(start, end, match["title"], 0, Mark("capitals", (0,), 0)))
    free = [line for line in lines if not taken.holds(line.start)]
    return free if len(free) >= CAPITALS_NEEDED else []


def width(line: str) -> int:
    """Half-width columns of a line: a Chinese character takes two."""
    return len(line) + len(_CJK.findall(line))
