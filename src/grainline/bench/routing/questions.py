"""The questions of the routing set, and whether what a library hands over answers one."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from grainline.bench.routing.libraries import LIBRARIES
from grainline.errors import UsageError

LANGUAGES, SPLITS = ("en", "zh"), ("fit", "held")
#: kinds of questions, and the agents that are by nature for one; which of them are for a question of the set, was tried
KINDS: dict[str, tuple[str, ...]] = {
    "pattern": ("grep",),  # regular expressions, error codes, quoted phrases
    "identifier": ("grep", "code", "fulltext", "hybrid", "outline"),
    "aggregate": ("sql",),  # counts, sums, means, rankings
    "lookup": ("sql", "fulltext", "hybrid", "parts", "outline", "linked"),  # a cell of a table
    "fact": ("fulltext", "outline", "hybrid", "linked", "window"),
    "paraphrase": ("hybrid", "linked", "window"),  # in other words than the text's
    "section": ("outline", "linked", "fulltext", "hybrid"),  # a chapter, an article
    "code": ("code", "fulltext", "hybrid", "outline"),
    "uses": ("code", "grep", "fulltext", "hybrid"),  # where something is called
    "whole": ("parent",),  # what is asked for stands far from what is told
    "window": ("window", "parent", "hybrid", "linked"),  # what came before or after
    "multihop": ("linked", "hybrid", "window"),  # one passage leads to the other
    "global": ("summary", "parent", "outline"),  # what the whole is about
    "part": ("parts", "hybrid"),  # tables and pictures by their captions
    "none": (),  # the library holds no answer
}
#: agents that are right for a question of most other kinds, too, where the sentences that they lead to say the answer
ANYWHERE = ("fulltext", "outline", "hybrid", "linked", "window")
#: kinds for which only their own agents are right: who quotes the answer there did so by chance, or quotes too little
STRICT = frozenset({"pattern", "aggregate", "global", "none"})
#: kinds whose answer is worked out: it stands in no text, or by chance, so only who can work it out has it
COMPUTED = frozenset({"aggregate"})
TEXTS = ("id", "question", "language", "kind", "library", "split")
LISTS = ("agents", "answers", "sources")

#: not what follows on letters: E0752 holds no number
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[-−(]?\$?\d+(?:,\s?\d{3}(?!\d))*(?:\.\d+)?")
_WIDE = "\u3000-\u30ff\u3400-\u9fff\uff00-\uffef"
_GAP = re.compile(rf"(?<=[{_WIDE}])\s+|\s+(?=[{_WIDE}])")


def able(kind: str) -> frozenset[str]:
    """The agents that can be right for a question of a kind."""
    return frozenset(KINDS[kind] if kind in STRICT else (*KINDS[kind], *ANYWHERE))


@dataclass(frozen=True, slots=True)
class Question:
    """A question of the set: of which library it is asked, which agents can rightly answer it (the cheapest need not be first), and the
    strings of which one must stand in the answer, in evidence from one of the sources (a file, a folder, or a document of a file).

    `check` says how a worked-out answer comes about: {"sql": statement} over the tables of the source, or {"numbers": [...], "by": "sum" |
    "difference"} of numbers that stand there.
    """

    id: str
    question: str
    language: str
    kind: str
    library: str
    split: str
    agents: tuple[str, ...]
    answers: tuple[str, ...]
    sources: tuple[str, ...]
    check: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answerable(self) -> bool:
        """Whether its library holds an answer."""
        return bool(self.answers)


def load(path: Path | None = None, split: str = "all") -> tuple[Question, ...]:
    """The questions of a file, the bundled one unless another is named, of one split or all. Raises `UsageError` naming the line."""
    if split not in (*SPLITS, "all"):
        raise UsageError(f"no split {split!r}; there are: {', '.join(SPLITS)}, all")
    text = (path or files(__package__) / "questions.jsonl").read_text(encoding="utf-8")
    questions = [_question(line, number) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return tuple(question for question in questions if split in (question.split, "all"))


def _question(line: str, number: int) -> Question:
    place = f"line {number} of the questions"
    try:
        row = json.loads(line)
        identifier, text, language, kind, library, split = (str(row[name]) for name in TEXTS)
        agents, answers, sources = (tuple(map(str, row[name])) for name in LISTS)
        check = dict(row.get("check", {}))
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{place} is no question ({error!r}); each is an object with {', '.join((*TEXTS, *LISTS))}") from None
    for value, known in ((kind, KINDS), (language, LANGUAGES), (split, SPLITS), (library, LIBRARIES)):
        if value not in known:
            raise UsageError(f"{place}: {value!r} is none of {', '.join(known)}")
    return Question(identifier, text, language, kind, library, split, agents, answers, sources, check)


def holds(text: str, answers: Iterable[str]) -> bool:
    """Whether one of the answers stands in a text, whatever the case, the width of characters and the blanks; numbers by their value.

    >>> holds("revenue of 1,234 in all", ["1234"]), holds("12.50", ["12.5"]), holds("12345", ["1234"]), holds("第 11  号", ["第11号"])
    (True, True, False, True)
    """
    numbers: list[str] | None = None
    plain = _plain(text)
    for answer in answers:
        if _NUMBER.fullmatch(answer):
            numbers = _NUMBER.findall(plain) if numbers is None else numbers
            if any(_same(number, answer) for number in numbers):
                return True
        elif _plain(answer) in plain:
            return True
    return False


def _plain(text: str) -> str:
    return " ".join(_GAP.sub("", unicodedata.normalize("NFKC", text).casefold()).split())


def _same(number: str, answer: str) -> bool:
    """Whether a number is the answer, or says more digits of it than the answer that has some behind the point."""
    digits = len(answer.partition(".")[2])
    found, wanted = _value(number), _value(answer)
    return found == wanted or (digits > 0 and round(found, digits) == round(wanted, digits))


def _value(number: str) -> float:
    """A number as accounts write it: a parenthesis says less than zero.

    >>> _value("(1,234.5"), _value("$10"), _value("354, 943")
    (-1234.5, 10.0, 354943.0)
    """
    figure = float(re.sub(r"[^\d.]", "", number))
    return -figure if number[0] in "-−(" else figure


def within(source: str, sources: Sequence[str]) -> bool:
    """Whether a document is one of the sources, or in one that is a file or a folder.

    >>> within("a/b.jsonl#7", ["a/b.jsonl"]), within("a/b.jsonl#7", ["a/b.jsonl#70", "a"]), within("ab/c", ["a"])
    (True, True, False)
    """
    return any(source == one or source.startswith((f"{one.rstrip('/')}/", f"{one}#")) for one in sources)
