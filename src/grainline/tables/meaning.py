"""What words of a question mean to tables where nothing lexical tells: names of tables and columns that are near them in meaning.

An encoder is asked for words that are left over, and for names that were never compared before. How near is near depends on the encoder
and on the languages: a cosine counts by how far it is above the median of all names, in standard deviations of those of the names with
each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grainline.keys.names import KIND, readable
from grainline.match.index import Index
from grainline.match.postings import text_hash
from grainline.match.vector import Unit, Vectors, decode, identity, unpack
from grainline.store.snapshot import Snapshot
from grainline.tables.catalog import Catalog
from grainline.tables.linking import Mention
from grainline.tables.naming import is_chinese, pieces
from grainline.tables.schema import Column, Table
from grainline.tables.words import WITHIN, WORKING
from grainline.types import Cost

Floats = NDArray[np.float32]
Owners = tuple[tuple[Table, Column | None], ...]
#: names that are compared with one question, and words or phrases of it
NAMES, PHRASES = 200, 24
#: runs of words that nothing explains, beyond which the question would not be understood anyway
RUNS = 4
#: names that must be there to judge cosines by
FEWEST = 4
#: how much nearer a name must be to a word than the median name, than names of other words, and where it is as good as said, in standard
#: deviations of the cosines of the names with each other: these hold for words and names of one language and of two
CLOSE, CLEAR, FULLY = 1.7, 0.5, 3.0
#: how much nearer one must be where no word of the question names a table, column or cell: it may be of something else
ALONE = 2.4
#: the least that the standard deviation is taken for
NARROWEST = 1e-3
#: how much farther a name of the same words may be to be meant as well
KIN = 0.5
#: how much nearer a part must be than all words that stand side by side
WHOLE = 0.1
#: how well a name is said by a word that is barely near it, and by one that is fully
LEAST, BEST = 0.4, 0.8
#: characters that are taken off a run of Chinese at either end, where all of it may be near nothing
CUT = 2


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words of a question that are left over: where they stand, what they say, and whether they are all that stand side by side."""

    start: int
    end: int
    text: str
    whole: bool = False


class Meaning:
    """Compares words of one question with names; `affords` says whether a price can be paid, `embedded` is what was, `said` what the words
    were found to mean. Raises `MissingExtraError`, `ModelError` and `UsageError` if the library's encoder cannot be used."""

    def __init__(self, snapshot: Snapshot, affords: Callable[[Cost], bool]) -> None:
        self._snapshot = snapshot
        self._affords = affords
        self._vectors = Vectors(snapshot, snapshot.embedder())
        self._asked: dict[str, Floats] = {}
        self._at: dict[str, int] = {}
        self._directions: Floats = np.zeros((0, 0), np.float32)
        self._spread = 0.0
        self.said: dict[str, str] = {}

    @property
    def embedded(self) -> int:
        """How many texts were embedded."""
        return self._vectors.embedded

    def learn(self, names: Iterable[str]) -> bool:
        """Make names ready to be compared, the first `NAMES` of them; False where there are too few, or they cost too much."""
        chosen = list(dict.fromkeys(names))[:NAMES]
        units = [Unit(text_hash(name), 0, name) for name in chosen]
        if len(chosen) < FEWEST or not self._affords(Cost(embedded=1 + len(self._vectors.missing(units)))):
            return False
        self._vectors.fill(units)
        embedder = self._snapshot.embedder()
        held = self._snapshot.vectors(identity(embedder), [unit.text for unit in units])
        self._directions = decode(np.stack([unpack(held[unit.text], embedder.dimension)[0] for unit in units]))
        own = (self._directions @ self._directions.T)[np.triu_indices(len(chosen), 1)]
        self._at, self._spread = {name: at for at, name in enumerate(chosen)}, max(float(own.std()), NARROWEST)
        return True

    def explained(self, mentions: Sequence[Mention], left: Sequence[Phrase], names: Mapping[str, Owners]) -> list[Mention]:
        """The mentions with names in place of words that are near one."""
        found = list(mentions)
        surest = 0.0
        known = [(phrase, near) for phrase in left if (near := self._near(phrase.text, names))]
        for phrase, near in sorted(known, key=lambda one: (-one[1].away - WHOLE * one[0].whole, one[0].start)):
            inside = [one for one in found if one.start < phrase.end and one.end > phrase.start]
            if any(one.kind not in ("word", "light") for one in inside):
                continue
            meant = [name for name in (*near.names, *near.rivals) if any(_means(one, names[name]) for one in found)]
            if near.rivals and not meant:
                continue
            found = [one for one in found if one not in inside] + [part for one in inside for part in _outside(one, phrase)]
            owners = [owner for name in near.names for owner in names[name]]
            found.append(_mention(phrase, [] if meant else owners, near.score))
            self.said[phrase.text] = (meant or near.names)[0]
            surest = max(surest, near.away)
        is_named = any(one.kind in ("table", "column", "value") for one in mentions)
        return sorted(found if is_named or surest >= ALONE else mentions, key=lambda one: one.start)

    def _near(self, text: str, names: Mapping[str, Owners]) -> _Near | None:
        """The names that words are near to; None if none is near enough."""
        if (asked := self._direction(text)) is None:
            return None
        cosines = self._directions @ asked
        away = (cosines - np.median(cosines)) / self._spread
        order = sorted((name for name in names if name in self._at), key=lambda name: (-away[self._at[name]], name))
        worth = {name: float(away[self._at[name]]) for name in order}
        if not order or worth[order[0]] < CLOSE:
            return None
        best = worth[order[0]]
        words = _words(order[0])
        alike = [name for name in order if words & _words(name)]
        rivals = [name for name in order if name not in alike and best - worth[name] < CLEAR]
        score = LEAST + (BEST - LEAST) * min(1.0, (best - CLOSE) / (FULLY - CLOSE))
        return _Near([name for name in alike if best - worth[name] <= KIN], rivals, best, score)

    def _direction(self, text: str) -> Floats | None:
        """The direction of some words; None if it cannot be paid for."""
        if text not in self._asked:
            if len(self._asked) >= PHRASES or not self._affords(Cost(embedded=self.embedded + 1)):
                return None
            self._asked[text] = self._vectors.question(text)
        return self._asked[text]


