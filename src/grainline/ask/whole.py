"""An answer that says too little to be right: one of several numbers that are asked for, or what its quote denies."""

from __future__ import annotations

import re

from grainline.ask.decompose import is_twofold
from grainline.ask.numerals import numerals

#: characters of a quote that is said in place of an answer, at most
LONGEST = 240
_SEVERAL = re.compile(r"分别|各自|\brespectively\b|\bfor (?:\w+ ){1,3}and (?:for|in|of) ", re.IGNORECASE)
_DENIED = re.compile(
    r"(?:\b(?:not|never|neither|nor|without|cannot|no longer)\b|n['’]t\b)(?! only\b| until\b| just\b)"
    r"|没有|并未|尚未|并非|并不|不会|不是|不再",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[,;:.!?，；：。！？]")


def whole(answer: str, quote: str, question: str) -> str:
    """The answer, or the quote where that is short and the answer leaves out of it what turns its meaning.

    >>> whole("22岁", "男不得早于二十二周岁，女不得早于二十周岁", "结婚年龄男女分别是多少？")
    '男不得早于二十二周岁，女不得早于二十周岁'
    >>> whole("panics", "It does not include checks that cause panics.", "What happens in release mode?")
    'It does not include checks that cause panics.'
    >>> whole("panics", "It is not slow, but it panics.", "What does it do?"), whole("1995", "It was not built until 1995.", "When?")
    ('panics', '1995')
    """
    quote = " ".join(quote.split())
    if len(quote) > LONGEST:
        return answer
    several = _SEVERAL.search(question) or is_twofold(question)
    if several and 0 < _count(answer) < _count(quote):
        return quote
    return quote if not _count(answer) and _is_denied(answer, quote, question) else answer


def _count(text: str) -> int:
    return len(numerals(text))


def _is_denied(answer: str, quote: str, question: str) -> bool:
    """Whether a quote denies what an answer takes out of it; a question that denies, too, wants it so."""
    before, found, _ = quote.casefold().partition(answer.casefold())
    if not found or _DENIED.search(answer) or _DENIED.search(question):
        return False
    return bool(_DENIED.search(_CLAUSE.split(before)[-1]))
