"""A statement as text: parsed, found to be one question and nothing else, its tables named, their names put where the tables really are.

What runs is the text as it was given, with only the names of tables replaced, so that no rewriting can change what it means.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from grainline.errors import QueryError

#: characters of a statement, and depth of its brackets
LONGEST, DEEPEST = 20_000, 30
_FIRST = ("select", "with", "(", "values")
#: what opens a quoted name, with what closes it
_QUOTES = {'"': '"', "`": "`", "[": "]", "'": "'"}


@dataclass(frozen=True, slots=True)
class Name:
    """A table named in a statement: its name, where that stands, and whether the statement gives it another one to go by."""

    name: str
    start: int
    end: int
    is_aliased: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """A question in SQL with the tables it names; `made` are those that it makes itself (WITH), in small letters."""

    sql: str
    tree: Any
    names: tuple[Name, ...]
    made: frozenset[str]

    def placed(self, place: Callable[[str], str]) -> str:
        """The statement with every table's name replaced by what `place` gives for it."""
        pieces, at = [], 0
        for name in self.names:
            alias = "" if name.is_aliased else f" AS {quoted(name.name)}"
            pieces += [self.sql[at : name.start], place(name.name), alias]
            at = name.end
        return "".join([*pieces, self.sql[at:]])

    def loose(self) -> list[str]:
        """Names in double quotes that can only be those of columns: no alias goes by them, and they are compared with nothing."""
        exp = _exp()
        compared = (exp.Predicate, exp.Tuple, exp.Array)
        given = {str(alias.alias).lower() for alias in self.tree.find_all(exp.Alias)}
        given |= {str(name.name).lower() for alias in self.tree.find_all(exp.TableAlias) for name in alias.columns}
        return [
            column.name
            for column in self.tree.find_all(exp.Column)
            if column.this.args.get("quoted") and not column.table and column.name.lower() not in given
            if not isinstance(column.parent, compared)
        ]


def quoted(name: str) -> str:
    """A name for use in SQL. In double quotes a name that is not there would quietly become a string."""
    return "`" + name.replace("`", "``") + "`"


def is_text(sql: str) -> bool:
    """Whether SQLite can be given this: it takes neither NUL characters nor halves of surrogate pairs."""
    try:
        return b"\0" not in sql.encode("utf-8")
    except UnicodeEncodeError:
        return False


def parse(sql: str) -> Statement:
    """The one question that `sql` asks; raises `QueryError` for anything else."""
    sql = sql.strip().rstrip(";").rstrip()
    if not sql.lower().startswith(_FIRST):
        raise QueryError("only a SELECT may be asked")
    if len(sql) > LONGEST:
        raise QueryError(f"the statement has {len(sql):,} characters; at most {LONGEST:,} are read")
    if not is_text(sql):
        raise QueryError("the statement holds what is no text: a NUL character, or half of one")
    tree = _tree(sql)
    made = frozenset(str(cte.alias).lower() for cte in tree.find_all(_exp().CTE))
    names = []
    for table in tree.find_all(_exp().Table):
        if not isinstance(table.this, _exp().Identifier):
            raise QueryError(f"{str(table.this)[:80]}: only tables stand behind FROM, no functions")
        if table.args.get("db") or table.args.get("catalog"):
            raise QueryError(f"{str(table)[:80]}: tables go by one name, without that of a database")
        if (name := _name(sql, table)).name.lower() not in made:
            names.append(name)
    return Statement(sql, tree, tuple(sorted(names, key=lambda name: name.start)), made)


def _name(sql: str, table: Any) -> Name:
    start, end = table.this.meta.get("start", -1), table.this.meta.get("end", -1) + 1
    written = sql[start:end]
    close = _QUOTES.get(written[:1], "")
    bare = written[1:-1].replace(close * 2, close) if close else written  # as SQLite reads it, whatever the parser makes of it
    if start < 0 or (written[-1:] != close if close else bare != table.name):
        raise QueryError(f"{table.name[:80]}: cannot tell where the statement names this table")
    return Name(bare, start, end, bool(table.alias))


def _tree(sql: str) -> Any:
    """The parsed statement, if it is a single question."""
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        with _quiet():
            _check_depth(sqlglot.tokenize(sql, dialect="sqlite"))
            trees = sqlglot.parse(sql, dialect="sqlite")
    except SqlglotError as error:
        raise QueryError(f"not SQL: {' '.join(str(error).split())[:300]}") from None
    except RecursionError:
        raise QueryError("the statement is nested too deeply") from None
    if len(trees) != 1 or trees[0] is None:
        raise QueryError(f"{len(trees)} statements; one at a time is asked")
    tree = trees[0]
    exp = _exp()
    if not isinstance(tree, exp.Select | exp.SetOperation | exp.Subquery):
        raise QueryError("only a SELECT may be asked")
    for other in tree.find_all(exp.DML, exp.DDL, exp.Command, exp.Pragma, exp.Attach, exp.Into):
        if not isinstance(other, exp.Query):
            raise QueryError(f"{type(other).__name__.upper()} is not allowed; only a SELECT may be asked")
    if any(found.args.get("recursive") for found in tree.find_all(exp.With)):
        raise QueryError("WITH RECURSIVE is not allowed")
    return tree


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the parser from saying on the terminal what it thinks of a statement; it is an error here if it matters."""
    logger = logging.getLogger("sqlglot")
    was, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = was


def _check_depth(tokens: list[Any]) -> None:
    depth = 0
    for token in tokens:
        depth += (token.text == "(") - (token.text == ")")
        if depth > DEEPEST:
            raise QueryError(f"the statement is nested more than {DEEPEST} deep")


def _exp() -> Any:
    from sqlglot import exp

    return exp
