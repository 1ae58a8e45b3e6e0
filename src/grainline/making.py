"""Having a language model write keys: summaries of long texts, descriptions of functions and tables, questions that passages answer.

Nothing of it is needed, and each key costs a call, so it is done when somebody asks for it, for all of a library or for what is asked for
often: documents that many kept answers of a model were written from. What it will cost at most is known before. What is made is kept batch
by batch; what is there, whichever model made it, is not made again. Pictures are described by a model that reads them, from the files that
documents were read from; those that cannot be are left out, counted by the reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Protocol

import grainline.ask.describe as describe
from grainline.agents.model import KIND as COMPLETION
from grainline.errors import ModelError, UnreadableError, UsageError
from grainline.match.index import put
from grainline.match.made import CODE, KINDS, PICTURE, SUMMARY, TABLE, Made, builders, every, key
from grainline.models.completion import most_tokens
from grainline.models.images import Image, sighted, tokens_of
from grainline.models.llm import reads_images, thinks
from grainline.models.thinking import thought
from grainline.readers.views import Views
from grainline.store.records import Stored
from grainline.store.snapshot import Snapshot
from grainline.store.writer import Writer
from grainline.types import EVERYWHERE, LLM, NO_LIMIT, Budget, Completion, Cost, Where

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    class Library(Protocol):
        """What is needed of a library."""

        folder: Path

        def snapshot(self) -> AbstractContextManager[Snapshot]:
            """One consistent state."""
            ...


NEEDED = "keys are written by a language model: name one by --llm SPEC or $GRAINLINE_LLM"
#: why pictures are left out, beside what `readers.views` says
UNREAD, REPEATED = "which no model that can be asked here reads", "shown again and again"
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

    kinds: tuple[str, ...] = (SUMMARY, CODE, TABLE, PICTURE)
    where: Where = EVERYWHERE
    often: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A node that is to have keys of a kind: the row number of its document, its place there, the document's source, and about how many
    tokens its picture takes, for one that is shown."""

    kind: str
    number: int
    place: int
    source: str
    shown: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, what asked for most first; how much of each kind, what that costs at most (pictures by an estimate), and how many
    pictures are left out, by the source of their document and the reason."""

    wishes: tuple[Wish, ...]
    counts: dict[str, int]
    cost: Cost
    left_out: dict[tuple[str, str], int]


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
    pictures = _Pictures(snapshot, PICTURE in order.kinds)
    thoughts = thinks(snapshot.llm)
    found: list[tuple[int, int, Wish]] = []
    cost = Cost()
    for stored in snapshot.stored(order.where):
        if asked[stored.number] < order.often:
            continue
        document, shaped, number = stored.document, stored.shaped, stored.number
        wanted = [Wish(kind, number, place, document.source) for kind, place in describe.wanted(document, shaped, order.kinds)]
        new = [wish for wish in wanted if key(wish.kind, shaped.nodes[wish.place].id) not in there]
        pictures.count(stored, wanted)
        for wish in pictures.sized(stored, new):
            found.append((-asked[number], KINDS.index(wish.kind), wish))
            cost += _price(describe.prompt(document, shaped, wish.kind, wish.place), wish.shown, thoughts)
    found.sort(key=lambda one: (*one[:2], one[2].source, one[2].place))
    counts = Counter(wish.kind for *_, wish in found)
    by_kind = {kind: counts[kind] for kind in KINDS if counts[kind]}
    return Plan(tuple(wish for *_, wish in found), by_kind, cost, dict(pictures.left_out))


class _Pictures:
    """What is known of the pictures of documents before a model is shown them; `left_out` counts those that it cannot be shown."""

    def __init__(self, snapshot: Snapshot, are_wanted: bool) -> None:
        self._snapshot = snapshot
        self._are_wanted = are_wanted
        self._are_read = reads_images(snapshot.llm)
        self.left_out: Counter[tuple[str, str]] = Counter()

    def count(self, stored: Stored, wishes: Sequence[Wish]) -> None:
        """Count the pictures of a document that nobody wishes for, or can be asked for."""
        pictures = sum(node.kind == "image" for node in stored.shaped.nodes)
        if not self._are_read:
            self._leave_out(stored, UNREAD, pictures)
        elif self._are_wanted:
            self._leave_out(stored, REPEATED, pictures - sum(wish.kind == PICTURE for wish in wishes))

    def sized(self, stored: Stored, wishes: Sequence[Wish]) -> list[Wish]:
        """The wishes for a document, each for a picture with the tokens that this takes, without those for what cannot be shown."""
        sized = [wish for wish in wishes if wish.kind != PICTURE]
        pictures = [wish for wish in wishes if wish.kind == PICTURE and self._are_read]
        if not pictures:
            return sized
        views = _views(self._snapshot, stored)
        for wish in pictures:
            try:
                sized.append(replace(wish, shown=tokens_of(*views.sides(stored.shaped.nodes[wish.place].meta))))
            except UnreadableError as error:
                self._leave_out(stored, str(error), 1)
        return sized

    def _leave_out(self, stored: Stored, reason: str, count: int) -> None:
        if count:
            self.left_out[stored.document.source, reason] += count


def _views(snapshot: Snapshot, stored: Stored) -> Views:
    """The pictures of a document."""
    root, file = snapshot.location(stored.document.id)
    return Views(file, root if root.is_dir() else root.parent, snapshot.recorded(stored.document.id)[2])


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
            here = [(wish, state.at(wish.number)) for wish in batch if wish.number in known]
            views = {stored.number: _views(state, stored) for wish, stored in here if wish.kind == PICTURE}
            asked = [_Asked(wish, stored, views[wish.number] if wish.kind == PICTURE else None) for wish, stored in here]
        for made in keep(library.folder, maker.written(asked)):
            result.made[made.kind] = result.made.get(made.kind, 0) + 1
        if progress:
            progress(first + len(batch), len(wishes), batch[-1].source)
        if maker.is_done:
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


@dataclass(frozen=True)
class _Asked:
    """A wish, its document, and the document's pictures if it is for one."""

    wish: Wish
    stored: Stored
    views: Views | None

    @cached_property
    def prompt(self) -> str:
        """What the model is asked."""
        return describe.prompt(self.stored.document, self.stored.shaped, self.wish.kind, self.wish.place)

    def image(self) -> Image | None:
        """The picture that it is shown; raises `UnreadableError`."""
        return self.views.image(self.stored.shaped.nodes[self.wish.place].meta) if self.views else None

    def made(self, answer: str, model: str) -> Made:
        """The keys that an answer makes; raises `ModelError`."""
        wish, shaped = self.wish, self.stored.shaped
        texts = describe.texts(self.stored.document, shaped, wish.kind, wish.place, answer)
        return Made(wish.kind, wish.number, wish.place, shaped.nodes[wish.place].id, texts, model)


