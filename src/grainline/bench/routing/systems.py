"""Who is asked: one agent, the router (`auto`), or all agents at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

import grainline
from grainline.agents.grep import is_pattern
from grainline.ask.answer import answer
from grainline.bench.routing.questions import COMPUTED, Question, holds, within
from grainline.errors import PatternError
from grainline.library import Library
from grainline.types import EVERYWHERE, Answer, Budget, Cost, Embedder, Evidence, Hit, Side

#: hits asked for, and how many of the best are looked at for the answer
HITS, BEST = 10, 5
#: texts that a question may embed
BUDGET = Budget(embedded=50)
EVERYTHING = "everything"  #: what all agents at once go by
RRF = 60  #: the usual constant of reciprocal rank fusion
DECLINED = "The library does not hold an answer to this question."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question: the agents asked, in order; whether one of the best hits holds an answer, whether the answer says it, and
    whether there was one at all; what was spent in all and on routing alone, how many characters the best hits
    have, and how sure an answer is that was worked out or matched rather than judged."""

    route: tuple[str, ...]
    held: bool
    said: bool
    answered: bool
    milliseconds: float
    embedded: int
    routing: float | None
    characters: int
    confidence: float | None = None


class Remembering:
    """An encoder that embeds a text once for all who are compared, and keeps account of the time that this spares them."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.identity, self.dimension, self.max_tokens = embedder.identity, embedder.dimension, embedder.max_tokens
        self._known: dict[tuple[Side, str], tuple[NDArray[np.float32], float]] = {}
        #: milliseconds that would have been spent without what was remembered
        self.spared = 0.0

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """As the embedder does."""
        self.spared += sum(self._known[side, text][1] for text in texts if (side, text) in self._known)
        new = [text for text in dict.fromkeys(texts) if (side, text) not in self._known]
        if new:
            start = perf_counter()
            rows = self._embedder.embed(new, side)
            each = (perf_counter() - start) * 1000 / len(new)
            self._known |= {(side, text): (row, each) for text, row in zip(new, rows, strict=True)}
        return np.stack([self._known[side, text][0] for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)


@contextmanager
def copied(library: Path, folder: Path, encoder: Remembering) -> Iterator[Library]:
    """A library of its own for one who is asked, so that nobody finds what others have embedded; it goes with the context."""
    shutil.copytree(library, folder)
    try:
        with grainline.open(folder, embedder=encoder) as opened:
            yield opened
    finally:
        shutil.rmtree(folder)


def outcome(library: Library, question: Question, agents: Sequence[str], encoder: Remembering) -> tuple[Outcome, Answer]:
    """Ask an agent, or all of several and fuse what they find: what came of it, and the answer. Raises what `Library.ask` raises, but for
    a broken pattern."""
    encoder.spared = 0.0
    start = perf_counter()
    given = _ask(library, question.question, agents[0]) if len(agents) == 1 else _ask_all(library, question.question, agents)
    milliseconds = (perf_counter() - start) * 1000 + encoder.spared
    best = given.evidence.hits[:BEST]
    texts = [(library.source(hit.node.document_id), library.text(hit)) for hit in best]
    said = says(question, given)
    routing = [step.cost.milliseconds for step in given.evidence.trace if step.action.startswith("route")]
    came = Outcome(
        given.route,
        said
        if question.kind in COMPUTED
        else any(within(source, question.sources) and holds(text, question.answers) for source, text in texts),
        said,
        given.answered,
        milliseconds,
        given.evidence.cost.embedded,
        sum(routing) if routing else None,
        sum(len(text) for _, text in texts),
        given.confidence if given.evidence.computed or is_pattern(question.question) else None,
    )
    return came, given


def _ask(library: Library, question: str, agent: str) -> Answer:
    """What an agent answers; a question that it takes for a broken pattern finds nothing."""
    try:
        return library.ask(question, HITS, agent, budget=BUDGET)
    except PatternError:
        return Answer(DECLINED, (), Evidence(()), False, agent, (agent,), Cost())


def _ask_all(library: Library, question: str, agents: Sequence[str]) -> Answer:
    """Ask every agent; an answer that one has worked out stands in front of the quotes from what all found together."""
    answers = [_ask(library, question, agent) for agent in agents]
    cost = sum((each.evidence.cost for each in answers), Cost())
    hits = _fused(library, [each.evidence.hits for each in answers])
    with library.snapshot() as snapshot:
        quoted = answer(question, Evidence(tuple(hits[:HITS]), (), cost), snapshot, EVERYTHING, EVERYWHERE)
    worked_out = [each for each in answers if each.answered and each.evidence.computed]
    text = " ".join([*(each.text for each in worked_out), *([quoted.text] if quoted.answered or not worked_out else [])])
    citations = (*(citation for each in worked_out for citation in each.citations), *quoted.citations)
    evidence = replace(quoted.evidence, computed=worked_out[0].evidence.computed) if worked_out else quoted.evidence
    return Answer(text, citations, evidence, bool(worked_out) or quoted.answered, EVERYTHING, tuple(agents), cost)


def _fused(library: Library, lists: Sequence[Sequence[Hit]]) -> list[Hit]:
    """All hits in order of the sum of their reciprocal ranks; equal ones by source and place."""
    scores: dict[str, float] = {}
    nodes: dict[str, Hit] = {}
    for hits in lists:
        for rank, hit in enumerate(hits, 1):
            scores[hit.node.id] = scores.get(hit.node.id, 0.0) + 1 / (RRF + rank)
            nodes.setdefault(hit.node.id, hit)
    places = {node: (library.source(hit.node.document_id), hit.node.start, hit.node.end) for node, hit in nodes.items()}
    order = sorted(scores, key=lambda node: (-scores[node], places[node]))
    return [Hit(nodes[node].node, scores[node], nodes[node].via) for node in order]


def says(question: Question, given: Answer) -> bool:
    """Whether an answer says what is asked for: in the first row that was worked out, with a right source cited, or, where the answer
    need not be worked out, in a quote from a right source."""
    right = [citation for citation in given.citations if within(citation.source, question.sources)]
    if not given.answered or not right:
        return False
    computed = given.evidence.computed
    first = " | ".join(map(str, computed.rows[0])) if computed and computed.rows else ""
    quotes = [] if question.kind in COMPUTED else [citation.quote for citation in right]
    return any(holds(text, question.answers) for text in (first, *quotes))
