"""Rules that read which rows are meant: comparisons, extremes, cells, patterns in cells, and what is not there."""

from __future__ import annotations

import re

from grainline.tables.paths import Ref
from grainline.tables.query import Filter, Form, Item
from grainline.tables.reading import YEARS, Reading
from grainline.tables.schema import Table
from grainline.tables.words import MEASURES

NAMES = ("column",)


def read_conditions(reading: Reading) -> None:
    """Explain all mentions that narrow the rows."""
    _limits(reading)
    _ranges(reading)
    _comparisons(reading)
    _patterns(reading)
    _cells(reading)
    _numbers(reading)


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
    for place in list(reading.unused("between")):
        low = reading.near(place, 1, ("number",), 2)
        high = reading.near(low, 1, ("number",), 3) if low is not None else None
        if low is None or high is None:
            continue
        ref = _left_column(reading, place) or _right_column(reading, high) or _year(reading, low)
        if ref is None:
            continue
        reading.add(ref, "between", (reading.mentions[low].value, reading.mentions[high].value), place)
        reading.take(place, low, high, *(at for at in range(low, high) if reading.mentions[at].kind == "and"))


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


def _year(reading: Reading, place: int) -> Ref | None:
    value = reading.mentions[place].value
    is_year = isinstance(value, int) and YEARS[0] <= value <= YEARS[1]
    return reading.year_column(place) if is_year else None


def _comparisons(reading: Reading) -> None:
    """A column compared with a number, a mean or an extreme; how many of something there are."""
    for place in list(reading.unused("compare", "compare after")):
        one = reading.mentions[place]
        operator, _, concept = one.said.partition(" ")
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


def _compare_number(reading: Reading, place: int, number: int, operator: str, concept: str) -> None:
    value = reading.mentions[number].value
    first, last = min(place, number), max(place, number)
    ref: Ref | None = None
    between = [at for at in range(first + 1, last) if reading.mentions[at].kind == "column" and not reading.mentions[at].used]
    if between:
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
        ref = _right_column(reading, last) or _year(reading, number)
    if ref is None and (left := reading.near(first, -1, ("table",), 2)) is not None and _counts_before(reading, left):
        _having(reading, left, operator, value)
        reading.take(place, number, left)
        return
    if ref is not None:
        reading.add(ref, operator, value, place)
        reading.take(place, number)


def _counted_left(reading: Reading, first: int, last: int) -> int | None:
    """Where the thing stands of which there are so many: 员工超过2人."""
    behind = reading.mentions[last + 1] if last + 1 < len(reading.mentions) else None
    return reading.near(first, -1, ("table",), 1) if behind is not None and re.fullmatch(MEASURES, behind.text) else None


def _counts_before(reading: Reading, left: int) -> bool:
    """Whether "number of TABLE is more than 3" is said."""
    return left > 0 and any(one.kind == "count" and not one.used for one in reading.mentions[max(0, left - 2) : left])


def _left_column_of_number(reading: Reading, place: int) -> Ref | None:
    at = reading.near(place, -1, NAMES, 1)
    if at is None or not reading.is_number(ref := reading.ref(at)):
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


def _patterns(reading: Reading) -> None:
    """Cells that hold, start or end with something."""
    for place in list(reading.unused("like")):
        value = reading.near(place, 1, ("value", "word"), 1)
        if value is None:
            continue
        column = reading.near(value, 1, NAMES, 1)
        if column is None:
            column = reading.near(place, -1, NAMES, 1)
        said = reading.mentions[value].value or reading.mentions[value].text
        if column is None:
            shown = reading.display(reading.entity) if reading.entity else None
            if shown is None:
                continue
            ref = shown
        else:
            ref = reading.ref(column)
            reading.take(column)
        pattern = {"holds": f"%{said}%", "starts": f"{said}%", "ends": f"%{said}"}[reading.mentions[place].said]
        reading.add(ref, "like", pattern, place)
        reading.take(place, value)


