"""Whole documents: match fragments, walk up to the document."""

from __future__ import annotations

from grainline.agents.trace import Trace
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Where
from grainline.walk.parent import Parent as Up

#: fragments matched for each document wanted
FRAGMENTS = 5


class Parent:
    """The whole document that the matching fragments belong to; for cases, contracts, tickets."""

    name = "parent"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._match = Lexical(snapshot)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` documents."""
        trace = Trace(budget)
        hits = trace.note("match the words of fragments (BM25)", self._match.match(question, k * FRAGMENTS, where))
        if trace.affords(step := "walk up to the documents"):
            hits = trace.note(step, Up(self._snapshot).walk(hits, where))
        return trace.evidence(hits[:k])
