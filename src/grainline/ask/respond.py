"""From a question to its evidence and its answer.

An agent finds the evidence, or the router's choice of them, with a transform around it if one is wanted; sentences are quoted, or a model
writes where there is one; and the answer is looked back on as often as is wanted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import grainline.ask.articles as articles
import grainline.ask.feedback as feedback
from grainline.agents import registry
from grainline.agents.grep import QUOTED, is_pattern
from grainline.ask.answer import answer
from grainline.ask.features import features
from grainline.ask.generate import written
from grainline.ask.reflect import Reflection
from grainline.ask.route import Router
from grainline.ask.steps import Find
from grainline.ask.topic import standalone
from grainline.ask.transform import Transformed
from grainline.graph.pointed import spelled
from grainline.store.snapshot import Snapshot
from grainline.store.work import Work
from grainline.text import question_terms
from grainline.types import EVERYWHERE, NO_LIMIT, PLAIN, Agent, Answer, Budget, Evidence, Manner, Rung, Where

#: the name of the last rung
MODEL = "model"
#: terms around a quote that ask for something about it, and not where it stands
FURTHER = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """How a question is to be answered: from how many hits, by which agent, of what may be seen, within which budget, in which manner;
    `heard` is called with each piece of what a model writes, once it is checked, where that is the last word: without rounds of looking
    back."""

    k: int = 10
    agent: str = registry.AUTO
    where: Where = EVERYWHERE
    budget: Budget = NO_LIMIT
    manner: Manner = PLAIN
    heard: Callable[[str], None] | None = None


def agent_of(snapshot: Snapshot, wish: Wish) -> Agent:
    """The agent that finds evidence as it is wished for. Raises `NotFoundError` for an unknown agent or transform."""

    def make(state: Snapshot) -> Agent:
        """The agent itself."""
        return Router(state) if wish.agent == registry.AUTO else registry.make(wish.agent, state)

    return Transformed(make, wish.manner.transform, snapshot, wish.manner.history) if wish.manner.transform else make(snapshot)


def respond(question: str, snapshot: Snapshot, wish: Wish) -> Answer:
    """The answer to a question. Raises what agents raise."""
    base = spelled(standalone(question, wish.manner.history), snapshot, wish.where)
    if wish.agent == registry.AUTO and not wish.manner.transform:
        found = Router(snapshot).ask(base, wish.k, wish.where, wish.budget)
    else:
        agent, asked = prepared(question, snapshot, wish)
        evidence = agent.retrieve(asked, wish.k, wish.where, wish.budget)
        found = answer(base, evidence, snapshot, wish.agent, wish.where)
    if _is_settled(base, found, snapshot, wish.where):
        return found
    found = _written(base, found, snapshot, wish)
    return _reflected(base, found, snapshot, wish) if wish.manner.rounds else found


def _is_settled(question: str, found: Answer, snapshot: Snapshot, where: Where) -> bool:
    """Whether an answer stands as it is: rows of a table, what an agent's model wrote, articles that are asked for as such, lines that a
    pattern was found in, unless there is a model to read them and the question says more than what it quotes."""
    if found.evidence.computed or found.evidence.written or (found.answered and articles.wanted(question, snapshot, where)):
        return True
    hits = found.evidence.hits
    lines = bool(hits) and hits[0].node.kind == "line" and is_pattern(question)
    return lines and not (snapshot.llm and len(question_terms(QUOTED.sub(" ", question))) >= FURTHER)


def _written(question: str, found: Answer, snapshot: Snapshot, wish: Wish) -> Answer:
    """The answer as the model writes it, which is the last rung of the ladder; as it is without a model."""
    heard = None if wish.manner.rounds else wish.heard
    find = _finding(found, snapshot, wish)
    told = written(question, found, snapshot, wish.where, wish.budget.left(found.cost), heard, find)
    if not found.rungs or told is found:
        return told
    spent = told.cost - found.cost
    rung = Rung(MODEL, 1.0, spent, True, "the last rung", f"{len(told.citations)} quotes", told.confidence, spent)
    asked = [one for one in found.rungs if one.asked]
    return replace(told, rungs=(*asked, rung, *found.rungs[len(asked) :]))


def _reflected(question: str, found: Answer, snapshot: Snapshot, wish: Wish) -> Answer:
    """The best answer of as many rounds as are wanted."""

    find = _finding(found, snapshot, wish)

    def tell(evidence: Evidence, budget: Budget) -> Answer:
        """The answer from other evidence."""
        told = answer(question, evidence, snapshot, found.agent, wish.where)
        return written(question, told, snapshot, wish.where, budget, find=find)

    mark = feedback.given(question, feedback.marks(snapshot, wish.where))
    return Reflection(snapshot, wish.where, wish.manner.rounds, find, tell, mark).on(question, found, wish.budget)


def _finding(found: Answer, snapshot: Snapshot, wish: Wish) -> Find:
    """How the agent that answered finds evidence for another query."""
    agent = found.agent if found.agent in registry.registered() else wish.agent

    def find(query: str, budget: Budget) -> Evidence:
        """What it finds."""
        return agent_of(snapshot, replace(wish, agent=agent, manner=PLAIN)).retrieve(query, wish.k, wish.where, budget)

    return find


def prepared(question: str, snapshot: Snapshot, wish: Wish) -> tuple[Agent, str]:
    """The agent that finds evidence as it is wished for, and the question that it is to be asked. Raises as `agent_of`."""
    asked = question if wish.manner.transform else standalone(question, wish.manner.history)
    return agent_of(snapshot, wish), spelled(asked, snapshot, wish.where)


def marked(question: str, good: bool | None, snapshot: Snapshot, wish: Wish) -> tuple[Answer, int, Work | None]:
    """The answer to a question, the key of its mark, and the mark as it is kept; None for one that is taken back."""
    answered = respond(question, snapshot, wish)
    signs = features(question, snapshot, wish.where)
    mark = feedback.Mark(question, answered.agent, 1 if good else -1, signs)
    return answered, feedback.key(question), None if good is None else feedback.work_of(mark, answered, snapshot)
