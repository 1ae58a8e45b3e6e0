"""JSON to a document: the source where it is laid out in lines, else the same tokens indented; a chat as what was said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from grainline.errors import LimitError, UnreadableError
from grainline.readers.build import decode, document, title_of
from grainline.readers.chats import EACH, Chats, find_chats, read_chats
from grainline.types import Document, Limits, Part

STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)'
TOKEN = re.compile(rf'{STRING}|[{{}}\[\],:]|[^\s{{}}\[\],:"]+', re.DOTALL)
#: what configuration files have over JSON: comments, and a comma after the last item
EXTRAS = re.compile(rf"({STRING})|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|,(?=\s*[}}\]])", re.DOTALL)
#: an escape: of both halves of a letter beyond U+FFFF, of one half alone (the group), or of anything else
ESCAPE = re.compile(r"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(u[dD][89a-fA-F]..)|.)", re.DOTALL)
BLANK = re.compile(r"\s*")
TOO_DEEP = "JSON nested too deeply to be read"
DECODER = json.JSONDecoder()


class Json:
    """Reads `.json`, also with the comments and trailing commas of configuration files."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document. A list of objects is a table with row parts, each an object's span; so is such a list one level
        down, under a key; any other member of the outermost object is a prose part with the key as its name.

        Messages are a chat, see `readers.chats`: one document a conversation, in which each turn has its part.

        A table's `meta` has "columns": the keys in order of appearance. Raises `UnreadableError` for broken or bottomless
        JSON, `LimitError` for more than `limits.rows` rows.
        """
        text = decode(data)
        clean = whole_letters(text)
        try:
            value = load(clean)
        except UnreadableError:
            clean = without_extras(clean)
            value = load(clean)
        if chats := find_chats(value):
            yield from read_chats(chats, _lines_of(clean, chats), source, limits)
            return
        lines: Sequence[int] = ()
        if "\n" not in text.strip():
            text = clean = indented(clean, limits)
            lines = (1,) * (text.count("\n") + 1)
        try:
            parts = _parts(value, clean, title_of(source), limits)
        except RecursionError:
            raise UnreadableError(TOO_DEEP) from None
        yield document(source, title_of(source), text, limits, parts=parts, lines=lines)


def load(text: str) -> Any:
    """The value; raises `UnreadableError` that names the line, for nesting too deep too."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise UnreadableError(TOO_DEEP) from None
    except ValueError as error:
        raise UnreadableError(f"JSON with a number out of bounds: {error}") from None


def whole_letters(text: str) -> str:
    r"""The same length of JSON with U+FFFD for an escaped half of a letter, which no encoding can hold.

    >>> print(whole_letters(r'["\ud83d\ude00", "\ud83d", "\\ud83d"]'))
    ["\ud83d\ude00", "\ufffd", "\\ud83d"]
    """
    if "\\u" not in text:
        return text
    return ESCAPE.sub(lambda match: "\\ufffd" if match.group(1) else match.group(), text)


def without_extras(text: str) -> str:
    """The same length of text with blanks for comments and for commas before a closing bracket.

    >>> without_extras('[1, // one\\n 2,]')
    '[1,       \\n 2 ]'
    """

    def blank(match: re.Match[str]) -> str:
        """A string as it is, anything else blanked out."""
        return match.group(1) or re.sub(r"[^\n]", " ", match.group())

    return EXTRAS.sub(blank, EXTRAS.sub(blank, text))  # the second time for a comma before a comment


