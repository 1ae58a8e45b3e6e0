"""A question to tables read by rules: conditions first, then order, groups and what is counted; what is left over is shown.

Which words mean what is found by `linking`; here they are put together. What no rule explains lowers the confidence, so that a reading
which would answer another question than the one that was asked can be declined.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

from grainline.tables.amounts import read_aggregates, read_counts
from grainline.tables.cells import read_cells, read_numbers, read_patterns
from grainline.tables.conditions import read_conditions
from grainline.tables.linking import Mention
from grainline.tables.naming import pieces
from grainline.tables.orders import read_extremes, read_orders
from grainline.tables.paths import Paths, Ref
from grainline.tables.query import Filter, Form, Item
from grainline.tables.reading import Held, Reading, is_key_name
from grainline.tables.schema import Column, Table
from grainline.tables.sets import absent, combine, contrast, over_groups
from grainline.tables.words import PEOPLE, WORKING

#: how much an unexplained mention lowers the confidence: a word, one where nothing else narrows the rows, two characters of Chinese, a name
#: or number, what asks or compares, what only joins, a verb that says little
WORD, COUNTED, CHINESE, TELLING, ROLE, JOINING, VERB = 0.75, 0.5, 0.6, 0.5, 0.4, 0.93, 0.96
#: conditions that a question may have; what seems to have more is no question
CONDITIONS = 12
#: how much it lowers the confidence that a word which is only near a column is shown beside others, or brings in a table; and that
#: one only says again what is said
STRAY, AGAIN = 0.7, 0.9
_WHO = frozenset(("who", "whom", "谁", "有谁"))
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
    read_patterns(reading)
    read_cells(reading)
    read_numbers(reading)
    read_extremes(reading)
    read_orders(reading)
    _groups(reading)
    read_aggregates(reading)
    read_counts(reading)
    _asked_by_word(reading)
    _shown(reading)
    contrast(reading)
    if not reading.form.combined:
        combine(reading)
    absent(reading)
    if len(reading.form.filters) > CONDITIONS or not _assemble(reading):
        return None
    return _judged(reading)


def _choose_entity(reading: Reading) -> None:
    """The first table named, other than those that are only counted or refused."""
    named = [place for place, one in enumerate(reading.mentions) if one.kind == "table"]
    heads = [place for place in named if place and _ends_clause(reading.mentions[place - 1]) and not _is_listed(reading, place)]
    if heads and not any(one.kind == "each" for one in reading.mentions[: heads[-1]]):
        reading.entity = reading.table(heads[-1])
        return
    for place in named:
        before = [one.kind for one in reading.mentions[max(0, place - 2) : place]]
        if len(named) > 1 and _is_only_counted(reading, place):
            continue
        if not {"most", "not", "compare"} & set(before) and not ("count" in before and len(named) > 1):
            reading.entity = reading.table(place)
            return
    votes: dict[Table, float] = {}
    for one in reading.mentions:
        for table, _, score in one.columns if one.kind in ("column", "value") else ():
            votes[table] = votes.get(table, 0.0) + score
    if votes:
        reading.entity = max(votes, key=lambda table: votes[table])
        people = [table for table in reading.tables.values() if PEOPLE & set(pieces(table.name))]
        people = [table for table in people if reading.paths.leads(table.sql, reading.entity.sql)]
        if len(people) == 1 and any(
            one.kind in ("count", "difference") and _asks_people(reading, one) for one in reading.mentions
        ):
            reading.entity = people[0]  # 研发部比销售部多几个人
    elif named:
        reading.entity = reading.table(named[0])


def _asks_people(reading: Reading, one: Mention) -> bool:
    """Whether how many people there are is asked, whatever they are called."""
    behind = [other.text for other in reading.mentions if other.start >= one.end][:1]
    return one.text.endswith("人") or behind in (["人"], ["个人"], ["people"])


def _ends_clause(one: Mention) -> bool:
    """Whether what comes next in Chinese is what was spoken of before: …的歌手."""
    return one.text.endswith("的")


def _is_listed(reading: Reading, place: int) -> bool:
    """Whether something is only named beside what is asked for: 教师的姓名和他们教授的课程."""
    return any(one.kind == "and" for one in reading.mentions[max(0, place - 4) : place])


def _is_only_counted(reading: Reading, place: int) -> bool:
    """Whether a table is only what others have more or less of: 专辑最多的艺术家, 员工人数超过2人的部门."""
    behind = [one for one in reading.mentions[place + 1 :] if one.kind != "light"][:2]
    if not behind or behind[0].text.isascii():
        return False
    return (
        behind[0].text.startswith(("最多", "最少"))
        or [one.kind for one in behind] == ["count", "compare"]
        or (behind[0].kind == "compare")
    )


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
        if reading.mentions[place].text in ("各", "各个") and _is_whole(reading):
            reading.take(place, *([at] if at == place + 1 and one.kind == "column" else []))
            continue
        if one.kind == "column":
            ref = reading.ref(at)
            reading.form.group.append(ref)
            if ref not in [item.ref for item in reading.form.select]:
                reading.form.select.append(Item(ref))
            reading.take(at)
        elif place and reading.mentions[place - 1].text.startswith("平均") and not any(reading.unused("count")):
            reading.take(at)  # 平均每笔订单的金额
        elif _asks_for_groups(reading):
            table = reading.table(at)
            reading.form.group.append(reading.key(table))
            reading.entity = table
            reading.take(at)
        reading.take(place)


def _is_whole(reading: Reading) -> bool:
    """Whether what each has is to be added up: 各地区人数合计."""
    return any(reading.mentions[place].text in ("合计", "总计", "加起来") for place in reading.unused("aggregate"))


def _is_worked_out(reading: Reading) -> bool:
    return any(one.kind in ("count", "aggregate") for one in reading.mentions)


def _asks_for_groups(reading: Reading) -> bool:
    return any(one.kind in ("count", "aggregate") or (one.kind in ("extreme", "most")) for one in reading.mentions)


def _asked_by_word(reading: Reading) -> None:
    """What an asking word asks for where no column is named: how old, when."""
    for place, one in enumerate(reading.mentions):
        if one.kind == "asks" and not one.used and not _is_known(reading) and (found := reading.concept(one.said)):
            reading.form.select.append(Item(found[0]))
        if one.kind == "asks":
            reading.take(place)


def _is_known(reading: Reading) -> bool:
    """Whether it is known already what is asked for."""
    return any(reading.unused("column")) or any(item.aggregate not in ("", "count") for item in reading.form.select)


def _shown(reading: Reading) -> None:
    """What is left of columns is asked for; tables that are only named are joined."""
    shown: list[tuple[int, Item]] = []
    for at in list(reading.unused("column")):
        before = [one.kind for one in reading.mentions[max(0, at - 2) : at]]
        ref = reading.ref(at, [reading.entity] if reading.entity else [])
        if ref not in [item.ref for item in reading.form.select if not item.aggregate]:
            if reading.mentions[at].near and (shown or _is_beside(reading, at)):
                reading.doubts.append(STRAY)
            shown.append((at, Item(_named(reading, ref))))
        if "distinct" in before:
            reading.form.distinct = True
            reading.take(*(place for place in range(max(0, at - 2), at) if reading.mentions[place].kind == "distinct"))
        reading.take(at)
    if shown and _is_asked_itself(reading, shown[0][0]) and reading.entity:
        shown = [(0, Item(ref)) for ref in reading.displays(reading.entity)] + shown
    reading.form.select = [*(item for _, item in shown), *reading.form.select]
    for at in list(reading.unused("table")):
        table = reading.table(at)
        if table != reading.entity and reading.near(at, -1, ("not",), 2) is not None:
            continue
        shown_too = reading.near(at, -1, ("and",), 1)
        if shown and shown_too is not None and table != reading.entity and (named := reading.display(table)):
            reading.form.select.append(Item(named))
            reading.take(shown_too)
        reading.form.tables.append(table.sql)
        reading.take(at)


def _is_beside(reading: Reading, at: int) -> bool:
    """Whether something else is asked for and nothing says that this is, too."""
    if any(reading.near(at, step, ("and",), 1) is not None for step in (1, -1)):
        return False
    return bool(reading.form.select) or any(place != at for place in reading.unused("column"))


def _is_stray(reading: Reading, one: Mention) -> bool:
    """Whether a word that is only near a column brings in a table of which nothing else speaks."""
    others = [other for other in reading.mentions if not other.near]
    named = {table for other in others for table in (*(table for table, _ in other.tables), *(t for t, *_ in other.columns))}
    return one.near and one.kind == "column" and bool(named) and named.isdisjoint(table for table, *_ in one.columns)


def _person(reading: Reading) -> Table | None:
    """Who is asked for, where what they did has no name: "who took the order 506"."""
    if reading.entity is None or not any(one.text.lower() in _WHO for one in reading.mentions):
        return None
    if reading.display(reading.entity) is not None:
        return None
    targets = [
        target.table
        for column in reading.entity.columns
        for target in reading.paths.targets(Ref(reading.entity.sql, column.sql))
    ]
    people = [reading.tables[name] for name in dict.fromkeys(targets) if PEOPLE & set(pieces(reading.tables[name].name))]
    return people[0] if len(people) == 1 else None


def _named(reading: Reading, ref: Ref) -> Ref:
    """What names the thing that a column refers to, if the column's name does not say that it holds a key: who heads a department."""
    targets = reading.paths.targets(ref)
    if not targets or is_key_name(reading.column(ref).name) or not any(one.text.lower() in _WHO for one in reading.mentions):
        return ref
    return reading.display(reading.tables[targets[0].table]) or ref


