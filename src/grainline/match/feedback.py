"""Words that the best passages share, to find more like them: costs no encoder and finds what the question's own words do not.

After Rocchio (1971); that a few good hits lead a search to what its first round missed is measured by MacAvaney et al. (2022).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import nsmallest

from grainline.match.lexical import K1, Lexical
from grainline.text import terms
from grainline.types import EVERYWHERE, Where

#: terms that stand for what the passages have in common
TERMS = 30


def common_terms(texts: Sequence[str], words: Lexical, where: Where = EVERYWHERE) -> list[str]:
    """At most `TERMS` terms of the texts, those first that are rare among what may be seen and stand in many of the texts."""
    counts = [Counter(terms(text)) for text in texts]
    rarity = words.weights([term for count in counts for term in count], where)
    worth = dict.fromkeys(rarity, 0.0)
    for count in counts:
        for term, times in count.items():
            worth[term] += times / (times + K1) * rarity[term]
    return nsmallest(TERMS, worth, key=lambda term: (-worth[term], term))
