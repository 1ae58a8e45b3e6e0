"""What a passage holds that another may share: capitalised runs, quoted and emphasised terms, titles, years, numbers with units."""

from __future__ import annotations

import re

from grainline.graph.names import Tokens, is_telling
from grainline.graph.spelling import LONGEST, spell
from grainline.text import CJK, CJK_RUN, STOPWORDS

#: the kind of key that holds the phrases of a passage
PHRASE = "phrase"
#: phrases of one passage, at most
MOST = 120

_CAPITAL = r"[A-ZÀ-ÖØ-Þ][^\W_]*(?:['’.&-][^\W_]+)*"
_RUN = re.compile(
    rf"{_CAPITAL}(?:[ \t]+(?:(?:of|the|de|la|le|du|von|van|der|den|da|di|del|al|bin|and|&|in|for|on|to)[ \t]+)*"
    rf"(?:{_CAPITAL}|\d{{1,4}}(?!\w)))*"
)
#: what may stand inside a name and may as well stand between two
_BETWEEN = re.compile(r"[ \t]+(?:and|&|in|for|on|to)[ \t]+(?:the[ \t]+)?")
_YEAR = re.compile(r"[12](?<![.,\w-][12])\d{3}(?![\d\w]|[.,]\d)")
_QUANTITY = re.compile(
    rf"\d(?<![\w.,]\d)(?=(?:[\d,.]*\d){{2}})[\d,]*(?:\.\d+)?\s?(?:[{CJK}]{{1,3}}|(?:k|m|c|M|G|T)?(?:m|g|Hz|W|V|B|b|bps|km|mi|ft|lb)\b"
    r"|million\b|billion\b|trillion\b)"
)
_QUOTED = re.compile(
    r"[“\"「『《]([^“”\"「」『』《》\n]{2,40})[”\"」』》]|`([^`\n]{3,40})`|(?<!\*)\*{1,2}([^*\n]{2,40})\*{1,2}(?!\*)"
)
_LATIN = re.compile(rf"(?<=[{CJK}，。、（“])\s?((?=\d*[A-Za-z])[A-Za-z0-9][\w.+-]*(?:\s[A-Za-z0-9][\w.+-]*){{0,3}})")
_MARKS = re.compile('[“"「『《`*]')
_BEFORE = re.compile(r"(?:^|[.!?:\n\"“(])\s*[\"“‘'(*_]*$")


def phrases(text: str) -> set[Tokens]:
    """The phrases of a text, spelled."""
    found: set[Tokens] = set()
    for match in _RUN.finditer(text):
        pieces = _BETWEEN.split(match.group())
        for place, piece in enumerate((*pieces, match.group()) if len(pieces) > 1 else pieces):
            run = spell(piece)
            while run and run[0] in STOPWORDS:
                run = run[1:]
            if len(run) > 1:
                found.add(run[:LONGEST])
            # a word that is only capitalised because a sentence begins with it is no name
            elif run and not (place == 0 and _BEFORE.search(text, max(0, match.start() - 8), match.start())):
                found.add(run)
    patterns = (*((_QUOTED,) if _MARKS.search(text) else ()), *((_LATIN,) if CJK_RUN.search(text) else ()))
    for pattern in patterns:
        found.update(spell(next(filter(None, match.groups()))) for match in pattern.finditer(text))
    telling = {run for run in found if is_telling(run)}
    for pattern in (_YEAR, _QUANTITY):
        telling.update(spell(match.group()) for match in pattern.finditer(text))
    return telling if len(telling) <= MOST else set(sorted(telling)[:MOST])
