"""The JSON values of an answer over HTTP: of one that came whole, or of server-sent events, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

DONE = b"[DONE]"  #: what OpenAI says behind the last event
_FIELDS = (b":", b"event:", b"id:", b"retry:")  #: with which lines of events begin that hold no data


def values(chunks: Iterable[bytes]) -> Iterator[Any]:
    """The values as they come; None stands for the word that no more will follow. Raises `ValueError` for what is no JSON; an event that
    breaks off is left out.

    Which of the two an answer is, its own bytes say: endpoints that know no events answer whole, whatever was asked for.

    >>> list(values([b'data: {"a": 1}\\n\\nda', b'ta: [DONE]\\n\\n'])), list(values([b'{"a":\\n', b'1}']))
    ([{'a': 1}, None], [{'a': 1}])
    """
    whole = []
    for line in lines(chunks):
        data = line.removeprefix(b"data:").strip()
        if not line.startswith((b"data:", *_FIELDS)):
            whole.append(line)
        elif data == DONE:
            yield None
        elif line.startswith(b"data:") and line.endswith(b"\n"):
            yield _value(data)
    if rest := b"".join(whole).strip():
        yield _value(rest)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of chunks that are cut anywhere, with their ends; the last may have none."""
    held: list[bytes] = []
    for chunk in chunks:
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            yield b"".join((*held, line, b"\n"))
            held = []
        held.append(rest)
    yield b"".join(held)


def _value(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise ValueError(repr(data[:80])) from None
