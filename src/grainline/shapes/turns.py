"""Chats and transcripts: turns with their speakers, and the exchanges that they make up.

A reader that knows the turns has parts for them. Any other text is a chat only if most of its lines (or paragraphs) begin a turn of one
style, few speakers take turns again and again, and what they say is speech: logs, records and glossaries look alike otherwise.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from grainline.shapes.passages import cut_prose, cut_table, fits
from grainline.shapes.tree import Span, trim
from grainline.types import Document

#: turns that a chat has at least, and the share of its lines, or paragraphs, that begin one
LEAST, SHARE = 4, 0.6
#: the share of lines that are headers, where a line of its own says who speaks and the words follow below
HEADERS = 0.25
#: minutes of silence that part two exchanges
GAP = 60
#: turns of one exchange, at most
MOST = 12
#: with more turns than this a document has nodes for its exchanges alone, as a long table has none for its rows
MAXIMUM_TURNS = 5_000
#: characters in which a chat begins
BEGINNING = 4_000

_NAME = r"(?P<who>[^\W\d_](?:[\w.'’·@&-]|[ ](?=[^\s:：])){0,40}(?:[ ]?[(（][^\n():：（）]{1,24}[)）])?)"
#: the same, as short as may be: a date may follow
_FIRST_NAME = _NAME.replace("{0,40}", "{0,40}?")
_CLOCK = r"\d{1,2}[:：]\d{2}(?:[:：]\d{2})?(?:[.,]\d+)?(?:[ \u202f]?[AaPp]\.?[Mm]\.?)?"
_DATE = r"(?:\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}日?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
_STAMP = rf"(?P<when>(?:{_DATE}[,，]?[T ]?[ ]*)?(?:上午|下午|晚上|中午|凌晨|早上)?[ ]?{_CLOCK})"
_START = r"^[ \t]*(?:[-*][ \t]+|>[ \t]*)?(?:\*\*|__)?"
_SAYS = r"(?:\*\*|__)?[ \t]*[:：](?:\*\*|__)?[ \t]*(?P<said>[^\n]*)"


@dataclass(frozen=True, slots=True)
class Style:
    """How a turn is written: the pattern of its first line, whether that line is only a header, and whether it tells the time."""

    pattern: re.Pattern[str]
    header: bool = False
    timed: bool = True


STYLES = (
    # [10:32] Ann: ...   2024-01-02 10:32 Ann: ...   [02/01/24, 10:32:05] Ann: ...   02/01/24, 10:32 - Ann: ...   [10:32] <Ann> ...
    Style(re.compile(rf"{_START}\[?{_STAMP}\]?[ \t]*(?:[-–—][ \t]*)?{_NAME}{_SAYS}", re.M)),
    Style(re.compile(rf"{_START}\[?{_STAMP}\]?[ \t]*<(?P<who>[^<>\n]{{1,24}})>[ \t]*(?P<said>[^\n]*)", re.M)),
    # Ann [10:32]: ...   Ann (10:32): ...
    Style(re.compile(rf"{_START}{_NAME}[ \t]*[\[(（]{_STAMP}[\])）]{_SAYS}", re.M)),
    # Ann  10:32 AM, or 张三 2024-01-02 10:32:05, or 2024-01-02 10:32:05 张三, alone on a line, the words below
    Style(
        re.compile(rf"{_START}{_FIRST_NAME}(?:\*\*|__)?[ \t]+(?:[—–-][ \t]*)?[\[(]?{_STAMP}[\])]?(?P<said>)[ \t]*$", re.M),
        header=True,
    ),
    Style(re.compile(rf"{_START}{_STAMP}[ \t]+{_NAME}(?P<said>)[ \t]*$", re.M), header=True),
    # Ann: ...   Q: ...   问：...
    Style(re.compile(rf"{_START}{_NAME}{_SAYS}", re.M), timed=False),
)
#: what stands before a colon and speaks no words: levels of a log, fields of a record
_NO_SPEAKER = re.compile(
    r"(?i:info|debug|warn(?:ing)?|error|fatal|trace|critical|notice|severe|note|todo|fixme|https?|ftp|file|name|title|author|date|time|type"
    r"|id|key|value|description|summary|version|status|url|email|subject|from|to|cc|tags?|example|usage|returns?|args|raises|see)"
    r"|姓名|标题|作者|日期|时间|类型|编号|地址|电话|说明|备注|注|例如?|主题|摘要|关键词|来源"
)
#: a line with a colon behind what may be a name or a time
_LIKELY = re.compile(r"^[ \t>*_-]*[\[<(（]?\w[\w .'’·@&,，/<>()（）\[\]*–—-]{0,70}[:：](?![:：])[ \t]*\S", re.M)
_ASKS = re.compile(r"[?？][”’\"'」』)）*_\s]*$|[吗呢么][。！.!]?\s*$")
_ENDS = re.compile(r"[.!?。！？…~～)）\"”’'」』*_][ \t]*$")
_INK = re.compile(r"^[^\n]*\S", re.M)
_PARAGRAPH = re.compile(r"(?:\A|\n[ \t]*\n)\s*(?=\S)")


@dataclass(slots=True)
class Turn:
    """What one person says at once."""

    start: int
    end: int
    speaker: str
    when: str = ""
    said: str = ""


@dataclass(slots=True)
class Exchange:
    """Turns that answer each other."""

    turns: list[Turn] = field(default_factory=list)


def may_be_chat(text: str) -> bool:
    """Whether the text is worth a closer look; cheap."""
    breaks = text.count("\n")
    if breaks < LEAST - 1 or text.count(":") + text.count("：") < max(LEAST, HEADERS / 2 * breaks):
        return False
    lines = text.count("\n", 0, BEGINNING) + 1
    return len(_LIKELY.findall(text, 0, BEGINNING)) >= max(LEAST, HEADERS / 2 * lines)


def turns_of(document: Document, borders: Sequence[int] = ()) -> list[Turn]:
    """The turns that a reader saw, else those that the text is written in."""
    text = document.text
    seen = [part for part in document.parts if part.kind == "turn"]
    said = [Turn(part.start, part.end, part.name, str(part.meta.get("time", "")), text[part.start : part.end]) for part in seen]
    return said or turns(text, borders)


def turns(text: str, borders: Sequence[int] = ()) -> list[Turn]:
    """The turns of a chat in order, each up to the next one or to the next of `borders`, where something else begins (a section, a
    table); none if the text is no chat."""
    if not may_be_chat(text):
        return []
    lines = len(_INK.findall(text))
    for style in STYLES:
        if not style.pattern.search(text, 0, BEGINNING):
            continue
        found = [match for match in style.pattern.finditer(text) if _may_speak(match["who"], style)]
        if len(found) >= LEAST and _covers(text, style, [match.start() for match in found], lines):
            stops = [_stop(borders, *pair) for pair in pairwise([*(match.start() for match in found), len(text)])]
            made = [
                Turn(
                    *trim(text, match.start(), stop),
                    " ".join(match["who"].split()),
                    _when(style, match),
                    text[match.start("said") : stop].strip(),
                )
                for match, stop in zip(found, stops, strict=True)
            ]
            if _is_speech(style, made):
                return made
    return []


def _stop(borders: Sequence[int], start: int, following: int) -> int:
    at = bisect_right(borders, start)
    return min(borders[at], following) if at < len(borders) else following


def exchanges(said: Sequence[Turn], borders: Sequence[int] = ()) -> list[Exchange]:
    """The turns in exchanges: a new one begins where the person who opened the last one speaks anew, unless a question was put to
    them; after a silence; at a border (the beginning of a section); and after `MOST` turns. Who speaks but once opens none."""
    counts = Counter(turn.speaker for turn in said)
    made: list[Exchange] = []
    for turn in said:
        now = made[-1].turns if made else []
        if not now or len(now) >= MOST or _parted(now[-1], turn, borders) or _anew(now, turn, counts):
            made.append(Exchange([turn]))
        else:
            now.append(turn)
    return made


def spans(said: Sequence[Turn], borders: Sequence[int] = ()) -> list[Span]:
    """A span for each exchange; its turns are put below its passages by `fill`."""
    return [
        Span(
            "exchange",
            made.turns[0].start,
            made.turns[-1].end,
            meta={"speakers": sorted({turn.speaker for turn in made.turns})},
        )
        for made in exchanges(said, borders)
    ]


def fill(text: str, span: Span, said: Sequence[Turn]) -> int:
    """Cut an exchange into passages of whole turns, with the turns below them; a turn too long for one holds passages itself. Returns
    the number of passages."""
    first = bisect_left(said, span.start, key=lambda turn: turn.start)
    own = [turn for turn in said[first : bisect_left(said, span.end, key=lambda turn: turn.start)] if turn.end <= span.end]
    runs: list[list[Turn]] = []
    for turn in own:
        long = not fits(text, turn.start, turn.end)
        if not runs or long or not fits(text, runs[-1][-1].start, runs[-1][-1].end):
            runs.append([])
        runs[-1].append(turn)
    count = 0
    nodes = len(said) <= MAXIMUM_TURNS
    for run in runs:
        if not fits(text, run[0].start, run[0].end):
            passages = [Span("passage", *place) for place in cut_prose(text, run[0].start, run[0].end)]
            span.children += [_span(run[0], passages)] if nodes else passages
        else:
            rows = [(turn.start, turn.end) for turn in run]
            passages = [Span("passage", *place) for place in cut_table(text, run[0].start, run[-1].end, rows)]
            for passage in passages if nodes else ():
                passage.children = [_span(turn, []) for turn in run if passage.start <= turn.start and turn.end <= passage.end]
            span.children += passages
        count += len(passages)
    return count


def _span(turn: Turn, passages: list[Span]) -> Span:
    meta = {"speaker": turn.speaker, **({"time": turn.when} if turn.when else {})}
    return Span("turn", turn.start, turn.end, turn.speaker, meta=meta, children=passages)


def _may_speak(name: str, style: Style) -> bool:
    """Whether this can be who speaks: a short name, with a capital where no time stands beside it."""
    words = name.split()
    short = len(name) <= 32 and len(words) <= 4 and not _NO_SPEAKER.fullmatch(name)
    return short and (name[0].isupper() or not name[0].isascii() or (style.timed and len(words) == 1))


def _covers(text: str, style: Style, starts: Sequence[int], lines: int) -> bool:
    """Whether most lines begin a turn, or most paragraphs; a header stands over lines of words."""
    if len(starts) >= (HEADERS if style.header else SHARE) * lines:
        return True
    paragraphs = [match.end() for match in _PARAGRAPH.finditer(text)]
    begun = {bisect_left(paragraphs, start + 1) for start in starts}
    return len(begun) >= SHARE * len(paragraphs) >= LEAST * SHARE and len(starts) >= HEADERS * lines / 2


def _is_speech(style: Style, said: Sequence[Turn]) -> bool:
    """Whether at least two speakers, few for so many turns, speak again and again, and as people speak."""
    counts = Counter(turn.speaker for turn in said)
    again = sum(count for count in counts.values() if count > 1)
    if len(counts) < 2 or again < SHARE * len(said) or sum(count > 1 for count in counts.values()) < 2:
        return False
    if sum(bool(turn.said) for turn in said) < SHARE * len(said):
        return False
    if style.timed:
        return sum(name[0].islower() and name.isascii() for name in counts) < len(counts) / 2 or _asked(said) > 0
    ended = sum(bool(_ENDS.search(turn.said)) for turn in said)
    return _asked(said) > 0 and ended >= SHARE * len(said)


def _asked(said: Sequence[Turn]) -> int:
    return sum(bool(_ASKS.search(turn.said)) for turn in said)


def _when(style: Style, match: re.Match[str]) -> str:
    return " ".join(match["when"].split()) if style.timed else ""


def _anew(now: Sequence[Turn], turn: Turn, counts: Mapping[str, int]) -> bool:
    opener, last = next((each.speaker for each in now if counts[each.speaker] > 1), ""), now[-1]
    return turn.speaker == opener and last.speaker != opener and not _ASKS.search(last.said)


def _parted(last: Turn, turn: Turn, borders: Sequence[int]) -> bool:
    """Whether a border lies between two turns, or a long silence."""
    at = bisect_left(borders, last.end)
    if at < len(borders) and borders[at] <= turn.start:
        return True
    before, after = _minutes(last.when), _minutes(turn.when)
    if before is None or after is None:
        return False
    other_day = bool(before[0] and after[0] and before[0] != after[0])
    return other_day or not 0 <= after[1] - before[1] <= GAP


def _minutes(when: str) -> tuple[str, int] | None:
    """The date as it is written, and the minute of the day."""
    clock = re.search(r"(\d{1,2})[:：](\d{2})", when)
    if clock is None:
        return None
    hour = int(clock[1])
    if re.search(r"[Pp]\.?[Mm]|下午|晚上", when) and hour < 12:
        hour += 12
    elif re.search(r"[Aa]\.?[Mm]", when) and hour == 12:
        hour = 0
    return when[: clock.start()].strip(" ,，"), hour * 60 + int(clock[2])
