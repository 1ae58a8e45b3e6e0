"""What a document brings to the indexes of names and phrases."""

from __future__ import annotations

from collections.abc import Iterator

from grainline.graph.names import NAMED, names
from grainline.graph.phrases import PHRASE, phrases
from grainline.graph.spelling import head, number
from grainline.types import Document, Shaped


def entries(document: Document, shaped: Shaped) -> Iterator[tuple[str, int, list[int]]]:
    """(kind, place of a node, the numbers of its names or phrases) for each node that has some; a longer name brings the number of its
    head, too, by which it is found (see `graph.scan`)."""
    for place, called in names(document, shaped):
        yield NAMED, place, sorted({number(name) for name in called} | {head(name) for name in called if len(name) > 2})
    for place, node in enumerate(shaped.nodes):
        if node.kind == "passage" and (held := phrases(document.text[node.start : node.end])):
            yield PHRASE, place, sorted(map(number, held))
