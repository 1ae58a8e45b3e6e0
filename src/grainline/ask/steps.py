"""A question of several steps, answered step by step: what answers one stands in the next, which is asked and read on its own.

Shown all passages at once a small model answers the nearest step, the county for its seat. Here the question is taken apart, each step
finds evidence of its own, and what bears out its answer is cited beside what answers in the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from grainline.ask.blend import Ranking, blend
from grainline.ask.claims import Teller, Within, claimed, shared
from grainline.ask.decompose import ANSWER, decomposed
from grainline.ask.judge import lacks, specifics
from grainline.errors import MissingExtraError, PatternError, QueryError
from grainline.graph.names import variants_of
from grainline.graph.spelling import spell
from grainline.text import CJK_RUN
from grainline.types import Budget, Citation, Evidence, Hit

#: what the evidence of the question itself counts beside that of its last step, for what the model is shown
BESIDE = 0.5
#: tokens of passages that a step before the last is answered from, about
ROOM = 300

#: the share of a step's words that what answers it must hold, each by its rarity: in Chinese names are not told from words
ABOUT = 0.25
#: what is described by what it does
_DOES = re.compile(r"[Tt]he (?P<what>[a-z][\w-]*(?: [a-z][\w-]*){0,3}?) (?:who|that|which) (?!the |an? )(?P<does>[a-z].*)")
#: finds evidence for a query within a budget
Find = Callable[[str, Budget], Evidence]


@dataclass(frozen=True, slots=True)
class Last:
    """What is asked in the end, the hits that answer it, the evidence of all steps, and what the question rests on."""

    question: str
    hits: tuple[Hit, ...]
    evidence: Evidence
    rests_on: tuple[Citation, ...] = ()


def followed(question: str, evidence: Evidence, within: Within, find: Find) -> Last | None:
    """The last step of a question, with the answers to those before in it; None where rules do not take it apart into steps, or one that is
    needed is not answered by a quote about what it names. Raises what `claimed` raises, and what finding raises, but for a step that is
    taken for a pattern."""
    parts = _parts(question, within)
    if not parts:
        return None
    answers: list[str] = []
    rests_on: dict[Citation, None] = {}
    rankings = [Ranking(evidence.hits, BESIDE)]
    for part in parts[:-1]:
        asked = _asked(part, answers)
        found = found_by(asked, within, find) if asked else None
        told = _answered(asked, found, within) if found else None
        rankings += [Ranking(found.hits, BESIDE, f"asked: {asked}")] if found else []
        answers.append(told.claims[0] if told else "")
        rests_on |= dict.fromkeys(told.citations[:1] if told else ())
        within.trace.count(f"step {len(answers)}: {asked or part}", answers[-1] or "not answered")
    last = _asked(parts[-1], answers)
    found = found_by(last, within, find) if last else None
    if found is None or not found.hits:
        return None
    rankings.insert(0, Ranking(found.hits, 1.0, f"asked: {last}"))
    within.trace.count(f"step {len(parts)}: {last}", f"{len(found.hits)} hits")
    first, every = (blend(some, len(evidence.hits), _place(within)) for some in (rankings[:2], rankings))
    return Last(last, tuple(first), replace(evidence, hits=tuple(every)), tuple(rests_on))


def _parts(question: str, within: Within) -> tuple[str, ...]:
    """The steps of a question, each but the first with the number of one that it needs; () where it has none."""
    parts = decomposed(question)
    if not any(ANSWER.search(part) for part in parts):
        return ()
    within.trace.count("steps", "; ".join(parts))
    return parts


def _answered(question: str, found: Evidence, within: Within) -> Teller | None:
    """What a step is answered by a quote that speaks of what it names; None where it is not."""
    told = claimed(question, found.hits, within, room=ROOM) if found.hits else None
    if told is None or not told.claims:
        return None
    said = f"{told.claims[0]}\n{told.supports[0].said}"
    beside = lacks(said, specifics(question)) or shared(question, said, within) < ABOUT
    if beside and not _is_named_on_its_page(question, told):
        return None
    within.told_by.add(told.supports[0].passage.document.id)
    return told


def _is_named_on_its_page(question: str, told: Teller) -> bool:
    """Whether the passage is of the page about what answers, and holds anywhere whom or what the question names."""
    passage, named = told.supports[0].passage, specifics(question)
    return bool(named) and spell(told.claims[0]) in variants_of(passage.document.title) and not lacks(passage.text, named)


def _asked(part: str, answers: list[str]) -> str:
    """A part as a question, with the answers that it needs in it; "" where one of them is not known."""
    if not all(int(number) <= len(answers) and answers[int(number) - 1] for number in ANSWER.findall(part)):
        return ""
    return as_question(ANSWER.sub(lambda found: answers[int(found[1]) - 1], part).strip())


def as_question(said: str) -> str:
    """What asks for what is described; a question as it is.

    >>> as_question("the woman who signed the Lowmarket charter"), as_question("the county where Vardal lies")
    ('Which woman signed the Lowmarket charter?', 'Who or what is the county where Vardal lies?')
    """
    if said.endswith(("?", "？")):
        return said
    if CJK_RUN.search(said):
        return f"{said}是谁，是什么？"
    does = _DOES.match(said)
    return f"Which {does['what']} {does['does']}?" if does else f"Who or what is {said}?"


def found_by(question: str, within: Within, find: Find) -> Evidence | None:
    """The evidence of a further question; None where an agent takes it for something that it is not, or too little is left."""
    if not within.trace.affords(step := f"asked: {question}"):
        return None
    try:
        found = find(question, within.trace.left())
    except (PatternError, QueryError, MissingExtraError) as error:
        within.trace.count(step, str(error))
        return None
    within.trace.count(step, f"{len(found.hits)} hits", found.cost)
    return found


def _place(within: Within) -> Callable[[Hit], tuple[str, int]]:
    return lambda hit: (within.snapshot.document(hit.node.document_id).source, hit.node.start)
