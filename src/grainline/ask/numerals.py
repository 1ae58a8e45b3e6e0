"""Numbers by value, however they are written: 22, 二十二, twenty-two; 2.3亿, 230 million; 三月, March."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from math import prod

from grainline.shapes.numbering import numeral

_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_MONTHS = "January February March April May June July August September October November December".split()
_VALUES = {
    **{word: value for value, word in enumerate([*_ONES, *_TEENS], 1)},
    **{word: 10 * value for value, word in enumerate(_TENS, 2)},
}
_SCALES = {
    "hundred": 100,
    "thousand": 1_000,
    "million": 10**6,
    "billion": 10**9,
    "百": 100,
    "千": 1_000,
    "万": 10**4,
    "亿": 10**8,
}
_SCALED = "(?:[ -]?(?:hundred|thousand|million|billion)\\b|[百千万亿])*"
#: what is counted or measured in Chinese: a numeral of one character is a number before one of these ("三年"), else rarely ("统一")
_COUNTED = (
    "年月日号时分秒岁周天个名位人次倍条种件家元章节款项届米公里克吨亩度层座台辆艘架部集卷册篇本张枚颗只头匹支代级段期成至到％%"
)
_NUMERAL = re.compile(
    rf"(?P<digits>\d+(?:[.,]\d+)*)(?P<scale>{_SCALED})"
    rf"|(?P<chinese>[〇零一二三四五六七八九十百千万亿两]{{2,}}|[一二三四五六七八九十百千万亿两](?=[{_COUNTED}])(?!分之))"
    rf"|\b(?P<word>{'|'.join(_VALUES)})\b(?:[ -](?P<ones>{'|'.join(_ONES)})\b)?(?P<times>{_SCALED})"
    rf"|\b(?-i:(?P<month>{'|'.join(_MONTHS)}))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Numeral:
    """A number at `start:end` of a text: its `values` (of digits before a word of scale both they and what it comes to; none of what is
    no one number, such as 1.2.3), and its `digits` without commas, "" where it is written in words."""

    start: int
    end: int
    values: frozenset[Decimal]
    digits: str = ""


def numerals(text: str) -> list[Numeral]:
    """The numbers of a text in their order; their places are those in its form NFKC.

    >>> [numeral.end for numeral in numerals("满二十二周岁，2.3亿")]
    [4, 11]
    """
    return [_numeral(found) for found in _NUMERAL.finditer(unicodedata.normalize("NFKC", text))]


def values(text: str) -> frozenset[Decimal]:
    """All values of the numbers of a text.

    >>> values("满二十二周岁，2.3亿") == {22, Decimal("2.3"), 230_000_000}
    True
    >>> values("thirty-five men in March, 1,204 owls") == {3, 35, 1204}
    True
    >>> values("一般统一；二〇一四年三千五百万元；百分之五十") == {2014, 35_000_000, 50}
    True
    """
    return frozenset(value for numeral in numerals(text) for value in numeral.values)


def _numeral(found: re.Match[str]) -> Numeral:
    if found["digits"]:
        digits = found["digits"].replace(",", "")
        plain = Decimal(digits) if digits.count(".") < 2 else None
        both = frozenset() if plain is None else frozenset((plain, plain * _scale(found["scale"])))
        return Numeral(*found.span(), both, digits)
    if found["chinese"]:
        value = Decimal(_chinese(found["chinese"]))
    elif found["month"]:
        value = Decimal(_MONTHS.index(found["month"]) + 1)
    else:
        ones = _VALUES[found["ones"].lower()] if found["ones"] else 0
        value = (_VALUES[found["word"].lower()] + ones) * _scale(found["times"])
    return Numeral(*found.span(), frozenset((value,)))


def _scale(words: str) -> Decimal:
    """What words of scale come to: "百万" a million."""
    return Decimal(prod(_SCALES[word] for word in re.findall("[a-z]+|[百千万亿]", words.lower())))


def _chinese(word: str) -> int:
    """The value of a Chinese numeral with 万 and 亿.

    >>> _chinese("二十三万五千"), _chinese("三亿"), _chinese("二〇一四"), _chinese("一万亿")
    (235000, 300000000, 2014, 1000000000000)
    """
    for unit in "亿万":
        before, found, behind = word.rpartition(unit)
        if found:
            return (_chinese(before) if before else 1) * _SCALES[unit] + (_chinese(behind) if behind else 0)
    return numeral(word)
