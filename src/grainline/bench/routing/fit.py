"""Fits the weights of the router and of the judge of answers on the half of the routing set that is there for that.

    python -m grainline.bench.routing.fit SHARED_FOLDER [--out FILE]

Every agent is asked the questions of the split "fit", with at most 50 texts embedded a question. From what comes of it are fitted, as
logistic regressions with a ridge: how likely each agent is right for a question (`ask/features.py`), how likely what it found is right
and how likely there is nothing to be found (`ask/judge.py`), what it costs; then when to stop and when to decline.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import grainline
from grainline.agents.registry import registered
from grainline.ask.features import features
from grainline.ask.judge import judged
from grainline.ask.route import MOST, order
from grainline.ask.weights import Logistic, Weights
from grainline.bench.routing.libraries import LIBRARIES, lay_out
from grainline.bench.routing.questions import Question, load
from grainline.bench.routing.systems import Outcome, Remembering, copied, outcome
from grainline.library import Library
from grainline.models.registry import shared as encoder_of
from grainline.types import EVERYWHERE, Cost

#: how much each regression is held back
RIDGE = 1.0
#: of the questions that have an answer so many may be declined
DECLINED = 0.04
#: what it counts to spend what asking every agent costs, beside finding all that any of them finds
SPENT = 1.0
#: questions that an agent's rates are held back with
PRIOR = 5
SECONDS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3)
STOPS = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9)

Floats = NDArray[np.float64]
Signs = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Tried:
    """A question, its signs, and what came of each agent, with the signs of its evidence."""

    question: Question
    signs: Signs
    outcomes: Mapping[str, Outcome]
    judged: Mapping[str, Signs]


def fit(tried: Sequence[Tried]) -> dict[str, Any]:
    """The weights in the form of the file."""
    agents = sorted(tried[0].outcomes)
    answerable = [one for one in tried if one.question.answerable]
    fits = {
        agent: regression([one.signs for one in answerable], [agent in one.question.agents for one in answerable])
        for agent in agents
    }
    judged = {agent: [one for one in tried if one.judged[agent]["hits"]] for agent in agents}
    right = {
        agent: regression(
            [one.judged[agent] for one in own], [one.question.answerable and one.outcomes[agent].held for one in own]
        )
        for agent, own in judged.items()
    }
    seen = [(one.judged[agent], not one.question.answerable) for agent, own in judged.items() if agent != "sql" for one in own]
    none = regression([found for found, _ in seen], [missing for _, missing in seen])
    decline = float(np.quantile([none.probability(found) for found, missing in seen if not missing], 1 - DECLINED))
    prices = {agent: _price([one.outcomes[agent] for one in tried]) for agent in agents}
    after = {agent: {other: _after(answerable, agent, other) for other in agents if other != agent} for agent in agents}
    second, stop = _bounds(tried, Weights(fits, prices, right, after, none, 0.0, 0.0, decline))
    return {
        "fit": {agent: _row(one) for agent, one in fits.items()},
        "price": {
            agent: {"milliseconds": round(cost.milliseconds, 1), "embedded": cost.embedded} for agent, cost in prices.items()
        },
        "right": {agent: _row(one) for agent, one in right.items()},
        "after": after,
        "unanswerable": _row(none),
        "second": second,
        "stop": stop,
        "decline": round(decline, 4),
    }


def regression(rows: Sequence[Signs], labels: Sequence[bool]) -> Logistic:
    """A logistic regression with a ridge, by Newton's method."""
    names = sorted(rows[0])
    matrix = np.array([[row[name] for name in names] + [1.0] for row in rows])
    wanted = np.array(labels, float)
    weights = np.zeros(len(names) + 1)
    ridge = np.array([RIDGE] * len(names) + [1e-3])
    for _ in range(60):
        likely = 1 / (1 + np.exp(-matrix @ weights))
        slope = matrix.T @ (likely - wanted) + ridge * weights
        curve = (matrix * (likely * (1 - likely))[:, None]).T @ matrix + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        weights -= step
        if float(np.abs(step).max()) < 1e-8:
            break
    return Logistic(dict(zip(names, weights[:-1].round(4).tolist(), strict=True)), round(float(weights[-1]), 4))


