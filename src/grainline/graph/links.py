"""From a passage to what it is linked with: whom it names, who names it, who goes by its name, who holds the same rare phrase."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from math import log, log2, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.graph.names import NAMED, own_name, variants_of
from grainline.graph.phrases import PHRASE, phrases
from grainline.graph.scan import Mention, mentions
from grainline.graph.spelling import number
from grainline.match.index import Index
from grainline.store.snapshot import Snapshot
from grainline.text import terms
from grainline.types import EVERYWHERE, Node, Where

Entries = NDArray[np.int64]
Worth = Callable[[Entries], NDArray[np.float64]]

#: what a phrase that two passages share counts beside a name
SHARED = 0.8
#: a name or phrase that more nodes bear or hold links nothing: it is a hub
HUB, COMMON = 40, 10
#: passages of a longer document or section that a name leads to, those first that hold most of what is asked
NARROW = 3
#: links of one passage, at most, the strongest first
FAN = 30


@dataclass(frozen=True, slots=True)
class Link:
    """An edge to a passage, an entry of the index of texts: of which kind (mentions, refers, shares), how strong, from 0 to 1, and by
    which words."""

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
        allowed = self._texts.allowed(where)
        #: passages that may be seen
        self._visible = self._texts.size if allowed is None else int(allowed.sum())

    def of(self, entry: int) -> list[Link]:
        """The links of a passage, at most `FAN`, the strongest first; equal ones by source and place."""
        stored = self._snapshot.at(int(self._texts.documents[entry]))
        node = stored.shaped.nodes[int(self._texts.nodes[entry])]
        text = stored.document.text[node.start : node.end]
        own = sorted(variants_of(own_name(stored.document, node)))
        found: dict[int, Link] = {}
        self._add_bearers(found, self.mentions(text), text)
        self._add_namesakes(found, {number(name): " ".join(name) for name in own})
        self._add_sharing(found, {number(phrase): " ".join(phrase) for phrase in sorted({*phrases(text), *own})})
        found.pop(entry, None)
        return self._first(found.values())

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
        words = [terms(name) for name in names]
        counts = iter(self._texts.counts([word for own in words for word in own], self._where))
        return [rarity(min(islice(counts, len(own)), default=self._visible), self._visible) for own in words]

    def bearers(self, names: Sequence[int], *, titled: bool = False) -> list[Entries]:
        """For each name, by its number, passages of the nodes that bear it; if `titled`, not those that only introduce it."""
        made = []
        for entries, _ in self._names.postings(np.array(names, np.uint64), self._where):
            nodes = [(int(self._names.documents[one]), int(self._names.nodes[one])) for one in entries.tolist()]
            if titled:
                nodes = [one for one in nodes if self._snapshot.at(one[0]).shaped.nodes[one[1]].kind != "passage"]
            made.append(np.unique(np.concatenate([np.zeros(0, np.int64), *[self._narrow(*one) for one in nodes]])))
        return made

    def _add_bearers(self, found: dict[int, Link], said: Sequence[Mention], text: str) -> None:
        """Whom the text names."""
        named = self.telling(said, text)
        for (one, weight), entries in zip(named.values(), self.bearers(list(named)), strict=True):
            _keep(found, entries, "mentions", weight, text[one.start : one.end])

    def _add_namesakes(self, found: dict[int, Link], own: dict[int, str]) -> None:
        """Who goes by the same name."""
        counts = self._names.counts(np.array(list(own), np.uint64), self._where) if own else []
        alike = {name: count for name, count in zip(own, counts, strict=True) if 1 < count <= HUB}
        for name, entries in zip(alike, self.bearers(list(alike)), strict=True):
            _keep(found, entries, "mentions", 1 / sqrt(alike[name]), own[name])

    def _add_sharing(self, found: dict[int, Link], held: dict[int, str]) -> None:
        """Who holds the same phrases, or the passage's own name as one."""
        numbers = np.array(list(held), np.uint64)
        counts = np.array(self._phrases.counts(numbers, self._where), np.int64)
        rare = np.flatnonzero((counts > 0) & (counts <= COMMON))
        rarities = self._rarities([held[int(numbers[at])] for at in rare.tolist()])
        found_by = self._phrases.postings(numbers[rare], self._where)
        for at, telling, (entries, _) in zip(rare.tolist(), rarities, found_by, strict=True):
            owners = self._places.entries(self._phrases, entries)
            weight = SHARED * telling * min(1.0, 1.5 / log2(1 + max(2, int(counts[at]))))
            _keep(found, owners, "shares", weight, held[int(numbers[at])])

    def _narrow(self, document: int, place: int) -> Entries:
        """The passages of a node that may be seen; of many those that hold most of what is asked."""
        entries = self._places.within(self._snapshot, document, place)
        allowed = self._texts.allowed(self._where)
        entries = entries if allowed is None else entries[allowed[entries]]
        if len(entries) <= NARROW:
            return entries
        order = np.lexsort((self._texts.nodes[entries], -self._worth(entries)))
        return entries[order[:NARROW]]

    def _first(self, links: Iterable[Link]) -> list[Link]:
        sources = self._snapshot.sources()

        def rank(link: Link) -> tuple[float, str, int]:
            """By weight, then by source and place."""
            return -link.weight, sources[int(self._texts.documents[link.entry])][1], int(self._texts.nodes[link.entry])

        return sorted(links, key=rank)[:FAN]


def rarity(holding: int, visible: int) -> float:
    """From 0 to 1, how rare it is that `holding` of `visible` passages have something: 1 up to `COMMON`."""
    return min(1.0, log(1 + visible / max(1, holding)) / log(1 + visible / COMMON))


class Places:
    """The entries of the index of texts by document and node."""

    def __init__(self, texts: Index) -> None:
        keys = _numbers(texts, np.arange(texts.size))
        self._order = np.argsort(keys, kind="stable")
        self._keys = keys[self._order]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Places:
        """The places of a state, sorted once."""
        return snapshot.keep("places", lambda: cls(Index.of(snapshot, "text")))

    def entries(self, index: Index, entries: NDArray[Any]) -> Entries:
        """The entries of texts that belong to the same passages as entries of another index."""
        spots = np.minimum(np.searchsorted(self._keys, wanted := _numbers(index, entries)), max(0, len(self._keys) - 1))
        found: Entries = self._order[spots[self._keys[spots] == wanted]]
        return found

    def within(self, snapshot: Snapshot, document: int, place: int) -> Entries:
        """The passages of a node: itself, or all below it."""
        first, last = document << 32 | place, (document + 1) << 32
        if place:
            nodes = snapshot.at(document).shaped.nodes
            last = document << 32 | _behind(nodes, place)
        found: Entries = self._order[np.searchsorted(self._keys, first) : np.searchsorted(self._keys, last)]
        return found


def _behind(nodes: Sequence[Node], place: int) -> int:
    """The place of the first node that is not below the one at a place; parents come before their children."""
    end = nodes[place].end
    return next((other for other in range(place + 1, len(nodes)) if nodes[other].start >= end), len(nodes))


def _numbers(index: Index, entries: NDArray[Any]) -> NDArray[np.int64]:
    numbers: NDArray[np.int64] = index.documents[entries].astype(np.int64) << 32 | index.nodes[entries].astype(np.int64)
    return numbers


def _keep(found: dict[int, Link], entries: Entries, kind: str, weight: float, name: str) -> None:
    for entry in entries.tolist():
        if entry not in found or found[entry].weight < weight:
            found[entry] = Link(entry, kind, weight, name)
