"""From functions and classes to where their names stand: callers, other uses, and what is written about them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grainline.match.lexical import Lexical
from grainline.store.snapshot import Snapshot
from grainline.text import terms
from grainline.types import Hit, Node, Where

SYMBOLS = frozenset({"function", "class"})
#: hits whose uses are looked up, and uses of each that are handed over unless somebody asks for them
FOLLOWED, SHOWN = 3, 3
#: a name in more passages than this is a common word: `new` says nothing about which `new` is meant
COMMON = 200
SHORTEST = 3
#: words that open a question and name nothing in it, though something may go by them
ASKING = frozenset({"Where", "Who", "What", "Which", "where", "who", "what", "which"})

_ASKS = re.compile(
    r"\b(?:usages?|callers?|call sites?|references? (?:to|of))\b"
    r"|^\W*(?:where|who|what|which)\b.*\b(?:used|uses?|calls?|called|invoke[sd]?|imported)\b"
    r"|(?:哪里|哪些|何处|谁|什么地方).*(?:使用|调用|引用|用到|用了)|(?:使用|调用|引用)(?:者|方|处)",
    re.IGNORECASE,
)
_ARGUMENTS = re.compile(r"<[^<>]*>|\(.*")
_NAME = re.compile(r"[^\W\d]\w*")


def asks_for_uses(question: str) -> bool:
    """Whether a question is about where something is used.

    >>> asks_for_uses("Where is parse_hex called?"), asks_for_uses("谁调用了 parse_hex"), asks_for_uses("parse hex digits")
    (True, True, False)
    """
    return _ASKS.search(question) is not None


def short_name(node: Node) -> str:
    """What code calls a symbol by: the last word of its name.

    >>> short_name(Node("n", "d", "class", "impl Display for Stack<T>", 0, 1)), short_name(Node("n", "d", "function", "Stack.push", 0, 1))
    ('Stack', 'push')
    """
    return last_name(node.name)


def last_name(name: str) -> str:
    """The last name in a path of names, without arguments.

    >>> last_name("`Stack::<T>::push(item)`"), last_name("fmt.Display")
    ('push', 'Display')
    """
    found = _NAME.findall(_ARGUMENTS.sub("", name))
    return found[-1] if found else ""


class Uses:
    """Looks names up in the index of texts, and then in the texts themselves; never beyond what `where` lets be seen."""

    def __init__(self, snapshot: Snapshot, where: Where) -> None:
        self._snapshot = snapshot
        self._where = where
        self._words = Lexical(snapshot)

    def walk(self, hits: Sequence[Hit], question: str, ahead: int, k: int) -> list[Hit]:
        """The hits with some places where the best of them are used put behind the first `ahead`, at most until the `k`-th; who asks for
        the uses of something by its name gets them right behind it, as many as there is room for. `via` says "refers:" and the name."""
        said = set(_NAME.findall(question)) - ASKING
        named = {hit.node.id for hit in hits if hit.node.kind in SYMBOLS and short_name(hit.node) in said}
        asked = bool(named) and asks_for_uses(question)
        if asked:
            hits, ahead = sorted(hits, key=lambda hit: hit.node.id not in named), 1
        room = max(0, k - ahead)
        front = {hit.node.id for hit in hits[:ahead]}
        known = set(front)
        found: list[Hit] = []
        for hit in hits[: 1 if asked else FOLLOWED]:
            if hit.node.kind in SYMBOLS:
                for node in self._uses(hit.node, room if asked else SHOWN):
                    if node.id not in known:
                        known.add(node.id)
                        found.append(Hit(node, hits[min(ahead, len(hits)) - 1].score, (f"refers:{hit.node.name}",)))
        found = found[: room if asked else min(SHOWN, room)]
        taken = {hit.node.id for hit in found}
        return [*hits[:ahead], *found, *(hit for hit in hits[ahead:] if hit.node.id not in taken)]

    def _uses(self, node: Node, most: int) -> list[Node]:
        """What holds the name of a symbol as a word and does not define it: what calls it first, then by source and place."""
        name = short_name(node)
        if len(name) < SHORTEST or not (held := terms(name)):
            return []
        index = self._words.index
        if not 0 < index.counts(held[:1], self._where)[0] <= COMMON:
            return []
        entries = index.postings(held[:1], self._where)[0][0]
        spoken = re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])(\s*(?:!|::<[^()]*>)?\s*\()?")
        found: dict[str, tuple[bool, str, int, Node]] = {}
        for entry in entries.tolist():
            number, place = int(index.documents[entry]), int(index.nodes[entry])
            for user, is_call in self._users(number, place, node, name, spoken):
                source = self._snapshot.sources()[number][1]
                rank = (not is_call, source, user.start, user)
                if user.id not in found or rank[:3] < found[user.id][:3]:
                    found[user.id] = rank
        return [user for *_, user in sorted(found.values(), key=lambda rank: rank[:3])[:most]]

    def _users(self, number: int, place: int, node: Node, name: str, spoken: re.Pattern[str]) -> Iterator[tuple[Node, bool]]:
        """The symbol around a passage, or the passage itself, if the name stands there, and whether it stands there as a call."""
        stored = self._snapshot.at(number)
        nodes = stored.shaped.nodes
        passage = nodes[place]
        around = [
            other
            for other in nodes[:place]
            if other.kind in SYMBOLS and other.start <= passage.start and passage.end <= other.end
        ]
        user = around[-1] if around else passage
        # what defines the name, under the same one or around it, does not use it
        if user.id == node.id or (user.kind in SYMBOLS and short_name(user) == name):
            return
        declared = [
            (part.start, part.end)
            for part in stored.document.parts
            if part.kind == "signature" and part.name.rpartition(".")[2] == name and passage.start <= part.start < passage.end
        ]
        matches = [
            match
            for match in spoken.finditer(stored.document.text, passage.start, passage.end)
            if not any(start <= match.start() < end for start, end in declared)
        ]
        if matches:
            yield user, any(match.group(1) for match in matches)
