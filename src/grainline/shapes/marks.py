"""Marks in running text where a portion of a document begins."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from grainline.shapes.tree import trim


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a portion begins, its role and its name; `head` is where its heading ends, 0 where a sentence of its own begins it."""

    start: int
    role: str
    name: str
    head: int = 0


def one_of(patterns: Mapping[str, Sequence[str]], before: str = "", after: str = "", flags: int = 0) -> re.Pattern[str]:
    """A pattern for any of several, each a group by its role; `before` and `after` stand around all of them.

    >>> one_of({"a": ["x", "y"], "b": ["z"]}).search("yz").lastgroup
    'a'
    """
    groups = "|".join(f"(?P<{role}>{'|'.join(given)})" for role, given in patterns.items())
    return re.compile(f"{before}(?:{groups}){after}", re.MULTILINE | flags)


def marks(pattern: re.Pattern[str], text: str, names: Mapping[str, str], start: int = 0) -> Iterator[Mark]:
    """All marks of a pattern of `one_of`, in order, each at its first character that is not blank."""
    for match in pattern.finditer(text, start):
        role = match.lastgroup or ""
        yield Mark(inked(text, match.start()), role, names[role])


def inked(text: str, start: int) -> int:
    """The first place from `start` on that is not blank."""
    return trim(text, start, len(text))[0]
