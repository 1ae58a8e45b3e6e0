"""When two names are spelled alike: words folded, possessives and English plurals cut, Chinese character by character.

A name is a row of tokens and goes by one 64-bit number, made so that the numbers of all runs of words of a text can be computed at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from grainline.match.postings import term_hash
from grainline.text import CACHED_WORDS, CJK, fold

#: a character of CJK, or a word with the apostrophes inside it
TOKEN = re.compile(rf"[{CJK}]|[^\W{CJK}]+(?:['’][^\W\d_{CJK}]+)*")
_POSSESSIVE = re.compile(r"['’]s?$")
_PLURAL = re.compile(r"(?:ies|[^\W\d_]{2,}(?<![suif])s)$")
#: multiplies the number of a run before the next token's is added: odd, so that nothing is lost, and no power of two
FACTOR = 0x9E3779B97F4A7C15
#: tells the number of the first two tokens of a longer name from that of a name
HEAD = 0x517CC1B727220A95
#: tokens of a name, at most
LONGEST = 24
_MASK = (1 << 64) - 1

Numbers = NDArray[np.uint64]


class _Tokens(dict[str, tuple[str, int]]):
    """The normal form and the number of each word met so far."""

    def __missing__(self, word: str) -> tuple[str, int]:
        if len(self) >= CACHED_WORDS:
            self.clear()
        plain = normal(word)
        made = self[word] = plain, term_hash(plain)
        return made


_KNOWN = _Tokens()


def normal(word: str) -> str:
    """The form that a word has in a name.

    >>> [normal(word) for word in ("Networks'", "Cities", "analysis", "Lothair’s", "CLASS")]
    ['network', 'city', 'analysis', 'lothair', 'class']
    """
    plain = fold(_POSSESSIVE.sub("", word))
    if len(plain) > 3 and plain.isascii() and plain[-1] == "s" and _PLURAL.search(plain):
        return f"{plain[:-3]}y" if plain.endswith("ies") else plain[:-1]
    return plain


@lru_cache(maxsize=CACHED_WORDS)
def spell(name: str) -> tuple[str, ...]:
    """The tokens of a name in their normal form.

    >>> spell("Neural Networks"), spell("故意杀人罪")
    (('neural', 'network'), ('故', '意', '杀', '人', '罪'))
    """
    return tuple(_KNOWN[word][0] for word in TOKEN.findall(name))


@lru_cache(maxsize=CACHED_WORDS)
def number(tokens: tuple[str, ...]) -> int:
    """The 64-bit number of a row of tokens."""
    made = 0
    for token in tokens:
        made = made * FACTOR + term_hash(token) & _MASK
    return made


def written(tokens: Sequence[str]) -> str:
    """A row of tokens as a text: blanks between words, none between characters.

    >>> written(("5g", "网", "络")), written(("van", "hook"))
    ('5g网络', 'van hook')
    """
    return "".join(
        f" {token}" if place and token.isascii() and tokens[place - 1].isascii() else token
        for place, token in enumerate(tokens)
    )


def head(tokens: tuple[str, ...]) -> int:
    """The number of the first two tokens of a name of three or more."""
    return number(tokens[:2]) ^ HEAD


def numbered(text: str) -> tuple[Numbers, list[re.Match[str]]]:
    """The number of each token of a text, and the tokens where they stand."""
    found = list(TOKEN.finditer(text))
    return np.fromiter([_KNOWN[token[0]][1] for token in found], np.uint64, len(found)), found
