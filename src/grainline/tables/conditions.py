"""Rules that read which rows are meant: comparisons, extremes, cells, patterns in cells, and what is not there."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta

from grainline.tables.paths import Ref
from grainline.tables.query import Filter, Form, Item
from grainline.tables.reading import YEARS, Reading
from grainline.tables.words import MEASURES

NAMES = ("column",)
#: words of Chinese behind what is counted
_COUNTED = ("数量", "人数", "个数", "数目", "总数", "次数", "条数", "的数量", "的人数", "的个数")


def read_conditions(reading: Reading) -> None:
    """Explain all mentions that narrow the rows."""
    _limits(reading)
    read_dates(reading)
    _ranges(reading)
    _comparisons(reading)


def _limits(reading: Reading) -> None:
    """The top 3; the 3 oldest; 前三名."""
    for place in reading.unused("extreme", "most", "commonest"):
        at = next((at for at in (place + 1, place - 1) if 0 <= at < len(reading.mentions) and _counts(reading, at)), None)
        if at is not None:
            reading.form.limit = int(reading.mentions[at].value)
            reading.take(at)
            return
    for at in reading.unused("number"):
        before = reading.mentions[at - 1] if at else None
        if before is not None and before.text in ("前", "第") and _counts(reading, at):
            reading.form.limit = int(reading.mentions[at].value)
            reading.take(at, at - 1)


def _counts(reading: Reading, at: int) -> bool:
    one = reading.mentions[at]
    return one.kind == "number" and not one.used and isinstance(one.value, int) and 0 < one.value <= 1000


def _ranges(reading: Reading) -> None:
    """A column between two numbers."""
    for place in list(reading.unused("between", "between after")):
        low = (
            reading.near(place, 1, ("number",), 2) if reading.mentions[place].kind == "between" else _two_before(reading, place)
        )
        high = reading.near(low, 1, ("number",), 3) if low is not None else None
        if low is None or high is None:
            continue
        ref = _left_column(reading, min(place, low)) or _right_column(reading, high) or year_column(reading, low)
        if ref is None:
            continue
        reading.add(ref, "between", (reading.mentions[low].value, reading.mentions[high].value), place)
        reading.take(*reading.unused("between after"))
        reading.take(place, low, high, *(at for at in range(low, high) if reading.mentions[at].kind == "and"))


def _two_before(reading: Reading, place: int) -> int | None:
    """Where the first of two numbers stands that come before 之间."""
    high = reading.near(place, -1, ("number",), 1)
    return reading.near(high, -1, ("number",), 1, ("and",)) if high is not None else None


def read_dates(reading: Reading) -> None:
    """Months and days: in March 2023, after 2022-05-01, between two of them."""
    places = [place for place in reading.unused("date") if isinstance(reading.mentions[place].value, str)]
    for place in places:
        if reading.mentions[place].used:
            continue
        ref = _left_date(reading, place) or reading.date_column(place)
        if ref is None:
            continue
        value = reading.mentions[place].value
        compare = reading.near(place, -1, ("compare", "between"), 1)
        if compare is None:
            compare = reading.near(place, 1, ("compare after", "between after"), 2)
        other = next((at for at in places if at > place and at - place <= 3), None)
        if other is not None and not _is_range(reading, place, other, compare):
            reading.doubts.append(0.5)  # two months, not what lies between them
            other = None
        if other is not None:
            reading.add(ref, ">=", value, place)
            reading.add(ref, "<", _next(reading.mentions[other].value), place)
            reading.take(other, *(at for at in range(place, other) if reading.mentions[at].kind == "and"))
        elif compare is not None and (operator := reading.mentions[compare].said.partition(" ")[0]):
            operator, value = {">": (">=", _next(value)), "<=": ("<", _next(value))}.get(operator, (operator, value))
            reading.add(ref, operator, value, place)
        else:
            reading.add(ref, "like", f"{value}%", place)
        reading.take(place, *([compare] if compare is not None else []))


def _is_range(reading: Reading, place: int, other: int, compare: int | None) -> bool:
    """Whether two dates are the ends of a time."""
    joined = {one.text.lower() for one in reading.mentions[place + 1 : other]}
    return bool(joined & {"to", "until", "through", "到", "至", "-", "~"}) or (
        compare is not None and reading.mentions[compare].kind in ("between", "between after")
    )


def _left_date(reading: Reading, place: int) -> Ref | None:
    at = reading.near(place, -1, NAMES, 1, ("compare", "between"))
    if at is None or not reading.holds_dates(ref := reading.ref(at)):
        return None
    reading.take(at)
    return ref


def _next(value: str) -> str:
    """The first month or day that is after all of a month or day, as far as texts compare."""
    year, month, *day = (int(part) for part in value.split("-"))
    if day:
        following = date(year, month, min(day[0], monthrange(year, month)[1])) + timedelta(days=1)
        return following.isoformat()
    return f"{year + month // 12:04}-{month % 12 + 1:02}"


def _left_column(reading: Reading, place: int) -> Ref | None:
    at = reading.near(place, -1, NAMES)
    if at is None:
        return None
    reading.take(at)
    return reading.ref(at)


def _right_column(reading: Reading, place: int) -> Ref | None:
    at = reading.near(place, 1, NAMES)
    if at is None or not reading.is_number(ref := reading.ref(at)):
        return None
    reading.take(at)
    return ref


def year_column(reading: Reading, place: int) -> Ref | None:
    """The column that a bare year speaks of, if the number at a place may be one."""
    return reading.year_column(place) if is_a_year(reading.mentions[place].value) else None


def is_a_year(value: object) -> bool:
    """Whether a number may be a year."""
    return isinstance(value, int) and YEARS[0] <= value <= YEARS[1]


def _comparisons(reading: Reading) -> None:
    """A column compared with a number, a mean or an extreme; how many of something there are."""
    for place in list(reading.unused("compare", "compare after")):
        one = reading.mentions[place]
        operator, _, concept = one.said.partition(" ")
        if not operator:
            continue
        concept = concept or _unit(reading, place)
        if one.kind == "compare after":
            number = reading.near(place, -1, ("number",), 2)
        else:
            number = reading.near(place, 1, ("number",), 1)
            if number is None and (at := reading.near(place, 1, ("column", "table", "order"), 1)) is not None:
                number = reading.near(at, 1, ("number",), 1)  # above age 20
        if number is not None:
            _compare_number(reading, place, number, operator, concept)
        elif (at := reading.near(place, 1, ("aggregate",), 1)) is not None:
            _compare_aggregate(reading, place, at, operator, concept)


def _unit(reading: Reading, place: int) -> str:
    """What the unit behind a number nearby says of the column: 20岁以上."""
    return "age" if any(one.text == "岁" for one in reading.mentions[max(0, place - 1) : place + 3]) else ""


def _compare_number(reading: Reading, place: int, number: int, operator: str, concept: str) -> None:
    value = reading.mentions[number].value
    first, last = min(place, number), max(place, number)
    ref: Ref | None = None
    between = [at for at in range(first + 1, last) if reading.mentions[at].kind == "column" and not reading.mentions[at].used]
    if concept and _unit(reading, place) and (found := reading.concept(concept, place)):
        ref, inverted = found
        operator = {">": "<", "<": ">"}.get(operator, operator) if inverted else operator
    elif between:
        ref = reading.ref(between[0])
        reading.take(between[0])
    elif (right := reading.near(last, 1, ("table",), 1)) is not None and right == last + 1:
        _having(reading, right, operator, value)
        reading.take(place, number, right)
        return
    elif one_left := _left_column_of_number(reading, first):
        ref = one_left
    elif concept and (found := reading.concept(concept, place)):
        ref, inverted = found
        operator = {">": "<", "<": ">"}.get(operator, operator) if inverted else operator
        if (unit := reading.near(last, 1, NAMES, 1)) is not None and reading.ref(unit) == ref:
            reading.take(unit)
    elif (left := _counted_left(reading, first, last)) is not None:
        _having(reading, left, operator, value)
        reading.take(place, number, left)
        return
    elif (right := reading.near(last, 1, ("table", "column"), 1)) is not None and _is_counted(reading, right):
        _having(reading, right, operator, value)
        reading.take(place, number, right)
        return
    else:
        ref = _right_column(reading, last) or year_column(reading, number)
    if ref is None and (aged := _aged(reading, place, value)) is not None:
        ref = aged
    if ref is None and (left := reading.near(first, -1, ("table",), 2)) is not None and _counts_before(reading, left):
        _having(reading, left, operator, value)
        reading.take(place, number, left)
        return
    if ref is not None and (whole := _summed(reading, ref, last)) is not None:
        reading.form.tables.append(ref.table)
        reading.form.having.append(Filter(Item(ref, "sum"), operator, value))
        reading.take(place, number, whole)
    elif ref is not None:
        reading.add(ref, operator, value, place)
        reading.take(place, number)


def _aged(reading: Reading, place: int, value: object) -> Ref | None:
    """The age of what is asked for, where only a number is said: "patients over 60"."""
    is_age = isinstance(value, int) and 0 < value < 120 and reading.mentions[place].text in ("over", "under", "above", "below")
    found = reading.concept("age") if is_age else None
    return found[0] if found and not found[1] and reading.entity and found[0].table == reading.entity.sql else None


def _summed(reading: Reading, ref: Ref, last: int) -> int | None:
    """Where it is said that what belongs to a thing is compared all together: "spent more than 40 in total"."""
    if reading.entity is None or ref.table == reading.entity.sql:
        return None
    sums = [place for place in reading.unused("aggregate") if reading.mentions[place].said == "sum"]
    return next((place for place in sums if abs(place - last) <= 4), None)


def _counted_left(reading: Reading, first: int, last: int) -> int | None:
    """Where the thing stands of which there are so many: 员工超过2人, 员工人数超过2人."""
    behind = reading.mentions[last + 1] if last + 1 < len(reading.mentions) else None
    if first and reading.mentions[first - 1].kind == "count" and reading.mentions[first - 1].text in _COUNTED:
        left = reading.near(first - 1, -1, ("table",), 1)
        if left is not None and left == first - 2:
            reading.take(first - 1)
            return left
    return reading.near(first, -1, ("table",), 1) if behind is not None and re.fullmatch(MEASURES, behind.text) else None


def _counts_before(reading: Reading, left: int) -> bool:
    """Whether "number of TABLE is more than 3" is said."""
    return left > 0 and any(one.kind == "count" and not one.used for one in reading.mentions[max(0, left - 2) : left])


def _left_column_of_number(reading: Reading, place: int) -> Ref | None:
    at = reading.near(place, -1, NAMES, 1)
    if at is None:
        return None
    ref, after = reading.ref(at), reading.mentions[place : place + 2]
    is_year = any(one.kind == "number" and is_a_year(one.value) for one in after) and reading.holds_dates(ref)
    if not is_year and not reading.is_number(ref):
        return None
    reading.take(at)
    return ref


def _is_counted(reading: Reading, place: int) -> bool:
    """Whether a number of what stands here is meant, rather than a value: "more than 3 songs", not "more than 4 cylinders"."""
    one = reading.mentions[place]
    if one.kind == "table":
        return True
    return not any(reading.is_number(Ref(table.sql, column.sql)) for table, column, _ in one.columns)


def _having(reading: Reading, place: int, operator: str, value: object) -> None:
    one = reading.mentions[place]
    if one.kind == "table":
        table = reading.table(place)
        reading.form.tables.append(table.sql)
        reading.form.having.append(Filter(Item(None, "count"), operator, value))
    else:
        reading.form.having.append(Filter(Item(reading.ref(place), "count", True), operator, value))


def _compare_aggregate(reading: Reading, place: int, at: int, operator: str, concept: str) -> None:
    """Above the average age."""
    right = reading.near(at, 1, NAMES, 1)
    left = reading.near(place, -1, NAMES, 1)
    found = reading.concept(concept, place) if concept and right is None else None
    chosen = right if right is not None else left
    if found is not None:
        ref = found[0]
    elif chosen is None:
        return
    else:
        ref = reading.ref(chosen)
        reading.take(chosen)
        if left is not None and left != chosen and reading.ref(left) == ref:
            reading.take(left)
    inner = Form(select=[Item(ref, reading.mentions[at].said)])
    reading.add(ref, operator, inner, place)
    reading.take(place, at)