def _cells(reading: Reading) -> None:
    """What stands in cells: "citizenship is not France", "from France", "named Kyle"."""
    for place in list(reading.unused("value")):
        one = reading.mentions[place]
        named = reading.near(place, -1, NAMES, 2)
        own = {(table.sql, column.sql) for table, column, _ in one.columns}
        ref = None
        if named is not None:
            possible = [(t, c, s) for t, c, s in reading.mentions[named].columns if (t.sql, c.sql) in own]
            if possible:
                ref = _first_of(reading, named, own)
                reading.take(named)
            elif not own and _says_which(reading, named, place):
                ref = reading.ref(named)
                reading.take(named)
        if ref is None and own:
            if _owns(reading, place):
                one.columns = tuple(found for found in one.columns if found[0] != reading.entity) or one.columns
            after = reading.near(place, 1, NAMES, 1)
            if after is not None and any((t.sql, c.sql) in own for t, c, _ in reading.mentions[after].columns):
                ref = _first_of(reading, after, own)
                reading.take(after)
            else:
                ref = reading.ref(place)
        if ref is None and (after := reading.near(place, 1, NAMES, 1)) is not None:
            ref = reading.ref(after)
            reading.take(after)
        if ref is None:
            continue
        negated = _negation(reading, place, named, ref)
        reading.add(ref, "!=" if negated else "=", one.value, place)
        reading.take(place)


def _owns(reading: Reading, place: int) -> bool:
    """Whether a value is said to have what is asked for: "how many albums does Iron Maiden have", Iron Maiden's albums."""
    before = reading.mentions[place - 1].text.lower() if place else ""
    after = reading.mentions[place + 1].text.lower() if place + 1 < len(reading.mentions) else ""
    return before in ("does", "do", "did", "has", "have", "by") or after in ("'s", "’s", "have", "has", "有")


def _first_of(reading: Reading, named: int, own: set[tuple[str, str]]) -> Ref | None:
    """The column that a mention means among those whose cells hold a value."""
    one = reading.mentions[named]
    kept = one.columns
    one.columns = tuple((table, column, score) for table, column, score in kept if (table.sql, column.sql) in own)
    ref = reading.ref(named)
    one.columns = kept
    return ref


def _says_which(reading: Reading, named: int, place: int) -> bool:
    """Whether a column before a value says of what the value is, rather than what is asked for: nothing but "is", "of the" between."""
    between = [one.text.lower() for one in reading.mentions[named + 1 : place] if one.kind == "light"]
    return not (
        {"in", "for", "from", "with", "by", *(() if reading.mentions[place].kind == "number" else ("of", "的"))} & set(between)
    )


def _negation(reading: Reading, place: int, named: int | None, ref: Ref) -> bool:
    """Whether a value is refused by the words right before it."""
    at = reading.near(place, -1, ("not",), 2)
    if at is None and named is not None:
        at = reading.near(named, -1, ("not",), 1)
    is_other = reading.entity is not None and ref.table != reading.entity.sql
    if at is None or is_other or any(one.kind == "table" for one in reading.mentions[at:place]):
        return False  # none of the things with that value, rather than those with another
    reading.take(at)
    return True


def _numbers(reading: Reading) -> None:
    """Numbers that a column equals: "grade 10", "4 cylinders", "in 2014"."""
    for place in list(reading.unused("number")):
        one = reading.mentions[place]
        if one.said == "word" and one.value == 1:
            continue
        left = reading.near(place, -1, NAMES, 1)
        right = reading.near(place, 1, NAMES, 1)
        ref: Ref | None = None
        if left is not None and reading.is_number(found := reading.ref(left)) and _says_which(reading, left, place):
            ref = found
            reading.take(left)
        elif right is not None and reading.is_number(found := reading.ref(right)):
            ref = found
            reading.take(right)
        else:
            ref = _same_as_before(reading, place) or _year(reading, place)
        if ref is None:
            continue
        reading.add(ref, "!=" if _negation(reading, place, left, ref) else "=", one.value, place)
        reading.take(place)


