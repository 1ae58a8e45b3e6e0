"""A cell by the label of its row and the header of its column: "net income in 2019", 2023年净利润; and what comes of two such cells.

Reports put what is measured into the first column and years into the header, so that a question names no column by its kind but a place.
The words that neither label, header nor what is done with the cells explains lower the confidence, as in `rules`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod
from typing import Any

from grainline.tables.names import alike, word_stem
from grainline.tables.naming import is_chinese
from grainline.tables.rules import CHINESE, ROLE, TELLING, WORD
from grainline.tables.schema import Column, Table
from grainline.tables.words import CELLS_DONE, CHANGING, DOING, LIGHT, REPORTING, VERBS, WORKING
from grainline.text import CJK_RUN

#: rows of a table that is read like this, and how much of a label or header must be said
ROWS, SAID = 400, 0.6
#: how sure a cell is whose row and column are both named; how much less where only one column could be meant, or another row as well
SURE, ALONE, EITHER = 0.95, 0.85, 0.5
_TOKEN = re.compile(r"[\u3400-\u9fff]|\d[\d,.]*\d|\d|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?")
#: what stands behind a label and is not of it: the number of a note, a unit
_MARKS = re.compile(r"\s*[(（](?:\d{1,2}|[^\W\da-zA-Z]{1,3})[)）]\s*$")
_RANGE = re.compile(r"\d{4}\s*年?\s*(?:-|–|—|to|through|~|至|到)\s*(?:fiscal )?\d{4}")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_PATTERNS = tuple((done, re.compile(pattern, re.IGNORECASE)) for done, pattern in CELLS_DONE)


@dataclass(frozen=True, slots=True)
class Found:
    """A statement for cells, how sure it is from 0 to 1, and the words that it does not explain."""

    sql: str
    confidence: float
    left_out: tuple[str, ...]
    table: Table


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str
    stem: str


@dataclass(frozen=True, slots=True)
class _Said:
    """How much of a name a question says, and the places of its tokens that say it."""

    share: float
    places: frozenset[int]


class Sheet:
    """A table whose rows go by a label in its first column of texts, and whose other columns hold numbers."""

    def __init__(self, table: Table, rows: Sequence[Sequence[Any]]) -> None:
        self.table = table
        self.label = table.columns[0]
        labels = Counter(str(row[0]) for row in rows)
        told = [str(row[0]) for row in rows if labels[str(row[0])] == 1 and any(cell is not None for cell in row[1:])]
        self.labels = [(text, _tokens(_MARKS.sub("", text))) for text in told]
        self.headers = [(column, _tokens(column.name)) for column in table.columns[1:] if column.name and not column.refers]
        self.names = {word_stem(token.text) for token in _tokens(table.name)}

    @staticmethod
    def may_be(table: Table) -> bool:
        """Whether a table may be one: few rows, that begin with a text, and a number somewhere."""
        is_labelled = table.columns[0].kind == "text" and not table.columns[0].refers
        return is_labelled and 0 < table.rows <= ROWS and any(column.kind in ("integer", "real") for column in table.columns)


def look_up(question: str, sheets: Iterable[Sheet]) -> Iterator[Found]:
    """The cells that a question names, for every sheet that has some."""
    tokens = _tokens(question)
    years = set(_YEAR.findall(question))
    done, span = next(
        ((done, match.span()) for done, pattern in _PATTERNS if (match := pattern.search(question))), ("", (0, 0))
    )
    for sheet in sheets:
        if found := _Look(question, tokens, years, sheet).found(done, span):
            yield found


class _Look:
    """One question put to one sheet."""

    def __init__(self, question: str, tokens: Sequence[_Token], years: set[str], sheet: Sheet) -> None:
        self._question = question
        self._tokens = tokens
        self._years = years
        self._sheet = sheet

    def found(self, done: str, span: tuple[int, int]) -> Found | None:
        """The reading that explains most; None where no row or no column is named."""
        rows = self._rows()
        if not rows:
            return None
        headers = self._headers(rows[0][1].places)
        doubts = [SURE, 0.5 + 0.5 * rows[0][1].share]
        if len(rows) > 1 and rows[1][1].places == rows[0][1].places and rows[1][1].share == rows[0][1].share:
            doubts.append(EITHER)
        row, said = rows[0]
        named = said.places.union(*(one.places for _, one in headers))
        if done in ("sum", "mean") and any(span[0] <= self._tokens[at].start < span[1] for at in named):
            done = ""  # "total assets" is the label
        if done == "rate" and len(headers) == 1:
            headers = self._with_year_before(headers)
        if done in ("sum", "mean") and len(headers) == 2 and _RANGE.search(self._question):
            headers = self._with_years_between(headers)
        yearly = [
            column for column, _ in self._sheet.headers if _YEAR.search(column.name) and column.kind in ("integer", "real")
        ]
        if (
            not headers
            and done in ("mean", "rise", "fall", "rate")
            and not self._years
            and (done == "mean" or len(yearly) == 2)
        ):
            headers = [(column, _Said(1.0, frozenset())) for column in yearly]
            doubts.append(ALONE)
        if done in ("most", "least"):
            columns = [column for column, _ in headers if column in yearly] if len(headers) > 1 else yearly
            if len(columns) < 2 or self._years - {year for column in columns for year in _YEAR.findall(column.name)}:
                return None
            made: str | None = _which(self._sheet, row, columns, done == "most")
            explained = said.places
        else:
            if not headers:
                return None
            columns = [column for column, _ in headers]
            made = self._made(done, row, columns)
            explained = named
        if made is None:
            return None
        left = list(self._left(explained, span if done else (0, 0)))
        doubts += [share for _, share in left]
        return Found(made, prod(doubts), tuple(text for text, _ in left), self._sheet.table)

    def _made(self, done: str, row: str, columns: Sequence[Column]) -> str | None:
        """The statement for what is done with the cells of a row; None if it cannot be done."""
        if not done or (len(columns) == 1 and done in ("sum", "mean")):
            return _cells(self._sheet, row, columns) if not done else None
        if len(columns) < 2 or (done not in ("sum", "mean") and not all(_YEAR.search(column.name) for column in columns)):
            return None
        if any(column.kind not in ("integer", "real") for column in columns):
            return None
        if done in ("sum", "mean"):
            return _worked_out(self._sheet, row, columns, done)
        if len(columns) > 2:
            return None
        old, new = sorted(columns, key=lambda column: _YEAR.findall(column.name) or [column.name])
        return _worked_out(self._sheet, row, [new, old], done)

    def _rows(self) -> list[tuple[str, _Said]]:
        """The labels that are said, the best first: what most of the question is, then what is said most wholly."""
        found = [(text, said) for text, own in self._sheet.labels if (said := self._said(own)).share >= SAID]
        return sorted(found, key=lambda one: (-_worth(one[1]), one[0]))

    def _headers(self, taken: frozenset[int]) -> list[tuple[Column, _Said]]:
        """The columns that are said: one for every year, or the one that is said best."""
        found = []
        for column, own in self._sheet.headers:
            if _YEAR.search(column.name):
                continue
            said = self._said(own)
            if said.share >= SAID and not said.places <= taken:
                found.append((column, said))
        found += self._under_years()
        best: dict[frozenset[int], tuple[Column, _Said]] = {}
        for column, said in sorted(found, key=lambda one: -_worth(one[1])):
            if not any(said.places <= other for other in best):
                best[said.places] = column, said
        return list(best.values())

    def _under_years(self) -> Iterator[tuple[Column, _Said]]:
        """Of the columns of each year that is said the one that is said best."""
        for year in sorted(self._years):
            at = {place for place, token in enumerate(self._tokens) if year in token.text}
            own = [(column, words) for column, words in self._sheet.headers if year in _YEAR.findall(column.name)]
            said = [
                (column, self._said([word for word in words if word.text != year and word.text.lower() not in REPORTING]))
                for column, words in own
            ]
            said.sort(key=lambda one: -one[1].share)
            if said and (len(said) == 1 or said[0][1].share > said[1][1].share):
                yield said[0][0], _Said(1.0, said[0][1].places | at)

    def _with_year_before(self, headers: list[tuple[Column, _Said]]) -> list[tuple[Column, _Said]]:
        """The column of a year with that of the year before: 同比."""
        (column, said), *_ = headers
        year = _YEAR.search(column.name)
        wanted = column.name.replace(year.group(), str(int(year.group()) - 1)) if year else ""
        return headers + [(other, said) for other, _ in self._sheet.headers if other.name == wanted]

    def _with_years_between(self, headers: list[tuple[Column, _Said]]) -> list[tuple[Column, _Said]]:
        """The columns of all years from one to another."""
        years = sorted({_year_of(column) for column, _ in headers if _YEAR.search(column.name)})
        between = [
            (column, headers[0][1])
            for column, _ in self._sheet.headers
            if _YEAR.search(column.name) and years and years[0] < _year_of(column) < years[-1]
        ]
        return headers + between

    def _said(self, own: Sequence[_Token]) -> _Said:
        """How much of a name the question says: of Chinese the longest run, else the words."""
        own = [token for token in own if token.text.lower() not in LIGHT or len(own) == 1 or CJK_RUN.match(token.text)]
        if not own:
            return _Said(0.0, frozenset())
        if CJK_RUN.match(own[0].text):
            return self._run(own)
        places = {}
        for token in own:
            at = next((at for at, other in enumerate(self._tokens) if at not in places and alike(other.stem, token.stem)), None)
            if at is not None:
                places[at] = len(token.text)
        return _Said(sum(places.values()) / sum(len(token.text) for token in own), frozenset(places))

    def _run(self, own: Sequence[_Token]) -> _Said:
        texts, asked = [token.text.lower() for token in own], [token.text.lower() for token in self._tokens]
        for length in range(len(texts), min(2, len(texts)) - 1, -1):
            for first in range(len(texts) - length + 1):
                run = texts[first : first + length]
                for at in range(len(asked) - length + 1):
                    if asked[at : at + length] == run:
                        return _Said(length / len(texts), frozenset(range(at, at + length)))
        return _Said(0.0, frozenset())

    def _left(self, explained: frozenset[int], span: tuple[int, int]) -> Iterator[tuple[str, float]]:
        """The words that nothing explains, with what each leaves of the confidence."""
        places = [at for at, token in enumerate(self._tokens) if at not in explained and not self._is_idle(token, span)]
        for _, group in groupby(enumerate(places), key=lambda pair: pair[1] - pair[0]):
            run = [self._tokens[at] for _, at in group]
            if is_chinese(run[0].text):
                text = "".join(token.text for token in run)
                for piece in _without(text, REPORTING | VERBS):
                    yield piece, CHINESE ** (len(piece) / 2)
                continue
            for token in run:
                if token.text.lower() in WORKING:
                    yield token.text, ROLE
                    continue
                is_name = token.text[:1].isdigit() or (token.text[:1].isupper() and token.start > 0)
                yield token.text, TELLING if is_name else WORD

    def _is_idle(self, token: _Token, span: tuple[int, int]) -> bool:
        said = token.text.lower().removesuffix("'s").removesuffix("’s")
        in_done = span[1] > 0 and (
            said in CHANGING or (span[0] <= token.start < span[1] and (said in DOING or is_chinese(said)))
        )
        return said in LIGHT or said in REPORTING or said in VERBS or in_done or token.stem in self._sheet.names


def _without(text: str, words: frozenset[str]) -> list[str]:
    """The runs of a text of Chinese that are left without words that say nothing."""
    known = sorted((word for word in words | LIGHT if is_chinese(word)), key=lambda word: (-len(word), word))
    return [piece for piece in re.split("|".join(map(re.escape, known)), text) if piece]


def _worth(said: _Said) -> float:
    return said.share * (len(said.places) + 1)


def _tokens(text: str) -> list[_Token]:
    return [_Token(found.start(), found.end(), found.group(), word_stem(found.group())) for found in _TOKEN.finditer(text)]


def _cell(column: Column) -> Any:
    from sqlglot import exp

    return exp.column(exp.to_identifier(column.sql))


def _select(sheet: Sheet, row: str, items: Sequence[Any]) -> Any:
    from sqlglot import exp

    made = exp.select(*items).from_(exp.Table(this=exp.to_identifier(sheet.table.sql)))
    return made.where(exp.EQ(this=_cell(sheet.label), expression=exp.convert(row)))


def _cells(sheet: Sheet, row: str, columns: Sequence[Column]) -> str:
    return str(_select(sheet, row, [_cell(column) for column in columns]).sql(dialect="sqlite"))


def _worked_out(sheet: Sheet, row: str, columns: Sequence[Column], done: str) -> str:
    """What comes of the cells of a row; of a change the new cell is the first."""
    from sqlglot import exp

    first, *others = (_cell(column) for column in columns)
    if done in ("sum", "mean"):
        for other in others:
            first = exp.Add(this=first, expression=other)
        if done == "mean":
            first = exp.Div(this=exp.Paren(this=first), expression=exp.Literal.number(f"{len(columns)}.0"))
    elif done == "fall":
        first = exp.Sub(this=others[0], expression=first)
    elif done == "rise":
        first = exp.Sub(this=first, expression=others[0])
    else:
        change = exp.Paren(this=exp.Sub(this=first, expression=others[0]))
        share = exp.Div(this=exp.Mul(this=exp.Literal.number("100.0"), expression=change), expression=others[0])
        first = exp.alias_(exp.func("round", share, exp.Literal.number(2)), "percent")
    return str(_select(sheet, row, [first]).sql(dialect="sqlite"))


def _year_of(column: Column) -> int:
    """The year in a header."""
    return int(_YEAR.findall(column.name)[-1])


def _which(sheet: Sheet, row: str, columns: Sequence[Column], down: bool) -> str:
    """The year in which a row has its largest or smallest number."""
    from sqlglot import exp

    pairs = [
        _select(sheet, row, [exp.alias_(exp.convert(_year_of(column)), "year"), exp.alias_(_cell(column), "cell")])
        for column in columns
    ]
    made = pairs[0]
    for other in pairs[1:]:
        made = exp.union(made, other, distinct=False)
    asked = exp.select("year").from_(made.subquery("cells"))
    return str(asked.order_by(exp.Ordered(this=exp.column("cell"), desc=down)).limit(1).sql(dialect="sqlite"))
