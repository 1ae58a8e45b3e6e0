"""Questions to databases with the SQL that answers them: how many the agent `sql` answers, and how many of its answers are right.

    grainline bench sql FOLDER        a folder in the layout of Spider: queries.jsonl (text, db_id, sql) and database/DB_ID.sqlite

Each database is a library of its own. An answer is right if its rows are those that the given SQL gets: as many times each, in its order
where it asks for one, the columns in any order; numbers are compared to four digits, texts whatever their case.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import grainline
from grainline.bench.metrics import percentile
from grainline.errors import UsageError
from grainline.types import LLM, Computed, Cost

Rows = Sequence[Sequence[Any]]

#: columns of a result beyond which their order counts: there are too many to try
TRIED = 6


def run_sql(folder: Path, agent: str = "sql", every: int = 1, llm: str | LLM | None = None) -> dict[str, Any]:
    """Ask the questions of a folder; returns the share answered right, the share of answers that are right, the share declined, and
    the time of a question in milliseconds; with a language model also the share that it was asked, and the mean of its calls and tokens.
    Raises `UsageError` for a folder of another kind."""
    file = folder / "queries.jsonl"
    if not file.is_file() or not (folder / "database").is_dir():
        raise UsageError(f"{folder} has no queries.jsonl beside a folder database")
    asked = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()][::every]
    by_database: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in asked:
        by_database[one["db_id"]].append(one)
    right = answered = 0
    times: list[float] = []
    costs: list[Cost] = []
    missed: list[dict[str, str]] = []
    with tempfile.TemporaryDirectory() as work:
        for number, (name, questions) in enumerate(sorted(by_database.items())):
            database = _database(folder, name)
            with grainline.open(Path(work) / str(number), llm=llm) as library, closing(_opened(database)) as gold:
                library.add([database])
                for one in questions:
                    start = time.perf_counter()
                    evidence = library.search(one["text"], agent=agent)
                    computed = evidence.computed
                    times.append((time.perf_counter() - start) * 1000)
                    costs.append(evidence.cost)
                    answered += computed is not None
                    if computed is not None and is_right(computed, gold.execute(one["sql"]).fetchall(), one["sql"]):
                        right += 1
                    else:
                        missed.append({"id": one["_id"], "sql": computed.sql if computed else ""})
    return {
        "dataset": folder.name,
        "agent": agent,
        "questions": len(asked),
        "accuracy": round(right / len(asked), 4),
        "precision": round(right / answered, 4) if answered else 0.0,
        "declined": round(1 - answered / len(asked), 4),
        "query_ms_p50": round(percentile(times, 0.5), 2),
        "query_ms_p95": round(percentile(times, 0.95), 2),
        **_of_model(costs),
        "missed": missed,
    }


def _of_model(costs: Sequence[Cost]) -> dict[str, float]:
    """What was spent on a language model, a question; nothing where none was asked."""
    whole = sum(costs, Cost())
    if not whole.calls:
        return {}
    return {
        "asked_model": round(sum(cost.calls > 0 for cost in costs) / len(costs), 4),
        "calls": round(whole.calls / len(costs), 3),
        "tokens_in": round(whole.tokens_in / len(costs), 1),
        "tokens_out": round(whole.tokens_out / len(costs), 1),
        "seconds": round(whole.milliseconds / 1000 / len(costs), 2),
    }


def is_right(computed: Computed, rows: Rows, sql: str) -> bool:
    """Whether rows are those of the given statement."""
    own, gold = [tuple(map(_plain, row)) for row in computed.rows], [tuple(map(_plain, row)) for row in rows]
    if len(own) != len(gold) or computed.truncated:
        return False
    if not own or len(own[0]) != len(gold[0]):
        return not own
    lowered = sql.lower()
    ordered = "order by" in lowered and "limit" not in lowered
    width = len(own[0])
    for order in itertools.permutations(range(width)) if width <= TRIED else [tuple(range(width))]:
        placed = [tuple(row[at] for at in order) for row in own]
        if placed == gold if ordered else sorted(placed) == sorted(gold):
            return True
    return False


def table(result: dict[str, Any]) -> str:
    """The figures as a table."""
    shown = [name for name in result if name not in ("agent", "missed")]
    return "\n".join(
        [
            f"| {' | '.join(shown)} |",
            f"|{'---|' * len(shown)}",
            f"| {' | '.join(str(result[name]) for name in shown)} |",
        ]
    )


def _database(folder: Path, name: str) -> Path:
    """The file of a database, which may lie in a folder of its own."""
    places = (folder / "database" / f"{name}.sqlite", folder / "database" / name / f"{name}.sqlite")
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise UsageError(f"there is no {places[0]}")
    return found


def _opened(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "replace")
    return connection


def _plain(value: Any) -> str:
    """A value as it is compared: numbers to four digits, whether they are stored as such or as texts."""
    text = str(value).strip().lower()
    try:
        number = float(text)
    except ValueError:
        return text
    return str(int(number)) if number.is_integer() else f"{number:.4g}"
