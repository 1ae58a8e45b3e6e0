"""Results as the JSON objects that the command line promises, and as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any
from unicodedata import category, east_asian_width

from grainline.costs import prices
from grainline.match.pattern import line_of, page_of
from grainline.text import CJK_RUN
from grainline.types import Answer, Citation, Computed, Cost, Evidence, Rung

if TYPE_CHECKING:
    from grainline.doctor import Report
    from grainline.ingest import Summary
    from grainline.making import Plan, Result
    from grainline.store.snapshot import Snapshot

#: characters of a hit's text that are shown to people
SHOWN = 300
#: columns of a terminal that a cell of a table takes at most, but for the last one of a row
CELL = 50


def cost_json(cost: Cost) -> dict[str, float]:
    """What was spent."""
    return {**asdict(cost), "milliseconds": round(cost.milliseconds, 3)}


def search_json(evidence: Evidence, snapshot: Snapshot) -> dict[str, Any]:
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
                **_page(page_of(document, start)),
                "text": document.text[start:end],
                "score": hit.score,
                "via": list(hit.via),
            }
        )
    return {"hits": hits, "cost": cost_json(evidence.cost), "agent": evidence.agent}


def search_text(evidence: Evidence, snapshot: Snapshot) -> str:
    """Hits for a person: place, path of headings, score, the beginning of the text."""
    blocks = []
    for number, hit in enumerate(evidence.hits, 1):
        document = snapshot.document(hit.node.document_id)
        place = _place(document.source, line_of(document, hit.node.start), page_of(document, hit.node.start))
        path = " > ".join(hit.node.meta.get("path", ()))
        words = " ".join(document.text[hit.node.start : hit.node.end].split())
        shown = words if len(words) <= SHOWN else words[:SHOWN].rstrip() + " …"
        blocks.append(f"{number:2}. {place}  {hit.score:.2f}{'  ' + path if path else ''}\n    {shown}")
    return "\n".join(blocks) if blocks else "no hits"


def answer_json(answer: Answer) -> dict[str, Any]:
    """The object that `ask --json` prints; rows of SQL, claims that were left out and why a model failed only where there are such."""
    made: dict[str, Any] = {
        "answer": answer.text,
        "answered": answer.answered,
        "citations": [_citation_json(citation) for citation in answer.citations],
        "agent": answer.agent,
        "route": list(answer.route),
        "cost": cost_json(answer.cost),
    }
    computed = {"computed": computed_json(answer.evidence.computed)} if answer.evidence.computed else {}
    beside = {"left_out": list(answer.left_out), "failed": failures(answer)}
    return {**made, **computed, **{name: said for name, said in beside.items() if said}}


def failures(answer: Answer) -> list[str]:
    """The reasons for which a language model was asked in vain, each once."""
    return list(dict.fromkeys(step.detail for step in answer.evidence.trace if step.failed))


def computed_json(computed: Computed) -> dict[str, Any]:
    """What SQL gave; bytes as hexadecimal digits."""
    rows = [[value.hex() if isinstance(value, bytes) else value for value in row] for row in computed.rows]
    return {"sql": computed.sql, "columns": list(computed.columns), "rows": rows, "truncated": computed.truncated}


def answer_text(answer: Answer, *, said: bool = False) -> str:
    """An answer for a person: what it says, unless that was `said` already, where that stands, who found it and what it cost."""
    lines = ["" if said else answer.text, ""]
    if not answer.answered and answer.citations:
        lines[1:] = ["最接近的段落：" if CJK_RUN.search(answer.text) else "The nearest there is:", ""]
    lines += [_citation(number, citation, answer.answered) for number, citation in enumerate(answer.citations, 1)]
    lines += [f"left out, since nothing bears it out: {claim}" for claim in answer.left_out]
    lines += [f"the model failed: {_line(reason)}" for reason in failures(answer)]
    cost = answer.cost
    lines.append(f"agent {answer.agent}, {cost.milliseconds:.1f} ms, {cost.embedded} embedded, {cost.calls} model calls")
    return "\n".join(lines)


def explain_json(answer: Answer) -> dict[str, Any]:
    """What `ask --json --explain` adds: all that the router thought of, and the steps of the agent that answered."""
    rungs = [{**asdict(rung), "price": cost_json(rung.price), "cost": cost_json(rung.cost)} for rung in answer.rungs]
    steps = [{"action": step.action, "detail": step.detail, "cost": cost_json(step.cost)} for step in answer.evidence.trace]
    return {"rungs": rungs, "trace": steps}


def explain_text(answer: Answer) -> str:
    """The same for a person, as two tables; the first is left out where one agent was named."""
    rungs = [("agent", "fit", "price", "asked", "found", "sure", "spent", "why"), *map(_rung, answer.rungs)]
    steps = [
        (f"{cost.milliseconds:.1f}", str(cost.embedded), str(cost.calls), str(cost.tokens_in + cost.tokens_out), _line(said))
        for cost, said in ((step.cost, f"{step.action}: {step.detail}") for step in answer.evidence.trace)
    ]
    trace = table([("ms", "embedded", "calls", "tokens", f"step of {answer.agent}"), *steps], "rrrrl")
    return f"{table(rungs, 'lrrllrrl')}\n\n{trace}" if answer.rungs else trace


def _rung(rung: Rung) -> tuple[str, ...]:
    price = replace(rung.price, milliseconds=round(rung.price.milliseconds))
    seen = (f"{rung.fit:.2f}", _spent(price), "yes" if rung.asked else "no")
    came = (rung.found, f"{rung.confidence:.2f}", _spent(rung.cost)) if rung.asked else ("", "", "")
    return tuple(map(_line, (rung.agent, *seen, *came, rung.reason)))


def _spent(cost: Cost) -> str:
    """A cost in few words: what is nothing is not said."""
    calls = "model call" if cost.calls == 1 else "model calls"
    counts = ((cost.embedded, "embedded"), (cost.calls, calls), (cost.tokens_in + cost.tokens_out, "tokens"))
    return ", ".join([f"{cost.milliseconds:,.5g} ms", *(f"{count} {what}" for count, what in counts if count)])


def costs_text(costs: dict[str, Any]) -> str:
    """What questions have spent so far, by agent and in all, for a person."""
    names = list(costs["total"])
    head = ["agent", *(name.replace("_", " ") if name != "money" else costs["currency"] or name for name in names)]
    rows = [
        [name, *(f"{row[each]:,.10g}" for each in names)] for name, row in (*costs["agents"].items(), ("all", costs["total"]))
    ]
    if not costs["since"]:
        return "no question was asked yet"
    return f"spent by questions since {costs['since']}:\n{table([head, *rows], 'l' + 'r' * len(names))}"


def table(rows: Sequence[Sequence[str]], sides: str) -> str:
    """Rows with their cells one below the other, each column to its side (l or r); long cells are cut, but for the last of a row.

    >>> print(table([("city", "owls"), ("北京", "7"), ("Rome", "12")], "lr"))
    city  owls
    北京     7
    Rome    12
    """
    cut = [[*(_cut(cell, CELL) for cell in row[:-1]), row[-1]] for row in rows]
    widths = [max(map(width, column)) for column in zip(*cut, strict=True)]
    lines = []
    for row in cut:
        gaps = [" " * (most - width(cell)) for cell, most in zip(row, widths, strict=True)]
        cells = [gap + cell if side == "r" else cell + gap for cell, gap, side in zip(row, gaps, sides, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def width(text: str) -> int:
    """How many columns of a terminal a text takes: characters of Chinese two, marks on others none.

    >>> width("owl"), width("猫头鹰"), width("cafe\u0301")
    (3, 6, 4)
    """
    return sum(0 if category(each) in ("Mn", "Me", "Cf", "Cc") else 1 + (east_asian_width(each) in "WF") for each in text)


def _cut(cell: str, most: int) -> str:
    if width(cell) <= most:
        return cell
    while width(cell) > most - 1:
        cell = cell[:-1]
    return f"{cell}…"


def _line(text: str) -> str:
    return " ".join(text.split())


def _citation_json(citation: Citation) -> dict[str, Any]:
    rest = {name: value for name, value in asdict(citation).items() if name != "page"}
    return {**rest, **_page(citation.page)}


def _page(name: str) -> dict[str, str]:
    """The page of a place in JSON, for what has pages."""
    return {"page": name} if name else {}


def _place(source: str, line: int, page: str) -> str:
    """Where something stands, for a person."""
    return f"{source}:{line}" + (f" (page {page})" if page else "")


def _citation(number: int, citation: Citation, answered: bool) -> str:
    place = f"[{number}] {_place(citation.source, citation.line, citation.page)}"
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


def plan_json(plan: Plan) -> dict[str, Any]:
    """The object that `add --summaries --dry-run` prints: nodes by kind, and what a model would be asked for them at most."""
    left = [{"source": source, "reason": reason, "pictures": count} for (source, reason), count in plan.left_out.items()]
    pictures = {"pictures_left_out": sum(plan.left_out.values()), "left_out": left}
    return {"wanted": plan.counts, **pictures, "cost": cost_json(plan.cost), **_money(plan.cost)}


def plan_text(plan: Plan) -> str:
    """The same for a person."""
    lines = [f"to be written: {_counted(plan.counts)}; at most {_spent_on(plan.cost)}"]
    pictures: Counter[str] = Counter()
    for (_, reason), count in plan.left_out.items():
        pictures[reason] += count
    return "\n".join([*lines, *(f"left out: pictures ({count:,}), {reason}" for reason, count in pictures.items())])


def made_json(result: Result) -> dict[str, Any]:
    """What `add --summaries --json` prints beside what was added."""
    skipped = [{"source": source, "reason": reason} for source, reason in result.skipped]
    made = {"made": result.made, "skipped": skipped, "left": result.left, "stopped": result.stopped}
    return {**made, "cost": cost_json(result.cost), **_money(result.cost)}


def made_text(result: Result) -> str:
    """The same for a person; each node that was skipped with its reason."""
    lines = [f"written: {_counted(result.made)}; {_spent_on(result.cost)}"]
    lines += [f"not written: {source}: {reason}" for source, reason in result.skipped]
    return "\n".join([*lines, *([f"{result.left} are left: {result.stopped}"] if result.left else [])])


def _counted(counts: Mapping[str, int]) -> str:
    """How many nodes have keys of each kind, in words."""
    kinds = ", ".join(f"{kind.partition(' ')[0]} {count:,}" for kind, count in counts.items())
    return f"keys for {sum(counts.values()):,} nodes ({kinds})" if kinds else "nothing"


def _spent_on(cost: Cost) -> str:
    money = _money(cost)
    price = f", {money['money']:,.6g} {money['currency']}".rstrip() if money else ""
    return f"{cost.calls:,} model calls, {cost.tokens_in:,} tokens read and {cost.tokens_out:,} written{price}"


def _money(cost: Cost) -> dict[str, Any]:
    """A cost in money; nothing where no prices are set."""
    price = prices()
    return {"money": round(price.of(cost), 6), "currency": price.currency} if price else {}


def status_text(status: dict[str, Any]) -> str:
    """What a library holds, for a person."""
    lines = []
    for name, value in status.items():
        if name == "sources":
            lines += value
        elif name == "vectors":
            lines += [f"vectors of {encoder}: {held['texts']} texts, {held['bytes']} bytes" for encoder, held in value.items()]
        elif name == "models":
            lines += [f"left by models: {', '.join(f'{kind} {count}' for kind, count in value.items())}"] if value else []
        elif name == "costs":
            lines.append(costs_text(value))
        elif value not in ([], ""):
            lines.append(f"{name}: {', '.join(value) if isinstance(value, list) else value}")
    return "\n".join(lines)


def report_json(report: Report) -> dict[str, Any]:
    """The object that `doctor --json` prints."""
    return asdict(report)


def report_text(report: Report) -> str:
    """What the doctor found and did, for a person."""
    return "\n".join([*report.found, *report.done, "the library is sound" if report.sound else "the library is not sound"])
