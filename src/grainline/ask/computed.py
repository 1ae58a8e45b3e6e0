"""What SQL gave as an answer: its rows for a person, the statement, and citations of the rows of the tables that they rest on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from grainline.ask.cite import check, cite
from grainline.store.snapshot import Snapshot
from grainline.tables.parse import number_of
from grainline.types import Answer, Citation, Computed, Evidence

#: rows and citations that are shown, and characters of a value
ROWS, CITED, CHARACTERS = 20, 5, 200
#: what stands between the cells of a row: of CSV a comma that is not inside a number
_CELLS = re.compile(r"[|\t]|,(?!\d{3}(?!\d))")
#: how sure rows are: the agent declines what it does not understand
SURE = 0.85


def told(evidence: Evidence, computed: Computed, snapshot: Snapshot, agent: str) -> Answer:
    """The answer that rows are; without any row, or with nothing but empty values in them, the question is not answered. Raises
    `DamagedError` if a citation does not stand where it should."""
    cited = list(dict.fromkeys((hit.node.document_id, hit.node.start, hit.node.end) for hit in evidence.hits))[:CITED]
    citations = tuple(cite(snapshot.document(document), start, end) for document, start, end in cited)
    for citation, (document, _, _) in zip(citations, cited, strict=True):
        check(snapshot, document, citation)
    answered = any(value is not None for row in computed.rows for value in row)
    marks = "".join(f" [{number}]" for number in range(1, len(citations) + 1))
    said = (
        f"{_printed(computed, citations) or _shown(computed)}{marks}"
        if answered
        else "No row of the tables answers this question."
    )
    confidence = SURE if answered else 0.0
    return Answer(
        f"{said}\n\n{computed.sql}", citations, evidence, answered, agent, (agent,), evidence.cost, confidence=confidence
    )


def _printed(computed: Computed, citations: Sequence[Citation]) -> str:
    """A single number as the one row that it comes from writes it, with its unit: "$(0.14)" for -0.14; "" where it is no such number."""
    if len(citations) != 1 or len(computed.rows) != 1 or len(computed.rows[0]) != 1:
        return ""
    (value,) = computed.rows[0]
    if not isinstance(value, int | float):
        return ""
    cells = [cell.strip() for cell in _CELLS.split(citations[0].quote)]
    same = {cell for cell in cells if (number := number_of(cell)) is not None and number.value == value}
    return same.pop() if len(same) == 1 else ""


def _shown(computed: Computed) -> str:
    """The rows: one value as it is, values of one column with semicolons between, several columns as a table."""
    rows = [[_value(value) for value in row] for row in computed.rows[:ROWS]]
    more = len(computed.rows) - len(rows)
    left = f"{more}{' or more' if computed.truncated else ''} further rows" if more or computed.truncated else ""
    if len(computed.columns) == 1:
        return "; ".join([*(row[0] for row in rows), *([left] if left else [])])
    if len(rows) == 1:
        return ", ".join(f"{name}: {value}" for name, value in zip(computed.columns, rows[0], strict=True))
    lines = [computed.columns, ["---"] * len(computed.columns), *rows]
    return "\n".join([*(f"| {' | '.join(line)} |" for line in lines), *([left] if left else [])])


def _value(value: Any) -> str:
    """A value for a person: numbers without what binary fractions add, texts on one line."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = " ".join(str(value).split())
    return text if len(text) <= CHARACTERS else text[:CHARACTERS].rstrip() + " …"
