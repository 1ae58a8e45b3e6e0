"""What keys that a language model writes bring to retrieval: a part of a labelled set, as it is and after the model has described it.

python -m grainline.bench.keys FOLDER --agent code --keys code [--documents 100] [--every N] --llm SPEC [--memory FILE]

The part is made of documents that are gold for questions, the questions taken in turn, and the questions that these documents answer; the
model describes all of them alike. So the library is small, and what is measured is the difference, not the height.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import click

import grainline
from grainline.bench import report
from grainline.bench.datasets import Dataset, load, part_of
from grainline.bench.memory import Memory
from grainline.bench.metrics import evaluate, gold_of, mean
from grainline.bench.runs import HITS, ranking
from grainline.errors import UsageError
from grainline.library import Library
from grainline.making import Order, Progress
from grainline.match.made import KINDS
from grainline.models.llm import shared
from grainline.types import LLM, Embedder

#: kinds of keys by their first word: summary, code, table, picture, question
WORDS = {kind.split()[0]: kind for kind in KINDS}
BEFORE, AFTER = "none", "made"


def run_keys(
    folder: Path,
    agents: Sequence[str],
    kinds: Sequence[str],
    llm: LLM,
    size: tuple[int, int] = (100, 1),
    embedder: str | Embedder = "e5",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ask agents the questions of a part of a BEIR folder before and after `llm` made keys of some kinds (see `WORDS`).

    `size` is how many documents the part has at most, and of how many questions one is taken. Returns `{"dataset", "llm", "documents",
    "questions", "keys": {kind: number}, "skipped", "cost": {"calls", "tokens", "seconds"} for all, "agents": {name: {"none" and "made":
    figures}}}`. Raises `UsageError` for an unknown kind, and what `datasets.load` and the agents raise.
    """
    if unknown := [kind for kind in kinds if kind not in WORDS]:
        raise UsageError(f"no kind of keys {unknown[0]!r}; there are: {', '.join(WORDS)}")
    whole = load(folder)
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
        dataset = _part(whole, size, Path(name))
        with grainline.open(Path(name) / "library", embedder=embedder, llm=llm) as library:
            library.add([dataset.corpus])
            before = {agent: _asked(library, agent, dataset) for agent in agents}
            start = perf_counter()
            result = library.make(Order(tuple(WORDS[kind] for kind in kinds)), progress=progress)
            seconds = perf_counter() - start + (llm.spared / 1000 if isinstance(llm, Memory) else 0.0)
            after = {agent: _asked(library, agent, dataset) for agent in agents}
    return {
        "dataset": whole.name,
        "llm": llm.identity,
        "documents": len(dataset.documents),
        "questions": len(dataset.queries),
        "keys": {word: result.made[kind] for word, kind in WORDS.items() if kind in result.made},
        "skipped": len(result.skipped),
        "cost": {
            "calls": result.cost.calls,
            "tokens": result.cost.tokens_in + result.cost.tokens_out,
            "seconds": round(seconds, 1),
        },
        "agents": {agent: {BEFORE: before[agent], AFTER: after[agent]} for agent in agents},
    }


def _part(whole: Dataset, size: tuple[int, int], folder: Path) -> Dataset:
    """The documents that answer the first questions, and the questions that these answer alone."""
    most, every = size
    chosen: dict[str, None] = {}
    for query in whole.queries[::every]:
        gold = sorted(gold_of(whole.qrels[query.id]) & whole.documents)
        if len(chosen.keys() | set(gold)) > most:
            break
        chosen.update(dict.fromkeys(gold))
    queries = tuple(query for query in whole.queries if gold_of(whole.qrels[query.id]) <= chosen.keys())
    if not queries:
        raise UsageError(f"{whole.name}: no question is answered by {most} documents or fewer")
    corpus = part_of(whole, frozenset(chosen), folder)
    return replace(whole, corpus=corpus, documents=frozenset(chosen), queries=queries)


def _asked(library: Library, agent: str, dataset: Dataset) -> dict[str, float]:
    """The figures of an agent."""
    rankings, costs = {}, []
    for query in dataset.queries:
        evidence = library.search(query.text, HITS, agent)
        costs.append(evidence.cost)
        rankings[query.id] = ranking(library, evidence)
    measured = evaluate(rankings, dataset.qrels)
    return {
        **{name: round(measured[name], 4) for name in ("ndcg@10", "mrr@10", "recall@5")},
        "embedded": round(mean([cost.embedded for cost in costs]), 1),
    }


def table(results: Sequence[dict[str, Any]]) -> str:
    """What `run_keys` returned for several sets as a Markdown table."""
    rows = [
        [
            "set",
            "documents",
            "questions",
            "keys by a model",
            "agent",
            "nDCG@10",
            "MRR@10",
            "recall@5",
            "calls",
            "tokens",
            "s a call",
        ]
    ]
    for one in results:
        cost = one["cost"]
        made = ", ".join(f"{kind} {count}" for kind, count in one["keys"].items())
        price = [str(cost["calls"]), str(cost["tokens"]), f"{cost['seconds'] / max(1, cost['calls']):.1f}"]
        for agent, figures in one["agents"].items():
            for state, said, spent in ((BEFORE, BEFORE, ["", "", ""]), (AFTER, made, price)):
                quality = [f"{figures[state][name]:.3f}" for name in ("ndcg@10", "mrr@10", "recall@5")]
                rows.append([one["dataset"], str(one["documents"]), str(one["questions"]), said, agent, *quality, *spent])
    return report.markdown(rows)


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--agent", "agents", default="auto", show_default=True, help="Agents, with commas between.")
@click.option(
    "--keys", "kinds", default="summary,code,table,question", show_default=True, help="Kinds of keys, with commas between."
)
@click.option("--documents", default=100, show_default=True, type=click.IntRange(min=1), help="At most so many documents.")
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Of every so-manieth question.")
@click.option("--llm", required=True, metavar="SPEC", help="The language model.")
@click.option(
    "--memory", type=click.Path(path_type=Path), help="Keep what the model says in this file, and go on from what is there."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a set, each on a line of its own.")
def main(
    folders: tuple[Path, ...], agents: str, kinds: str, documents: int, every: int, llm: str, memory: Path | None, as_json: bool
) -> None:
    """Print what `run_keys` finds."""
    results = []
    with report.explained():
        model = Memory(shared(llm), memory) if memory else shared(llm)
        for folder in folders:
            results.append(run_keys(folder, agents.split(","), kinds.split(","), model, (documents, every)))
            if as_json:
                click.echo(json.dumps(results[-1], ensure_ascii=False))
    if not as_json:
        click.echo(table(results))


if __name__ == "__main__":
    main()
