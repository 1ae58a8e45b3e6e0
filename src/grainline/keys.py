"""Nodes to keys: what a search compares a question with. Several keys may point at one node."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence

from grainline.text import count_tokens, sentences
from grainline.types import Document, Key, Node, Shaped

#: an encoder is given a text of more tokens in windows of about so many: a vector of a long text says little about any part of it
LONG, WINDOW = 120, 60
#: characters of a long title that go with each window
TITLE = 60
#: windows of one text, at most; what is behind them is left to words
MOST = 64
#: kinds of nodes that can be found; the rest are reached by walks
FOUND = frozenset(("passage",))


def keys(document: Document, shaped: Shaped, only: Collection[str] | None = None) -> Iterator[Key]:
    """The keys of a document's nodes, or of those with these ids: `text` (title, the header of a table, the words themselves) and `name`
    (title and path)."""
    text = document.text
    headers = [
        (node.start, node.end, *node.meta["header"]) for node in shaped.nodes if node.kind == "table" and "header" in node.meta
    ]
    for node in shaped.nodes:
        if node.kind not in FOUND or (only is not None and node.id not in only):
            continue
        yield Key(node.id, "text", f"{document.title}\n{_header(text, node, headers)}{text[node.start : node.end]}")
        yield Key(node.id, "name", "\n".join((document.title, *node.meta.get("path", ()))))


def texts_of(document: Document, shaped: Shaped, wanted: Collection[str]) -> dict[str, str]:
    """What the `text` keys of the nodes with these ids say, by id."""
    return {key.node_id: key.text for key in keys(document, shaped, wanted) if key.kind == "text"}


def units(text: str) -> list[str]:
    """What an encoder is given of a `text` key: all of it as prose, or windows of whole sentences where it is long.

    A full stop behind the title, not the line break: on musique that ranks .03 nDCG@10 better with e5.

    >>> units("Owls\\nThey hunt at night.")
    ['Owls. They hunt at night.']
    """
    title, _, said = text.partition("\n")
    if count_tokens(said) <= LONG:
        return [f"{title}. {said}" if title else said]
    lead = title if len(title) <= TITLE else title[-TITLE:].partition(" ")[2] or title[-TITLE:]
    windows: list[tuple[int, int]] = []
    for start, end in sentences(said):
        if windows and count_tokens(said[windows[-1][0] : end]) <= WINDOW:
            windows[-1] = (windows[-1][0], end)
        else:
            windows.append((start, end))
    return [f"{lead}. {said[start:end]}" if lead else said[start:end] for start, end in windows[:MOST]]


def _header(text: str, node: Node, headers: Sequence[tuple[int, int, int, int]]) -> str:
    """The header of the table that a passage is cut from, where the passage does not hold it itself."""
    place = bisect_right(headers, (node.start, sys.maxsize)) - 1
    if place < 0 or node.end > headers[place][1] or node.start < headers[place][3]:
        return ""
    return text[headers[place][2] : headers[place][3]] + "\n"
