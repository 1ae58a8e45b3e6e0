"""What names and links cost: the names and phrases that an add puts in the index, every link of every passage, and a question's walk.

    python -m grainline.bench.links FOLDER... [--passages N,N,...] [--json]

For the corpus of the first folder, and for as many passages as asked for, made of the titles and sentences of all folders: seconds to
find all names and phrases and to index them, seconds to resolve all links (a question resolves those of a few passages; no add does),
how many there are, and the peak of memory. Then, with everything embedded, the median time of a question to `linked` and `hybrid` without
the encoder's own: its vector is made before.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import grainline
from grainline.bench.datasets import load, texts
from grainline.bench.lexical import SEED, SENTENCES, write_records
from grainline.bench.metrics import percentile
from grainline.bench.report import explained, markdown, provenance
from grainline.bench.runs import WARM_UP, Built, built, peak_bytes
from grainline.errors import UsageError
from grainline.graph.entries import entries
from grainline.graph.links import Links
from grainline.match.lexical import Lexical
from grainline.models.registry import shared
from grainline.text import sentences
from grainline.types import Embedder, Side

AGENTS = ("linked", "hybrid")
K = 10


class _Remembering:
    """An embedder that has embedded some questions before it is asked."""

    def __init__(self, embedder: Embedder, questions: Sequence[str]) -> None:
        self._embedder = embedder
        self.identity, self.dimension, self.max_tokens = embedder.identity, embedder.dimension, embedder.max_tokens
        self._known = dict(zip(questions, embedder.embed(questions, "query"), strict=True))

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """As the embedder; at no cost for one of the questions."""
        if side == "query" and all(text in self._known for text in texts):
            return np.stack([self._known[text] for text in texts])
        return self._embedder.embed(texts, side)


def run_links(folders: Sequence[Path], passages: Sequence[int] = (), embedder: str | Embedder = "e5") -> dict[str, Any]:
    """Measure. Returns `{"links": [{"corpus", "passages", "names_seconds", "links_seconds", "links", "add_seconds", "peak_mb"}, ...],
    "question_ms_p50": {agent: value}}`; the last is left out where `embedder` is "". Raises what `datasets.load` raises."""
    if not folders:
        raise UsageError("name at least one BEIR folder")
    first = load(folders[0])
    result: dict[str, Any] = {"links": []}
    with built([first.corpus]) as made:
        result["links"].append({"corpus": first.name, **_measured(made)})
        if embedder:
            questions = [query.text for query in first.queries]
            result["question_ms_p50"] = _asked(made, questions, shared(embedder) if isinstance(embedder, str) else embedder)
    contents = [pair for folder in folders for pair in texts(load(folder))]
    for count in passages:
        with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
            paths = write_records(list(made_records(contents, count)), Path(name))
            with built(paths) as made:
                result["links"].append({"corpus": "made", **_measured(made)})
    return result


def made_records(contents: Sequence[tuple[str, str]], count: int) -> Iterator[tuple[str, str]]:
    """`count` records of a title with sentences of the same text and of others, drawn at random, the same ones every time."""
    pool = [(title, text[start:end]) for title, text in contents for start, end in sentences(text)]
    chance = random.Random(SEED)
    for number in range(count):
        title, said = pool[chance.randrange(len(pool))]
        # a title that comes again is another thing of that kind, as in any large collection
        again = number // len(contents)
        yield (
            f"{title} {again}" if again else title,
            " ".join([said, *(one for _, one in chance.choices(pool, k=SENTENCES - 1))]),
        )


def _measured(made: Built) -> dict[str, float]:
    with made.library.snapshot() as state:
        start = perf_counter()
        for stored in state.stored():
            for _ in entries(stored.document, stored.shaped):
                pass
        middle = perf_counter()
        links = Links(state, lambda found: np.zeros(len(found)))
        order = Lexical(state).in_order().tolist()
        count = sum(len(links.of(entry)) for entry in order)
        end = perf_counter()
    return {
        "passages": len(order),
        "names_seconds": round(middle - start, 2),
        "links_seconds": round(end - middle, 2),
        "links": count,
        "add_seconds": round(made.seconds, 2),
        "peak_mb": round(max(made.peak_bytes, peak_bytes()) / 1e6),
    }


def _asked(made: Built, questions: Sequence[str], embedder: Embedder) -> dict[str, float]:
    """Milliseconds of a question, median, by agent; the first `WARM_UP` are not counted."""
    remembered = _Remembering(embedder, questions)
    times: dict[str, list[float]] = {agent: [] for agent in AGENTS}
    with grainline.open(made.library.folder, embedder=remembered) as library:
        library.embed()
        for turn, question in enumerate([*questions[:WARM_UP], *questions]):
            for agent in AGENTS:
                start = perf_counter()
                library.search(question, K, agent)
                if turn >= WARM_UP:
                    times[agent].append((perf_counter() - start) * 1000)
    return {agent: round(percentile(own, 0.5), 2) for agent, own in times.items()}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown tables."""
    names = ("corpus", "passages", "names_seconds", "links_seconds", "links", "add_seconds", "peak_mb")
    heads = ("corpus", "passages", "names and phrases, s", "all links, s", "links", "whole add, s", "peak, MB")
    made = markdown([list(heads), *[[str(row[name]) for name in names] for row in result["links"]]])
    if "question_ms_p50" in result:
        rows = [[agent, f"{value:.1f}"] for agent, value in result["question_ms_p50"].items()]
        made += "\n\n" + markdown([["a question, everything embedded, without the encoder", "ms (median)"], *rows])
    return made


@click.command(help=__doc__)
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--passages", default="", help="Passages of larger corpora that are made, with commas between.")
@click.option("--embedder", default="e5", show_default=True, help='Encoder for the questions; "" leaves them out.')
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of tables.")
def main(folders: tuple[Path, ...], passages: str, embedder: str, as_json: bool) -> None:
    """Print what `run_links` finds."""
    with explained():
        result = run_links(folders, [int(count) for count in passages.split(",") if count], embedder)
    click.echo(json.dumps({**provenance(sys.argv), **result}, ensure_ascii=False) if as_json else table(result))


if __name__ == "__main__":
    main()
