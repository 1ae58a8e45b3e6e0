"""From a passage to what it is linked with: whom it names, who names it, who goes by its name, who holds the same rare phrase."""

from __future__ import annotations

import posixpath
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from math import log, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.graph.names import NAMED, Tokens, own_name, variants_of
from grainline.graph.phrases import PHRASE, phrases
from grainline.graph.references import SIGN, Reference, path_of, references
from grainline.graph.scan import Mention, mentions
from grainline.graph.spelling import number, spell, written
from grainline.graph.strings import grown, rare_strings
from grainline.match.index import NOTHING, Index
from grainline.store.records import Stored
from grainline.store.snapshot import Snapshot
from grainline.text import CJK_RUN, terms
from grainline.types import EVERYWHERE, Document, Node, Where

Entries = NDArray[np.int64]
Worth = Callable[[Entries], NDArray[np.float64]]
#: by entry the strongest link to it so far: weight, kind, name
Ties = dict[int, tuple[float, str, str]]

NOWHERE: Entries = np.zeros(0, np.int64)
#: what a phrase that two passages share counts beside a name, and a string that nothing marks as a term
SHARED, UNMARKED = 0.8, 0.5
#: a name or phrase that more nodes bear or hold links nothing: it is a hub
HUB, COMMON = 40, 10
#: passages of a longer document or section that a name leads to, those first that hold most of what is asked
NARROW = 3
#: links of one passage, at most, the strongest first
FAN = 20
#: passages whose links are kept at hand between questions, some 3 KB each; and names whose terms are, a tenth of that
PASSAGES_KEPT, NAMES_KEPT = 4_000, 20_000


@dataclass(frozen=True, slots=True)
class Link:
    """An edge to a passage, an entry of the index of texts: of which kind (mentions, mentioned by, refers, shares), how strong, from 0 to
    1, and by which words."""

    entry: int
    kind: str
    weight: float
    name: str


