"""The names of tables and columns in the words of a question, English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import fsum

from grainline.tables.bilingual import COLUMNS, SAME
from grainline.tables.naming import IDENTIFYING, is_chinese, pieces, spoken
from grainline.tables.schema import Column, Table
from grainline.tables.words import LIGHT, VERBS
from grainline.text import fold, stem

#: a word of a question that is not Chinese
WORD = re.compile(r"[^\W\d_\u3400-\u9fff]+(?:['’][^\W\d_]+)?|\d+")
#: how much of a name must be said
SAID = 0.5
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
_TRANSLATED: dict[str, list[str]] = {}
for _english, _chinese_words in COLUMNS.items():
    _TRANSLATED.setdefault(" ".join(pieces(_english)), []).extend(_chinese_words.split())
#: words of the longest name that is looked for
LONGEST = 6

#: characters that make one who does something of a verb
DOERS = tuple("商者员家人方")
#: light words that may stand inside what names a column
_INSIDE = frozenset(("of", "the", "a", "an"))
_BRACKETS = re.compile(r"\s*[(（\[][^)）\]]*[)）\]]")


@dataclass(frozen=True, slots=True)
class Name:
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
    _by_word: dict[str, list[Name]] = field(default_factory=dict)
    _by_pair: dict[str, list[Name]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.tables:
            for name in _names(table):
                for pair in {name.chinese[at : at + 2] for at in range(max(1, len(name.chinese) - 1))} if name.chinese else ():
                    self._by_pair.setdefault(pair, []).append(name)
                for word in dict.fromkeys(name.words):
                    self._by_word.setdefault(word[:4], []).append(name)

    def find(self, question: str) -> Iterator[tuple[int, int, str, tuple[tuple[Name, float], ...]]]:
        """Stretches of a question that name tables ("table") or columns ("column"), with the names and how well they are said."""
        tokens = [
            (match.start(), match.end(), match.group().lower(), word_stem(match.group())) for match in WORD.finditer(question)
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
    ) -> Iterator[tuple[int, int, str, tuple[tuple[Name, float], ...]]]:
        for kind in ("table", "column"):
            scored: dict[tuple[str, str], tuple[Name, float]] = {}
            for word in dict.fromkeys(word[:4] for word in words):
                for name in self._by_word.get(word, ()):
                    if (name.column is None) == (kind == "table"):
                        worth = _worth(words, name) if not whole or _all_of(words, name) else 0.0
                        key = name.table.sql, name.column.sql if name.column else ""
                        if worth >= SAID and worth > scored.get(key, (name, 0.0))[1]:
                            scored[key] = name, worth
            if scored:
                yield start, end, kind, tuple(scored.values())

    def _said_in_chinese(self, question: str) -> Iterator[tuple[int, int, str, tuple[tuple[Name, float], ...]]]:
        if not is_chinese(question):
            return
        found: dict[tuple[int, int, str], list[tuple[Name, float]]] = {}
        pairs = dict.fromkeys([*(question[at : at + 2] for at in range(len(question) - 1)), *question])
        for name in {id(name): name for pair in pairs for name in self._by_pair.get(pair, ())}.values():
            start, end = _common(question, name.chinese)
            if end - start >= min(2, len(name.chinese)) and (end - start) / len(name.chinese) >= SAID:
                kind = "column" if name.column else "table"
                share = (end - start) / len(name.chinese)
                if question[start:end] in VERBS and name.chinese.partition(question[start:end])[2][:1] in DOERS:
                    continue  # what is produced (生产) is no producer (生产商)
                for match in re.finditer(re.escape(question[start:end]), question):
                    found.setdefault((*match.span(), kind), []).append((name, share))
        for (start, end, kind), names in found.items():
            best = {(name.table.sql, name.column): (name, share) for name, share in sorted(names, key=lambda one: one[1])}
            yield start, end, kind, tuple(best.values())


@lru_cache(maxsize=10_000)
def word_stem(word: str) -> str:
    """The stem by which a word meets others of its family, whatever its case: person for people."""
    plain = fold(re.sub(r"['’]s?$", "", word))
    return {"people": "person", "men": "man", "women": "woman", "children": "child"}.get(plain, stem(plain))


def _names(table: Table) -> Iterator[Name]:
    if said := _in_chinese(table.name, ""):
        yield from (Name((), (), frozenset(), table, None, name) for name in said)
    for own in spoken(table.name):
        weights = [0.4 if word in GENERIC and len(own) > 1 else 1.0 for word in own]
        yield Name(own, tuple(weights), frozenset(), table, None)
    yield from (Name((), (), frozenset(), table, None, name) for name in _chinese(table.name))
    owner = frozenset(pieces(table.name))
    for column in table.columns:
        numbered = ("", "数", "数量") if column.kind in ("integer", "real") else ("",)
        for name in _in_chinese(column.name, table.name):
            yield from (Name((), (), owner, table, column, name + suffix) for suffix in numbered)
        for name in _chinese(column.name):
            yield Name((), (), owner, table, column, name)
        bare = _BRACKETS.sub("", column.name)
        for own in dict.fromkeys((*spoken(column.name), *(spoken(bare) if bare.strip() else ()))):
            weights = [
                0.0 if word in LIGHT else OWNER if word in owner and len(own) > 1 else AMOUNT if word in AMOUNTS else 1.0
                for word in own
            ]
            if not any(weights):
                weights = [1.0] * len(own)
            yield Name(own, tuple(weights), owner, table, column)


def _in_chinese(name: str, owner: str) -> list[str]:
    """What an English name may be called in a Chinese question: what all of its words are, that of its table aside."""
    if is_chinese(name):
        return []
    if whole := _TRANSLATED.get(" ".join(pieces(name))):
        return whole
    words = [word for word in pieces(name) if word not in LIGHT]
    if not owner:
        words = [word for word in words if word not in GENERIC] or words
    telling = [word for word in words if word not in pieces(owner)] or words
    counted = [word for word in telling if word not in AMOUNTS]
    if counted and len(counted) < len(telling):  # room_count: 房间数
        return [word + suffix for word in _whole(counted) for suffix in ("数", "数量", "总数", "")]
    return _whole(telling)


def _whole(words: Sequence[str]) -> list[str]:
    """What some English words are together in Chinese, where each of them is known; two of them in either order."""
    if len(words) == 1:
        return _TRANSLATED.get(words[0], [])
    if len(words) > 2:
        return _whole(words[-2:]) + _whole(words[:2])
    if len(words) != 2 or not all(word in _TRANSLATED for word in words):
        return []
    first, second = (_TRANSLATED[word] for word in words)
    return [left + right for one in first for two in second for left, right in ((one, two), (two, one))]


def _chinese(name: str) -> list[str]:
    """The ways to say a Chinese name: as it is, without what stands in brackets, and in other words."""
    if not is_chinese(name):
        return []
    plain = re.sub(r"[（(].*?[）)]|表$", "", name)
    other = [plain.replace(word, said) for word, words in SAME.items() for said in words.split() if word in plain]
    return list(dict.fromkeys((plain, *other)))


def _worth(words: tuple[str, ...], name: Name) -> float:
    """How much of a name is said by words that say nothing else, from 0 to 1; a little more where they name the owner, too."""
    joined = "".join(words)
    if joined == "".join(name.words) or (len(words) > 1 and word_stem(joined) == "".join(name.words)):
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


def _all_of(words: tuple[str, ...], name: Name) -> bool:
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
