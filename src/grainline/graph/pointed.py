"""The article of a law that a question points at by its number, whichever way the two write it: 刑法第67条 is its 第六十七条.

The law is named right before the number, by its title, or before another number that this one goes on from. A number without a law
points at something only where one document alone has it, for most laws have an article of that number.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from grainline.graph.names import NAMED
from grainline.graph.references import article
from grainline.graph.spelling import number
from grainline.match.index import Index
from grainline.store.records import Stored
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, Node, Where

_NUMERAL = r"[〇零○一二三四五六七八九十百千两\d]{1,9}"
_POINTS = re.compile(rf"(?:第\s?)?(?<![〇零○一二三四五六七八九十百千两\d])({_NUMERAL})\s?条(?:之({_NUMERAL}))?")
_HEADING = re.compile(rf"第\s?{_NUMERAL}\s?条(?:之{_NUMERAL})?")
#: what may stand between a law and a number, and between two numbers of one law
_BETWEEN = re.compile(r"[》\s的中里之]+$")
_JOINS = re.compile(r"\s*(?:[和与及、，,]|以及|到|至)\s*")
#: what titles have besides the name that people use: the state before it, the year behind it
_STATE, _YEAR = "中华人民共和国", re.compile(r"\(\d{4}年?[^()]*\)$")
#: how names of laws end, those among them that the library does not hold
_LAW = re.compile(r"[法典律例定则程约章案规议书》]$")
#: what may stand behind the number of an article that is named without its law: not what is counted
_BEHIND = re.compile(r"[^\w]|[的规和与及中里是说讲写对第款有怎包]|$")
#: characters that a name of a law has at least
LEAST = 2


@dataclass(frozen=True, slots=True)
class Pointed:
    """Words of a question that point at articles: a law from `law` on, its number at `start:end`, which is `written` so in the library, and
    the nodes."""

    law: int
    start: int
    end: int
    written: str
    nodes: tuple[Node, ...]


def pointed(question: str, snapshot: Snapshot, where: Where = EVERYWHERE) -> list[Pointed]:
    """What a question points at, from left to right; nodes in the order of their sources."""
    found: list[Pointed] = []
    before = ""
    for match in _POINTS.finditer(question):
        if not (found and _JOINS.fullmatch(question, found[-1].end, match.start())):
            before = _BETWEEN.sub("", question[: match.start()])
        if one := _found(before, match, snapshot, where):
            found.append(one)
    return found


def spelled(question: str, snapshot: Snapshot, where: Where = EVERYWHERE) -> str:
    """The question with the numbers of articles as the library writes them."""
    for one in reversed(pointed(question, snapshot, where)):
        question = f"{question[: one.start]}{one.written}{question[one.end :]}"
    return question


def _found(before: str, match: re.Match[str], snapshot: Snapshot, where: Where) -> Pointed | None:
    """What a number points at behind the words that may end with the name of a law."""
    plain = unicodedata.normalize("NFKC", before)
    bearers = list(_bearers(article(match[1], match[2]), snapshot, where))
    said = [
        max((len(name) for name in _names(stored.document.title) if plain.endswith(name)), default=0) for stored, _ in bearers
    ]
    length = max(said, default=0)
    counts = not match.group().startswith("第") or not _BEHIND.match(match.string, match.end())
    alone = not counts and not _LAW.search(plain) and len({stored.number for stored, _ in bearers}) == 1
    if not bearers or not (length or alone):
        return None
    nodes = [node for (_, node), own in zip(bearers, said, strict=True) if own == length]
    heading = _HEADING.search(nodes[0].name)
    law = max(0, len(before) - length)
    return Pointed(law, match.start(), match.end(), heading.group() if heading else match.group(), tuple(nodes))


def _names(title: str) -> Iterator[str]:
    """The names that a law goes by, of a document that is the whole of it or one article."""
    whole = _HEADING.split(unicodedata.normalize("NFKC", title))[0].strip("《》 ")
    for name in (whole, _YEAR.sub("", whole)):
        yield from (one for one in (name, name.removeprefix(_STATE)) if len(one) >= LEAST)


def _bearers(name: tuple[str, ...], snapshot: Snapshot, where: Where) -> Iterator[tuple[Stored, Node]]:
    """The headings that bear the name of an article, with their documents, by source and place."""
    index = Index.of(snapshot, NAMED)
    (entries,) = index.holders(np.array([number(name)], np.uint64), where)
    found = [(snapshot.at(int(index.documents[entry])), int(index.nodes[entry])) for entry in entries.tolist()]
    for stored, place in sorted(found, key=lambda one: (one[0].document.source, one[1])):
        node = stored.shaped.nodes[place]
        if node.kind != "passage":
            yield stored, node
