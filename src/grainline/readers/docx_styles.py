"""What a Word file says about its paragraphs elsewhere: heading levels in the styles, and the numbers that Word puts before them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"(?:heading|标题|標題)\s*([1-9])|([一二三四五六七八九])级标题|标题([一二三四五六七八九])", re.I)
_DIGITS = "零一二三四五六七八九"
BODY = 10  #: the outline level of a paragraph that is no heading
DEEPEST = 9


def value(element: Any, path: str) -> str | None:
    """The w:val of what is found at `path` ("pPr/numPr/numId") under an element; "" if it has none, None if nothing is there.

    >>> from lxml import etree
    >>> value(etree.fromstring(f'<w:p xmlns:w="{W[1:-1]}"><w:pPr><w:pStyle w:val="a1"/></w:pPr></w:p>'), "pPr/pStyle")
    'a1'
    """
    for name in path.split("/"):
        element = element.find(W + name)
        if element is None:
            return None
    return str(element.get(W + "val", ""))


def number(text: str | None) -> int:
    """The number in an attribute, -1 if there is none."""
    return int(text) if text and text.isdecimal() and len(text) < 7 else -1


@dataclass(frozen=True, slots=True)
class Style:
    """A paragraph style with what it takes over from the style that it is based on. `level` is 1 to 9, or BODY."""

    name: str = ""
    level: int = BODY
    list_id: str = ""
    depth: int = -1


class Styles:
    """The paragraph styles of a document by their ids."""

    def __init__(self, root: Any) -> None:
        self._elements = {} if root is None else {style.get(W + "styleId", ""): style for style in root.iterfind(W + "style")}
        self._styles: dict[str, Style] = {}
        defaults = (key for key, style in self._elements.items() if style.get(W + "default") in ("1", "true", "on"))
        self._default = next((key for key in defaults if self._elements[key].get(W + "type") == "paragraph"), "")

    def of(self, paragraph: Any) -> Style:
        """The style of a w:p, with the outline level and list that the paragraph itself sets in their place."""
        style = self._style(value(paragraph, "pPr/pStyle") or self._default, 0)
        level = number(value(paragraph, "pPr/outlineLvl"))
        list_id = value(paragraph, "pPr/numPr/numId")
        depth = number(value(paragraph, "pPr/numPr/ilvl"))
        return Style(
            style.name,
            min(level + 1, BODY) if level >= 0 else style.level,
            style.list_id if list_id is None else list_id,
            depth if depth >= 0 else style.depth,
        )

    def _style(self, key: str, depth: int) -> Style:
        element = self._elements.get(key)
        if element is None or depth > 20:  # styles that are based on each other in a circle
            return Style()
        if key not in self._styles:
            above = self._style(value(element, "basedOn") or "", depth + 1)
            name = value(element, "name") or ""
            level = number(value(element, "pPr/outlineLvl"))
            named = _HEADING.fullmatch(name.strip())
            if named:
                digit = next(filter(None, named.groups()))
                level = (int(digit) if digit.isdecimal() else _DIGITS.index(digit)) - 1
            list_id = value(element, "pPr/numPr/numId")
            self._styles[key] = Style(
                name,
                min(level + 1, BODY) if level >= 0 else above.level,
                above.list_id if list_id is None else list_id,
                number(value(element, "pPr/numPr/ilvl")) if list_id is not None else above.depth,
            )
        return self._styles[key]


class Numbering:
    """The lists of a document: says what Word shows before a paragraph ("1.2", "第三条"), counting on with each question."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, dict[int, Any]] = {}  # of each abstract list, by depth
        self._abstract: dict[str, str] = {}
        self._counts: dict[str, dict[int, int]] = {}
        if root is None:
            return
        for abstract in root.iterfind(W + "abstractNum"):
            levels = {number(level.get(W + "ilvl")): level for level in abstract.iterfind(W + "lvl")}
            self._levels[abstract.get(W + "abstractNumId", "")] = levels
        for each in root.iterfind(W + "num"):
            self._abstract[each.get(W + "numId", "")] = value(each, "abstractNumId") or ""

    def label(self, style: Style) -> str:
        """What stands before the next paragraph of this style: "- " for a bullet, "" where there is no list."""
        abstract = self._abstract.get(style.list_id, "")
        levels = self._levels.get(abstract, {})
        depth = max(style.depth, 0)
        if not style.list_id or style.list_id == "0" or depth not in levels:
            return ""
        counts = self._counts.setdefault(abstract, {})
        for deeper in [key for key in counts if key > depth]:
            del counts[deeper]
        counts[depth] = counts.get(depth, self._start(levels[depth]) - 1) + 1
        kind = value(levels[depth], "numFmt") or "decimal"
        if kind == "bullet":
            return "- "
        if kind == "none":
            return ""
        pattern = value(levels[depth], "lvlText") or ""
        return re.sub(r"%([1-9])", lambda found: self._count(levels, counts, int(found[1]) - 1), pattern)[:100].strip() + " "

    @staticmethod
    def _start(level: Any) -> int:
        return max(number(value(level, "start")), 0)

    def _count(self, levels: dict[int, Any], counts: dict[int, int], depth: int) -> str:
        level = levels.get(depth)
        if level is None:
            return ""
        return _written(counts.get(depth, self._start(level)), value(level, "numFmt") or "decimal")


def _written(count: int, kind: str) -> str:
    """A number as Word writes it.

    >>> [_written(n, "chineseCounting") for n in (3, 10, 12, 20, 105, 110, 1234)]
    ['三', '十', '十二', '二十', '一百零五', '一百一十', '一千二百三十四']
    >>> _written(28, "lowerLetter"), _written(14, "upperRoman"), _written(7, "decimalZero")
    ('bb', 'XIV', '07')
    """
    if kind.endswith("Letter") and count:
        letter = chr(ord("a") + (count - 1) % 26) * min((count - 1) // 26 + 1, 10)
        return letter if kind.startswith("lower") else letter.upper()
    if kind.endswith("Roman") and 0 < count < 4000:
        roman = _roman(count)
        return roman.lower() if kind.startswith("lower") else roman
    if kind == "decimalZero":
        return f"{count:02}"
    if "hinese" in kind or kind.startswith(("japanese", "ideographDigital", "taiwanese")):
        return _chinese(count)
    return str(count)


def _roman(count: int) -> str:
    signs = (
        ("M", 1000),
        ("CM", 900),
        ("D", 500),
        ("CD", 400),
        ("C", 100),
        ("XC", 90),
        ("L", 50),
        ("XL", 40),
        ("X", 10),
        ("IX", 9),
    )
    written = ""
    for sign, worth in (*signs, ("V", 5), ("IV", 4), ("I", 1)):
        written += sign * (count // worth)
        count %= worth
    return written


def _chinese(count: int) -> str:
    if not 0 < count < 10_000:
        return str(count)
    written, gap = "", False
    for unit, worth in ("千", 1000), ("百", 100), ("十", 10), ("", 1):
        digit = count // worth % 10
        if digit:
            written += ("零" if gap else "") + _DIGITS[digit] + unit
        gap = bool(written) and not digit
    return written.removeprefix("一") if 10 <= count < 20 else written
