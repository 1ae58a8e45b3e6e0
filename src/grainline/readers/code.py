"""Source code to a document: the source itself, with its classes, functions, signatures, docstrings and comments as parts."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module

from tree_sitter import Language, Parser, Point, Tree

from grainline.errors import UnreadableError
from grainline.readers.build import decode, document, title_of
from grainline.readers.code_languages import CodeLanguage, language_of
from grainline.readers.code_symbols import Remark, Symbol, SymbolWalk, opens_line
from grainline.types import Document, Limits, Part

#: a longer source is kept as plain text: its tree would take gigabytes
PARSED_BYTES = 16 << 20
#: how much the parser asks for at a time
CHUNK_BYTES = 1 << 16

LINE_COMMENTS = (b"//", b"#")


class Code:
    """Reads source code of the languages in `code_languages.SUFFIXES`; where it is broken, the sound rest still has parts."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document with `meta["code"]`, the language's name.

        Part kinds: class and function (`name` is qualified inside the file, "Stack.push"; `level` is the depth of nesting,
        from 1; the span takes in comments, attributes and decorators right before; `meta` has "signature", on one line, and
        "language"), signature and docstring (`name` is the symbol's, "" for the file), comment (`name` is that of the symbol
        around or after it).
        Raises `UnreadableError` for binary data, an unknown suffix, or a source that its parser does not get through.
        """
        text = decode(data)
        language = language_of(source, text)
        encoded = text.encode("utf-8", "replace")
        meta = {"code": language.name}
        parts: tuple[Part, ...] = ()
        if len(encoded) > PARSED_BYTES:
            meta["unparsed"] = f"over {PARSED_BYTES:,} bytes: kept as plain text"
        else:
            parts, _ = read_parts(encoded, language, limits.seconds)
        yield document(source, title_of(source), text, limits, parts=parts, meta=meta)


@cache
def _grammar(module: str, function: str) -> Language:
    return Language(getattr(import_module(module), function)())


def _parse(data: bytes, language: CodeLanguage, seconds: int) -> Tree:
    deadline = time.monotonic() + seconds

    def chunk(offset: int, _point: Point) -> bytes:
        """The bytes from `offset` on."""
        return data[offset : offset + CHUNK_BYTES]

    def is_late(_offset: int, _has_error: bool) -> bool:
        """Whether to give up: the parser asks now and then, and only if it reads by callback."""
        return time.monotonic() > deadline

    try:
        return Parser(_grammar(*language.grammar)).parse(chunk, progress_callback=is_late)
    except ValueError:
        raise UnreadableError(
            f"parsing takes over {seconds} s: it does not look like {language.name} code (--max-seconds)"
        ) from None


def read_parts(data: bytes, language: CodeLanguage, seconds: int) -> tuple[tuple[Part, ...], bool]:
    """The parts of a source in UTF-8 (see `Code.read`), and whether it parses without an error.

    Raises `UnreadableError` if its parser does not get through in so many seconds.
    """
    walk = SymbolWalk(data, language)
    tree = _parse(data, language, seconds)
    walk.run(tree)
    parts = [part for symbol in walk.symbols for part in _symbol_parts(symbol, data, language)]
    if walk.docstring:
        parts.append(Part("docstring", *walk.docstring))
    parts += _comment_parts(walk.remarks, data, language)
    parts.sort(key=lambda part: (part.start, -part.end))
    return _in_characters(parts, data), not tree.root_node.has_error


def _symbol_parts(symbol: Symbol, data: bytes, language: CodeLanguage) -> Iterator[Part]:
    start, end = symbol.signature
    signature = " ".join(data[start:end].decode("utf-8", "replace").split())
    short = symbol.name.rpartition(".")[2]
    if short not in signature:
        signature = f"{signature} {short}"  # C names a struct after its body: typedef struct {...} Stack;
    meta = {"signature": signature, "language": language.name}
    yield Part(symbol.kind, symbol.start, symbol.end, symbol.name, symbol.level, meta)
    if start < end:
        yield Part("signature", start, end, symbol.name)
    if symbol.docstring:
        yield Part("docstring", *symbol.docstring, symbol.name)


def _comment_parts(remarks: Iterable[Remark], data: bytes, language: CodeLanguage) -> Iterator[Part]:
    """One part a block comment, one a run of line comments that say one thing; rules of dashes and the like say nothing."""
    marks = tuple(mark.encode() for mark in language.doc_marks)
    open_part: Part | None = None
    for remark in remarks:
        if not remark.is_comment:
            continue
        is_doc = remark.is_inner or (remark.owner is not None and data.startswith(marks, remark.start))
        name = remark.scope if remark.owner is None else remark.owner
        part = Part("docstring" if is_doc else "comment", remark.start, remark.end, name)
        if open_part and _continues(open_part, part, data):
            part = Part(part.kind, open_part.start, part.end, name)
        elif open_part and _says_something(open_part, data):
            yield open_part
        open_part = part
    if open_part and _says_something(open_part, data):
        yield open_part


def _continues(first: Part, second: Part, data: bytes) -> bool:
    gap = data[first.end : second.start]
    return (
        (first.kind, first.name) == (second.kind, second.name)
        and len(gap) < 1000
        and gap.isspace()
        and gap.count(b"\n") == 1
        and data.startswith(LINE_COMMENTS, first.start)
        and data.startswith(LINE_COMMENTS, second.start)
        and opens_line(data, first.start)
    )


def _says_something(part: Part, data: bytes) -> bool:
    return any(character.isalnum() for character in data[part.start : part.end].decode("utf-8", "replace"))


def _in_characters(parts: list[Part], data: bytes) -> tuple[Part, ...]:
    """The same parts with offsets that count characters; one pass over the source."""
    if data.isascii():
        return tuple(parts)
    characters: dict[int, int] = {}
    byte = position = 0
    for offset in sorted({part.start for part in parts} | {part.end for part in parts}):
        position += len(data[byte:offset].decode("utf-8"))
        characters[offset] = position
        byte = offset
    return tuple(
        Part(part.kind, characters[part.start], characters[part.end], part.name, part.level, part.meta) for part in parts
    )