class Links:
    """The edges of one state of a library as one asker sees them. `worth` says how much of what is asked entries hold."""

    def __init__(self, snapshot: Snapshot, worth: Worth, where: Where = EVERYWHERE) -> None:
        self._snapshot = snapshot
        self._where = where
        self._worth = worth
        self._texts = Index.of(snapshot, "text")
        self._names = Index.of(snapshot, NAMED)
        self._phrases = Index.of(snapshot, PHRASE)
        self._places = Places.of(snapshot)
        #: whether what is asked has chosen among the passages of a node
        self._narrowed = False
        allowed = self._texts.allowed(where)
        #: passages that may be seen
        self._visible = self._texts.size if allowed is None else int(allowed.sum())

    def of(self, entry: int) -> list[Link]:
        """The links of a passage, at most `FAN`, the strongest first; equal ones by source and place."""
        kept: dict[tuple[Where, int], list[Link]] = self._snapshot.keep("links", dict)
        if (links := kept.get((self._where, entry))) is None:
            self._narrowed = False
            links = self._found(entry)
            # those that do not depend on what is asked are there for the next question
            if not self._narrowed:
                if len(kept) >= PASSAGES_KEPT:
                    kept.clear()
                kept[self._where, entry] = links
        return links

    def _found(self, entry: int) -> list[Link]:
        """As `of`, looked for."""
        stored = self._snapshot.at(int(self._texts.documents[entry]))
        node = stored.shaped.nodes[int(self._texts.nodes[entry])]
        text = stored.document.text[node.start : node.end]
        own = sorted(variants_of(own_name(stored.document, node)))
        found: Ties = {}
        for reference in (*references(text, stored.document.source), *_linked(stored.document, node)):
            _keep(found, self._referred(stored, reference), "refers", 1.0, reference.said)
        self._add_bearers(found, self.mentions(text), text)
        self._add_namesakes(found, {number(name): written(name) for name in own})
        self._add_sharing(found, {number(phrase): phrase for phrase in (*own, *sorted(phrases(text) - set(own)))}, len(own))
        if CJK_RUN.search(text):
            self._add_strings(found, self._text(entry))
        found.pop(entry, None)
        return self._first(found)

    def mentions(self, text: str) -> list[Mention]:
        """The names that stand in a text and that someone visible bears."""
        return mentions(text, self._names.holds, lambda names: np.array(self._names.counts(names, self._where), np.int64))

    def telling(self, said: Sequence[Mention], text: str) -> dict[int, tuple[Mention, float]]:
        """The first mention of each name that links, by the number of the name, and how much it tells, from 0 to 1: the less, the more
        nodes bear it and the more common its rarest word is."""
        first = {one.name: one for one in reversed(said) if one.bearers <= HUB}
        rare = self._rarities([text[one.start : one.end] for one in first.values()])
        return {name: (one, rare / sqrt(one.bearers)) for (name, one), rare in zip(first.items(), rare, strict=True)}

    def _rarities(self, names: Sequence[str]) -> list[float]:
        """For each name how rare the rarest of its words is among the passages that may be seen, from 0 to 1."""
        words = [_words(name) for name in names]
        counts = iter(self._texts.counts([word for own in words for word in own], self._where))
        return [rarity(min(islice(counts, len(own)), default=self._visible), self._visible) for own in words]

    def bearers(self, names: Sequence[int], *, titled: bool = False) -> list[Entries]:
        """For each name, by its number, passages of the nodes that bear it; if `titled`, not those that only introduce it."""
        held = self._names.holders(np.array(names, np.uint64), self._where)
        every = np.concatenate([NOTHING[0], *held])
        nodes = zip(self._names.documents[every].tolist(), self._names.nodes[every].tolist(), strict=True)
        bearing = [list(islice(nodes, len(entries))) for entries in held]
        if titled:
            bearing = [[one for one in own if self._node(*one).kind != "passage"] for own in bearing]
        passages = iter(self._places.of_nodes(self._snapshot, list(chain.from_iterable(bearing))))
        return [_united([self._narrow(entries) for entries in islice(passages, len(own))]) for own in bearing]

    def _node(self, document: int, place: int) -> Node:
        return self._snapshot.at(document).shaped.nodes[place]

    def _add_bearers(self, found: Ties, said: Sequence[Mention], text: str) -> None:
        """Whom the text names."""
        named = self.telling(said, text)
        for (one, weight), entries in zip(named.values(), self.bearers(list(named)), strict=True):
            _keep(found, entries, "mentions", weight, text[one.start : one.end])

    def _add_namesakes(self, found: Ties, own: dict[int, str]) -> None:
        """Who goes by the same name."""
        held = self._names.holders(np.array(list(own), np.uint64), self._where)
        alike = {name: len(nodes) for name, nodes in zip(own, held, strict=True) if 1 < len(nodes) <= HUB}
        for name, entries in zip(alike, self.bearers(list(alike)), strict=True):
            _keep(found, entries, "mentions", 1 / sqrt(alike[name]), own[name])

    def _add_sharing(self, found: Ties, held: dict[int, Tokens], own: int) -> None:
        """Who holds the same phrases; the first `own` of them are the passage's own names, and who holds these mentions it."""
        numbers = np.array(list(held), np.uint64)
        counts = np.array(self._phrases.counts(numbers, self._where), np.int64)
        rare = np.flatnonzero((counts > 0) & (counts <= COMMON))
        said = [written(held[int(numbers[at])]) for at in rare.tolist()]
        found_by = self._phrases.holders(numbers[rare], self._where)
        owners = self._places.entries(self._phrases, np.concatenate([np.zeros(0, np.uint32), *found_by]))
        bounds = np.cumsum([0, *map(len, found_by)]).tolist()
        for place, (at, telling) in enumerate(zip(rare.tolist(), self._rarities(said), strict=True)):
            weight = telling * _shared(int(counts[at]))
            kind = "mentioned by" if at < own else "shares"
            _keep(found, owners[bounds[place] : bounds[place + 1]], kind, weight, said[place])

    def _add_strings(self, found: Ties, text: str) -> None:
        """Who holds the same rare strings of Chinese."""
        texts, where = self._texts, self._where
        strings = rare_strings(
            text, self._visible, lambda terms: texts.counts(terms, where), lambda terms: texts.holders(terms, where)
        )
        for string, entries in strings.items():
            holding = {entry: text for entry in entries if string in (text := self._text(entry))}
            if len(holding) > 1:
                weight = UNMARKED * _shared(len(holding))
                _keep(found, np.array(list(holding)), "shares", weight, grown(string, list(holding.values())))

    def _text(self, entry: int) -> str:
        """The text of a passage as the index sees its characters."""
        stored = self._snapshot.at(int(self._texts.documents[entry]))
        node = stored.shaped.nodes[int(self._texts.nodes[entry])]
        return unicodedata.normalize("NFKC", stored.document.text[node.start : node.end])

    def referred(self, question: str) -> list[Entries]:
        """What a question points at by numbers and links ("第二百三十二条", "section 4.2"): for each the passages, wherever they are."""
        names = [reference for reference in references(question, "") if reference.name]
        found = self.bearers([number(reference.name) for reference in names], titled=True)
        return [
            self._inside(entries, reference.within)
            for reference, entries in zip(names, found, strict=True)
            if len(entries) <= HUB
        ]

    def _referred(self, stored: Stored, reference: Reference) -> Entries:
        """The passages that a reference in a document points at."""
        if reference.path:
            sources = self._snapshot.keep(("by source", self._where), self._by_source)
            other = sources.get(reference.path, sources.get(posixpath.splitext(reference.path)[0]))
            return self._narrow(self._places.within(self._snapshot, other, 0)) if other is not None else NOWHERE
        if reference.mark:
            place = stored.document.text.find(reference.mark)
            return self._places.holding(self._snapshot, stored.number, place) if place >= 0 else NOWHERE
        (found,) = self.bearers([number(reference.name)], titled=True)
        if reference.within:
            return self._inside(found, reference.within)
        files = [self._snapshot.at(int(self._texts.documents[entry])).file for entry in found.tolist()]
        own: Entries = found[np.array([file == stored.file for file in files], bool)]
        return own

    def _by_source(self) -> dict[str, int]:
        """Documents that may be seen by source, and by source without its ending where no other has the same: a link to page.html may
        mean page.md."""
        allowed = self._snapshot.numbers(self._where)
        held = self._snapshot.sources().items()
        sources = {
            source: number for number, (_, source, _) in held if "#" not in source and (allowed is None or number in allowed)
        }
        plain = Counter(posixpath.splitext(source)[0] for source in sources)
        endless = {posixpath.splitext(source)[0]: number for source, number in sources.items()}
        return {**{name: number for name, number in endless.items() if plain[name] == 1}, **sources}

    def _inside(self, entries: Entries, within: Tokens) -> Entries:
        """Those of the passages whose document goes by a name with these tokens in it."""
        if within in ((), (SIGN,)):
            return entries
        titles = [written(spell(self._snapshot.at(int(self._texts.documents[one])).document.title)) for one in entries.tolist()]
        inside: Entries = entries[np.array([written(within) in title for title in titles], bool)]
        return inside

    def _narrow(self, entries: Entries) -> Entries:
        """Those of a node's passages that may be seen; of many those that hold most of what is asked."""
        allowed = self._texts.allowed(self._where)
        entries = entries if allowed is None else entries[allowed[entries]]
        if len(entries) <= NARROW:
            return entries
        self._narrowed = True
        order = np.lexsort((self._texts.nodes[entries], -self._worth(entries)))
        return entries[order[:NARROW]]

    def _first(self, found: Ties) -> list[Link]:
        sources, texts = self._snapshot.sources(), self._texts
        ranks = {
            entry: (-weight, sources[int(texts.documents[entry])][1], int(texts.nodes[entry]))
            for entry, (weight, _, _) in found.items()
        }
        return [_link(entry, *found[entry]) for entry in sorted(ranks, key=ranks.__getitem__)[:FAN]]


