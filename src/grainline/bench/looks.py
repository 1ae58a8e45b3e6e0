"""Fits when the second look at an answer takes it back (`ask/verify.py`), by what a language model answers.

    python -m grainline.bench.looks SHARED_FOLDER --llm SPEC [--memory FILE] [--out FILE]

The model is asked the questions of the split "fit" of the declining set, and of musique every tenth from the first and from the eighth
on, whose answers were looked at while rules were made. From the signs of each second look it is fitted how likely its answer is right, as a
logistic regression with a ridge; the bound is where so many of the questions that have no answer are declined as are wanted, each judged by
a fit that did not see it. The other questions of these sets, and the split "held", are left to tell what that is worth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import click

from grainline.ask.judge import Signs
from grainline.ask.verify import LOOK, signs_of
from grainline.ask.weights import Bounded, Logistic
from grainline.bench import report
from grainline.bench.answer_metrics import f1, is_chinese
from grainline.bench.answers import all_judged, compared
from grainline.bench.asking import Asker, System
from grainline.bench.datasets import load
from grainline.bench.declining import SET, outcomes_of
from grainline.bench.memory import Memory
from grainline.bench.routing.fit import regression
from grainline.bench.routing.questions import holds
from grainline.bench.routing.questions import load as questions
from grainline.bench.runs import built
from grainline.models.llm import shared as model_of
from grainline.types import LLM, Answer, Embedder

#: of a BEIR folder: every so-manieth question, from these on
SETS = {"musique": (10, (0, 7))}
#: answer F1 from which an answer is right
RIGHT = 0.5
#: of the questions that have no answer so many may be answered: half of what is allowed, since others will be asked
ANSWERED = 0.05
FOLDS = 10


@dataclass(frozen=True, slots=True)
class Case:
    """A question: whether it has an answer, whether it was answered, the signs of the second look (none where there was none), and whether
    what was looked at is right."""

    answerable: bool
    answered: bool
    signs: Signs
    right: bool


def cases(shared: Path, llm: LLM, embedder: str | Embedder = "e5") -> Iterator[Case]:
    """What becomes of all questions. Raises what `datasets.load` and asking raise."""
    asker = Asker(embedder)
    for name, (every, offsets) in SETS.items():
        dataset = load(shared / "data" / name)
        with built([dataset.corpus]) as made:
            made.library.close()  # what is copied must not be open
            asked = [query for offset in offsets for query in dataset.queries[offset::every]]
            for one in all_judged(asker, made.library.folder, dataset, asked, System("linked", llm), None):
                answer, gold = one.given.answer, one.query.answers
                right = f1(_looked_at(answer), gold, is_chinese(one.query.text)) >= RIGHT
                yield Case(True, answer.answered, _signs(answer), right)
    fit = [question for question in questions(SET) if question.split == "fit"]
    (outcomes,) = outcomes_of(shared, fit, [System("auto", llm)], asker, None)
    for outcome in outcomes:
        question, answer = outcome.question, outcome.given.answer
        right = question.answerable and holds(_looked_at(answer), question.answers)
        yield Case(question.answerable, answer.answered, _signs(answer), right)


def fit(found: Sequence[Case]) -> tuple[Bounded, dict[str, Any]]:
    """The fit with its bound, and what it does to the questions that it did not see: `{"looks", "right", "right kept", "wrong kept",
    "unanswerable", "declined"}`."""
    looked = [one for one in found if one.signs]
    likely: list[float] = []
    for place, one in enumerate(looked):
        others = [other for at, other in enumerate(looked) if at % FOLDS != place % FOLDS]
        likely.append(_regression(others).probability(one.signs))
    unanswerable = [one for one in found if not one.answerable]
    most = ceil(ANSWERED * len(unanswerable)) - sum(one.answered for one in unanswerable if not one.signs)
    near = sorted((chance for chance, one in zip(likely, looked, strict=True) if not one.answerable), reverse=True)
    bound = round(near[max(0, most)] + 1e-4, 4) if len(near) > max(0, most) else 0.0
    kept = [one for chance, one in zip(likely, looked, strict=True) if chance >= bound]
    answered = sum(not one.answerable for one in kept) + sum(one.answered for one in unanswerable if not one.signs)
    figures = {
        "looks": len(looked),
        "right": sum(one.right for one in looked),
        "right kept": sum(one.right for one in kept),
        "wrong kept": sum(not one.right for one in kept),
        "unanswerable": len(unanswerable),
        "declined": len(unanswerable) - answered,
    }
    return Bounded(_regression(looked), bound), figures


def _regression(found: Sequence[Case]) -> Logistic:
    return regression([one.signs for one in found], [one.right for one in found])


def _looked_at(answer: Answer) -> str:
    """What was said, or taken back."""
    return compared(answer) or (answer.left_out[-1] if answer.left_out else "")


def _signs(answer: Answer) -> Signs:
    """The signs of the second look at an answer; none where there was none."""
    looks = [step.detail for step in answer.evidence.trace if step.action == LOOK]
    return signs_of(looks[-1]) if looks else {}


@click.command(help=__doc__)
@click.argument("shared", type=click.Path(path_type=Path))
@click.option("--llm", required=True, metavar="SPEC", help="The language model.")
@click.option(
    "--memory", type=click.Path(path_type=Path), help="Keep what the model says in this file, and go on from what is there."
)
@click.option("--out", type=click.Path(path_type=Path), help="Write the weights here, not to the standard output.")
def main(shared: Path, llm: str, memory: Path | None, out: Path | None) -> None:
    """Fit, and tell what the fit does."""
    with report.explained():
        model = Memory(model_of(llm), memory) if memory else model_of(llm)
        bounded, figures = fit(list(cases(shared, model)))
    row = {"weights": dict(bounded.logistic.weights), "bias": bounded.logistic.bias, "bound": bounded.bound}
    text = json.dumps(row, indent=1, sort_keys=True) + "\n"
    click.echo(", ".join(f"{name} {value}" for name, value in figures.items()), err=True)
    if out:
        out.write_text(text, encoding="utf-8")
    else:
        click.echo(text, nl=False)


if __name__ == "__main__":
    main()
