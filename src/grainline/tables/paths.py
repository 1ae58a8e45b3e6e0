"""How tables hang together: the shortest ways from one to another along the columns that refer to each other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from grainline.tables.schema import Table


@dataclass(frozen=True, slots=True)
class Ref:
    """A column by the names of its table and its own in SQL."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Join:
    """A step from a table to one that is not joined yet, where `left` equals `right`; `right` is of the new table."""

    left: Ref
    right: Ref

    @property
    def of(self) -> str:
        """The table that the step starts at."""
        return self.left.table

    @property
    def to(self) -> str:
        """The table that it joins."""
        return self.right.table


class Paths:
    """The links among tables."""

    def __init__(self, tables: Sequence[Table]) -> None:
        self._links: dict[str, list[tuple[Ref, Ref]]] = {table.sql: [] for table in tables}
        self._refers = [
            (Ref(table.sql, column.sql), Ref(*column.refers)) for table in tables for column in table.columns if column.refers
        ]
        for left, right in self._refers:
            if right.table in self._links:
                self._links[left.table].append((left, right))
                self._links[right.table].append((right, left))

    def tree(self, tables: Sequence[str]) -> list[Join] | None:
        """The joins that bring tables together, starting from the first, by way of others where need be; None if nothing does."""
        joined, steps = list(tables[:1]), []
        for table in tables[1:]:
            if table in joined:
                continue
            path = self._path(joined, table)
            if path is None:
                return None
            steps += path
            joined += [step.to for step in path]
        return steps

    def leads(self, table: str, other: str) -> bool:
        """Whether each row of a table refers to at most one of another."""
        return any(left.table == table and right.table == other for left, right in self._refers)

    def targets(self, ref: Ref) -> list[Ref]:
        """The keys of other tables that a column refers to."""
        return [right for left, right in self._refers if left == ref]

    def _path(self, joined: Sequence[str], goal: str) -> list[Join] | None:
        """The shortest way to a table from any that is joined."""
        back: dict[str, Join | None] = dict.fromkeys(joined)
        queue = deque(joined)
        while queue:
            table = queue.popleft()
            if table == goal:
                path: list[Join] = []
                while (step := back[table]) is not None:
                    path.append(step)
                    table = step.of
                return path[::-1]
            for left, right in self._links.get(table, ()):
                if right.table not in back:
                    back[right.table] = Join(left, right)
                    queue.append(right.table)
        return None
