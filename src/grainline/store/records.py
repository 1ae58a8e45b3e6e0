"""Documents and their shapes as rows and back; every row carries a seal over all its fields."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

from grainline.errors import DamagedError
from grainline.store.seal import check
from grainline.types import Document, Edge, Node, Part, Shaped

HEAD = "number, id, source, file, title, language, labels, meta"
BODY = "text, lines, parts, shape"

Row = Sequence[Any]


#: JSON without blanks, keys in order, Chinese as it is: equal values give equal text
dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def to_row(number: int, file: str, document: Document, shaped: Shaped) -> tuple[Any, ...]:
    """The row of `documents` in the order of HEAD, head_seal, BODY, body_seal."""
    labels, meta = dump(sorted(document.labels)), dump(document.meta) if document.meta else "{}"
    head = (number, document.id, document.source, file, document.title, document.language, labels, meta)
    body = (document.text, pack_lines(document.lines), pack_parts(document.parts), pack_shape(document.id, shaped))
    return (*head, check(*head), *body, check(number, *body))


@dataclass(frozen=True)
class Stored:
    """A document as its row holds it; parsed as far as it is asked for. Raises `DamagedError` on a wrong seal when made."""

    row: Row

    def __post_init__(self) -> None:
        row = self.row
        if row[8] != check(*row[:8]) or row[13] != check(row[0], *row[9:13]):
            raise DamagedError(f"the document {row[2]} is damaged; run `grainline doctor`")

    @property
    def number(self) -> int:
        """The row's number, which the index refers to."""
        return int(self.row[0])

    @property
    def file(self) -> str:
        """The path of the file that the document came from."""
        return str(self.row[3])

    @cached_property
    def document(self) -> Document:
        """The document with its parts."""
        row = self.row
        labels, meta = tuple(json.loads(row[6])), json.loads(row[7])
        return Document(row[1], row[2], row[4], row[9], unpack_parts(row[11]), row[5], labels, meta, unpack_lines(row[10]))

    @cached_property
    def shaped(self) -> Shaped:
        """Its nodes and edges."""
        return unpack_shape(self.row[1], self.row[12])

    @cached_property
    def ordinals(self) -> dict[str, int]:
        """The place of each node in `shaped.nodes` by its id."""
        return {node.id: place for place, node in enumerate(self.shaped.nodes)}


def pack_lines(lines: Iterable[int]) -> str:
    """Runs of (source line, how often it repeats or, negative, how far it counts up).

    >>> pack_lines((7, 7, 7)), pack_lines((3, 4, 5, 9)), unpack_lines("[[3,-3],[9,1]]")
    ('[[7,3]]', '[[3,-3],[9,1]]', (3, 4, 5, 9))
    """
    runs: list[list[int]] = []
    for line in lines:
        if runs:
            first, length = runs[-1]
            if line == first and length > 0:
                runs[-1][1] += 1
                continue
            if line == first + abs(length) and (length < 0 or length == 1):
                runs[-1][1] = -abs(length) - 1
                continue
        runs.append([line, 1])
    return dump(runs)


def unpack_lines(packed: str) -> tuple[int, ...]:
    """The inverse of `pack_lines`."""
    if packed == "[]":
        return ()
    runs = json.loads(packed)
    return tuple(chain.from_iterable([first] * n if n > 0 else range(first, first - n) for first, n in runs))


def pack_parts(parts: Iterable[Part]) -> str:
    """Parts as JSON rows."""
    rows = [
        [p.kind, p.start, p.end, p.name, p.level, p.meta] if p.meta or p.name or p.level else [p.kind, p.start, p.end]
        for p in parts
    ]
    return dump(rows)


def unpack_parts(packed: str) -> tuple[Part, ...]:
    """The inverse of `pack_parts`."""
    return tuple(Part(*row) for row in json.loads(packed))


def pack_shape(document_id: str, shaped: Shaped) -> str:
    """Nodes as JSON rows without what repeats (the document's id, the path of names), edges as pairs of places."""
    paths: dict[tuple[str, ...], int] = {}
    nodes = []
    for node in shaped.nodes:
        meta = dict(node.meta)
        path = meta.pop("path", None)
        place = -1 if path is None else paths.setdefault(tuple(path), len(paths))
        nodes.append(
            [node.id.removeprefix(document_id), node.kind, node.name, node.start, node.end, place, *([meta] if meta else [])]
        )
    places = {node.id: number for number, node in enumerate(shaped.nodes)}
    edges: dict[str, list[float]] = {}
    for edge in shaped.edges:
        edges.setdefault(edge.kind, []).extend((places[edge.source], places[edge.target], edge.weight))
    return dump([nodes, list(paths), edges])


def unpack_shape(document_id: str, packed: str) -> Shaped:
    """The inverse of `pack_shape`."""
    rows, paths, kinds = json.loads(packed)
    nodes = []
    for suffix, kind, name, start, end, place, *rest in rows:
        meta = dict(rest[0]) if rest else {}
        if place >= 0:
            meta["path"] = paths[place]
        nodes.append(Node(document_id + suffix, document_id, kind, name, start, end, meta))
    edges = [
        Edge(nodes[int(source)].id, nodes[int(target)].id, kind, weight)
        for kind, flat in kinds.items()
        for source, target, weight in zip(flat[0::3], flat[1::3], flat[2::3], strict=True)
    ]
    return Shaped(tuple(nodes), tuple(edges))
