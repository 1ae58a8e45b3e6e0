"""A question to the tables of a catalog without a model: read by rules, written as SQL, with what was understood and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grainline.errors import QueryError
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import KEYED, Catalog
from grainline.tables.engine import Engine
from grainline.tables.linking import Names, link
from grainline.tables.paths import Paths
from grainline.tables.query import NoPathError, sql_of
from grainline.tables.reading import Held
from grainline.tables.rules import read
from grainline.tables.schema import Column, Table
from grainline.tables.statement import quoted
from grainline.tables.values import Values
from grainline.types import EVERYWHERE, Where

#: below this confidence a question is not understood; fitted on half of Spider's questions (see LOG.md)
SURE = 0.55
#: groups of tables that a question is read against, and tables that are searched for it
GROUPS, SEARCHED = 8, 40
#: distinct values of a column that are learnt, and milliseconds for that
MOST = 20_000
LEARNING = 300


@dataclass(frozen=True, slots=True)
class Asked:
    """How a question was understood: as SQL, how surely from 0 to 1, and the words that this does not explain. No SQL where nothing
    was."""

    sql: str
    confidence: float
    left_out: tuple[str, ...]


class Asking:
    """The tables that an asker may see, ready for questions; what is learnt of them is kept for the snapshot."""

    def __init__(self, snapshot: Snapshot, where: Where = EVERYWHERE) -> None:
        self._snapshot = snapshot
        self._where = where
        self.catalog = Catalog.of(snapshot, where)
        self.engine = Engine(snapshot, self.catalog)

    def understand(self, question: str) -> Asked:
        """The SQL that a question means, as far as rules tell: that of the tables which hang together and explain it best. Raises
        `DamagedError`."""
        best = Asked("", 0.0, ())
        for tables in self._shortlist(question):
            asked = self._understood(question, tables)
            if asked.confidence > best.confidence:
                best = asked
        return best

    def _understood(self, question: str, tables: tuple[Table, ...]) -> Asked:
        """The SQL that a question means to some tables."""
        key = tuple(table.sql for table in tables)
        names = self._snapshot.keep(("names", self._where, key), lambda: Names(tables))
        values = self._snapshot.keep(("values", self._where, key), lambda: Values(self._snapshot, self.catalog, tables))
        paths = self._snapshot.keep(("paths", self._where, key), lambda: Paths(tables))
        understood = read(link(question, names, values), tables, paths, self.held)
        if understood is None:
            return Asked("", 0.0, ())
        try:
            sql = sql_of(understood.form, paths)
        except NoPathError:
            return Asked("", 0.0, understood.left_out)
        return Asked(sql, understood.confidence, understood.left_out)

    def held(self, table: Table, column: Column) -> Held | None:
        """The distinct values of a column and whether none is there twice; None where these are too many to learn in time."""

        def learn() -> Held | None:
            name, source = quoted(column.sql), quoted(table.sql)
            try:
                found = self.engine.run(
                    f"SELECT DISTINCT {name} FROM {source} WHERE {name} IS NOT NULL LIMIT {MOST + 1}",
                    rows=MOST + 1,
                    milliseconds=LEARNING,
                )
                (count,) = self.engine.run(f"SELECT count({name}) FROM {source}", milliseconds=LEARNING).rows[0]
            except QueryError:
                return None
            values = frozenset(row[0] for row in found.rows)
            return Held(values, len(values) == count) if len(found.rows) <= MOST else None

        return self._snapshot.keep(("held", self._where, table.sql, column.sql), learn)

    def _shortlist(self, question: str) -> list[tuple[Table, ...]]:
        """The groups of tables that hang together whose names, headers and rows say most of a question, the best first."""
        groups = self._snapshot.keep(("groups of tables", self._where), lambda: _groups(self.catalog.tables))
        if len(groups) <= GROUPS:
            return groups
        at = {table.sql: place for place, group in enumerate(groups) for table in group}
        worth = [0.0] * len(groups)
        names = self._snapshot.keep(("names", self._where), lambda: Names(self.catalog.tables))
        for start, end, _, found in names.find(question):
            said: dict[int, float] = {}
            for name, share in found:
                place = at[name.table.sql]
                said[place] = max(said.get(place, 0.0), share * (end - start))
            for place, share in said.items():
                worth[place] += share / len(question)
        for table, share in self._searched(question):
            worth[at[table.sql]] += share
        order = sorted(range(len(groups)), key=lambda place: (-worth[place], place))
        return [groups[place] for place in order[:GROUPS] if worth[place] > 0]

    def _searched(self, question: str) -> Iterator[tuple[Table, float]]:
        """The tables whose headers and rows hold words of a question, with what share of the best one's score they have."""
        places: dict[int, list[tuple[int, Table]]] = {}
        for table in self.catalog.tables:
            places.setdefault(self.catalog.found(table).number, []).append((table.start, table))
        for kind in (KEYED, "row"):
            hits = Lexical(self._snapshot, kind).match(question, SEARCHED, self._where)
            seen = set()
            for hit in hits:
                own = [
                    table
                    for start, table in places.get(self._snapshot.number(hit.node.document_id), ())
                    if start <= hit.node.start
                ]
                if own and own[-1].sql not in seen:
                    seen.add(own[-1].sql)
                    yield own[-1], hit.score / hits[0].score


def _groups(tables: Sequence[Table]) -> list[tuple[Table, ...]]:
    """The tables that hang together: those of one SQLite file, and those whose columns refer to each other; in order of the first."""
    root = {table.sql: table.sql for table in tables}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    files: dict[str, str] = {}
    for table in tables:
        path, mark, _ = table.source.rpartition("#")
        links = [files.setdefault(path, table.sql)] if mark and table.start == 0 else []
        for other in (*links, *(column.refers[0] for column in table.columns if column.refers)):
            root[find(table.sql)] = find(other)
    groups: dict[str, list[Table]] = {}
    for table in tables:
        groups.setdefault(find(table.sql), []).append(table)
    return [tuple(group) for group in groups.values()]
