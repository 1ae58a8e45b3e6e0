"""What transforms of a question bring: quality and cost on labelled sets, with rules or a language model (see `ask/transform.py`).

python -m grainline.bench.transforms FOLDER... [--agent linked] [--transform all] [--every N] [--llm SPEC] [--memory FILE]
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from grainline.agents import registry
from grainline.ask.transform import KINDS, wrapped
from grainline.bench import report
from grainline.bench.datasets import Query, load
from grainline.bench.memory import Memory
from grainline.bench.metrics import evaluate, mean
from grainline.bench.runs import HITS, WARM_UP, built, ranking
from grainline.errors import UsageError
from grainline.library import Library
from grainline.models.llm import VARIABLE, chosen, shared
from grainline.types import LLM, NO_LIMIT, Agent, Budget, Evidence

#: the agent as it is, beside which transforms stand
NONE = "none"
COLUMNS = ("nDCG@10", "recall@5", "derived", "calls", "tokens", "embedded", "seconds", "gain per 1,000 tokens")


def run_transforms(
    folder: Path, agent: str, kinds: Sequence[str], every: int = 1, llm: str | LLM | None = None, budget: Budget = NO_LIMIT
) -> dict[str, Any]:
    """Index the corpus of a BEIR folder and ask an agent every so-manieth of its questions, as it is and with each transform around it.

    Returns `{"dataset", "agent", "llm", "questions", "transforms": {name: figures}}`: nDCG@10 and recall@5, and a question's share of
    derived ones, model calls, tokens, texts embedded and seconds. What is embedded for one transform is at hand for the next, so all
    questions are asked once before any is timed. Raises what `datasets.load`, making the model and the agents raise.
    """
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        raise UsageError(f"no transform {unknown[0]!r}; there are: {', '.join(KINDS)}")
    dataset = load(folder)
    queries = dataset.queries[::every]
    with built([dataset.corpus]) as made, made.library.snapshot() as state:
        plain = registry.make(agent, state)
        for query in queries if budget.embedded != 0 else queries[:WARM_UP]:
            plain.retrieve(query.text, HITS, budget=budget)
        figures = {NONE: _asked(made.library, plain, queries, dataset.qrels, budget)}
        remembered = llm if isinstance(llm, Memory) else None
        state.llm = chosen(llm)
        for kind in kinds:
            figures[kind] = _asked(made.library, wrapped(agent, kind, state), queries, dataset.qrels, budget, remembered)
    name = "" if llm is None else llm if isinstance(llm, str) else llm.identity
    return {"dataset": dataset.name, "agent": agent, "llm": name, "questions": len(queries), "transforms": figures}


def _asked(
    library: Library, agent: Agent, queries: Sequence[Query], qrels: Any, budget: Budget, memory: Memory | None = None
) -> dict[str, float]:
    """The figures of one agent; what a memory spared is charged."""
    rankings, found, seconds = {}, [], []
    for query in queries:
        before, start = memory.spared if memory else 0.0, perf_counter()
        evidence = agent.retrieve(query.text, HITS, budget=budget)
        seconds.append(perf_counter() - start + ((memory.spared - before) / 1000 if memory else 0.0))
        found.append(evidence)
        rankings[query.id] = ranking(library, evidence)
    measured = evaluate(rankings, qrels)
    return {
        "ndcg@10": round(measured["ndcg@10"], 4),
        "recall@5": round(measured["recall@5"], 4),
        "derived": round(mean([_derived(evidence) for evidence in found]), 3),
        "calls": round(mean([evidence.cost.calls for evidence in found]), 2),
        "tokens": round(mean([evidence.cost.tokens_in + evidence.cost.tokens_out for evidence in found]), 1),
        "embedded": round(mean([evidence.cost.embedded for evidence in found]), 1),
        "seconds": round(mean(seconds), 3),
    }


def _derived(evidence: Evidence) -> float:
    """1 if more than the question itself was asked, else 0."""
    return float(
        sum(step.action.startswith("asked: ") and not step.detail.startswith("left out") for step in evidence.trace) > 1
    )


def table(results: Sequence[dict[str, Any]]) -> str:
    """What `run_transforms` returned for several sets as a Markdown table."""
    rows = [["set", "agent", "transform", *COLUMNS]]
    for one in results:
        before = one["transforms"][NONE]["ndcg@10"]
        for name, figures in one["transforms"].items():
            tokens = figures["tokens"]
            gain = f"{(figures['ndcg@10'] - before) / tokens * 1000:+.3f}" if tokens else ""
            quality = [f"{figures[column]:.3f}" for column in ("ndcg@10", "recall@5")]
            cost = [
                f"{figures['derived']:.2f}",
                f"{figures['calls']:.1f}",
                f"{figures['tokens']:.0f}",
                f"{figures['embedded']:.1f}",
            ]
            rows.append([one["dataset"], one["agent"], name, *quality, *cost, f"{figures['seconds']:.2f}", gain])
    return report.markdown(rows)


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--agent", "agents", default="linked", show_default=True, help="Agents, with commas between.")
@click.option("--transform", default="all", show_default=True, help="Transforms, with commas between.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Ask only every so-manieth question.")
@click.option("--llm", metavar="SPEC", help="A language model (default: $GRAINLINE_LLM, else rules alone).")
@click.option(
    "--memory", type=click.Path(path_type=Path), help="Keep what the model says in this file, and go on from what is there."
)
@click.option("--words", is_flag=True, help="Embed nothing.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a set and agent, each on a line of its own.")
def main(**options: Any) -> None:
    """Print what `run_transforms` finds."""
    kinds = list(KINDS) if options["transform"] == "all" else options["transform"].split(",")
    budget = Budget(embedded=0) if options["words"] else NO_LIMIT
    results = []
    with report.explained():
        llm = options["llm"] or os.environ.get(VARIABLE) or None
        if llm and options["memory"]:
            llm = Memory(shared(llm), options["memory"])
        for folder in options["folders"]:
            for agent in options["agents"].split(","):
                results.append(run_transforms(folder, agent, kinds, options["every"], llm, budget))
                if options["as_json"]:
                    click.echo(json.dumps(results[-1], ensure_ascii=False))
        if options["out"]:
            report.write(options["out"], results, sys.argv)
    if not options["as_json"]:
        click.echo(table(results))


if __name__ == "__main__":
    main()
