"""The sentences of evidence: what each is worth for a question, and which of them together answer it best.

A sentence is worth the question's terms that it holds, each by its inverse document frequency; terms that only its surroundings hold
(the title and headings above it, the passage around it, what a model wrote to find it by) count for less.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum

from grainline.ask.quote import quotable
from grainline.match.made import said_of
from grainline.store.snapshot import Snapshot
from grainline.text import terms
from grainline.types import ASKED, Document, Hit

#: hits that are read for sentences, and sentences that an answer has at most
READ, SENTENCES = 8, 3
#: what a term counts that stands in the passage, or in the names above it, but not in the sentence
NEAR = 0.5
#: a further sentence must bring this share of the question's weight
NEWS = 0.15
#: how much more a sentence with a number is worth where the question asks for one, and one that defines where it asks what a thing is
NUMBER, DEFINES = 1.25, 1.25
#: how much less a sentence is worth that asks
ASKS = 0.4
#: how much more a sentence is worth that stands in a part which the question asks for as such
ASKED_FOR = 3.0
#: how much less each later hit is worth
RANK = 0.05
_ASKS_NUMBER = re.compile(
    r"\b(how (many|much|old|long|far|high|tall|large|big|often)|when|what (year|date|percentage|number|amount))\b"
    r"|多少|几[个年月天次名条种岁]|何时|哪年|哪一年|什么时候|多[大长高久远]|比例|金额|数量",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\d|(?<![第一二三四五六七八九十百千])[一二三四五六七八九十百千万亿两]+(?![、条款项章节编])|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand|million)\b"
)
_ASKS_WHAT = re.compile(
    r"^\s*(?:what\s+(?:is|are|was|were)|what\s+does|define|explain)\s+(?:an?\s+|the\s+)?(?P<en>.+?)(?:\s+mean)?\s*\??\s*$"
    r"|^\s*(?:什么是|何谓|何为|解释)(?P<zh>.+?)[？?。]?\s*$|^\s*(?P<zh2>.+?)(?:是什么|是指什么|指的是什么|的定义)[？?。]?\s*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence of the evidence: where it stands, the question's terms it holds itself and in all, its worth, and whether it may answer
    without a word of the question: in a part that the question asks for as such, or that a model described with its words."""

    document: Document
    start: int
    end: int
    own: frozenset[str]
    near: frozenset[str]
    worth: float
    rank: int
    asked: bool = False


def candidates(question: str, hits: Sequence[Hit], snapshot: Snapshot, weights: dict[str, float]) -> list[Candidate]:
    """All sentences of the hits with their worth, in order of hit and place."""
    found = []
    seen: set[tuple[str, int]] = set()
    bonus = _bonus(question)
    asked = [hit.node for hit in hits if ASKED in hit.via]
    described = said_of(snapshot, [hit.node.id for hit in hits])
    for rank, (hit, description) in enumerate(zip(hits, described, strict=True)):
        document = snapshot.document(hit.node.document_id)
        above = " ".join((document.title, *hit.node.meta.get("path", ()), hit.node.name))
        told = held(description, weights)
        around = told | held(f"{above}\n{document.text[hit.node.start : hit.node.end]}", weights)
        parts = [node for node in asked if node.document_id == document.id]
        for start, end, worth_of_kind in quotable(document, hit, question):
            if (document.id, start) in seen:
                continue
            seen.add((document.id, start))
            sentence = document.text[start:end]
            own = held(sentence, weights)
            worth = _weight(own, around, weights) * bonus(sentence) * worth_of_kind
            is_asked = any(part.start <= start < part.end for part in parts)
            worth *= ASKED_FOR if is_asked else 1.0
            worth /= 1 + RANK * rank
            found.append(Candidate(document, start, end, own, around | own, worth, rank, is_asked or bool(told)))
    return found


def _bonus(question: str) -> Callable[[str], float]:
    """How much more a sentence is worth for being of the kind that the question asks for."""
    number = bool(_ASKS_NUMBER.search(question))
    asked = _ASKS_WHAT.match(question)
    subject = re.escape(next(filter(None, asked.groups()), "").strip()) if asked else ""
    defines = re.compile(
        rf"{subject}[*_`”』」]*\s*(?:[(（][^)）]{{0,60}}[)）])?\s*(?:is|are|was|were|means?|refers? to|是|就是|指|是指|，是|:|：)"
        rf"|(?:called|known as|属于|称为|叫做|即为)\s*[*_`“『「]*{subject}",
        re.IGNORECASE,
    )

    def bonus(sentence: str) -> float:
        """The product of what applies to the sentence."""
        worth = NUMBER if number and _NUMBER.search(sentence) else 1.0
        worth *= DEFINES if subject and defines.search(sentence) else 1.0
        return worth * (ASKS if sentence.rstrip("\"'”’」』)）*_` ").endswith(("?", "？")) else 1.0)

    return bonus


def choose(found: Sequence[Candidate], weights: dict[str, float]) -> list[Candidate]:
    """The best sentence and those that bring much that is new, in order of hit and place."""
    whole = sum(weights.values()) or 1.0
    covered: set[str] = set()
    chosen: list[Candidate] = []
    rest = [candidate for candidate in found if candidate.own or candidate.asked or not weights]
    while rest and len(chosen) < SENTENCES:
        best = max(rest, key=lambda c: (c.worth - fsum(weights[term] for term in c.own & covered), -c.rank, -c.start))
        news = fsum(weights[term] for term in best.own - covered) / whole
        if chosen and news < NEWS:
            break
        chosen.append(best)
        covered |= best.own
        rest.remove(best)
    return sorted(chosen, key=lambda c: (c.rank, c.start))


def share_of(chosen: Sequence[Candidate], weights: dict[str, float]) -> float:
    """The largest share of the question's weight that one sentence holds, its surroundings counting for less.

    One sentence, since sentences from here and there can hold all the words of a question that none of them answers.
    """
    return max(_weight(candidate.own, candidate.near, weights) for candidate in chosen) / (sum(weights.values()) or 1.0)


def _weight(own: frozenset[str], near: frozenset[str], weights: dict[str, float]) -> float:
    return fsum(weights[term] for term in own) + NEAR * fsum(weights[term] for term in near - own)


def held(text: str, weights: dict[str, float]) -> frozenset[str]:
    """Which of the weighted terms a text holds."""
    return frozenset(weights.keys() & set(terms(text)))
