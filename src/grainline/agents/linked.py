"""Names that link: match by words and meaning, spread along names and references, with no model but the encoder."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from grainline.agents.candidates import Candidates, Plan, filled
from grainline.agents.hybrid import VOTERS
from grainline.agents.trace import Trace
from grainline.errors import MissingExtraError
from grainline.graph.links import Link, Links
from grainline.graph.names import own_name
from grainline.match.fuse import Scores
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Hit, Where
from grainline.walk.outline import Outline as UpAndDown
from grainline.walk.spread import FOLLOWED, Reached, Spread

PLAN = Plan(first=90, terms=7_000, least=120, most=149, embedded=150)
#: candidates, at most: what links lead to is embedded, too
MOST = 149
#: of those for what links lead to: at most, where the question names something, and at least
RESERVED, FREE_ROOM = 60, 4
#: what it is worth, in standard deviations, that the question names a passage by a name that nobody else bears
NAMED = 2.5


class Linked:
    """Passages and what they name, two links far; for entity-rich text and questions that need several passages."""

    name = "linked"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The best `k` passages. By words and links alone where the encoder is not installed or the budget has nothing for it. Raises
        `ModelError` if the library's encoder cannot be used."""
        trace = Trace(budget)
        plan = PLAN.within(budget.embedded)
        try:
            found = Candidates(self._snapshot, question, where, plan, trace)
            ground = _Ground(self._snapshot, found, question, where)
            ranked = found.propose(k, ground.room)
        except MissingExtraError as error:
            trace.count("match the meaning of passages", f"left out: {error}")
            found = Candidates(self._snapshot, question, where, plan.within(0), trace)
            ground = _Ground(self._snapshot, found, question, where)
            ranked = found.propose(k)
        if not trace.affords(step := "spread along names"):
            return trace.evidence(filled(found.words, found.best(k), ranked, k))
        hits = ground.spread(max(k, VOTERS))
        trace.count(step, ground.told())
        if trace.affords(step := "walk up to the sections and down"):
            hits = trace.note(step, UpAndDown(self._snapshot).walk(hits, where))
        return trace.evidence(filled(found.words, hits, ranked, k))


class _Ground:
    """The candidates of a question as a walk sees them."""

    def __init__(self, snapshot: Snapshot, found: Candidates, question: str, where: Where) -> None:
        self._snapshot = snapshot
        self._question = question
        self._found = found
        self._links = Links(snapshot, lambda entries: found.found.scores(entries), where)
        self._followed: dict[int, list[Link]] = {}
        #: the mean BM25 score of the first candidates, and what a score counts beside their meaning
        self._mean = self._weight = 0.0
        #: what each word of the question adds to each candidate
        self._words: Scores = np.zeros((0, 0))
        #: passages that may yet become candidates
        self._room = RESERVED

    def room(self) -> int:
        """For how many passages to leave room that the best ones by now lead to: for many where the question names something."""
        named = self._named()
        scores = self._found.fused()
        for candidate, lift in named.items():
            scores[candidate] += NAMED * lift
        best = [place for place in self._found.order(scores)[:FOLLOWED] if place in named]
        targets = sorted({link.entry for place in best for link in self.links(place)})
        return max(FREE_ROOM, min(RESERVED, len(self._found.new(targets))))

    def spread(self, k: int) -> list[Hit]:
        """The best `k` candidates, those that links lead to among them, best first."""
        words = self._found.bm25()[: self._found.judges]
        self._mean, spread = (float(words.mean()), float(words.std())) if len(words) else (0.0, 0.0)
        self._weight = self._found.word_weight() / spread if spread > 1e-9 else 0.0
        named = self._named()
        self._words = np.zeros((len(self._found.found.most), 0))
        self._room = max(FREE_ROOM, MOST - (self._found.judges or 0))
        reached = Spread(self, named, NAMED).run()
        scores = np.array([one.score for one in reached])
        scores -= scores.min(initial=np.inf) if len(scores) else 0.0
        order = self._found.order(scores)[:k]
        hits = self._found.hits(scores, order)
        return [self._told_of(hit, place, reached[place], place in named) for hit, place in zip(hits, order, strict=True)]

    def _told_of(self, hit: Hit, place: int, reached: Reached, named: bool) -> Hit:
        """The hit with the way to it in `via`, as a person reads it: "Lothair II -mentions-> Ermengarde of Tours"."""
        via = (*hit.via, "named in the question") if named else hit.via
        if reached.link is not None and reached.origin is not None:
            link, title = reached.link, self._title(place)
            words = "" if link.name in title else f" {link.name}"
            via = (*via, f"{self._title(reached.origin)} -{link.kind}{words}-> {title}")
        return Hit(hit.node, hit.score, via)

    def told(self) -> str:
        """What came of the walk, in words."""
        return f"{sum(map(len, self._followed.values()))} links from {len(self._followed)} passages; {len(self._found.entries)} candidates"

    def worth(self) -> tuple[Scores, Scores]:
        """The meaning of each candidate, and what each word of the question adds: standard deviations from the mean of the first ones."""
        new = self._found.found.of(self._found.entries[self._words.shape[1] :])
        self._words = np.concatenate([self._words, self._weight * new], axis=1)
        return self._found.meaning() - self._weight * self._mean, self._words

    def links(self, candidate: int) -> Sequence[Link]:
        """Where a candidate leads."""
        entry = int(self._found.entries[candidate])
        if entry not in self._followed:
            self._followed[entry] = self._links.of(entry)
        return self._followed[entry]

    def reach(self, entries: Sequence[int]) -> Sequence[int | None]:
        """Make entries candidates."""
        new = self._found.new(entries)[: self._room]
        self._room -= len(new)
        self._found.take(new, "compare the meaning of what links lead to")
        places = {entry: place for place, entry in enumerate(self._found.entries.tolist())}
        return [places.get(entry) for entry in entries]

    def _named(self) -> dict[int, float]:
        """How far candidates are what the question names, from 0 to 1."""
        named: dict[int, float] = {}
        for weight, entries in self._bearers:
            for candidate in self.reach(entries):
                if candidate is not None:
                    named[candidate] = max(named.get(candidate, 0.0), weight)
        return named

    @cached_property
    def _bearers(self) -> list[tuple[float, list[int]]]:
        """For each thing that the question names how far it does, and its passages."""
        found = [one for one in self._links.mentions(self._question) if _is_name(self._question, one.start, one.end)]
        said = self._links.telling(found, self._question)
        bearers = zip([weight for _, weight in said.values()], self._links.bearers(list(said), titled=True), strict=True)
        pointed = [(1.0, entries) for entries in self._links.referred(self._question)]
        return [(weight, entries.tolist()) for weight, entries in (*bearers, *pointed)]

    def _title(self, candidate: int) -> str:
        node = self._found.node(candidate)
        document = int(self._found.words.index.documents[self._found.entries[candidate]])
        return own_name(self._snapshot.at(document).document, node)


def _is_name(question: str, start: int, end: int) -> bool:
    """Whether `start:end` of a question is a name there: one word of small letters, or one that only begins the question, is a word."""
    name = question[start:end]
    return " " in name or not name.isascii() or not name.isalpha() or (start > 0 and not name.islower())
