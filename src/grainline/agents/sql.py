"""Questions to tables: how many, which is largest, what is the mean; answered by SQL over the user's own tables, with the rows as proof."""

from __future__ import annotations

import re

from grainline.agents.model import Budgeted
from grainline.agents.trace import Trace
from grainline.errors import MissingExtraError, ModelError, QueryError, UsageError
from grainline.store.snapshot import Snapshot
from grainline.tables.asking import SURE, Asked, Asking
from grainline.tables.engine import Result
from grainline.tables.meaning import Meaning
from grainline.tables.with_llm import BEGINS, MOST_TOKENS, SCHEMA, write
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Computed, Cost, Evidence, Hit, Node, Where

#: a question that is SQL itself
_STATEMENT = re.compile(r"\s*(?:select|with)\s.+\bfrom\s", re.IGNORECASE | re.DOTALL)
#: at this confidence the rules' reading is kept without asking a model; see LOG.md
KEPT = 0.8
#: rows of a result that are fetched, and milliseconds that it, and finding what it rests on, may take
ROWS, MILLISECONDS, PROVING = 1_000, 5_000.0, 1_000.0


class Sql:
    """Counts, sums, rankings and look-ups over tables (SQLite, CSV, XLSX, JSON, tables in documents), by SQL that can only read."""

    name = "sql"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """What a statement gave, in `computed`, and the rows that it rests on; nothing where the question is not understood.

        A question that is a SELECT itself is run as it is. Raises `QueryError` for one that is refused, fails or takes too long.
        """
        trace = Trace(budget)
        asking = Asking(self._snapshot, where)
        trace.count("look for tables", f"there are {len(asking.catalog.tables) or 'none'}")
        if not asking.catalog.tables:
            return trace.evidence([])
        result = (
            self._run(asking, question.strip(), trace) if _STATEMENT.match(question) else self._read(asking, question, trace)
        )
        if result is None:
            return trace.evidence([])
        if not trace.affords(step := "find the rows that it rests on"):
            return trace.evidence([])  # what cannot be proved is no answer
        hits = trace.note(step, self._proof(asking, result, k, _within(trace, PROVING)))
        computed = Computed(result.sql, result.columns, result.rows, result.truncated)
        return trace.evidence(hits, computed)

    def _read(self, asking: Asking, question: str, trace: Trace) -> Result | None:
        """What a question asks for; None where it is declined. Where rules are not sure enough a model is asked, if there is one."""
        if not trace.affords(step := "read the question"):
            return None
        asked = asking.understand(question)
        trace.count(step, _said(asked))
        asked = self._compare(asking, question, asked, trace)
        if self._snapshot.llm and asked.confidence < KEPT:
            written = self._written(asking, question, asked, Budgeted(self._snapshot.llm, trace, self._snapshot), trace)
            if written is not None:
                return written
        if asked.confidence < SURE:
            return None
        try:
            return self._run(asking, asked.sql, trace)
        except QueryError as error:
            trace.count("run it", str(error))
            return None

    def _compare(self, asking: Asking, question: str, asked: Asked, trace: Trace) -> Asked:
        """How a question is understood with its unexplained words compared by meaning, where there is an encoder and budget for it."""
        step = "compare words left over with names by meaning"
        if asked.confidence >= SURE or (asked.sql and not asked.left_out) or not trace.affords(step, Cost(embedded=1)):
            return asked
        try:
            meaning = Meaning(self._snapshot, lambda price: trace.affords(step, price))
            compared = asking.compare(question, asked, meaning)
        except (MissingExtraError, ModelError, UsageError) as error:  # none that can be asked
            trace.count(step, f"left out: {error}")
            return asked
        near = "".join(f"; {word}: {name}" for word, name in meaning.said.items())
        trace.count(step, _said(compared) + near, Cost(embedded=meaning.embedded))
        return compared

    def _written(self, asking: Asking, question: str, draft: Asked, model: Budgeted, trace: Trace) -> Result | None:
        """What the statement of a model gives; None where there is none, it fails, or what it gives says nothing."""

        def run(sql: str) -> Result:
            """Run what was written."""
            return asking.engine.run(sql, rows=ROWS, milliseconds=_within(trace, MILLISECONDS))

        shown = sorted({asking.catalog.document(table).id for group in asking.shortlist(question) for table in group})
        written = write(
            question, asking, draft, lambda prompt: model.complete(prompt, SCHEMA, MOST_TOKENS, shown, begins=BEGINS), run
        )
        if written.sql:
            trace.count("run what the model wrote", _came(written.result) if written.result else written.reason)
        if written.result is None:
            return None
        return written.result if any(value is not None for row in written.result.rows for value in row) else None

    def _run(self, asking: Asking, sql: str, trace: Trace) -> Result | None:
        """What a statement gives; None where there is no time left. Raises `QueryError`."""
        if not trace.affords(step := "run it"):
            return None
        result = asking.engine.run(sql, rows=ROWS, milliseconds=_within(trace, MILLISECONDS))
        trace.count(step, _came(result))
        return result

    def _proof(self, asking: Asking, result: Result, k: int, milliseconds: float) -> list[Hit]:
        """The rows, or tables, that a result rests on."""
        hits = []
        for place, (table, row) in enumerate(asking.engine.sources(result.sql, k, milliseconds=milliseconds)[:k]):
            document_id, start, end = asking.catalog.span(table, row)
            kind, way = ("row", f"row:{row + 1}") if row is not None else ("table", "table")
            node = Node(f"{document_id}:r{start}-{end}", document_id, kind, table.name, start, end, {"table": table.sql})
            hits.append(Hit(node, 1.0 / (1 + place), (f"sql:{table.sql}", way)))
        return hits


def _said(asked: Asked) -> str:
    """How a question is understood, in words."""
    left = f"; not explained: {', '.join(asked.left_out)}" if asked.left_out else ""
    sure = f"{asked.sql or 'nothing'} ({asked.confidence:.2f}{left})"
    return sure if asked.confidence >= SURE else f"declined: {sure}"


def _came(result: Result) -> str:
    return f"{len(result.rows)} rows of {', '.join(table.name for table in result.used)}"


def _within(trace: Trace, milliseconds: float) -> float:
    """So many milliseconds, or what is left of the budget."""
    left = trace.left().milliseconds
    return milliseconds if left is None else min(milliseconds, left)
