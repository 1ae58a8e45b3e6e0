"""Models that think before they answer, in tokens that nobody is shown: a capability beside `types.LLM` that a model need not have.

What it thinks comes beside the answer, or in front of it between <think> and </think>; some templates write the first mark themselves, so
that only the second comes back.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from grainline.types import LLM

BEGINS, ENDS = "<think>", "</think>"


@runtime_checkable
class Thinks(Protocol):
    """A language model that writes at most `thinks` tokens before its answer, beside those that are asked for; 0 if it answers at once."""

    thinks: int


def thought(model: LLM) -> int:
    """The tokens that a model may write before its answer."""
    return model.thinks if isinstance(model, Thinks) else 0


def answer_of(text: str) -> str:
    """What was written without the thoughts in front of it; nothing of thoughts that were cut off.

    >>> answer_of("<think>Owls?</think> It hunts."), answer_of("Owls?</think>It hunts."), answer_of("It hunts.")
    ('It hunts.', 'It hunts.', 'It hunts.')
    >>> answer_of("<think>It hunts")
    ''
    """
    said = text.rpartition(ENDS)[2].strip()
    return "" if said.startswith(BEGINS) else said
