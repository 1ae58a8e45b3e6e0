"""Sentences and what surrounds them: match passages, walk to the best sentence and its neighbours."""

from __future__ import annotations

from grainline.agents.trace import Trace
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Where
from grainline.walk.window import Window as Widen


class Window:
    """The sentence that matches with those before and after it; for news, chat, transcripts."""

    name = "window"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._match = Lexical(snapshot)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` windows."""
        trace = Trace(budget)
        hits = trace.note("match the words of passages (BM25)", self._match.match(question, k, where))
        if trace.affords(step := "walk to the sentences around the best one"):
            hits = trace.note(step, Widen(self._snapshot, question).walk(hits, where))
        return trace.evidence(hits)
