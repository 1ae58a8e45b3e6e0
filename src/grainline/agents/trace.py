"""Keeping account of what an agent does, and within its budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from grainline.types import NO_LIMIT, Budget, Computed, Cost, Evidence, Hit, Step

NOTHING = Cost()


class Trace:
    """Notes what came of each step and what it cost: the time since the note before, or since the trace was made."""

    def __init__(self, budget: Budget = NO_LIMIT) -> None:
        self._steps: list[Step] = []
        self._budget = budget
        self._spent = Cost()
        self._mark = perf_counter()

    def note(self, action: str, hits: list[Hit]) -> list[Hit]:
        """Note that `action` has given `hits`; returns them."""
        self.count(action, f"{len(hits)} hit{'s' * (len(hits) != 1)}")
        return hits

    def count(self, action: str, came: str, spent: Cost = NOTHING, *, failed: bool = False) -> None:
        """Note what came of `action`, in words, and what it spent beside time; `failed` where a language model was asked in vain."""
        now = perf_counter()
        cost = replace(spent, milliseconds=(now - self._mark) * 1000)
        self._steps.append(Step(action, came, cost, failed))
        self._spent += cost
        self._mark = now

    def affords(self, action: str, price: Cost = NOTHING) -> bool:
        """Whether the budget has time left for a further step and what it will spend beside time; if not, that it was left out is noted."""
        lack = self.left().lacks(price)
        if lack:
            self._steps.append(Step(action, f"left out: too little is left of the budget ({lack})"))
        return not lack

    def left(self) -> Budget:
        """What is left of the budget now."""
        running = Cost((perf_counter() - self._mark) * 1000)
        return self._budget.left(self.cost() + running)

    def steps(self) -> tuple[Step, ...]:
        """All steps so far."""
        return tuple(self._steps)

    def cost(self) -> Cost:
        """What all steps so far have cost."""
        return self._spent

    def evidence(self, hits: Sequence[Hit], computed: Computed | None = None) -> Evidence:
        """The hits with the steps so far and their whole cost."""
        return Evidence(tuple(hits), tuple(self._steps), self.cost(), computed)
