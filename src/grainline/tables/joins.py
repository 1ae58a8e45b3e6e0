"""Which columns refer to each other in files that do not say so, judged by their names and proved by their values.

Files of people rarely declare references. A column is taken to refer to another only where its name says so (stadium_id, 客户编号, or that
of the other table), the other's values are all there and all different, and nine in ten of its own are among them; and the key of a table
to that of another where one thing is kept in two (cars, car names): the name of one table is in that of the other, and both keys hold the
same values. Only tables that lie together are compared: those of one SQLite file or document, and table files of one folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from grainline.store.snapshot import Snapshot
from grainline.tables.found import Found, cells_of, is_table_file
from grainline.tables.naming import pieces
from grainline.tables.parse import is_missing
from grainline.tables.schema import Column, Table

#: words that end the name of a key
KEYS = frozenset({"id", "code", "no", "number", "num", "key", "uuid"})
CHINESE_KEYS = ("编号", "代码", "编码", "号码", "号")
#: words that end the name of a table and say nothing of it
_TRAILING = ("信息表", "信息", "列表", "表")
_SAYING_NOTHING = frozenset({"list", "data", "info", "tabl", "record", "detail"})
#: share of a column's values that must be among those that it refers to, and how many rows are compared
SHARE, ROWS = 0.9, 20_000
#: values that two keys must share to be those of one thing: a few small numbers are alike by chance
TWINS = 20
#: rows of a table whose column may be a key
LARGEST = 200_000


@dataclass(frozen=True, slots=True)
class _Side:
    """A column of a table, by their places, with the words of its name before those that end a key; `is_key` says whether some do."""

    table: int
    column: int
    words: tuple[str, ...]
    is_key: bool


def joins(snapshot: Snapshot, tables: Sequence[Table], found: Sequence[Found]) -> dict[int, dict[str, tuple[str, str]]]:
    """For the place of each table that refers to others, what its columns refer to (table, column), by their names in SQL."""
    groups: dict[tuple[str, str], list[int]] = {}
    for place, own in enumerate(found):
        groups.setdefault(_group(own), []).append(place)
    made: dict[int, dict[str, tuple[str, str]]] = {}
    for places in groups.values():
        if len(places) > 1:
            group = _Group(snapshot, tables, found, places)
            for place in places:
                refers = dict(group.refers(place))
                linked = {table for table, _ in refers.values()}
                linked |= {
                    tables[at].sql for at, of in made.items() if tables[place].sql in {table for table, _ in of.values()}
                }
                if (twin := group.twin(place, linked)) and twin[0] not in refers:
                    refers[twin[0]] = twin[1]
                if refers:
                    made[place] = refers
    return made


def _group(found: Found) -> tuple[str, str]:
    """What tables lie together with this one."""
    if found.in_file:
        return "file", found.source.rpartition("#")[0]
    if is_table_file(found.source):
        return "folder", str(PurePosixPath(found.source).parent)
    return "document", found.source


class _Group:
    """Tables that lie together."""

    def __init__(self, snapshot: Snapshot, tables: Sequence[Table], found: Sequence[Found], places: Sequence[int]) -> None:
        self._snapshot = snapshot
        self._tables = tables
        self._found = found
        self._values: dict[tuple[int, int], tuple[list[str], bool]] = {}
        self._read: set[int] = set()
        self._by_name: dict[str, list[_Side]] = {}
        self._by_end: dict[tuple[str, ...], list[int]] = {}
        self._sides: dict[int, list[_Side]] = {}
        for place in places:
            words = _words(tables[place].name)
            for at in range(len(words)):
                self._by_end.setdefault(words[at:], []).append(place)
            self._sides[place] = [_side(place, at, column) for at, column in enumerate(tables[place].columns)]
            for side in self._sides[place]:
                self._by_name.setdefault(self._name(side), []).append(side)

    def refers(self, place: int) -> Iterator[tuple[str, tuple[str, str]]]:
        """What the columns of a table refer to, by the column's name in SQL in small letters."""
        declared = {column.lower() for column, _, _ in self._found[place].links}
        for side in self._sides[place]:
            column = self._column(side)
            if column.sql.lower() in declared or column.kind in ("real", "date") or not side.words:
                continue
            for target in self._targets(side):
                if self._is_proved(side, target):
                    yield column.sql.lower(), (self._tables[target.table].sql, self._column(target).sql)
                    break

    def twin(self, place: int, linked: Collection[str]) -> tuple[str, tuple[str, str]] | None:
        """The key of a table with the key of an earlier table that holds the same things, if neither refers to the other yet."""
        own = set(_words(self._tables[place].name))
        links = {other.lower() for _, other, _ in self._found[place].links} | {name.lower() for name in linked}
        for other in (at for at in self._sides if at < place and self._tables[at].sql.lower() not in links):
            words = set(_words(self._tables[other].name))
            if not (own and words and (own <= words or words <= own)) or self._links_to(other, place):
                continue
            for side in self._keys(place):
                for target in self._keys(other):
                    values = set(self._cells(side)[0])
                    if len(values) >= TWINS and values == set(self._cells(target)[0]):
                        return self._column(side).sql.lower(), (self._tables[other].sql, self._column(target).sql)
        return None

    def _links_to(self, place: int, other: int) -> bool:
        """Whether a table is declared to refer to another."""
        return any(name.lower() == self._found[other].in_file.lower() for _, name, _ in self._found[place].links)

    def _keys(self, place: int) -> Iterator[_Side]:
        """The keys of a table that tell all of its rows apart."""
        if self._found[place].held <= LARGEST:
            yield from (side for side in self._sides[place] if side.is_key and self._is_different(side))

    def _targets(self, side: _Side) -> Iterator[_Side]:
        """The columns that one may refer to by its name, the likeliest first."""
        named = [
            place for at in range(len(side.words)) for place in self._by_end.get(side.words[at:], ()) if place != side.table
        ]
        together = [other for other in self._by_name.get(self._name(side), ()) if other.table != side.table]
        yield from (other for other in together if other.table in named)
        yield from self._ending(side)
        if side.is_key or self._found[side.table].in_file:
            for place in named:
                yield from (own for own in self._sides[place] if own.is_key and self._is_own(own))
        is_different = self._is_different(side)
        if not is_different:  # else it is in no table of that name: rather the key that others refer to
            yield from (other for other in together if other.is_key and other.table not in named)
        plain = [own for own in self._by_name.get("id", ()) if own.table != side.table]
        is_key = is_different and self._is_own(side)
        if side.is_key and not is_key and not named and len(plain) == 1 and self._found[side.table].in_file:
            yield from plain  # friend_id, where people are the only ones with an id

    def _ending(self, side: _Side) -> Iterator[_Side]:
        """Keys of Chinese that a name ends with: 销售工号 is the 工号 of an employee."""
        name = self._column(side).name
        if not name.isascii():
            yield from (
                other
                for sides in self._sides.values()
                for other in sides
                if other.table != side.table and other.is_key and len(own := self._column(other).name) > 1
                if name.endswith(own) and name != own
            )

    def _is_own(self, side: _Side) -> bool:
        """Whether a column is called a key of its own table: id, or stadium_id in stadium, or cont_id in continents."""
        if not side.words or side.table in self._by_end.get(side.words, ()):
            return True
        name = _words(self._tables[side.table].name)
        return len(side.words) == 1 and len(name) == 1 and len(side.words[0]) > 2 and name[0].startswith(side.words[0])

    def _is_proved(self, side: _Side, target: _Side) -> bool:
        if self._found[target.table].held > LARGEST or not self._is_different(target):
            return False
        known, own = set(self._cells(target)[0]), self._cells(side)[0]
        return bool(own) and sum(1 for value in own if value in known) >= SHARE * len(own)

    def _is_different(self, side: _Side) -> bool:
        """Whether a column has a value in every row, each a different one, in two rows at least."""
        values, is_full = self._cells(side)
        return is_full and len(values) > 1

    def _cells(self, side: _Side) -> tuple[list[str], bool]:
        """The distinct values of a column in the first rows, and whether no row is without one or has one again."""
        if side.table not in self._read:
            self._read.add(side.table)
            found = self._found[side.table]
            document = self._snapshot.at(found.number).document
            most = ROWS if found.held > LARGEST else LARGEST
            columns = list(zip(*islice(cells_of(document, found), most), strict=True)) or [()] * len(found.columns)
            for at, cells in enumerate(columns):
                distinct = list(dict.fromkeys(cell for cell in cells if not is_missing(cell)))
                self._values[side.table, at] = distinct, len(distinct) == len(cells) and found.held == found.rows
        return self._values[side.table, side.column]

    def _name(self, side: _Side) -> str:
        return " ".join(pieces(self._column(side).name))

    def _column(self, side: _Side) -> Column:
        return self._tables[side.table].columns[side.column]


def _side(table: int, place: int, column: Column) -> _Side:
    words = pieces(column.name)
    if words and words[-1] in KEYS:
        return _Side(table, place, words[:-1], True)
    ending = next((ending for ending in CHINESE_KEYS if words and words[-1].endswith(ending)), "")
    if ending:
        return _Side(table, place, tuple(filter(None, (*words[:-1], words[-1].removesuffix(ending)))), True)
    return _Side(table, place, words, column.key)


def _words(name: str) -> tuple[str, ...]:
    """The words of a table's name, without those that say nothing."""
    words = pieces(name)
    if len(words) > 1 and words[-1] in _SAYING_NOTHING:
        words = words[:-1]
    ending = next((ending for ending in _TRAILING if words and words[-1].endswith(ending) and words[-1] != ending), "")
    return (*words[:-1], words[-1].removesuffix(ending)) if ending else words
