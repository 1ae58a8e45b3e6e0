"""Results as the JSON objects that the command line promises, and as text for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from grainline.match.pattern import line_of, page_of
from grainline.types import Answer, Citation, Cost, Evidence

if TYPE_CHECKING:
    from grainline.doctor import Report
    from grainline.ingest import Summary
    from grainline.store.snapshot import Snapshot

#: characters of a hit's text that are shown to people
SHOWN = 300


def cost_json(cost: Cost) -> dict[str, float]:
    """What was spent."""
    return {**asdict(cost), "milliseconds": round(cost.milliseconds, 3)}


def search_json(evidence: Evidence, snapshot: Snapshot, agent: str) -> dict[str, Any]:
    """The object that `search --json` prints."""
    hits = []
    for hit in evidence.hits:
        document = snapshot.document(hit.node.document_id)
        start, end = hit.node.start, hit.node.end
        hits.append(
            {
                "source": document.source,
                "start": start,
                "end": end,
                "line": line_of(document, start),
                "text": document.text[start:end],
                "score": hit.score,
                "via": list(hit.via),
            }
        )
    return {"hits": hits, "cost": cost_json(evidence.cost), "agent": agent}


def search_text(evidence: Evidence, snapshot: Snapshot) -> str:
    """Hits for a person: place, path of headings, score, the beginning of the text."""
    blocks = []
    for number, hit in enumerate(evidence.hits, 1):
        document = snapshot.document(hit.node.document_id)
        page = page_of(document, hit.node.start)
        place = f"{document.source}:{line_of(document, hit.node.start)}" + (f" (page {page})" if page else "")
        path = " > ".join(hit.node.meta.get("path", ()))
        words = " ".join(document.text[hit.node.start : hit.node.end].split())
        shown = words if len(words) <= SHOWN else words[:SHOWN].rstrip() + " …"
        blocks.append(f"{number:2}. {place}  {hit.score:.2f}{'  ' + path if path else ''}\n    {shown}")
    return "\n".join(blocks) if blocks else "no hits"


def answer_json(answer: Answer) -> dict[str, Any]:
    """The object that `ask --json` prints."""
    return {
        "answer": answer.text,
        "answered": answer.answered,
        "citations": [asdict(citation) for citation in answer.citations],
        "agent": answer.agent,
        "route": list(answer.route),
        "cost": cost_json(answer.cost),
    }


def answer_text(answer: Answer) -> str:
    """An answer for a person: what it says, where that stands, who found it and what it cost."""
    lines = [answer.text, ""]
    if not answer.answered and answer.citations:
        lines[1:] = ["The nearest there is:", ""]
    lines += [_citation(number, citation, answer.answered) for number, citation in enumerate(answer.citations, 1)]
    cost = answer.cost
    lines.append(f"agent {answer.agent}, {cost.milliseconds:.1f} ms, {cost.embedded} embedded, {cost.calls} model calls")
    return "\n".join(lines)


def _citation(number: int, citation: Citation, answered: bool) -> str:
    place = f"[{number}] {citation.source}:{citation.line}"
    return place if answered else f"{place}  {' '.join(citation.quote.split())}"


def summary_json(summary: Summary) -> dict[str, Any]:
    """The object that `add --json` prints."""
    failed = [{"source": source, "reason": reason} for source, reason in summary.failed]
    return {**asdict(summary), "failed": failed}


def summary_text(summary: Summary) -> str:
    """What an add did, for a person; every file that could not be read with its reason."""
    counts = [
        (summary.added, "added"),
        (summary.changed, "changed"),
        (summary.renamed, "renamed"),
        (summary.removed, "removed"),
    ]
    did = ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing new"
    lines = [f"{did}, {summary.unchanged} unchanged; the library holds {summary.documents} documents"]
    lines += [f"not read: {source}: {reason}" for source, reason in summary.failed]
    return "\n".join(lines)


def status_text(status: dict[str, Any]) -> str:
    """What a library holds, for a person."""
    lines = []
    for name, value in status.items():
        if name == "sources":
            lines += value
        elif name == "vectors":
            lines += [f"vectors of {encoder}: {held['texts']} texts, {held['bytes']} bytes" for encoder, held in value.items()]
        elif value not in ([], ""):
            lines.append(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    return "\n".join(lines)


def report_json(report: Report) -> dict[str, Any]:
    """The object that `doctor --json` prints."""
    return asdict(report)


def report_text(report: Report) -> str:
    """What the doctor found and did, for a person."""
    return "\n".join([*report.found, *report.done, "the library is sound" if report.sound else "the library is not sound"])
