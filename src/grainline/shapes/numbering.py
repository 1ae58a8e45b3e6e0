"""The numbers of headings (第三章, 一、, （二）, 2.3, Chapter 4, Appendix A): what each style is and where it ranks."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: places in a tree, the highest first; two apart, so that a heading without a number can stand between
RANKS = {
    "part": 2,
    "subpart": 4,
    "chapter": 6,
    "appendix": 6,
    "section": 8,
    "article": 10,
    "capitals": 12,
    "cjk": 20,
    "roman": 20,
    "cjk-bracket": 22,
    "digit": 24,
    "dotted": 26,
    "digit-bracket": 36,
    "digit-half": 38,
}
#: styles that say of themselves that they head something; the others are also used for lists and need a sequence to be believed
STRONG = frozenset({"part", "subpart", "chapter", "appendix", "section", "article"})

_CJK_UNITS = {
    "编": "part",
    "篇": "part",
    "卷": "part",
    "部分": "part",
    "分编": "subpart",
    "章": "chapter",
    "回": "chapter",
    "节": "section",
    "条": "article",
}
_ENGLISH_UNITS = {
    "part": "part",
    "book": "part",
    "volume": "part",
    "chapter": "chapter",
    "section": "section",
    "article": "article",
    "appendix": "appendix",
    "annex": "appendix",
}
_NUMERAL = "〇零○一二三四五六七八九十百千两\\d"
_WORDS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_DIGITS = {"〇": 0, "零": 0, "○": 0, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_TENS = {"十": 10, "百": 100, "千": 1000}
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}

_CJK_UNIT = re.compile(rf"第\s?([{_NUMERAL}]{{1,9}})\s?(分编|部分|[编篇卷章回节条])(?:之([{_NUMERAL}]{{1,3}}))?")
_CJK_APPENDIX = re.compile(rf"(?:附录|附件)\s?([A-Z](?![a-z])|[{_NUMERAL}]{{1,3}})")
_CJK_ITEM = re.compile(r"([一二三四五六七八九十百]{1,4})(?:\s?[、．]|[ \u3000]+)\s*")
_CJK_BRACKET = re.compile(r"[（(]\s?([一二三四五六七八九十]{1,3})\s?[）)][、.]?\s*")
_DOTTED = re.compile(r"(\d{1,2}(?:[.．]\d{1,2}){1,4})[.．]?(?![\d%.．])[ \t\u3000]*")
_DIGIT = re.compile(r"(\d{1,2})(?:\s?[.．、](?!\d)|[ \t\u3000])[ \t\u3000]*")
_DIGIT_BRACKET = re.compile(r"[（(]\s?(\d{1,2})\s?[)）][ \t\u3000]*")
_DIGIT_HALF = re.compile(r"(\d{1,2})[)）][ \t\u3000]*")
_ROMAN_ITEM = re.compile(r"([IVXLC]{1,7})\.[ \t]+")
_ENGLISH = re.compile(
    rf"({'|'.join(_ENGLISH_UNITS)})\s+(\d{{1,3}}|[IVXLC]{{1,8}}|[A-Z]|{'|'.join(_WORDS)})(?![\w'’-])", re.IGNORECASE
)
_PATTERNS = (
    ("cjk-bracket", _CJK_BRACKET),
    ("digit-bracket", _DIGIT_BRACKET),
    ("cjk", _CJK_ITEM),
    ("dotted", _DOTTED),
    ("digit-half", _DIGIT_HALF),
    ("digit", _DIGIT),
    ("roman", _ROMAN_ITEM),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A number at the head of a line: `number` is (2, 3) for 2.3, (37, 1) for 第三十七条之一; the words begin at `end`."""

    style: str
    number: tuple[int, ...]
    end: int

    @property
    def rank(self) -> int:
        """Its place in a tree: the smaller, the higher."""
        return RANKS[self.style] + (2 * (len(self.number) - 2) if self.style == "dotted" else 0)

    @property
    def strong(self) -> bool:
        """Whether the words themselves say that this heads something."""
        return self.style in STRONG


def read_mark(line: str) -> Mark | None:
    """The number that `line` begins with; None if it begins with none.

    >>> read_mark("第三十七条之一 因利用职业便利实施犯罪").number, read_mark("2.3 Methods").number, read_mark("Part Two").style
    ((37, 1), (2, 3), 'part')
    >>> read_mark("Parts of speech") is None
    True
    """
    if found := _CJK_UNIT.match(line):
        number = tuple(numeral(word) for word in (found[1], found[3]) if word)
        return Mark(_CJK_UNITS[found[2]], number, found.end())
    if found := _ENGLISH.match(line):
        return _english(found)
    if found := _CJK_APPENDIX.match(line):
        return Mark("appendix", (_letter(found[1]) or numeral(found[1]),), found.end())
    for style, pattern in _PATTERNS:
        if found := pattern.match(line):
            number = tuple(numeral(piece) for piece in re.split("[.．]", found[1]))
            return Mark(style, number, found.end()) if all(number[:1]) else None
    return None


def _english(found: re.Match[str]) -> Mark | None:
    style = _ENGLISH_UNITS[found[1].lower()]
    word = found[2]
    if style == "appendix" and _letter(word):
        return Mark(style, (_letter(word),), found.end())
    if word.isdigit() or word.lower() in _WORDS or set(word) <= set(_ROMAN):
        return Mark(style, (numeral(word),), found.end())
    return None


def numeral(word: str) -> int:
    """The value of a numeral: Chinese, decimal, Roman, or an English word up to twenty.

    >>> [numeral(word) for word in ("一百二十三", "二〇", "1３", "XIV", "Seven", "十")]
    [123, 20, 13, 14, 7, 10]
    """
    if word.isdecimal():
        return int(word)
    if word.lower() in _WORDS:
        return _WORDS.index(word.lower())
    if set(word) <= set(_ROMAN):
        values = [_ROMAN[letter] for letter in word]
        return sum(-a if a < b else a for a, b in zip(values, [*values[1:], 0], strict=True))
    return _chinese(word)


def _letter(word: str) -> int:
    """A is 1; 0 for anything but one Latin letter."""
    return ord(word.upper()) - 64 if len(word) == 1 and word.isascii() and word.isalpha() else 0


def _chinese(word: str) -> int:
    if not any(letter in _TENS for letter in word):
        return int("".join(str(_DIGITS.get(letter, letter)) for letter in word))
    total = digit = 0
    for letter in word:
        if letter in _TENS:
            total += (digit or 1) * _TENS[letter]
            digit = 0
        else:
            digit = _DIGITS[letter] if letter in _DIGITS else int(letter)
    return total + digit
