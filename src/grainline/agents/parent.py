"""Whole documents: match fragments, walk up to the document, and in a court case down to its judgment."""

from __future__ import annotations

from grainline.agents.hybrid import match_best
from grainline.agents.trace import Trace
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Where
from grainline.walk.parent import Parent as Up

#: fragments matched for each document wanted
FRAGMENTS = 5
#: documents among which the best court case is looked for
CASES = 3


class Parent:
    """The whole document that the matching fragments belong to; for cases, contracts, tickets."""

    name = "parent"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` hits: documents, and behind the best court case, if one is near the top, its judgment, reasoning and facts.

        Raises `ModelError` and `UsageError` if the library's encoder cannot be used; where it is not installed words alone are matched.
        """
        trace = Trace(budget)
        hits = match_best(self._snapshot, question, k * FRAGMENTS, where, budget, trace)
        up = Up(self._snapshot, question)
        if trace.affords(step := "walk up to the documents"):
            hits = trace.note(step, up.walk(hits, where))
            best = hits[:CASES] if trace.affords(step := "walk down to the portions of the best case") else []
            for place, hit in enumerate(best):
                if portions := up.portions(hit, hits[place + 1].score if place + 1 < len(hits) else 0.0):
                    hits[place + 1 : place + 1] = trace.note(step, portions)
                    break
        return trace.evidence(hits[:k])
