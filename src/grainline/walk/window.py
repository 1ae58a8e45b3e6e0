"""From a passage to the sentence in it that matched, and from there to the sentences before and after."""

from __future__ import annotations

from collections.abc import Sequence

from grainline.text import question_terms, sentences, terms
from grainline.types import EVERYWHERE, Document, Graph, Hit, Node, Where

#: sentences handed over on either side of the one that matched
REACH = 3


class Window:
    """Widens each hit to its best sentence with `reach` sentences before and after, along `next` edges across passages."""

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
        start, end = self._around(document, hit.node)
        spans = sentences(document.text, start, end)
        best = max(range(len(spans)), key=lambda place: (self._worth(document, hit.node, spans[place]), -place), default=0)
        near = spans[max(0, best - self._reach) : best + self._reach + 1]
        if not near:
            return hit
        first, last = near[0][0], near[-1][1]
        meta = {**hit.node.meta, "sentence": list(spans[best])}
        node = Node(f"{document.id}:w{first}-{last}", document.id, "window", hit.node.name, first, last, meta)
        return Hit(node, hit.score, (*hit.via, "walk:next"))

    def _around(self, document: Document, node: Node) -> tuple[int, int]:
        """The span of the passage with its neighbours along `next`, as far as their names say they are of one document."""
        shaped = self._graph.shaped(document.id)
        spans = {other.id: (other.start, other.end) for other in shaped.nodes}
        start, end = node.start, node.end
        for edge in shaped.edges:
            if edge.kind == "next" and edge.target == node.id:
                start = spans[edge.source][0]
            elif edge.kind == "next" and edge.source == node.id:
                end = spans[edge.target][1]
        return start, end

    def _worth(self, document: Document, node: Node, span: tuple[int, int]) -> float:
        """How many of the question's terms a sentence of the passage itself holds; sentences outside count nothing."""
        if span[1] <= node.start or span[0] >= node.end:
            return -1.0
        found = terms(document.text[span[0] : span[1]])
        return len(self._wanted & set(found)) + 0.01 * sum(term in self._wanted for term in found)


def _overlap(one: Node, other: Node) -> bool:
    return one.document_id == other.document_id and one.start < other.end and other.start < one.end
