"""From a passage to the sentence in it that matched, and from there to what surrounds it and belongs with it."""

from __future__ import annotations

from collections.abc import Sequence

from grainline.text import count_tokens, question_terms, sentences, terms
from grainline.types import EVERYWHERE, Document, Graph, Hit, Node, Shaped, Where

#: sentences handed over on either side of the one that matched
REACH = 3
#: tokens of an exchange that is handed over whole; in a longer one only the sentences around the best one are
EXCHANGE = 400


class Window:
    """Widens each hit to its best sentence and what belongs around it.

    In a chat that is the exchange that the turn with the sentence is part of; elsewhere `reach` sentences before and after, along `next`
    edges across passages, as long as these have one parent: a window stays inside its section, or its portion of a case.
    """

    def __init__(self, graph: Graph, question: str, reach: int = REACH) -> None:
        self._graph = graph
        self._wanted = set(question_terms(question))
        self._reach = reach

    def walk(self, hits: Sequence[Hit], where: Where = EVERYWHERE) -> list[Hit]:
        """One window a hit, best first; windows of one document that overlap become one with the better score."""
        visible = self._graph.visible(where)
        windows: list[Hit] = []
        for hit in hits:
            if visible(hit.node.document_id):
                window = self._widen(hit)
                if not any(_overlap(window.node, other.node) for other in windows):
                    windows.append(window)
        return windows

    def _widen(self, hit: Hit) -> Hit:
        document = self._graph.document(hit.node.document_id)
        shaped = self._graph.shaped(document.id)
        start, end = _around(shaped, hit.node)
        spans = sentences(document.text, start, end)
        best = max(range(len(spans)), key=lambda place: (self._worth(document, hit.node, spans[place]), -place), default=0)
        near = spans[max(0, best - self._reach) : best + self._reach + 1]
        if not near:
            return hit
        first, last, way = near[0][0], near[-1][1], "walk:next"
        exchange = _holding(shaped, "exchange", spans[best][0])
        if exchange and count_tokens(document.text[exchange.start : exchange.end]) <= EXCHANGE:
            first, last, way = exchange.start, exchange.end, "walk:exchange"
        meta = {**hit.node.meta, "sentence": list(spans[best])}
        if turn := _holding(shaped, "turn", spans[best][0]):
            meta["speaker"] = turn.name
        node = Node(f"{document.id}:w{first}-{last}", document.id, "window", hit.node.name, first, last, meta)
        return Hit(node, hit.score, (*hit.via, way))

    def _worth(self, document: Document, node: Node, span: tuple[int, int]) -> float:
        """How many of the question's terms a sentence of the passage itself holds; sentences outside count nothing."""
        if span[1] <= node.start or span[0] >= node.end:
            return -1.0
        found = terms(document.text[span[0] : span[1]])
        return len(self._wanted & set(found)) + 0.01 * sum(term in self._wanted for term in found)


def _around(shaped: Shaped, node: Node) -> tuple[int, int]:
    """The span of the passage with its neighbours along `next` that have the same parent."""
    spans = {other.id: (other.start, other.end) for other in shaped.nodes}
    near: dict[str, str] = {}
    parents: dict[str, str] = {}
    for edge in shaped.edges:
        if edge.kind == "child":
            parents[edge.target] = edge.source
        elif edge.kind == "next" and node.id in (edge.source, edge.target):
            near["before" if edge.target == node.id else "behind"] = edge.source if edge.target == node.id else edge.target
    own = {side: spans[other] for side, other in near.items() if parents.get(other) == parents.get(node.id)}
    return own.get("before", (node.start, 0))[0], own.get("behind", (0, node.end))[1]


def _holding(shaped: Shaped, kind: str, place: int) -> Node | None:
    """The node of a kind that holds a place."""
    return next((node for node in shaped.nodes if node.kind == kind and node.start <= place < node.end), None)


def _overlap(one: Node, other: Node) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end