@lru_cache(maxsize=NAMES_KEPT)
def _words(name: str) -> tuple[str, ...]:
    """The terms of a name."""
    return tuple(terms(name))


def _link(entry: int, weight: float, kind: str, name: str) -> Link:
    return Link(entry, kind, weight, name)


def _united(found: Sequence[Entries]) -> Entries:
    """The entries of several arrays, ascending, each once."""
    return found[0] if len(found) == 1 else np.unique(np.concatenate([NOWHERE, *found]))


def _shared(holding: int) -> float:
    """What it counts beside a name that `holding` passages share a phrase."""
    return SHARED * min(1.0, 1.5 / log2(1 + max(2, holding)))


@lru_cache(maxsize=1 << 14)
def rarity(holding: int, visible: int) -> float:
    """From 0 to 1, how rare it is that `holding` of `visible` passages have something: 1 up to `COMMON`."""
    return min(1.0, log(1 + visible / max(1, holding)) / log(1 + visible / COMMON))


class Places:
    """The entries of the index of texts by document and node."""

    def __init__(self, snapshot: Snapshot) -> None:
        texts = Index.of(snapshot, "text")
        keys = _numbers(texts, np.arange(texts.size))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Places:
        """The places of a state, sorted once."""
        return snapshot.keep("places", lambda: cls(snapshot))

    def entries(self, index: Index, entries: NDArray[Any]) -> Entries:
        """The entries of texts that belong to the same passages as entries of another index."""
        found: Entries = self._order[self._keys.searchsorted(_numbers(index, entries))]
        return found

    def within(self, snapshot: Snapshot, document: int, place: int) -> Entries:
        """The passages of a node: itself, all below it, or the one that holds it."""
        return self.of_nodes(snapshot, [(document, place)])[0]

    def of_nodes(self, snapshot: Snapshot, nodes: Sequence[tuple[int, int]]) -> list[Entries]:
        """As `within`, for each of several nodes by document and place."""
        firsts = [document << 32 | place for document, place in nodes]
        lasts = [_behind(snapshot, document, place) for document, place in nodes]
        bounds = self._keys.searchsorted(np.array(firsts + lasts, np.int64)).tolist()
        found = []
        for (document, place), first, last in zip(nodes, bounds, bounds[len(nodes) :], strict=False):
            if first < last or not place:
                found.append(self._order[first:last])
            else:
                found.append(self.holding(snapshot, document, snapshot.at(document).shaped.nodes[place].start))
        return found

    def holding(self, snapshot: Snapshot, document: int, start: int) -> Entries:
        """The passage that holds a character of a document."""
        nodes = snapshot.at(document).shaped.nodes
        place = next((at for at, node in enumerate(nodes) if node.kind == "passage" and node.start <= start < node.end), 0)
        return self.within(snapshot, document, place) if place else NOWHERE


def _behind(snapshot: Snapshot, document: int, place: int) -> int:
    """The number of the first node that is not below the one at a place of a document; parents come before their children."""
    if not place:
        return (document + 1) << 32
    nodes = snapshot.at(document).shaped.nodes
    end = nodes[place].end
    return document << 32 | next((other for other in range(place + 1, len(nodes)) if nodes[other].start >= end), len(nodes))


def _linked(document: Document, node: Node) -> list[Reference]:
    """The links that a reader saw in a passage whose text does not show them."""
    parts = [part for part in document.parts if part.kind == "link" and node.start <= part.start < node.end]
    return [
        Reference(part.name, path=path) for part in parts if (path := path_of(str(part.meta.get("href", "")), document.source))
    ]


def _numbers(index: Index, entries: NDArray[Any]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = index.documents[entries].astype(np.int64) << 32 | index.nodes[entries].astype(np.int64)
    return numbers


def _keep(found: Ties, entries: Entries, kind: str, weight: float, name: str) -> None:
    for entry in entries.tolist():
        if entry not in found or found[entry][0] < weight:
            found[entry] = weight, kind, name
