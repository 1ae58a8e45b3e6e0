"""What the words of a question mean to tables: which name tables, columns or cells, which are numbers, which ask or compare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import fsum
from typing import Any

from grainline.tables.bilingual import COLUMNS, COUNTRIES
from grainline.tables.naming import IDENTIFYING, is_chinese, pieces, spoken
from grainline.tables.schema import Column, Table
from grainline.tables.values import Cell, Values
from grainline.tables.words import ASKING, CHINESE, ENGLISH, LIGHT, NUMBER_WORDS, SCALES
from grainline.text import CJK_RUN, fold, stem

#: how much of a name must be said
SAID = 0.5
#: candidates that are this much worse than the best one are no candidates
WORSE = 0.4
#: what a word of its table's name counts in the name of a column, and one that says that it holds an amount
OWNER, AMOUNT = 0.25, 0.4
AMOUNTS = frozenset(stem(word) for word in "num number count total amount quantity".split())
#: words that may follow the name of a column and add nothing: "phone number"
NEUTRAL = frozenset(stem(word) for word in "number date value".split())
#: what it counts that a word is only of one family with that of a name
FAMILY = 0.9
#: words that end the names of tables and say nothing
GENERIC = frozenset(
    stem(word) for word in "data list info information table record detail ref tbl entry 表 信息 数据 记录".split()
)
_TRANSLATED = {" ".join(pieces(english)): chinese.split() for english, chinese in COLUMNS.items()}
#: words of the longest name that is looked for
LONGEST = 6

#: light words that may stand inside what names a column
_INSIDE = frozenset(("of", "the", "a", "an"))
#: light words of Chinese, the longest first, and what stands between them
_LIGHTS = "|".join(sorted((word for word in LIGHT if CJK_RUN.match(word)), key=lambda word: (-len(word), word)))
_LIGHT_RUN = re.compile(rf"({_LIGHTS})|(?:(?!{_LIGHTS}).)+")
#: what a question begins with that asks to be shown something
_COMMAND = re.compile(
    r"(?:^|[.;?!]\s+)(?:please\s+|can you\s+)?(?:show|list|find|give|return|display|tell|get|state|report|name)\b(?:\s+(?:me|us))?",
    re.I,
)

#: what stands before a "one" that is no number
_POINTED = re.compile(r"\b(?:the|each|this|that|which|every|any|no)\s+$", re.I)

_TOKEN = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[\u3400-\u9fff]+|[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?|\S")
_WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?|\d+")
_QUOTED = re.compile(r"[“\"「『《]([^”\"」』》]{1,80})[”\"」』》]|(?<![\w])['‘]([^'’]{1,80}?)['’](?!\w)")
_NUMBER = re.compile(
    r"(?<![A-Za-z\d_.])(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)\s?(百万|千万|[千万亿]|(?:thousand|million|billion|k)\b)?(%)?"
)


@dataclass(slots=True)
class Mention:
    """A stretch of a question and what it means: `kind` is table, column, value, number, light, word, or a role of `words`; `said` what
    it says in that role; `value` a number, or the text of a cell; `used` is set once a rule has explained it."""

    start: int
    end: int
    kind: str
    text: str
    said: str = ""
    value: Any = None
    tables: tuple[tuple[Table, float], ...] = ()
    columns: tuple[tuple[Table, Column, float], ...] = ()
    used: bool = False


@dataclass(frozen=True, slots=True)
class _Name:
    """A way to say a table or a column: its words, what each counts, and of what it is a name."""

    words: tuple[str, ...]
    weights: tuple[float, ...]
    owner: frozenset[str]
    table: Table
    column: Column | None
    chinese: str = ""


@dataclass(slots=True)
class Names:
    """The names of all tables and columns of a catalog, by the words in them."""

    tables: Sequence[Table]
    _by_word: dict[str, list[_Name]] = field(default_factory=dict)
    _by_pair: dict[str, list[_Name]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.tables:
            for name in _names(table):
                for pair in {name.chinese[at : at + 2] for at in range(max(1, len(name.chinese) - 1))} if name.chinese else ():
                    self._by_pair.setdefault(pair, []).append(name)
                for word in dict.fromkeys(name.words):
                    self._by_word.setdefault(word[:4], []).append(name)

    def find(self, question: str) -> Iterator[tuple[int, int, str, tuple[tuple[_Name, float], ...]]]:
        """Stretches of a question that name tables ("table") or columns ("column"), with the names and how well they are said."""
        tokens = [
            (match.start(), match.end(), match.group().lower(), _stem(match.group())) for match in _WORD.finditer(question)
        ]
        for first in range(len(tokens)):
            for last in range(first, min(first + LONGEST, len(tokens))):
                inside = [token for token in tokens[first : last + 1] if token[2] not in LIGHT]
                light = [token[2] for token in tokens[first : last + 1] if token[2] in LIGHT]
                if (
                    tokens[first][2] in LIGHT
                    or tokens[last][2] in LIGHT
                    or not (_INSIDE.issuperset(light) or {"which", "they"} & set(light))
                ):
                    continue
                words = tuple(token[3] for token in inside)
                yield from self._said(tokens[first][0], tokens[last][1], words, not _INSIDE.issuperset(light))
        yield from self._said_in_chinese(question)

    def _said(
        self, start: int, end: int, words: tuple[str, ...], whole: bool
    ) -> Iterator[tuple[int, int, str, tuple[tuple[_Name, float], ...]]]:
        for kind in ("table", "column"):
            scored: dict[tuple[str, str], tuple[_Name, float]] = {}
            for word in dict.fromkeys(word[:4] for word in words):
                for name in self._by_word.get(word, ()):
                    if (name.column is None) == (kind == "table"):
                        worth = _worth(words, name) if not whole or _all_of(words, name) else 0.0
                        key = name.table.sql, name.column.sql if name.column else ""
                        if worth >= SAID and worth > scored.get(key, (name, 0.0))[1]:
                            scored[key] = name, worth
            if scored:
                yield start, end, kind, tuple(scored.values())

    def _said_in_chinese(self, question: str) -> Iterator[tuple[int, int, str, tuple[tuple[_Name, float], ...]]]:
        found: dict[tuple[int, int, str], list[tuple[_Name, float]]] = {}
        pairs = dict.fromkeys([*(question[at : at + 2] for at in range(len(question) - 1)), *question])
        for name in {id(name): name for pair in pairs for name in self._by_pair.get(pair, ())}.values():
            start, end = _common(question, name.chinese)
            if end - start >= min(2, len(name.chinese)) and (end - start) / len(name.chinese) >= SAID:
                kind = "column" if name.column else "table"
                share = (end - start) / len(name.chinese)
                for match in re.finditer(re.escape(question[start:end]), question):
                    found.setdefault((*match.span(), kind), []).append((name, share))
        for (start, end, kind), names in found.items():
            yield start, end, kind, tuple(names)


def link(question: str, names: Names, values: Values) -> list[Mention]:
    """The mentions of a question in order, none overlapping another, every word in one of them."""
    taken: list[Mention] = []
    # the longest first; of two alike cells and numbers come before names, and these before words of the language
    for mention in sorted(_candidates(question, names, values), key=lambda one: (_rank(one), one.start)):
        if all(mention.end <= other.start or other.end <= mention.start for other in taken):
            taken.append(mention)
    free = list(question)
    for one in taken:
        free[one.start : one.end] = "\0" * (one.end - one.start)
    for match in _TOKEN.finditer("".join(free)):
        word = match.group()
        if CJK_RUN.match(word):
            taken += _rest(match.start(), word)
        elif word != "\0":
            kind = "light" if word.lower() in LIGHT or not word.isalnum() else "word"
            taken.append(Mention(match.start(), match.end(), kind, word))
    return sorted(taken, key=lambda one: one.start)


def _rest(start: int, run: str) -> Iterator[Mention]:
    """What is left of a run of Chinese: the light words in it, and what is none."""
    for match in _LIGHT_RUN.finditer(run):
        kind = "light" if match.group(1) else "word"
        yield Mention(start + match.start(), start + match.end(), kind, match.group())


_FIRST = {"measure": 5, "quote": 0, "value": 1, "role": 2, "table": 3, "column": 3, "number": 2}


def _rank(one: Mention) -> tuple[int, int, float]:
    kind = "quote" if one.said in ("quoted", "command") else one.kind if one.kind in _FIRST else "role"
    length = len(one.text) + (2 if one.kind in ("table", "column") and _best(one) >= 1 and " " in one.text else 0)
    # of a table and a column the one whose name is said better, then the table
    return (0 if kind == "quote" else 1), -length, _FIRST[kind] + (1 - _best(one) if kind in ("table", "column") else 0)


def _best(one: Mention) -> float:
    return max([*(score for _, score in one.tables), *(score for _, _, score in one.columns)], default=0.0)


def _candidates(question: str, names: Names, values: Values) -> Iterator[Mention]:
    for match in _QUOTED.finditer(question):
        said = next(filter(None, match.groups()))
        yield Mention(match.start(), match.end(), "value", match.group(), "quoted", said, columns=_cells(values.find(said)))
    for english, chinese in COUNTRIES.items() if is_chinese(question) else ():
        if (at := question.find(chinese)) >= 0 and (cells := values.find(english)):
            yield Mention(at, at + len(chinese), "value", chinese, "", cells[0].value, columns=_cells(cells))
    for start, end, cells in values.longest(question):
        text = question[start:end]
        # a few words of a longer cell mean it only where they are written as a name is
        is_name = cells[0].exact or not text[:1].islower()
        if text.lower() not in LIGHT and not text.isdigit() and is_name:
            yield Mention(start, end, "value", text, "", cells[0].value, columns=_cells(cells))
    yield from _numbers(question)
    lowered = question.lower()
    for match in _COMMAND.finditer(question):
        yield Mention(match.start(), match.end(), "light", match.group(), "command")
    for pattern, concept in ASKING:
        yield from (Mention(match.start(), match.end(), "asks", match.group(), concept) for match in pattern.finditer(lowered))
    for pattern, role, said in _patterns(is_chinese(question)):
        for match in pattern.finditer(lowered):
            if match.group():
                yield Mention(match.start(), match.end(), role, match.group(), said)
    for start, end, kind, found in names.find(question):
        best = max(score for _, score in found)
        near = [(name, score) for name, score in found if score >= best - WORSE]
        if kind == "table":
            yield Mention(start, end, kind, question[start:end], tables=tuple((name.table, score) for name, score in near))
        else:
            columns = tuple((name.table, name.column, min(1.0, score)) for name, score in near if name.column)
            yield Mention(start, end, kind, question[start:end], columns=columns)


def _numbers(question: str) -> Iterator[Mention]:
    for match in _NUMBER.finditer(question):
        value = float(match.group(1).replace(",", "")) * SCALES.get(match.group(2) or "", 1)
        number = int(value) if value == int(value) and "." not in match.group(1) else value
        yield Mention(match.start(), match.end(), "number", match.group(), match.group(3) or "", number)
    for match in _WORD.finditer(question):
        if (word := match.group().lower()) in NUMBER_WORDS and not _POINTED.search(question[: match.start()]):
            yield Mention(match.start(), match.end(), "number", match.group(), "word", NUMBER_WORDS[word])
    for match in re.finditer(
        r"(?<![每哪这那某])[一二两三四五六七八九十](?=[个名位条家部首张本座只辆场次篇份种岁款人])", question
    ):
        yield Mention(match.start(), match.end(), "number", match.group(), "word", NUMBER_WORDS[match.group()])


@lru_cache(maxsize=2)
def _patterns(chinese: bool) -> tuple[tuple[re.Pattern[str], str, str], ...]:
    english = [(re.compile(rf"(?<![\w]){_bounded(pattern)}(?![\w])"), role, said) for pattern, role, said in ENGLISH]
    return tuple([*english, *((re.compile(pattern), role, said) for pattern, role, said in CHINESE)] if chinese else english)


def _bounded(pattern: str) -> str:
    return f"(?:{pattern})"


def _cells(cells: Sequence[Cell]) -> tuple[tuple[Table, Column, float], ...]:
    return tuple((cell.table, cell.column, 1.0 if cell.exact else 0.4) for cell in cells)


@lru_cache(maxsize=10_000)
def _stem(word: str) -> str:
    plain = fold(re.sub(r"['’]s?$", "", word))
    return {"people": "person", "men": "man", "women": "woman", "children": "child"}.get(plain, stem(plain))


def _names(table: Table) -> Iterator[_Name]:
    if said := _in_chinese(table.name, ""):
        yield from (_Name((), (), frozenset(), table, None, name) for name in said)
    for own in spoken(table.name):
        weights = [0.4 if word in GENERIC and len(own) > 1 else 1.0 for word in own]
        yield _Name(own, tuple(weights), frozenset(), table, None, _chinese(table.name))
    owner = frozenset(pieces(table.name))
    for column in table.columns:
        for name in _in_chinese(column.name, table.name):
            yield _Name((), (), owner, table, column, name)
        for own in spoken(column.name):
            weights = [
                0.0 if word in LIGHT else OWNER if word in owner and len(own) > 1 else AMOUNT if word in AMOUNTS else 1.0
                for word in own
            ]
            if not any(weights):
                weights = [1.0] * len(own)
            yield _Name(own, tuple(weights), owner, table, column, _chinese(column.name))


def _in_chinese(name: str, owner: str) -> list[str]:
    """What an English name may be called in a Chinese question: what all of its words are, that of its table aside."""
    if is_chinese(name):
        return []
    words = [word for word in pieces(name) if word not in GENERIC]
    telling = [word for word in words if word not in pieces(owner)] or words
    return _TRANSLATED.get(telling[0], []) if len(telling) == 1 else []


def _chinese(name: str) -> str:
    return re.sub(r"[（(].*?[）)]|表$", "", name) if is_chinese(name) else ""


def _worth(words: tuple[str, ...], name: _Name) -> float:
    """How much of a name is said by words that say nothing else, from 0 to 1; a little more where they name the owner, too."""
    joined = "".join(words)
    if joined == "".join(name.words) or (len(words) > 1 and _stem(joined) == "".join(name.words)):
        return 1.0
    said, rest = [0.0] * len(name.words), 0
    for word in words:
        place = next((place for place, own in enumerate(name.words) if not said[place] and alike(word, own)), None)
        if place is not None:
            said[place] = 1.0 if word == name.words[place] else FAMILY
        elif word in name.owner:
            rest += 1
        elif word not in NEUTRAL or word != words[-1] or name.column is None:
            return 0.0
    if not any(said):
        return 0.0
    telling = [place for place, word in enumerate(name.words) if word not in IDENTIFYING and word not in name.owner]
    if telling and name.column is not None and not any(said[place] for place in telling) and not set(words) <= {"id", "code"}:
        return 0.0  # "number of votes" is no phone number
    worth = fsum(weight * share for weight, share in zip(name.weights, said, strict=True)) / fsum(name.weights)
    heads = [place for place, word in enumerate(name.words) if word not in GENERIC] or [len(name.words) - 1]
    if name.column is None and not said[heads[-1]]:
        worth *= 0.6  # "car" is not what a table of car makers holds
    return min(1.0, worth) + 0.05 * rest


def _all_of(words: tuple[str, ...], name: _Name) -> bool:
    """Whether all words are of the name itself."""
    return all(any(alike(word, own) for own in name.words) for word in words)


def alike(word: str, own: str) -> bool:
    """Whether two stems are of one word: the same, or one family (director, directed)."""
    if word == own:
        return True
    shared = 0
    for left, right in zip(word, own, strict=False):
        if left != right:
            break
        shared += 1
    return shared >= 5 and max(len(word), len(own)) - shared <= 3


def _common(question: str, name: str) -> tuple[int, int]:
    """Where the longest stretch of a Chinese name stands in a question."""
    for length in range(len(name), 1, -1):
        for first in (len(name) - length, *range(len(name) - length)):
            if (at := question.find(name[first : first + length])) >= 0:
                return at, at + length
    return (at, at + 1) if len(name) == 1 and (at := question.find(name)) >= 0 else (0, 0)