def _is_asked_itself(reading: Reading, at: int) -> bool:
    """Whether a sentence before asks which thing it is of which something else is asked now: 预算最多的部门是哪个？负责人是谁？"""
    before = reading.mentions[:at]
    stops = [place for place, one in enumerate(before) if one.text in ("？", "?")]
    return bool(stops) and any(one.kind == "table" for one in before[: stops[-1]]) and not reading.form.select


def _assemble(reading: Reading) -> bool:
    """Fill in what goes without saying: the column that names things, the group that a count is of."""
    form = reading.form
    _nest(reading)
    _join_trade(reading)
    form.select = list(dict.fromkeys(form.select))
    if form.combined and form.combined[0] not in ("minus", "percent"):
        _fill_combined(form)
    plain = [item for item in form.select if not item.aggregate]
    counted = any(item.aggregate for item in form.select)
    if not form.select:
        entity = _person(reading) or reading.entity
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
        if counted and any(item.ref in form.group and reading.is_number(item.ref) for item in plain if item.ref):
            reading.doubts.append(0.6)  # of each number its own mean is hardly asked for
    over_groups(reading)
    if form.over:
        return True
    if form.group and not plain and counted and reading.entity:
        named = [Item(ref) for ref in reading.displays(reading.entity)]
        if form.group[0].table == reading.entity.sql:
            form.select = [*named, *form.select]
    if counted and not form.group and form.order and form.limit:
        return _of_the_first(reading)
    compared = {group[0].item.ref for group in form.filters if len(group) == 1 and group[0].operator == "="}
    if any(item.ref in compared for item in form.select if not item.aggregate):
        reading.doubts.append(0.3)  # who is called Kyle is called Kyle
    if reading.entity is not None and not form.touched():
        form.tables.append(reading.entity.sql)
    return True


