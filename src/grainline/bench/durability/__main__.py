"""Try to make a library lose something: kill, crash, flips, full, readers, or all of these.

Exit status 1 if anything was lost, torn, wrong or too slow.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from grainline.bench import report
from grainline.bench.durability.common import Result, default_corpus
from grainline.bench.durability.crash import run_crash, run_full
from grainline.bench.durability.flips import run_flips
from grainline.bench.durability.injected import is_available
from grainline.bench.durability.kill import run_kill
from grainline.bench.durability.readers import run_readers

NAMES = ("kill", "crash", "flips", "full", "readers")
ROUNDS = {"kill": 50, "flips": 1000}
#: failures that are printed one by one
TOLD = 20


@click.command(help=__doc__)
@click.argument("what", type=click.Choice([*NAMES, "all"]), default="all")
@click.option(
    "--rounds", type=click.IntRange(min=1), help="Kills (default 50) or flips (default 1000, with a fifth as many cuts)."
)
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Crash at one call in so many.")
@click.option("--seconds", default=60.0, show_default=True, help="How long the readers read beside a writer.")
@click.option(
    "--corpus", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Files to add; default: the shared corpora."
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the figures to a file.")
def main(what: str, rounds: int | None, every: int, seconds: float, corpus: Path | None, json_file: Path | None) -> None:
    """Run the measurements, print what they found."""
    corpus = (corpus or default_corpus()).resolve()
    measures: dict[str, Callable[[Path], Result]] = {
        "kill": lambda work: run_kill(
            corpus, work, rounds or ROUNDS["kill"], lambda done: click.echo(f"kill {done}", err=True)
        ),
        "crash": lambda work: run_crash(work, every),
        "flips": lambda work: run_flips(corpus, work, rounds or ROUNDS["flips"]),
        "full": lambda work: run_full(work, every),
        "readers": lambda work: run_readers(corpus, work, seconds),
    }
    results = []
    for name in NAMES if what == "all" else (what,):
        if name in ("crash", "full") and not is_available():
            click.echo(f"{name}: left out, since there is no strace that may follow a process here", err=True)
            continue
        with tempfile.TemporaryDirectory(prefix="grainline-durability-") as work:
            results.append(measures[name](Path(work).resolve()))
        click.echo(results[-1].told)
        for failure in results[-1].failures[:TOLD]:
            click.echo(f"  {failure}", err=True)
    if json_file:
        report.write(json_file, {result.name: result.figures for result in results}, sys.argv)
    if any(result.failures for result in results):
        sys.exit(1)


if __name__ == "__main__":
    main()
