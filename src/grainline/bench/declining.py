"""Declining: what the library does not answer, beside what it does, asked of the libraries of the routing set.

`routing/declining.jsonl` has the form of the routing set (see `routing.questions`), but does not say which agents are right. More than half
of its questions have no answer: what they ask for is near to what is there, and is not; the others have one, so that declining everything
does not win. Mistakes on those of the split "fit" were looked at while rules were made; those of "held" were written afterwards by somebody
who knew no rule. What has no answer says so in its `check`: {"why": one of WHYS, "near": the source that comes nearest, "absent": strings
that no document of the library holds all of}.

`routing/across.jsonl` has the same form; its questions are asked in one language, and what answers them stands in the other.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import grainline.bench.routing as routing
from grainline.bench.answers import cell, compared
from grainline.bench.asking import Asker, Given, System, spent
from grainline.bench.metrics import mean
from grainline.bench.report import markdown
from grainline.bench.routing.libraries import LIBRARIES, lay_out
from grainline.bench.routing.questions import LANGUAGES, SPLITS, Question, holds, load, within
from grainline.bench.runs import Progress, built
from grainline.errors import UsageError
from grainline.types import NO_LIMIT, Budget, Embedder

SET, ACROSS = (Path(routing.__file__).with_name(name) for name in ("declining.jsonl", "across.jsonl"))
#: what is the matter with a question without an answer: a neighbour of what is there is asked for, a function or name of the sort that is
#: there, another year, another person, something is presupposed that is not so, a detail is not told
WHYS = ("neighbour", "function", "year", "person", "presupposition", "detail")
COLUMNS = {
    "declined": "unanswerable declined",
    "declined_wrongly": "answerable declined",
    "said": "answerable answered right",
    "calls": "calls",
    "tokens_in": "tokens in",
    "tokens_out": "tokens out",
    "embedded": "embedded",
    "seconds": "s a question",
}
PLACES = {"calls": 2, "tokens_in": 0, "tokens_out": 0, "embedded": 1, "seconds": 2}
BOTH = "both"  #: languages together


@dataclass(frozen=True, slots=True)
class Outcome:
    """A question, what it was answered, and whether that says the answer and cites a source that has it."""

    question: Question
    given: Given
    said: bool


def run_declining(
    shared: Path,
    who: Sequence[System],
    budget: Budget = NO_LIMIT,
    embedder: str | Embedder = "e5",
    questions: Sequence[Question] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ask all who answer (see `asking.systems`) the set, or the given questions, over libraries made of `shared` (with `corpora` and
    `data`).

    Returns `{"questions": {"answerable", "unanswerable"}, "systems": [{"agent", "model", "split", "language", figures of COLUMNS}],
    "whys": [{"agent", "model", "split", why: share declined}], "asked": [{"id", "split", "agent", "model", "answered", "said", "text",
    "cited"}]}`. `progress` is called with questions done, their number, and who is asked. Raises `NotFoundError` for an unknown agent or
    where the folder lacks something, `UsageError` where there is nothing to ask.
    """
    asked = load(SET) if questions is None else tuple(questions)
    if not asked:
        raise UsageError("there is no question to ask")
    found = list(zip(who, outcomes_of(shared, asked, who, Asker(embedder, budget), progress), strict=True))
    return {
        "questions": {
            "answerable": sum(question.answerable for question in asked),
            "unanswerable": sum(not question.answerable for question in asked),
        },
        "systems": [row for system, outcomes in found for row in _rows(system, outcomes)],
        "whys": [row for system, outcomes in found for row in _whys(system, outcomes)],
        "asked": [_detail(system, one) for system, outcomes in found for one in outcomes],
    }


def outcomes_of(
    shared: Path, asked: Sequence[Question], who: Sequence[System], asker: Asker, progress: Progress | None
) -> list[list[Outcome]]:
    """What came of every question, in the order of the questions, for each who answers."""
    found: list[dict[str, Outcome]] = [{} for _ in who]
    done = 0
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
        for library in sorted({question.library for question in asked}):
            with built(lay_out(shared, LIBRARIES[library], Path(name) / "files")) as made:
                made.library.close()  # what is copied must not be open
                for system, own in zip(who, found, strict=True):
                    with asker.opened(made.library.folder, system) as opened:
                        for question in (one for one in asked if one.library == library):
                            given = asker.ask(opened, question.question, system)
                            own[question.id] = Outcome(question, given, says(question, given))
                            done += 1
                            if progress:
                                progress(done, len(asked) * len(who), f"{library}: {system.name}, model: {system.model}")
    return [[own[question.id] for question in asked] for own in found]


def says(question: Question, given: Given) -> bool:
    """Whether a question is answered with what is asked for, and a citation of a source that has it."""
    right = any(within(citation.source, question.sources) for citation in given.answer.citations)
    return right and holds(compared(given.answer), question.answers)


def _rows(system: System, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The figures of one who answers, by split, and there by language and for both together."""
    rows = []
    for split, language in product(SPLITS, (*LANGUAGES, BOTH)):
        own = [one for one in outcomes if one.question.split == split and language in (one.question.language, BOTH)]
        if not own:
            continue
        answerable = [one for one in own if one.question.answerable]
        rows.append(
            {
                "agent": system.name,
                "model": system.model,
                "split": split,
                "language": language,
                "declined": _share([not one.given.answer.answered for one in own if not one.question.answerable]),
                "declined_wrongly": _share([not one.given.answer.answered for one in answerable]),
                "said": _share([one.said for one in answerable]),
                **spent([one.given for one in own]),
            }
        )
    return rows


def _whys(system: System, outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """The share declined of the questions without an answer, by split and by what is the matter with them."""
    declined: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    for one in outcomes:
        if not one.question.answerable:
            declined[one.question.split][str(one.question.check.get("why", ""))].append(not one.given.answer.answered)
    return [
        {"agent": system.name, "model": system.model, "split": split, **{why: _share(own) for why, own in sorted(whys.items())}}
        for split, whys in sorted(declined.items())
    ]


def _share(values: Sequence[bool]) -> float | None:
    return round(mean([float(value) for value in values]), 4) if values else None


def _detail(system: System, one: Outcome) -> dict[str, Any]:
    """One question as the result tells it."""
    return {
        "id": one.question.id,
        "split": one.question.split,
        "agent": system.name,
        "model": system.model,
        "answered": one.given.answer.answered,
        "said": one.said,
        "text": compared(one.given.answer),
        "cited": [citation.source for citation in one.given.answer.citations],
    }


def table(result: Mapping[str, Any]) -> str:
    """The result as two Markdown tables: who declines how much, and what of it by what is the matter with the questions."""
    rows = [["agent", "model", "split", "language", *COLUMNS.values()]]
    for row in result["systems"]:
        cells = [cell(row[name], PLACES.get(name, 3)) for name in COLUMNS]
        rows.append([row["agent"], row["model"], row["split"], row["language"], *cells])
    found = [why for why in WHYS if any(why in row for row in result["whys"])]
    whys = [["agent", "model", "split", *found]]
    whys += [[row["agent"], row["model"], row["split"], *(cell(row.get(why), 2) for why in found)] for row in result["whys"]]
    return f"{markdown(rows)}\n\n{markdown(whys)}"
