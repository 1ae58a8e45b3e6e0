"""The weights by which questions are routed and answers judged: logistic regressions over signs, fitted by `bench/routing/fit.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import exp, fsum
from typing import Any

from grainline.types import Cost


@dataclass(frozen=True, slots=True)
class Logistic:
    """A logistic regression: a weight for each sign, and what is added to them."""

    weights: Mapping[str, float]
    bias: float

    def probability(self, signs: Mapping[str, float]) -> float:
        """How likely it is, from 0 to 1; signs without a weight count nothing."""
        total = self.bias + fsum(weight * signs.get(name, 0.0) for name, weight in self.weights.items())
        return 1 / (1 + exp(-max(-50.0, min(50.0, total))))


@dataclass(frozen=True, slots=True)
class Weights:
    """By agent how likely it is right for a question, what it spends, and how likely what it found is right; `after[a][b]`, how much less
    likely b is right once a was not; how likely a question has no answer; and the bounds: what a second of an agent's price counts, when
    to stop climbing, when to decline."""

    fit: Mapping[str, Logistic]
    price: Mapping[str, Cost]
    right: Mapping[str, Logistic]
    after: Mapping[str, Mapping[str, float]]
    unanswerable: Logistic
    second: float
    stop: float
    decline: float


@dataclass(frozen=True, slots=True)
class Bounded:
    """A logistic regression, and from which probability on something is taken to be so."""

    logistic: Logistic
    bound: float


def confidence_of(agent: str, signs: Mapping[str, float]) -> float:
    """How likely what an agent found is right, by the signs of its evidence; for one that was not fitted as for `hybrid`."""
    right = fitted().right
    return right[agent if agent in right else "hybrid"].probability(signs)


@lru_cache(maxsize=1)
def fitted() -> Weights:
    """The weights that come with the package."""
    return read(json.loads((files(__package__) / "weights.json").read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def as_asked() -> Bounded:
    """How likely the quote of an answer tells what was asked, by the signs of `verify`; fitted by `bench/looks.py`."""
    row = json.loads((files(__package__) / "as_asked.json").read_text(encoding="utf-8"))
    return Bounded(Logistic(row["weights"], row["bias"]), row["bound"])


def read(data: Mapping[str, Any]) -> Weights:
    """The weights in the form of the file."""

    def logistic(row: Mapping[str, Any]) -> Logistic:
        """One regression."""
        return Logistic(row["weights"], row["bias"])

    return Weights(
        {agent: logistic(row) for agent, row in data["fit"].items()},
        {agent: Cost(row["milliseconds"], row["embedded"]) for agent, row in data["price"].items()},
        {agent: logistic(row) for agent, row in data["right"].items()},
        data["after"],
        logistic(data["unanswerable"]),
        data["second"],
        data["stop"],
        data["decline"],
    )
