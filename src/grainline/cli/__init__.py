"""The command line: one command a library verb. Results go to standard output, messages to standard error.

Exit status: 0 done, 1 an error that the message explains, 2 wrong usage.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

import grainline
from grainline import errors, render
from grainline.types import Budget, Limits, Where

LIMITS = tuple(Limits.__dataclass_fields__)


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


def _library(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--library", metavar="DIR", help="The library's folder (default: $GRAINLINE_LIBRARY, else .grainline)."
    )(command)


def _json(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def _embedder(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--embedder",
        metavar="SPEC",
        help="The encoder (see `grainline models`; default: $GRAINLINE_EMBEDDER, the library's, e5).",
    )(command)


def _asking(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--max-milliseconds", type=click.FloatRange(min=0), help="Start no further step after so much time."),
        click.option(
            "--max-embedded", type=click.IntRange(min=0), help="Embed at most so many texts, the question among them."
        ),
        _embedder,
        click.option("--source", "sources", multiple=True, help="See only this source, folder or glob (may be repeated)."),
        click.option("--label", "labels", multiple=True, help="See only documents with this label (may be repeated)."),
        click.option("-k", default=10, show_default=True, type=click.IntRange(min=1), help="How many results."),
        click.option(
            "--agent", default="auto", show_default=True, metavar="NAME", help="The agent to ask (see `grainline agents`)."
        ),
    ):
        command = option(command)
    return command


def _adding(command: Callable[..., Any]) -> Callable[..., Any]:
    for name in reversed(LIMITS):
        default = getattr(Limits(), name)
        text = f"Refuse a file beyond this many {name.replace('_', ' ')}."
        command = click.option(
            f"--max-{name.replace('_', '-')}", default=default, show_default=True, type=click.IntRange(min=1), help=text
        )(command)
    return click.option("--hidden", is_flag=True, help="Read hidden files, too.")(command)


def _asked(
    agent: str,
    k: int,
    labels: tuple[str, ...],
    sources: tuple[str, ...],
    max_embedded: int | None,
    max_milliseconds: float | None,
) -> tuple[int, str, Where, Budget]:
    return k, agent, Where(sources, labels), Budget(milliseconds=max_milliseconds, embedded=max_embedded)


def _show(value: object, as_json: bool, text: str) -> None:
    click.echo(json.dumps(value, ensure_ascii=False) if as_json else text)


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--label", "labels", multiple=True, help="Label the documents (may be repeated).")
@click.option("--embed", "embeds", is_flag=True, help="Then embed all that has not been (see `grainline embed`).")
@_embedder
@_adding
@_library
@_json
def add(
    paths: tuple[Path, ...],
    labels: tuple[str, ...],
    embeds: bool,
    embedder: str | None,
    hidden: bool,
    library: str | None,
    as_json: bool,
    **limits: int,
) -> None:
    """Read, shape and index what is new or changed under PATHS; drop what is gone."""
    with grainline.open(library, embedder=embedder) as opened:
        summary = _add(opened, paths, labels, hidden, limits)
        embedded = {"embedded": _embed(opened)} if embeds else {}
    said = "".join(f"\n{count} texts embedded" for count in embedded.values())
    _show({**render.summary_json(summary), **embedded}, as_json, render.summary_text(summary) + said)


def _add(opened: Any, paths: tuple[Path, ...], labels: tuple[str, ...], hidden: bool, limits: dict[str, int]) -> Any:
    from grainline.ingest import Options

    bounds = Limits(**{name.removeprefix("max_"): value for name, value in limits.items()})
    options = Options(bounds, labels, hidden)
    with _bar("Adding") as progress:
        return opened.add(paths, options, progress)


def _embed(opened: Any) -> int:
    with _bar("Embedding") as progress:
        return int(opened.embed(progress))


@main.command()
@_embedder
@_library
@_json
def embed(embedder: str | None, library: str | None, as_json: bool) -> None:
    """Embed all that has not been, so that questions need not; what is done stays done when this is interrupted."""
    with grainline.open(library, create=False, embedder=embedder) as opened:
        count = _embed(opened)
    _show({"embedded": count}, as_json, f"{count} texts embedded")


@main.command()
@click.argument("words", nargs=-1, required=True, metavar="[PATH] QUESTION")
@_asking
@_library
@_json
def ask(
    words: tuple[str, ...],
    library: str | None,
    as_json: bool,
    **asking: Any,
) -> None:
    """Answer QUESTION from the library, with citations; with PATH, add it first."""
    if len(words) > 2:
        raise errors.UsageError(f"{len(words)} arguments; put the question in quotes")
    embedder = asking.pop("embedder")
    with grainline.open(library, create=len(words) == 2, embedder=embedder) as opened:
        if len(words) == 2:
            summary = _add(opened, (Path(words[0]),), (), False, {})
            click.echo(render.summary_text(summary), err=True)
        answer = opened.ask(words[-1], *_asked(**asking))
    _show(render.answer_json(answer), as_json, render.answer_text(answer))


@main.command()
@click.argument("query")
@_asking
@_library
@_json
def search(query: str, library: str | None, as_json: bool, embedder: str | None, **asking: Any) -> None:
    """Show the hits of one agent for QUERY, best first."""
    with grainline.open(library, create=False, embedder=embedder) as opened:
        evidence = opened.search(query, *_asked(**asking))
        with opened.snapshot() as snapshot:
            _show(
                render.search_json(evidence, snapshot, opened.named(asking["agent"])),
                as_json,
                render.search_text(evidence, snapshot),
            )


@main.command()
@_json
def agents(as_json: bool) -> None:
    """List the agents: each is a whole retrieval system."""
    from grainline.agents.registry import describe

    found = describe()
    _show(found, as_json, "\n".join(f"{name:10} {what}" for name, what in found.items()))


@main.command()
@_json
def models(as_json: bool) -> None:
    """List the kinds of encoders, and what each one needs."""
    from grainline.models.registry import available

    found = available()
    _show(found, as_json, "\n".join(f"{spec:24} {what}" for spec, what in found.items()))


@main.command()
@click.option("--sources", is_flag=True, help="List every source.")
@_library
@_json
def status(sources: bool, library: str | None, as_json: bool) -> None:
    """Say what the library holds and what it weighs."""
    with grainline.open(library, create=False) as opened:
        found = opened.status(sources=sources)
    _show(found, as_json, render.status_text(found))


@main.command()
@click.argument("sources", nargs=-1, required=True)
@_library
@_json
def remove(sources: tuple[str, ...], library: str | None, as_json: bool) -> None:
    """Remove files, folders or documents by their SOURCES, with all that came of them."""
    with grainline.open(library, create=False) as opened:
        count = opened.remove(sources)
    _show({"removed": count}, as_json, f"{count} document{'s' * (count != 1)} removed")


@main.command()
@_library
@_json
def doctor(library: str | None, as_json: bool) -> None:
    """Check every byte that matters, mend what can be mended, and say what was done."""
    from grainline.doctor import examine
    from grainline.library import locate

    report = examine(locate(library))
    _show(render.report_json(report), as_json, render.report_text(report))
    if not report.sound:
        raise SystemExit(1)


@main.group()
def bench() -> None:
    """Measure quality and cost on labelled sets."""


@bench.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--agent", "agents", default="fulltext,outline", show_default=True, help="Agents, with commas between.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many questions.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@_json
def retrieval(folders: tuple[Path, ...], agents: str, limit: int | None, out: Path | None, as_json: bool) -> None:
    """Index each BEIR FOLDER (corpus.jsonl, queries.jsonl, qrels.tsv) afresh and ask agents its questions.

    With --json, prints one object a folder, each on a line of its own.
    """
    from grainline.bench import report, runs

    results = []
    for folder in folders:
        with _bar(f"{folder.name}") as progress:
            results.append(runs.run_retrieval(folder, agents.split(","), limit, progress=progress))
        if as_json:
            click.echo(json.dumps(results[-1], ensure_ascii=False))
    if out:
        report.write(out, results, sys.argv)
    if not as_json:
        click.echo(report.table(results))


@bench.command()
@click.argument("vectors", required=False, type=click.Path(path_type=Path))
@_embedder
@_library
@click.option("--families", help="Index families, with commas between (default: all that are installed).")
@click.option(
    "--queries", type=click.Path(path_type=Path), help="An .npy file of queries (default: some of the vectors, held out)."
)
@click.option("--picture", type=click.Path(path_type=Path), help="Write recall against latency to this SVG file.")
@_json
def index(
    vectors: Path | None,
    embedder: str | None,
    library: str | None,
    families: str | None,
    queries: Path | None,
    picture: Path | None,
    as_json: bool,
) -> None:
    """Build every index family over VECTORS (an .npy file), or over those that the library keeps: time, recall, disk and memory, and a
    choice with its reason."""
    from grainline.bench import index as indexes
    from grainline.library import locate

    with _bar("Building") as progress:
        result = indexes.run_index(
            vectors or indexes.kept_vectors(locate(library), embedder),
            families.split(",") if families else None,
            queries or indexes.QUERIES,
            progress=(lambda family: progress(0, 1, family)) if progress else None,
        )
    if picture:
        picture.write_text(indexes.picture(result), encoding="utf-8")
    _show(result, as_json, f"{indexes.table(result)}\n\n{indexes.conclusion(result)}")


@bench.command("models")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--models", required=True, metavar="SPEC,...", help="Encoders, with commas between (see `grainline models`).")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many questions.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@_json
def models_(folder: Path, models: str, limit: int | None, out: Path | None, as_json: bool) -> None:
    """Compare encoders on a BEIR FOLDER of your own: quality, speed, size, what smaller vectors lose, and a choice with its reason."""
    from grainline.bench import models as encoders
    from grainline.bench import report

    with _bar(folder.name) as progress:
        result = encoders.run_models(folder, models.split(","), limit, progress)
    if out:
        report.write(out, result, sys.argv)
    _show(result, as_json, f"{encoders.table(result)}\n\n{encoders.conclusion(result)}")


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int, str], None] | None]:
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


def run() -> None:
    """Entry of the console script: as `main`, quiet when the reader of our output goes away."""
    try:
        main()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
