"""The ladder: agents are asked in order of what they are likely to bring for their price, until one's evidence is sure enough.

How likely an agent is right is told from signs of the question and the library (see `features`), without an encoder; what was found is
judged by its own signs (see `judge`). Both were fitted on questions that are not the ones measured on (see `bench/routing/fit.py`), and
nothing is left to chance: the same question to the same library takes the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from time import perf_counter

import grainline.ask.feedback as feedback
import grainline.match.made as made
from grainline.agents import registry
from grainline.agents.grep import pattern_of
from grainline.agents.sql import KEPT
from grainline.ask.answer import answer, no_answer
from grainline.ask.blend import Ranking, blend
from grainline.ask.features import Features, features
from grainline.ask.transform import worth, wrapped
from grainline.ask.weights import Weights, fitted
from grainline.errors import MissingExtraError, PatternError, QueryError
from grainline.match.pattern import Pattern
from grainline.store.manifest import EMBEDDED
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Agent, Answer, Budget, Cost, Evidence, Rung, Step, Where

#: agents asked for one question, at most
MOST = 3
#: seconds that it takes to embed a text, more or less, for the price of an agent
EMBEDDING = 0.02
#: what it takes, more or less, to have a model write SQL
CALL = Cost(5_000.0, calls=1, tokens_in=1_300)
#: milliseconds that any agent takes
CHEAPEST = 5.0
#: agents that find clearly more where a question is asked in its parts, too
TAKEN_APART = ("fulltext", "hybrid")
#: whose keys a model writes: where such a key says this much of a question, its agent is likely right by as much as passages say less
TOLD = 0.25
BY_MODEL = {made.SUMMARY: "summary", made.CODE: "code", made.TABLE: "parts", made.PICTURE: "parts", made.QUESTION: "parts"}
#: what evidence counts that is not sure at all, where that of several agents is fused
LEAST = 0.05


def order(
    signs: Mapping[str, float],
    weights: Weights,
    asked: Sequence[str] = (),
    prices: Mapping[str, Cost] | None = None,
    likely: Mapping[str, float] | None = None,
) -> list[tuple[str, float]]:
    """The agents that were not asked yet with how likely each is right after those that were, in the order in which they are asked: by
    that, less what a second of its price counts; prices, and how likely an agent is right at first, are the fitted ones unless others are
    given."""
    prices = weights.price if prices is None else prices
    likely = {agent: one.probability(signs) for agent, one in weights.fit.items()} if likely is None else likely
    fits = {
        agent: fit * prod(weights.after.get(other, {}).get(agent, 1.0) for other in asked)
        for agent, fit in likely.items()
        if agent not in asked
    }
    if signs.get("pattern") and "grep" in fits:  # what is written as a pattern is looked for as it stands before anything else
        fits["grep"] = 1.0
    if signs.get("article") and "outline" in fits:  # so is what is named by its number
        fits["outline"] = 1.0
    return sorted(fits.items(), key=lambda pair: (seconds(prices[pair[0]]) * weights.second - pair[1], pair[0]))


def seconds(price: Cost) -> float:
    """What an agent's price comes to in time."""
    return max(price.milliseconds / 1000, EMBEDDING * price.embedded)


