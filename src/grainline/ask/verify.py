"""A second look at a short answer: does its quote tell what was asked, or something near by?

A small model that is asked for an answer gives one, from the passage that looks most like the question: another year, another person. Asked
whether that is what was asked for, it says yes. How sure it is of its yes tells more (see `models/odds.py`), and that is weighed with what
of the question stands where the answer was found.
"""

from __future__ import annotations

import re

from grainline.ask.claims import Teller, Within, shared
from grainline.ask.judge import Signs, figures, lacks, specifics
from grainline.ask.numerals import values
from grainline.ask.weights import as_asked
from grainline.graph.spelling import spell

LOOK = "look at the quote again"
YES, NO = frozenset({"yes", "是"}), frozenset({"no", "否", "不是"})
#: the end of what is asked: in English for Chinese, too, since so the 1.5B model tells right from wrong a little better
TASK = "Answer with Yes or No only."
#: a sign of a second look as the trace tells it
_SIGN = re.compile(r"(\w+) (-?\d+\.\d+)")


def how_likely(question: str, told: Teller, within: Within, original: str = "") -> float | None:
    """How likely the quote of an answer of one claim tells what was asked, from 0 to 1: not at all where its passage lacks a number of the
    question, else by how sure the model is of it. The model is shown the `original` of a question that was translated, so that a wrong
    translation is seen, too. None where that is not known: the budget has too little left for another call, or the model failed, or says
    neither yes nor no."""
    (support,), (answer,) = told.supports, told.claims
    passage = f"{support.passage.head}\n{support.passage.text}"
    if lacking := _lacking(question, passage):
        within.trace.count(LOOK, f"something else than was asked: its passage lacks {', '.join(lacking)}")
        return 0.0
    quote = " ".join(support.passage.document.text[support.start : support.end].split())
    asked = f"Source: {support.passage.head}\n| {quote}\nQuestion: {' '.join((original or question).split())}\n"
    prompt = f'{asked}Does this text answer exactly that question, with "{answer}"? {TASK}\n'
    odds = within.model.odds(prompt, YES, NO, sorted({support.passage.document.id, *within.told_by}))
    if odds is None:
        return None
    signs = {"odds": odds, "names": _named(question, passage), "quote": shared(question, support.said, within)}
    likely = as_asked().logistic.probability(signs)
    said = "what" if likely >= as_asked().bound else "something else than"
    found = ", ".join(f"{name} {value:.3f}" for name, value in signs.items())
    within.trace.count(LOOK, f"{said} was asked: likely {likely:.2f} ({found})")
    return likely


def _lacking(question: str, passage: str) -> list[str]:
    """The numbers of a question that a passage does not hold, however they are written.

    >>> _lacking("How many of the 5,000 men were 22 in 1914?", "5000人，其中二十二岁的有三十人")
    ['1914']
    """
    there = values(passage)
    return [one for one in lacks(passage, figures(question)) if there.isdisjoint(values(one))]


def _named(question: str, passage: str) -> float:
    """The share of the words of what a question names that a passage holds; 1 where it names nothing."""
    named, held = {token for one in specifics(question) for token in spell(one)}, set(spell(passage))
    return len(named & held) / len(named) if named else 1.0


def signs_of(detail: str) -> Signs:
    """The signs of a second look as the trace tells it.

    >>> signs_of("what was asked: likely 0.61 (odds 1.250, names 0.500)")
    {'odds': 1.25, 'names': 0.5}
    """
    return {name: float(value) for name, value in _SIGN.findall(detail.partition("(")[2])}
