"""A question to tables read by rules: conditions first, then order, groups and what is counted; what is left over is shown.

Which words mean what is found by `linking`; here they are put together. What no rule explains lowers the confidence, so that a reading
which would answer another question than the one that was asked can be declined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from grainline.tables.conditions import absent, combine, read_conditions
from grainline.tables.linking import Mention
from grainline.tables.naming import IDENTIFYING, pieces
from grainline.tables.orders import first_by, read_extremes, read_orders
from grainline.tables.paths import Paths, Ref
from grainline.tables.query import Filter, Form, Item
from grainline.tables.reading import Held, Reading
from grainline.tables.schema import Column, Table

#: how much an unexplained mention lowers the confidence: a word, one of Chinese, a name or number, what asks or compares, what only joins
WORD, CHINESE, TELLING, ROLE, JOINING = 0.8, 0.6, 0.5, 0.4, 0.93
_JOINING = ("and", "or", "distinct", "each", "order", "both")


@dataclass(frozen=True, slots=True)
class Understood:
    """A form, how sure it is from 0 to 1, and the words of the question that it does not explain."""

    form: Form
    confidence: float
    left_out: tuple[str, ...]


def read(
    mentions: list[Mention], tables: Sequence[Table], paths: Paths, held: Callable[[Table, Column], Held | None]
) -> Understood | None:
    """What a question asks of tables; None if no table or column of theirs is in it."""
    reading = Reading(mentions, tables, paths, held)
    _choose_entity(reading)
    read_conditions(reading)
    read_extremes(reading)
    read_orders(reading)
    _groups(reading)
    _aggregates(reading)
    _counts(reading)
    _asked_by_word(reading)
    _shown(reading)
    combine(reading)
    absent(reading)
    if not _assemble(reading):
        return None
    return _judged(reading)


def _choose_entity(reading: Reading) -> None:
    """The first table named, other than those that are only counted or refused."""
    named = [place for place, one in enumerate(reading.mentions) if one.kind == "table"]
    for place in named:
        before = [one.kind for one in reading.mentions[max(0, place - 2) : place]]
        if not {"most", "not", "compare"} & set(before) and not ("count" in before and len(named) > 1):
            reading.entity = reading.table(place)
            return
    votes: dict[Table, float] = {}
    for one in reading.mentions:
        for table, _, score in one.columns if one.kind in ("column", "value") else ():
            votes[table] = votes.get(table, 0.0) + score
    if votes:
        reading.entity = max(votes, key=lambda table: votes[table])
    elif named:
        reading.entity = reading.table(named[0])


def _groups(reading: Reading) -> None:
    """For each of something."""
    for place, one in enumerate(reading.mentions):
        if one.text.lower() == "by" and place + 1 < len(reading.mentions) and _is_worked_out(reading):
            after = reading.mentions[place + 1]
            if after.kind in ("column", "table") and not after.used:
                one.kind = "each"
    for place in list(reading.unused("each")):
        at = reading.near(place, 1, ("column", "table"), 1)
        if at is None:
            continue
        one = reading.mentions[at]
        if one.kind == "column":
            ref = reading.ref(at)
            reading.form.group.append(ref)
            if ref not in [item.ref for item in reading.form.select]:
                reading.form.select.append(Item(ref))
            reading.take(at)
        elif _asks_for_groups(reading):
            table = reading.table(at)
            reading.form.group.append(reading.key(table))
            reading.entity = table
            reading.take(at)
        reading.take(place)


def _is_worked_out(reading: Reading) -> bool:
    return any(one.kind in ("count", "aggregate") for one in reading.mentions)


def _asks_for_groups(reading: Reading) -> bool:
    return any(one.kind in ("count", "aggregate") or (one.kind in ("extreme", "most")) for one in reading.mentions)


def _counts(reading: Reading) -> None:
    """How many."""
    for place in list(reading.unused("count")):
        whole = reading.near(place, -1, ("aggregate",), 1)
        if whole is not None and reading.mentions[whole].said == "sum":
            reading.take(whole)  # 一共 … 多少
        distinct = reading.mentions[place].said == "distinct"
        before = reading.mentions[place - 1] if place else None
        if before is not None and before.kind == "word" and reading.mentions[place].text.startswith("number"):
            reading.doubts.append(0.4)  # "phone number of"
        at = reading.near(place, 1, ("table", "column"), 1)
        if at is None and not reading.mentions[place].text.isascii():
            at = reading.near(place, -1, ("table", "column"), 1)
        if at is None:
            if _repeated(reading, place):
                continue
            reading.form.select.append(Item(None, "count"))
            if place + 1 < len(reading.mentions) and reading.mentions[place + 1].kind == "word":
                reading.doubts.append(0.4)  # "how many loyalty points"
        elif reading.mentions[at].kind == "table":
            table = reading.table(at)
            reading.form.tables.append(table.sql)
            reading.form.select.append(Item(None, "count"))
            reading.take(at)
        else:
            _count_column(reading, at, distinct)
            reading.take(at)
        reading.take(place)


def _repeated(reading: Reading, place: int) -> bool:
    """Whether a count is only said again ("有多少…的数量")."""
    if any(item.aggregate == "count" for item in reading.form.select):
        reading.take(place)
        return True
    return False


def _count_column(reading: Reading, at: int, distinct: bool) -> None:
    """How many different values; where a column holds numbers, what they are."""
    ref = reading.ref(at)
    is_code = bool(IDENTIFYING & set(pieces(reading.column(ref).name)))
    is_asked = not distinct and not is_code and reading.is_number(ref) and (reading.form.filters or reading.form.order)
    if is_asked:
        reading.form.select.append(Item(ref))
        return
    near = [one.kind for one in reading.mentions[max(0, at - 2) : at]]
    reading.form.select.append(Item(ref, "count", distinct or "distinct" in near or not reading.form.group))


def _aggregates(reading: Reading) -> None:
    """The mean, sum, largest and smallest of a column, several of them at once."""
    for place in list(reading.unused("aggregate")):
        if reading.mentions[place].used:
            continue
        at = reading.near(place, 1, ("column",), 1, ("and", "aggregate", "count"))
        if at is None:
            at = reading.near(place, -1, ("column",), 1)
        if at is None and (known := _last_aggregated(reading)) is not None:
            reading.form.select.append(Item(known, reading.mentions[place].said))
            reading.take(place)
            continue
        if at is None and reading.mentions[place].said == "sum":
            _sum_of_table(reading, place)
        if at is None:
            continue
        if _is_extreme(reading, place, at):
            ref = reading.ref(at)
            if not any(one.kind == "column" and not one.used for one in reading.mentions[:place]):
                reading.form.select.append(Item(ref))
            reading.take(at)
            first_by(reading, Item(ref), reading.mentions[place].said == "max", place)
            continue
        names = [place, *(other for other in range(place + 1, at) if reading.mentions[other].kind == "aggregate")]
        refs = [reading.ref(at)]
        used = [at]
        while (joined := reading.near(used[-1], 1, ("and",), 1)) is not None:
            following = reading.near(joined, 1, ("column",), 1)
            if following is None or following != joined + 1 or not reading.is_number(other := reading.ref(following)):
                break
            if other in reading.form.group:
                break
            refs.append(other)
            used.append(following)
        reading.take(*(other for other in range(place + 1, at) if reading.mentions[other].kind == "count"))
        reading.form.select += [Item(ref, reading.mentions[name].said) for name in names for ref in refs]
        if not all(reading.is_number(ref) for ref in refs) and any(
            reading.mentions[name].said in ("avg", "sum") for name in names
        ):
            reading.doubts.append(0.3)
        reading.take(*names, *used)


def _sum_of_table(reading: Reading, place: int) -> None:
    """The total of invoices is the sum of what each comes to."""
    table = reading.near(place, 1, ("table",), 1)
    if table is None or (found := reading.concept("amount")) is None or found[0].table != reading.table(table).sql:
        return
    reading.form.select.append(Item(found[0], "sum"))
    reading.doubts.append(0.9)
    reading.take(place, table)


def _is_extreme(reading: Reading, place: int, at: int) -> bool:
    """Whether a largest value tells which row is meant: something else is shown of it, and nothing is grouped."""
    if reading.mentions[place].said not in ("max", "min") or reading.form.group or reading.form.order:
        return False
    around = [one for other, one in enumerate(reading.mentions) if other != at and not one.used]
    if any(one.kind in ("aggregate", "each", "count") for one in around if one is not reading.mentions[place]):
        return False
    return any(one.kind == "column" and not reading.is_number(reading.ref(reading.mentions.index(one))) for one in around)


def _last_aggregated(reading: Reading) -> Ref | None:
    return next((item.ref for item in reversed(reading.form.select) if item.aggregate not in ("", "count")), None)


def _asked_by_word(reading: Reading) -> None:
    """What an asking word asks for where no column is named: how old, when."""
    for place, one in enumerate(reading.mentions):
        if one.kind == "asks" and not one.used and not any(reading.unused("column")) and (found := reading.concept(one.said)):
            reading.form.select.append(Item(found[0]))
        if one.kind == "asks":
            reading.take(place)


def _shown(reading: Reading) -> None:
    """What is left of columns is asked for; tables that are only named are joined."""
    shown: list[tuple[int, Item]] = []
    for at in list(reading.unused("column")):
        before = [one.kind for one in reading.mentions[max(0, at - 2) : at]]
        ref = reading.ref(at, [reading.entity] if reading.entity else [])
        if ref not in [item.ref for item in reading.form.select if not item.aggregate]:
            shown.append((at, Item(ref)))
        if "distinct" in before:
            reading.form.distinct = True
            reading.take(*(place for place in range(max(0, at - 2), at) if reading.mentions[place].kind == "distinct"))
        reading.take(at)
    reading.form.select = [*(item for _, item in shown), *reading.form.select]
    for at in list(reading.unused("table")):
        if reading.near(at, -1, ("not",), 2) is not None:
            continue
        table = reading.table(at)
        shown_too = reading.near(at, -1, ("and",), 1)
        if shown and shown_too is not None and table != reading.entity and (named := reading.display(table)):
            reading.form.select.append(Item(named))
            reading.take(shown_too)
        reading.form.tables.append(table.sql)
        reading.take(at)


def _assemble(reading: Reading) -> bool:
    """Fill in what goes without saying: the column that names things, the group that a count is of."""
    form = reading.form
    _nest(reading)
    form.select = list(dict.fromkeys(form.select))
    if form.combined:
        _fill_combined(form)
    plain = [item for item in form.select if not item.aggregate]
    counted = any(item.aggregate for item in form.select)
    if not form.select:
        entity = reading.entity
        if entity is None and form.order and form.order[0][0].ref:
            entity = reading.tables[form.order[0][0].ref.table]
        if entity is None and form.filters and form.filters[0][0].item.ref:
            entity = reading.tables[form.filters[0][0].item.ref.table]
        if entity is None:
            return False
        shown = [Item(ref) for ref in reading.displays(entity)]
        form.select = shown or [Item(Ref(entity.sql, column.sql)) for column in entity.columns[:8]]
        plain = form.select
        reading.doubts.append(0.85)
        # what is asked for may be what was not understood
        reading.doubts += [0.6 for one in reading.mentions if one.kind == "word" and not one.used]
    groups = bool(form.having) or any(item.aggregate for item, _ in form.order)
    if (groups or (counted and plain)) and not form.group:
        form.group = _group_of(reading, plain)
    if form.group and not plain and counted and reading.entity:
        named = [Item(ref) for ref in reading.displays(reading.entity)]
        if form.group[0].table == reading.entity.sql:
            form.select = [*named, *form.select]
    if counted and not form.group and form.order and form.limit:
        return _of_the_first(reading)
    compared = {one.item.ref for group in form.filters for one in group if one.operator == "="}
    if any(item.ref in compared for item in form.select if not item.aggregate):
        reading.doubts.append(0.3)  # who is called Kyle is called Kyle
    if reading.entity is not None and not form.touched():
        form.tables.append(reading.entity.sql)
    return True


def _nest(reading: Reading) -> None:
    """Say by a set of keys what a join would count too often: how many things have more than two of another; those that have any."""
    form, entity = reading.form, reading.entity
    if entity is None:
        return
    key = reading.key(entity)
    if form.having and not form.group and form.select == [Item(None, "count")] and set(form.tables) - {entity.sql}:
        inner = Form([Item(key)], tables=form.tables, group=[key], having=form.having)
        form.filters.append([Filter(Item(key), "in", inner)])
        form.tables, form.having = [entity.sql], []
        return
    counts = [*form.select, *(item for item, _ in form.order), *(one.item for one in form.having)]
    if any(item.aggregate == "count" for item in counts):
        return
    used = {item.ref.table for item in form.items() if item.ref}
    for table in [table for table in dict.fromkeys(form.tables) if table != entity.sql and table not in used]:
        steps = reading.paths.tree([table, entity.sql])
        if steps and len(steps) == 1:
            form.filters.append([Filter(Item(steps[0].right), "in", Form([Item(steps[0].left)], tables=[table]))])
            form.tables = [other for other in form.tables if other != table]


def _fill_combined(form: Form) -> None:
    """The second of two sets of rows asks for the same as the first, under all conditions but one."""
    if form.combined is None:
        return
    other = form.combined[1]
    other.select, other.tables, other.distinct = list(form.select), list(form.tables), form.distinct
    other.filters = [*form.filters[:-1], *other.filters] if len(form.filters) > 1 else other.filters


def _group_of(reading: Reading, plain: Sequence[Item]) -> list[Ref]:
    """What rows are counted by: the thing whose columns are shown, or these where they tell nothing apart."""
    refs = [item.ref for item in plain if item.ref]
    if not refs:
        return [reading.key(reading.entity)] if reading.entity else []
    table = reading.tables[refs[0].table]
    counted = reading.form.tables
    if any(other != table.sql for other in counted) and ((counted and counted[0] != table.sql) or len(set(counted)) > 1):
        return [reading.key(table)]
    return refs


def _of_the_first(reading: Reading) -> bool:
    """How many things belong to the one that is first by something."""
    form = reading.form
    ref = form.order[0][0].ref
    if ref is None or form.order[0][0].aggregate:
        reading.doubts.append(0.5)
        return True
    key = reading.key(reading.tables[ref.table])
    inner = Form(select=[Item(key)], order=form.order, limit=form.limit)
    form.filters.append([Filter(Item(key), "=" if form.limit == 1 else "in", inner)])
    form.order, form.limit = [], None
    return True


def _judged(reading: Reading) -> Understood:
    doubts = list(reading.doubts)
    left = []
    for one in reading.mentions:
        if one.used or one.kind == "light":
            continue
        if one.kind == "word":
            named = one.text[:1].isupper() and (one.start > 0 or one.text.endswith(("'s", "’s")))
            doubts.append(TELLING if named else WORD if one.text.isascii() or len(one.text) == 1 else CHINESE)
        elif one.kind in _JOINING:
            doubts.append(JOINING)
            continue
        else:
            doubts.append(TELLING if one.kind in ("number", "value") else ROLE)
        left.append(one.text)
    return Understood(reading.form, prod(doubts), tuple(left))
