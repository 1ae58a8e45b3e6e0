"""From a description to the name of what it describes, by rules: the names that stand where its evidence speaks of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from grainline.ask.judge import judged
from grainline.ask.topic import NAMES
from grainline.graph.links import Links
from grainline.store.snapshot import Snapshot
from grainline.text import STOPWORDS, question_terms, terms
from grainline.types import Evidence, Where

#: names that may stand for an answer, at most
MOST = 2
#: letters that words of one family begin with: "director" and "directed"
FAMILY = 4
_OWNED = re.compile(r"['’]s?$")
_WORD = re.compile(r"[^\W\d_]+")


def bridged(description: str, evidence: Evidence, snapshot: Snapshot, where: Where) -> tuple[str, ...]:
    """Names that may be what a description describes, the likeliest first: names that the sentences of its evidence give and it does not,
    those nearest to a word of its own family first. Only names that something visible bears count, where there are any."""
    chosen, _ = judged(description, evidence, snapshot, where)
    links = Links(snapshot, lambda entries: np.zeros(len(entries)), where)
    own = set(question_terms(description))
    found: list[tuple[int, int, str]] = []
    for number, sentence in enumerate(chosen):
        text = sentence.document.text[sentence.start : sentence.end]
        signs = _signs(description, text)
        for start, end, borne in _names(text, links):
            name = text[start:end]
            if not set(terms(name)) <= own:
                distance = min((abs(start - sign) for sign in signs), default=len(text))
                found.append(((not borne) * 10_000 + distance, number, name))
    return tuple(dict.fromkeys(name for _, _, name in sorted(found)))[:MOST]


def _names(text: str, links: Links) -> Sequence[tuple[int, int, bool]]:
    """The names in a text, and whether something bears them; one word of small letters is a word."""
    spans = [(one.start, one.start + len(_OWNED.sub("", text[one.start : one.end]))) for one in links.mentions(text)]
    borne = [(start, end, True) for start, end in spans if not text[start:end].islower() or " " in text[start:end]]
    others = [match.span() for match in NAMES.finditer(text)]
    free = [(start, end, False) for start, end in others if not any(start < stop and end > begin for begin, stop, _ in borne)]
    return [*borne, *free]


def _signs(description: str, text: str) -> list[int]:
    """Where words of a text end that are of one family with a word of the description."""
    families = {word[:FAMILY].lower() for word in _WORD.findall(NAMES.sub(" ", description)) if word.lower() not in STOPWORDS}
    return [match.end() for match in _WORD.finditer(text) if match.group()[:FAMILY].lower() in families]
