"""What a question is like, and what the library has for it: cheap signs by which agents are chosen, without an encoder or a model.

Signs of the question are words that ask in a certain way; signs of the library are how much of the question's weight the best key of each
kind holds. All of them lie between 0 and 1 or near it.
"""

from __future__ import annotations

import re
from math import fsum, log2

import numpy as np

import grainline.match.made as made
from grainline.agents.grep import IDENTIFIER, QUOTED, is_pattern
from grainline.ask.signs import SIGNS
from grainline.graph.links import Links
from grainline.graph.pointed import pointed
from grainline.match.lexical import K1, Lexical, best
from grainline.store.snapshot import Snapshot
from grainline.tables.asking import Asking
from grainline.text import CJK_RUN, question_terms
from grainline.types import Where

Features = dict[str, float]

#: kinds of keys whose best match is a sign
KINDS = ("text", "name", "table", "row", "caption", "symbol", "comment", "summary")
_SIGNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in SIGNS.items()}
#: questions whose words ask of tables are read against them, which takes milliseconds; as are those whose rows and headers match so well
ASKS_OF_TABLES, MATCHES_TABLES = ("count", "aggregate", "extreme", "compare", "each"), 0.45


def features(question: str, snapshot: Snapshot, where: Where) -> Features:
    """The signs of a question in a library as one asker sees it."""
    found = {name: float(bool(pattern.search(question))) for name, pattern in _SIGNS.items()}
    wanted = question_terms(question)
    stripped = question.strip()
    names = IDENTIFIER.findall(stripped)
    found |= {
        "regex": float(len(stripped) > 2 and stripped[0] == stripped[-1] == "/"),
        "pattern": float(is_pattern(stripped)),
        "quoted": float(bool(QUOTED.search(stripped))),
        "identifier": float(bool(names)),
        "alone": float(len(wanted) <= 2 or (bool(names) and len(names[0]) >= 0.6 * len(stripped))),
        "length": min(2.0, log2(1 + len(wanted)) / 4),
        "chinese": float(bool(CJK_RUN.search(stripped))),
        "digits": float(any(map(str.isdigit, stripped))),
        "asks": float("?" in stripped or "？" in stripped),
    }
    found |= {f"in {kind}": share(snapshot, kind, wanted, where) for kind in (*KINDS, *made.KINDS)}
    found["named"] = _named(question, snapshot, where)
    found["article"] = float(bool(pointed(question, snapshot, where)))
    found["tables"] = _tables(question, snapshot, where, found)
    return found


def share(snapshot: Snapshot, kind: str, wanted: list[str], where: Where) -> float:
    """The best BM25 score that a key of a kind has, as a share of what the question's words weigh among those keys; 0 without any."""
    lexical = Lexical(snapshot, kind)
    if not lexical.index.size:
        return 0.0
    scored = best(lexical.found(lexical.index, wanted, where), lexical.index.size, 1)
    whole = (K1 + 1) * fsum(lexical.weights(wanted, where).values())
    return scored[0][1] / whole if scored and whole else 0.0


def _named(question: str, snapshot: Snapshot, where: Where) -> float:
    """How much of what the question says are names that passages go by."""
    links = Links(snapshot, lambda entries: np.zeros(len(entries)), where)
    told = links.telling(links.mentions(question), question)
    return min(1.0, max((weight for _, weight in told.values()), default=0.0))


def _tables(question: str, snapshot: Snapshot, where: Where, found: Features) -> float:
    """How surely the question can be put to tables as it stands."""
    if not (any(found[name] for name in ASKS_OF_TABLES) or max(found["in row"], found["in table"]) >= MATCHES_TABLES):
        return 0.0
    asking = Asking(snapshot, where)
    return asking.understand(question).confidence if asking.catalog.tables else 0.0
