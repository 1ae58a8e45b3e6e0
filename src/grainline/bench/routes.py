"""Routing: the router against every single agent, all agents at once, and the best agent of each question, on the bundled routing set.

For each of them: whether the agent that was asked first is one that can answer (see `routing.questions`), whether one of its best hits
holds an answer from a right source, whether the answer says it, whether it declines what the library does not answer, and what all that
costs. Every one has its own copy of each library, in which nothing is embedded yet, as somebody has who begins. A text that two of them
embed is embedded once, and its time is charged to both.

What a run cannot know: whether anything else kept the machine busy. Times of texts that were embedded before are those of then.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grainline
from grainline.agents.registry import registered
from grainline.ask.weights import fitted
from grainline.bench.metrics import mean, percentile
from grainline.bench.report import markdown
from grainline.bench.routing.libraries import LIBRARIES, lay_out
from grainline.bench.routing.questions import KINDS, Question, load
from grainline.bench.routing.systems import EVERYTHING, Outcome, Remembering, copied, outcome
from grainline.errors import NotFoundError, UnreadableError, UsageError
from grainline.models.registry import shared
from grainline.types import Budget, Embedder

ROUTER, ORACLE = "auto", "oracle"
#: asked of each library before anything is timed: the first question loads the index
WARM_UP = "warm up"
COLUMNS = {
    "right_first": "right agent first",
    "held": "evidence holds it",
    "said": "answer says it",
    "declined": "unanswerable declined",
    "declined_wrongly": "answerable declined",
    "ms_p50": "ms (median)",
    "ms_mean": "ms (mean)",
    "embedded": "embedded a question",
    "agents": "agents a question",
    "characters": "characters of evidence",
    "route_ms": "routing ms",
}
PLACES = {"ms_p50": 1, "ms_mean": 1, "embedded": 1, "agents": 2, "characters": 0, "route_ms": 2}

Progress = Callable[[int, int, str], None]
#: the outcome of each question, by its id
Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked, and of which agents that consists: one, the router, or all."""

    name: str
    agents: tuple[str, ...]


