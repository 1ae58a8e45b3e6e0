"""The rules of .gitignore and .ignore files: which paths below a folder they leave out.

What gitignore(5) says, with two differences that a person would not notice: `?` and `[...]` stand for one character rather
than one byte, and names are compared after Unicode composition (NFC). Matching takes time linear in the path for every
rule, whoever wrote it: what a wildcard has passed is never tried again (atomic groups).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from grainline.errors import UnreadableError

RULES = 5_000  #: rules of one file; people write hundreds, and compiling more takes noticeable time

STARS = re.compile(r"\*+(?:(?<=\*\*)(?P<end>/|$))?")  # two at least with a whole name to themselves stand for any folders

CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "\\x21-\\x7e",
    "lower": "a-z",
    "print": "\\x20-\\x7e",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t\\n\\r\\f\\v",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line: what it matches, and whether it leaves that out or keeps it."""

    pattern: re.Pattern[str]
    by_name: bool  #: compare the last name only; else the path below the folder of the rule
    folders_only: bool
    keeps: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The rules that a folder brings, on top of those of the folders above it.

    `folder` is the path of that folder, "" for the topmost, else with "/" at its end, in the terms of the paths asked about.
    """

    folder: str
    rules: tuple[Rule, ...]
    above: Scope | None = None

    def leaves_out(self, path: str, is_folder: bool) -> bool:
        """Whether the path, one below `folder`, is ignored; a deeper folder's rules go before those above it.

        >>> scope = Scope("", parse("*.log\\n!keep.log\\n/build/"))
        >>> [scope.leaves_out(path, False) for path in ("a/x.log", "a/keep.log", "build")], scope.leaves_out("build", True)
        ([True, False, False], True)
        """
        name = path.rpartition("/")[2]
        scope: Scope | None = self
        while scope:
            below = path[len(scope.folder) :]
            for rule in reversed(scope.rules):
                if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(name if rule.by_name else below):
                    return not rule.keeps
            scope = scope.above
        return False


def parse(text: str) -> tuple[Rule, ...]:
    """The rules in the text of an ignore file; lines that mean nothing are passed over.

    Raises `UnreadableError` for more than `RULES` rules.
    """
    rules = []
    for line in unicodedata.normalize("NFC", text.removeprefix("\ufeff")).split("\n"):
        if rule := _rule(line.removesuffix("\r")):
            rules.append(rule)
        if len(rules) > RULES:
            raise UnreadableError(f"holds more than {RULES:,} rules")
    return tuple(rules)


def _rule(line: str) -> Rule | None:
    if line.startswith("#"):
        return None
    line = _without_trailing_spaces(line)
    keeps = line.startswith("!")
    line = line[keeps:]
    folders_only = line.endswith("/")
    line = line[: len(line) - folders_only]
    if not line:
        return None
    by_name = "/" not in line
    expression = _expression(line.removeprefix("/"))
    return Rule(re.compile(expression, re.DOTALL), by_name, folders_only, keeps) if expression else None


def _without_trailing_spaces(line: str) -> str:
    bare = line.rstrip(" ")
    escaped = (len(bare) - len(bare.rstrip("\\"))) % 2
    return bare + " " if escaped and len(bare) < len(line) else bare


def _expression(glob: str) -> str:
    """A regular expression for the glob; "" if it can match nothing.

    Wildcards split the glob into fixed stretches. The leftmost place for a stretch leaves the most room for the rest, so once
    found it is not given up (an atomic group); only the last stretch is tied to the end. What stands between two `**` is
    found leftmost as a whole in the same way.
    """
    runs: list[list[str]] = [[""]]  # what lies between two "**"; each a list of stretches between two "*"
    at = 0
    while at < len(glob):
        stars = STARS.match(glob, at)
        if stars and stars["end"] is not None and (at == 0 or glob[at - 1] == "/"):
            runs.append([""] if stars["end"] else [".+"])
            at = stars.end()
        elif stars:
            runs[-1].append("")
            at = stars.end() - len(stars["end"] or "")
        else:
            piece, at = _piece(glob, at)
            if not piece:
                return ""
            runs[-1][-1] += piece
    first, *others = map(_run, runs)
    if not others:
        return first
    middle = "".join(f"(?>(?:[^/]+/)*?{run})" for run in others[:-1])
    return f"{first}{middle}(?:[^/]+/)*{others[-1]}"


def _run(stretches: list[str]) -> str:
    first, *others = stretches
    return first + "".join(f"(?>[^/]*?{stretch})" for stretch in others[:-1]) + "".join(f"[^/]*{last}" for last in others[-1:])


def _piece(glob: str, at: int) -> tuple[str, int]:
    """The expression for one character's worth of the glob, "" if the glob is broken there, and where the next one starts."""
    char = glob[at]
    if char == "?":
        return "[^/]", at + 1
    if char == "[":
        return _set(glob, at + 1)
    if char == "\\":
        at += 1
        if at == len(glob):
            return "", at
        char = glob[at]
    return re.escape(char), at + 1


def _set(glob: str, at: int) -> tuple[str, int]:
    """The same for a set: `at` is behind its opening bracket."""
    negated = glob.startswith(("!", "^"), at)
    at += negated
    members: list[str] = []
    first = at
    while at < len(glob) and (glob[at] != "]" or at == first):
        if glob.startswith("[:", at) and (close := glob.find(":]", at + 2)) > 0 and "]" not in glob[at + 2 : close]:
            name = glob[at + 2 : close]
            if name not in CLASSES:
                return "", at
            members.append(CLASSES[name])
            at = close + 2
            continue
        low, at = _member(glob, at)
        high = low
        if glob.startswith("-", at) and at + 1 < len(glob) and glob[at + 1] != "]":
            high, at = _member(glob, at + 1)
        if not (low and high):
            return "", at
        if low <= high:
            members.append(f"{re.escape(low)}-{re.escape(high)}")
    if at >= len(glob):
        return "", at
    inside = "".join(members)
    if negated:
        return f"[^/{inside}]", at + 1
    return (f"(?!/)[{inside}]" if inside else "(?!)"), at + 1


def _member(glob: str, at: int) -> tuple[str, int]:
    at += glob[at] == "\\"
    return glob[at : at + 1], at + 1
