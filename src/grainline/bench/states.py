"""What a kept state of a language model saves, and what a model's own hidden states find beside an encoder.

    python -m grainline.bench.states MODEL [--document FILE] [--tokens N] [--questions N] [--set FOLDER] [--documents N] [--limit N]
        [--embedder e5] [--out FILE] [--json]

MODEL is a GGUF file, with ?threads=1 behind it where other work is done meanwhile. Of a document, cut to so many tokens, it measures the
time to the first token of an answer: when all is read again, and when the state is taken up from its file, whose digest is checked each
time; and it tells whether the same is written. Of a set (a BEIR folder) it takes the documents that answer some of its questions, others
between them, and finds them by the mean of the model's hidden states over a text given once, over the second copy of one given twice, and
by an encoder. What a run cannot know: whether anything else kept the machine busy.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import click

import grainline.bench.models as comparison
from grainline.bench import report
from grainline.bench.datasets import load
from grainline.errors import UsageError
from grainline.models.llm import make
from grainline.models.states import Key, Stateful, States, kept
from grainline.types import Embedder

#: of every language, so that they ask any document something
QUESTIONS = ("What is this document about?", "这篇文章说的是什么？", "Which example does it give?")
WRITTEN = 24  #: tokens that are compared
#: seconds on the wall and of processors
_Took = tuple[float, float]


def run_first_token(
    model: str | Stateful, text: str, tokens: int = 3_000, questions: Sequence[str] = QUESTIONS
) -> dict[str, Any]:
    """Ask a text, cut to about so many tokens, each question twice: reading all of it, and going on from its state.

    Returns `{"tokens", "state_tokens", "state_bytes", "keep_seconds", "first_token_seconds": {"read", "state", "ratio"},
    "first_token_processor_seconds": the same, "same"}`: medians, `keep_seconds` for reading and keeping, processor time as all threads of
    this process spend it, `same` whether both wrote the same to every question. Raises `UsageError` for a model without states, and what
    `make` and the model raise.
    """
    llm = make(f"gguf:{model}") if isinstance(model, str) else model
    if not isinstance(llm, Stateful):
        raise UsageError(f"{llm.identity} keeps no states")
    before = f"{_cut(llm, text, tokens)}\n\n"
    key = Key("document", before, llm.state_identity, llm.begins(before))
    read: list[_Took] = []
    resumed: list[_Took] = []
    same = True
    with tempfile.TemporaryDirectory() as folder:
        states = States(Path(folder))
        start = perf_counter()
        said = states.put(key, lambda path: llm.read(list(key.tokens), path))
        keeping = perf_counter() - start
        if not (size := kept(Path(folder))[1]):
            raise UsageError(f"the state is {said}")
        for question in questions:
            read.append(_first_token(llm, before + question))
            expected = llm.complete(before + question, max_tokens=WRITTEN).text
            resumed.append(_first_token(llm, before + question, lambda: _resume(llm, states, key)))
            same = same and llm.complete(before + question, max_tokens=WRITTEN).text == expected
    return {
        "tokens": llm.size(before + questions[0]),
        "state_tokens": len(key.tokens),
        "state_bytes": size,
        "keep_seconds": round(keeping, 2),
        "first_token_seconds": _compared([wall for wall, _ in read], [wall for wall, _ in resumed]),
        "first_token_processor_seconds": _compared([busy for _, busy in read], [busy for _, busy in resumed]),
        "same": same,
    }


def run_retrieval(folder: Path, models: Sequence[str | Embedder], documents: int, limit: int) -> dict[str, Any]:
    """What `bench.models.run_models` returns for part of a set: `limit` questions from all over it, the documents that answer them, and
    others up to so many documents. Raises as that does."""
    with tempfile.TemporaryDirectory() as place:
        part = Path(place) / folder.resolve().name
        _write_part(folder, part, documents, limit)
        return comparison.run_models(part, models)


def _cut(llm: Stateful, text: str, tokens: int) -> str:
    """The first so many tokens of a text, more or less."""
    while (size := llm.size(text)) > tokens * 1.02:
        text = text[: int(len(text) * max(0.5, tokens / size))]
    return text


def _first_token(llm: Stateful, prompt: str, prepare: Callable[[], None] = lambda: None) -> _Took:
    """How long the first token takes, of a model that holds something else."""
    llm.complete("Say a word.", max_tokens=1)
    wall, busy = perf_counter(), process_time()
    prepare()
    llm.complete(prompt, max_tokens=1)
    return perf_counter() - wall, process_time() - busy


def _resume(llm: Stateful, states: States, key: Key) -> None:
    path, why = states.find(key)
    if path is None:
        raise UsageError(why)
    llm.resume(list(key.tokens), path)


def _compared(read: Sequence[float], resumed: Sequence[float]) -> dict[str, float]:
    slow, fast = median(read), median(resumed)
    return {"read": round(slow, 3), "state": round(fast, 3), "ratio": round(slow / max(fast, 1e-9), 1)}


def _write_part(folder: Path, part: Path, documents: int, limit: int) -> None:
    dataset = load(folder)
    asked = _spread(dataset.queries, limit)
    gold = {document for query in asked for document in dataset.qrels[query.id]}
    others = [document for document in _lines(folder / "corpus.jsonl") if document not in gold]
    held = gold | set(_spread(others, max(0, documents - len(gold))))
    part.mkdir()
    for name, wanted in (("corpus.jsonl", held), ("queries.jsonl", {query.id for query in asked})):
        lines = _lines(folder / name)
        (part / name).write_text("".join(line for key, line in lines.items() if key in wanted), encoding="utf-8")
    rows = [f"{query.id}\t{document}\t{worth}" for query in asked for document, worth in dataset.qrels[query.id].items()]
    (part / "qrels.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows, ""]), encoding="utf-8")


def _lines(path: Path) -> dict[str, str]:
    """The lines of a JSONL file by the `_id` of each."""
    with path.open(encoding="utf-8") as file:
        return {str(json.loads(line)["_id"]): line for line in file if line.strip()}


def _spread(items: Sequence[Any], count: int) -> list[Any]:
    """So many items from all over a list, in order."""
    return [items[at * len(items) // count] for at in range(count)] if count < len(items) else list(items)


def table(first: dict[str, Any] | None, found: dict[str, Any] | None) -> str:
    """What was measured, as Markdown tables."""
    told = []
    if first:
        heads = ["tokens", "of them in the state", "state MB", "read and kept, s"]
        row = [
            f"{first['tokens']:,}",
            f"{first['state_tokens']:,}",
            f"{first['state_bytes'] / 1e6:,.1f}",
            f"{first['keep_seconds']:.1f}",
        ]
        for name, unit in (("first_token_seconds", "s"), ("first_token_processor_seconds", "processor s")):
            heads += [f"first token, all read, {unit}", f"from the state, {unit}", "times"]
            row += [f"{first[name]['read']:.2f}", f"{first[name]['state']:.2f}", f"{first[name]['ratio']:.1f}"]
        told.append(report.markdown([[*heads, "same answers"], [*row, "yes" if first["same"] else "no"]]))
    if found:
        told.append(f"{found['dataset']}: {found['documents']} documents, {found['questions']} questions")
        told.append(comparison.table(found))
    return "\n\n".join(told)


@click.command(help=__doc__)
@click.argument("model")
@click.option("--document", type=click.Path(path_type=Path), help="A file of text to be asked.")
@click.option("--tokens", type=click.IntRange(min=300), default=3_000, show_default=True, help="How much of it is read.")
@click.option(
    "--questions", type=click.IntRange(1, len(QUESTIONS)), default=2, show_default=True, help="How often it is asked."
)
@click.option("--set", "folder", type=click.Path(path_type=Path), help="A BEIR folder whose documents are to be found.")
@click.option("--documents", type=click.IntRange(min=2), default=60, show_default=True, help="How many of them.")
@click.option("--limit", type=click.IntRange(min=1), default=30, show_default=True, help="How many questions are asked.")
@click.option("--embedder", default="e5", show_default=True, metavar="SPEC", help="The encoder to compare with.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Write the results to this file, with commit, machine and command."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(
    model: str, document: Path | None, tokens: int, folder: Path | None, out: Path | None, as_json: bool, **chosen: Any
) -> None:
    """Print what was measured."""
    with report.explained(OSError, UnicodeDecodeError):
        if not document and not folder:
            raise UsageError("name a --document, a --set or both")
        first = found = None
        if document:
            text = document.read_text(encoding="utf-8")
            first = run_first_token(model, text, tokens, QUESTIONS[: chosen["questions"]])
        if folder:
            specs = [f"gguf:{model}", f"gguf:{model}{'&' if '?' in model else '?'}repeat=2", chosen["embedder"]]
            found = run_retrieval(folder, specs, chosen["documents"], chosen["limit"])
        result = {"model": Path(model).name, "first_token": first, "retrieval": found}
        if out:
            report.write(out, [result], sys.argv)
    click.echo(json.dumps(result, ensure_ascii=False) if as_json else table(first, found))


if __name__ == "__main__":
    main()
