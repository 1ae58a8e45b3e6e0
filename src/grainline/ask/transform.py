"""A question transformed for the retriever, as an agent around another: what is derived from it is asked, too, and what that finds fused.

- rewrite: the question in a searcher's words; after earlier questions, a follow-up that stands alone
- phrasings: the question said in several ways
- hyde: a passage that might answer it (Gao et al., 2022)
- step-back: a more general question (Zheng et al., 2023)
- translate: the question in the other of English and Chinese
- decompose: sub-questions; one that needs the answer of another is asked after it

A model derives questions where one is given and the budget has calls and tokens for it; else rules do, where there are any. The question
itself is asked in any case, so a bad derivation costs little, and never is the reason that a question fails.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import grainline.ask.decompose as decompose
import grainline.ask.derive as derive
import grainline.ask.phrasing as phrasing
from grainline.agents import registry
from grainline.agents.model import Budgeted
from grainline.agents.trace import Trace
from grainline.ask.blend import Ranking, blend
from grainline.ask.bridge import bridged
from grainline.ask.topic import standalone
from grainline.errors import MissingExtraError, NotFoundError, PatternError, QueryError
from grainline.store.snapshot import Snapshot
from grainline.text import terms
from grainline.types import EVERYWHERE, NO_LIMIT, Agent, Budget, Evidence, Hit, Where

#: by name: what is derived without a model; () where no rule does
KINDS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "rewrite": lambda question: tuple({phrasing.plain(question)} - {question}),
    "phrasings": phrasing.phrased,
    "hyde": lambda _: (),
    "step-back": lambda _: (),
    "translate": lambda _: (),
    "decompose": decompose.decomposed,
}
#: where rules take a question apart they do better than a small model, which is left to answer the sub-questions
RULES_FIRST = frozenset(("decompose",))
#: what a derived question counts beside the question itself, and each further guess at an answer beside the one before
DERIVED, GUESS = 0.5, 0.5
#: hits of each question that are fused, at least
POOL = 30


def wrapped(agent: str, kind: str, snapshot: Snapshot, history: Sequence[str] = (), *, by_rules: bool = False) -> Transformed:
    """The agent of that name with a transform around it, for a question that comes after those of `history`; `by_rules` leaves out the
    model. Raises `NotFoundError` for an unknown agent or transform."""
    return Transformed(lambda state: registry.make(agent, state), kind, snapshot, history, by_rules=by_rules)


def worth(question: str, history: Sequence[str] = ()) -> str:
    """The transform that pays for a question, by its form alone; "" where none does.

    >>> worth("Who is the father of the director of The Circus Cyclone?"), worth("How do owls hunt?")
    ('decompose', '')
    >>> worth("And when does it need maintenance?", ["What is a disconnector?"])
    'rewrite'
    """
    if standalone(question, history) != question:
        return "rewrite"
    return "decompose" if decompose.decomposed(question) else ""


class Transformed:
    """Another agent, asked what is derived from a question beside the question itself."""

    def __init__(
        self,
        make: Callable[[Snapshot], Agent],
        kind: str,
        snapshot: Snapshot,
        history: Sequence[str] = (),
        *,
        by_rules: bool = False,
    ) -> None:
        """`history` holds the questions before this one, the last one last; `by_rules` leaves out the model. Raises `NotFoundError` for an
        unknown transform."""
        if kind not in KINDS:
            raise NotFoundError(f"no transform {kind!r}; there are: {', '.join(KINDS)}")
        self._inner = make(snapshot)
        self._kind = kind
        self._snapshot = snapshot
        self._history = tuple(history)
        self._llm = None if by_rules else snapshot.llm
        self.name = f"{self._inner.name}+{kind}"

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """The best `k` hits of the question and of what is derived from it. Raises what the inner agent raises for the question itself, and
        what making a model raises."""
        trace = Trace(budget)
        model = Budgeted(self._llm, trace, self._snapshot) if self._llm else None
        asking = _Asking(self._inner, self._snapshot, trace, max(k, POOL), where, model)
        base = standalone(question, self._history)
        if base != question:
            asking.trace.count("put the follow-up into words that stand alone", base)
        first = asking.ask(base)
        if first.computed or first.written:
            done = asking.trace.evidence(first.hits[:k])
            return replace(first, hits=done.hits, trace=done.trace, cost=done.cost)
        for one in self._derived(question, base, asking):
            asking.follow(one, 1.0 if self._follows_up or self._kind == "translate" else DERIVED)
        alone = len(asking.rankings) == 1
        hits = first.hits[:k] if alone else asking.trace.note("fuse what the questions found", asking.fused(k))
        return replace(asking.trace.evidence(hits), agent=first.agent)

    @property
    def _follows_up(self) -> bool:
        """Whether what is derived is the question itself, as it is understood after others."""
        return self._kind == "rewrite" and bool(self._history)

    def _derived(self, question: str, base: str, asking: _Asking) -> tuple[str, ...]:
        """What is derived from a question: by a model, else by rules; first by rules where they do better (see `RULES_FIRST`), which
        leave to a model only what must be asked in order: parts of which none needs another are a simple question said twice."""
        by, found = "by rules", KINDS[self._kind](base)
        if self._llm and not (found and self._kind in RULES_FIRST):
            shown = question if self._follows_up else base
            made = derive.derived(self._kind, shown, asking.complete, self._history)
            if made and (self._kind != "decompose" or any(map(decompose.ANSWER.search, made))):
                by, found = "by a model", made
        asking.trace.count(f"{self._kind}, {by}", "; ".join(found) or "nothing: the question is asked as it is")
        return found


class _Asking:
    """A question being asked, and what is derived from it, within one budget."""

    def __init__(
        self, inner: Agent, snapshot: Snapshot, trace: Trace, k: int, where: Where, model: Budgeted | None = None
    ) -> None:
        self.trace = trace
        self.rankings: list[Ranking] = []
        self._inner = inner
        self._snapshot = snapshot
        self._k = k
        self._where = where
        self._model = model
        #: every question that was asked, with what it found
        self._found: dict[str, Evidence] = {}
        #: the derived questions as they were asked, in order; "" for one that could not be
        self._followed: list[str] = []
        self._answers: dict[int, tuple[str, ...]] = {}
        #: whose text the model's answers come from
        self._documents: set[str] = set()

    def complete(self, prompt: str, schema: dict[str, Any], max_tokens: int, documents: Collection[str] = ()) -> str | None:
        """Ask the model; see `derive.Complete`."""
        return self._model.complete(prompt, schema, max_tokens, documents) if self._model else None

    def ask(self, question: str, weight: float = 1.0, said: str = "") -> Evidence:
        """Ask the inner agent within what is left. Raises what it raises."""
        found = self._inner.retrieve(question, self._k, self._where, self.trace.left())
        left_out = [f"; {step.action}: {step.detail}" for step in found.trace if step.detail.startswith("left out")]
        self.trace.count(f"asked: {question}", f"{len(found.hits)} hits{''.join(left_out)}", found.cost)
        self.rankings.append(Ranking(found.hits, weight, said))
        self._found[question] = found
        return found

    def follow(self, question: str, weight: float) -> None:
        """Ask a derived question, with the answers in it that it needs: once for each guess at these."""
        filled = self._filled(question)
        self._followed.append(filled[0] if filled else "")
        if not filled:
            self.trace.count(f"asked: {question}", "left out: what it needs is not known")
        for one in filled:
            action = f"asked: {one}"
            if one not in self._found and self.trace.affords(action):
                try:
                    self.ask(one, weight, action)
                except (PatternError, QueryError, MissingExtraError) as error:
                    self.trace.count(action, f"left out: {error}")
            weight *= GUESS

    def fused(self, k: int) -> list[Hit]:
        """The best `k` of what all questions found."""
        return blend(self.rankings, k, lambda hit: (self._snapshot.document(hit.node.document_id).source, hit.node.start))

    def _filled(self, question: str) -> list[str]:
        """A derived question with the answers that it needs, for each guess at them; none where there is no answer."""
        needed = sorted({int(number) for number in decompose.ANSWER.findall(question)})
        answers = {number: self._answer(number) for number in needed}
        if not all(answers.values()):
            return []
        guesses = max((len(own) for own in answers.values()), default=1)
        made = [
            decompose.ANSWER.sub(lambda found, at=at: _at(answers[int(found[1])], at), question)  # type: ignore[misc]
            for at in range(guesses)
        ]
        return list(dict.fromkeys(made))

    def _answer(self, number: int) -> tuple[str, ...]:
        """What a derived question's evidence answers, by its number from 1: a model's answer, else names by rules."""
        if number not in self._answers:
            question = self._followed[number - 1] if 0 < number <= len(self._followed) else ""
            found = self._found.get(question)
            self._answers[number] = self._answered(question, found) if found and found.hits else ()
        return self._answers[number]

    def _answered(self, question: str, found: Evidence) -> tuple[str, ...]:
        read = found.hits[: derive.PASSAGES]
        passages = [self._text(hit) for hit in read]
        self._documents.update(hit.node.document_id for hit in read)
        said = derive.answered(question, passages, self.complete, sorted(self._documents)) if self._model else ""
        # an answer of a model that does not stand in what it read is no answer
        held = set(terms("\n".join(passages)))
        if said and terms(said) and held.issuperset(terms(said)):
            return (said,)
        guesses = bridged(question, found, self._snapshot, self._where)
        self.trace.count(f"what answers “{question}”, by rules", "; ".join(guesses) or "nothing")
        return guesses

    def _text(self, hit: Hit) -> str:
        """What a hit says, behind the names above it."""
        document = self._snapshot.document(hit.node.document_id)
        above = " > ".join(dict.fromkeys(filter(None, (document.title, *hit.node.meta.get("path", ())))))
        return f"{above}: {document.text[hit.node.start : hit.node.end]}"


def _at(guesses: Sequence[str], place: int) -> str:
    """The guess at a place, the last one where there are fewer."""
    return guesses[min(place, len(guesses) - 1)]
