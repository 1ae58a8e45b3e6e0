"""What was understood of a question to tables, and the SQL that says it: select, filter, group, order, limit, join."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grainline.tables.paths import Join, Ref

if TYPE_CHECKING:
    from sqlglot import exp

#: joins the tables that a form speaks of; None if no path leads from one to the other
Joins = Sequence[Join] | None


@dataclass(frozen=True, slots=True)
class Item:
    """What is shown or ordered by: a column, an aggregate ("count", "avg", "sum", "min", "max") of one, or the count of rows."""

    ref: Ref | None = None
    aggregate: str = ""
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition: what is compared, how ("=", "!=", "<", "<=", ">", ">=", "between", "like", "not like", "in", "not in"), and with what: a
    value, a pair of them, or the result of another form."""

    item: Item
    operator: str
    value: Any


@dataclass(slots=True)
class Form:
    """A question as its parts. `filters` all hold, each being one of several; `having` speaks of groups; `tables` are joined though no
    column of theirs is named; `over` is what is worked out of the groups' own numbers ("avg"). `combined` is another form, and what is done
    with it: "intersect", "except", "union"; for forms of one number "minus", and "percent": what share of the other's this one is."""

    select: list[Item] = field(default_factory=list)
    distinct: bool = False
    tables: list[str] = field(default_factory=list)
    filters: list[list[Filter]] = field(default_factory=list)
    group: list[Ref] = field(default_factory=list)
    having: list[Filter] = field(default_factory=list)
    order: list[tuple[Item, bool]] = field(default_factory=list)
    limit: int | None = None
    over: str = ""
    combined: tuple[str, Form] | None = None

    def items(self) -> list[Item]:
        """Everything that the form itself compares or shows."""
        return [
            *self.select,
            *(one.item for group in self.filters for one in group),
            *(Item(ref) for ref in self.group),
            *(one.item for one in self.having),
            *(item for item, _ in self.order),
        ]

    def touched(self) -> list[str]:
        """The tables that the form speaks of, in order."""
        return list(dict.fromkeys([*self.tables, *(item.ref.table for item in self.items() if item.ref)]))


class NoPathError(Exception):
    """Tables that a form speaks of do not hang together."""


def sql_of(form: Form, paths: Any) -> str:
    """The form as a statement in SQLite's dialect; raises `NoPathError` if its tables cannot be joined."""
    return _Writer(paths).written(form).sql(dialect="sqlite")


class _Writer:
    """Writes forms with sqlglot."""

    def __init__(self, paths: Any) -> None:
        self._paths = paths

    def written(self, form: Form) -> exp.Query:
        """The whole question, with what other forms have to do with it."""
        from sqlglot import exp

        made = self.select(form)
        if form.over:
            made = exp.select(exp.func(form.over, exp.column("n"))).from_(made.subquery("numbers"))
        if not form.combined:
            return made
        kind, other = form.combined
        if kind == "minus":
            return exp.select(exp.Sub(this=made.subquery(), expression=self.select(other).subquery()).as_("difference"))
        if kind == "percent":
            part = exp.Mul(this=exp.Literal.number("100.0"), expression=made.subquery())
            return exp.select(exp.Div(this=part, expression=self.select(other).subquery()).as_("percent"))
        combine = exp.intersect if kind == "intersect" else exp.except_ if kind == "except" else exp.union
        return combine(made, self.select(other))

    def select(self, form: Form) -> exp.Select:
        """One form by itself."""
        from sqlglot import exp

        touched = form.touched()
        joins = self._paths.tree(touched)
        if joins is None or not touched:
            raise NoPathError(", ".join(touched))
        wide = bool(joins)
        items = [self._item(item, wide) for item in form.select]
        if form.over:
            items = [items[0].as_("n")]
        made = exp.select(*items).from_(_table(joins[0].of if joins else touched[0]))
        for join in joins:
            made = made.join(_table(join.to), on=exp.EQ(this=_column(join.left, True), expression=_column(join.right, True)))
        for group in form.filters:
            made = made.where(exp.or_(*(self._condition(one, wide) for one in group)))
        if form.group:
            made = made.group_by(*(_column(ref, wide) for ref in form.group))
        for one in form.having:
            made = made.having(self._condition(one, wide))
        for item, down in form.order:
            made = made.order_by(exp.Ordered(this=self._item(item, wide), desc=down))
        if form.limit is not None:
            made = made.limit(form.limit)
        if form.distinct:
            made = made.distinct()
        return made

    def _item(self, item: Item, wide: bool) -> Any:
        from sqlglot import exp

        column: Any = _column(item.ref, wide) if item.ref else exp.Star()
        if not item.aggregate:
            return column
        if item.distinct:
            column = exp.Distinct(expressions=[column])
        return exp.func(item.aggregate, column)

    def _condition(self, one: Filter, wide: bool) -> Any:
        from sqlglot import exp

        column = self._item(one.item, wide)
        if isinstance(one.value, Form):
            query = exp.Subquery(this=self.select(one.value))
            if one.operator in ("in", "not in"):
                inside = exp.In(this=column, query=query)
                return exp.Not(this=inside) if one.operator == "not in" else inside
            return _compare(one.operator)(this=column, expression=query)
        if one.operator == "between":
            low, high = (exp.convert(value) for value in one.value)
            return exp.Between(this=column, low=low, high=high)
        value = exp.convert(one.value)
        if one.operator == "not like":
            return exp.Not(this=exp.Like(this=column, expression=value))
        if isinstance(one.value, str) and one.operator in ("=", "!="):
            value = exp.Collate(this=value, expression=exp.Var(this="NOCASE"))
        return _compare(one.operator)(this=column, expression=value)


def _compare(operator: str) -> Any:
    from sqlglot import exp

    kinds = {
        "=": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE, "like": exp.Like,
    }  # fmt: skip
    return kinds[operator]


def _table(name: str) -> exp.Table:
    from sqlglot import exp

    return exp.Table(this=exp.to_identifier(name))


def _column(ref: Ref, wide: bool) -> exp.Column:
    from sqlglot import exp

    return exp.column(exp.to_identifier(ref.column), table=exp.to_identifier(ref.table) if wide else None)
