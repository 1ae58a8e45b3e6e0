"""Looking back on an answer: what it is worth, where it is weak, and another round for the weakness while there is budget.

The reward is made of how well the answer is borne out, how much of the question its evidence covers, whether other documents say the
same, and the user's mark where the question has one. Below `ENOUGH` the weakness leads the next retrieval: what of the question no cited
passage speaks of, or what the model claimed and nothing bears out. An answer is replaced only by one of a greater reward.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import fsum

from grainline.ask.blend import Ranking, blend
from grainline.ask.steps import Find
from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms, terms
from grainline.types import NO_LIMIT, Answer, Budget, Cost, Evidence, Hit, Step, Where

#: what each part counts, and what a user's mark counts beside all of them
SUPPORT, COVERAGE, AGREEMENT, MARK = 0.45, 0.35, 0.2, 0.5
#: a reward that is enough
ENOUGH = 0.6
#: the share of an answer's terms that a passage of another document must hold to agree
AGREES = 0.8
#: terms that a further retrieval asks for, at most, and the weight of what it finds beside what was found before
WANTED, FURTHER = 8, 1.0

#: answers the question from evidence within a budget
Tell = Callable[[Evidence, Budget], Answer]


@dataclass(frozen=True, slots=True)
class Reward:
    """What an answer is worth, from 0 to 1, and of what parts; `missing` are the question's terms that no cited passage holds, those that
    weigh most first."""

    value: float
    support: float
    coverage: float
    agreement: float
    missing: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.value:.2f} (support {self.support:.2f}, coverage {self.coverage:.2f}, agreement {self.agreement:.0f})"


def reward(question: str, found: Answer, snapshot: Snapshot, where: Where, mark: int = 0) -> Reward:
    """What an answer is worth; `mark` is the user's, 1 or -1, 0 for none. One that does not answer is worth nothing."""
    lexical = Lexical(snapshot)
    asked = lexical.weights(question_terms(question), where)
    counts = lexical.index.counts(list(asked), where)
    # what stands nowhere in the library is a way of asking, and no retrieval will find it
    weights = {term: weight for (term, weight), count in zip(asked.items(), counts, strict=True) if count}
    whole = fsum(weights.values()) or 1.0
    cited = [hit for hit in found.evidence.hits if _is_cited(hit, found, snapshot)]
    held = weights.keys() & set(terms("\n".join(_said(hit, snapshot) for hit in cited)))
    missing = tuple(sorted(weights.keys() - held, key=lambda term: (-weights[term], term)))
    coverage = 1 - fsum(weights[term] for term in missing) / whole
    agreement = float(any(_agrees(hit, found, snapshot) for hit in found.evidence.hits if hit not in cited))
    support = found.support if found.answered else 0.0
    value = fsum((SUPPORT * support, COVERAGE * coverage, AGREEMENT * agreement)) if found.answered else 0.0
    if mark:
        value = (1 - MARK) * value + MARK * (mark > 0)
    return Reward(value, support, coverage, agreement, missing)


@dataclass(frozen=True, slots=True)
class Reflection:
    """How an answer is looked back on: in at most so many rounds, by what may be seen, with the user's mark of the question."""

    snapshot: Snapshot
    where: Where
    rounds: int
    find: Find
    tell: Tell
    mark: int = 0

    def on(self, question: str, found: Answer, budget: Budget = NO_LIMIT) -> Answer:
        """The best answer of all rounds, with what each was worth and why it was not enough in its trace."""
        best, worth = found, reward(question, found, self.snapshot, self.where, self.mark)
        steps, spent, asked = [Step("reflect", f"the answer is worth {worth}")], found.cost, {question}
        hits: Sequence[Hit] = found.evidence.hits
        for _ in range(self.rounds):
            query, why = _weakness(best, worth)
            if worth.value >= ENOUGH or not query or query in asked or budget.left(spent).lacks(Cost(milliseconds=1.0)):
                break
            asked.add(query)
            more = self.find(query, budget.left(spent))
            hits = blend(
                [Ranking(hits), Ranking(more.hits, FURTHER, f"asked: {query}")], len(hits) or len(more.hits), self._place
            )
            told = self.tell(Evidence(tuple(hits), agent=best.agent), budget.left(spent + more.cost))
            came = reward(question, told, self.snapshot, self.where, self.mark)
            round_cost = more.cost + told.cost
            spent += round_cost
            steps.append(Step(f"reflect: {why}", f"asked for “{query}”: {len(more.hits)} hits; now worth {came}", round_cost))
            if came.value > worth.value:
                best, worth = replace(told, agent=best.agent, route=best.route, rungs=best.rungs), came
        evidence = replace(best.evidence, trace=(*_told(found, best), *steps), cost=spent)
        return replace(best, evidence=evidence, cost=spent)

    def _place(self, hit: Hit) -> tuple[str, int]:
        return self.snapshot.document(hit.node.document_id).source, hit.node.start


def _told(first: Answer, best: Answer) -> tuple[Step, ...]:
    """The steps of the first answer, then those of the best one if that is another."""
    return first.evidence.trace if best.evidence is first.evidence else (*first.evidence.trace, *best.evidence.trace)


def _weakness(found: Answer, worth: Reward) -> tuple[str, str]:
    """What to ask for next, and why; "" where nothing is known that would help."""
    if found.left_out:
        return " ".join(found.left_out), "nothing bears out a claim"
    if worth.missing:
        return " ".join(worth.missing[:WANTED]), "a part of the question is missing in what is cited"
    return "", ""


def _is_cited(hit: Hit, found: Answer, snapshot: Snapshot) -> bool:
    """Whether a citation stands in a hit."""
    source = snapshot.document(hit.node.document_id).source
    return any(
        citation.source == source and citation.start < hit.node.end and hit.node.start < citation.end
        for citation in found.citations
    )


def _agrees(hit: Hit, found: Answer, snapshot: Snapshot) -> bool:
    """Whether a passage of a document that is not cited says what the answer says."""
    document = snapshot.document(hit.node.document_id)
    if any(citation.source == document.source for citation in found.citations):
        return False
    wanted = set(terms(found.text)) - {str(number) for number in range(len(found.citations) + 1)}
    return bool(wanted) and len(wanted & set(terms(_said(hit, snapshot)))) >= AGREES * len(wanted)


def _said(hit: Hit, snapshot: Snapshot) -> str:
    """What a hit says, with the names above it."""
    document = snapshot.document(hit.node.document_id)
    above = (document.title, *hit.node.meta.get("path", ()), hit.node.name)
    return f"{' '.join(above)}\n{document.text[hit.node.start : hit.node.end]}"
