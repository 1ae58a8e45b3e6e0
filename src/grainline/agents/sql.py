"""Questions to tables: how many, which is largest, what is the mean; answered by SQL over the user's own tables, with the rows as proof."""

from __future__ import annotations

import re

from grainline.agents.trace import Trace
from grainline.errors import QueryError
from grainline.store.snapshot import Snapshot
from grainline.tables.asking import SURE, Asking
from grainline.tables.engine import Result
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Computed, Evidence, Hit, Node, Where

#: a question that is SQL itself
_STATEMENT = re.compile(r"\s*(?:select|with)\s.+\bfrom\s", re.IGNORECASE | re.DOTALL)
#: rows of a result that are fetched, and milliseconds that it may take
ROWS, MILLISECONDS = 1_000, 5_000.0


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
        if not asking.catalog.tables:
            trace.count("look for tables", "there are none")
            return trace.evidence([])
        sql = question.strip() if _STATEMENT.match(question) else self._understood(asking, question, trace)
        if not sql or not trace.affords("run it"):
            return trace.evidence([])
        most = min(MILLISECONDS, budget.milliseconds if budget.milliseconds is not None else MILLISECONDS)
        try:
            result = asking.engine.run(sql, rows=ROWS, milliseconds=most)
        except QueryError as error:
            if sql == question.strip():
                raise
            trace.count("run it", str(error))
            return trace.evidence([])
        trace.count("run it", f"{len(result.rows)} rows of {', '.join(table.name for table in result.used)}")
        hits = trace.note("find the rows that it rests on", self._proof(asking, result, k))
        computed = Computed(result.sql, result.columns, result.rows, result.truncated)
        return trace.evidence(hits, computed)

    def _understood(self, asking: Asking, question: str, trace: Trace) -> str:
        """The SQL that a question means; "" where it is declined."""
        asked = asking.understand(question)
        left = f"; not explained: {', '.join(asked.left_out)}" if asked.left_out else ""
        sure = f"{asked.sql or 'nothing'} ({asked.confidence:.2f}{left})"
        if asked.confidence < SURE:
            trace.count("read the question", f"declined: {sure}")
            return ""
        trace.count("read the question", sure)
        return asked.sql

    def _proof(self, asking: Asking, result: Result, k: int) -> list[Hit]:
        """The rows, or tables, that a result rests on."""
        hits = []
        for place, (table, row) in enumerate(asking.engine.sources(result.sql, k)[:k]):
            document_id, start, end = asking.catalog.span(table, row)
            kind, way = ("row", f"row:{row + 1}") if row is not None else ("table", "table")
            node = Node(f"{document_id}:r{start}-{end}", document_id, kind, table.name, start, end, {"table": table.sql})
            hits.append(Hit(node, 1.0 / (1 + place), (f"sql:{table.sql}", way)))
        return hits
