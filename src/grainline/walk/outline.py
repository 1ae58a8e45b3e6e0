"""Up from passages to the sections that hold them, and down again: a section whose passages match well lifts them all.

A section is known by its lineage, the names above a passage: of the document it was cut from where the source tells (a breadcrumb of
a corpus), the document, and its headings. Sections of different documents with one lineage are one section, as the articles of a
statute's chapter are when each article is a document.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from grainline.types import EVERYWHERE, Document, Graph, Hit, Node, Where

#: a section is worth the mean of its best passages, as many as these
VOTES = 3
#: how much of the mean worth of its sections is added to a passage's own score
PULL = 0.5

Lineage = tuple[str, ...]


class Outline:
    """Rescores passages by the sections they stand in, and adds passages of the best section that did not match by themselves."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    def walk(self, hits: Sequence[Hit], where: Where = EVERYWHERE) -> list[Hit]:
        """All hits again, best first, with `walk:outline` in `via`; then the rest of the best hit's section in reading order."""
        visible = self._graph.visible(where)
        seen = [(hit, self._lineages(hit.node)) for hit in hits if visible(hit.node.document_id)]
        scores: dict[Lineage, list[float]] = {}
        for hit, lineages in seen:
            for lineage in lineages:
                scores.setdefault(lineage, []).append(hit.score)
        worth = {lineage: sum(sorted(own, reverse=True)[:VOTES]) / VOTES for lineage, own in scores.items()}
        lifted = [
            Hit(hit.node, hit.score + PULL * fmean([worth[lineage] for lineage in lineages] or [0.0]), _via(hit, lineages))
            for hit, lineages in seen
        ]
        lifted.sort(key=lambda hit: -hit.score)
        return lifted + (self._rest(lifted) if lifted else [])

    def _lineages(self, node: Node) -> list[Lineage]:
        """The lineages of all sections above a node, the widest first."""
        names = lineage(self._graph.document(node.document_id), node)
        return [names[: depth + 1] for depth in range(len(names))]

    def _rest(self, hits: Sequence[Hit]) -> list[Hit]:
        """Passages of the best hit's section that are no hits yet, weaker than any hit."""
        node = hits[0].node
        path = node.meta.get("path")
        known = {hit.node.id for hit in hits}
        if not path:
            return []
        nodes = self._graph.shaped(node.document_id).nodes
        same = [
            other for other in nodes if other.kind == node.kind and other.meta.get("path") == path and other.id not in known
        ]
        return [
            Hit(other, hits[-1].score / (place + 2), ("walk:down " + " > ".join(path),)) for place, other in enumerate(same)
        ]


def lineage(document: Document, node: Node) -> Lineage:
    """The names above a node: a corpus's breadcrumb, else the folder (which a README speaks for) and the file; then headings."""
    path = tuple(node.meta.get("path") or ())
    if document.meta.get("path"):
        return path
    folder, _, _ = document.source.rpartition("/")
    return (folder, document.source, *path) if folder and "#" not in document.source else (document.source, *path)


def _via(hit: Hit, lineages: Sequence[Lineage]) -> tuple[str, ...]:
    return (*hit.via, "walk:outline " + " > ".join(lineages[-1])) if lineages else hit.via
