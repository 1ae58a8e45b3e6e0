"""Which agents there are, and making one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points

from grainline.errors import NotFoundError, UsageError
from grainline.store.snapshot import Snapshot
from grainline.types import Agent, Cost

GROUP = "grainline.agents"
#: the name under which the router chooses among agents
AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an agent says of itself: how likely it is right for a question with these signs, from 0 to 1, and what it will spend."""

    fit: Callable[[Mapping[str, float]], float]
    price: Cost


def registered() -> dict[str, EntryPoint]:
    """Entry points of all installed agents by name, in order of name."""
    return _registered(tuple(sys.path))


@lru_cache(maxsize=4)
def _registered(_path: tuple[str, ...]) -> dict[str, EntryPoint]:
    """What is installed on a path: looking takes milliseconds, more than a search."""
    return {entry.name: entry for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)}


def offers(fitted: Collection[str]) -> dict[str, Offer]:
    """What the agents beyond those that the router was fitted for say of themselves, by name: those whose class has `fit`, a function of
    the signs of a question (see `ask.features`) that says how likely the agent is right, and `price`, what it is expected to spend."""
    found = {name: entry.load() for name, entry in registered().items() if name not in fitted}
    return {
        name: Offer(made.fit, made.price) for name, made in found.items() if hasattr(made, "fit") and hasattr(made, "price")
    }


def make(name: str, snapshot: Snapshot) -> Agent:
    """The agent of that name over a snapshot; raises `NotFoundError` naming those there are, `UsageError` if it is no agent."""
    found = registered()
    if name not in found:
        raise NotFoundError(f"no agent {name!r}; there are: {', '.join(found)}")
    agent: object = found[name].load()(snapshot)
    if not isinstance(agent, Agent):
        raise UsageError(f"the entry point {name} is no agent: it lacks `name` or `retrieve`")
    return agent


def describe() -> dict[str, str]:
    """The first line of each agent's docstring by name."""
    return {name: (entry.load().__doc__ or "").strip().partition("\n")[0] for name, entry in registered().items()}