@dataclass(frozen=True, slots=True)
class _Near:
    """The name that words are near, first, with others of the same words; names of other words nearly as near; how near it is, and how
    well said."""

    names: list[str]
    rivals: list[str]
    away: float
    score: float


def left_over(question: str, mentions: Sequence[Mention]) -> list[Phrase]:
    """The words and phrases that are not explained: a run of words, each word, and the parts of a run of Chinese; none where there are too
    many of them."""
    runs = list(_runs(question, mentions))
    found: list[Phrase] = []
    for start, end in runs if len(runs) <= RUNS else ():
        text = question[start:end]
        found.append(Phrase(start, end, text, whole=True))
        if is_chinese(text):
            cuts = [(off, text[off:]) for off in range(1, CUT + 1)] + [(0, text[:-off]) for off in range(1, CUT + 1)]
            found += [Phrase(start + off, start + off + len(part), part) for off, part in cuts if len(part) > 1]
        else:
            own = [one for one in mentions if start <= one.start and one.end <= end and _is_open(one)]
            found += [Phrase(one.start, one.end, one.text) for one in own if len(own) > 1]
    return found


def _runs(question: str, mentions: Sequence[Mention]) -> Iterator[tuple[int, int]]:
    """Where words stand side by side that are not explained, in Chinese with the characters beside them that may be of one word."""
    start = end = -1
    is_open = False
    for one in mentions:
        joins = one.start == end if is_chinese(one.text) else not question[max(end, 0) : one.start].strip() and end >= 0
        is_inside = _is_open(one) or (is_chinese(one.text) and one.kind == "light" and one.text in WITHIN)
        if is_inside and joins and start >= 0:
            end, is_open = one.end, is_open or _is_open(one)
            continue
        if is_open:
            yield start, end
        start, end, is_open = (one.start, one.end, _is_open(one)) if is_inside else (-1, one.end, False)
    if is_open:
        yield start, end


def _is_open(one: Mention) -> bool:
    """Whether a mention is a word that nothing explains, and no name, number or rest of a word."""
    is_name = one.text[:1].isupper() and one.start > 0
    return one.kind == "word" and not one.used and not is_name and one.text.lower() not in WORKING


def names_of(snapshot: Snapshot, catalog: Catalog, tables: Sequence[Table]) -> dict[str, Owners]:
    """What some tables and their columns are called, as keys of the library say it, with what goes by each name; a key that refers to a
    table stands for that."""
    index = Index.of(snapshot, KIND)
    numbers = [catalog.found(table).number for table in tables]
    known = set(index.texts[np.isin(index.documents, np.array(numbers, index.documents.dtype))].tolist())
    by_name = {table.sql: table for table in tables}
    found: dict[str, dict[tuple[str, str], tuple[Table, Column | None]]] = {}
    for table in tables:
        owners: list[tuple[str, Table, Column | None]] = [(table.name, table, None)]
        for column in table.columns:
            if column.refers is not None:
                if target := by_name.get(column.refers[0]):
                    owners.append((column.name, target, None))
            elif not column.key:
                owners.append((column.name, table, column))
        for name, owner, own in owners:
            if (said := readable(name)) and text_hash(said) in known:
                found.setdefault(said, {})[owner.sql, own.sql if own else ""] = owner, own
    return {said: tuple(of.values()) for said, of in found.items()}


def _means(one: Mention, owners: Owners) -> bool:
    """Whether a mention means something that goes by a name, or is the content of it."""
    if one.kind == "table":
        return any(table == owner for table, _ in one.tables[:1] for owner, column in owners if column is None)
    return one.kind in ("column", "value") and any(
        (table, column) == (owner, own) for table, column, _ in one.columns for owner, own in owners
    )


def _mention(phrase: Phrase, owners: Sequence[tuple[Table, Column | None]], score: float) -> Mention:
    """A mention of the tables, if a name is one of a table, else of the columns; of nothing that is not said already where there is no
    owner."""
    tables = tuple((table, score) for table, column in owners if column is None)
    columns = tuple((table, column, score) for table, column in owners if column is not None)
    if tables:
        return Mention(phrase.start, phrase.end, "table", phrase.text, tables=tables, near=True)
    return Mention(phrase.start, phrase.end, "column" if columns else "verb", phrase.text, columns=columns, near=True)


def _outside(one: Mention, phrase: Phrase) -> Iterator[Mention]:
    """What of a mention stands before a phrase, and behind it."""
    if one.start < phrase.start:
        yield replace(one, end=phrase.start, text=one.text[: phrase.start - one.start])
    if one.end > phrase.end:
        yield replace(one, start=phrase.end, text=one.text[phrase.end - one.start :])


def _words(name: str) -> set[str]:
    """The words of a name; of Chinese each two characters."""
    return {
        part
        for word in pieces(name)
        for part in ([word[at : at + 2] for at in range(max(1, len(word) - 1))] if is_chinese(word) else [word])
    }
