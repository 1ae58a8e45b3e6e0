"""Cells as people write them to values: numbers with separators, scales and units, dates, and what stands for nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from grainline.tables.schema import Kind

Value = int | float | str | None

#: what is written where there is nothing; the second kind only among numbers and dates
MISSING = frozenset({"", "-", "--", "—", "——", "–", "−", "n/a", "null", "#n/a", "nan", "无"})
VAGUE = frozenset({"暂无", "na", "none", "nil", "/", "...", "…", "?", "*", "未知", "unknown", "tbd", "待定"})
#: what a number is multiplied with by the word behind it
_POWERS = {
    1: "十",
    2: "百",
    3: "千 thousand",
    4: "万 萬",
    5: "十万",
    6: "百万 million mn",
    7: "千万",
    8: "亿 億",
    9: "十亿 billion bn",
    10: "百亿",
    11: "千亿",
    12: "万亿 兆 trillion",
}
SCALES = {word: 10**power for power, words in _POWERS.items() for word in words.split()}
#: letters that scale a sum of money, and nothing else: 5 M may be metres
MONEY_SCALES = {"k": 1_000, "m": 1_000_000, "b": 10**9}
CURRENCIES = "$€£¥￥₹"
#: units that one cell is enough to show; any other must stand behind several numbers
UNITS = frozenset(
    "% ‰ ° ℃ °c °f 元 美元 欧元 日元 港元 港币 人民币 usd eur gbp cny rmb jpy 人 人次 岁 年 月 天 日 小时 分钟 分 秒 "
    "米 公里 千米 厘米 毫米 千克 公斤 克 吨 升 毫升 平方米 平方公里 公顷 亩 件 个 台 辆 套 次 名 家 户 页 本 张 位 只 条 "
    "km m cm mm kg g mg t lb lbs oz l ml s ms min h hr "
    "hours minutes seconds days years months kb mb gb tb hz mhz ghz w kw mw kwh mph km/h mi ft in people rows "
    "pages".split()
)
#: digits of a whole number beyond which it is a name: cards, accounts; what is longer does not fit a number either
DIGITS = 15
_BODY = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:，\d{3})+|\d+(?:\.\d+)?|\.\d+"
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+−]?)\s?(?P<before>[{CURRENCIES}]|(?:US|HK|NT|A|C)\$|USD|EUR|GBP|CNY|RMB)?\s?(?P<late>[-−]?)(?P<inner>\()?"
    rf"(?P<body>{_BODY})(?P<power>[eE][-+]?\d{{1,3}})?\s?(?P<after>[^\d\s,.()（）;；:：\"'|]{{0,16}})(?P<close>\))?(?P<percent>(?<=\))%)?"
)
_SCALE = re.compile("|".join(sorted(SCALES, key=len, reverse=True)), re.IGNORECASE)
_DATE = re.compile(
    r"(?P<year>\d{4})(?:(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<day>\d{1,2}))?"
    r"|\s?年\s?(?P<zhmonth>\d{1,2})\s?月(?:\s?(?P<zhday>\d{1,2})\s?[日号])?)(?:[T\s]\s*(?P<time>\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)"
    r"(?:Z|\s?[+-]\d\d:?\d\d)?)?"
)
_MONTHS = {name: at for at, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_ENGLISH_DATE = re.compile(
    rf"(?:{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+"
    rf"|(?P<first>\d{{1,2}})(?:st|nd|rd|th)?[\s-]{_MONTH.replace('name', 'other')},?[\s-])"
    r"(?P<year>\d{4})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as a cell says it; `unit` is what stands behind or before it."""

    value: int | float
    unit: str = ""


def is_missing(cell: str, *, vague: bool = False) -> bool:
    """Whether a cell stands for nothing; with `vague` also what may be a word of its own.

    >>> [is_missing(cell) for cell in ("", "—", "N/A", "无", "0", "none")], is_missing("none", vague=True)
    ([True, True, True, True, False, False], True)
    """
    said = cell.strip().lower()
    if said[:1] in CURRENCIES or said[-1:] == "%":
        said = said.strip(f"{CURRENCIES}% ") or said  # "$ —"
    return said in MISSING or (vague and said in VAGUE)


