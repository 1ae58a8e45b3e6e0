"""What a column holds, judged by its name and its cells, and the names by which columns and tables go in SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from grainline.tables.parse import CURRENCIES, UNITS, Number, date_of, is_missing, number_of
from grainline.tables.schema import Kind
from grainline.text import CJK

#: characters of a name in SQL
LONGEST = 60
#: cells with one and the same unknown word behind their numbers that make it a unit
CELLS_WITH_UNIT = 3
#: digits from which whole numbers of one length are a code: telephone numbers
CODE_DIGITS = 11
#: words that mean codes whatever their digits look like
_CODES = re.compile(
    r"(?:^|[\W_])(?:phone|tel|telephone|mobile|fax|zip|zipcode|postcode|postal[ _]?code|isbn|issn|ssn|passport|barcode)(?:$|[\W_])"
    r"|电话|手机|传真|邮编|邮政编码|身份证|护照|卡号|账号|帐号|条形码|证件号",
    re.IGNORECASE,
)
#: a unit in brackets at the end of a name, or behind a slash
_BRACKETED = re.compile(r"[(（\[【]\s*(?:单位[:：]?\s*)?([^()（）\[\]【】]{1,12})\s*[)）\]】]\s*$")
_UNIT_WORDS = re.compile(
    rf"[{CURRENCIES}]|(?:百|千|万|十万|百万|千万|亿|万亿)?(?:元|美元|欧元|日元|港元|港币|人民币|人次?|吨|千瓦时?|平方米|平方公里|公顷|亩|公里|千米|件|个|台|辆|户|家)|百分比"
    r"|(?:k|m|b|in )?(?:usd|eur|gbp|cny|rmb|jpy)(?: (?:thousands?|millions?|billions?|m|bn))?|(?:thousands?|millions?|billions?)"
    r"|in (?:thousands|millions|billions)",
    re.IGNORECASE,
)
#: a column of a report for a year
_BY_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_NAME = re.compile(rf"[^\W_{CJK}]+|[{CJK}]+")
#: words of SQLite that cannot stand as a name without quotes
RESERVED = frozenset(
    "add all alter and as autoincrement between case check collate commit constraint create default deferrable delete distinct drop "
    "else escape except exists foreign from group having in index insert intersect into is isnull join limit not notnull null on "
    "or order primary references returning select set table then to transaction union unique update using values when "
    "where rowid oid _rowid_".split()
)


def kind_of(name: str, cells: Iterable[str]) -> tuple[Kind, str]:
    """What a column holds, with its unit, judged by its name and its cells.

    >>> kind_of("Price (USD)", ["1,200", "950.5"]), kind_of("占比", ["12%", "", "3.5%"]), kind_of("zip", ["94110", "10001"])
    (('real', 'USD'), ('real', '%'), ('text', ''))
    >>> kind_of("日期", ["2024年1月5日", "—"]), kind_of("code", ["007", "12"]), kind_of("n", ["1", "many"])
    (('date', ''), ('text', ''), ('text', ''))
    """
    said = [cell for cell in cells if not is_missing(cell, vague=True)]
    if not said:
        return "text", ""
    if (numbers := _numbers(name, said)) is not None:
        kind: Kind = "integer" if all(isinstance(number.value, int) for number in numbers) else "real"
        units = list(dict.fromkeys(number.unit for number in numbers if number.unit))
        own = units[0] if len(units) == 1 else ""
        return kind, own or unit_in(name)
    if all(date_of(cell) for cell in said):
        return "date", ""
    return "text", ""


def _numbers(name: str, said: Sequence[str]) -> list[Number] | None:
    """The numbers of cells that all say one, in the same unit; None for anything else, and for codes. Under a year stands whatever the
    rows say, each in a unit of its own."""
    if _CODES.search(name):
        return None
    numbers = []
    for cell in said:
        if (number := number_of(cell)) is None:
            return None
        numbers.append(number)
    units = {number.unit.lower() for number in numbers if number.unit}
    if _BY_YEAR.search(name):
        return numbers
    if len(units) > 1:
        return None
    if units:
        unit, bare = units.pop(), sum(1 for number in numbers if not number.unit and number.value)
        is_known = unit in UNITS or len(numbers) - bare >= CELLS_WITH_UNIT
        if (bare and unit[-1] not in CURRENCIES) or not (is_known or unit[-1] in CURRENCIES):
            return None
    lengths = {len(cell) for cell in said}
    if len(said) > 1 and len(lengths) == 1 and min(lengths) >= CODE_DIGITS and all(cell.isdigit() for cell in said):
        return None
    return numbers


def unit_in(name: str) -> str:
    """The unit that a column's name gives in brackets; "" if none.

    >>> unit_in("金额（万元）"), unit_in("Weight (kg)"), unit_in("name (short)")
    ('万元', 'kg', '')
    """
    found = _BRACKETED.search(name)
    if not found:
        return ""
    said = found[1].strip()
    return said if said.lower() in UNITS or _UNIT_WORDS.fullmatch(said) else ""


def identifier(name: str) -> str:
    """A name as one that SQL takes without quotes: small letters and underscores, Chinese as it is; "" if nothing is left of it.

    >>> identifier("First Name"), identifier("金额（万元）"), identifier("2019"), identifier("Order"), identifier("; --")
    ('first_name', '金额_万元', '_2019', 'order_', '')
    """
    words = "_".join(_NAME.findall(name)).lower()[:LONGEST].rstrip("_")
    if not words:
        return ""
    if words[0].isdigit():
        return f"_{words}"
    return f"{words}_" if words in RESERVED else words


def distinct(names: Sequence[str], fallback: str) -> list[str]:
    """The names made unique whatever their case, the later ones with a number; an empty one is called after its place.

    >>> distinct(["a", "", "A", "a_2"], "column")
    ['a', 'column_2', 'A_2', 'a_2_2']
    """
    taken: set[str] = set()
    following: dict[str, int] = {}
    made = []
    for place, name in enumerate(names, 1):
        wanted = name or f"{fallback}_{place}"
        free, number = wanted, following.get(wanted.lower(), 2)
        while free.lower() in taken:
            free = f"{wanted}_{number}"
            number += 1
        following[wanted.lower()] = number
        taken.add(free.lower())
        made.append(free)
    return made
