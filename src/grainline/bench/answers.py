"""Answers against gold answers: `Library.ask` over BEIR folders whose questions have answers, without a language model and with one.

The measures of what is said are those of `answer_metrics`, over the questions that have gold answers; of a question that is not answered
they are 0. A citation is right if it is of a document that is gold for the question: where documents are the paragraphs that questions were
written on, as in most sets, the span that it cites lies in the right paragraph.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grainline.bench.answer_metrics import contains, exact, f1, is_chinese, without_marks
from grainline.bench.asking import Asker, Given, System, spent
from grainline.bench.datasets import Dataset, Query, load
from grainline.bench.metrics import gold_of, mean, recall
from grainline.bench.report import markdown
from grainline.bench.runs import Progress, built, ranking
from grainline.errors import UsageError
from grainline.types import NO_LIMIT, Answer, Budget, Embedder

COLUMNS = {
    "f1": "answer F1",
    "exact": "exact match",
    "contains": "holds a gold answer",
    "answered": "answered",
    "citation_precision": "citations of gold",
    "recall@5": "recall@5",
    "calls": "calls",
    "tokens_in": "tokens in",
    "tokens_out": "tokens out",
    "embedded": "embedded",
    "seconds": "s a question",
}
PLACES = {"calls": 2, "tokens_in": 0, "tokens_out": 0, "embedded": 1, "seconds": 2}


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of a question: the answer as it is compared, its measures (None where the set has no answer), which of its citations are
    of gold documents, and how much of the gold its evidence holds."""

    query: Query
    given: Given
    said: str
    measures: Mapping[str, float] | None
    cited: tuple[bool, ...]
    recall: float


def run_answers(
    folder: Path,
    who: Sequence[System],
    every: int = 1,
    limit: int | None = None,
    budget: Budget = NO_LIMIT,
    embedder: str | Embedder = "e5",
    progress: Progress | None = None,
    offset: int = 0,
) -> dict[str, Any]:
    """Index the corpus of a BEIR folder and ask all who answer (see `asking.systems`) every so-many-th of its questions, from the one at
    `offset` on, the first `limit` of them.

    Returns `{"dataset", "questions": their number, "systems": [{"agent", "model", figures of COLUMNS}], "asked": [{"id", "agent", "model",
    "said", "answered", "f1", "cited": sources}]}`; a figure is None where there is nothing to measure. `progress` is called with questions
    done, their number, and who is asked. Raises `UsageError` and `NotFoundError`, and what `datasets.load` and the agents raise.
    """
    if every < 1 or (limit is not None and limit < 1):
        raise UsageError(f"every and limit must be at least 1; they are {every} and {limit}")
    dataset = load(folder)
    if not 0 <= offset < len(dataset.queries):
        raise UsageError(f"{dataset.name} has {len(dataset.queries)} questions; there is none at offset {offset}")
    queries = dataset.queries[offset::every][:limit]
    asker = Asker(embedder, budget)
    rows: list[dict[str, Any]] = []
    details: list[dict[str, Any]] = []
    with built([dataset.corpus]) as made:
        made.library.close()  # what is copied must not be open
        for system in who:
            judged = all_judged(asker, made.library.folder, dataset, queries, system, progress)
            rows.append({"agent": system.name, "model": system.model, **figures(judged)})
            details += [_detail(system, one) for one in judged]
    name = f"{dataset.name}, from {offset}" if offset else dataset.name
    return {"dataset": name, "questions": len(queries), "systems": rows, "asked": details}


def all_judged(
    asker: Asker, folder: Path, dataset: Dataset, queries: Sequence[Query], system: System, progress: Progress | None
) -> list[Judged]:
    """What came of all questions to one who answers."""
    found = []
    with asker.opened(folder, system) as library:
        for done, query in enumerate(queries, 1):
            given = asker.ask(library, query.text, system)
            qrels = dataset.qrels[query.id]
            found.append(judge(query, qrels, given, recall(ranking(library, given.answer.evidence), qrels, 5)))
            if progress:
                progress(done, len(queries), f"{system.name}, model: {system.model}")
    return found


def judge(query: Query, qrels: Mapping[str, int], given: Given, recalled: float = 0.0) -> Judged:
    """An answer by the gold of its question."""
    said, gold, chinese = compared(given.answer), gold_of(qrels), is_chinese(query.text)
    measures = {
        "f1": f1(said, query.answers, chinese),
        "exact": exact(said, query.answers, chinese),
        "contains": contains(said, query.answers, chinese),
    }
    citations = given.answer.citations if given.answer.answered else ()
    cited = tuple(citation.source.partition("#")[2] in gold for citation in citations)
    return Judged(query, given, said, measures if query.answers else None, cited, recalled)


def compared(answer: Answer) -> str:
    """What an answer says: without the marks of citations, and the statement of SQL behind rows; "" where it is none."""
    if not answer.answered:
        return ""
    computed = answer.evidence.computed
    return without_marks(answer.text.removesuffix(computed.sql) if computed else answer.text)


def figures(judged: Sequence[Judged]) -> dict[str, float | None]:
    """The figures of `COLUMNS`: means over questions, and the share of all citations together that are of gold documents."""
    measured = [one.measures for one in judged if one.measures is not None]
    cited = [float(is_gold) for one in judged for is_gold in one.cited]
    return {
        **{name: _mean([one[name] for one in measured]) for name in ("f1", "exact", "contains")},
        "answered": _mean([float(one.given.answer.answered) for one in judged]),
        "citation_precision": _mean(cited),
        "recall@5": _mean([one.recall for one in judged]),
        **spent([one.given for one in judged]),
    }


def _mean(values: Sequence[float]) -> float | None:
    return round(mean(values), 4) if values else None


def _detail(system: System, one: Judged) -> dict[str, Any]:
    """One question as the result tells it."""
    return {
        "id": one.query.id,
        "agent": system.name,
        "model": system.model,
        "said": one.said,
        "answered": one.given.answer.answered,
        **{name: round(value, 4) for name, value in (one.measures or {}).items()},
        "cited": [citation.source for citation in one.given.answer.citations],
    }


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Results as a Markdown table: a row for each set and who answered."""
    rows = [["set", "questions", "agent", "model", *COLUMNS.values()]]
    for result in results:
        for row in result["systems"]:
            cells = [cell(row[name], PLACES.get(name, 3)) for name in COLUMNS]
            rows.append([result["dataset"], str(result["questions"]), row["agent"], row["model"], *cells])
    return markdown(rows)


def cell(value: float | None, places: int) -> str:
    """A figure as a table shows it; "" where there is none."""
    return "" if value is None else f"{value:.{places}f}"
