"""Sentences and what surrounds them: match passages, walk to the best sentence and its neighbours."""

from __future__ import annotations

from grainline.agents.hybrid import match_best
from grainline.agents.trace import Trace
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Where
from grainline.walk.window import Window as Widen


class Window:
    """The sentence that matches with those before and after it, or the exchange it is part of; for news, chat, transcripts."""

    name = "window"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` windows. Raises `ModelError` and `UsageError` if the library's encoder cannot be used; where it is not installed
        words alone are matched."""
        trace = Trace(budget)
        hits = match_best(self._snapshot, question, k, where, budget, trace)
        if trace.affords(step := "walk to the sentences around the best one"):
            hits = trace.note(step, Widen(self._snapshot, question).walk(hits, where))
        return trace.evidence(hits)
