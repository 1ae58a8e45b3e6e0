"""What embedding at question time costs and loses, against embedding everything first, with the same encoder in the same run.

    python -m grainline.bench.lazy FOLDER... [--embedder e5] [--limit N] [--out FILE] [--json]

Each set is asked twice by the agent `hybrid`: in a fresh library, which embeds what a question touches and keeps it, and in one that
was embedded as a whole. Beside them stand BM25 and cosines alone over everything, and two ways to fuse them that are often seen: by
rank, and the cosine + .2 of BM25 as a share of its best. The encoder is loaded anew for each library; modules are imported before. What
a run cannot know: whether anything else kept the machine busy.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import click

import grainline
from grainline.bench import report
from grainline.bench.datasets import Dataset, load
from grainline.bench.metrics import evaluate, percentile
from grainline.bench.runs import HITS, ranking
from grainline.library import Library
from grainline.models.registry import make, shared
from grainline.types import EVERYWHERE, Embedder

DEPTH = 60  #: passages of a baseline's ranking: several may be of one document
RRF = 60
SHARE = 0.2  #: of BM25 in the second baseline
BASELINES = ("bm25", "dense", "rrf", "cosine + .2")
COLUMNS = (*BASELINES, "all embedded", "lazy")
COSTS = (
    "set", "passages", "first answer lazily, s", "embedding all first, s", "times", "embedded at most", "asked again: embedded", "ms",
    "bytes a passage lazily", "all embedded",
)  # fmt: skip


def run_lazy(folder: Path, embedder: str | Embedder = "e5", limit: int | None = None) -> dict[str, Any]:
    """Ask the questions of a BEIR folder, or the first `limit`, lazily and with everything embedded.

    Returns `{"dataset", "questions", "ndcg@10": {column: value}, "embedded_most", "embedded_mean", "first_answer_seconds": {"lazy", "all",
    "ratio"}, "second_question": {"embedded", "ms_p50"}, "passages", "bytes_per_passage": {"lazy", "all"}}`; the times count from an
    empty folder and include loading the encoder. Raises what `datasets.load`, `registry.make` and `Library` raise.
    """
    dataset = load(folder)
    queries = dataset.queries[:limit]
    _warm_up(embedder)
    figures: dict[str, float] = {}

    def judge(column: str, ask: Callable[[str], list[str]]) -> None:
        """Ask all questions in one way and note what it reaches."""
        rankings = {query.id: ask(query.text) for query in queries}
        figures[column] = round(evaluate(rankings, dataset.qrels)["ndcg@10"], 4)

    with _fresh(dataset, embedder, queries[0].text, everything=False) as (lazy, lazy_seconds, first):
        again = [_timed(lazy, queries[0].text) for _ in range(5)]
        counts = [first]

        def ask(question: str) -> list[str]:
            """The lazy side's ranking, its embedding counted."""
            evidence = lazy.search(question, k=HITS, agent="hybrid")
            counts.append(evidence.cost.embedded)
            return ranking(lazy, evidence)

        judge("lazy", ask)
        lazy_bytes = lazy.status()["bytes_per_passage"]
    with _fresh(dataset, embedder, queries[0].text, everything=True) as (whole, all_seconds, _):
        judge("all embedded", lambda question: ranking(whole, whole.search(question, k=HITS, agent="hybrid")))
        baselines = _Baselines(whole)
        for name in BASELINES:
            judge(name, lambda question, name=name: baselines.ranking(question, name))  # type: ignore[misc]
        held = whole.status()
    return {
        "dataset": dataset.name,
        "questions": len(queries),
        "ndcg@10": {name: figures[name] for name in COLUMNS},
        "embedded_most": max(counts),
        "embedded_mean": round(sum(counts) / len(counts), 1),
        "first_answer_seconds": {
            "lazy": round(lazy_seconds, 2),
            "all": round(all_seconds, 2),
            "ratio": round(all_seconds / lazy_seconds, 1),
        },
        "second_question": {
            "embedded": max(count for _, count in again),
            "ms_p50": round(percentile([milliseconds for milliseconds, _ in again], 0.5), 1),
        },
        "passages": held["passages"],
        "bytes_per_passage": {"lazy": lazy_bytes, "all": held["bytes_per_passage"]},
    }


def _warm_up(embedder: str | Embedder) -> None:
    """Import what both sides need, so that it does not fall on the one that comes first."""
    if isinstance(embedder, str):
        make(embedder)
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
        file = Path(name) / "corpus.jsonl"
        file.write_text('{"_id": "a", "text": "an owl"}\n', encoding="utf-8")
        with grainline.open(Path(name) / "library") as library:
            library.add([file])
            library.search("owl", agent="fulltext")


