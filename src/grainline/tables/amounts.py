"""Rules that read what is worked out: how many there are, means, sums, the largest and the smallest of a column."""

from __future__ import annotations

from grainline.tables.naming import IDENTIFYING, pieces
from grainline.tables.orders import first_by
from grainline.tables.paths import Ref
from grainline.tables.query import Item
from grainline.tables.reading import Reading


def read_counts(reading: Reading) -> None:
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
            if (quantity := _quantity(reading, place)) is not None:
                reading.form.select.append(Item(quantity, "sum"))
                reading.take(place)
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


def _quantity(reading: Reading, place: int) -> Ref | None:
    """The column that says how many, where what is counted is a value and not a row: "how many laptops", 服务器卖了多少台."""
    is_chinese = not reading.mentions[place].text.isascii()
    around = [one for one in reading.mentions[place + 1 :] if one.kind != "light"][:1]
    if is_chinese:
        around = [one for one in reading.mentions[:place] if one.kind == "value"][-1:]
    if not around or around[0].kind != "value" or not around[0].columns:
        return None
    held = [group[0].item.ref.table for group in reading.form.filters if group[0].item.ref]
    traded = [table.sql for table in reading.trade()]
    found = reading.concept("quantity", None, lambda ref: ref.table in (traded or held) and reading.is_number(ref))
    return found[0] if found and reading.paths.tree([found[0].table, *held]) is not None else None


def _repeated(reading: Reading, place: int) -> bool:
    """Whether a count is only said again ("有多少…的数量")."""
    if any(item.aggregate == "count" for item in reading.form.select):
        reading.take(place)
        return True
    return False


def _count_column(reading: Reading, at: int, distinct: bool) -> None:
    """How many different values; where a column holds numbers, what they are."""
    ref = reading.ref(at)
    if (
        not distinct
        and _is_whole(reading, at)
        and reading.is_number(ref)
        and not IDENTIFYING & set(pieces(reading.column(ref).name)[-1:])
    ):
        reading.form.select.append(Item(ref, "sum"))
        return
    is_code = bool(IDENTIFYING & set(pieces(reading.column(ref).name)))
    is_asked = not distinct and not is_code and reading.is_number(ref) and (reading.form.filters or reading.form.order)
    if is_asked:
        reading.form.select.append(Item(ref))
        return
    near = [one.kind for one in reading.mentions[max(0, at - 2) : at]]
    reading.form.select.append(Item(ref, "count", distinct or "distinct" in near or not reading.form.group))


def read_aggregates(reading: Reading) -> None:
    """The mean, sum, largest and smallest of a column, several of them at once."""
    for place in list(reading.unused("aggregate")):
        if reading.mentions[place].used:
            continue
        at = reading.near(place, 1, ("column",), 1, ("and", "aggregate", "count"))
        if at is None:
            at = reading.near(place, -1, ("column",), 1)
        if at is None:
            at = _amount(reading, place)
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


def _is_whole(reading: Reading, at: int) -> bool:
    """Whether the numbers in a column are to be added up: "the total number of tickets", how many in total."""
    said = [one.text.lower() for one in reading.mentions[max(0, at - 2) : at] if one.kind == "count"]
    sums = [place for place in reading.unused("aggregate") if reading.mentions[place].said == "sum"]
    reading.take(*sums)
    return bool(sums) or any("total number" in text for text in said)


def _amount(reading: Reading, place: int) -> int | None:
    """Where the amount stands that "how much" asks for, further on: "how much did customers in Norway spend"."""
    left = [at for at in reading.unused("column") if at > place and reading.is_number(reading.ref(at))]
    return left[0] if reading.mentions[place].text.lower() in ("how much", "平均") and len(left) == 1 else None


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
