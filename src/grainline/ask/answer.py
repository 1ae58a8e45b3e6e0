"""An answer without a model: the sentences of the evidence that answer, quoted with citations that hold, or a plain no.

Whether the question is answered is judged by the share of the question's weight that the best sentence and its surroundings hold, and
by whether what the question names is there (see `judge`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import grainline.ask.articles as articles
from grainline.agents.grep import is_pattern
from grainline.ask.cite import check, cite
from grainline.ask.computed import told
from grainline.ask.judge import judged
from grainline.ask.passages import Passage
from grainline.ask.sentences import SENTENCES
from grainline.ask.support import Claim, borne_out
from grainline.ask.weights import confidence_of, fitted
from grainline.store.snapshot import Snapshot
from grainline.text import CJK_RUN
from grainline.types import Answer, Evidence, Hit, Where

_QUOTE_MARK = re.compile(r"^[ \t]*>[> \t]*", re.MULTILINE)
#: how sure a pattern is that was found, and what an agent's own model wrote and quoted
FOUND, WRITTEN = 0.95, 0.8


def answer(question: str, evidence: Evidence, snapshot: Snapshot, agent: str, where: Where) -> Answer:
    """Quote the sentences of the evidence that answer; raises `DamagedError` if a quote does not stand where it should."""
    if evidence.computed:
        return told(evidence, evidence.computed, snapshot, agent)
    if evidence.written and evidence.hits:
        return _written(question, evidence, snapshot, agent)
    if evidence.hits and evidence.hits[0].node.kind == "line" and is_pattern(question):
        return _matched(evidence, snapshot, agent)
    if hits := _articles(question, evidence, snapshot, where):
        return _quoted(hits, evidence, snapshot, agent)
    chosen, found = judged(question, evidence, snapshot, where)
    answered = bool(chosen) and fitted().unanswerable.probability(found) < fitted().decline
    citations = tuple(cite(candidate.document, candidate.start, candidate.end) for candidate in chosen)
    for citation, candidate in zip(citations, chosen, strict=True):
        check(snapshot, candidate.document.id, citation)
    quoted = " ".join(f"{plain(citation.quote)} [{number}]" for number, citation in enumerate(citations, 1))
    confidence = confidence_of(agent, found) if answered else 0.0
    return Answer(
        quoted if answered else no_answer(question),
        citations,
        evidence,
        answered,
        agent,
        (agent,),
        evidence.cost,
        confidence=confidence,
    )


def no_answer(question: str) -> str:
    """That there is no answer, in the language of the question.

    >>> no_answer("猫头鹰吃什么？")
    '资料中没有这个问题的答案。'
    """
    return "资料中没有这个问题的答案。" if CJK_RUN.search(question) else "The library does not hold an answer to this question."


def _written(question: str, evidence: Evidence, snapshot: Snapshot, agent: str) -> Answer:
    """What an agent's model wrote of a document that it read, if that document bears it out."""
    node = evidence.hits[0].node
    document = snapshot.document(node.document_id)
    claim = Claim(evidence.written, document.text[node.start : node.end], 1)
    if borne_out(claim, [Passage(1, document, 0, len(document.text), document.title)], lambda _one, _others: None):
        return _cited(f"{evidence.written} [1]", evidence, evidence.hits[:1], snapshot, agent, WRITTEN)
    said = Answer(no_answer(question), (), evidence, False, agent, (agent,), evidence.cost)
    return replace(said, support=0.0, left_out=(evidence.written,))


def _matched(evidence: Evidence, snapshot: Snapshot, agent: str) -> Answer:
    """The lines that a pattern was found in: what was looked for as it stands is there."""
    return _quoted(evidence.hits[:SENTENCES], evidence, snapshot, agent)


def _articles(question: str, evidence: Evidence, snapshot: Snapshot, where: Where) -> list[Hit]:
    """The hits that are what a question wants to read."""
    nodes = {node.id for node in articles.wanted(question, snapshot, where)}
    return [hit for hit in evidence.hits if hit.node.id in nodes]


def _quoted(hits: Sequence[Hit], evidence: Evidence, snapshot: Snapshot, agent: str) -> Answer:
    """Hits as they stand."""
    quotes = [snapshot.document(hit.node.document_id).text[hit.node.start : hit.node.end] for hit in hits]
    text = " ".join(f"{plain(quote)} [{number}]" for number, quote in enumerate(quotes, 1))
    return _cited(text, evidence, hits, snapshot, agent, FOUND)


def _cited(text: str, evidence: Evidence, hits: Sequence[Hit], snapshot: Snapshot, agent: str, confidence: float) -> Answer:
    """A text that rests on hits."""
    nodes = [hit.node for hit in hits]
    citations = tuple(cite(snapshot.document(node.document_id), node.start, node.end) for node in nodes)
    for citation, node in zip(citations, nodes, strict=True):
        check(snapshot, node.document_id, citation)
    return Answer(text, citations, evidence, True, agent, (agent,), evidence.cost, confidence=confidence)


def plain(quote: str) -> str:
    """A quote on one line, without the marks of a Markdown block quote at the beginning of its lines.

    >>> plain("> wrapped\\n> here")
    'wrapped here'
    """
    return " ".join(_QUOTE_MARK.sub("", quote).split())
