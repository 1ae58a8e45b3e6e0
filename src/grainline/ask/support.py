"""Whether what a model says is borne out: its quote is looked for in the passages that it was shown, and the rest must follow from there.

A claim is borne out by the sentences that hold its quote, or come nearest to it; where the model quotes in another language than the
passage is in, nearest in meaning. Its numbers must stand in the passage, however they are written; of its other words as many as its length
asks for must stand there, or, where the passage is in another language, its meaning must be near.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum

from grainline.ask.numerals import numerals, values
from grainline.ask.passages import Passage
from grainline.ask.quote import QUOTE_CHARACTERS
from grainline.text import CJK_RUN, sentences, terms

#: the share of a quote's terms that the nearest sentence must hold where the quote does not stand there word for word
QUOTED = 0.6
#: the share of an answer's terms that the passage must hold: all of a few, and as many of a long one
FEW, SOME = 4, 0.6
#: letters and digits of an answer that is looked for outside of the quote
TELLING = 3
#: the cosine that an answer must have with a quote in another language
ALIKE = 0.82
#: what is said of a claim whose words cannot be looked for: yes, no, 是, 否, and the like
_BARE = re.compile(r"(?:yes|no|true|false|是的?|不是|否|对|不对|有|没有|会|不会|能|不能|可以|不可以)[.。!！]?$", re.IGNORECASE)
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")

#: the cosines of a text with others, or None where no encoder is at hand
Alike = Callable[[str, Sequence[str]], Sequence[float] | None]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a model says: the answer, the words that it quotes for it, and the number of the passage that it took them from."""

    answer: str
    quote: str
    passage: int


@dataclass(frozen=True, slots=True)
class Support:
    """Where a claim is borne out, and how well, from 0 to 1."""

    passage: Passage
    start: int
    end: int
    score: float

    @property
    def said(self) -> str:
        """The sentences that bear it out, under the names above them."""
        return f"{self.passage.head}\n{self.passage.document.text[self.start : self.end]}"


def borne_out(claim: Claim, shown: Sequence[Passage], alike: Alike) -> Support | None:
    """What bears out a claim among the passages that were shown; None where nothing does."""
    ordered = sorted(shown, key=lambda passage: (passage.number != claim.passage, passage.number))
    for passage in ordered:
        if place := _verbatim(claim.quote, passage):
            return _judged(claim, passage, place, 1.0, alike)
    near = [(share, passage, place) for passage in ordered for share, place in _nearest(claim, passage)]
    if not near:
        return None
    share, passage, place = max(near, key=lambda one: (one[0], one[1].number == claim.passage, -one[1].number))
    if share >= QUOTED:
        return _judged(claim, passage, place, share, alike)
    return _translated(claim, ordered[0], alike)


def _translated(claim: Claim, passage: Passage, alike: Alike) -> Support | None:
    """The support of a claim whose quote the model translated: the sentence of its passage that is nearest in meaning, if near enough."""
    if not claim.quote or _is_cjk(claim.quote) == _is_cjk(passage.text):
        return None
    text = passage.document.text
    spans = sentences(text, passage.start, passage.end)
    cosines = alike(claim.quote, [text[start:end] for start, end in spans]) if spans else None
    if not cosines or max(cosines) < ALIKE:
        return None
    best = max(cosines)
    return _judged(claim, passage, _whole(passage, *spans[cosines.index(best)]), best, alike)


def _judged(claim: Claim, passage: Passage, place: tuple[int, int], quoted: float, alike: Alike) -> Support | None:
    """The support that a place gives a claim, if it is enough."""
    said = f"{passage.head}\n{passage.text}"
    answer = _unnumbered(claim.answer, said)
    if answer is None:
        return None
    place = _with_answer(claim.answer, passage, place)
    quote = passage.document.text[place[0] : place[1]]
    wanted = set(terms(answer))
    if not wanted or _BARE.match(claim.answer.strip()):
        return Support(passage, *place, quoted)
    share = len(wanted & set(terms(said))) / len(wanted)
    if CJK_RUN.search(answer) and _bare(answer)[0] in _bare(said)[0]:
        share = 1.0  # pairs of characters at its ends may be cut otherwise there
    if share >= (1.0 if len(wanted) <= FEW and not CJK_RUN.search(answer) else SOME):
        return Support(passage, *place, fsum((quoted, share)) / 2)
    if _is_cjk(claim.answer) != _is_cjk(quote) and _holds_values(claim.answer, said):
        cosines = alike(claim.answer, [quote])
        if cosines and cosines[0] >= ALIKE:
            return Support(passage, *place, cosines[0])
    return None


def _is_cjk(text: str) -> bool:
    return bool(CJK_RUN.search(text))


