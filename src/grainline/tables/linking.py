"""What the words of a question mean to tables: which name tables, columns or cells, which are numbers, which ask or compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from grainline.tables.bilingual import CELLS, SEXES
from grainline.tables.names import Names
from grainline.tables.naming import pieces
from grainline.tables.said import said_in
from grainline.tables.schema import Column, Table
from grainline.tables.values import Cell, Values
from grainline.tables.words import LIGHT, MEASURES, VERBS
from grainline.text import CJK_RUN

#: candidates that are this much worse than the best one are no candidates
WORSE = 0.4
_SEX = re.compile(rf"\b(?:{'|'.join(SEXES)})\b", re.I)
_TRANSLATED_CELL = re.compile("|".join(sorted(map(re.escape, CELLS), key=lambda word: (-len(word), word))))
#: light words of Chinese, the longest first, and what stands between them
_LIGHTS = "|".join(sorted((word for word in LIGHT if CJK_RUN.match(word)), key=lambda word: (-len(word), word)))
_LIGHT_RUN = re.compile(rf"({_LIGHTS})|(?:(?!{_LIGHTS}).)+")
_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?|\S")
_QUOTED = re.compile(r"[“\"「『《]([^”\"」』》]{1,80})[”\"」』》]|(?<![\w])['‘]([^'’]{1,80}?)['’](?!\w)")


@dataclass(slots=True)
class Mention:
    """A stretch of a question and what it means: `kind` is table, column, value, number, light, word, or a role of `words`; `said` what
    it says in that role; `value` a number, or the text of a cell; `near` says that it means a name which is only like it in meaning; `used`
    is set once a rule has explained it."""

    start: int
    end: int
    kind: str
    text: str
    said: str = ""
    value: Any = None
    tables: tuple[tuple[Table, float], ...] = ()
    columns: tuple[tuple[Table, Column, float], ...] = ()
    near: bool = False
    used: bool = False


def link(question: str, names: Names, values: Values) -> list[Mention]:
    """The mentions of a question in order, none overlapping another, every word in one of them."""
    taken: list[Mention] = []
    covered = bytearray(len(question))
    # the longest first; of two alike cells and numbers come before names, and these before words of the language
    for mention in sorted(_candidates(question, names, values), key=lambda one: (_rank(one), one.start)):
        if not any(covered[mention.start : mention.end]):
            covered[mention.start : mention.end] = b"\1" * (mention.end - mention.start)
            taken.append(mention)
    free = list(question)
    for one in taken:
        free[one.start : one.end] = "\0" * (one.end - one.start)
    for match in _TOKEN.finditer("".join(free)):
        word = match.group()
        if CJK_RUN.match(word):
            taken += _rest(match.start(), word)
        elif word != "\0":
            kind = "light" if word.lower() in LIGHT or not word.isalnum() else "verb" if word.lower() in VERBS else "word"
            taken.append(Mention(match.start(), match.end(), kind, word))
    taken.sort(key=lambda one: one.start)
    for before, one in pairwise(taken):
        if before.kind == "number" and re.fullmatch(MEASURES, one.text):
            one.kind = "light"
    _find_letters(taken, values)
    return taken


def _find_letters(mentions: list[Mention], values: Values) -> None:
    """Take a single capital for a value where a column that holds it is named before: "blood type A"."""
    for place, one in enumerate(mentions):
        if one.kind in ("light", "word") and len(one.text) == 1 and one.text.isupper():
            named = [
                column for other in mentions[max(0, place - 2) : place] if other.kind == "column" for column in other.columns
            ]
            own = {(table.sql, column.sql) for table, column, _ in named}
            cells = [cell for cell in values.spelled(one.text) if (cell.table.sql, cell.column.sql) in own]
            if cells:
                one.kind, one.value, one.columns = "value", cells[0].value, _cells(cells)


def _rest(start: int, run: str) -> Iterator[Mention]:
    """What is left of a run of Chinese: the light words in it, and what is none."""
    for match in _LIGHT_RUN.finditer(run):
        kind = "light" if match.group(1) else "verb" if match.group() in VERBS else "word"
        yield Mention(start + match.start(), start + match.end(), kind, match.group())


_FIRST = {"date": 0, "measure": 5, "quote": 0, "value": 1, "role": 2, "table": 3, "column": 3, "number": 2}


def _rank(one: Mention) -> tuple[int, int, float]:
    kind = "quote" if one.said in ("quoted", "command") else one.kind if one.kind in _FIRST else "role"
    length = len(one.text)
    if one.kind in ("table", "column") and _best(one) >= 1:
        length += 2 if " " in one.text else 4 if length > 2 and not one.text.isascii() else 0
    # of a table and a column the one whose name is said better, then the table
    worse = 1 - _best(one) + (0.001 if kind == "column" else 0) if kind in ("table", "column") else 0
    return (0 if kind == "quote" else 1), -length, _FIRST[kind] + worse


def _best(one: Mention) -> float:
    return max([*(score for _, score in one.tables), *(score for _, _, score in one.columns)], default=0.0)


def _candidates(question: str, names: Names, values: Values) -> Iterator[Mention]:
    for match in _QUOTED.finditer(question):
        said = next(filter(None, match.groups()))
        yield Mention(match.start(), match.end(), "value", match.group(), "quoted", said, columns=_cells(values.find(said)))
    for match in _SEX.finditer(question):
        cells = [cell for said in SEXES[match.group().lower()] for cell in values.spelled(said) if _tells_sex(cell.column)]
        if cells:
            yield Mention(*match.span(), "value", match.group(), "", cells[0].value, columns=_cells(cells))
    for match in _TRANSLATED_CELL.finditer(question):
        said = CELLS[match.group()]
        cells = [cell for english in said for cell in values.spelled(english) if len(english) > 1 or _tells_sex(cell.column)]
        if cells:
            yield Mention(*match.span(), "value", match.group(), "", cells[0].value, columns=_cells(cells))
    for start, end, cells in values.longest(question):
        text = question[start:end]
        # a few words of a longer cell mean it only where they are written as a name is
        is_name = cells[0].exact or not text[:1].islower()
        if text.lower() not in LIGHT and not text.isdigit() and is_name:
            yield Mention(start, end, "value", text, "", cells[0].value, columns=_cells(cells))
    yield from (Mention(*said) for said in said_in(question))
    for start, end, kind, found in names.find(question):
        best = max(score for _, score in found)
        near = [(name, score) for name, score in found if score >= best - WORSE]
        if kind == "table":
            yield Mention(start, end, kind, question[start:end], tables=tuple((name.table, score) for name, score in near))
        else:
            columns = tuple((name.table, name.column, min(1.0, score)) for name, score in near if name.column)
            yield Mention(start, end, kind, question[start:end], columns=columns)


def _tells_sex(column: Column) -> bool:
    return bool({"gender", "sex"} & set(pieces(column.name))) or "性别" in column.name


def _cells(cells: Sequence[Cell]) -> tuple[tuple[Table, Column, float], ...]:
    return tuple((cell.table, cell.column, 1.0 if cell.exact else 0.4) for cell in cells)
