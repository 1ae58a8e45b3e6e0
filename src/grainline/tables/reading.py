"""A question to tables while it is read: its mentions, what of them is explained, and which column each of them means."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from grainline.tables.linking import Mention
from grainline.tables.names import alike
from grainline.tables.naming import IDENTIFYING, pieces
from grainline.tables.paths import Paths, Ref
from grainline.tables.query import Filter, Form, Item
from grainline.tables.schema import Column, Table
from grainline.tables.words import CONCEPTS, INVERTED, TRADE, TRADE_TABLES

#: mentions that a pattern may reach across, light words not counted
REACH = 2
#: years, in tables that do not say so
YEARS = (1500, 2100)
#: names of columns that name the thing itself, the best first
_ISO = re.compile(r"\d{4}-\d\d(?:-\d\d)?(?!\d)")
_TRADED = frozenset("purchase purchases order orders sale sales transaction transactions".split())
_YEAR = re.compile(r"(?<!\d)(?:1[0-9]|20)\d\d(?!\d)")
NAMING = ("name", "title", "full name", "label", "姓名", "名称", "名字", "名", "标题")

_NAMING = frozenset(" ".join(pieces(name)) for name in NAMING)
_PERSON = frozenset(("first", "last", "given", "famili", "middl"))
_LIGHT = ("light", "distinct", "verb")


@dataclass(frozen=True, slots=True)
class Held:
    """The distinct values of a column, and whether no row repeats one."""

    values: frozenset[object]
    unique: bool


class Reading:
    """The mentions of one question, the form that rules fill, and the tables it is asked of."""

    def __init__(
        self, mentions: list[Mention], tables: Sequence[Table], paths: Paths, held: Callable[[Table, Column], Held | None]
    ):
        self.mentions = mentions
        self.tables = {table.sql: table for table in tables}
        self.paths = paths
        self.held = held
        self.form = Form()
        #: how sure each explanation is, from 0 to 1; their product is the whole reading's
        self.doubts: list[float] = []
        #: the table whose rows are asked for
        self.entity: Table | None = None
        #: where each filter stands in the question
        self.places: dict[int, int] = {}
        for place, one in enumerate(mentions):
            if one.kind == "measure" and (columns := self._measured(one.said)):
                one.kind, one.columns = "column", columns
            elif one.kind == "measure":
                one.kind = "word"
            self._understand(one)
            is_refused = any(before.kind == "not" for before in mentions[max(0, place - 3) : place])  # never sold
            traded = TRADE if is_refused else _TRADED
            if one.kind in ("word", "verb") and one.text.lower() in traded and (tables := self.trade()):
                one.kind, one.tables = "table", ((tables[0], 0.75),)
            if place > 1 and mentions[place - 1].text == "(" and mentions[place - 2].kind == one.kind == "column":
                one.used = True  # "miles per gallon (mpg)"

    def trade(self) -> list[Table]:
        """The tables of what was bought and sold, if that is spoken of, those with the shortest names first."""
        if not any(one.text.lower() in TRADE for one in self.mentions):
            return []
        found = [table for table in self.tables.values() if any(_names_trade(word) for word in pieces(table.name))]
        return sorted(found, key=lambda table: len(table.name))

    def _measured(self, concept: str) -> tuple[tuple[Table, Column, float], ...]:
        """The columns that a word of measure may mean, those of each table that fit best."""
        found = []
        traded = self.trade() if concept == "quantity" else []
        for table in traded or self.tables.values():
            ranked = [
                (rank, place) for place, column in enumerate(table.columns) if (rank := _fits(column, CONCEPTS[concept])) >= 0
            ]
            if ranked:
                found.append((table, table.columns[min(ranked)[1]], 0.8))
        return tuple(found)

    def _understand(self, one: Mention) -> None:
        """A key that is named without saying that it is one means what it is the key of: "students" for `student_id`; "name" means what
        a table's rows are named by, whatever that column is called."""
        if one.kind != "column":
            return
        said = set(pieces(one.text.lower()))
        keys = [
            (t, c, s) for t, c, s in one.columns if is_key_name(c.name) and not (IDENTIFYING & said or is_key_name(one.text))
        ]
        if keys and len(keys) == len(one.columns):
            found = [
                (self.tables[target.table], 0.75)
                for table, column, _ in keys
                for target in self.paths.targets(Ref(table.sql, column.sql))
            ] or [(table, 0.75) for table, column, _ in keys if not column.name.isascii()]
            if found:
                one.kind, one.tables, one.columns = "table", tuple(dict.fromkeys(found)), ()
                return
        elif keys:
            one.columns = tuple(found for found in one.columns if found not in keys)
        if said == {"name"}:
            have = {(t.sql, c.sql) for t, c, _ in one.columns}
            shown = [(table, ref) for table in self.tables.values() if (ref := self.display(table))]
            more = [(table, self.column(ref), 0.8) for table, ref in shown if (ref.table, ref.column) not in have]
            one.columns = (*one.columns, *more)

    def unused(self, *kinds: str) -> Iterator[int]:
        """Places of mentions of these kinds that nothing has explained yet, in order."""
        for place, one in enumerate(self.mentions):
            if not one.used and one.kind in kinds:
                yield place

    def take(self, *places: int) -> None:
        """Say that these mentions are explained."""
        for place in places:
            self.mentions[place].used = True

    def near(self, place: int, step: int, kinds: Sequence[str], reach: int = 1, across: Sequence[str] = ()) -> int | None:
        """The next mention of one of these kinds to the right (1) or left (-1), across light words, those of kinds `across`, and fewer
        than `reach` others; not one that is explained, nor across what ends a clause."""
        crossed = 0
        at = place + step
        while 0 <= at < len(self.mentions):
            one = self.mentions[at]
            if one.kind in kinds and not one.used:
                return at
            if one.kind not in (*_LIGHT, *across) or one.text in ".;?。；？":
                crossed += 1
                if crossed >= reach:
                    return None
            at += step
        return None

    def spoken_of(self) -> list[Table]:
        """The tables that the question names, in order."""
        return list(dict.fromkeys(table for one in self.mentions if one.kind == "table" for table, _ in one.tables[:1]))

    def table(self, place: int) -> Table:
        """The table that a mention means: of several the one whose name is said best, then the first."""
        found = sorted(self.mentions[place].tables, key=lambda pair: -pair[1])
        self.doubts.append(min(1.0, 0.7 + 0.3 * found[0][1]))
        return found[0][0]

    def ref(self, place: int, prefer: Sequence[Table] = ()) -> Ref:
        """The column that a mention means, of `prefer`'s tables if one of them has it, else of the tables named nearby."""
        one = self.mentions[place]
        scored = sorted(
            (
                (score + self._closeness(place, table, prefer), order, table, column)
                for order, (table, column, score) in enumerate(one.columns)
            ),
            key=lambda found: (-found[0], found[1]),
        )
        best = scored[0]
        said = max(score for table, column, score in one.columns if (table, column) == (best[2], best[3]))
        self.doubts.append(min(1.0, 0.5 + 0.5 * said))
        if len(scored) > 1 and scored[1][0] > best[0] - 0.02:
            self.doubts.append(0.85)
        return Ref(best[2].sql, best[3].sql)

    def _closeness(self, place: int, table: Table, prefer: Sequence[Table]) -> float:
        """How near a column's table is in the question, from 0 to 1."""
        worth = 0.0
        if self.entity is not None and table != self.entity and self.paths.tree([self.entity.sql, table.sql]) is None:
            return -1.0  # of another subject
        if table in prefer:
            worth = 0.6
        if any(one.item.ref is not None and one.item.ref.table == table.sql for group in self.form.filters for one in group):
            worth = max(worth, 0.5)
        if self.entity is not None and table == self.entity:
            worth = max(worth, 0.35)
        for at, one in enumerate(self.mentions):
            if one.kind == "table" and any(table == other for other, _ in one.tables[:1]):
                gap = [mention for mention in self.mentions[min(at, place) + 1 : max(at, place)] if mention.kind != "light"]
                if at < place and place - at == 1:
                    worth = max(worth, 0.8)  # "the stadium name"
                elif at > place and not gap:
                    worth = max(worth, 0.7)  # "the name of the stadium"
                else:
                    worth = max(worth, 0.3 - 0.02 * len(gap))
            elif one.used and one.kind in ("column", "value") and any(table == other for other, *_ in one.columns[:1]):
                worth = max(worth, 0.1)
        return worth

    def column(self, ref: Ref) -> Column:
        """A column by its reference."""
        return next(column for column in self.tables[ref.table].columns if column.sql == ref.column)

    def is_number(self, ref: Ref) -> bool:
        """Whether a column holds numbers, if only in the form of texts."""
        column = self.column(ref)
        if column.refers:
            return False  # which one, not how many
        return column.kind in ("integer", "real") or self._looks_numeric(ref)

    def _looks_numeric(self, ref: Ref) -> bool:
        held = self.held(self.tables[ref.table], self.column(ref))
        values = [value for value in held.values if value is not None] if held else []
        texts = [str(value).strip() for value in values]
        fitting = sum(text.replace(".", "", 1).replace("-", "", 1).isdigit() for text in texts)
        return bool(texts) and fitting >= 0.9 * len(texts)

    def add(self, ref: Ref | Item, operator: str, value: object, place: int) -> None:
        """Add a condition that stands at a place of the question."""
        item = ref if isinstance(ref, Item) else Item(ref)
        filters = [Filter(item, operator, value)]
        if item.ref and self.holds_dates(item.ref):
            filters = dated(item, operator, value)
        for one in filters:
            self.form.filters.append([one])
            self.places[id(self.form.filters[-1])] = place

    def concept(
        self, name: str, place: int | None = None, accepts: Callable[[Ref], bool] = lambda _: True
    ) -> tuple[Ref, bool] | None:
        """The column that a word of measure or time means ("oldest"), and whether its order is turned around (a year of birth); rather one
        whose name is in the words before `place`: "founded after 2008"; none that `accepts` refuses."""
        wanted = CONCEPTS[name]
        before = (
            [] if place is None else [one for one in self.mentions[max(0, place - 2) : place] if one.kind in ("word", "verb")]
        )
        verbs = {piece: one for one in before for piece in pieces(one.text)}
        best: tuple[float, Ref, bool] | None = None
        named = self.spoken_of()
        for one in [] if place is None else [*self.mentions[max(0, place - 2) : place], *self._behind(place)]:
            for table, column, _ in one.columns if one.kind == "column" and not one.used else ():
                if _fits(column, wanted) >= 0 and accepts(Ref(table.sql, column.sql)):
                    one.used = True
                    return Ref(table.sql, column.sql), _is_inverted(name, column)
        for table in [*([self.entity] if self.entity else []), *named, *self.tables.values()]:
            for column in table.columns:
                said = set(pieces(column.name))
                if (rank := _fits(column, wanted)) >= 0 and accepts(Ref(table.sql, column.sql)):
                    nearness = 1.0 if table == self.entity else 0.7 if table in named else 0.0
                    said_before = any(alike(verb, own) for verb in verbs for own in said)
                    worth = nearness - 0.05 * rank - 0.01 * len(said) + 0.6 * said_before
                    if best is None or worth > best[0] + 1e-9:
                        best = worth, Ref(table.sql, column.sql), _is_inverted(name, column)
        if best is None:
            return None
        for verb, one in verbs.items():
            one.used = one.used or any(alike(verb, own) for own in pieces(self.column(best[1]).name))
        if best[0] < 0.5:
            self.doubts.append(0.8)
        return best[1], best[2]

    def _behind(self, place: int) -> list[Mention]:
        """What stands right behind a word of Chinese: 最晚入职, 2023年注册."""
        behind = [one for one in self.mentions[place + 1 : place + 3] if one.kind != "light"][:1]
        return [one for one in behind if not one.text.isascii()]

    def year_column(self, place: int) -> Ref | None:
        """The column that a bare year speaks of."""
        found = self.concept("time", place, self.holds_years)
        return found[0] if found else None

    def date_column(self, place: int) -> Ref | None:
        """The column that a month or day speaks of."""
        found = self.concept("time", place, self.holds_dates)
        if found is None and self.entity is not None:
            own = [Ref(self.entity.sql, column.sql) for column in self.entity.columns]
            dated = [ref for ref in own if self.holds_dates(ref)]
            return dated[0] if len(dated) == 1 else None
        return found[0] if found else None

    def holds_dates(self, ref: Ref) -> bool:
        """Whether a column holds dates that compare as texts do."""
        column = self.column(ref)
        if column.kind != "text" or (held := self.held(self.tables[ref.table], column)) is None:
            return column.kind == "date"
        return bool(held.values) and all(_ISO.match(str(value)) for value in held.values)

    def holds_years(self, ref: Ref) -> bool:
        """Whether years or dates stand in a column, as far as its values are known."""
        column = self.column(ref)
        if column.kind == "date" or (held := self.held(self.tables[ref.table], column)) is None:
            return True
        values = [str(value) for value in held.values]
        return sum(bool(_YEAR.search(value)) for value in values) * 2 >= len(values)

    def is_unique(self, ref: Ref) -> bool:
        """Whether no value stands in a column twice, as far as is known."""
        held = self.held(self.tables[ref.table], self.column(ref))
        return held is not None and held.unique

    def holds(self, ref: Ref, value: object) -> bool:
        """Whether a number stands in a column, as far as its values are known."""
        held = self.held(self.tables[ref.table], self.column(ref))
        return held is None or value in held.values or str(value) in held.values

    def displays(self, table: Table) -> list[Ref]:
        """The columns that name the rows of a table: for people their first and last name."""
        parts = [
            column for column in table.columns if {"name"} < set(pieces(column.name)) and _PERSON & set(pieces(column.name))
        ]
        if len(parts) > 1:
            return [Ref(table.sql, column.sql) for column in parts]
        shown = self.display(table)
        return [shown] if shown else []

    def display(self, table: Table) -> Ref | None:
        """The column that names the rows of a table."""
        owner = set(pieces(table.name))
        scored = []
        for place, column in enumerate(table.columns):
            said = [word for word in pieces(column.name) if word not in owner]
            if " ".join(said) in _NAMING or any(column.name.endswith(word) for word in NAMING if not word.isascii()):
                scored.append((0, place, column))
            elif not said and column.kind == "text":
                scored.append((1, place, column))
            elif said and said[-1] in _NAMING and column.kind == "text":
                scored.append((2, place, column))
        if not scored:
            return None
        return Ref(table.sql, min(scored, key=lambda one: one[:2])[2].sql)

    def key(self, table: Table) -> Ref:
        """The column that tells the rows of a table apart: its key, else the first column."""
        declared = next((column for column in table.columns if column.key), None)
        if declared is None:
            unique = (column for column in table.columns if (held := self.held(table, column)) is not None and held.unique)
            declared = next(unique, table.columns[0])
        return Ref(table.sql, declared.sql)


