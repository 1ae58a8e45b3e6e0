"""Keeping account of what an agent does, and within its budget."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

from grainline.types import NO_LIMIT, Budget, Computed, Cost, Evidence, Hit, Step


class Trace:
    """Notes what came of each step and what it cost: the time since the note before, or since the trace was made."""

    def __init__(self, budget: Budget = NO_LIMIT) -> None:
        self._steps: list[Step] = []
        self._most = budget.milliseconds
        self._mark = perf_counter()

    def note(self, action: str, hits: list[Hit]) -> list[Hit]:
        """Note that `action` has given `hits`; returns them."""
        self.count(action, f"{len(hits)} hit{'s' * (len(hits) != 1)}")
        return hits

    def count(self, action: str, came: str, embedded: int = 0) -> None:
        """Note what came of `action`, in words, and how many texts it embedded."""
        now = perf_counter()
        self._steps.append(Step(action, came, Cost((now - self._mark) * 1000, embedded)))
        self._mark = now

    def affords(self, action: str) -> bool:
        """Whether the budget has time left for a further step; if not, that it was left out is noted."""
        if self._most is None or self.cost().milliseconds < self._most:
            return True
        self._steps.append(Step(action, f"left out: the {self._most:g} ms of the budget are spent"))
        return False

    def cost(self) -> Cost:
        """What all steps so far have cost."""
        return sum((step.cost for step in self._steps), Cost())

    def evidence(self, hits: Sequence[Hit], computed: Computed | None = None) -> Evidence:
        """The hits with the steps so far and their whole cost."""
        return Evidence(tuple(hits), tuple(self._steps), self.cost(), computed)
