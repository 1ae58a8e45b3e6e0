"""Sets of questions with known relevant documents, as BEIR folders: corpus.jsonl, queries.jsonl, qrels.tsv."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grainline.bench.metrics import gold_of
from grainline.errors import NotFoundError, UsageError

FILES = ("corpus.jsonl", "queries.jsonl", "qrels.tsv")


@dataclass(frozen=True, slots=True)
class Query:
    """A question; `answers` where the set has some."""

    id: str
    text: str
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set of questions over one corpus file.

    `queries` are those with a relevant document, in the order of the file; `qrels` maps the id of each query to its documents
    and their relevance.
    """

    name: str
    corpus: Path
    documents: frozenset[str]
    queries: tuple[Query, ...]
    qrels: Mapping[str, Mapping[str, int]]


def load(folder: Path) -> Dataset:
    """The set in a BEIR folder.

    Raises `NotFoundError` if the folder or one of its three files is missing, `UsageError` naming file and line for what they
    should not hold, or if no question has a relevant document.
    """
    if not folder.is_dir():
        raise NotFoundError(f"no such folder: {folder}")
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise NotFoundError(f"{folder} is no BEIR folder: it lacks {', '.join(missing)}")
    documents = _ids(folder / "corpus.jsonl")
    qrels = _qrels(folder / "qrels.tsv")
    known = _ids(folder / "queries.jsonl")
    if unknown := next((query for query in qrels if query not in known), ""):
        raise UsageError(f"{folder / 'qrels.tsv'}: no query has the id {unknown!r}")
    queries = tuple(
        _query(row, place) for row, place in _rows(folder / "queries.jsonl") if gold_of(qrels.get(str(row["_id"]), {}))
    )
    if not queries:
        raise UsageError(f"{folder / 'qrels.tsv'}: no query has a relevant document")
    return Dataset(folder.resolve().name, folder / "corpus.jsonl", documents, queries, qrels)


def texts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """(title, text) of every document of the corpus; raises `UsageError` for a row without a text."""
    for row, place in _rows(dataset.corpus):
        if not isinstance(row.get("text"), str):
            raise UsageError(f"{place}: a document has a text")
        yield str(row.get("title") or ""), row["text"]


def part_of(dataset: Dataset, documents: frozenset[str], folder: Path) -> Path:
    """A corpus file in `folder` with these documents of the corpus, as they stand there."""
    corpus = folder / dataset.corpus.name
    rows = (row for row, _ in _rows(dataset.corpus) if str(row["_id"]) in documents)
    corpus.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    return corpus


def _rows(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The objects of a JSONL file with an `_id`, each with its place."""
    for line, place in _lines(path):
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise UsageError(f"{place}: not JSON ({error})") from None
        if not isinstance(row, dict) or not isinstance(row.get("_id"), (str, int)):
            raise UsageError(f'{place}: should be an object with an "_id"')
        yield row, place


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield line, f"{path}:{number}"
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not UTF-8 after line {number}") from None


def _ids(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for row, place in _rows(path):
        if str(row["_id"]) in found:
            raise UsageError(f"{place}: the id {row['_id']!r} stands there twice")
        found.add(str(row["_id"]))
    if not found:
        raise UsageError(f"{path}: is empty")
    return frozenset(found)


def _query(row: dict[str, Any], place: str) -> Query:
    text, answers = row.get("text"), row.get("answers") or ()
    if not isinstance(text, str) or not text.strip():
        raise UsageError(f"{place}: a query has a text")
    if not isinstance(answers, (list, tuple)):
        raise UsageError(f"{place}: answers are a list")
    return Query(str(row["_id"]), text, tuple(map(str, answers)))


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, (line, place) in enumerate(_lines(path)):
        fields = line.rstrip("\r\n").split("\t")
        if len(fields) != 3:
            raise UsageError(f"{place}: should be query, document and score with tabs between, not {len(fields)} fields")
        query, document, score = fields
        is_number = score.strip().removeprefix("-").isdecimal()
        if number == 0 and is_number:
            raise UsageError(f"{place}: the first line should name the columns: query-id, corpus-id, score")
        if number and not is_number:
            raise UsageError(f"{place}: the score {score!r} is no whole number")
        if number:
            qrels.setdefault(query, {})[document] = int(score)
    return qrels
