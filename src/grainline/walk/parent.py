"""From fragments up to the whole document they belong to."""

from __future__ import annotations

from collections.abc import Sequence

from grainline.types import EVERYWHERE, Graph, Hit, Where

#: what each further matching fragment adds to a document's score, as a share of its own, halved each time: several fragments say
#: more than one, but many weak ones must not outweigh one that answers
SHARE = 0.25


class Parent:
    """Goes from each hit to its document."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def walk(self, hits: Sequence[Hit], where: Where = EVERYWHERE) -> list[Hit]:
        """One hit a document, best first: its best fragment's score, and a little for each further one. `via` names the fragments."""
        visible = self._graph.visible(where)
        fragments: dict[str, list[Hit]] = {}
        for hit in sorted(hits, key=lambda hit: -hit.score):
            if visible(hit.node.document_id):
                fragments.setdefault(hit.node.document_id, []).append(hit)
        whole = []
        for document_id, own in fragments.items():
            score = own[0].score + sum(hit.score * SHARE / 2**place for place, hit in enumerate(own[1:]))
            via = (*own[0].via, "walk:parent", *(f"fragment:{hit.node.start}-{hit.node.end}" for hit in own[:3]))
            whole.append(Hit(self._graph.shaped(document_id).nodes[0], score, via))
        return sorted(whole, key=lambda hit: -hit.score)
