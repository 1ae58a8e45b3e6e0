"""An answer that a language model writes from numbered passages: what it says must be borne out by what it quotes, or it is not said.

Where nothing that it claims is borne out, the question is asked in the other language, if anything is written in that, and else it is not
answered. A question of several steps, of which no one passage speaks as a whole, is answered step by step where rules can take it apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum

from grainline.agents.model import Budgeted
from grainline.agents.trace import Trace
from grainline.ask.across import is_foreign, retold, translated
from grainline.ask.answer import no_answer
from grainline.ask.claims import Heard, Teller, Within, claimed
from grainline.ask.judge import judged
from grainline.ask.steps import Find, Last, followed
from grainline.ask.verify import how_likely
from grainline.ask.weights import as_asked
from grainline.store.snapshot import Snapshot
from grainline.types import NO_LIMIT, Answer, Budget, Evidence, Where

#: how sure an answer of several claims is, each of which stands word for word in its passage
SURE = 0.9
#: the share of a question that one passage holds where it may speak of all that is asked
WHOLE = 0.9


def written(
    question: str,
    quoted: Answer,
    snapshot: Snapshot,
    where: Where,
    budget: Budget = NO_LIMIT,
    heard: Heard | None = None,
    find: Find | None = None,
) -> Answer:
    """What the model of a state answers from the evidence of a quoted answer; the quoted one, with what was spent on it, where there is
    nothing to read or the model fails, which the trace tells.

    `heard` is called with each claim of the answer once it is known to be borne out; `find` finds evidence for a step of a question of
    several, which is not taken apart without it, and for the question in the other language. Raises `DamagedError` if a quote does not
    stand where it should, and what making the model and finding raise.
    """
    if snapshot.llm is None:
        return quoted
    trace = Trace(budget)
    within = Within(snapshot, where, Budgeted(snapshot.llm, trace, snapshot), trace)
    foreign = is_foreign(question, within)
    first = translated(question, quoted.evidence, within, find) if find and foreign else None
    told = _told(question, *(first or (question, quoted.evidence)), within, heard, find)
    if find and not foreign and not told.holds and (other := translated(question, quoted.evidence, within, find)):
        across = _told(question, *other, within, heard, find)
        told = across if across.holds else told
    spent = replace(quoted, evidence=added(told.evidence, trace), cost=quoted.cost + trace.cost())
    return _answered(question, told.teller, told.likely, spent) if told.teller else spent


@dataclass(frozen=True, slots=True)
class _Told:
    """What a model told of a question from some evidence, if it could be asked, and how likely that is right, if that is known."""

    evidence: Evidence
    teller: Teller | None
    likely: float | None

    @property
    def holds(self) -> bool:
        """Whether anything is borne out."""
        return self.teller is not None and bool(self.teller.supports)


def _told(question: str, asked: str, evidence: Evidence, within: Within, heard: Heard | None, find: Find | None) -> _Told:
    """What the model tells of a question that it is `asked` in these words, in the language of the question; nothing without hits."""
    if not evidence.hits:
        return _Told(evidence, None, None)
    last = _last(asked, evidence, within, find)
    across = asked != question
    told = claimed(last.question, last.hits, within, None if across else heard, last.rests_on)
    original = question if across and last.question == asked else ""  # of a step there is none
    likely = how_likely(last.question, told, within, original) if told and len(told.supports) == 1 else None
    if told and likely is not None and likely < as_asked().bound:
        told.withdraw()
    if told and across and told.supports:
        documents = sorted({support.passage.document.id for support in told.supports}.union(within.told_by))
        told.reword(lambda claim: retold(claim, question, within, documents))
        if heard:
            heard(told.text)
    if told:
        told.tell()
    return _Told(last.evidence, told, likely)


def _last(question: str, evidence: Evidence, within: Within, find: Find | None) -> Last:
    """What the model is asked in the end: the last step of a question of several, else the question."""
    _, signs = judged(question, evidence, within.snapshot, within.where)
    steps = followed(question, evidence, within, find) if find and signs["passage"] < WHOLE else None
    return steps or Last(question, evidence.hits, evidence)


def added(evidence: Evidence, trace: Trace) -> Evidence:
    """Evidence with further steps and what they cost."""
    return replace(evidence, trace=(*evidence.trace, *trace.steps()), cost=evidence.cost + trace.cost())


def _answered(question: str, told: Teller, likely: float | None, quoted: Answer) -> Answer:
    """The answer that claims make, as sure as it is likely right if that is known; none where no claim was borne out."""
    left_out = tuple(told.left_out)
    if not told.supports:
        text = no_answer(question)
        return replace(quoted, text=text, answered=False, confidence=0.0, support=0.0, left_out=left_out)
    support = fsum(support.score for support in told.supports) / len(told.supports)
    said = replace(quoted, text=told.text, citations=tuple(told.citations), answered=True)
    confidence = SURE * support if likely is None else likely
    return replace(said, confidence=confidence, support=support, left_out=left_out)