def number_of(cell: str) -> Number | None:
    """The number that a cell says; None if it says none, or digits that are a name (leading zeros, very many).

    >>> number_of("1,234"), number_of("12.5%"), number_of("(3.50)"), number_of("$(0.14)")
    (Number(value=1234, unit=''), Number(value=12.5, unit='%'), Number(value=-3.5, unit=''), Number(value=-0.14, unit='$'))
    >>> number_of("2.1亿元"), number_of("￥3万"), number_of("5 km"), number_of("007")
    (Number(value=210000000, unit='元'), Number(value=30000, unit='¥'), Number(value=5, unit='km'), None)
    """
    found = _NUMBER.fullmatch(cell.strip())
    if found is None or bool(found["open"]) + bool(found["inner"]) != bool(found["close"]):
        return None
    body = found["body"].replace(",", "").replace("，", "")
    whole = body.partition(".")[0]
    if (len(whole) > 1 and whole[0] == "0") or len(body) > DIGITS + 6 or (len(whole) > DIGITS and not found["power"]):
        return None
    before, after = (found["before"] or "").replace("￥", "¥"), found["after"] or found["percent"] or ""
    factor, unit = _scaled(after, bool(before))
    if before and unit and unit not in ("元", "圆"):
        return None
    value: int | float = int(body) if body.isdigit() and not found["power"] else float(body + (found["power"] or ""))
    if value in (float("inf"), float("-inf")):
        return None
    if factor > 1:
        scaled = round(value * factor, 6)
        value = int(scaled) if scaled == int(scaled) else scaled
    is_negative = bool(found["close"]) or found["sign"] in ("-", "−") or bool(found["late"])
    return Number(-value if is_negative else value, before or unit)


def _scaled(after: str, is_money: bool) -> tuple[int, str]:
    """The factor and the unit in what stands behind a number."""
    if not after:
        return 1, ""
    if is_money and after.lower() in MONEY_SCALES:
        return MONEY_SCALES[after.lower()], ""
    if found := _SCALE.match(after):
        rest = after[found.end() :]
        ends_word = not found.group().isascii() or not rest[:1].isascii() or not rest[:1].isalpha()
        if ends_word and not (found.group() in "十百千" and rest[:1] in ("米", "克", "瓦", "分", "帕", "卡")):
            return SCALES[found.group().lower()], rest.strip()
    return 1, after


def date_of(cell: str) -> str | None:
    """The date that a cell says, as ISO 8601 with a blank before the time; None if it says none.

    >>> date_of("2024年1月5日"), date_of("2024/1/5"), date_of("2024-01"), date_of("Jan. 5, 2024"), date_of("2024-13-01")
    ('2024-01-05', '2024-01-05', '2024-01', '2024-01-05', None)
    >>> date_of("2024-01-05T08:30:00Z")
    '2024-01-05 08:30:00'
    """
    said = cell.strip()
    if found := _DATE.fullmatch(said):
        year, month, day = int(found["year"]), found["month"] or found["zhmonth"], found["day"] or found["zhday"]
        if found["mark"] and not day and (found["mark"] != "-" or len(month) != 2):
            return None  # 1234.5 and 2024/5 are other things
        return _iso(year, int(month), int(day) if day else 0, found["time"] or "")
    if found := _ENGLISH_DATE.fullmatch(said):
        month = _MONTHS[(found["name"] or found["other"]).lower()]
        return _iso(int(found["year"]), month, int(found["day"] or found["first"]), "")
    return None


def _iso(year: int, month: int, day: int, time: str) -> str | None:
    try:
        date(year, month, day or 1)
    except ValueError:
        return None
    if time and not day:
        return None
    hours, _, rest = time.partition(":")
    if time and int(hours) > 23:
        return None
    if rest and ":" not in rest:
        rest += ":00"
    return f"{year:04}-{month:02}" + (f"-{day:02}" if day else "") + (f" {int(hours):02}:{rest}" if time else "")


def value_of(cell: str, kind: Kind) -> Value:
    """The value of a cell in a column of this kind; a cell that does not fit its column stays the text that it is.

    >>> value_of("1,234", "integer"), value_of("2024/1/5", "date"), value_of("—", "real"), value_of("circa 3", "real")
    (1234, '2024-01-05', None, 'circa 3')
    """
    if kind == "text":
        return None if is_missing(cell) else cell
    if is_missing(cell, vague=True):
        return None
    if kind == "date":
        return date_of(cell) or cell
    try:
        return (
            int(cell) if kind == "integer" and cell.isascii() and cell[:1] not in "0+ _" and "_" not in cell else _number(cell)
        )
    except ValueError:
        return _number(cell)


def _number(cell: str) -> Value:
    found = number_of(cell)
    return cell if found is None else found.value
