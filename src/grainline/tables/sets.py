"""Rules that put conditions together: either of two, both, none, and what one set of rows has over another."""

from __future__ import annotations

from copy import deepcopy

from grainline.tables.paths import Ref
from grainline.tables.query import Filter, Form, Item
from grainline.tables.reading import Reading
from grainline.tables.schema import Table

#: mentions that may stand between a refusal and what is not there, in Chinese
REACH = 4


def contrast(reading: Reading) -> None:
    """How many more there are of one than of another; the difference of two numbers; what share of all some are."""
    for place in list(reading.unused("difference")):
        if _subtract(reading, place):
            reading.take(place)
            return
    for place in list(reading.unused("share")):
        if _share(reading):
            reading.take(place, *reading.unused("share"))
            return


def _subtract(reading: Reading, place: int) -> bool:
    """Take a number from another that differs in one condition, or in what is worked out of a column."""
    form = reading.form
    if len(form.select) == 2 and all(item.aggregate and item.ref == form.select[0].ref for item in form.select):
        other = deepcopy(form)
        form.select, other.select = form.select[:1], form.select[1:]
        form.combined = ("minus", other)
        return True
    pairs = [
        (left, right)
        for at, left in enumerate(form.filters)
        for right in form.filters[at + 1 :]
        if left[0].item == right[0].item and {left[0].operator, right[0].operator} == {"="}
    ]
    if len(pairs) != 1:
        return False
    said = reading.mentions[place].text
    first, second = sorted(pairs[0], key=lambda group: reading.places[id(group)])
    if said.startswith(("少", "how many fewer", "how many less", "how much less")):
        first, second = second, first
    if not form.select and said.startswith("how much"):
        price = reading.concept("price") if any(one.text.lower() == "expensive" for one in reading.mentions) else None
        if price is None:
            return False
        form.select = [Item(price[0])]
        reading.take(*(at for at, one in enumerate(reading.mentions) if one.text.lower() == "expensive"))
    elif not form.select:
        form.select = [Item(None, "count")]
    elif (
        len(form.select) == 1 and form.select[0].ref and not form.select[0].aggregate and reading.is_number(form.select[0].ref)
    ):
        if not reading.entity or form.select[0].ref.table != reading.entity.sql:
            form.select = [Item(form.select[0].ref, "sum")]
    elif not all(item.aggregate for item in form.select) or len(form.select) > 1:
        return False
    if reading.entity is not None:
        form.tables.append(reading.entity.sql)
    other = deepcopy(form)
    at, behind = (next(n for n, group in enumerate(form.filters) if group is one) for one in (first, second))
    del form.filters[behind], other.filters[at]
    form.combined = ("minus", other)
    for one in reading.mentions:
        one.used = one.used or one.kind in ("and", "compare") or one.text in ("比", "between")
    return True


def _share(reading: Reading) -> bool:
    """What share of all things, or of a sum, those have that one condition speaks of."""
    form = reading.form
    if len(form.filters) != 1 or form.group or form.having or form.order or len(form.select) > 1:
        return False
    item = form.select[0] if form.select else Item(None, "count")
    own = form.filters[0][0].item.ref
    if own is None or reading.is_unique(own) or (item.aggregate not in ("count", "sum") and item.ref != own):
        return False
    if item.ref == own:
        item = Item(None, "count")
    entity = reading.entity.sql if reading.entity else own.table
    form.select, form.tables = [item], list(dict.fromkeys([entity, *form.tables]))
    form.combined = ("percent", Form([item], tables=[entity]))
    for one in reading.mentions:
        one.used = one.used or (one.kind == "aggregate" and one.said == "sum" and item.aggregate == "count")
    return True


def over_groups(reading: Reading) -> None:
    """How many there are of each on average: a mean of counts."""
    form = reading.form
    means = [place for place in reading.unused("aggregate") if reading.mentions[place].said == "avg"]
    counted = [item for item in form.select if item.aggregate]
    if means and form.group and len(counted) == 1 and counted[0].aggregate in ("count", "sum"):
        form.select, form.over = counted, "avg"
        reading.take(*means)


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
        each = [place for place in reading.unused("each") if place > min(places)]
        if each and equal and not reading.form.group and any(item.aggregate for item in form.select):
            form.group = [ref]
            form.select.insert(0, Item(ref))
            reading.take(*each)
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
        same = isinstance(low.value, str) == isinstance(high.value, str)
        return same and not isinstance(low.value, Form) and not isinstance(high.value, Form) and low.value >= high.value
    return False


def absent(reading: Reading) -> None:
    """Rows that nothing in another table belongs to: "stadiums without a concert in 2014"."""
    entity = reading.entity
    if entity is None:
        return
    for place in list(reading.unused("not")):
        at = reading.near(place, 1, ("table",), 2 if reading.mentions[place].text.isascii() else REACH)
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
