"""Markdown (CommonMark with tables and front matter): the text is the source, so that every offset and line is the file's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from grainline.readers.build import decode, document, title_of
from grainline.readers.captions import labelled
from grainline.types import Document, Limits, Part

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(['\"]?)(.+?)\1[ \t]*$", re.M)
#: what a converter leaves in front of a heading, and a heading without the blank that CommonMark asks for
_LOOSE_HEADING = re.compile(r"^(?:<[A-Z_]+>[ \t]*)?(#{1,6})[ \t]*([^#\s].*?)[ \t#]*$")
#: the place of the source of a picture without an alternative text
_NO_ALT = re.compile(r"!\[\s*\](?:\(\s*<?|\[)([^\s()<>\[\]]+)")
_IMG = re.compile(r"<img\b[^<>]{0,4000}>", re.I)
_ATTRIBUTE = re.compile(r"""\b(alt|title|src)\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.I)
_KINDS = {
    "paragraph_open": "prose",
    "bullet_list_open": "prose",
    "ordered_list_open": "prose",
    "blockquote_open": "prose",
    "html_block": "comment",
    "fence": "code",
    "code_block": "code",
}


class Markdown:
    """Reads `.md` and its kin; headings, prose, code, tables with their rows, and images become parts."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; raises `UnreadableError` where the bytes are not text."""
        text = decode(data)
        parts, title = markdown_parts(text)
        yield document(source, title or title_of(source), text, limits, parts=parts)


def markdown_parts(text: str) -> tuple[tuple[Part, ...], str]:
    """The parts of a Markdown text in reading order, and its title: of the front matter, else its first top heading."""
    starts = _line_starts(text)
    parts: list[Part] = []
    title, skipped = "", 0
    if front := _FRONT_MATTER.match(text):
        named = _FRONT_TITLE.search(front.group(1))
        title = named.group(2) if named else ""
        skipped = text.count("\n", 0, front.end())
        body = "\n" * skipped + text[front.end() :]
    else:
        body = text
    tokens = _parser().parse(body)
    for number, token in enumerate(tokens):
        if token.level or token.map is None:
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        end = start + len(text[start:end].rstrip())
        start += len(text[start:end]) - len(text[start:end].lstrip())
        if start >= end:
            continue
        if token.type == "heading_open":
            parts.append(Part("heading", start, end, _plain(tokens[number + 1]), int(token.tag[1])))
        elif token.type == "table_open":
            parts += _table(text, starts, token)
        elif kind := _KINDS.get(token.type):
            # HTML that is not a comment may hold words for readers
            kind = "prose" if kind == "comment" and not text.startswith("<!--", start) else kind
            parts += _block(text, kind, start, end, token)
    parts += _images(text, tokens, starts)
    parts.sort(key=lambda part: (part.start, -part.end))
    parts = list(labelled(text, parts))
    headings = [part for part in parts if part.kind == "heading"]
    if not title and headings:
        title = min(headings[:8], key=lambda part: part.level).name
    return tuple(parts), title


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table")


def _line_starts(text: str) -> list[int]:
    starts = [0]
    starts += [match.end() for match in re.finditer("\n", text)]
    starts.append(len(text))
    return starts


def _plain(inline: Token) -> str:
    """The words of an inline token, without its marks."""
    pieces = [child.content for child in inline.children or () if child.type in ("text", "code_inline", "softbreak")]
    return " ".join("".join(piece or " " for piece in pieces).split())


def _block(text: str, kind: str, start: int, end: int, token: Token) -> Iterator[Part]:
    """A part; prose is split at lines that mean to be headings but that CommonMark does not take for such."""
    if kind == "code":
        yield Part("code", start, end, token.info.split()[0] if token.info.split() else "")
        return
    begin = offset = start
    for line in text[start:end].split("\n"):
        if (found := _LOOSE_HEADING.match(line)) and len(line) < 120:
            if text[begin:offset].strip():
                yield Part(kind, begin, begin + len(text[begin:offset].rstrip()))
            yield Part("heading", offset, offset + len(line), found.group(2), len(found.group(1)))
            begin = offset + len(line) + 1
        offset += len(line) + 1
    if text[begin:end].strip():
        begin += len(text[begin:end]) - len(text[begin:end].lstrip())
        yield Part(kind, begin, end)


def _table(text: str, starts: list[int], token: Token) -> Iterator[Part]:
    assert token.map is not None
    first, last = token.map
    rows = [(starts[line], starts[line] + len(text[starts[line] : starts[line + 1]].rstrip())) for line in range(first, last)]
    yield Part("table", rows[0][0], rows[-1][1])
    yield Part("header", *rows[0])
    for row in rows[2:]:
        if row[0] < row[1]:
            yield Part("row", *row)


def _images(text: str, tokens: list[Token], starts: list[int]) -> Iterator[Part]:
    """Pictures as parts, at the place where their alternative text stands in the source, else their title, else their file's name."""
    for token in tokens:
        if token.map is None or token.type not in ("inline", "html_block"):
            continue
        at, stop = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        if "<img" in token.content.lower():
            yield from filter(None, (_tag(text, found) for found in _IMG.finditer(text, at, stop)))
        for child in _walk(token.children or []) if "![" in token.content else ():
            if child.type == "image" and (part := _picture(text, child, at, stop)):
                at = part.end
                yield part


def _picture(text: str, image: Token, at: int, stop: int) -> Part | None:
    """The part of `![alt](src "title")`, looked for from `at` on; None if it is nowhere."""
    meta = _source(str(image.attrs.get("src", "")))
    title = str(image.attrs.get("title") or "").strip()
    if image.content.strip():
        found = text.find("![" + image.content, at, stop)
        meta |= {"title": title} if title and title != image.content else {}
        return Part("image", found + 2, found + 2 + len(image.content), image.content, meta=meta) if found >= 0 else None
    bare = _NO_ALT.search(text, at, stop)
    if bare is None or not meta:
        return None
    named = text.find(title, bare.end(), stop) if title else -1
    if named >= 0:
        return Part("image", named, named + len(title), title, meta=meta)
    return Part("image", *bare.span(1), meta=meta)


def _tag(text: str, found: re.Match[str]) -> Part | None:
    """The part of an `<img>` tag; None if it says neither what it shows nor where it lies."""
    values = {each.group(1).lower(): each for each in _ATTRIBUTE.finditer(text, *found.span())}
    src = values.get("src")
    meta = _source(src.group(src.lastindex or 2)) if src else {}
    for name in ("alt", "title", "src"):
        if (each := values.get(name)) and (name != "src" or meta):
            value = each.group(each.lastindex or 2)
            start = each.start(each.lastindex or 2) + len(value) - len(value.lstrip())
            if words := value.strip():
                return Part("image", start, start + len(words), "" if name == "src" else words, meta=meta)
    return None


def _source(src: str) -> dict[str, str]:
    """Where a picture lies, unless it is in the page itself."""
    return {"src": src} if src and not src.startswith("data:") else {}


def _walk(children: list[Any]) -> Iterator[Any]:
    for child in children:
        yield child
        yield from _walk(child.children or []) if child.type != "image" else ()
