"""A statement rewritten so that it says which rows its result rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from grainline.tables.statement import Statement

#: what the columns are called that tell the rows
MARK = "row_of"


@dataclass(frozen=True, slots=True)
class Base:
    """A table behind FROM: the name that it goes by there, and its own."""

    alias: str
    name: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement whose last `width` columns tell the rows of the tables. Its rows are those of the result ("each"), in another order
    and without its limit ("alike"), or what an aggregate is made of, worth something only with all of them ("all")."""

    sql: str
    width: int
    rows: Literal["each", "alike", "all"]


def bases_of(statement: Statement) -> list[Base]:
    """The tables behind FROM, if there is nothing else; an empty list for compounds, subqueries there and statements with WITH."""
    from sqlglot import exp

    tree = statement.tree
    if not isinstance(tree, exp.Select) or statement.made:
        return []
    behind = tree.args.get("from_") or tree.args.get("from")
    items = [behind.this, *(join.this for join in tree.args.get("joins") or ())] if behind else []
    if not all(isinstance(item, exp.Table) and not item.args.get("joins") for item in items):
        return []
    return [Base(item.alias or item.name, item.name) for item in items]


def with_rows(statement: Statement, columns: Sequence[tuple[str, Sequence[str]]], limit: int) -> Asked | None:
    """The statement that tells the rows by the given columns of each table; None where that cannot be told."""
    from sqlglot import exp

    if not columns:
        return None
    tree = statement.tree.copy()
    marks = [
        exp.alias_(
            exp.column(exp.to_identifier(name, quoted=True), exp.to_identifier(alias, quoted=True)), f"{MARK}_{at}_{place}"
        )
        for at, (alias, names) in enumerate(columns)
        for place, name in enumerate(names)
    ]
    aggregates = _aggregates(tree)
    extreme = len(aggregates) == 1 and isinstance(aggregates[0], exp.Min | exp.Max) and not aggregates[0].expressions
    if aggregates and not extreme:
        tree = _inputs(tree, limit)
        tree.set("expressions", marks)
        return Asked(str(tree.sql(dialect="sqlite")), len(marks), "all")
    is_grouped = bool(tree.args.get("distinct")) and _group_alike(tree)
    tree.set("expressions", [*tree.expressions, *marks])
    return Asked(str(tree.sql(dialect="sqlite")), len(marks), "alike" if is_grouped else "each")


def _aggregates(tree: Any) -> list[Any]:
    """The aggregate functions of a statement itself, not those of its subqueries and windows."""
    from sqlglot import exp

    return [
        found
        for found in tree.find_all(exp.AggFunc)
        if found.find_ancestor(exp.Select) is tree and not isinstance(found.parent, exp.Window)
    ]


def _group_alike(tree: Any) -> bool:
    """Let one row stand for all rows that DISTINCT takes for one; whether the statement has to change for that."""
    from sqlglot import exp

    tree.set("distinct", None)
    named = [item.unalias().copy() for item in tree.expressions]
    if tree.args.get("group") or any(item.find(exp.Star) for item in named):
        return False
    tree.set("group", exp.Group(expressions=named))
    for clause in ("order", "limit", "offset"):
        tree.set(clause, None)
    return True


def _inputs(tree: Any, limit: int) -> Any:
    """The rows that go into an aggregate: those of its groups, as far as these are in the result."""
    from sqlglot import exp

    inputs = tree.copy()
    for clause in ("group", "having", "order", "limit", "offset", "distinct"):
        inputs.set(clause, None)
    if tree.args.get("group"):
        groups = _spelled_out(tree)
        keys = [key.copy() for key in groups.args["group"].expressions]
        groups.set("distinct", None)
        groups.set("expressions", [exp.alias_(key.copy(), f"key_{at}") for at, key in enumerate(keys)])
        inputs = inputs.where(exp.In(this=exp.Tuple(expressions=keys) if len(keys) > 1 else keys[0], query=groups.subquery()))
    return inputs.limit(limit + 1)


def _spelled_out(tree: Any) -> Any:
    """The statement with what it selects written out wherever another clause names it by its alias or its place."""
    from sqlglot import exp

    spelled = tree.copy()
    selected = [item.unalias() for item in tree.expressions]
    aliases = {item.alias.lower(): item.unalias() for item in tree.expressions if isinstance(item, exp.Alias)}

    def written(node: Any) -> Any:
        """What a node means."""
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in aliases:
            return exp.paren(aliases[node.name.lower()].copy())
        is_place = isinstance(node, exp.Literal) and node.is_int and isinstance(node.parent, exp.Group | exp.Ordered)
        return exp.paren(selected[int(node.this) - 1].copy()) if is_place and 0 < int(node.this) <= len(selected) else node

    for clause in ("group", "having", "order"):
        if found := spelled.args.get(clause):
            spelled.set(clause, found.transform(written))
    return spelled
