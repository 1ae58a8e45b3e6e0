"""The command line: one command a library verb. Results go to standard output, messages to standard error.

Exit status: 0 done, 1 an error that the message explains, 2 wrong usage.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

import grainline
import grainline.cli.making as making
from grainline import errors, render
from grainline.cli.bench import bench
from grainline.cli.options import (
    adding_options,
    asked,
    asking_options,
    bar,
    embedder_option,
    json_option,
    library_option,
    llm_option,
    show,
)
from grainline.cli.waiting import Heard, busy
from grainline.types import Limits


class Commands(click.Group):
    """Turns our errors into a message and an exit status; a traceback is a defect."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except errors.UsageError as error:
            raise click.UsageError(str(error), ctx) from None
        except errors.GrainlineError as error:
            raise click.ClickException(str(error)) from None
        except RecursionError:
            raise click.ClickException("the input is nested too deeply") from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(grainline.__version__, prog_name="grainline")
def main() -> None:
    """Ask your own documents, code, tables and cases; answers come with evidence that holds and with their price."""


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--label", "labels", multiple=True, help="Label the documents (may be repeated).")
@click.option("--embed", "embeds", is_flag=True, help="Then embed all that has not been (see `grainline embed`).")
@making.making_options
@embedder_option
@adding_options
@library_option
@json_option
def add(
    paths: tuple[Path, ...],
    labels: tuple[str, ...],
    embeds: bool,
    embedder: str | None,
    library: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Read, shape and index what is new or changed under PATHS; drop what is gone."""
    asked, llm, hidden = making.wanted(options), options.pop("llm"), options.pop("hidden")
    if asked and asked.dry:
        shown, text = making.rehearse(library, llm, lambda opened: _add(opened, paths, labels, hidden, options), asked)
        show(shown, as_json, text)
        return
    with grainline.open(library, embedder=embedder, llm=llm) as opened:
        if asked:
            making.require_model(opened)
        summary = _add(opened, paths, labels, hidden, options)
        shown, text = render.summary_json(summary), render.summary_text(summary)
        if asked:
            made, said = making.make(opened, asked)
            shown, text = {**shown, **made}, f"{text}\n{said}"
        if embeds:
            count = _embed(opened)
            shown, text = {**shown, "embedded": count}, f"{text}\n{count} texts embedded"
    show(shown, as_json, text)


def _add(opened: Any, paths: tuple[Path, ...], labels: tuple[str, ...], hidden: bool, limits: dict[str, int]) -> Any:
    from grainline.ingest import Options

    bounds = Limits(**{name.removeprefix("max_"): value for name, value in limits.items()})
    options = Options(bounds, labels, hidden)
    with bar("Adding") as progress:
        return opened.add(paths, options, progress)


def _embed(opened: Any) -> int:
    with bar("Embedding") as progress:
        return int(opened.embed(progress))


@main.command()
@embedder_option
@library_option
@json_option
def embed(embedder: str | None, library: str | None, as_json: bool) -> None:
    """Embed all that has not been, so that questions need not; what is done stays done when this is interrupted."""
    with grainline.open(library, create=False, embedder=embedder) as opened:
        count = _embed(opened)
    show({"embedded": count}, as_json, f"{count} texts embedded")


@main.command()
@click.argument("words", nargs=-1, required=True, metavar="[PATH] QUESTION")
@click.option("--explain", is_flag=True, help="Then show whom the router thought of and why, and each step with its cost.")
@click.option(
    "--reflect",
    "rounds",
    default=0,
    metavar="N",
    type=click.IntRange(min=0),
    help="Look back on the answer; ask again for what is weak, up to N times.",
)
@asking_options
@library_option
@json_option
def ask(
    words: tuple[str, ...],
    explain: bool,
    library: str | None,
    as_json: bool,
    **asking: Any,
) -> None:
    """Answer QUESTION from the library, with citations; with PATH, add it first."""
    if len(words) > 2:
        raise errors.UsageError(f"{len(words)} arguments; put the question in quotes")
    embedder, llm = asking.pop("embedder"), asking.pop("llm")
    with grainline.open(library, create=len(words) == 2, embedder=embedder, llm=llm) as opened:
        if len(words) == 2:
            summary = _add(opened, (Path(words[0]),), (), False, {})
            click.echo(render.summary_text(summary), err=True)
        with busy("answering") as line:
            heard = Heard(line) if not as_json and sys.stdout.isatty() else None
            answer = opened.ask(words[-1], *asked(**asking), heard=heard)
    shown, text = render.answer_json(answer), render.answer_text(answer, said=bool(heard and heard.text == answer.text))
    if explain:
        shown, text = {**shown, **render.explain_json(answer)}, f"{text}\n\n{render.explain_text(answer)}"
    show(shown, as_json, text)


@main.command()
@click.argument("question")
@click.argument("mark", type=click.Choice(["good", "bad", "none"]))
@click.option("--agent", default="auto", show_default=True, metavar="NAME", help="The agent whose answer is marked.")
@embedder_option
@llm_option
@library_option
@json_option
def feedback(
    question: str, mark: str, agent: str, embedder: str | None, llm: str | None, library: str | None, as_json: bool
) -> None:
    """Mark the answer to QUESTION as good or bad, which moves the router a little; none takes the mark back."""
    with grainline.open(library, create=False, embedder=embedder, llm=llm) as opened:
        answer = opened.feedback(question, {"good": True, "bad": False, "none": None}[mark], agent)
        marks = opened.marks()
    said = f"{mark}: {answer.text.splitlines()[0]}\n{len(marks)} mark{'s' * (len(marks) != 1)} in this library"
    show({"question": question, "mark": mark, "agent": answer.agent, "answer": answer.text, "marks": marks}, as_json, said)


@main.command()
@click.argument("query")
@asking_options
@library_option
@json_option
def search(query: str, library: str | None, as_json: bool, embedder: str | None, llm: str | None, **asking: Any) -> None:
    """Show the hits of one agent for QUERY, best first."""
    with grainline.open(library, create=False, embedder=embedder, llm=llm) as opened:
        evidence = opened.search(query, *asked(**asking))
        with opened.snapshot() as snapshot:
            show(
                render.search_json(evidence, snapshot),
                as_json,
                render.search_text(evidence, snapshot),
            )


@main.command()
@json_option
def agents(as_json: bool) -> None:
    """List the agents: each is a whole retrieval system."""
    from grainline.agents.registry import describe

    found = describe()
    show(found, as_json, "\n".join(f"{name:10} {what}" for name, what in found.items()))


@main.command()
@json_option
def models(as_json: bool) -> None:
    """List the kinds of encoders and of language models, and what each one needs."""
    from grainline.models import llm, registry

    found = {"embedders": registry.available(), "llms": llm.available()}
    titles = {"embedders": "Encoders (--embedder)", "llms": "Language models (--llm)"}
    text = [
        f"{titles[kind]}\n" + "\n".join(f"{spec:24} {what}" for spec, what in kinds.items()) for kind, kinds in found.items()
    ]
    show(found, as_json, "\n\n".join(text))


@main.command()
@click.option("--sources", is_flag=True, help="List every source.")
@click.option(
    "--costs", is_flag=True, help="Sum up by agent what questions have spent so far; in money, too, by $GRAINLINE_PRICES."
)
@library_option
@json_option
def status(sources: bool, costs: bool, library: str | None, as_json: bool) -> None:
    """Say what the library holds and what it weighs."""
    with grainline.open(library, create=False) as opened:
        found = opened.status(sources=sources, costs=costs)
    show(found, as_json, render.status_text(found))


@main.command()
@click.argument("sources", nargs=-1, required=True)
@library_option
@json_option
def remove(sources: tuple[str, ...], library: str | None, as_json: bool) -> None:
    """Remove files, folders or documents by their SOURCES, with all that came of them."""
    with grainline.open(library, create=False) as opened:
        count = opened.remove(sources)
    show({"removed": count}, as_json, f"{count} document{'s' * (count != 1)} removed")


@main.command()
@library_option
@json_option
def doctor(library: str | None, as_json: bool) -> None:
    """Check every byte that matters, mend what can be mended, and say what was done."""
    from grainline.doctor import examine
    from grainline.library import locate

    report = examine(locate(library))
    show(render.report_json(report), as_json, render.report_text(report))
    if not report.sound:
        raise SystemExit(1)


main.add_command(bench)


def run() -> None:
    """Entry of the console script: as `main`, quiet when the reader of our output goes away."""
    try:
        main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
