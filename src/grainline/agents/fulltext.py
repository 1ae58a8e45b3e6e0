"""Full text: match by BM25, stay."""

from __future__ import annotations

from grainline.agents.trace import Trace
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Where


class Fulltext:
    """BM25 over the words of passages; for any text."""

    name = "fulltext"

    def __init__(self, snapshot: Snapshot) -> None:
        self._match = Lexical(snapshot)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The best `k` passages."""
        trace = Trace(budget)
        hits = trace.note("match the words of passages (BM25)", self._match.match(question, k, where))
        return trace.evidence(hits)
