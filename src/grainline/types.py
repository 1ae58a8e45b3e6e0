"""The vocabulary: frozen records and one-method protocols; nothing else is needed to follow the data.

bytes -> Reader -> Document -> Shape -> Node, Edge -> keys -> Key -> Matcher -> Hit -> Walk -> Hit -> Agent -> Evidence -> Answer

All offsets count characters (not bytes) of `Document.text`; `start` is included, `end` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: which side of a search a text stands on: encoders may treat questions and passages differently
Side = Literal["query", "passage"]
Meta = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A span that a reader saw, in reading order; spans may nest (a row in a table, a docstring in a function).

    `kind` is one of heading, prose, code, table, header, row, image, link, page, package, class, function, docstring, comment, signature,
    turn. `name` is what a person would call it (a heading, a qualified name, a caption); `level` the depth of a heading, from 1, or symbol.
    """

    kind: str
    start: int
    end: int
    name: str = ""
    level: int = 0
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """One source as read. `lines[i]` is the 1-based source line of the i-th line of `text`; empty when the two agree."""

    id: str
    source: str
    title: str
    text: str
    parts: tuple[Part, ...] = ()
    language: str = ""
    labels: tuple[str, ...] = ()
    meta: Meta = field(default_factory=dict)
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """The smallest thing that can be returned or cited: a span of a document.

    `kind` is one of document, section, passage, sentence, table, row, image, class, function, exchange, turn, window. `meta["path"]` holds
    the names above it (part > chapter > section) where it has any.
    """

    id: str
    document_id: str
    kind: str
    name: str
    start: int
    end: int
    meta: Meta = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edge:
    """A directed link between two nodes; kinds: child, next, mentions, refers, member, and those of an ontology."""

    source: str
    target: str
    kind: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """What a search compares with: one text that points at a node; each kind is searched in an index of its own (see `keys`)."""

    node_id: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Where:
    """What may be seen: documents whose source matches one of `sources` (exact, a folder, or a glob) and that carry one of
    `labels`; an empty tuple asks nothing. It is applied before ranking, at every hop."""

    sources: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


EVERYWHERE = Where()
#: what `Hit.via` says of a part of a document that the question asks for as such (the judgment of a case: "how was it decided?")
ASKED = "asked for"


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step spent: wall milliseconds, texts embedded, model calls and tokens."""

    milliseconds: float = 0.0
    embedded: int = 0
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.milliseconds + other.milliseconds,
            self.embedded + other.embedded,
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
        )

    def __sub__(self, other: Cost) -> Cost:
        """What is left of it without another, never less than nothing."""
        return Cost(*(max(0, mine - theirs) for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Budget:
    """The most that may be spent on a question; None bounds nothing."""

    milliseconds: float | None = None
    embedded: int | None = None
    calls: int | None = None
    tokens: int | None = None

    def left(self, spent: Cost) -> Budget:
        """What is left of it after a cost, never less than nothing.

        >>> Budget(embedded=50, calls=1).left(Cost(embedded=20, calls=2))
        Budget(milliseconds=None, embedded=30, calls=0, tokens=None)
        """
        return Budget(
            None if self.milliseconds is None else max(0.0, self.milliseconds - spent.milliseconds),
            None if self.embedded is None else max(0, self.embedded - spent.embedded),
            None if self.calls is None else max(0, self.calls - spent.calls),
            None if self.tokens is None else max(0, self.tokens - spent.tokens_in - spent.tokens_out),
        )

    def lacks(self, price: Cost) -> str:
        """What there is too little of for a step of this price, by its name on the command line; "" if it can be started, which takes some
        time in any case.

        >>> Budget(milliseconds=0.0).lacks(Cost()), Budget(embedded=1).lacks(Cost(embedded=1)), Budget(calls=0).lacks(Cost(calls=1))
        ('ms', '', 'calls')
        """
        for name, most, wanted in (
            ("embedded", self.embedded, price.embedded),
            ("calls", self.calls, price.calls),
            ("tokens", self.tokens, price.tokens_in + price.tokens_out),
        ):
            if most is not None and wanted > most:
                return name
        return "ms" if self.milliseconds is not None and self.milliseconds <= price.milliseconds else ""


NO_LIMIT = Budget()


@dataclass(frozen=True, slots=True)
class Manner:
    """How a question is worked on: `transform` names what is derived from it and asked, too, "" for nothing; `history` holds the questions
    before it; `rounds` is how often the answer is looked back on, at most."""

    transform: str = ""
    history: tuple[str, ...] = ()
    rounds: int = 0


PLAIN = Manner()


@dataclass(frozen=True, slots=True)
class Hit:
    """A node that was found; `via` says by which matcher and key, and along which edges."""

    node: Node
    score: float
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a trace: what was done, what came of it, what it cost; `failed` where a language model was asked in vain."""

    action: str
    detail: str
    cost: Cost = Cost()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Computed:
    """SQL that an agent worked out, the names of its columns and its rows of str, int, float, bytes or None; not all if `truncated`."""

    sql: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an agent hands over: hits, best first, the steps that led to them and their whole cost; `computed` rests on the hits.
    `agent` is whose it is, where a router chose; `written` is what a model answered that read the document of the first hit, its quote."""

    hits: tuple[Hit, ...]
    trace: tuple[Step, ...] = ()
    cost: Cost = Cost()
    computed: Computed | None = None
    agent: str = ""
    written: str = ""


@dataclass(frozen=True, slots=True)
class Citation:
    """A quote that stands at `start:end` of the text of `source`; `line` is 1-based in the source, `page` the name of its page, if any."""

    source: str
    start: int
    end: int
    line: int
    quote: str
    page: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """One agent as the router saw it for a question: how likely it is right, from 0 to 1, and what it was expected to spend; whether it
    was asked, why or why not, and then what it found, how sure that is, from 0 to 1, and what it spent."""

    agent: str
    fit: float
    price: Cost
    asked: bool = False
    reason: str = ""
    found: str = ""
    confidence: float = 0.0
    cost: Cost = Cost()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose every sentence is quoted; `answered` is False when the evidence does not hold an answer. `route` names the agents
    that were asked, in order; `rungs` are all that the router thought of, those asked first in front (none where one agent was named);
    `confidence` says how sure the evidence is, `support` how well the citations bear out what is said (1 where it is quoted), both from 0
    to 1; `left_out` is what a model claimed and nothing bears out."""

    text: str
    citations: tuple[Citation, ...]
    evidence: Evidence
    answered: bool
    agent: str
    route: tuple[str, ...] = ()
    cost: Cost = Cost()
    rungs: tuple[Rung, ...] = ()
    confidence: float = 0.0
    support: float = 1.0
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one file may cost while it is read; a file beyond one is refused with its reason, not cut."""

    file_bytes: int = 64 << 20  #: size of the file itself
    unpacked_bytes: int = 256 << 20  #: what a packed file (DOCX, XLSX, EPUB, ...) may unpack to
    pages: int = 5_000  #: pages of a PDF, slides of a PPTX
    rows: int = 200_000  #: rows of one table file that are read as text
    characters: int = 32 << 20  #: text of one document
    documents: int = 1_000_000  #: documents in one container (a JSONL corpus)
    seconds: int = 20  #: of processor time for parsing a PDF, spreadsheet or source file; large ones get more
    memory_bytes: int = 512 << 20  #: for parsing a PDF or spreadsheet, beyond what it may unpack to


@dataclass(frozen=True, slots=True)
class Shaped:
    """The natural structure of one document. The first node is the document itself."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()


