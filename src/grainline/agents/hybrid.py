"""Words and meaning: match by BM25, embed what that proposes and what resembles the best of it, fuse both scores, walk up and down."""

from __future__ import annotations

from grainline.agents.candidates import Candidates, Plan, filled
from grainline.agents.trace import Trace
from grainline.errors import MissingExtraError
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Cost, Evidence, Hit, Where
from grainline.walk.outline import Outline as UpAndDown

PLAN = Plan(first=90, terms=7_000, least=120, most=195, embedded=196)
#: for agents that walk from here
SMALLER = Plan(first=90, terms=7_000, least=120, most=195, embedded=150)
#: hits that take part in the vote of the sections, at least
VOTERS = 30


class Hybrid:
    """BM25 and vectors over passages, embedded when a question first touches them; for unstructured prose."""

    name = "hybrid"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The best `k` passages. Raises `MissingExtraError` and `ModelError` if the library's encoder cannot be used."""
        trace = Trace(budget)
        found = Candidates(self._snapshot, question, where, PLAN.within(budget.embedded), trace)
        ranked = found.propose(k)
        hits = trace.note("fuse words and meaning", found.best(max(k, VOTERS)))
        if trace.affords(step := "walk up to the sections and down"):
            hits = trace.note(step, UpAndDown(self._snapshot).walk(hits, where))
        return trace.evidence(filled(found.words, hits, ranked, k))


def match_best(snapshot: Snapshot, question: str, k: int, where: Where, budget: Budget, trace: Trace) -> list[Hit]:
    """The match step alone, for agents that walk in their own way: the best `k` passages by words and meaning, equal ones by source and
    place; by words alone where `budget` lets nothing be embedded, or where what the encoder needs is not installed, which the trace then
    tells. Raises `ModelError` and `UsageError` if the encoder cannot be used."""
    plan = SMALLER.within(budget.embedded)
    if trace.affords(step := "match the meaning of passages", Cost(embedded=1)):
        try:
            found = Candidates(snapshot, question, where, plan, trace)
            ranked = found.propose(k)
            return filled(found.words, trace.note("fuse words and meaning", found.best(k)), ranked, k)
        except MissingExtraError as error:
            trace.count(step, f"left out: {error}")
    return trace.note("match the words of passages (BM25)", Lexical(snapshot).match(question, k, where))
