"""What `grainline add` does beyond adding: have a model write keys, and say before what that would cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

import grainline
from grainline import render
from grainline.cli.options import bar, llm_option
from grainline.costs import parse_budget
from grainline.errors import UsageError
from grainline.library import Library, locate
from grainline.store.copy import copy
from grainline.store.database import FILE_NAME
from grainline.types import NO_LIMIT, Budget

if TYPE_CHECKING:
    from grainline.making import Order, Plan


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which keys a model is to write, within which budget, or whether only to say what they would cost."""

    order: Order
    budget: Budget
    dry: bool


def making_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What keys are written with."""
    for option in (
        click.option(
            "--budget",
            "making_budget",
            metavar="NAME=N,...",
            help="Spend at most so much on it: calls=100,tokens=200000,ms=60000.",
        ),
        llm_option,
        click.option("--dry-run", "dry", is_flag=True, help="Add nothing and ask no model: say what it would cost at most."),
        click.option(
            "--often",
            default=0,
            metavar="N",
            type=click.IntRange(min=0),
            help="Only for documents that a model has written at least N kept answers from.",
        ),
        click.option("--questions", is_flag=True, help="Then have the model write questions that each passage answers."),
        click.option(
            "--summaries",
            is_flag=True,
            help="Then have the model summarise long texts and describe tables, bare functions and pictures (if it reads them).",
        ),
    ):
        command = option(command)
    return command


def wanted(options: dict[str, Any]) -> Wanted | None:
    """What the options ask for, which are taken out of all of them; None where no keys are to be written. Raises `UsageError`."""
    from grainline.making import Order
    from grainline.match.made import CODE, PICTURE, QUESTION, SUMMARY, TABLE

    summaries, questions, often, dry, budget = map(options.pop, ("summaries", "questions", "often", "dry", "making_budget"))
    kinds = (*((SUMMARY, CODE, TABLE, PICTURE) if summaries else ()), *((QUESTION,) if questions else ()))
    if kinds:
        return Wanted(Order(kinds, often=often), parse_budget(budget) if budget else NO_LIMIT, dry)
    if often or dry or budget:
        raise UsageError("--often, --dry-run and --budget go with --summaries or --questions")
    return None


def require_model(opened: Library) -> None:
    """Raise `UsageError` where no language model is named."""
    from grainline.making import NEEDED

    with opened.snapshot() as state:
        if state.llm is None:
            raise UsageError(NEEDED)


def make(opened: Library, asked: Wanted) -> tuple[dict[str, Any], str]:
    """Say the price, have the keys written, and give what came of it, as an object and for a person."""
    from grainline.making import write

    planned = _planned(opened, asked)
    click.echo(render.plan_text(planned), err=True)
    with bar("Writing") as progress:
        result = write(opened, planned, asked.budget, progress)
    return render.made_json(result), render.made_text(result)


def rehearse(library: str | None, llm: str | None, add: Callable[[Library], Any], asked: Wanted) -> tuple[dict[str, Any], str]:
    """What keys would cost at most after `add`, which is given a copy of the library that is thrown away. Of the model no more is known
    than what its spec says."""
    with _copied(library, llm) as opened:
        add(opened)
        _leave_out(opened, library)
        planned = _planned(opened, asked)
    said = f"{render.plan_text(planned)}\nnothing was added, and no model was asked"
    return {"dry_run": True, **render.plan_json(planned)}, said


def _planned(opened: Library, asked: Wanted) -> Plan:
    from grainline.making import plan

    with opened.snapshot() as state:
        return plan(state, asked.order)


@contextmanager
def _copied(library: str | None, llm: str | None) -> Iterator[Library]:
    folder = locate(library)
    with TemporaryDirectory(prefix="grainline-") as place:
        if (folder / FILE_NAME).exists():
            copy(folder, Path(place))
        with grainline.open(place, llm=llm) as opened:
            yield opened


def _leave_out(opened: Library, library: str | None) -> None:
    """Take the files of the library itself out of its copy, which does not know them for what they are."""
    folder = locate(library).resolve()
    with opened.snapshot() as state:
        near = [(document, source) for document, source, _ in state.sources().values() if folder.name in source]
        own = {source.partition("#")[0] for document, source in near if folder in state.location(document)[1].parents}
    if own:
        opened.remove(sorted(own))