def _names_trade(word: str) -> bool:
    return any(word.startswith(own) if word.isascii() else own in word for own in TRADE_TABLES)


def is_key_name(name: str) -> bool:
    """Whether a name says that it is a key: student_id, 订单号."""
    return bool(IDENTIFYING & set(pieces(name))) or (not name.isascii() and name.endswith(("号", "编号", "代码", "编码")))


def _fits(column: Column, wanted: Sequence[str]) -> int:
    """Which of some names is in that of a column, -1 if none is."""
    said = set(pieces(column.name))
    found = (
        rank
        for rank, words in enumerate(wanted)
        if set(pieces(words)) <= said or (len(words) > 1 and words in column.name and not words.isascii())
    )
    return next(found, -1)


def _is_inverted(concept: str, column: Column) -> bool:
    return concept == "age" and any(mark in column.name.lower() for mark in INVERTED)


def dated(item: Item, operator: str, value: object) -> list[Filter]:
    """Conditions on a date where a year is said: 2018 is all of its days, after it is after all of them."""
    if operator == "between" and isinstance(value, tuple) and all(isinstance(one, int) for one in value):
        return [Filter(item, ">=", str(value[0])), Filter(item, "<", str(value[1] + 1))]
    if not isinstance(value, int) or isinstance(value, bool):
        return [Filter(item, operator, value)]
    return {
        ">": [Filter(item, ">=", str(value + 1))],
        ">=": [Filter(item, ">=", str(value))],
        "<": [Filter(item, "<", str(value))],
        "<=": [Filter(item, "<", str(value + 1))],
        "!=": [Filter(item, "not like", f"{value}%")],
    }.get(operator, [Filter(item, "like", f"{value}%")])
