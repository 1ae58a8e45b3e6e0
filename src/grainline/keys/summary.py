"""Summaries of long documents and sections: their names and the sentences that say most about the whole, in their own words.

A sentence is central if it shares its telling terms with many others (LexRank: Erkan and Radev, 2004, whose graph is not built: with
tf-idf weights the degree of a sentence is its product with the centroid); what was chosen counts less for the next one (SumBasic:
Nenkova and Vanderwende, 2005). Long texts are sampled evenly, so that time is bounded by the number of passages.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, log, sqrt

from grainline.text import CJK_FUNCTION, count_tokens, sentences, terms
from grainline.types import Document, Key, Node, Part, Shaped

#: passages that a document or section holds before it needs a summary
LONG = 3
#: tokens of the sentences of a summary, and of the names above and of those below; an encoder takes all of it as one text
TOKENS, NAMES = 70, 22
#: passages that are looked at, evenly over the whole, and sentences of each, from its beginning, where most say what they are about
SAMPLE, LEADING = 24, 2
#: characters of a passage that are looked at
READ = 480
#: tokens of a sentence that can stand for others
SHORTEST, LONGEST = 6, 60
#: how much more a sentence counts at the beginning, and one that holds all terms of the title
FIRST, TITLED = 1.3, 0.5
#: what a term still counts once a chosen sentence has said it
SAID = 0.3
_ASIDE = frozenset({"code", "table", "comment", "heading", "image"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that may be chosen: where it stands, its tokens and its distinct terms, sorted."""

    start: int
    end: int
    tokens: int
    terms: tuple[str, ...]


def keys(document: Document, shaped: Shaped) -> Iterator[Key]:
    """A `summary` key for a document and each of its sections that hold more than `LONG` passages; source code has none.

    Its first line is the title, then come the names above and below it, then the sentences in their order.
    """
    passages = [node for node in shaped.nodes if node.kind == "passage"]
    if len(passages) <= LONG or "code" in document.meta:
        return
    starts = [node.start for node in passages]
    reader = _Reader(document)
    done: set[tuple[int, int]] = set()
    for node in shaped.nodes:
        if node.kind not in ("document", "section"):
            continue
        span = bisect_left(starts, node.start), bisect_left(starts, node.end)
        if span[1] - span[0] > LONG and span not in done:
            done.add(span)
            chosen = _choose(document, node, reader.sample(passages[slice(*span)]))
            yield Key(node.id, "summary", _text(document, node, shaped, chosen))


class _Reader:
    """The leading sentences of passages, each passage read once."""

    def __init__(self, document: Document) -> None:
        self._text = document.text
        self._aside = _spans(part for part in document.parts if part.kind in _ASIDE)
        self._ends = [end for _, end in self._aside]
        self._read: dict[int, list[Sentence]] = {}

    def sample(self, passages: Sequence[Node]) -> list[Sentence]:
        """Sentences from passages all over."""
        count = min(SAMPLE, len(passages))
        chosen = (passages[place * len(passages) // count] for place in range(count))
        return [sentence for node in chosen for sentence in self._leading(node)]

    def _leading(self, node: Node) -> list[Sentence]:
        if (held := self._read.get(node.start)) is None:
            held = self._read[node.start] = []
            stop = min(node.end, node.start + READ)
            for start, end in sentences(self._text, node.start, stop):
                if end == stop < node.end:
                    break
                said = self._text[start:end]
                at = bisect_right(self._ends, start)
                if at < len(self._aside) and self._aside[at][0] < end:
                    continue
                if SHORTEST <= (tokens := count_tokens(said)) <= LONGEST:
                    held.append(Sentence(start, end, tokens, tuple(sorted(set(_telling(said))))))
                if len(held) == LEADING:
                    break
        return held


def _spans(parts: Iterable[Part]) -> list[tuple[int, int]]:
    """The spans of parts that lie apart, in order."""
    found: list[tuple[int, int]] = []
    for part in parts:
        if not found or part.start >= found[-1][1]:
            found.append((part.start, part.end))
    return found


def _telling(said: str) -> list[str]:
    return [term for term in terms(said) if len(term) != 2 or CJK_FUNCTION.isdisjoint(term)]


def _choose(document: Document, node: Node, sample: Sequence[Sentence]) -> list[Sentence]:
    """The most central sentences, in order of place."""
    holders = Counter(term for sentence in sample for term in sentence.terms)
    rarity = {term: log((len(sample) + 1) / count) for term, count in holders.items()}
    weights = {term: count * rarity[term] ** 2 if count > 1 else 0.0 for term, count in holders.items()}
    lengths = {sentence.start: sqrt(fsum(rarity[term] ** 2 for term in sentence.terms)) or 1.0 for sentence in sample}
    named = set(_telling(f"{document.title} {node.name}")) & holders.keys()
    place = {
        sentence.start: (FIRST if number < LEADING else 1.0)
        * (1 + TITLED * len(named & set(sentence.terms)) / (len(named) or 1))
        for number, sentence in enumerate(sample)
    }
    rest, chosen, room = list(sample), [], TOKENS
    while rest:
        best = max(rest, key=lambda one: (_worth(one, weights) / lengths[one.start] * place[one.start], -one.start))
        rest.remove(best)
        chosen.append(best)
        room -= best.tokens
        weights |= {term: weights[term] * SAID for term in best.terms}
        rest = [sentence for sentence in rest if sentence.tokens <= room]
    return sorted(chosen, key=lambda sentence: sentence.start)


def _worth(sentence: Sentence, weights: Mapping[str, float]) -> float:
    return fsum(weights[term] for term in sentence.terms)


def _text(document: Document, node: Node, shaped: Shaped, chosen: Sequence[Sentence]) -> str:
    """The title; the names above, its own, and those of sections directly below; the sentences."""
    path = [*node.meta.get("path", ()), *([node.name] if node.kind == "section" else ())]
    depth = len(path)
    below = [
        other.name
        for other in shaped.nodes
        if other.kind == "section" and node.start <= other.start < node.end and len(other.meta.get("path", ())) == depth
    ]
    path, below = _within(path[::-1])[::-1], _within(below)
    said = " ".join(" ".join(document.text[sentence.start : sentence.end].split()) for sentence in chosen)
    return "\n".join(line for line in (document.title, " > ".join(path), "; ".join(below), said) if line)


def _within(names: Sequence[str]) -> list[str]:
    """The first of the names, as many as have `NAMES` tokens."""
    kept: list[str] = []
    room = NAMES
    for name in names:
        room -= count_tokens(name)
        if room < 0:
            break
        kept.append(name)
    return kept
