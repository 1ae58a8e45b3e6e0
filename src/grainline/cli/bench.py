"""`grainline bench`: quality and cost on labelled sets, and of what answers are made of."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from grainline.cli.options import bar, embedder_option, json_option, library_option, llm_option, show
from grainline.models.llm import VARIABLE, shared
from grainline.types import NO_LIMIT, Manner

#: how many times a run tells how far it is, where there is no terminal
TENTHS = 10


@click.group()
def bench() -> None:
    """Measure quality and cost on labelled sets."""


@bench.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--agent", "agents", default="fulltext,outline", show_default=True, help="Agents, with commas between.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many questions.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@json_option
def retrieval(folders: tuple[Path, ...], agents: str, limit: int | None, out: Path | None, as_json: bool) -> None:
    """Index each BEIR FOLDER (corpus.jsonl, queries.jsonl, qrels.tsv) afresh and ask agents its questions.

    With --json, prints one object a folder, each on a line of its own.
    """
    from grainline.bench import report, runs

    results = []
    for folder in folders:
        with bar(f"{folder.name}") as progress:
            results.append(runs.run_retrieval(folder, agents.split(","), limit, progress=progress))
        if as_json:
            click.echo(json.dumps(results[-1], ensure_ascii=False))
    if out:
        report.write(out, results, sys.argv)
    if not as_json:
        click.echo(report.table(results))


@bench.command()
@click.argument("vectors", required=False, type=click.Path(path_type=Path))
@embedder_option
@library_option
@click.option("--families", help="Index families, with commas between (default: all that are installed).")
@click.option(
    "--queries", type=click.Path(path_type=Path), help="An .npy file of queries (default: some of the vectors, held out)."
)
@click.option("--picture", type=click.Path(path_type=Path), help="Write recall against latency to this SVG file.")
@json_option
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

    with bar("Building") as progress:
        result = indexes.run_index(
            vectors or indexes.kept_vectors(locate(library), embedder),
            families.split(",") if families else None,
            queries or indexes.QUERIES,
            progress=(lambda family: progress(0, 1, family)) if progress else None,
        )
    if picture:
        picture.write_text(indexes.picture(result), encoding="utf-8")
    show(result, as_json, f"{indexes.table(result)}\n\n{indexes.conclusion(result)}")


@bench.command("models")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--models", required=True, metavar="SPEC,...", help="Encoders, with commas between (see `grainline models`).")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many questions.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@json_option
def models_(folder: Path, models: str, limit: int | None, out: Path | None, as_json: bool) -> None:
    """Compare encoders on a BEIR FOLDER of your own: quality, speed, size, what smaller vectors lose, and a choice with its reason."""
    from grainline.bench import models as encoders
    from grainline.bench import report

    with bar(folder.name) as progress:
        result = encoders.run_models(folder, models.split(","), limit, progress)
    if out:
        report.write(out, result, sys.argv)
    show(result, as_json, f"{encoders.table(result)}\n\n{encoders.conclusion(result)}")


@bench.command("routes")
@click.argument("shared", metavar="SHARED_FOLDER", type=click.Path(path_type=Path))
@click.option("--split", default="held", show_default=True, metavar="fit|held|all", help="Which questions to ask.")
@click.option("--agents", default="", metavar="NAME,...", help="Agents, with commas between (default: all that are installed).")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@json_option
def routes_(shared: Path, split: str, agents: str, out: Path | None, as_json: bool) -> None:
    """Ask the router, every agent, all of them at once and the best of each question the bundled routing set, over libraries made of
    SHARED_FOLDER (corpora and data): right agent first, quality, what is declined, cost."""
    from grainline.bench import report, routes

    with bar("Asking") as progress:
        result = routes.run_routes(shared, split, agents.split(",") if agents else (), progress=progress)
    if out:
        report.write(out, {name: value for name, value in result.items() if name != "outcomes"}, sys.argv)
    show(result, as_json, routes.table(result))


@bench.command("sql")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Ask only every so-many-th question.")
@llm_option
@json_option
def sql_(folder: Path, every: int, llm: str | None, as_json: bool) -> None:
    """Ask questions to databases, in the layout of Spider: queries.jsonl with the SQL of each, and database/NAME.sqlite."""
    from grainline.bench import sql

    result = sql.run_sql(folder, every=every, llm=llm)
    show(result, as_json, sql.table(result))


@bench.command("answers")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--declining",
    metavar="SHARED_FOLDER",
    type=click.Path(path_type=Path),
    help="Instead of FOLDERs: the bundled set of questions that a library does not answer, over libraries made of this folder.",
)
@click.option(
    "--across",
    metavar="SHARED_FOLDER",
    type=click.Path(path_type=Path),
    help="Likewise: the bundled set of questions in one language whose answers stand in the other.",
)
@click.option("--agent", "agents", default="auto", show_default=True, metavar="NAME,...", help="Agents, with commas between.")
@click.option("--split", type=click.Choice(["fit", "held"]), help="Of a bundled set: ask only this part of the set.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Ask only every so-many-th question.")
@click.option("--offset", default=0, show_default=True, type=click.IntRange(min=0), help="Pass over so many questions before.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many of these questions.")
@click.option("--budget", default="", metavar="NAME=N,...", help="The budget of a question (see `grainline ask --help`).")
@click.option("--transform", "kinds", default="", metavar="KIND,...", help="Ask each agent with these transforms, too.")
@click.option("--reflect", default=0, type=click.IntRange(min=0), help="Also look back on answers so many rounds.")
@llm_option
@click.option(
    "--memory", type=click.Path(path_type=Path), help="Keep what the model says in this file, and go on from what is there."
)
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@json_option
def answers_(
    folders: tuple[Path, ...],
    declining: Path | None,
    across: Path | None,
    split: str | None,
    budget: str,
    out: Path | None,
    as_json: bool,
    **asking: Any,
) -> None:
    """Compare answers with the gold answers of BEIR FOLDERs: answer F1 (of CMRC 2018 for Chinese, of SQuAD for English), citations, cost,
    each agent without a language model and, where one is named, with it.

    With --json, prints one object a folder, each on a line of its own.
    """
    from grainline.bench import answers, report
    from grainline.bench import declining as unanswerable
    from grainline.bench.asking import systems
    from grainline.bench.memory import Memory
    from grainline.bench.routing.questions import load
    from grainline.costs import parse_budget

    if [bool(folders), bool(declining), bool(across)].count(True) != 1:
        raise click.UsageError("name folders with gold answers, or --declining SHARED_FOLDER, or --across SHARED_FOLDER")
    model, most = asking["llm"] or os.environ.get(VARIABLE) or None, parse_budget(budget) if budget else NO_LIMIT
    if model and asking["memory"]:
        model = Memory(shared(model), asking["memory"])
    manners = [Manner(kind) for kind in filter(None, asking["kinds"].split(","))]
    manners += [Manner(rounds=asking["reflect"])] if asking["reflect"] else []
    who, every, limit = systems(asking["agents"].split(","), model, manners), asking["every"], asking["limit"]
    offset = asking["offset"]
    results: list[dict[str, Any]] = []
    for folder in folders:
        with _progress(folder.name) as progress:
            run = answers.run_answers(folder, who, every, limit, most, progress=progress, offset=offset)
            results.append(run)
        if as_json:
            click.echo(json.dumps(results[-1], ensure_ascii=False))
    if bundled := declining or across:
        with _progress("Asking") as progress:
            kept = load(unanswerable.SET if declining else unanswerable.ACROSS, split or "all")
            asked = kept[offset::every][:limit]
            results.append(unanswerable.run_declining(bundled, who, most, questions=asked, progress=progress))
        show(results[-1], as_json, unanswerable.table(results[-1]))
    elif not as_json:
        click.echo(answers.table(results))
    if out:
        report.write(out, results, sys.argv)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar on a terminal; elsewhere a line for every tenth that is done, for a model may take hours."""
    with bar(label) as drawn:

        def told(done: int, total: int, item: str) -> None:
            """One line, where a tenth ends."""
            if done * TENTHS // total > (done - 1) * TENTHS // total:
                click.echo(f"{label}: {done} of {total} ({item})", err=True)

        yield drawn or told
