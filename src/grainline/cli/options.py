"""What the commands share: options, printing, a progress bar."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from grainline.costs import parse_budget
from grainline.types import NO_LIMIT, Budget, Limits, Manner, Where

LIMITS = tuple(Limits.__dataclass_fields__)


def library_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which library."""
    return click.option(
        "--library", metavar="DIR", help="The library's folder (default: $GRAINLINE_LIBRARY, else .grainline)."
    )(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Print JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def embedder_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which encoder."""
    return click.option(
        "--embedder",
        metavar="SPEC",
        help="The encoder (see `grainline models`; default: $GRAINLINE_EMBEDDER, the library's, e5).",
    )(command)


def llm_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which language model."""
    return click.option(
        "--llm",
        metavar="SPEC",
        help="A language model: gguf:FILE, openai:MODEL, https://HOST/v1#MODEL (default: $GRAINLINE_LLM, else none is asked).",
    )(command)


def _budget(_context: click.Context, _option: click.Parameter, text: str | None) -> Budget:
    return NO_LIMIT if text is None else parse_budget(text)


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a question is asked with."""
    for option in (
        click.option(
            "--budget",
            metavar="NAME=N,...",
            callback=_budget,
            help="Spend at most so much: ms=500,embedded=50,calls=0,tokens=0, or some of these.",
        ),
        click.option(
            "--transform",
            default="",
            metavar="KIND",
            help="Ask what is derived from the question, too: rewrite, phrasings, hyde, step-back, decompose.",
        ),
        click.option(
            "--after", "history", multiple=True, metavar="QUESTION", help="A question that this one follows (may be repeated)."
        ),
        embedder_option,
        llm_option,
        click.option("--source", "sources", multiple=True, help="See only this source, folder or glob (may be repeated)."),
        click.option("--label", "labels", multiple=True, help="See only documents with this label (may be repeated)."),
        click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="How many results."),
        click.option(
            "--agent", default="auto", show_default=True, metavar="NAME", help="The agent to ask (see `grainline agents`)."
        ),
    ):
        command = option(command)
    return command


def adding_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What files are read with."""
    for name in reversed(LIMITS):
        default = getattr(Limits(), name)
        text = f"Refuse a file beyond this many {name.replace('_', ' ')}."
        command = click.option(
            f"--max-{name.replace('_', '-')}", default=default, show_default=True, type=click.IntRange(min=1), help=text
        )(command)
    return click.option("--hidden", is_flag=True, help="Read hidden files, too.")(command)


def asked(
    agent: str,
    k: int,
    labels: tuple[str, ...],
    sources: tuple[str, ...],
    budget: Budget,
    transform: str,
    history: tuple[str, ...],
    rounds: int = 0,
) -> tuple[int, str, Where, Budget, Manner]:
    """The arguments of `Library.ask` by the options."""
    return k, agent, Where(sources, labels), budget, Manner(transform, history, rounds)


def show(value: object, as_json: bool, text: str) -> None:
    """Print a result."""
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else text)


@contextmanager
def bar(label: str) -> Iterator[Callable[[int, int, str], None] | None]:
    """A progress bar on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    shown: Any = click.progressbar(length=1, label=label, file=sys.stderr, item_show_func=lambda item: str(item or ""))
    with shown as bar:

        def progress(done: int, total: int, item: str) -> None:
            bar.length = max(total, 1)
            bar.update(done - bar.pos, item[-40:])

        yield progress
