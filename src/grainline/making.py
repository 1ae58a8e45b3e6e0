"""Having a language model write keys: summaries of long texts, descriptions of functions and tables, questions that passages answer.

Nothing of it is needed, and each key costs a call, so it is done when somebody asks for it, for all of a library or for what is asked for
often: documents that many kept answers of a model were written from. What it will cost at most is known before. What is made is kept batch
by batch; what is there, whichever model made it, is not made again. Pictures are left out: no model that can be asked here reads them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import grainline.ask.describe as describe
from grainline.agents.model import KIND as COMPLETION
from grainline.errors import ModelError, UsageError
from grainline.match.index import put
from grainline.match.made import CODE, KINDS, SUMMARY, TABLE, Made, builders, every, key
from grainline.models.completion import most_tokens
from grainline.store.records import Stored
from grainline.store.snapshot import Snapshot
from grainline.store.writer import Writer
from grainline.types import EVERYWHERE, LLM, NO_LIMIT, Budget, Cost, Where

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    class Library(Protocol):
        """What is needed of a library."""

        folder: Path

        def snapshot(self) -> AbstractContextManager[Snapshot]:
            """One consistent state."""
            ...


NEEDED = "keys are written by a language model: name one by --llm SPEC or $GRAINLINE_LLM"
#: calls between two commits: what an interrupted run loses at most
AT_ONCE = 8
#: how long a batch waits for another writer
WAIT_SECONDS = 60.0
#: calls in a row that the model fails until it is asked no more
FAILURES = 5

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Order:
    """Which keys are to be made (see `match.made.KINDS`): of what may be seen, and, where `often` is above 0, of documents that at least
    so many kept answers were written from."""

    kinds: tuple[str, ...] = (SUMMARY, CODE, TABLE)
    where: Where = EVERYWHERE
    often: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A node that is to have keys of a kind: the row number of its document, its place there, and the document's source."""

    kind: str
    number: int
    place: int
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, what asked for most first; how much of each kind, what that costs at most, and how many pictures are left out."""

    wishes: tuple[Wish, ...]
    counts: dict[str, int]
    cost: Cost
    pictures: int


@dataclass
class Result:
    """What was made: nodes by kind, what it cost, what was `skipped` with the reasons, by source; how many nodes are `left`, and why."""

    made: dict[str, int] = field(default_factory=dict)
    cost: Cost = field(default_factory=Cost)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    left: int = 0
    stopped: str = ""


def plan(snapshot: Snapshot, order: Order) -> Plan:
    """What an order asks for that is not there yet, and its price. Raises `UsageError` for a kind that there is not."""
    if unknown := [kind for kind in order.kinds if kind not in KINDS]:
        raise UsageError(f"no kind of key {unknown[0]!r}; there are: {', '.join(KINDS)}")
    asked = often_asked(snapshot)
    there = {one.key for one in every(snapshot)}
    found: list[tuple[int, int, Wish]] = []
    cost, pictures = Cost(), 0
    for stored in snapshot.stored(order.where):
        if asked[stored.number] < order.often:
            continue
        document, shaped = stored.document, stored.shaped
        pictures += sum(node.kind == "image" for node in shaped.nodes)
        for kind, place in describe.wanted(document, shaped, order.kinds):
            if key(kind, shaped.nodes[place].id) not in there:
                wish = Wish(kind, stored.number, place, document.source)
                found.append((-asked[stored.number], KINDS.index(kind), wish))
                cost += _price(describe.prompt(document, shaped, kind, place))
    found.sort(key=lambda one: (*one[:2], one[2].source, one[2].place))
    counts = Counter(wish.kind for *_, wish in found)
    return Plan(tuple(wish for *_, wish in found), {kind: counts[kind] for kind in KINDS if counts[kind]}, cost, pictures)


def often_asked(snapshot: Snapshot) -> Counter[int]:
    """How many of the kept answers of models were written from each document, by row number."""
    return Counter(number for work in snapshot.works(COMPLETION) for number in work.documents)


def make(library: Library, order: Order, budget: Budget = NO_LIMIT, progress: Progress | None = None) -> Result:
    """Plan an order and have it written; see `write`."""
    with library.snapshot() as state:
        planned = plan(state, order)
    return write(library, planned, budget, progress)


def write(library: Library, planned: Plan, budget: Budget = NO_LIMIT, progress: Progress | None = None) -> Result:
    """Have the library's model write what is planned, as far as the budget goes.

    A node that it fails for is skipped, and asked for again by the next run. Raises `UsageError` where no model is named, `BusyError`,
    `StorageError`, `DamagedError`, and what making the model raises; then what was kept stays.
    """
    wishes = planned.wishes
    with library.snapshot() as state:
        if state.llm is None:
            raise UsageError(NEEDED)
        if not wishes:
            return Result()
        maker = _Maker(state.llm(), budget)
    result = maker.result
    for first in range(0, len(wishes), AT_ONCE):
        batch = wishes[first : first + AT_ONCE]
        with library.snapshot() as state:
            known = state.sources()
            asked = [(wish, state.at(wish.number)) for wish in batch if wish.number in known]
        for made in keep(library.folder, maker.written(asked)):
            result.made[made.kind] = result.made.get(made.kind, 0) + 1
        if progress:
            progress(first + len(batch), len(wishes), batch[-1].source)
        if result.stopped:
            break
    result.left = len(wishes) - maker.asked
    return result


def keep(folder: Path, made: Sequence[Made]) -> list[Made]:
    """Write keys down in one transaction, and return them, but for those of documents that went meanwhile or that another one made.

    Unlike other work they change what questions find, and so the sequence number. Raises `BusyError`, `StorageError`, `DamagedError`.
    """
    if not made:
        return []
    with Writer(folder, WAIT_SECONDS) as writer:
        writer.begin()
        state = writer.snapshot()
        known = "SELECT 1 FROM documents WHERE number=?"
        new = [one for one in made if writer.execute(known, (one.number,)) and state.work(one.key) is None]
        if new:
            writer.put_work({one.key: one.work() for one in new})
            put(writer, builders(new), ())
            writer.commit()
    return new


class _Maker:
    """Asks a model within a budget."""

    def __init__(self, model: LLM, budget: Budget) -> None:
        self._model = model
        self._budget = budget
        self._failures = 0
        self.asked = 0
        self.result = Result()

    def written(self, batch: Sequence[tuple[Wish, Stored]]) -> list[Made]:
        """The keys that the model writes for a batch; `result.stopped` says why it is the last one."""
        made = []
        for wish, stored in batch:
            prompt = describe.prompt(stored.document, stored.shaped, wish.kind, wish.place)
            if lack := self._budget.left(self.result.cost).lacks(_price(prompt)):
                self.result.stopped = f"too little is left of the budget ({lack})"
            elif self._failures == FAILURES:
                self.result.stopped = f"the model failed {FAILURES} times in a row"
            if self.result.stopped:
                break
            self.asked += 1
            try:
                texts = describe.texts(stored.document, stored.shaped, wish.kind, wish.place, self._answer(prompt, wish.kind))
            except ModelError as error:
                self.result.skipped.append((wish.source, str(error)))
                continue
            node = stored.shaped.nodes[wish.place].id
            made.append(Made(wish.kind, wish.number, wish.place, node, texts, self._model.identity))
        return made

    def _answer(self, prompt: str, kind: str) -> str:
        """What the model writes; its cost is counted also where it fails."""
        start = perf_counter()
        self._failures += 1
        tokens = 0, 0
        try:
            answer = self._model.complete(prompt, describe.schema(kind), describe.MOST_TOKENS)
            tokens = answer.tokens_in, answer.tokens_out
        finally:
            self.result.cost += Cost((perf_counter() - start) * 1000, 0, 1, *tokens)
        self._failures = 0
        return answer.text


def _price(prompt: str) -> Cost:
    """The most that a prompt costs."""
    return Cost(calls=1, tokens_in=most_tokens(prompt), tokens_out=describe.MOST_TOKENS)
