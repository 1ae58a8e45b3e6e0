"""Heading trees: match passages and the names above them, walk up to their sections and down again; before them all the articles that the
question points at by their number."""

from __future__ import annotations

from grainline.agents.trace import Trace
from grainline.graph.pointed import pointed
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.types import ASKED, EVERYWHERE, NO_LIMIT, Budget, Evidence, Hit, Where
from grainline.walk.outline import Outline as UpAndDown

#: matches that take part in the vote of the sections, at least
VOTERS = 100
#: what a match of the names above a passage adds, as a share of its score
NAMES = 0.1


class Outline:
    """Sections and the passages under them; for textbooks, manuals, statutes."""

    name = "outline"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._words = Lexical(snapshot, "text")
        self._names = Lexical(snapshot, "name")

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` passages."""
        trace = Trace(budget)
        wanted = max(VOTERS, k)
        hits = trace.note("match the words of passages (BM25)", self._words.match(question, wanted, where))
        if trace.affords(step := "match the names above passages (BM25)"):
            hits = _together(hits, trace.note(step, self._names.match(question, wanted, where)))
        if trace.affords(step := "walk up to the sections and down"):
            hits = trace.note(step, UpAndDown(self._snapshot).walk(hits, where))
        if asked := self._asked(question, hits, where):
            trace.count("read the numbers of articles", f"{len(asked)} hits")
        return trace.evidence([*asked, *(hit for hit in hits if not any(_within(hit, one) for one in asked))][:k])

    def _asked(self, question: str, hits: list[Hit], where: Where) -> list[Hit]:
        """What the question points at; as good as the best of the other hits."""
        best = hits[0].score if hits else 0.0
        nodes = [node for one in pointed(question, self._snapshot, where) for node in one.nodes]
        return [Hit(node, best, ("named by its number", ASKED)) for node in nodes]


def _within(hit: Hit, other: Hit) -> bool:
    """Whether a hit is a part of another one."""
    node, whole = hit.node, other.node
    return node.document_id == whole.document_id and whole.start <= node.start and node.end <= whole.end


def _together(words: list[Hit], names: list[Hit]) -> list[Hit]:
    """Every passage whose words matched, its score raised by the names above it, best first."""
    named = {hit.node.id: hit for hit in names}
    hits = [
        Hit(hit.node, hit.score + NAMES * named[hit.node.id].score, (*hit.via, *named[hit.node.id].via))
        if hit.node.id in named
        else hit
        for hit in words
    ]
    return sorted(hits, key=lambda hit: -hit.score)
