"""Asking a library for answers as a run measures it: with and without a language model, each with a copy of the library of its own.

A text that two of them embed is embedded once, and its time is charged to both. What a model said to one is not remembered for another,
unless it is a `Memory`, which charges its time again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import fsum
from pathlib import Path
from time import perf_counter

import grainline
from grainline.agents.registry import AUTO, registered
from grainline.bench.memory import Memory
from grainline.bench.metrics import mean
from grainline.bench.routing.systems import Remembering
from grainline.errors import MissingExtraError, NotFoundError, PatternError, UsageError
from grainline.library import Library
from grainline.models.registry import shared
from grainline.types import LLM, NO_LIMIT, PLAIN, Answer, Budget, Embedder, Evidence, Manner

#: hits asked for, as `grainline ask` does
HITS = 10
#: asked before anything is timed: the first question loads the index
WARM_UP, NOTHING = "warm up", Budget(embedded=0, calls=0)
NO_MODEL = "none"  #: what the absence of a language model goes by


@dataclass(frozen=True, slots=True)
class System:
    """Who answers: an agent, with a language model or without, in a manner."""

    agent: str
    llm: str | LLM | None = None
    manner: Manner = PLAIN

    @property
    def name(self) -> str:
        """The agent, and what its manner adds.

        >>> System("linked", None, Manner("step-back", rounds=2)).name
        'linked+step-back, 2 rounds'
        """
        rounds = f", {self.manner.rounds} round{'s' * (self.manner.rounds > 1)}" if self.manner.rounds else ""
        return f"{self.agent}{'+' * bool(self.manner.transform)}{self.manner.transform}{rounds}"

    @property
    def model(self) -> str:
        """What the language model goes by."""
        if self.llm is None:
            return NO_MODEL
        return self.llm if isinstance(self.llm, str) else self.llm.identity


@dataclass(frozen=True, slots=True)
class Given:
    """An answer and the seconds that it took."""

    answer: Answer
    seconds: float


def systems(agents: Sequence[str], llm: str | LLM | None, manners: Sequence[Manner] = ()) -> list[System]:
    """Each agent without a model and, where one is given, with it; the last of these also in further manners. Raises `NotFoundError` for an
    unknown agent, `UsageError` for none."""
    if not agents:
        raise UsageError("name at least one agent")
    if unknown := set(agents) - {AUTO, *registered()}:
        raise NotFoundError(f"no agent {', '.join(sorted(unknown))}; there are: {AUTO}, {', '.join(registered())}")
    models = (None,) if llm is None else (None, llm)
    plain = [System(agent, model) for agent in dict.fromkeys(agents) for model in models]
    return [one for system in plain for one in (system, *_further(system, manners if system.llm is models[-1] else ()))]


def _further(system: System, manners: Sequence[Manner]) -> list[System]:
    return [replace(system, manner=manner) for manner in manners]


class Asker:
    """Opens copies of libraries and asks them, within a budget for each question."""

    def __init__(self, embedder: str | Embedder = "e5", budget: Budget = NO_LIMIT) -> None:
        """Without an encoder where the one named is not installed."""
        self._encoder: Remembering | None
        try:
            self._encoder = Remembering(shared(embedder) if isinstance(embedder, str) else embedder)
        except MissingExtraError:
            self._encoder = None
        self._budget = budget

    @contextmanager
    def opened(self, library: Path, system: System) -> Iterator[Library]:
        """A copy of a library that nobody has open, for one who answers; it goes with the context."""
        with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
            folder = Path(name) / "library"
            shutil.copytree(library, folder)
            with grainline.open(folder, embedder=self._encoder, llm=system.llm) as opened:
                opened.ask(WARM_UP, agent=system.agent, budget=NOTHING)
                yield opened

    def ask(self, library: Library, question: str, system: System) -> Given:
        """What is answered; a question that an agent takes for a broken pattern is not. Raises what `Library.ask` raises otherwise."""
        # a model named in the environment is not asked where none is to be
        budget = self._budget if system.llm is not None else replace(self._budget, calls=0)
        sparing = [one for one in (self._encoder, system.llm) if isinstance(one, Remembering | Memory)]
        for one in sparing:
            one.spared = 0.0
        start = perf_counter()
        try:
            answer = library.ask(question, HITS, system.agent, budget=budget, manner=system.manner)
        except PatternError:
            answer = Answer("", (), Evidence(()), False, system.agent)
        return Given(answer, perf_counter() - start + fsum(one.spared for one in sparing) / 1000)


def spent(given: Sequence[Given]) -> dict[str, float]:
    """The means of what questions took: calls of a model, its tokens, texts embedded, seconds."""
    costs = [one.answer.cost for one in given]
    return {
        "calls": round(mean([cost.calls for cost in costs]), 3),
        "tokens_in": round(mean([cost.tokens_in for cost in costs]), 1),
        "tokens_out": round(mean([cost.tokens_out for cost in costs]), 1),
        "embedded": round(mean([cost.embedded for cost in costs]), 1),
        "seconds": round(mean([one.seconds for one in given]), 3),
    }
