"""Patterns: a regular expression, a quoted phrase or an identifier, found where it stands."""

from __future__ import annotations

import re

from grainline.agents.trace import Trace
from grainline.match.pattern import Pattern
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Evidence, Where

QUOTED = re.compile(r"`([^`]+)`|\"([^\"]{2,})\"|“([^”]{2,})”|「([^」]+)」|『([^』]+)』")
#: words that can only be names: with an underscore, ::, a dot or digits inside letters, capitals inside, or in capitals with digits
IDENTIFIER = re.compile(
    r"\b(?:[A-Za-z]\w*(?:::\w+)+|[A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*|[A-Z]{1,6}-?\d{2,}\w*|0x[0-9A-Fa-f]+|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)\b"
)


class Grep:
    """A regular expression, quoted phrase or identifier in the text itself; for identifiers, logs, error codes."""

    name = "grep"

    def __init__(self, snapshot: Snapshot) -> None:
        self._match = Pattern(snapshot)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The first `k` lines that match, in order of source. Raises `PatternError` for a pattern that RE2 refuses."""
        trace = Trace(budget)
        pattern = pattern_of(question)
        hits = trace.note(f"match the pattern {pattern}", self._match.match(pattern, k, where))
        return trace.evidence(hits)


#: characters of the longest quote in Chinese that may be a single word
SINGLE = 3


def is_pattern(question: str) -> bool:
    """Whether a question is a pattern, a quote or an identifier and not a sentence around one.

    >>> is_pattern("/fn \\\\w+/"), is_pattern("where does it say \\"so be it\\""), is_pattern("E0432"), is_pattern("what is E0432?")
    (True, True, True, False)
    """
    stripped = question.strip()
    is_regex = len(stripped) > 2 and stripped.startswith("/") and stripped.endswith("/")
    quoted = ["".join(groups) for groups in QUOTED.findall(stripped)]
    return is_regex or any(map(_is_phrase, quoted)) or IDENTIFIER.fullmatch(stripped) is not None


def _is_phrase(quoted: str) -> bool:
    """Whether what is quoted is looked for as it stands, and no single word that a question only sets apart."""
    return not quoted.isalpha() or (not quoted.isascii() and len(quoted) > SINGLE)


def pattern_of(question: str) -> str:
    """The pattern that a question means: between slashes, what it quotes, the identifiers in a sentence, else all of it as it is.

    >>> pattern_of("/fn \\\\w+/"), pattern_of("where is `a.b` set?"), pattern_of("what does read_line return?"), pattern_of("E\\\\d+")
    ('fn \\\\w+', 'a\\\\.b', 'read_line', 'E\\\\d+')
    """
    stripped = question.strip()
    if len(stripped) > 2 and stripped.startswith("/") and stripped.endswith("/"):
        return stripped[1:-1]
    if quoted := ["".join(groups) for groups in QUOTED.findall(stripped)]:
        return "|".join(map(re.escape, quoted))
    if " " in stripped and (names := IDENTIFIER.findall(stripped)):
        return "|".join(map(re.escape, dict.fromkeys(names)))
    return stripped