@runtime_checkable
class Reader(Protocol):
    """Bytes to documents."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield the documents in `data`; raises `UnreadableError` with a reason for a person."""
        ...


@runtime_checkable
class Shape(Protocol):
    """A document to its nodes and edges."""

    def shape(self, document: Document) -> Shaped:
        """Return nodes and edges; same document, same result."""
        ...


@runtime_checkable
class Matcher(Protocol):
    """A question to hits, best first."""

    def match(self, question: str, k: int, where: Where = EVERYWHERE) -> list[Hit]:
        """Return at most `k` hits among what `where` lets be seen."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Texts to vectors in one space; `identity` changes with the weights, so that stored vectors are never mixed up."""

    identity: str
    dimension: int
    max_tokens: int

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """One row of `dimension` numbers a text, of unit length; a row does not depend on the other texts."""
        ...


@dataclass(frozen=True, slots=True)
class Completion:
    """What a language model wrote, and the tokens that it read and wrote."""

    text: str
    tokens_in: int
    tokens_out: int


@runtime_checkable
class LLM(Protocol):
    """A language model; `identity` changes with its weights or its name."""

    identity: str

    def complete(
        self,
        prompt: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 512,
        stop: Sequence[str] = (),
        heard: Callable[[str], None] | None = None,
    ) -> Completion:
        """The model's answer to a prompt, greedily; with a JSON schema nothing but text that fits it. `heard` is called with each piece of
        text as it comes, before it is known whether the whole fits: the pieces together are the text. Raises `ModelError`."""
        ...


@runtime_checkable
class Walk(Protocol):
    """From hits to more, or larger, hits."""

    def walk(self, hits: Sequence[Hit], where: Where = EVERYWHERE) -> list[Hit]:
        """Return hits, best first; never a node that `where` hides."""
        ...


@runtime_checkable
class Agent(Protocol):
    """A whole retrieval system: match, then walk."""

    name: str

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """Return evidence for the question within the budget."""
        ...


class Graph(Protocol):
    """What walks move on: nodes, their neighbours and their text, as one snapshot sees them."""

    def document(self, document_id: str) -> Document:
        """The whole document; raises `NotFoundError`."""
        ...

    def shaped(self, document_id: str) -> Shaped:
        """The document's nodes and edges."""
        ...

    def visible(self, where: Where) -> Callable[[str], bool]:
        """A test of document ids."""
        ...

    def documents(self, where: Where = EVERYWHERE) -> Iterable[Document]:
        """All visible documents, by source."""
        ...
