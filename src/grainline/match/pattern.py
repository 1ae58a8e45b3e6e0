"""Regular expressions over stored text, by an engine whose time is linear in the text whatever the pattern (RE2)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from grainline.errors import PatternError
from grainline.store.snapshot import Snapshot
from grainline.types import EVERYWHERE, Document, Hit, Node, Where

#: bytes that a compiled pattern may take; beyond, the pattern is refused
PATTERN_BYTES = 8 << 20
#: a pattern longer than this is a mistake or an attack
PATTERN_CHARACTERS = 10_000
#: characters of context shown around a match within a long line
LINE_CHARACTERS = 400


class Pattern:
    """Matches a regular expression with the whole text of documents; a hit is the line that holds the match."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def match(self, question: str, k: int, where: Where = EVERYWHERE) -> list[Hit]:
        """The first `k` lines that match, in order of source and place, each with score 1. Raises `PatternError`."""
        compiled = compile_pattern(question)
        hits: list[Hit] = []
        for document in self._snapshot.documents(where):
            for node in _lines(document, compiled):
                hits.append(Hit(node, 1.0, (f"pattern:{question}",)))
                if len(hits) == k:
                    return hits
        return hits


@lru_cache(maxsize=64)
def compile_pattern(pattern: str) -> Any:
    """The compiled pattern; raises `PatternError` with RE2's reason (no look-around, no back references, bounded size)."""
    import re2

    if len(pattern) > PATTERN_CHARACTERS:
        raise PatternError(f"the pattern has {len(pattern):,} characters; at most {PATTERN_CHARACTERS:,} are allowed")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES
    try:
        return re2.compile(pattern.encode("utf-8"), options)
    except (re2.error, UnicodeEncodeError) as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else error
        raise PatternError(f"cannot search for the pattern {pattern!r}: {reason}") from None


def _lines(document: Document, compiled: Any) -> Iterator[Node]:
    """A node for each line of the document with a match in it; lines that a match spans are one node."""
    # RE2 works on UTF-8: offsets are translated once per hit, by decoding what lies between two of them
    data = document.text.encode("utf-8")
    done_bytes = done_characters = 0
    last_end = -1
    for found in compiled.finditer(data):
        done_characters += len(data[done_bytes : found.start()].decode("utf-8"))
        done_bytes = found.start()
        start = done_characters
        end = start + len(data[found.start() : found.end()].decode("utf-8"))
        if end <= last_end or not document.text[start:end].strip():
            continue
        first, last = line_span(document.text, start, end)
        last_end = max(end, last)
        yield Node(f"{document.id}:m{first}-{last}", document.id, "line", "", first, last, {"match": [start, end]})


def line_span(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of the lines that `start:end` touches, trimmed, and clipped around the match in an overlong line."""
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", max(start, end - 1))
    last = len(text) if last < 0 else last
    if last - first > LINE_CHARACTERS + (end - start):
        first, last = max(first, start - LINE_CHARACTERS // 2), min(last, end + LINE_CHARACTERS // 2)
    while first < start and text[first].isspace():
        first += 1
    while last > end and text[last - 1].isspace():
        last -= 1
    return first, last


def line_of(document: Document, offset: int) -> int:
    """The 1-based source line of an offset."""
    line = document.text.count("\n", 0, offset)
    if not document.lines:
        return line + 1
    return document.lines[min(line, len(document.lines) - 1)] or 1


def page_of(document: Document, offset: int) -> str:
    """The name of the page that holds an offset; "" for a document without pages."""
    pages = [part for part in document.parts if part.kind == "page"]
    place = bisect_right([page.start for page in pages], offset) - 1
    return pages[place].name if place >= 0 else ""
