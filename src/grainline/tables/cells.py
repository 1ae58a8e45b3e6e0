"""Rules that read what stands in cells: values, parts of them, numbers and dates that a column equals."""

from __future__ import annotations

from grainline.tables.conditions import NAMES, year_column
from grainline.tables.paths import Ref
from grainline.tables.reading import Reading

#: how sure a number is meant to be in a column where it is not
ABSENT = 0.6
#: mentions that may stand between what a cell holds and the column in Chinese
REACH = 3


def read_patterns(reading: Reading) -> None:
    """Cells that hold, start or end with something."""
    for place in list(reading.unused("like")):
        value = reading.near(place, 1, ("value", "word"), 1)
        if value is None:
            continue
        column = reading.near(value, 1, NAMES, 1 if reading.mentions[place].text.isascii() else REACH)
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
            if column < value or reading.mentions[place].text.isascii():
                reading.take(column)  # else it is what is asked for: 含有“East”的备注
        pattern = {"holds": f"%{said}%", "starts": f"{said}%", "ends": f"%{said}"}[reading.mentions[place].said]
        reading.add(ref, "like", pattern, place)
        reading.take(place, value)


def read_cells(reading: Reading) -> None:
    """What stands in cells: "citizenship is not France", "from France", "named Kyle"."""
    for place in list(reading.unused("value")):
        one = reading.mentions[place]
        _agree(reading, place)
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
    return (
        before in ("does", "do", "did", "has", "have", "by") or after in ("'s", "’s", "have", "has") or after.startswith("有")
    )


def _agree(reading: Reading, place: int) -> None:
    """Let values that stand side by side be of one table where they can: a first and a last name."""
    if place + 1 < len(reading.mentions) and reading.mentions[place + 1].kind == "value":
        left, right = reading.mentions[place], reading.mentions[place + 1]
        shared = [table for table, *_ in left.columns if any(table == other for other, *_ in right.columns)]
        for one in (left, right):
            one.columns = tuple(found for found in one.columns if found[0] in shared) or one.columns


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


def read_numbers(reading: Reading) -> None:
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
            ref = _same_as_before(reading, place) or year_column(reading, place)
        if ref is None:
            continue
        if reading.column(ref).kind != "date" and not reading.holds(ref, one.value):
            reading.doubts.append(ABSENT)
        reading.add(ref, "!=" if _negation(reading, place, left, ref) else "=", one.value, place)
        reading.take(place)


def _same_as_before(reading: Reading, place: int) -> Ref | None:
    """The column of the number before: "in 2014 or 2015"."""
    before = [mention for mention in reading.mentions[:place] if mention.kind not in ("light",)]
    if len(before) < 2 or before[-1].kind not in ("or", "and") or before[-2].kind != "number" or not reading.form.filters:
        return None
    return reading.form.filters[-1][0].item.ref