class _Maker:
    """Asks a model within a budget."""

    def __init__(self, model: LLM, budget: Budget) -> None:
        self._model = model
        self._budget = budget
        # in a row, of pictures (True) and of texts: a model that reads no pictures may read texts
        self._failures: Counter[bool] = Counter()
        # tokens that a picture took beyond the estimate, at most: models count them in many ways
        self._beyond = 0
        self.asked = 0
        self.is_done = False
        self.result = Result()

    def written(self, batch: Sequence[_Asked]) -> list[Made]:
        """The keys that the model writes for a batch; where it is the last one `is_done`, and `result.stopped` says why."""
        made = []
        for one in batch:
            if not self._goes_on(one):
                if self.is_done:
                    break
                continue
            self.asked += 1
            try:
                made.append(one.made(self._answer(one), self._model.identity))
            except ModelError as error:
                self.result.skipped.append((one.wish.source, str(error)))
            except UnreadableError as error:
                self.result.skipped.append((one.wish.source, f"a picture {error}"))
        return made

    def _goes_on(self, one: _Asked) -> bool:
        """Whether the model is asked this. Too small a budget ends all, and so does a model that fails; one that fails at pictures is shown
        no more of them."""
        if self._failures[is_picture := one.views is not None] == FAILURES:
            self.result.stopped = f"the model failed {FAILURES} times in a row{' at pictures' if is_picture else ''}"
            self.is_done = not is_picture
        elif lack := self._budget.left(self.result.cost).lacks(_price(one.prompt, self._shown(one), thought(self._model))):
            self.result.stopped, self.is_done = f"too little is left of the budget ({lack})", True
        else:
            return True
        return False

    def _shown(self, one: _Asked) -> int:
        """About how many tokens the picture takes that the model is shown."""
        return one.wish.shown + self._beyond if one.views else 0

    def _answer(self, one: _Asked) -> str:
        """What the model writes; its cost is counted also where it fails. Raises `ModelError`, and `UnreadableError` for a picture that
        cannot be shown."""
        image = one.image()
        start = perf_counter()
        self._failures[image is not None] += 1
        tokens = 0, 0
        try:
            answer = self._said(one, image)
            tokens = answer.tokens_in, answer.tokens_out
        finally:
            self.result.cost += Cost((perf_counter() - start) * 1000, 0, 1, *tokens)
        self._failures[image is not None] = 0
        if image:
            self._beyond = max(self._beyond, answer.tokens_in - most_tokens(one.prompt) - one.wish.shown)
        return answer.text

    def _said(self, one: _Asked, image: Image | None) -> Completion:
        schema, most = describe.schema(one.wish.kind), describe.MOST_TOKENS
        if image is None:
            return self._model.complete(one.prompt, schema, most)
        if (model := sighted(self._model)) is None:
            raise ModelError(f"{self._model.identity} reads no pictures")
        return model.see(one.prompt, [image], schema, most)


def _price(prompt: str, shown: int, thoughts: int) -> Cost:
    """The most that a prompt costs, with a picture of about so many tokens, of a model that may think for so many."""
    return Cost(calls=1, tokens_in=most_tokens(prompt) + shown, tokens_out=describe.MOST_TOKENS + thoughts)
