"""Spreading from what matches to what it is linked with, best first, so that several passages answer together what none does alone.

Each turn takes the best passage that is left and follows its links: what it leads to becomes as much better as the passage was good, by
the strength of the link. Where the walk set out from something that the question names, it follows links wholeheartedly, and what a
taken passage says of the question is not wanted a second time: a question that names one thing and asks of another is answered by a
passage about each, not by two about the first. That is the idea of maximal marginal relevance (Carbonell and Goldstein, 1998), counted
in the question's own words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

#: what a link of full strength passes on, in shares of the worth of the passage that it comes from; and how much of that where the walk
#: did not set out from what the question names
DECAY, FREE = 0.7, 0.25
#: passages taken in turn, and how many of the first of them have their links followed
TAKEN, FOLLOWED = 12, 5
#: links between a match and the last passage that they lead to
HOPS = 2


class Link(Protocol):
    """A way from one passage to another."""

    @property
    def entry(self) -> int:
        """Where it leads."""
        ...

    @property
    def weight(self) -> float:
        """Its strength, from 0 to 1."""
        ...

    @property
    def kind(self) -> str:
        """The kind of its edge."""
        ...

    @property
    def name(self) -> str:
        """The words that make it."""
        ...


class Ground(Protocol):
    """What is spread over: candidates, numbered from 0 as they come."""

    def worth(self) -> tuple[Numbers, Numbers]:
        """By itself what each candidate is worth without the question's words; and what each of the words (a row each) adds to that."""
        ...

    def links(self, candidate: int) -> Sequence[Link]:
        """Where a candidate leads, the strongest first."""
        ...

    def reach(self, entries: Sequence[int]) -> Sequence[int | None]:
        """Make entries candidates, if there is room for them; returns their numbers, None for those left out."""
        ...


@dataclass(slots=True)
class Reached:
    """What came of a candidate: its score, and the link that lifted it with the candidate that it came from."""

    score: float = 0.0
    link: Link | None = None
    origin: int | None = None


@dataclass(frozen=True, slots=True)
class Lift:
    """What a link adds to the worth of a candidate, and where it came from."""

    worth: float
    link: Link
    origin: int


@dataclass(slots=True)
class Spread:
    """A walk over a ground. `named` says by candidate how far it is what the question names, from 0 to 1; that adds `lift` at most."""

    ground: Ground
    named: dict[int, float]
    lift: float
    _lifts: dict[int, Lift] = field(default_factory=dict)
    _taken: list[int] = field(default_factory=list)
    _depth: dict[int, int] = field(default_factory=dict)

    def run(self) -> list[Reached]:
        """What each candidate reached; those taken come before all others, in the order in which they were taken.

        Worths count from the mean of the candidates: below it nothing is passed on.
        """
        worth, words = self.ground.worth()
        # what the taken passages say of each word of the question, as far as named things lead on from them
        said = np.zeros(len(words))
        for turn in range(TAKEN):
            scores = self._scores(worth, words, said)
            scores[self._taken] = -np.inf
            if not len(scores) or not np.isfinite(best := float(scores.max())):
                break
            chosen = int(np.flatnonzero(scores == best)[0])
            self._taken.append(chosen)
            self._depth[chosen] = self._depth[self._lifts[chosen].origin] + 1 if chosen in self._lifts else 0
            strongest = 0.0
            if turn < FOLLOWED and self._depth[chosen] < HOPS and best > 0:
                strongest = self._follow(chosen, best)
                worth, words = self.ground.worth()
            said = np.maximum(said, strongest * self._anchored(chosen) * words[:, chosen])
        return self._ranked(self._scores(worth, words, said))

    def _scores(self, worth: Numbers, words: Numbers, said: Numbers) -> Numbers:
        scores: Numbers = worth + np.maximum(words - said[:, None], 0.0).sum(axis=0)
        for candidate, share in self.named.items():
            scores[candidate] += self.lift * share
        for candidate, lift in self._lifts.items():
            scores[candidate] += lift.worth
        return scores

    def _anchored(self, candidate: int) -> float:
        """How far a candidate is what the question names, or was reached from there, from 0 to 1."""
        share = min(1.0, self.named.get(candidate, 0.0))
        if candidate in self._lifts:
            lift = self._lifts[candidate]
            share = max(share, lift.link.weight * self._anchored(lift.origin))
        return share

    def _follow(self, chosen: int, best: float) -> float:
        """Lift what a candidate leads to; returns the strength of its strongest link."""
        links = self.ground.links(chosen)
        anchored = self._anchored(chosen)
        strongest = 0.0
        for link, candidate in zip(links, self.ground.reach([link.entry for link in links]), strict=True):
            if candidate is None or candidate in self._taken:
                continue
            strongest = max(strongest, link.weight)
            worth = DECAY * link.weight * best * (anchored + (1 - anchored) * FREE)
            if candidate not in self._lifts or self._lifts[candidate].worth < worth:
                self._lifts[candidate] = Lift(worth, link, chosen)
        return strongest

    def _ranked(self, scores: Numbers) -> list[Reached]:
        """Scores that put what was taken first, in its order."""
        rest = np.delete(scores, self._taken)
        least = float(rest.max()) if len(rest) else 0.0
        for candidate in reversed(self._taken):
            least = scores[candidate] = max(float(scores[candidate]), float(np.nextafter(least, np.inf)))
        lifts = [self._lifts.get(candidate) for candidate in range(len(scores))]
        return [
            Reached(float(score), lift.link, lift.origin) if lift else Reached(float(score))
            for score, lift in zip(scores, lifts, strict=True)
        ]
