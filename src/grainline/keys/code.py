"""The keys of functions and classes: their names, what is said of them, and how they are declared. Only code has them.

The body has no key of its own: the passages of a function are found by their `text`, and alone a body was the weakest key of all.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from grainline.types import Document, Key, Node, Shaped

KINDS = ("symbol", "signature", "comment")
SYMBOLS = frozenset({"function", "class"})
SAID = frozenset({"docstring", "comment"})
#: steps of a file's path that stand above its symbols, and those that say nothing of what is in it
STEPS, PLAIN = 3, frozenset({"src", "lib", "main", "mod", "init", "index", "py", "tests"})
#: characters of what is said of a symbol that go into its `signature` key: docstrings go on with parameters and examples
LEAD = 400

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")
_SUFFIX = re.compile(r"\.\w{1,4}$")
_MARKS = re.compile(r"^[ \t]*(?:/\*+!?|\*+/|//[/!]*|\*+|#+!?)[ \t]?|[ \t]*\*+/[ \t]*$", re.MULTILINE)


def keys(document: Document, shaped: Shaped, only: Collection[str] | None = None) -> Iterator[Key]:
    """The keys of a document's functions and classes, or of those with these ids: `symbol` (the names above and its own), `signature`
    (these in words, the beginning of what is said of it, its declaration) and, where something is said of it, `comment`."""
    symbols = [node for node in shaped.nodes if node.kind in SYMBOLS]
    if not symbols:
        return
    above = words(" ".join(_above(document)))
    said = _said(document, symbols)
    for node in symbols:
        if only is not None and node.id not in only:
            continue
        name = words(node.name)
        about, inside = said.get(node.id, ("", ""))
        yield Key(node.id, "symbol", f"{above}\n{node.name}")
        lead = [f"{part}." for part in (above, name) if part]
        declared = str(node.meta.get("signature", ""))
        yield Key(node.id, "signature", " ".join([*lead, *_beginning(about), declared]).strip())
        if about or inside:
            yield Key(node.id, "comment", f"{about} {inside}".strip())


def words(name: str) -> str:
    """The words that a name is made of.

    >>> words("HTTPServer.send_all2")
    'http server send all 2'
    """
    return " ".join(_WORDS.findall(name)).lower()


def _above(document: Document) -> list[str]:
    """What the file that a symbol stands in is called, with the folders above; records of a corpus may tell it, or tell nothing."""
    given = document.meta.get("path", ())
    path = "/".join([given] if isinstance(given, str) else map(str, given)) or (
        "" if "#" in document.source else document.source
    )
    steps = [_SUFFIX.sub("", step) for step in path.replace(" > ", "/").split("/")]
    return [step for step in steps if step.strip("_. ").lower() not in PLAIN][-STEPS:]


def _said(document: Document, symbols: Sequence[Node]) -> dict[str, tuple[str, str]]:
    """What is said of each symbol (docstrings, comments in front) and inside of it (other comments), without marks, by its id; what is
    said in a symbol in another one is that one's."""
    found: dict[str, tuple[list[str], list[str]]] = {}
    heads: dict[str, int] = {}
    open_nodes: list[Node] = []
    waiting = sorted(symbols, key=lambda node: (-node.start, node.end))
    for part in document.parts:
        if part.kind not in SAID and part.kind != "signature":
            continue
        while waiting and waiting[-1].start <= part.start:
            open_nodes.append(waiting.pop())
        while open_nodes and open_nodes[-1].end <= part.start:
            open_nodes.pop()
        owner = open_nodes[-1].id if open_nodes else ""
        if part.kind == "signature":
            heads.setdefault(owner, part.start)
        elif owner and (text := " ".join(_MARKS.sub("", document.text[part.start : part.end]).split())):
            is_inside = part.kind == "comment" and owner in heads
            found.setdefault(owner, ([], []))[is_inside].append(text)
    return {node: (" ".join(about), " ".join(inside)) for node, (about, inside) in found.items()}


def _beginning(comment: str) -> list[str]:
    """The beginning of what is said, up to the end of a word."""
    if len(comment) <= LEAD:
        return [comment] if comment else []
    return [comment[:LEAD].rpartition(" ")[0] or comment[:LEAD]]