class Router:
    """Chooses agents for questions over one state of a library; it is one itself, of the others' evidence."""

    name = registry.AUTO

    def __init__(self, snapshot: Snapshot, weights: Weights | None = None) -> None:
        self._snapshot = snapshot
        self._weights = weights or fitted()
        self._offers = registry.offers(self._weights.fit)
        #: what users' marks add to the fit of agents for the question at hand
        self._moved: dict[str, float] = {}

    def ask(self, question: str, k: int, where: Where, budget: Budget = NO_LIMIT) -> Answer:
        """The surest answer of the agents that were asked, with the way to it in `route` and `rungs`. Raises what agents raise, but for
        a pattern or a statement of SQL that a question was only taken for."""
        start = perf_counter()
        signs = self._signs(question, where)
        rungs = self._rungs(signs, (), budget)
        told = ", ".join(f"{rung.agent} {rung.fit:.2f}" for rung in rungs[:MOST])
        routing = Step("route", told, Cost((perf_counter() - start) * 1000))
        spent = routing.cost
        answers: list[Answer] = []
        done: list[Rung] = []
        while rungs:
            reason = self._refused(rungs[0], answers, spent, budget)
            if reason:
                done.append(replace(rungs.pop(0), reason=reason))
                continue
            found = self._asked(rungs[0].agent, question, k, where, budget.left(spent))
            spent += found.evidence.cost
            answers.append(found)
            done.append(self._told(rungs[0], found))
            settled = {rung.agent for rung in done}
            rungs = [rung for rung in self._rungs(signs, [one.agent for one in answers], budget) if rung.agent not in settled]
        best = max(answers, key=lambda one: one.confidence) if answers else _nothing(question)
        if best.confidence < self._weights.stop and (fused := self._fused(question, answers, k, where)):
            spent += fused.cost
            best = fused if fused.confidence >= best.confidence else best
        evidence = replace(best.evidence, trace=(routing, *best.evidence.trace), cost=spent, agent=best.agent)
        route = tuple(one.agent for one in answers)
        return replace(best, evidence=evidence, route=route, cost=spent, rungs=tuple(done))

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The evidence of the first agent that finds anything, as they would be asked. Raises as `ask`."""
        start = perf_counter()
        signs = self._signs(question, where)
        ordered = [rung.agent for rung in self._rungs(signs, (), budget)]
        spent = Cost((perf_counter() - start) * 1000)
        steps = [Step("route", ", ".join(ordered[:MOST]), spent)]
        found = Evidence(())
        for agent in ordered[:MOST]:
            try:
                found = registry.make(agent, self._snapshot).retrieve(question, k, where, budget.left(spent))
            except (PatternError, QueryError, MissingExtraError) as error:
                steps.append(Step(agent, str(error)))
                continue
            spent += found.cost
            steps += found.trace
            if found.hits:
                return replace(found, trace=tuple(steps), cost=spent, agent=agent)
        return replace(found, trace=tuple(steps), cost=spent)

    def _signs(self, question: str, where: Where) -> Features:
        """The signs of a question; a pattern that stands nowhere is none."""
        signs = features(question, self._snapshot, where)
        if signs["pattern"] and not self._stands(question, where):
            signs["pattern"] = 0.0
        self._moved = feedback.shifts(signs, feedback.marks(self._snapshot, where))
        return signs

    def _rungs(self, signs: Features, asked: Sequence[str], budget: Budget) -> list[Rung]:
        """The agents that were not asked yet, in the order in which they would be."""
        installed = registry.registered()
        prices = self._prices(signs, budget)
        ordered = order(signs, self._weights, asked, prices, self._likely(signs))
        return [Rung(agent, fit, prices[agent]) for agent, fit in ordered if agent in installed]

    def _likely(self, signs: Features) -> dict[str, float]:
        """How likely each agent is right: as it was fitted, or says itself, or keys of its own tell, moved by the marks of users."""
        fits = {agent: one.probability(signs) for agent, one in self._weights.fit.items()}
        fits |= {agent: offer.fit(signs) for agent, offer in self._offers.items()}
        for kind, agent in BY_MODEL.items():  # not fitted: most libraries have no such keys
            if (said := signs[f"in {kind}"]) >= TOLD:
                fits[agent] = max(fits[agent], 1 - signs["in text"] / said)
        return {agent: max(0.0, min(1.0, fit + self._moved.get(agent, 0.0))) for agent, fit in fits.items()}

    def _fused(self, question: str, answers: Sequence[Answer], k: int, where: Where) -> Answer | None:
        """What the evidence of all agents together answers, each weighed by how sure its own is; None where only one found any."""
        found = [one for one in answers if one.evidence.hits and not one.evidence.computed]
        if len(found) < 2:
            return None
        start = perf_counter()
        rankings = [
            Ranking(one.evidence.hits, max(LEAST, one.confidence + self._moved.get(one.agent, 0.0)), f"found by {one.agent}")
            for one in found
        ]
        hits = blend(rankings, k, lambda hit: (self._snapshot.document(hit.node.document_id).source, hit.node.start))
        surest = max(found, key=lambda one: one.confidence)
        step = Step("fuse what they found", ", ".join(one.agent for one in found), Cost((perf_counter() - start) * 1000))
        trace = (*surest.evidence.trace, step)
        return answer(question, Evidence(tuple(hits), trace, step.cost), self._snapshot, surest.agent, where)

    def _stands(self, question: str, where: Where) -> bool:
        """Whether the pattern that a question means is found anywhere."""
        try:
            return bool(Pattern(self._snapshot).match(pattern_of(question), 1, where))
        except PatternError:
            return True  # to be asked, so that the error says what is wrong with it

    def _prices(self, signs: Features, budget: Budget) -> dict[str, Cost]:
        """What each agent is expected to spend: less where the budget has fewer texts to embed, or the library was embedded as a whole, so
        that only the question is; a call more where a model would have to write the SQL."""
        most = 1 if self._snapshot.manifest.settings.get(EMBEDDED) else None
        most = most if budget.embedded is None else min(budget.embedded, most or budget.embedded)
        found = {}
        offered = {agent: offer.price for agent, offer in self._offers.items()}
        for agent, price in {**self._weights.price, **offered}.items():
            embedded = price.embedded if most is None else min(price.embedded, most)
            spared = EMBEDDING * 1000 * (price.embedded - embedded)
            found[agent] = replace(price, milliseconds=max(CHEAPEST, price.milliseconds - spared), embedded=embedded)
        if self._snapshot.llm and signs["tables"] < KEPT:
            found["sql"] += CALL
        return found

    def _refused(self, rung: Rung, answers: Sequence[Answer], spent: Cost, budget: Budget) -> str:
        """Why an agent is not asked; "" if it is."""
        if answers and max(one.confidence for one in answers) >= self._weights.stop:
            return "what was found is sure enough"
        if len(answers) >= MOST:
            return f"{MOST} agents were asked"
        if lacking := replace(budget.left(spent), milliseconds=None, embedded=None).lacks(rung.price):
            return f"the budget has too little left: {lacking}"
        rest = budget.left(spent).milliseconds
        if rest is not None and rung.price.milliseconds > rest and (answers or rung.agent != self._cheapest()):
            return f"about {rung.price.milliseconds:.0f} ms do not fit into the {rest:.0f} ms that are left"
        return ""

    def _cheapest(self) -> str:
        """The agent that is asked if nothing else fits into the budget."""
        return min(self._weights.price, key=lambda agent: (seconds(self._weights.price[agent]), agent))

    def _asked(self, agent: str, question: str, k: int, where: Where, budget: Budget) -> Answer:
        """What an agent answers; nothing where it takes the question for a pattern or SQL that it is not."""
        start = perf_counter()
        try:
            evidence = self._made(agent, question).retrieve(question, k, where, budget)
        except (PatternError, QueryError, MissingExtraError) as error:
            spent = Cost((perf_counter() - start) * 1000)
            return Answer(no_answer(question), (), Evidence((), (Step(agent, str(error), spent),), spent), False, agent)
        return answer(question, evidence, self._snapshot, agent, where)

    def _made(self, agent: str, question: str) -> Agent:
        """An agent; where taking a question apart pays for it, and rules can, around it what asks the parts, too (see LOG.md)."""
        kind = worth(question) if agent in TAKEN_APART else ""
        return wrapped(agent, kind, self._snapshot, by_rules=True) if kind else registry.make(agent, self._snapshot)

    def _told(self, rung: Rung, found: Answer) -> Rung:
        """A rung with what came of it."""
        hits = found.evidence.hits
        said = f"{len(found.evidence.computed.rows)} rows" if found.evidence.computed else f"{len(hits)} hits"
        sure = found.confidence >= self._weights.stop
        reason = "sure enough" if sure else "not sure enough" if found.answered else "does not answer"
        return replace(rung, asked=True, found=said, confidence=found.confidence, cost=found.evidence.cost, reason=reason)


def _nothing(question: str) -> Answer:
    return Answer(no_answer(question), (), Evidence(()), False, "auto")
