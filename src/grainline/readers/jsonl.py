"""JSON Lines to documents: one a line for a BEIR corpus and for conversations, one for a chat, one table for any other records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from grainline.errors import LimitError, UnreadableError
from grainline.readers.build import decode, document, title_of
from grainline.readers.chats import EACH, find_chats, read_chats
from grainline.readers.code_records import Snippets
from grainline.readers.json import columns_of, whole_letters
from grainline.types import Document, Limits, Part

#: the keys of a BEIR record that have places of their own
BEIR_KEYS = frozenset({"_id", "title", "text", "path"})
SCALARS = (str, int, float)
#: fields of a record that may say in which language its text is code
CODE_FIELDS = ("lang", "language", "path", "file", "filename")
PATH_SEPARATOR = " > "


class Jsonl:
    """Reads `.jsonl`: records with "_id" and "text" are documents of their own, messages a chat, others are rows of one table."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield, for a BEIR corpus, a document a line, in order: source "FILE#_id", text as given, `meta` with "_id", "path" (a
        list, from "Part One > Chapter 2") and "fields" (all other strings, numbers and truth values). A text that is source code, by
        "lang", "language", the suffix of "path", or its own looks, has the parts of code and `meta["code"]`. For messages, or
        conversations, yield what `readers.chats` makes of them. Else yield one document whose text is the source: a table part (`meta`
        has "columns") over a row part a record.

        Raises `UnreadableError` that names the line for broken JSON, a record without what the first one has, or an `_id`
        that was there before; `LimitError` beyond `limits.documents` or `limits.rows`.
        """
        text = decode(data)
        rows = text.split("\n")
        mended = whole_letters(text)
        records = _records(rows if mended is text else mended.split("\n"))
        if records and _is_beir(records[0][1]):
            yield from _beir(records, source, limits)
        elif chats := find_chats([record for _, record in records]):
            one = EACH not in chats.steps
            yield from read_chats(chats, lambda chat, message: records[message if one else chat][0], source, limits)
        else:
            yield _table(rows, records, text, source, limits)


def _records(rows: list[str]) -> list[tuple[int, Any]]:
    """The value of each line that is not blank, with its 1-based number."""
    records = []
    loads = json.JSONDecoder().decode  # json.loads costs more than short lines do
    number = 0
    try:
        for number, row in enumerate(rows, 1):
            if row and not row.isspace():
                records.append((number, loads(row)))
    except json.JSONDecodeError as error:
        raise UnreadableError(f"line {number}: broken JSON at column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise UnreadableError(f"line {number}: JSON nested too deeply to be read") from None
    except ValueError as error:
        raise UnreadableError(f"line {number}: a number out of bounds: {error}") from None
    return records


def _is_beir(record: object) -> bool:
    return isinstance(record, dict) and "_id" in record and "text" in record


def _beir(records: list[tuple[int, Any]], source: str, limits: Limits) -> Iterator[Document]:
    if len(records) > limits.documents:
        raise LimitError("documents", len(records), limits.documents)
    seen: dict[str, int] = {}
    for number, record in records:
        if not _is_beir(record):
            raise UnreadableError(f'line {number}: no "_id" or no "text", which the first record has')
        text, identity, title = record["text"], record["_id"], record.get("title")
        if not isinstance(text, str) or not isinstance(identity, str | int) or not isinstance(title, str | None):
            raise UnreadableError(f'line {number}: "text" and "title" must be strings, "_id" a string or a whole number')
        first = seen.setdefault(str(identity), number)
        if first != number:
            raise UnreadableError(f'line {number}: "_id" {str(identity)!r} was there in line {first} already')
    snippets = Snippets()
    for number, record in records:
        identity, text = str(record["_id"]), record["text"]
        lines = (number,) * (text.count("\n") + 1)
        meta = _meta(record)
        code, parts = snippets.read(text, [hint for name in CODE_FIELDS if isinstance(hint := record.get(name), str)])
        if code:
            meta["code"] = code
        yield document(f"{source}#{identity}", record.get("title") or "", text, limits, parts=parts, meta=meta, lines=lines)


def _meta(record: dict[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = {"_id": str(record["_id"])}
    title = record.get("title")
    # a title such as "Report > Section 2 > Costs" is a breadcrumb: what stands above its last step is a path
    above = title.split(PATH_SEPARATOR)[:-1] if isinstance(title, str) and PATH_SEPARATOR in title else None
    if path := record.get("path") or above:
        steps = path.split(PATH_SEPARATOR) if isinstance(path, str) else path if isinstance(path, list) else ()
        meta["path"] = [step.strip() for step in steps if isinstance(step, str) and step.strip()]
    if others := record.keys() - BEIR_KEYS:
        meta["fields"] = {key: value for key, value in record.items() if key in others and isinstance(value, SCALARS)}
    return meta


def _table(rows: list[str], records: list[tuple[int, Any]], text: str, source: str, limits: Limits) -> Document:
    if len(records) > limits.rows:
        raise LimitError("rows", len(records), limits.rows)
    numbers = {number for number, _ in records}
    spans: list[Part] = []
    position = 0
    for number, row in enumerate(rows, 1):
        if number in numbers:
            start = position + len(row) - len(row.lstrip())
            spans.append(Part("row", start, position + len(row.rstrip())))
        position += len(row) + 1
    title = title_of(source)
    if spans:
        columns = columns_of([record for _, record in records if isinstance(record, dict)])
        spans.insert(0, Part("table", spans[0].start, spans[-1].end, title, meta={"columns": columns}))
    return document(source, title, text, limits, parts=spans)
