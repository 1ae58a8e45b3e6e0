"""The floor of full-text search: our whole add and our questions against bm25s on the same texts, in one run on one machine.

    python -m grainline.bench.lexical FOLDER [--passages 100000] [--json]

The floor is what bm25s takes to tokenise and index in memory; our add also parses, shapes, stores and syncs. Questions are
compared on the same terms (those of `grainline.text`), ours up to hits with their nodes, theirs up to row numbers; each question
is put to both in turn, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from grainline.bench.datasets import load, texts
from grainline.bench.metrics import percentile
from grainline.bench.report import explained, markdown, provenance
from grainline.bench.runs import WARM_UP, built
from grainline.errors import MissingExtraError, UsageError
from grainline.text import question_terms, sentences, terms

K = 10
QUERIES = 200  #: questions timed; more do not move the median
PASSAGES = 100_000
SENTENCES = 3  #: of a made passage
SEED = 2026
FILE_PASSAGES = 20_000  #: passages of one made file, which keeps it far below the limit on a file


def run_lexical(folder: Path, passages: int = PASSAGES, repeat: int = 3) -> dict[str, Any]:
    """Compare on the corpus of a BEIR folder, and on `passages` made of its sentences (0: leave that out).

    Returns `{"dataset", "index": {...}, "query": [{...}, ...]}` with seconds, milliseconds and the ratios of ours to theirs;
    times of indexing are the least of `repeat` turns. Raises `MissingExtraError` without bm25s, and what `datasets.load` raises.
    """
    if find_spec("bm25s") is None:
        raise MissingExtraError("bm25s", "dev")
    if repeat < 1 or passages < 0:
        raise UsageError("repeat must be at least 1 and passages at least 0")
    dataset = load(folder)
    contents = [f"{title}\n{text}" for title, text in texts(dataset)]
    questions = [query.text for query in dataset.queries[:QUERIES]]
    ours, floor = [], []
    for _ in range(repeat):
        floor.append(_floor_seconds(contents))
        with built([dataset.corpus]) as made:
            ours.append(made.seconds)
    index = {
        "passages": len(contents),
        "grainline_seconds": round(min(ours), 3),
        "bm25s_seconds": round(min(floor), 3),
        "ratio": round(min(ours) / min(floor), 2),
    }
    query = [_compare([dataset.corpus], contents, questions)]
    if passages:
        with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
            many = made_passages(contents, passages)
            query.append(_compare(write_records([("", text) for text in many], Path(name)), many, questions))
    return {"dataset": dataset.name, "index": index, "query": query}


def made_passages(contents: Sequence[str], count: int) -> list[str]:
    """`count` passages of sentences of these texts, drawn at random, the same ones every time."""
    pool = [content[start:end] for content in contents for start, end in sentences(content)]
    chance = random.Random(SEED)
    return [" ".join(chance.choices(pool, k=SENTENCES)) for _ in range(count)]


def write_records(records: Sequence[tuple[str, str]], folder: Path) -> list[Path]:
    """Write (title, text) pairs as JSONL files of at most `FILE_PASSAGES` records; returns the files."""
    paths = []
    for start in range(0, len(records), FILE_PASSAGES):
        paths.append(folder / f"passages{start}.jsonl")
        with paths[-1].open("w", encoding="utf-8") as file:
            for number, (title, text) in enumerate(records[start : start + FILE_PASSAGES], start):
                file.write(json.dumps({"_id": str(number), "title": title, "text": text}, ensure_ascii=False) + "\n")
    return paths


def _floor_seconds(contents: Sequence[str]) -> float:
    """Seconds that bm25s takes from texts to an index, by its own tokeniser with an English stemmer."""
    import bm25s
    import Stemmer

    start = perf_counter()
    tokens = bm25s.tokenize(list(contents), stopwords="en", stemmer=Stemmer.Stemmer("english"), show_progress=False)
    bm25s.BM25().index(tokens, show_progress=False)
    return perf_counter() - start


def _compare(paths: Sequence[Path], contents: Sequence[str], questions: Sequence[str]) -> dict[str, float]:
    """Milliseconds of a question (median) in a library of these files and in bm25s over the same texts."""
    import bm25s

    theirs = bm25s.BM25()
    theirs.index([terms(content) for content in contents], show_progress=False)
    depth = min(K, len(contents))
    with built(paths) as made:
        times: dict[str, list[float]] = {"grainline": [], "bm25s": []}
        for turn, question in enumerate([*questions[:WARM_UP], *questions]):
            start = perf_counter()
            made.library.search(question, k=K, agent="fulltext")
            middle = perf_counter()
            theirs.retrieve([question_terms(question)], k=depth, show_progress=False)
            end = perf_counter()
            if turn >= min(WARM_UP, len(questions)):
                times["grainline"].append((middle - start) * 1000)
                times["bm25s"].append((end - middle) * 1000)
    ours_p50, theirs_p50 = percentile(times["grainline"], 0.5), percentile(times["bm25s"], 0.5)
    return {
        "passages": len(contents),
        "grainline_ms_p50": round(ours_p50, 3),
        "bm25s_ms_p50": round(theirs_p50, 3),
        "ratio": round(ours_p50 / theirs_p50, 2),
    }


def table(result: dict[str, Any]) -> str:
    """The result as a Markdown table."""
    return markdown([["what", "passages", "grainline", "bm25s", "ratio"], *_rows(result)])


def _rows(result: dict[str, Any]) -> Iterator[list[str]]:
    index = result["index"]
    yield [
        "index, s",
        str(index["passages"]),
        f"{index['grainline_seconds']:.2f}",
        f"{index['bm25s_seconds']:.2f}",
        f"{index['ratio']:.2f}",
    ]
    for query in result["query"]:
        figures = (f"{query[name]:.2f}" for name in ("grainline_ms_p50", "bm25s_ms_p50", "ratio"))
        yield ["question, ms (median)", str(query["passages"]), *figures]


@click.command(help=__doc__)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--passages", default=PASSAGES, show_default=True, help="Passages of the larger corpus that is made; 0 for none.")
@click.option("--repeat", default=3, show_default=True, help="Turns of indexing, of which the fastest counts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def main(folder: Path, passages: int, repeat: int, as_json: bool) -> None:
    """Print what `run_lexical` finds."""
    with explained():
        result = run_lexical(folder, passages, repeat)
    if as_json:
        click.echo(json.dumps({**provenance(sys.argv), **result}, ensure_ascii=False))
    else:
        click.echo(f"{result['dataset']}\n\n{table(result)}")


if __name__ == "__main__":
    main()