def _join_trade(reading: Reading) -> None:
    """Let what was bought and who bought it hang together by the sales, where they may by other tables too."""
    touched = reading.form.touched()
    if len(touched) > 1 and (traded := reading.trade()) and not any(table.sql in touched for table in traded):
        ways = [table.sql for table in traded if reading.paths.tree([table.sql, *touched]) is not None]
        reading.form.tables[:0] = ways[:1]


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
    form = reading.form
    is_count = [item.aggregate for item in form.select] == ["count"]
    is_all = not (form.filters or form.group or form.having or form.order)
    # a word that is not understood would have left some out
    word, chinese = (COUNTED, COUNTED) if is_count or is_all else (WORD, CHINESE)
    doubts += [STRAY for one in reading.mentions if _is_stray(reading, one)]
    for one in reading.mentions:
        if one.used or one.kind == "light":
            continue
        if one.kind == "verb":
            doubts.append(AGAIN if one.near else VERB)
            continue
        if one.kind == "word" and one.text.lower() in WORKING:
            doubts.append(ROLE)
        elif one.kind == "word":
            named = one.text[:1].isupper() and (one.start > 0 or one.text.endswith(("'s", "’s")))
            doubts.append(TELLING if named else word if one.text.isascii() else chinese ** (len(one.text) / 2))
        elif one.kind in _JOINING:
            doubts.append(JOINING)
            continue
        else:
            doubts.append(TELLING if one.kind in ("number", "value") else ROLE)
        left.append(one.text)
    return Understood(reading.form, prod(doubts), tuple(left))
