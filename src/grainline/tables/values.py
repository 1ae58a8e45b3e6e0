"""In which cells the words of a question stand.

The distinct values of text columns are read once for a snapshot and a table, from the text where it holds all rows, else from the file
in its place. Words meet whatever their case, accents, width and punctuation, and in English whether one or several are meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from grainline.errors import QueryError
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import Catalog
from grainline.tables.engine import Engine
from grainline.tables.found import Found, cells_of
from grainline.tables.parse import is_missing
from grainline.tables.schema import Column, Table
from grainline.tables.statement import quoted
from grainline.text import CACHED_WORDS, CJK, CJK_FUNCTION, CJK_RUN, STOPWORDS, fold

#: distinct values of a column that are kept, and characters of one
MOST, LONGEST = 20_000, 80
#: rows of a file that are looked through for its values, and milliseconds that this may take for a column, or one look-up
ROWS, READING, ASKING = 200_000, 1_000, 300
#: values of a column that a phrase may be part of to mean them; cells with a word that is too common to be looked at
RARE, COMMON = 5, 5_000
#: characters that a single Chinese one must share its column with at most: 男, 女
KINDS = 20
_TOKEN = re.compile(rf"[{CJK}]|[^\W_{CJK}]+(?:['’][^\W\d_{CJK}]+)?")
_POSSESSIVE = re.compile(r"['’]s?$")

Tokens = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a column; `exact` says whether the phrase is all of it, or words inside it."""

    table: Table
    column: Column
    value: str
    exact: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The distinct values of a column, given by its place, in order of appearance; `whole` says whether these are all."""

    place: int
    values: tuple[str, ...]
    whole: bool


class Values:
    """The values of the text columns of a catalog, or of some of its tables, found by their words."""

    def __init__(self, snapshot: Snapshot, catalog: Catalog, tables: Sequence[Table] | None = None) -> None:
        self._engine = Engine(snapshot, catalog)
        self._cells: list[tuple[Table, Column, str, Tokens]] = []
        self._exact: dict[Tokens, list[int]] = {}
        self._holding: dict[str, list[int]] = {}
        self._lengths: dict[str, set[int]] = {}
        self._open: list[tuple[Table, Column]] = []
        for table in catalog.tables if tables is None else tables:
            for held in _held(snapshot, catalog, self._engine, table):
                self._take(table, table.columns[held.place], held)

    @classmethod
    def of(cls, snapshot: Snapshot, catalog: Catalog) -> Values:
        """The values of a catalog, read once for a snapshot."""
        return snapshot.keep(("values", catalog.where), lambda: cls(snapshot, catalog))

    def find(self, phrase: str) -> list[Cell]:
        """The cells that a phrase is, then those that it is part of if these are few; in order of the catalog."""
        tokens = spell(phrase)
        if not tokens:
            return []
        exact = self._exact.get(tokens, [])
        found = [self._cell(number, True) for number in exact]
        found += [cell for cell in self._asked(phrase, tokens) if cell not in found]
        return found + [self._cell(number, False) for number in self._parts(tokens) if number not in exact]

    def spelled(self, text: str) -> list[Cell]:
        """The cells that are a text and nothing else, be it a single letter; in order of the catalog."""
        return [self._cell(number, True) for number in self._exact.get(spell(text), [])]

    def longest(self, question: str) -> list[tuple[int, int, list[Cell]]]:
        """The places of a question where values stand, longest first, none overlapping another: whole values, then, of several words,
        parts of few."""
        matches = list(_TOKEN.finditer(question))
        tokens = [normal(match.group()) for match in matches]
        found = [
            (first, last, [self._cell(number, True) for number in self._exact[tuple(tokens[first:last])]])
            for first, token in enumerate(tokens)
            for length in self._lengths.get(token, ())
            if (last := first + length) <= len(tokens) and tuple(tokens[first:last]) in self._exact
            if self._is_telling(tokens[first:last])
        ]
        taken = _apart(found, matches)
        taken += _apart(self._inside(tokens), matches, taken)
        return sorted(taken, key=lambda place: (place[0] - place[1], place[0]))

    def _take(self, table: Table, column: Column, held: Held) -> None:
        if not held.whole:
            self._open.append((table, column))
        for value in held.values:
            tokens = spell(value)
            is_kind = len(held.values) <= KINDS or not (len(tokens) == 1 and len(tokens[0]) == 1)
            if not tokens or not is_kind:
                continue
            number = len(self._cells)
            self._cells.append((table, column, value, tokens))
            self._exact.setdefault(tokens, []).append(number)
            self._lengths.setdefault(tokens[0], set()).add(len(tokens))
            if len(tokens) > 1:
                for token in dict.fromkeys(tokens):
                    self._holding.setdefault(token, []).append(number)

    def _cell(self, number: int, exact: bool) -> Cell:
        table, column, value, _ = self._cells[number]
        return Cell(table, column, value, exact)

    def _parts(self, tokens: Tokens) -> list[int]:
        """The cells that hold a row of tokens and more, in columns where few values do; none for words that say nothing."""
        if not self._is_telling(tokens):
            return []
        rarest = min((self._holding.get(token, []) for token in tokens), key=len)
        if len(rarest) > COMMON:
            return []
        columns: dict[tuple[str, str], list[int]] = {}
        for number in rarest:
            table, column, _, own = self._cells[number]
            if len(own) > len(tokens) and _holds(own, tokens):
                columns.setdefault((table.sql, column.sql), []).append(number)
        return [number for numbers in columns.values() if len(numbers) <= RARE for number in numbers]

    def _inside(self, tokens: Sequence[str]) -> Iterator[tuple[int, int, list[Cell]]]:
        """Runs of several words of a question that stand inside few values, with the cells."""
        for first in range(len(tokens)):
            best: tuple[int, list[int]] | None = None
            for last in range(first + 2, len(tokens) + 1):
                run = tuple(tokens[first:last])
                if any(token not in self._holding for token in run):
                    break
                is_long = last - first > 2 or not CJK_RUN.match(run[0])
                ends = {run[0], run[-1]}
                if is_long and not ends & STOPWORDS and not ends & CJK_FUNCTION and (parts := self._parts(run)):
                    best = last, parts
            if best:
                yield first, best[0], [self._cell(number, False) for number in best[1]]

    @staticmethod
    def _is_telling(tokens: Iterable[str]) -> bool:
        return any(token not in STOPWORDS for token in tokens)

    def _asked(self, phrase: str, tokens: Tokens) -> Iterator[Cell]:
        """The cells of columns with more values than are kept that a phrase is: looked for in their rows, for a moment."""
        text = " ".join(phrase.split()).replace("'", "''")
        for table, column in self._open:
            name = quoted(column.sql)
            sql = f"SELECT DISTINCT {name} FROM {quoted(table.sql)} WHERE {name} = '{text}' COLLATE NOCASE LIMIT {RARE}"
            try:
                result = self._engine.run(sql, rows=RARE, milliseconds=ASKING)
            except QueryError:
                continue  # too many rows for the moment that there is, or a file that is gone
            yield from (Cell(table, column, str(row[0]), True) for row in result.rows if spell(str(row[0])) == tokens)


@lru_cache(maxsize=CACHED_WORDS)
def normal(word: str) -> str:
    """The form in which a word meets others.

    >>> [normal(word) for word in ("Cities", "Müller’s", "Ｇlass", "buses")]
    ['city', 'muller', 'glass', 'bus']
    """
    plain = fold(_POSSESSIVE.sub("", word))
    if len(plain) < 4 or not plain.isascii() or not plain.endswith("s") or plain[-2] in "suif0123456789":
        return plain
    if plain.endswith("ies"):
        return f"{plain[:-3]}y"
    return plain[:-2] if plain.endswith(("ses", "xes", "zes", "ches", "shes")) and len(plain) > 4 else plain[:-1]


@lru_cache(maxsize=CACHED_WORDS)
def spell(phrase: str) -> Tokens:
    """The words of a phrase in their normal form, Chinese character by character.

    >>> spell("JetBlue  Airways!"), spell("北京，中国")
    (('jetblue', 'airway'), ('北', '京', '中', '国'))
    """
    return tuple(normal(match.group()) for match in _TOKEN.finditer(phrase))


def _holds(tokens: Tokens, run: Tokens) -> bool:
    return any(tokens[at : at + len(run)] == run for at in range(len(tokens) - len(run) + 1))


def _apart(
    found: Iterable[tuple[int, int, list[Cell]]],
    matches: Sequence[re.Match[str]],
    taken: Sequence[tuple[int, int, list[Cell]]] = (),
) -> list[tuple[int, int, list[Cell]]]:
    """Of runs of tokens the longest that overlap neither each other nor what is taken, as places in the question."""
    kept: list[tuple[int, int, list[Cell]]] = []
    for first, last, cells in sorted(found, key=lambda run: (run[0] - run[1], run[0])):
        start, end = matches[first].start(), matches[last - 1].end()
        if all(end <= other[0] or other[1] <= start for other in (*taken, *kept)):
            kept.append((start, end, cells))
    return kept


def _held(snapshot: Snapshot, catalog: Catalog, engine: Engine, table: Table) -> tuple[Held, ...]:
    """The distinct values of a table's text columns."""
    found = catalog.found(table)

    def read() -> tuple[Held, ...]:
        columns = [place for place, column in enumerate(table.columns) if column.kind == "text"]
        if found.held == found.rows or found.encoding:  # all rows of a text file are only put in order for a statement
            return tuple(_from_text(snapshot, found, columns))
        return tuple(_from_rows(engine, table, place) for place in columns)

    return snapshot.keep(("values of a table", found.number, found.start), read)


