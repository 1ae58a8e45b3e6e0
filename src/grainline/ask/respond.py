"""From a question to its answer: an agent, or the router's choice of them, then a model to write it where there is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from grainline.agents import registry
from grainline.agents.grep import is_pattern
from grainline.ask.answer import answer
from grainline.ask.generate import written
from grainline.ask.route import Router
from grainline.models.completion import most_tokens
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Answer, Budget, Cost, Rung, Where

#: the name of the last rung
MODEL = "model"


@dataclass(frozen=True, slots=True)
class Wish:
    """How a question is to be answered: from how many hits, by which agent, of what may be seen, within which budget; `heard` is called
    with each piece of what a model writes, once it is checked."""

    k: int = 10
    agent: str = registry.AUTO
    where: Where = EVERYWHERE
    budget: Budget = NO_LIMIT
    heard: Callable[[str], None] | None = None


def respond(question: str, snapshot: Snapshot, wish: Wish) -> Answer:
    """The answer to a question. Raises what agents raise."""
    if wish.agent == registry.AUTO:
        found = Router(snapshot).ask(question, wish.k, wish.where, wish.budget)
    else:
        evidence = registry.make(wish.agent, snapshot).retrieve(question, wish.k, wish.where, wish.budget)
        found = answer(question, evidence, snapshot, wish.agent, wish.where)
    return found if _is_settled(question, found) else _written(question, found, snapshot, wish)


def _is_settled(question: str, found: Answer) -> bool:
    """Whether an answer stands as it is: rows of a table, what an agent's model wrote, lines that a pattern was found
    in."""
    if found.evidence.computed or found.evidence.written:
        return True
    hits = found.evidence.hits
    return bool(hits) and hits[0].node.kind == "line" and is_pattern(question)


def _written(question: str, found: Answer, snapshot: Snapshot, wish: Wish) -> Answer:
    """The answer as the model writes it, which is the last rung of the ladder."""
    told = written(question, found, snapshot, wish.where, wish.budget.left(found.cost), wish.heard)
    spent = told.cost - found.cost
    if not found.rungs or not spent.calls:
        return told
    price = Cost(calls=1, tokens_in=most_tokens(question))
    reason = "the last rung" if told is not found else "it could not be asked"
    rung = Rung(MODEL, 1.0, price, True, reason, f"{len(told.citations)} quotes", told.confidence, spent)
    return replace(
        told, rungs=(*(one for one in found.rungs if one.asked), rung, *(one for one in found.rungs if not one.asked))
    )
