"""Code by what is said of it: match names, signatures, comments and bodies together, one hit a function; then walk to where it is used.

A question is compared with a function in two texts: what stands before its body (names, comments, declaration: short, so that many can be
embedded) and, for the best of these, the body itself. Passages outside of functions and classes are compared by their own text. Where a
model described a function of which nothing is said, its description stands before the body, too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, nan

import numpy as np

from grainline.agents.candidates import left_out
from grainline.agents.trace import Trace
from grainline.agents.uses import Uses, last_name, short_name
from grainline.keys import texts_of, units
from grainline.keys.code import SYMBOLS
from grainline.keys.code import keys as keys_of
from grainline.match.feedback import common_terms
from grainline.match.fuse import Scores, standardised
from grainline.match.keyed import PLACE_BITS, Keyed, Matches
from grainline.match.lexical import Lexical
from grainline.match.made import CODE, signed, written
from grainline.match.postings import text_hash
from grainline.match.vector import Floats, Unit, Vectors
from grainline.store.snapshot import Snapshot
from grainline.text import question_terms, terms
from grainline.types import EVERYWHERE, NO_LIMIT, Budget, Cost, Evidence, Hit, Node, Where

#: what a match of each kind of key counts; what few nodes have, and others say too, counts less: its words look rare there
#: ("mention" is no kind of key: a page of prose that matches speaks for what it names)
KINDS = {"symbol": 0.5, "signature": 1.0, "text": 1.0, "comment": 0.25, "mention": 0.5, CODE: 1.0}
#: pages of prose that are read for names, names looked up in each, and symbols of one name: more share it by chance
PAGES, NAMES, NAMESAKES = 10, 12, 5
#: passages that speak for the function they are in
TEXTS = 200
#: functions that the question's words propose; then, that share words with the `BEST` of these; then, whose bodies are compared
FIRST, ALIKE, READ = 70, 30, 45
BEST = 10
#: texts embedded for a question, its two forms among them
MOST = 150
#: what words, and what stands before a body, count beside the body, all standardised
WORDS, HEAD = 0.3, 0.45
#: hits in front of the first places where something is used, at most; who asks for fewer hits gets some in the last third of them
AHEAD = 10

_FILLER = re.compile(r"^\s*(?:how (?:(?:do|can|would|should) (?:i|you|we|one)|to)|what is|ways? to)\s+", re.IGNORECASE)
_LANGUAGE = re.compile(
    r"\s*\b(?:(?:in|using|with|for)\s+)?(?:python[23]?|rust|golang|java(?:script)?|typescript|c\+\+)(?!\w)", re.IGNORECASE
)
_WORD = re.compile(r"[a-z][a-z0-9]*", re.IGNORECASE)
NAME_WORDS = 16
#: what stands between marks of code, or is spelled as only code is: read_file, readFile, read()
_NAMED = re.compile(r"`[^`\n]{2,80}`|\b(?:\w+_\w+|[A-Za-z][a-z0-9]+[A-Z]\w*)\b|\b\w{3,}(?=\(\))", re.ASCII)


class Code:
    """Functions and classes by their names, comments and bodies, and where they are used; for repositories."""

    name = "code"

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._keyed = Keyed(snapshot, KINDS)

    def retrieve(self, question: str, k: int, where: Where = EVERYWHERE, budget: Budget = NO_LIMIT) -> Evidence:
        """At most `k` functions, classes and other passages. Raises `MissingExtraError` and `ModelError` if the library's encoder cannot
        be used; with a budget of no embeddings none is."""
        return _Search(self._snapshot, self._keyed, question, where, budget).run(k)


@dataclass(slots=True)
class _Candidate:
    """A function, a class or a passage outside of these, with what words and vectors say of it; NaN is not known."""

    number: int
    node: Node
    via: tuple[str, ...]
    words: float
    head: float = nan
    body: float = nan


class _Search:
    """One question."""

    def __init__(self, snapshot: Snapshot, keyed: Keyed, question: str, where: Where, budget: Budget) -> None:
        self._snapshot = snapshot
        self._keyed = keyed
        self._question = question
        self._terms = question_terms(question)
        self._where = where
        self._most = MOST if budget.embedded is None else min(budget.embedded, MOST)
        self._trace = Trace(budget)
        self._owners: dict[int, dict[int, int]] = {}
        self._heads: dict[int, dict[str, str]] = {}
        self._found: list[_Candidate] = []

    def run(self, k: int) -> Evidence:
        """Propose, compare what stands before bodies, propose again, compare bodies, fuse, walk."""
        trace = self._trace
        self._matches = self._at_symbols(self._keyed.matches(self._terms, self._where))
        self._words = self._matches.fused(list(KINDS.values()))
        proposed = self._keyed.best(self._matches.nodes, self._words, max(FIRST, k))
        self._take([int(self._matches.nodes[at]) for at in proposed[:FIRST]])
        trace.count("match names, signatures, comments and bodies (BM25)", f"{len(proposed)} nodes")
        if self._found and trace.affords(step := "embed the question", Cost(embedded=1)):
            self._vectors = Vectors(self._snapshot, self._snapshot.embedder())
            self._vector = self._asked()
            trace.count(step, "a vector", Cost(embedded=self._vectors.embedded))
            self._compare("compare the meaning of what stands before bodies", self._found, is_body=False)
            self._take_alike()
            best = self._ranked()[:READ]
            self._compare("compare the meaning of the best bodies", best, is_body=True)
        hits = trace.note("fuse words and meaning", [Hit(one.node, score, one.via) for one, score in self._scored()])
        known = {one.number for one in self._found}
        rest = [self._candidate(number) for at in proposed[FIRST:] if (number := int(self._matches.nodes[at])) not in known]
        last = hits[-1].score - 1 if hits else 0.0
        hits += [Hit(one.node, last + one.words - rest[0].words, one.via) for one in rest]  # behind all candidates
        if hits and trace.affords(step := "walk to where the best are used"):
            hits = trace.note(step, Uses(self._snapshot, self._where).walk(hits, self._question, min(AHEAD, k - k // 3), k))
        return trace.evidence(hits[:k])

    def _asked(self) -> Floats:
        """The question as a vector; in the middle between it and a name that says the same, where it is long enough to make one."""
        forms = [self._question, named(self._question)] if self._most > 1 else [self._question]
        vector = np.sum([self._vectors.question(form) for form in forms if form], axis=0)
        length = float(np.linalg.norm(vector))
        asked: Floats = (vector / length if length else vector).astype(np.float32)
        return asked

    def _at_symbols(self, matches: Matches) -> Matches:
        """The same matches with those of the best passages counted for the function or class they are in."""
        text, mention = matches.kinds.index("text"), matches.kinds.index("mention")
        passages = np.flatnonzero(matches.shares[:, text] > 0)
        best = passages[self._keyed.best(matches.nodes[passages], matches.shares[passages, text], TEXTS)]
        owners = np.array([self._owner(int(number)) for number in matches.nodes[best]], np.int64)
        symbols = np.flatnonzero(np.delete(matches.shares, text, axis=1).any(axis=1))
        pages = [at for at, owner in zip(best, owners.tolist(), strict=True) if matches.nodes[at] == owner][:PAGES]
        named_by = [(number, matches.shares[at, text]) for at in pages for number in self._mentioned(int(matches.nodes[at]))]
        mentioned = np.array([number for number, _ in named_by], np.int64)
        nodes = np.unique(np.concatenate([matches.nodes[symbols], owners, mentioned]))
        shares = np.zeros((len(nodes), len(matches.kinds)))
        np.maximum.at(shares, np.searchsorted(nodes, matches.nodes[symbols]), matches.shares[symbols])
        np.maximum.at(shares[:, text], np.searchsorted(nodes, owners), matches.shares[best, text])
        np.maximum.at(shares[:, mention], np.searchsorted(nodes, mentioned), np.array([share for _, share in named_by]))
        return Matches(matches.kinds, nodes, shares)

    def _mentioned(self, number: int) -> list[int]:
        """The numbers of the functions and classes that a passage of prose names."""
        stored = self._snapshot.at(number >> PLACE_BITS)
        if "code" in stored.document.meta:
            return []
        node, lexical = self._keyed.node(number), self._keyed.lexical["symbol"]
        names = dict.fromkeys(map(last_name, _NAMED.findall(stored.document.text[node.start : node.end])))
        found: list[int] = []
        for name in [name for name in names if name][:NAMES]:
            ranked = lexical.ranked(terms(name)[:1], NAMESAKES, self._where)
            entries = [entry for entry, _ in ranked if short_name(lexical.node(entry)) == name]
            found += Keyed.numbers(lexical.index, np.array(entries, np.int64)).tolist()
        return found

    def _owner(self, number: int) -> int:
        """The number of the function or class that a passage is in; its own where it is in none."""
        document, place = number >> PLACE_BITS, number & ((1 << PLACE_BITS) - 1)
        if document not in self._owners:
            self._owners[document] = owners(self._snapshot.at(document).shaped.nodes)
        return (document << PLACE_BITS) | self._owners[document].get(place, place)

    def _candidate(self, number: int) -> _Candidate:
        at = int(np.searchsorted(self._matches.nodes, number))
        if at < len(self._matches.nodes) and self._matches.nodes[at] == number:
            node = self._keyed.node(number)
            via = signed(self._snapshot, self._keyed.via(self._matches, at), node.id)
            return _Candidate(number, node, via, float(self._words[at]))
        return _Candidate(number, self._keyed.node(number), (), 0.0)

    def _take(self, numbers: Sequence[int]) -> list[_Candidate]:
        """Make nodes candidates that are none yet."""
        known = {one.number for one in self._found}
        new = [self._candidate(number) for number in dict.fromkeys(numbers) if number not in known]
        self._found += new
        return new

    def _take_alike(self) -> None:
        """Add what shares words with the best candidates so far."""
        if not self._trace.affords(step := "match the words that the best of them share (BM25)"):
            return
        said = ["\n".join(text for _, text in self._texts(one)) for one in self._ranked()[:BEST]]
        words = Lexical(self._snapshot)
        index = words.index
        ranked = words.ranked(common_terms(said, words, self._where), FIRST + 2 * ALIKE, self._where)
        known = {one.number for one in self._found}
        numbers = Keyed.numbers(index, np.array([entry for entry, _ in ranked], np.int64))
        fresh = [number for number in dict.fromkeys(map(self._owner, numbers.tolist())) if number not in known]
        self._compare(step, self._take(fresh[:ALIKE]), is_body=False)

    def _texts(self, one: _Candidate) -> list[tuple[int, str]]:
        """The texts of the passages of a candidate, each with its hash."""
        stored = self._snapshot.at(one.number >> PLACE_BITS)
        place = one.number & ((1 << PLACE_BITS) - 1)
        nodes = stored.shaped.nodes
        if one.node.kind in SYMBOLS:
            self._owner(one.number)
            wanted = [nodes[at].id for at, owner in self._owners[one.number >> PLACE_BITS].items() if owner == place]
        else:
            wanted = [one.node.id]
        said = texts_of(stored.document, stored.shaped, frozenset(wanted))
        return [(text_hash(said[node]), said[node]) for node in wanted if node in said]

    def _head(self, one: _Candidate) -> Unit | None:
        """What stands before the body of a candidate, in a model's words where it has none; its text where it is no function or class."""
        document = one.number >> PLACE_BITS
        if one.node.kind not in SYMBOLS:
            return self._body(one)
        if self._keyed.lexical[CODE].index.size and (described := written(self._snapshot, CODE, one.node.id)):
            return Unit(text_hash(described.texts[0]), 0, described.texts[0])
        if document not in self._heads:
            stored = self._snapshot.at(document)
            made = keys_of(stored.document, stored.shaped)
            self._heads[document] = {key.node_id: key.text for key in made if key.kind == "signature"}
        said = self._heads[document][one.node.id]
        return Unit(text_hash(said), 0, said)

    def _body(self, one: _Candidate) -> Unit | None:
        """The unit of a candidate's texts that holds most of the question's terms by their weights."""
        found = [Unit(text, place, said) for text, whole in self._texts(one) for place, said in enumerate(units(whole))]
        if len(found) < 2:
            return found[0] if found else None
        weights = Lexical(self._snapshot).weights(self._terms, self._where)
        held = [fsum(weights.get(term, 0.0) for term in set(terms(unit.said))) for unit in found]
        return found[held.index(max(held))]

    def _compare(self, step: str, chosen: Sequence[_Candidate], *, is_body: bool) -> None:
        """Compare the meaning of candidates with the question's, as far as the budget goes."""
        if not chosen or not self._trace.affords(step):
            return
        pairs = [(one, unit) for one in chosen if (unit := (self._body if is_body else self._head)(one))]
        before = self._vectors.embedded
        cosines = self._vectors.cosines(self._vector, [unit for _, unit in pairs], max(0, self._most - before))
        for (one, _), cosine in zip(pairs, cosines.tolist(), strict=True):
            if is_body:
                one.body = cosine
            else:
                one.head = cosine
        embedded = self._vectors.embedded - before
        self._trace.count(
            step, f"{len(pairs)} candidates, {embedded} of them embedded{left_out(cosines)}", Cost(embedded=embedded)
        )

    def _order(self, chosen: Sequence[_Candidate], scores: Scores) -> list[int]:
        """The places of candidates by their scores; equal ones by source and place."""
        return self._keyed.best(np.array([one.number for one in chosen], np.int64), scores, len(chosen))

    def _fused(self, chosen: Sequence[_Candidate]) -> Scores:
        """Words and what stands before bodies."""
        heads = standardised(np.array([one.head for one in chosen], np.float64))
        return heads + WORDS * standardised(np.array([one.words for one in chosen], np.float64))

    def _ranked(self) -> list[_Candidate]:
        """All candidates by words and what stands before bodies, best first."""
        return [self._found[at] for at in self._order(self._found, self._fused(self._found))]

    def _scored(self) -> list[tuple[_Candidate, float]]:
        """All candidates with their scores, best first: those whose bodies were compared, then the others."""
        read = [one for one in self._found if one.body == one.body]
        rest = [one for one in self._found if one.body != one.body]
        bodies = standardised(np.array([one.body for one in read], np.float64))
        heads = standardised(np.array([one.head for one in read], np.float64))
        front = bodies + HEAD * heads + WORDS * standardised(np.array([one.words for one in read], np.float64))
        behind = self._fused(rest)
        if len(front) and len(behind):
            behind = behind - behind.max() + front.min() - 1
        found = []
        for chosen, scores in ((read, front), (rest, behind)):
            for at in self._order(chosen, scores):
                chosen[at].via += ("vector:signature",) * (chosen[at].head == chosen[at].head)
                chosen[at].via += ("vector:text",) * (chosen[at].body == chosen[at].body)
                found.append((chosen[at], float(scores[at])))
        return found


def named(question: str) -> str:
    """The question without what asks and the language it asks about, followed by the name that a function for it would have; "" where that
    name would have fewer than two words.

    >>> named("How to read a file in Python"), named("盗窃")
    ('read a file read_a_file', '')
    """
    asked = _FILLER.sub("", _LANGUAGE.sub("", question)).strip()
    words = _WORD.findall(asked)[:NAME_WORDS]
    return f"{asked} {'_'.join(words).lower()}" if len(words) > 1 else ""


def owners(nodes: Sequence[Node]) -> dict[int, int]:
    """The place of the innermost function or class around each passage that is in one, by the place of the passage."""
    found: dict[int, int] = {}
    around: list[int] = []
    for place, node in enumerate(nodes):
        while around and nodes[around[-1]].end <= node.start:
            around.pop()
        if node.kind in SYMBOLS:
            around.append(place)
        elif node.kind == "passage" and around:
            found[place] = around[-1]
    return found
