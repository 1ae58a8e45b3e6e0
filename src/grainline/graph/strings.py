"""Rare strings of Chinese that a passage may share with another: terms and names that nothing marks, since no blanks stand around words.

A string is a run of pairs of characters each of which only a few passages hold: three characters or more that stand together here and
elsewhere although each pair is rare are held together by more than chance, which is what mutual information measures (Church and Hanks,
1990), and no dictionary has to know them. The pairs are those of the index of texts, so nothing is stored and nothing goes stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from grainline.text import CJK_FUNCTION, CJK_RUN

#: a string that more passages hold links nothing, and neither does one that more than this share of all hold
COMMON, SHARE = 10, 0.02
#: pairs of characters of the shortest string
PAIRS = 2
#: strings of one passage that are looked up elsewhere, at most, the rarest first
MOST = 24

Counts = Callable[[Sequence[str]], Sequence[int]]
Holders = Callable[[Sequence[str]], Sequence[NDArray[np.integer]]]


def rare_strings(text: str, visible: int, counts: Counts, holders: Holders) -> dict[str, list[int]]:
    """Strings of a text by the entries whose passages hold all their pairs, the text's own among them; that they stand together there
    is still to be looked up. `counts` and `holders` say how many entries hold terms, and which, of `visible` in all.
    """
    runs = list(_runs(text))
    pairs = list(dict.fromkeys(pair for run in runs for pair in run))
    if not pairs:
        return {}
    most = max(2, min(COMMON, int(SHARE * visible)))
    known = [pair for pair, count in zip(pairs, counts(pairs), strict=True) if 2 <= count <= most]
    held = {pair: set(found.tolist()) for pair, found in zip(known, holders(known), strict=True)}
    strings: dict[str, list[int]] = {}
    for run in runs:
        for string, entries in _strings(run, held):
            strings.setdefault(string, sorted(entries))
    rarest = sorted(strings, key=lambda string: (len(strings[string]), -len(string), string))
    return {string: strings[string] for string in rarest[:MOST]}


def _runs(text: str) -> Iterator[list[str]]:
    """Stretches of pairs of characters, none of which carries grammar."""
    for match in CJK_RUN.finditer(text):
        run: list[str] = []
        for first, second in zip(match.group(), match.group()[1:], strict=False):
            if first in CJK_FUNCTION or second in CJK_FUNCTION:
                yield run
                run = []
            else:
                run.append(first + second)
        yield run


def _strings(run: Sequence[str], held: Mapping[str, set[int]]) -> Iterator[tuple[str, set[int]]]:
    """The longest strings of a run that the same two entries or more hold, and those entries."""
    first = 0
    while first <= len(run) - PAIRS:
        shared = held.get(run[first], set())
        last = first + 1
        while last < len(run) and len(both := shared & held.get(run[last], set())) > 1:
            shared, last = both, last + 1
        if last - first >= PAIRS:
            yield run[first] + "".join(pair[1] for pair in run[first + 1 : last]), shared
        first = max(first + 1, last - 1) if last - first >= PAIRS else first + 1


def grown(string: str, texts: Sequence[str]) -> str:
    """The string with the characters around it that are the same where it first stands in each text, up to what carries grammar.

    >>> grown("复旦大", ["他在复旦大学任教", "去了复旦大学"])
    '复旦大学'
    """
    return _grown(_grown(string[::-1], [text[::-1] for text in texts])[::-1], texts)


def _grown(string: str, texts: Sequence[str]) -> str:
    ends = [text.find(string) + len(string) for text in texts]
    while len(following := {text[end : end + 1] for text, end in zip(texts, ends, strict=True)}) == 1:
        (character,) = following
        if not CJK_RUN.match(character) or character in CJK_FUNCTION:
            break
        string, ends = string + character, [end + 1 for end in ends]
    return string
