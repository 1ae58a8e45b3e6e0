"""How far evidence bears on a question: what of the question it holds, and whether what the question names is there as it is named.

A question that no passage answers often shares most of its words with one that says something near by: another year, another chapter,
another person. So names, numbers, ordinals, quotes and references are looked for as wholes, beside the shares of words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from math import fsum

import numpy as np

from grainline.agents.grep import QUOTED
from grainline.ask.sentences import READ, Candidate, candidates, choose, share_of
from grainline.graph.links import Links
from grainline.graph.references import references
from grainline.graph.spelling import spell
from grainline.match.lexical import Lexical
from grainline.match.made import said_of
from grainline.match.pattern import Pattern
from grainline.store.snapshot import Snapshot
from grainline.text import CJK_RUN, question_terms, terms
from grainline.types import Evidence, Where

Signs = dict[str, float]

#: the rarest terms of a question that a passage should hold
RAREST = 3
_CAPITAL = r"[A-ZÀ-ÖØ-Þ][\w'’.-]*"
_NAME = re.compile(
    rf"{_CAPITAL}(?:\s+(?:(?:of|the|de|la|du|von|van|and|&)\s+)*(?:{_CAPITAL}|\d[\w.-]*))*|\w+_\w+|\w+::\w+|《[^》]+》"
)
_ASKS = re.compile(r"^(?:What|Who|Whom|Whose|Which|Where|When|Why|How|In|Is|Are|Does|Do|Did|The|Of|For|On|By|Can|At)\b\s*")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*\d|(?<![A-Za-z\d.])\d{2,}")
_ORDINAL = re.compile(
    r"\b(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|\w+teenth|twentieth|\d+(?:st|nd|rd|th))\b"
    r"|第[一二三四五六七八九十百千\d]+",
    re.IGNORECASE,
)
_NUMERAL = re.compile(r"[（(][一二三四五六七八九十百\d]+[）)]")


def judged(question: str, evidence: Evidence, snapshot: Snapshot, where: Where) -> tuple[list[Candidate], Signs]:
    """The sentences of evidence that answer best, and its signs."""
    lexical = Lexical(snapshot)
    weights = lexical.weights(question_terms(question), where)
    chosen = choose(candidates(question, evidence.hits[:READ], snapshot, weights), weights)
    return chosen, _signs(question, evidence, share_of(chosen, weights) if chosen else 0.0, snapshot, where)


def _signs(question: str, evidence: Evidence, share: float, snapshot: Snapshot, where: Where) -> Signs:
    """The signs of evidence; `share` is what its best sentence holds of the question, its surroundings counting for less."""
    lexical = Lexical(snapshot)
    weights = lexical.weights(question_terms(question), where)
    whole = fsum(weights.values()) or 1.0
    counts = dict(zip(weights, lexical.index.counts(list(weights), where), strict=True))
    texts = _texts(evidence, snapshot)
    held = [weights.keys() & set(terms(text)) for text in texts]
    rarest = sorted(weights, key=lambda term: (-weights[term], term))[:RAREST]
    found = {
        "share": share,
        "passage": max((fsum(weights[term] for term in own) for own in held), default=0.0) / whole,
        "passages": fsum(weights[term] for term in set().union(*held)) / whole,
        "unseen": fsum(weight for term, weight in weights.items() if not counts[term]) / whole,
        "rarest": max((_mean([term in own for term in rarest]) for own in held), default=0.0),
        "chinese": float(bool(CJK_RUN.search(question))),
        "length": min(1.0, len(weights) / 20),
        "hits": float(bool(texts)),
    }
    spelled = [_spelled(text) for text in texts]
    for name, wanted in (
        ("names", names_of(question)),
        ("numbers", _NUMBER.findall(question)),
        ("ordinals", _ORDINAL.findall(question)),
    ):
        there = [[_spelled(one) in text for one in wanted] for text in spelled]
        found[name] = max(map(_mean, there), default=0.0) if wanted else 1.0
        found[f"all {name}"] = (
            _mean([any(column) for column in zip(*there, strict=True)]) if wanted and there else float(not wanted)
        )
    found["pointed"] = float(_points_nowhere(question, snapshot, where))
    found["quoted"] = float(_quotes_nothing(question, snapshot, where))
    return found


def names_of(question: str) -> list[str]:
    """What a question names: runs of words with capitals, identifiers, titles in 《》; not the word that it begins with.

    >>> names_of("Who designed the Williams County Courthouse of Ohio?")
    ['Williams County Courthouse of Ohio']
    """
    found = [
        _ASKS.sub("", match.group())
        for match in _NAME.finditer(question)
        if match.start() or " " in match.group() or not match.group().isalpha()
    ]
    return [name for name in found if name]


def specifics(question: str) -> list[str]:
    """What a question says that must be as it says: names, and what `figures` gives.

    >>> specifics("What did Morten Ziegler win in 2014?"), specifics("修正案（十三）提到Adam算法吗？")
    (['Morten Ziegler', '2014'], ['Adam', '（十三）'])
    >>> specifics("标本（编号GMH W184）是什么？"), specifics("共184人吗？")
    (['GMH W184'], ['184'])
    """
    names = (name if name.startswith("《") else CJK_RUN.split(name)[0].strip() for name in names_of(question))
    return [*filter(None, names), *figures(question)]


def figures(question: str) -> list[str]:
    """The numbers, ordinals and numerals in brackets of a question."""
    return [found for one in (_NUMBER, _ORDINAL, _NUMERAL) for found in one.findall(question)]


def lacks(text: str, wanted: Sequence[str]) -> list[str]:
    """Those of some names and numbers that do not stand in a text as a whole, in brackets where they are.

    >>> lacks("Sten Ziegler won in 2014; 修正案（九）、十三", ["Ziegler", "2014", "Morten Ziegler", "（十三）", "(九)"])
    ['Morten Ziegler', '（十三）']
    >>> lacks("Geena Davis in Thelma & Louise", ["Thelma and Louise"])
    []
    """
    plain, said = unicodedata.normalize("NFKC", text), _spelled(text)
    return [
        one
        for one in wanted
        if (unicodedata.normalize("NFKC", one) not in plain if _NUMERAL.match(one) else _spelled(one) not in said)
    ]


def _spelled(text: str) -> str:
    """A text as words between blanks, "&" being "and"."""
    return f" {' '.join(spell(text.replace('&', ' and ')))} "


def _texts(evidence: Evidence, snapshot: Snapshot) -> list[str]:
    """What the best hits say, with the names above them and what a model wrote to find them by."""
    made = []
    hits = evidence.hits[:READ]
    for hit, said in zip(hits, said_of(snapshot, [hit.node.id for hit in hits]), strict=True):
        document = snapshot.document(hit.node.document_id)
        above = (document.source, document.title, *hit.node.meta.get("path", ()), hit.node.name)
        made.append(f"{' '.join(above)}\n{document.text[hit.node.start : hit.node.end]}\n{said}")
    return made


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0


def _points_nowhere(question: str, snapshot: Snapshot, where: Where) -> bool:
    """Whether a question points at a section or an article by its number, and nothing has it."""
    if not any(reference.name for reference in references(question, "")):
        return False
    links = Links(snapshot, lambda entries: np.zeros(len(entries)), where)
    return not any(len(entries) for entries in links.referred(question))


def _quotes_nothing(question: str, snapshot: Snapshot, where: Where) -> bool:
    """Whether a question quotes words that stand nowhere."""
    quoted = ["".join(groups) for groups in QUOTED.findall(question)]
    return bool(quoted) and not Pattern(snapshot).match("|".join(map(re.escape, quoted)), 1, where)
