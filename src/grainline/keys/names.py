"""The keys of what tables and columns are called: each name as people read it, so that a question in other words can meet it.

A name is compared by its meaning when a question is asked, not embedded when a file is added; as a key it keeps its vector for as long as
some table of the library has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from grainline.keys.cells import Cells
from grainline.text import CJK
from grainline.types import Document, Key, Node, Shaped

#: the kind of these keys
KIND = "column"
#: names of one table that are keys, and characters of a name; what is longer is a sentence
MOST, LONGEST = 300, 100
_WORD = re.compile(rf"[{CJK}]+|[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z{CJK}]+")


def keys(document: Document, shaped: Shaped) -> Iterator[Key]:
    """A key for each name of a document's tables and their columns, each once a table, in the order of the nodes."""
    tables = [node for node in shaped.nodes if node.kind == "table"]
    if not tables:
        return
    cells = Cells(document, [part for part in document.parts if part.kind == "header"])
    for node in tables:
        columns, _ = cells.header(node)
        said = dict.fromkeys(map(readable, (_called(document, node), *columns[:MOST])))
        yield from (Key(node.id, KIND, name) for name in said if name)


def _called(document: Document, node: Node) -> str:
    """What a table is called: its own name, the heading above it, or the document's title."""
    return node.name.strip() or next(reversed(node.meta.get("path", ())), "") or document.title


def readable(name: str) -> str:
    """A name as people read it; "" for one that says nothing or too much.

    >>> readable("Song_releaseYear2"), readable("客户ID"), readable("2019")
    ('song release year 2', '客户 id', '')
    """
    said = " ".join(words_of(name)).lower()
    return said if len(said) <= LONGEST and any(map(str.isalpha, said)) else ""


def words_of(name: str) -> list[str]:
    """The words of a name, cut at underscores, capitals and digits; a run of Chinese is one.

    >>> words_of("Song_releaseYear2"), words_of("客户ID")
    (['Song', 'release', 'Year', '2'], ['客户', 'ID'])
    """
    return _WORD.findall(name)
