"""An answer without a model: the sentences of the evidence that answer, quoted with citations that hold, or a plain no.

Whether the question is answered is judged by the share of the question's weight that the best sentence and its surroundings hold, and
by whether what the question names is there (see `judge`).
"""

from __future__ import annotations

import re

from grainline.agents.grep import is_pattern
from grainline.ask.cite import check, cite
from grainline.ask.computed import told
from grainline.ask.judge import judged
from grainline.ask.sentences import SENTENCES
from grainline.ask.weights import confidence_of, fitted
from grainline.store.snapshot import Snapshot
from grainline.types import Answer, Evidence, Where

_QUOTE_MARK = re.compile(r"^[ \t]*>[> \t]*", re.MULTILINE)
#: how sure a pattern is that was found
FOUND = 0.95
NO_ANSWER = "The library does not hold an answer to this question."


def answer(question: str, evidence: Evidence, snapshot: Snapshot, agent: str, where: Where) -> Answer:
    """Quote the sentences of the evidence that answer; raises `DamagedError` if a quote does not stand where it should."""
    if evidence.computed:
        return told(evidence, evidence.computed, snapshot, agent)
    if evidence.hits and evidence.hits[0].node.kind == "line" and is_pattern(question):
        return _matched(evidence, snapshot, agent)
    chosen, found = judged(question, evidence, snapshot, where)
    answered = bool(chosen) and fitted().unanswerable.probability(found) < fitted().decline
    citations = tuple(cite(candidate.document, candidate.start, candidate.end) for candidate in chosen)
    for citation, candidate in zip(citations, chosen, strict=True):
        check(snapshot, candidate.document.id, citation)
    quoted = " ".join(f"{plain(citation.quote)} [{number}]" for number, citation in enumerate(citations, 1))
    confidence = confidence_of(agent, found) if answered else 0.0
    return Answer(
        quoted if answered else NO_ANSWER, citations, evidence, answered, agent, (agent,), evidence.cost, confidence=confidence
    )


def _matched(evidence: Evidence, snapshot: Snapshot, agent: str) -> Answer:
    """The lines that a pattern was found in: what was looked for as it stands is there."""
    nodes = [hit.node for hit in evidence.hits[:SENTENCES]]
    citations = tuple(cite(snapshot.document(node.document_id), node.start, node.end) for node in nodes)
    for citation, node in zip(citations, nodes, strict=True):
        check(snapshot, node.document_id, citation)
    text = " ".join(f"{plain(citation.quote)} [{number}]" for number, citation in enumerate(citations, 1))
    return Answer(text, citations, evidence, True, agent, (agent,), evidence.cost, confidence=FOUND)


def plain(quote: str) -> str:
    """A quote on one line, without the marks of a Markdown block quote at the beginning of its lines.

    >>> plain("> wrapped\\n> here")
    'wrapped here'
    """
    return " ".join(_QUOTE_MARK.sub("", quote).split())
