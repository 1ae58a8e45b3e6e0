"""Evidence as a language model reads it: numbered passages, the most useful first, each with the names above it, nothing twice.

What documents say is data. It stands on lines of its own that begin with a bar, so that nothing in it can look like the task.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from grainline.ask.sentences import Candidate
from grainline.models.completion import likely_tokens
from grainline.store.snapshot import Snapshot
from grainline.text import sentences
from grainline.types import Document, Hit

#: passages that are shown, and characters of one; a longer one is cut down to what stands around its best sentence
PASSAGES, CHARACTERS = 8, 1_000
#: characters of the names above a passage
HEAD = 160
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document that is shown to a model, with the number under which it may be cited, from 1."""

    number: int
    document: Document
    start: int
    end: int
    head: str

    @property
    def text(self) -> str:
        """What it says."""
        return self.document.text[self.start : self.end]

    def shown(self) -> str:
        """The passage as it stands in a prompt."""
        lines = [" ".join(line.split()) for line in self.text.splitlines()]
        return "\n".join([f"[{self.number}] {self.head}", *(f"| {line}" for line in lines if line)])


def passages(
    hits: Sequence[Hit], found: Sequence[Candidate], snapshot: Snapshot, room: int, count: Callable[[str], int] = likely_tokens
) -> list[Passage]:
    """The passages of hits, as many as there is room for in tokens, and one in any case; `found` are the sentences of the hits, `count`
    tells how many tokens a text may take."""
    made: list[Passage] = []
    for rank, hit in enumerate(hits):
        document = snapshot.document(hit.node.document_id)
        best = max((one for one in found if one.rank == rank), key=lambda one: (one.worth, -one.start), default=None)
        start, end = _around(document, (hit.node.start, hit.node.end), best)
        if not document.text[start:end].strip() or _is_known(made, document, start, end):
            continue
        passage = Passage(len(made) + 1, document, start, end, _head(document, hit))
        size = count(passage.shown())
        if made and size > room:
            continue
        room -= size
        made.append(passage)
        if len(made) == PASSAGES:
            break
    return made


def _is_known(made: list[Passage], document: Document, start: int, end: int) -> bool:
    """Whether a span is part of a passage that is there already; one that reaches beyond it makes it longer, if not too long."""
    for place, one in enumerate(made):
        if one.document.id == document.id and one.start < end and start < one.end:
            low, high = min(one.start, start), max(one.end, end)
            if high - low <= CHARACTERS:
                made[place] = replace(one, start=low, end=high)
                return True
            return one.start <= start and end <= one.end
    return False


def _around(document: Document, span: Span, best: Candidate | None) -> Span:
    """A span, or, where it is too long, whole sentences of it around the best one."""
    first, last = span
    if last - first <= CHARACTERS:
        return span
    start, end = (best.start, min(best.end, best.start + CHARACTERS)) if best else (first, first)
    low, high = max(first, end - CHARACTERS), min(last, start + CHARACTERS)
    for one in _outwards(sentences(document.text, low, high), start):
        if max(one[1], end) - min(one[0], start) <= CHARACTERS:
            start, end = min(one[0], start), max(one[1], end)
    return start, end


def _outwards(spans: Sequence[Span], place: int) -> Iterator[Span]:
    """Spans by their distance from a place."""
    yield from sorted(spans, key=lambda span: (abs((span[0] + span[1]) // 2 - place), span))


def _head(document: Document, hit: Hit) -> str:
    """The names above a hit, and for a row of a table its header."""
    names = [document.title, *hit.node.meta.get("path", ()), hit.node.name]
    said = " > ".join(dict.fromkeys(" ".join(name.split()) for name in names if name.strip())) or document.source
    header = next(
        (
            document.text[part.start : part.end]
            for part in document.parts
            if part.kind == "header" and part.end <= hit.node.start and _same_table(document, part.start, hit.node.start)
        ),
        "",
    )
    header = " ".join(header.split())[:HEAD]
    return f"{said[:HEAD]} ({header})" if header else said[:HEAD]


def _same_table(document: Document, header: int, row: int) -> bool:
    return any(
        part.kind == "table" and part.start <= header < part.end and part.start <= row < part.end for part in document.parts
    )
