"""Rules that read what comes first: extremes, what there is most of, and the order of a list."""

from __future__ import annotations

from grainline.tables.paths import Ref
from grainline.tables.query import Item
from grainline.tables.reading import Reading


def read_extremes(reading: Reading) -> None:
    """The largest, the oldest, the one with the most of something, the most common."""
    for place in list(reading.unused("most", "extreme", "commonest")):
        one = reading.mentions[place]
        direction, _, concept = one.said.partition(" ")
        down = direction == "desc"
        if (by := _by_column(reading, place)) is not None:
            reading.take(by)
            first_by(reading, _ordered_by(reading, by), down, place)
        elif one.kind == "commonest":
            _commonest(reading, place, down)
        elif concept and (left := _left_number(reading, place)) is not None:
            reading.take(left)
            first_by(reading, Item(reading.ref(left)), down, place)
        elif concept and (found := reading.concept(concept, place)) is None:
            continue
        elif concept and found:
            right = reading.near(place, 1, ("column",), 1)
            ref, inverted = found
            if right is not None and reading.is_number(named := reading.ref(right)):
                ref, inverted = named, False
                reading.take(right)
            first_by(reading, Item(ref), down != inverted, place)
        else:
            _most(reading, place, down)


def _left_number(reading: Reading, place: int) -> int | None:
    """Where the column stands that is said to be the longest in Chinese: 时长最长."""
    before = reading.mentions[place - 1] if place else None
    if before is None or before.kind != "column" or before.used or reading.mentions[place].text.isascii():
        return None
    return place - 1 if any(reading.is_number(Ref(table.sql, column.sql)) for table, column, _ in before.columns) else None


def _by_column(reading: Reading, place: int) -> int | None:
    """Where the column stands that something is said to be the largest by: "the longest track by milliseconds"."""
    for at in range(place + 1, len(reading.mentions) - 1):
        if reading.mentions[at].text.lower() == "by":
            after = reading.near(at, 1, ("column",), 1, ("aggregate",))
            return after if after is not None and reading.is_number(reading.ref(after)) else None
    return None


def _ordered_by(reading: Reading, at: int) -> Item:
    """A column that something is ordered by, added up where several of its rows belong to one thing."""
    ref = reading.ref(at)
    said = reading.near(at, -1, ("aggregate",), 1)
    if said is not None:
        reading.take(said)
        return Item(ref, reading.mentions[said].said)
    return _whole(reading, ref)


def _whole(reading: Reading, ref: Ref) -> Item:
    """What things have of a column: all of it together where it is of the rows that belong to them."""
    entity = reading.entity
    return Item(ref, "sum") if entity is not None and reading.paths.leads(ref.table, entity.sql) else Item(ref)


def _commonest(reading: Reading, place: int, down: bool) -> None:
    is_turned = reading.mentions[place].text.startswith(("do", "did"))  # which language do most channels use
    at = reading.near(place, -1 if is_turned else 1, ("column",), 2)
    if at is None:
        at = reading.near(place, 1 if is_turned else -1, ("column",), 2)
    counted = reading.near(place, 1, ("column", "table"), 1) if is_turned else None
    if counted is not None and counted != at:
        reading.take(counted)
    table = reading.near(place, 1, ("table",), 2)
    if at is None and table is not None and reading.entity is not None and reading.table(table) != reading.entity:
        reading.form.tables.append(reading.table(table).sql)
        reading.take(table)
        first_by(reading, Item(None, "count"), down, place)
    if at is None:
        return
    ref = reading.ref(at)
    reading.form.group = [ref]
    reading.form.select.append(Item(ref))
    reading.take(at)
    first_by(reading, Item(None, "count"), down, place)


def _most(reading: Reading, place: int, down: bool) -> None:
    """Of a column its largest number; of a table, or what is no number, how often it is there."""
    right = reading.near(place, 1, ("column", "table", "count"), 1, ("aggregate",))
    if right is not None and reading.mentions[right].kind == "count":
        reading.take(right)
        right = reading.near(right, 1, ("column", "table"), 1)
    is_chinese = not reading.mentions[place].text.isascii()
    left = reading.near(place, -1, ("column", "table") if is_chinese else ("column",), 1, ("count",) if is_chinese else ())
    is_counted = is_chinese and place > 0 and reading.mentions[place - 1].kind == "count"  # 演唱会数量最多
    is_before = left is not None and (right is None or (is_chinese and left == place - 1 - is_counted))
    if is_before and is_counted:
        reading.take(place - 1)
    at = left if is_before else right
    if at is None:
        return
    one = reading.mentions[at]
    if one.kind == "column" and (mean := _aggregate_of(reading, at, place)) is not None:
        ref = reading.ref(at)
        reading.take(at, mean)
        first_by(reading, Item(ref, reading.mentions[mean].said), down, place)
    elif one.kind == "column" and reading.is_number(ref := reading.ref(at)):
        if is_chinese and not is_before and at == place + 1 and (_is_listed(reading) or _is_the_end(reading, at)):
            reading.form.select.append(Item(ref, "max" if down else "min"))
            reading.take(at, place)
        elif is_chinese and is_before:
            reading.take(at)
            first_by(reading, Item(ref), down, place)
        elif (_grouped(reading) and reading.mentions[place].kind == "extreme") or (
            reading.mentions[place].kind == "extreme" and _is_only_asked(reading, place, at)
        ):
            reading.form.select.append(Item(ref, "max" if down else "min"))
            reading.take(at, place)
        else:
            reading.take(at)
            if not any(one.kind not in ("light", "distinct") for one in reading.mentions[: min(at, place)]):
                reading.form.select.append(Item(ref))
            first_by(reading, _whole(reading, ref) if reading.trade() else Item(ref), down, place)
    elif one.kind == "table":
        reading.form.tables.append(reading.table(at).sql)
        reading.take(at)
        first_by(reading, Item(None, "count"), down, place)
    else:
        ref = reading.ref(at)
        reading.form.tables.append(ref.table)
        reading.take(at)
        first_by(reading, Item(ref, "count"), down, place)


