"""Marks that users give to answers, and how far they move the router: a little, for questions alike, and not beyond a stated bound.

A mark says of one question that the answer of an agent was good or bad. For another question the fit of that agent is raised or lowered by
at most `MOST`: the sum of its marks, each weighted by how alike the two questions' signs are (their cosine, from `ALIKE` on), divided by
those weights and `PRIOR` more, so that a single mark moves it by a quarter of the bound and no number of them by all of it. The same shift
weighs the agent's evidence where that of several is fused. Taking a mark back takes back what it did.

A mark names the documents that the answer cited. It goes with them, and counts only for those who may see all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import fsum, sqrt

from grainline.store.snapshot import Snapshot
from grainline.store.work import Work, key_of
from grainline.types import Answer, Where

#: the kind under which marks are kept
KIND = "mark"
#: the most that marks move the fit of an agent, as many marks as are taken to stand against them, and how alike questions must be
MOST, PRIOR, ALIKE = 0.2, 3.0, 0.5

Signs = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A user's mark, 1 for good and -1 for bad, of what an agent answered to a question with these signs."""

    question: str
    agent: str
    value: int
    signs: Signs


def key(question: str) -> int:
    """The key that a mark of a question is kept under."""
    return key_of(KIND, " ".join(question.split()))


def work_of(mark: Mark, answer: Answer, snapshot: Snapshot) -> Work:
    """A mark as it is kept."""
    cited = {citation.source for citation in answer.citations}
    documents = [number for number, (_, source, _) in snapshot.sources().items() if source in cited]
    data = {"question": mark.question, "agent": mark.agent, "mark": mark.value, "signs": dict(mark.signs)}
    return Work(KIND, tuple(documents), data)


def marks(snapshot: Snapshot, where: Where) -> list[Mark]:
    """The marks that count for one who sees what `where` lets be seen, by question."""
    seen = snapshot.numbers(where)
    found = [
        Mark(work.data["question"], work.data["agent"], work.data["mark"], work.data["signs"])
        for work in snapshot.works(KIND)
        if seen is None or seen.issuperset(work.documents)
    ]
    return sorted(found, key=lambda mark: mark.question)


def given(question: str, found: Sequence[Mark]) -> int:
    """The mark that the very question has; 0 without one."""
    wanted = " ".join(question.split())
    return next((mark.value for mark in found if " ".join(mark.question.split()) == wanted), 0)


def shifts(signs: Signs, found: Sequence[Mark]) -> dict[str, float]:
    """By agent what marks add to its fit for a question with these signs, from -`MOST` to `MOST`.

    >>> signs = {"count": 1.0}
    >>> shifts(signs, [Mark("How many owls?", "sql", 1, signs)])
    {'sql': 0.05}
    """
    moved = {}
    for agent in sorted({mark.agent for mark in found}):
        weighed = [(_alike(signs, mark.signs), mark.value) for mark in found if mark.agent == agent]
        near = [(weight, value) for weight, value in weighed if weight >= ALIKE]
        if near:
            moved[agent] = MOST * fsum(weight * value for weight, value in near) / (fsum(weight for weight, _ in near) + PRIOR)
    return moved


def _alike(one: Signs, other: Signs) -> float:
    """The cosine of two questions' signs."""
    both = fsum(value * other.get(name, 0.0) for name, value in one.items())
    lengths = [sqrt(fsum(value * value for value in signs.values())) for signs in (one, other)]
    return both / (lengths[0] * lengths[1]) if all(lengths) else 0.0