def _same_as_before(reading: Reading, place: int) -> Ref | None:
    """The column of the number before: "in 2014 or 2015"."""
    before = [mention for mention in reading.mentions[:place] if mention.kind not in ("light",)]
    if len(before) < 2 or before[-1].kind not in ("or", "and") or before[-2].kind != "number" or not reading.form.filters:
        return None
    return reading.form.filters[-1][0].item.ref


def combine(reading: Reading) -> None:
    """Conditions on one column that cannot both hold of a row: either is enough, or both must be found among the rows asked for."""
    form = reading.form
    by_ref: dict[Ref, list[list[Filter]]] = {}
    for group in form.filters:
        if group[0].item.ref and not group[0].item.aggregate:
            by_ref.setdefault(group[0].item.ref, []).append(group)
    for ref, groups in by_ref.items():
        if len(groups) < 2 or not _clash(groups):
            continue
        places = [reading.places[id(group)] for group in groups]
        joined = [one for one in reading.mentions[min(places) : max(places)] if one.kind in ("or", "and")]
        is_own = reading.entity is not None and ref.table == reading.entity.sql
        equal = all(group[0].operator == "=" for group in groups)
        if any(one.kind == "or" for one in joined) or (equal and is_own and not any(reading.unused("both"))):
            form.filters = [group for group in form.filters if not any(group is other for other in groups)]
            form.filters.append([one for group in groups for one in group])
        elif len(groups) == 2:
            reading.form.combined = ("intersect", Form(filters=[groups[1]]))
            form.filters = [group for group in form.filters if group is not groups[1]]
        for one in reading.mentions:
            if one.kind in ("both", "or"):
                one.used = True
    _alternatives(reading)


def _alternatives(reading: Reading) -> None:
    """Conditions on two columns with "or" between them."""
    form = reading.form
    for place in list(reading.unused("or")):
        before = [group for group in form.filters if id(group) in reading.places and reading.places[id(group)] < place]
        after = [group for group in form.filters if id(group) in reading.places and reading.places[id(group)] > place]
        if before and after:
            left, right = max(before, key=lambda g: reading.places[id(g)]), min(after, key=lambda g: reading.places[id(g)])
            form.filters = [group for group in form.filters if group is not left and group is not right]
            form.filters.append([*left, *right])
            reading.take(place)


def _clash(groups: list[list[Filter]]) -> bool:
    operators = sorted(one.operator for group in groups for one in group)
    if operators == ["=", "="] or set(operators) == {"="}:
        return True
    if len(groups) == 2 and operators in (["<", ">"], ["<=", ">"], ["<", ">="], ["<=", ">="]):
        low, high = (one for group in groups for one in group)
        if low.operator.startswith("<"):
            low, high = high, low
        return not isinstance(low.value, Form) and not isinstance(high.value, Form) and low.value >= high.value
    return False


def absent(reading: Reading) -> None:
    """Rows that nothing in another table belongs to: "stadiums without a concert in 2014"."""
    entity = reading.entity
    if entity is None:
        return
    for place in list(reading.unused("not")):
        at = reading.near(place, 1, ("table",), 2)
        behind = [group for group in reading.form.filters if reading.places.get(id(group), -1) > place]
        others = [group for group in behind if (ref := group[0].item.ref) and ref.table != entity.sql]
        other: Table | None = reading.table(at) if at is not None and at > place else None
        if other is None and others and (ref := others[0][0].item.ref):
            other = reading.tables[ref.table]
        if other is None or other == entity:
            continue
        steps = reading.paths.tree([other.sql, entity.sql])
        if not steps:
            continue
        last = steps[-1]
        inner = Form(select=[Item(last.left)], tables=[other.sql], filters=others)
        reading.form.filters = [group for group in reading.form.filters if not any(group is one for one in others)]
        reading.form.filters.append([Filter(Item(last.right), "not in", inner)])
        reading.take(place, *([at] if at is not None else []))