def run_routes(
    shared_folder: Path,
    split: str = "held",
    agents: Sequence[str] = (),
    embedder: str | Embedder = "e5",
    questions: Sequence[Question] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ask the router, each of the agents (all that are installed, if none is named), all of them together and the oracle the questions of
    a split ("fit", "held" or "all"), or those given, over libraries made of `shared_folder` (with `corpora` and `data`).

    Returns `{"split", "questions": {"answerable", "unanswerable"}, "systems": {name: figures}, "kinds": {kind: {"questions", name: share of
    evidence that holds an answer, or that is declined}}, "outcomes": {question: {name: {"route", "held", ...}}}}`; figures
    are those of `COLUMNS`, None where there is nothing to measure. `progress` is called with the systems asked, their number, and the
    next. Raises `NotFoundError` for an unknown agent or where the folder lacks something, `UsageError` for an unknown split.
    """
    asked = load(split=split) if questions is None else tuple(questions)
    systems = _systems(agents)
    if not asked:
        raise UsageError("there is no question to ask")
    encoder = Remembering(shared(embedder) if isinstance(embedder, str) else embedder)
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
        folder = Path(name)
        libraries = _built(shared_folder, sorted({question.library for question in asked}), folder)
        outcomes: dict[str, dict[str, Outcome]] = {}
        for done, system in enumerate(systems):
            if progress:
                progress(done, len(systems), system.name)
            outcomes[system.name] = _all_outcomes(system, asked, libraries, folder / "copy", encoder)
    if progress:
        progress(len(systems), len(systems), "")
    single = {system.name: outcomes[system.name] for system in systems if len(system.agents) == 1 and system.name != ROUTER}
    outcomes[ORACLE] = {question.id: _best(question, single) for question in asked}
    return {
        "split": split,
        "questions": {
            "answerable": sum(question.answerable for question in asked),
            "unanswerable": sum(not question.answerable for question in asked),
        },
        "systems": {name: _figures(asked, given, name) for name, given in outcomes.items()},
        "kinds": _kinds(asked, outcomes),
        "outcomes": {
            question.id: {name: _row(question, given[question.id]) for name, given in outcomes.items()} for question in asked
        },
    }


def _systems(agents: Sequence[str]) -> list[Asked]:
    """The router, each agent, and all of them together."""
    known = registered()
    if unknown := set(agents) - set(known):
        raise NotFoundError(f"no agent {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    names = list(dict.fromkeys(agents)) or sorted(fitted().fit)
    return [Asked(ROUTER, (ROUTER,)), *(Asked(name, (name,)) for name in names), Asked(EVERYTHING, tuple(names))]


def _built(shared_folder: Path, names: Sequence[str], folder: Path) -> dict[str, Path]:
    """The libraries of these names."""
    made = {}
    for name in names:
        made[name] = folder / f"library-{name}"
        with grainline.open(made[name]) as library:
            summary = library.add(lay_out(shared_folder, LIBRARIES[name], folder / "files"))
        if summary.failed:
            raise UnreadableError("; ".join(f"{path}: {reason}" for path, reason in summary.failed))
    return made


def _all_outcomes(
    system: Asked, questions: Sequence[Question], libraries: Mapping[str, Path], folder: Path, encoder: Remembering
) -> dict[str, Outcome]:
    """What a system makes of all questions, library by library."""
    found = {}
    for name, path in libraries.items():
        with copied(path, folder, encoder) as library:
            for agent in system.agents:
                library.ask(WARM_UP, agent=agent, budget=Budget(embedded=0))
            for question in questions:
                if question.library == name:
                    found[question.id], _ = outcome(library, question, system.agents, encoder)
    return found


def _best(question: Question, single: Mapping[str, Outcomes]) -> Outcome:
    """What the oracle has asked: the cheapest agent that is right; where none is, the cheapest that can be, or of all."""
    outcomes = {name: given[question.id] for name, given in single.items()}
    able = {name: given for name, given in outcomes.items() if name in question.agents} or outcomes
    return min(
        able.values(), key=lambda given: (not _is_right(question, given), given.embedded, given.milliseconds, given.route)
    )


def _is_right(question: Question, given: Outcome) -> bool:
    return given.held if question.answerable else not given.answered


def _figures(questions: Sequence[Question], given: Outcomes, name: str) -> dict[str, float | None]:
    """The figures of one system."""
    answerable = [(question, given[question.id]) for question in questions if question.answerable]
    others = [given[question.id] for question in questions if not question.answerable]
    every = [given[question.id] for question in questions]
    routing = [each.routing for each in every if each.routing is not None]
    return {
        "right_first": None if name == EVERYTHING else _share([each.route[0] in asked.agents for asked, each in answerable]),
        "held": _share([each.held for _, each in answerable]),
        "said": _share([each.said for _, each in answerable]),
        "declined": _share([not each.answered for each in others]),
        "declined_wrongly": _share([not each.answered for _, each in answerable]),
        "ms_p50": round(percentile([each.milliseconds for each in every], 0.5), 2),
        "ms_mean": round(mean([each.milliseconds for each in every]), 2),
        "embedded": round(mean([each.embedded for each in every]), 2),
        "agents": round(mean([len(each.route) for each in every]), 3),
        "characters": round(mean([each.characters for each in every])),
        "route_ms": round(percentile(routing, 0.5), 3) if routing else None,
    }


def _share(values: Sequence[bool]) -> float | None:
    return round(mean([float(value) for value in values]), 4) if values else None


def _kinds(questions: Sequence[Question], outcomes: Mapping[str, Outcomes]) -> dict[str, dict[str, float | None]]:
    """For each kind of questions how many there are and the share that each system has right."""
    found: dict[str, dict[str, float | None]] = {}
    for kind in KINDS:
        own = [question for question in questions if question.kind == kind]
        if own:
            shares = {name: _share([_is_right(each, given[each.id]) for each in own]) for name, given in outcomes.items()}
            found[kind] = {"questions": len(own), **shares}
    return found


def _row(question: Question, given: Outcome) -> dict[str, Any]:
    """One outcome, and whether the label of the question is at odds with it: it names the agent, which fails, or not, and it succeeds."""
    return {
        "route": list(given.route),
        "held": given.held,
        "said": given.said,
        "answered": given.answered,
        "ms": round(given.milliseconds, 2),
        "embedded": given.embedded,
        "labelled": given.route[0] in question.agents,
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as two Markdown tables: the systems by what they reach and cost, the kinds of questions by who has them right."""
    systems = result["systems"]
    rows = [["asked", *COLUMNS.values()]]
    rows += [
        [name, *(_cell(figures[column], PLACES.get(column, 3)) for column in COLUMNS)] for name, figures in systems.items()
    ]
    kinds = [["kind", "questions", *systems]]
    for kind, shares in result["kinds"].items():
        kinds.append([kind, str(shares["questions"]), *(_cell(shares[name], 2) for name in systems)])
    return f"{markdown(rows)}\n\n{markdown(kinds)}"


def _cell(value: float | None, places: int) -> str:
    return "" if value is None else f"{value:.{places}f}"
