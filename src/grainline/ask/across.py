"""A question whose answer may stand in another language: the model translates it, and what that finds is read."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

import grainline.ask.derive as derive
from grainline.ask.claims import Within, language_of
from grainline.ask.judge import judged
from grainline.ask.numerals import numerals
from grainline.ask.steps import Find, found_by
from grainline.types import Evidence

#: what the best passage must hold of a translated question, as a share of what that of its own evidence holds of the question: less than
#: all, since a translation hits on other pairs of characters than the text has
SHARE = 0.5
#: words of an English answer from which on it is translated into Chinese: names, terms and code are shorter, and stay
PHRASE = 3
#: the cosine of an answer and its translation (e5): of 10 right ones 8 have .847 or more, of 7 wrong ones 5 less than .833
NEAR = 0.84
_WORD = re.compile(r"[a-z]{2,}")


def is_foreign(question: str, within: Within) -> bool:
    """Whether nothing that may be seen is in the language of the question."""
    return not within.snapshot.languages(within.where)[language_of(question)]


def translated(question: str, evidence: Evidence, within: Within, find: Find) -> tuple[str, Evidence] | None:
    """The question in the other of English and Chinese, with what is found for it; None where that says too little of it (see
    `SHARE`), where nothing that may be seen is in that language, or where the model may not be asked or failed. The steps of `evidence`
    stay its own. Raises what finding raises."""
    other = "en" if language_of(question) == "zh" else "zh"
    if not within.snapshot.languages(within.where)[other]:
        return None
    made = derive.derived("translate", question, within.model.complete)
    found = found_by(made[0], within, find) if made else None
    if not made or found is None or not found.hits:
        return None
    said, says = _share(question, evidence, within), _share(made[0], found, within)
    within.trace.count("ask it in the other language", f"{made[0]} (its best passage holds {says:.2f} of it, else {said:.2f})")
    return (made[0], replace(evidence, hits=found.hits)) if says > SHARE * said else None


def _share(question: str, evidence: Evidence, within: Within) -> float:
    """The largest share of a question's words, each by its rarity, that one of its passages holds."""
    _, signs = judged(question, evidence, within.snapshot, within.where)
    return signs["passage"]


def retold(answer: str, question: str, within: Within, documents: Collection[str]) -> str:
    """An answer in the language of the question, with the words that are borne out behind it in brackets; as it is where it needs no
    translation, or none can be had with the same numbers and, as far as an encoder tells, the same meaning."""
    chinese = language_of(question) == "zh"
    if (language_of(answer) == "zh" or len(_WORD.findall(answer)) < PHRASE) if chinese else language_of(answer) == "en":
        return answer
    made = derive.retold(answer, within.model.complete, documents)
    if not made or (language_of(made) == "zh") != chinese or _numbers(made) != _numbers(answer):
        return answer
    (near,) = within.cosines("compare the answer with its translation", answer, [made]) or [1.0]
    return (f"{made}（{answer}）" if chinese else f"{made} ({answer})") if near >= NEAR else answer


def _numbers(text: str) -> list[float]:
    """The largest value of each number of a text but one and none, which words may stand for, in order of size."""
    found = (max(numeral.values, default=0) for numeral in numerals(text))
    return sorted(float(value) for value in found if value > 1)