@contextmanager
def _fresh(
    dataset: Dataset, embedder: str | Embedder, question: str, *, everything: bool
) -> Iterator[tuple[Library, float, int]]:
    """A library of the corpus, the seconds from nothing to its first answer, and how many texts this one embedded."""
    shared.cache_clear()
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
        start = perf_counter()
        with grainline.open(Path(name) / "library", embedder=embedder) as library:
            library.add([dataset.corpus])
            if everything:
                library.embed()
            evidence = library.search(question, k=HITS, agent="hybrid")
            yield library, perf_counter() - start, evidence.cost.embedded


def _timed(library: Library, question: str) -> tuple[float, int]:
    """Milliseconds of a question, and how many texts it embedded."""
    start = perf_counter()
    evidence = library.search(question, k=HITS, agent="hybrid")
    return (perf_counter() - start) * 1000, evidence.cost.embedded


class _Baselines:
    """Rankings over all passages of a library that was embedded as a whole."""

    def __init__(self, library: Library) -> None:
        from grainline.match.dense import rows_of
        from grainline.match.lexical import Lexical
        from grainline.match.vector import decode

        self._library = library
        with library.snapshot() as state:
            self._embedder = state.embedder()
            self._owners, codes = rows_of(state, self._embedder)
            self._rows = decode(codes)
            self._size = Lexical(state).index.size

    def ranking(self, question: str, way: str) -> list[str]:
        """The documents of the best passages, in the order of one of `BASELINES`."""
        import numpy as np

        from grainline.match.lexical import Lexical
        from grainline.text import question_terms

        with self._library.snapshot() as state:
            words = Lexical(state)
            bm25 = words.found(words.index, question_terms(question), EVERYWHERE).scores(np.arange(self._size))
            cosines = np.full(self._size, -1.0)
            if way != "bm25":
                np.maximum.at(cosines, self._owners, self._rows @ self._embedder.embed([question], "query")[0])
            if way == "rrf":
                places = [np.argsort(np.argsort(-scores, kind="stable"), kind="stable") for scores in (bm25, cosines)]
                fused = 1 / (RRF + 1 + places[1]) + np.where(bm25 > 0, 1 / (RRF + 1 + places[0]), 0)
            elif way == "cosine + .2":
                fused = cosines + SHARE * bm25 / max(float(bm25.max()), 1e-9)
            else:
                fused = bm25 if way == "bm25" else cosines
            best = np.argsort(-fused, kind="stable")[:DEPTH]
            sources = state.sources()
            found = [sources[int(words.index.documents[entry])][1] for entry in best]
            return list(dict.fromkeys(source.partition("#")[2] for source in found))


def table(results: Sequence[dict[str, Any]]) -> str:
    """What `run_lazy` returned for several sets as two Markdown tables: quality, then cost."""
    quality = [["nDCG@10", "questions", *COLUMNS]]
    cost = [list(COSTS)]
    for one in results:
        figures = one["ndcg@10"]
        quality.append([one["dataset"], str(one["questions"]), *(f"{figures[name]:.3f}" for name in COLUMNS)])
        first, second, size = one["first_answer_seconds"], one["second_question"], one["bytes_per_passage"]
        seconds = [f"{first[name]:.1f}" for name in ("lazy", "all", "ratio")]
        counts = [str(one["embedded_most"]), str(second["embedded"]), f"{second['ms_p50']:.0f}"]
        cost.append([one["dataset"], str(one["passages"]), *seconds, *counts, str(size["lazy"]), str(size["all"])])
    return f"{report.markdown(quality)}\n\n{report.markdown(cost)}"


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--embedder", default="e5", show_default=True, metavar="SPEC", help="The encoder (see `grainline models`).")
@click.option("--limit", type=click.IntRange(min=1), help="Ask only the first so many questions.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a set, each on a line of its own.")
def main(folders: tuple[Path, ...], embedder: str, limit: int | None, out: Path | None, as_json: bool) -> None:
    """Print what `run_lazy` finds."""
    results = []
    with report.explained():
        for folder in folders:
            results.append(run_lazy(folder, embedder, limit))
            if as_json:
                click.echo(json.dumps(results[-1], ensure_ascii=False))
        if out:
            report.write(out, results, sys.argv)
    if not as_json:
        click.echo(table(results))


if __name__ == "__main__":
    main()
