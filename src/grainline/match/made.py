"""Keys that a language model made: what a long text is about, what a passage answers, what a function does, what a table holds,
what a picture shows.

What the model wrote of a node is kept as work from its document (see `store.work`), and searched like any other key, in an index of its
kind; so it is seen, counted, restricted and removed with its document. Nobody is ever shown it as something that a document says.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from grainline.errors import DamagedError
from grainline.match.index import Index
from grainline.match.postings import Builder, text_hash
from grainline.store.snapshot import Snapshot
from grainline.store.work import Work, key_of
from grainline.text import terms
from grainline.types import Shaped

#: the kind of work
KIND = "key"
#: the kinds of keys, each with an index of its own
SUMMARY, CODE, TABLE, PICTURE, QUESTION = (f"{what} by model" for what in ("summary", "code", "table", "picture", "question"))
KINDS = (SUMMARY, CODE, TABLE, PICTURE, QUESTION)


@dataclass(frozen=True, slots=True)
class Made:
    """The keys of one kind that a model wrote for one node: the row number of its document, its place there and its id."""

    kind: str
    number: int
    place: int
    node: str
    texts: tuple[str, ...]
    model: str

    @property
    def key(self) -> int:
        """What it is kept under."""
        return key(self.kind, self.node)

    def work(self) -> Work:
        """What is kept of it."""
        data = {"kind": self.kind, "node": self.node, "place": self.place, "texts": list(self.texts), "model": self.model}
        return Work(KIND, (self.number,), data)


def key(kind: str, node: str) -> int:
    """What the keys of a kind are kept under that a model wrote for a node, by its id."""
    return key_of(KIND, kind, node)


def made(work: Work) -> Made:
    """The keys that are kept as a piece of work."""
    data = work.data
    return Made(data["kind"], work.documents[0], data["place"], data["node"], tuple(data["texts"]), data["model"])


def every(snapshot: Snapshot) -> list[Made]:
    """All keys that a model made from documents that are there, in no order that counts."""
    known = snapshot.sources()
    return [made(work) for work in snapshot.works(KIND) if known.keys() >= set(work.documents)]


def written(snapshot: Snapshot, kind: str, node: str) -> Made | None:
    """The keys of a kind that a model wrote for a node, by its id; None where it wrote none."""
    work = snapshot.work(key(kind, node))
    return made(work) if work else None


def text_of(snapshot: Snapshot, kind: str, node: str, text: int) -> str:
    """What the key of a kind says that a model wrote for a node and whose text has this hash. Raises `DamagedError` if it is not there."""
    found = written(snapshot, kind, node)
    for said in found.texts if found else ():
        if text_hash(said) == text:
            return said
    raise DamagedError(f"a {kind} is missing from the library; run `grainline doctor`")


def said_of(snapshot: Snapshot, nodes: Sequence[str]) -> list[str]:
    """All that a model wrote for each of some nodes, by their ids, a key a line; "" where it wrote nothing."""
    held = [kind for kind in KINDS if Index(snapshot, kind).size]
    return [
        "\n".join(text for kind in held if (made := written(snapshot, kind, node)) for text in made.texts) for node in nodes
    ]


def builders(found: Iterable[Made]) -> dict[str, Builder]:
    """Keys by kind, ready for the index."""
    ready: defaultdict[str, Builder] = defaultdict(Builder)
    for one in found:
        for text in one.texts:
            ready[one.kind].add(one.number, one.place, terms(text), text_hash(text))
    return dict(ready)


def moved(works: Iterable[Work], shapes: Mapping[int, Shaped]) -> list[Made]:
    """The keys among works, as those of the documents with these numbers and shapes."""
    found = [made(work) for work in works if work.kind == KIND and shapes.keys() >= set(work.documents)]
    return [replace(one, node=shapes[one.number].nodes[one.place].id) for one in found]


def signed(snapshot: Snapshot, via: tuple[str, ...], node: str) -> tuple[str, ...]:
    """Ways to a node that name the model which wrote a key: "bm25:summary by model" becomes "bm25:summary by NAME"."""
    ways = []
    for way in via:
        kind = way.partition(":")[2]
        found = written(snapshot, kind, node) if kind in KINDS else None
        ways.append(f"{way.removesuffix('model')}{found.model}" if found else way)
    return tuple(ways)