def _from_text(snapshot: Snapshot, found: Found, columns: Sequence[int]) -> Iterator[Held]:
    values: list[dict[str, None]] = [{} for _ in columns]
    whole = [True] * len(columns)
    document = snapshot.at(found.number).document
    for cells in cells_of(document, found):
        for at, place in enumerate(columns):
            cell = cells[place]
            if len(values[at]) >= MOST:
                whole[at] = whole[at] and cell in values[at]
            elif len(cell) <= LONGEST and not is_missing(cell):
                values[at][cell] = None
    for at, place in enumerate(columns):
        yield Held(place, tuple(values[at]), whole[at])


def _from_rows(engine: Engine, table: Table, place: int) -> Held:
    """The values of a column that the text does not hold all rows of: those of the first rows of the file."""
    name, source = quoted(table.columns[place].sql), quoted(table.sql)
    first = f"(SELECT {name} FROM {source} LIMIT {ROWS})"
    sql = f"SELECT DISTINCT {name} FROM {first} WHERE length({name}) <= {LONGEST} LIMIT {MOST}"
    try:
        result = engine.run(sql, rows=MOST, milliseconds=READING)
    except QueryError:
        return Held(place, (), False)
    values = [str(row[0]) for row in result.rows if not isinstance(row[0], bytes)]
    return Held(place, tuple(value for value in values if not is_missing(value)), table.rows <= ROWS and len(values) < MOST)