def _bounds(tried: Sequence[Tried], weights: Weights) -> tuple[float, float]:
    """What a second counts and when to stop: the pair by which most is found for what is spent, the first agent being right as often as
    can be."""
    answerable = [one for one in tried if one.question.answerable]
    best = sum(any(found.held for found in one.outcomes.values()) for one in answerable)
    sayable = sum(any(found.said for found in one.outcomes.values()) for one in answerable)
    whole = sum(found.milliseconds for one in tried for found in one.outcomes.values())
    results = []
    for second, stop in product(SECONDS, STOPS):
        walks = [walked(one, replace(weights, second=second, stop=stop)) for one in tried]
        last = [(one.outcomes[walk[-1]], walk[0] in one.question.agents) for one, walk in zip(tried, walks, strict=True)]
        kept = [found for found, one in zip(last, tried, strict=True) if one.question.answerable]
        held, said = sum(found.held for found, _ in kept), sum(found.said for found, _ in kept)
        first = sum(is_right for _, is_right in kept)
        spent = sum(one.outcomes[agent].milliseconds for one, walk in zip(tried, walks, strict=True) for agent in set(walk))
        results.append((SPENT * spent / whole - held / best - said / sayable - first / len(kept), second, stop))
    return min(results)[1:]


def walked(one: Tried, weights: Weights) -> list[str]:
    """The agents that the router would ask, and behind them the one whose answer it would give."""
    asked: dict[str, float] = {}
    while len(asked) < MOST and (rest := order(one.signs, weights, list(asked))):
        agent = rest[0][0]
        found = one.outcomes[agent]
        asked[agent] = sureness(found, weights.right[agent].probability(one.judged[agent]))
        if asked[agent] >= weights.stop:
            break
    return [*asked, max(asked, key=lambda agent: asked[agent])]


def sureness(found: Outcome, judged: float) -> float:
    """How sure an answer is, as `ask` has it."""
    if not found.answered:
        return 0.0
    return judged if found.confidence is None else found.confidence


def _after(answerable: Sequence[Tried], agent: str, other: str) -> float:
    """How much less likely another agent is right where one is not, held back towards no difference."""
    wrong = [one for one in answerable if agent not in one.question.agents]
    usual = sum(other in one.question.agents for one in answerable) / len(answerable)
    then = (sum(other in one.question.agents for one in wrong) + PRIOR * usual) / (len(wrong) + PRIOR)
    return round(min(1.0, then / usual), 3) if usual else 1.0


def _price(outcomes: Sequence[Outcome]) -> Cost:
    return Cost(median(found.milliseconds for found in outcomes), round(median(found.embedded for found in outcomes)))


def _row(regression: Logistic) -> dict[str, Any]:
    return asdict(regression)


def try_all(libraries: Mapping[str, Path], questions: Sequence[Question], agents: Sequence[str], folder: Path) -> list[Tried]:
    """Ask every agent every question, each with a copy of the library of its own."""
    encoder = Remembering(encoder_of("e5"))
    outcomes: dict[str, dict[str, tuple[Outcome, Signs]]] = {question.id: {} for question in questions}
    known: dict[str, Signs] = {}
    for agent in agents:
        for name, path in libraries.items():
            own = [question for question in questions if question.library == name]
            with copied(path, folder, encoder) as library:
                for question in own:
                    if question.id not in known:
                        with library.snapshot() as state:
                            known[question.id] = features(question.question, state, EVERYWHERE)
                    outcomes[question.id][agent] = _tried(library, question, agent, encoder)
        click.echo(f"asked {agent}", err=True)
    return [
        Tried(
            question,
            known[question.id],
            {agent: found for agent, (found, _) in outcomes[question.id].items()},
            {agent: judged for agent, (_, judged) in outcomes[question.id].items()},
        )
        for question in questions
    ]


def _tried(library: Library, question: Question, agent: str, encoder: Remembering) -> tuple[Outcome, Signs]:
    """What came of a question to an agent, with the signs of its evidence."""
    came, given = outcome(library, question, (agent,), encoder)
    with library.snapshot() as state:
        return came, judged(question.question, given.evidence, state, EVERYWHERE)[1]


@click.command()
@click.argument("shared", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file of the weights: ask/weights.json.")
def main(shared: Path, out: Path) -> None:
    """Fit the weights of the router on the questions of the split "fit"."""
    questions = load(split="fit")
    with tempfile.TemporaryDirectory(prefix="grainline-fit-") as name:
        folder = Path(name)
        libraries = {}
        for library in sorted({question.library for question in questions}):
            libraries[library] = folder / library
            with grainline.open(libraries[library]) as opened:
                opened.add(lay_out(shared, LIBRARIES[library], folder / "files"))
        found = fit(try_all(libraries, questions, sorted(set(registered()) - {"state"}), folder / "copy"))
    out.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
