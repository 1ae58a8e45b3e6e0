"""What the words of a question say whatever the tables: numbers, dates, and what asks, compares, orders."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from grainline.tables.names import WORD
from grainline.tables.naming import is_chinese
from grainline.tables.words import ASKING, CHINESE, ENGLISH, NUMBER_WORDS, SCALES

#: characters of a number beyond which it is none that could be compared
DIGITS = 24
#: questions whose words are kept, since they are read against several groups of tables
KEPT = 16
#: what a question begins with that asks to be shown something
_COMMAND = re.compile(
    r"(?:^|[.;?!]\s+)(?:please\s+|can you\s+)?(?:show|list|find|give|return|display|tell|get|state|report|name)\b(?:\s+(?:me|us))?",
    re.I,
)

MONTHS = "january february march april may june july august september october november december".split()
MONTH = "|".join(f"{name}|{name[:3]}" if len(name) > 3 else name for name in MONTHS)
#: what stands before a "one" that is no number
_POINTED = re.compile(r"\b(?:the|each|this|that|which|every|any|no)\s+$", re.I)

_DATED = re.compile(
    r"(?<!\d)(?P<year>[12]\d{3})(?:-(?P<m1>\d{1,2})(?:-(?P<d1>\d{1,2}))?(?!\d)|\s?年\s?(?P<m2>\d{1,2})\s?月(?:份|\s?(?P<d2>\d{1,2})\s?[日号])?)"
    rf"|\b(?P<name>{MONTH})\.?(?:\s+(?P<d3>\d{{1,2}})(?:st|nd|rd|th)?)?,?\s+(?:of\s+)?(?P<year2>[12]\d{{3}})\b"
    rf"|\b(?P<d4>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<name2>{MONTH})\.?,?\s+(?P<year3>[12]\d{{3}})\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"(?<![A-Za-z\d_.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(百万|千万|[千万亿]|(?:thousand|million|billion|k)\b)?(%)?"
)


class Said(NamedTuple):
    """A stretch of a question in a role: its place, the role, the text, what that says in the role, and its value if it has one."""

    start: int
    end: int
    kind: str
    text: str
    said: str = ""
    value: Any = None


@lru_cache(maxsize=KEPT)
def said_in(question: str) -> tuple[Said, ...]:
    """All that the words of a question may say by themselves, overlapping as they do."""
    found = [*_dates(question), *_numbers(question)]
    found += [Said(*match.span(), "light", match.group(), "command") for match in _COMMAND.finditer(question)]
    lowered = question.lower() if len(question.lower()) == len(question) else question
    for pattern, concept in ASKING:
        found += [Said(*match.span(), "asks", match.group(), concept) for match in pattern.finditer(lowered)]
    for pattern, role, said in _patterns(is_chinese(question)):
        found += [Said(*match.span(), role, match.group(), said) for match in pattern.finditer(lowered) if match.group()]
    return tuple(found)


def _dates(question: str) -> Iterator[Said]:
    """Months and days of a year, as dates begin: 2023-03, 2023-03-05."""
    for match in _DATED.finditer(question):
        said = match.groupdict()
        name = (said["name"] or said["name2"] or "")[:3].lower()
        month = [own[:3] for own in MONTHS].index(name) + 1 if name else int(said["m1"] or said["m2"])
        day = int(said["d1"] or said["d2"] or said["d3"] or said["d4"] or 0)
        year = int(said["year"] or said["year2"] or said["year3"])
        if 1 <= month <= 12 and day <= 31:
            value = f"{year:04}-{month:02}" + (f"-{day:02}" if day else "")
            yield Said(*match.span(), "date", match.group(), "", value)


def _numbers(question: str) -> Iterator[Said]:
    for match in _NUMBER.finditer(question):
        if len(match.group(1)) > DIGITS:
            continue
        value = float(match.group(1).replace(",", "")) * SCALES.get(match.group(2) or "", 1)
        number = int(value) if value == int(value) and "." not in match.group(1) else value
        yield Said(match.start(), match.end(), "number", match.group(), match.group(3) or "", number)
    for match in WORD.finditer(question):
        if (word := match.group().lower()) in NUMBER_WORDS and not _POINTED.search(question[: match.start()]):
            yield Said(match.start(), match.end(), "number", match.group(), "word", NUMBER_WORDS[word])
    for match in re.finditer(
        r"(?<![每哪这那某])[一二两三四五六七八九十](?=[个名位条家部首张本座只辆场次篇份种岁款人级缸层笔台]|年级)", question
    ):
        yield Said(match.start(), match.end(), "number", match.group(), "word", NUMBER_WORDS[match.group()])


@lru_cache(maxsize=2)
def _patterns(chinese: bool) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    english = [(re.compile(rf"(?<![\w])(?:{pattern})(?![\w])"), role, said) for pattern, role, said in ENGLISH]
    return tuple([*english, *((re.compile(pattern), role, said) for pattern, role, said in CHINESE)] if chinese else english)