def _aggregate_of(reading: Reading, at: int, place: int) -> int | None:
    """Where a mean or sum stands that a column is ordered by: "the highest average age", 平均年龄最大."""
    before = reading.near(at, -1, ("aggregate",), 1)
    return before if before is not None and (before > place or not reading.mentions[place].text.isascii()) else None


def _grouped(reading: Reading) -> bool:
    return any(one.kind == "each" for one in reading.mentions)


def _is_listed(reading: Reading) -> bool:
    """Whether the largest number is one of several that are asked for, or one of each group's."""
    return _grouped(reading) or any(one.kind == "aggregate" for one in reading.mentions)


def _is_the_end(reading: Reading, at: int) -> bool:
    """Whether nothing more is asked for behind a mention."""
    return all(one.kind == "light" for one in reading.mentions[at + 1 :])


def _is_only_asked(reading: Reading, place: int, at: int) -> bool:
    """Whether "the highest age" is itself what is asked for: nothing that could be shown comes before it."""
    first = min(place, at)
    if any(one.text.lower() in ("who", "which", "whose", "谁", "哪个", "哪位") for one in reading.mentions):
        return False
    before = [one for one in reading.mentions[:first] if one.kind not in ("light", "distinct")]
    others = [one for number, one in enumerate(reading.mentions) if one.kind == "column" and not one.used and number != at]
    return not any(one.kind in ("column", "table", "word", "count", "each") for one in before) and not others


def first_by(reading: Reading, item: Item, down: bool, place: int) -> None:
    """Order by an item and keep the first, which the mention at a place says."""
    reading.form.order.append((item, down))
    if reading.form.limit is None:
        reading.form.limit = 1
    reading.take(place)


def read_orders(reading: Reading) -> None:
    """Ordered by a column, or by how many there are."""
    places = list(reading.unused("order"))
    if not places or reading.form.order:
        return
    down = any(reading.mentions[place].said == "desc" for place in places)
    items: list[Item] = []
    for place in places:
        at = reading.near(place, 1, ("column", "count", "table"), 1)
        if at is None and not reading.mentions[place].text.isascii():
            at = reading.near(place, -1, ("column",), 1)
        if at is not None and reading.mentions[at].kind == "table" and reading.near(at, 1, ("column",), 1) == at + 1:
            reading.take(at)
            at += 1
        while at is not None:
            one = reading.mentions[at]
            if one.kind == "column":
                items.append(_counted_or_plain(reading, at))
            elif one.kind == "count":
                items.append(_counted(reading, at))
            reading.take(at)
            joined = reading.near(at, 1, ("and",), 1)
            at = reading.near(joined, 1, ("column",), 1) if joined is not None else None
    if not items and any("alphabet" in reading.mentions[place].text for place in places):
        items = [Item(shown) for shown in [reading.display(reading.entity) if reading.entity else None] if shown]
    if not items:
        last = [at for at in range(places[0]) if reading.mentions[at].kind == "column"]
        items = [Item(reading.ref(last[-1]))] if last else []
    if items:
        reading.form.order = [(item, down) for item in items]
        reading.take(*places)


def _counted(reading: Reading, at: int) -> Item:
    """What is ordered by: the number of things, or a column that holds a number of them."""
    after = reading.near(at, 1, ("table", "column"), 1)
    if after is None:
        return Item(None, "count")
    reading.take(after)
    if reading.mentions[after].kind == "table":
        reading.form.tables.append(reading.table(after).sql)
        return Item(None, "count")
    ref = reading.ref(after)
    return Item(ref) if reading.is_number(ref) else Item(ref, "count")


def _counted_or_plain(reading: Reading, at: int) -> Item:
    aggregate = reading.near(at, -1, ("aggregate",), 1)
    if aggregate is None:
        return Item(reading.ref(at))
    reading.take(aggregate)
    return Item(reading.ref(at), reading.mentions[aggregate].said)
