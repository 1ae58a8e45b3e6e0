"""What the tests of shapes share: documents made or read, and what holds for every shape."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from grainline.readers import reader_for
from grainline.shapes import shape
from grainline.shapes.passages import MAXIMUM
from grainline.text import count_tokens
from grainline.types import Document, Limits, Node, Part, Shaped

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
shared = pytest.mark.skipif(not SHARED.exists(), reason="the real files of ../shared are not here")


def plain(text: str, *parts: Part, **meta: object) -> Document:
    return Document("d", "d.txt", "T", text, parts, meta=meta)


def read(path: Path) -> Document:
    reader = reader_for(path.name)
    assert reader is not None
    return next(iter(reader.read(path.read_bytes(), path.name, Limits())))


def markdown(text: str) -> Document:
    reader = reader_for("a.md")
    assert reader is not None
    return next(iter(reader.read(text.encode(), "a.md", Limits())))


def outline(shaped: Shaped) -> list[str]:
    """Sections as lines, two blanks a level."""
    return [2 * len(node.meta.get("path", ())) * " " + node.name for node in shaped.nodes if node.kind == "section"]


def passages(document: Document) -> list[str]:
    return [document.text[node.start : node.end] for node in shape(document).nodes if node.kind == "passage"]


def named(shaped: Shaped, name: str) -> Node:
    return next(node for node in shaped.nodes if node.name == name)


def parents(shaped: Shaped) -> dict[str, str]:
    return {edge.target: edge.source for edge in shaped.edges if edge.kind == "child"}


def check_shape(document: Document, shaped: Shaped) -> None:
    """What holds for every shape of every document."""
    text = document.text
    nodes = {node.id: node for node in shaped.nodes}
    assert len(nodes) == len(shaped.nodes)
    assert (shaped.nodes[0].kind, shaped.nodes[0].start, shaped.nodes[0].end) == ("document", 0, len(text))
    up = parents(shaped)
    assert set(up) == set(nodes) - {shaped.nodes[0].id}
    children: dict[str, list[Node]] = {}
    for edge in shaped.edges:
        if edge.kind == "child":
            parent, child = nodes[edge.source], nodes[edge.target]
            assert parent.start <= child.start < child.end <= parent.end
            assert text[child.start : child.end] == text[child.start : child.end].strip()
            children.setdefault(edge.source, []).append(child)
    for family in children.values():
        assert all(one.end <= other.start for one, other in pairwise(family))
    found = [node for node in shaped.nodes if node.kind == "passage"]
    assert all(one.end <= other.start for one, other in pairwise(found))
    following = [(edge.source, edge.target) for edge in shaped.edges if edge.kind == "next"]
    assert following == [(one.id, other.id) for one, other in pairwise(found)]
    for node in found:
        in_table = nodes[up[node.id]].kind == "table"
        assert in_table or count_tokens(text[node.start : node.end]) <= MAXIMUM
    covered = bytearray(len(text))
    for node in found:
        covered[node.start : node.end] = b"\1" * (node.end - node.start)
    for node in shaped.nodes:
        if "heading" in node.meta:
            start, end = node.meta["heading"]
            covered[start:end] = b"\1" * (end - start)
    left = "".join(letter for letter, seen in zip(text, covered, strict=True) if not seen)
    assert not any(letter.isalnum() for letter in left)
