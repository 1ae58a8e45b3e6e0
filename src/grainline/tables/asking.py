"""A question to the tables of a catalog without a model: read by rules, written as SQL, with what was understood and how surely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from grainline.errors import QueryError
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import KEYED, Catalog
from grainline.tables.engine import Engine
from grainline.tables.linking import Mention, link
from grainline.tables.lookup import EITHER, Sheet, look_up
from grainline.tables.meaning import Meaning, Owners, Phrase, left_over, names_of
from grainline.tables.names import Names
from grainline.tables.paths import Paths
from grainline.tables.query import NoPathError, sql_of
from grainline.tables.reading import Held
from grainline.tables.rules import read
from grainline.tables.schema import Column, Table
from grainline.tables.statement import quoted
from grainline.tables.values import Values
from grainline.types import EVERYWHERE, Where

#: below this confidence a question is not understood; fitted on Spider's questions and half of our own (see LOG.md)
SURE = 0.6
#: groups of tables that a question is read against, and tables that are searched for it
GROUPS, SEARCHED = 8, 40
#: share of the best group's worth that another must have to be read
WORTH = 0.4
#: characters of a question; what is longer asks for more than a table tells
LONGEST = 1_000
#: what two readings may differ by in confidence to be as good as each other
ALIKE = 0.05
#: joins beyond which a reading is less likely, and how much less for each
STEPS, FAR = 2, 0.95
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
        if len(question) > LONGEST:
            return best
        groups = self.shortlist(question)
        for tables in groups:
            best = self._better(self._linked(question, tables), tables, best)
        cell = self._cell(question, groups)
        return cell if cell.confidence > best.confidence else best

    def compare(self, question: str, known: Asked, meaning: Meaning) -> Asked:
        """How a question is understood with words that nothing explains taken for the names that they are near in meaning, if that is
        surer than what is known; raises as `Meaning.explained`."""
        groups = self.shortlist(question) if len(question) <= LONGEST else []
        left = {place: found for place, tables in enumerate(groups) if (found := self._left_over(question, tables))}
        if not left or not meaning.learn(name for place in left for name in self._spoken(groups[place])):
            return known
        best = known
        for place, phrases in left.items():
            mentions = meaning.explained(self._linked(question, groups[place]), phrases, self._spoken(groups[place]))
            best = self._better(mentions, groups[place], best)
        return best

    def _left_over(self, question: str, tables: tuple[Table, ...]) -> list[Phrase]:
        """What no rule explains of a question to some tables."""
        mentions = self._linked(question, tables)
        read(mentions, tables, self._paths(tables), self.held)
        return left_over(question, mentions)

    def _spoken(self, tables: tuple[Table, ...]) -> dict[str, Owners]:
        """What some tables and their columns are called."""
        key = tuple(table.sql for table in tables)
        return self._snapshot.keep(("spoken", self._where, key), lambda: names_of(self._snapshot, self.catalog, tables))

    def _cell(self, question: str, groups: Sequence[Sequence[Table]]) -> Asked:
        """The cell that a question names by its row and column; less sure where one of another table may be meant as well."""
        sheets = [sheet for group in groups for table in group if (sheet := self._sheet(table))]
        found = sorted(look_up(question, sheets), key=lambda one: -one.confidence)
        if not found:
            return Asked("", 0.0, ())
        best = found[0]
        alike = len(found) > 1 and found[1].confidence >= best.confidence - ALIKE
        return Asked(best.sql, best.confidence * (EITHER if alike else 1.0), best.left_out)

    def _sheet(self, table: Table) -> Sheet | None:
        """A table as a sheet; None if it is none, or cannot be read in time."""

        def read() -> Sheet | None:
            """The sheet, if the table is one."""
            if not Sheet.may_be(table):
                return None
            columns = ", ".join(quoted(column.sql) for column in table.columns)
            try:
                result = self.engine.run(f"SELECT {columns} FROM {quoted(table.sql)}", milliseconds=LEARNING)
            except QueryError:
                return None
            return Sheet(table, result.rows)

        return self._snapshot.keep(("sheet", self._where, table.sql), read)

    def _linked(self, question: str, tables: tuple[Table, ...]) -> list[Mention]:
        """What the words of a question mean to some tables."""
        key = tuple(table.sql for table in tables)
        names = self._snapshot.keep(("names", self._where, key), lambda: Names(tables))
        return link(question, names, self.values(tables))

    def _paths(self, tables: tuple[Table, ...]) -> Paths:
        key = tuple(table.sql for table in tables)
        return self._snapshot.keep(("paths", self._where, key), lambda: Paths(tables))

    def _better(self, mentions: list[Mention], tables: tuple[Table, ...], best: Asked) -> Asked:
        """The SQL that a question, as linked to some tables, means to them if that is surer than the best known, else this."""
        paths = self._paths(tables)
        understood = read(mentions, tables, paths, self.held)
        if understood is None or understood.confidence <= best.confidence:
            return best
        try:
            sql = sql_of(understood.form, paths)
        except NoPathError:
            return best
        steps = paths.tree(understood.form.touched()) or ()
        sure = understood.confidence * FAR ** max(0, len(steps) - STEPS)
        return Asked(sql, sure, understood.left_out) if sure > best.confidence else best

    def values(self, tables: tuple[Table, ...]) -> Values:
        """The values of some tables, by their words; read once for a snapshot."""
        key = tuple(table.sql for table in tables)
        return self._snapshot.keep(("values", self._where, key), lambda: Values(self._snapshot, self.catalog, tables))

    def held(self, table: Table, column: Column) -> Held | None:
        """The distinct values of a column and whether none is there twice; None where these are too many to learn in time."""

        def learn() -> Held | None:
            """What the column holds now."""
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

    def shortlist(self, question: str) -> list[tuple[Table, ...]]:
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
        least = worth[order[0]] * WORTH
        return [groups[place] for place in order[:GROUPS] if worth[place] > least]

    def _places(self) -> dict[int, list[tuple[int, Table]]]:
        """Where the tables of each document start, by its row number."""
        places: dict[int, list[tuple[int, Table]]] = {}
        for table in self.catalog.tables:
            places.setdefault(self.catalog.found(table).number, []).append((table.start, table))
        return places

    def _searched(self, question: str) -> Iterator[tuple[Table, float]]:
        """The tables whose headers and rows hold words of a question, with what share of the best one's score they have."""
        places = self._snapshot.keep(("places of tables", self._where), self._places)
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
        """The name that stands for a group."""
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