def indented(source: str, limits: Limits) -> str:
    """Valid JSON with one value a line and two blanks a level; escaped letters are shown, numbers stay as they are written.

    Raises `LimitError` beyond `limits.characters`.

    >>> print(indented('{"a":[1.50,"\\\\u4e2d"],"b":{}}', Limits()))
    {
      "a": [
        1.50,
        "中"
      ],
      "b": {}
    }
    """
    pieces: list[str] = []
    size = depth = 0
    before = ""
    for match in TOKEN.finditer(source):
        token = match.group()
        opens_line = before in ("{", "[", ",")
        if token in ("}", "]"):
            depth -= 1
            opens_line = before not in ("{", "[")
        elif "\\u" in token:
            token = json.dumps(json.loads(token), ensure_ascii=False)
        piece = f"\n{'  ' * depth}{token}" if opens_line else f"{token} " if token == ":" else token
        if token in ("{", "["):
            depth += 1
        size += len(piece)
        if size > limits.characters:
            raise LimitError("characters", size, limits.characters)
        pieces.append(piece)
        before = token
    return "".join(pieces)


def columns_of(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """All keys of the records, in order of appearance."""
    return list(dict.fromkeys(key for record in records for key in record))


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


class Member(NamedTuple):
    """A member of an object, or an item of a list (its key is ""): where its key or else its value begins, and the span of its value."""

    key: str
    value: Any
    first: int
    start: int
    stop: int


def members(text: str, start: int) -> Iterator[Member]:
    """The members or items of the object or list that begins at a place of valid JSON."""
    is_object = text[start] == "{"
    position = _skip(text, start + 1)
    while text[position] not in "}]":
        key, begin = "", position
        if is_object:
            key, colon = DECODER.raw_decode(text, position)
            begin = _skip(text, _skip(text, colon) + 1)
        value, stop = DECODER.raw_decode(text, begin)
        yield Member(key, value, position, begin, stop)
        position = _skip(text, stop)
        position = _skip(text, position + 1) if text[position] == "," else position


def _lines_of(text: str, chats: Chats) -> Callable[[int, int], int]:
    """What tells the line of a message by the numbers of its conversation and itself."""
    try:
        lines = _message_lines(text, chats) if "\n" in text.strip() else []
    except RecursionError:
        raise UnreadableError(TOO_DEEP) from None
    return lambda chat, message: lines[chat][message] if lines else 1


def _message_lines(text: str, chats: Chats) -> list[list[int]]:
    """The lines of the items of each list of messages."""
    starts: list[int | None] = [_skip(text, 0)]
    for step in chats.steps:
        if step is EACH:
            starts = [member.start for start in starts if start is not None for member in members(text, start)]
        else:
            starts = [_start_of(text, start, step) for start in starts]
    lines: list[list[int]] = []
    line, seen = 1, 0
    for start, (_, messages) in zip(starts, chats.held, strict=True):
        lines.append([])
        for member in members(text, start) if start is not None and messages else ():
            line += text.count("\n", seen, member.start)
            seen = member.start
            lines[-1].append(line)
    return lines


def _start_of(text: str, start: int | None, key: str) -> int | None:
    """Where the value of a key begins in the object at a place: the last one, if the key is there twice."""
    found = [member.start for member in members(text, start) if member.key == key] if start is not None else []
    return found[-1] if found else None


def _parts(value: Any, text: str, name: str, limits: Limits) -> list[Part]:
    start = _skip(text, 0)
    end = len(text.rstrip())
    if _is_table(value):
        return _table(value, text, start, end, name, limits)
    if not isinstance(value, dict) or not value:
        return [Part("prose", start, end)]
    parts: list[Part] = []
    for member in members(text, start):
        if _is_table(member.value):
            parts += _table(member.value, text, member.start, member.stop, member.key, limits)
        else:
            parts.append(Part("prose", member.first, member.stop, member.key))
    return parts


def _table(records: list[dict[str, Any]], text: str, start: int, end: int, name: str, limits: Limits) -> list[Part]:
    if len(records) > limits.rows:
        raise LimitError("rows", len(records), limits.rows)
    table = Part("table", start, end, name, meta={"columns": columns_of(records)})
    return [table, *(Part("row", member.start, member.stop) for member in members(text, start))]


def _skip(text: str, position: int) -> int:
    match = BLANK.match(text, position)
    return match.end() if match else position