def stands(quote: str, support: Support) -> bool:
    """Whether a quote is word for word in what bears a claim out, whatever the blanks, marks and letters' case."""
    return _bare(quote)[0] in _bare(support.said)[0]


def _with_answer(answer: str, passage: Passage, place: tuple[int, int]) -> tuple[int, int]:
    """A place that lacks the answer together with the nearest sentence that holds it, or that alone where both are too long to quote; as it
    is where no sentence does: a small model quotes what stands beside."""
    text = passage.document.text
    wanted, _ = _bare(answer)
    if len(wanted) < TELLING or wanted in _bare(text[place[0] : place[1]])[0]:
        return place
    said, places = _bare(passage.text)
    found = [match.start() for match in re.finditer(re.escape(wanted), said)]
    ends = [(passage.start + places[at], passage.start + places[at + len(wanted) - 1] + 1) for at in found]
    spans = [_whole(passage, first, last) for first, last in ends]
    if not spans:
        return place
    nearest = min(spans, key=lambda span: (abs(span[0] - place[0]), span))
    start, end = min(nearest[0], place[0]), max(nearest[1], place[1])
    return (start, end) if end - start <= QUOTE_CHARACTERS else nearest


def _verbatim(quote: str, passage: Passage) -> tuple[int, int] | None:
    """The sentences of a passage that hold a quote word for word, whatever the blanks, marks and letters' case."""
    wanted, _ = _bare(quote)
    if not wanted:
        return None
    said, places = _bare(passage.text)
    at = said.find(wanted)
    if at < 0:
        return None
    first, last = passage.start + places[at], passage.start + places[at + len(wanted) - 1] + 1
    return _whole(passage, first, last)


def _bare(text: str) -> tuple[str, list[int]]:
    """The letters and digits of a text, folded, and where each stands in it."""
    kept = [
        (letter, place)
        for place, character in enumerate(text)
        for letter in unicodedata.normalize("NFKC", character).casefold()
        if letter.isalnum()
    ]
    return "".join(letter for letter, _ in kept), [place for _, place in kept]


def _whole(passage: Passage, first: int, last: int) -> tuple[int, int]:
    """The sentences around a span, or the span alone where they would be too long to quote."""
    spans = [
        span for span in sentences(passage.document.text, passage.start, passage.end) if span[0] < last and span[1] > first
    ]
    start, end = min([first, *(span[0] for span in spans)]), max([last, *(span[1] for span in spans)])
    return (start, end) if end - start <= QUOTE_CHARACTERS else (first, min(last, first + QUOTE_CHARACTERS))


def _nearest(claim: Claim, passage: Passage) -> list[tuple[float, tuple[int, int]]]:
    """The sentence of a passage that holds the largest share of the terms of a quote, the first of equal ones; none that lacks a number
    which the quote writes otherwise."""
    text = passage.document.text
    quote = _unnumbered(claim.quote, passage.text) or claim.quote
    wanted = set(terms(quote)) or set(terms(claim.answer))
    spans = sentences(text, passage.start, passage.end)
    if quote != claim.quote:
        spans = [span for span in spans if _holds_values(claim.quote, text[slice(*span)])]
    if not wanted or not spans:
        return []
    shares = [len(wanted & set(terms(text[start:end]))) / len(wanted) for start, end in spans]
    best = shares.index(max(shares))
    return [(shares[best], _whole(passage, *spans[best]))]


def _unnumbered(answer: str, said: str) -> str | None:
    """An answer without the numbers that a passage writes otherwise ("22岁" for "二十二周岁"); None if one in digits is not there at all.

    >>> _unnumbered("22岁", "男不得早于二十二周岁"), _unnumbered("3 years", "for 3 years"), _unnumbered("25岁", "男不得早于二十二周岁")
    ('岁', '3 years', None)
    """
    plain, said = unicodedata.normalize("NFKC", answer), unicodedata.normalize("NFKC", said)
    there = {digits.replace(",", "") for digits in _DIGITS.findall(said)}
    for numeral in reversed(numerals(plain)):
        if numeral.digits in there if numeral.digits else plain[numeral.start : numeral.end].casefold() in said.casefold():
            continue
        if not numeral.values.isdisjoint(values(said)):
            plain = plain[: numeral.start] + plain[numeral.end :]
        elif numeral.digits:
            return None
    return plain


def _holds_values(answer: str, said: str) -> bool:
    """Whether what a passage says has all numbers of an answer but one and none, which words may stand for."""
    numbers = [numeral.values for numeral in numerals(answer)]
    return not any(one.isdisjoint(values(said)) for one in numbers if one and max(one) > 1)
