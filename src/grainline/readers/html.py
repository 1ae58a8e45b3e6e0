"""HTML: bytes to text, text to a tree, and which part of the tree is the page itself; `readers.html_layout` lays it out.

The text is laid out anew, so `Document.lines` says where each line of it stands in the source.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from html.entities import html5
from typing import TYPE_CHECKING

from grainline.errors import UnreadableError
from grainline.readers.archive import parse_xml
from grainline.readers.build import BOMS, Layout, decode, document, flow
from grainline.readers.captions import labelled
from grainline.readers.html_layout import Writer
from grainline.readers.html_rules import tag_of
from grainline.types import Document, Limits

if TYPE_CHECKING:
    from lxml.etree import _Element

_CHARSET = re.compile(rb"""<(?:meta\b[^>]{0,400}?\bcharset|\?xml\b[^>]{0,200}?\bencoding)\s*=\s*["']?\s*([\w-]{2,30})""", re.I)
_KNOWN_CHARSET = re.compile(
    r"utf-?8|gbk|gb2312|gb18030|big5(-hkscs)?|euc-(jp|kr|cn)|shift[_-]jis|iso-8859-\d|windows-125\d|koi8-[ru]|us-ascii|latin-?1",
    re.I,
)
#: what pages call their encoding, and the larger one that browsers take it for
_LARGER = {
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "euc-cn": "gb18030",
    "iso-8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "cp1252",
}
_STRAY = 500  #: one broken character in so many is a slip, more are another encoding
#: entities of HTML, which XML knows only from a DTD that is never fetched
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)(\w{2,32});")
DECLARATIONS = 20_000  #: characters at the beginning in which declarations are looked for, which an HTML parser would show
_SUBSET = re.compile(r"<!DOCTYPE[^<>\[]{0,200}\[.*?\]\s*>", re.S)
_XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


class Html:
    """Reads `.html`, `.htm` and `.xhtml`."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document, empty if the page shows no text; raises `UnreadableError` where the bytes are not text."""
        layout = Layout()
        meta: dict[str, str] = {}
        title = ""
        root = parse_page(decode_page(data))
        if root is not None:
            try:
                write_page(root, layout)
            except RecursionError as error:
                raise UnreadableError("nested too deeply") from error
            tops = (part.name for part in layout.parts() if part.kind == "heading" and part.level == 1)
            title = title_of_page(root) or next(tops, "")
            if lang := root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang"):
                meta["lang"] = lang
        text = layout.text()
        parts = labelled(text, layout.parts())
        yield document(source, title, text, limits, parts=parts, meta=meta, lines=layout.lines())


def decode_page(data: bytes) -> str:
    """The text of a page: by its byte order mark, else as it says of itself if that fits, else as any text.

    Raises `UnreadableError` where the bytes are not text.

    >>> decode_page('<meta charset="gb2312">检索'.encode("gb18030"))
    '<meta charset="gb2312">检索'
    """
    declared = _CHARSET.search(data, 0, 4096)
    if declared and not any(data.startswith(mark) for mark, _ in BOMS):
        name = declared.group(1).decode("ascii", "replace").lower()
        if _KNOWN_CHARSET.fullmatch(name):
            text = data.decode(codecs.lookup(_LARGER.get(name, name)).name, "replace")
            if text.count("\ufffd") * _STRAY <= len(text) and "\0" not in text:
                return text.replace("\r\n", "\n").replace("\r", "\n")
    return decode(data)


def parse_page(text: str) -> _Element | None:
    """The root of a page, however broken; None if there is nothing in it. Well-formed XHTML is read as XML, as it is meant.

    Raises `UnreadableError` where libxml2 gives up before the end.
    """
    from lxml import etree

    if text.lstrip("\ufeff \n\t").startswith("<?xml") or _XHTML in text[:2000]:
        try:
            return parse_xml(_ENTITY.sub(_character, text).encode("utf-8", "replace"), "utf-8")
        except UnreadableError:
            pass  # most pages that call themselves XHTML are not; browsers read them as HTML too
    head = _SUBSET.sub(lambda found: "\n" * found.group().count("\n"), text[:DECLARATIONS], 1)
    data = (head + text[DECLARATIONS:]).encode("utf-8", "replace")
    for huge in (False, True):  # pages that never close their tags pass the first bound; HTML has no entities to explode
        parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=huge)
        try:
            root = etree.fromstring(data, parser)
        except etree.LxmlError:  # "Document is empty"
            return None
        if not any(entry.level == etree.ErrorLevels.FATAL for entry in parser.error_log):
            return root
    raise UnreadableError("nested deeper than 2,048 elements")


def _character(entity: re.Match[str]) -> str:
    return html5.get(f"{entity.group(1)};", entity.group())


def title_of_page(root: _Element) -> str:
    """The words of the <title> in the head; "" if there is none."""
    for element in root.iter("title", "{*}title"):
        above = element.getparent()
        if above is not None and tag_of(above) == "head":
            return flow("".join(str(piece) for piece in element.itertext()))
    return ""


def write_page(root: _Element, layout: Layout, *, located: bool = True) -> None:
    """Add what a page says to `layout`: its one <main> if that has text, else all but what stands around the text, else all.

    With `located` the layout notes source lines.
    """
    mains = [element for element in root.iter() if tag_of(element) == "main" or element.get("role") == "main"]
    before = layout.length
    for start, whole in ((mains[0] if len(mains) == 1 else root, False), (root, False), (root, True)):
        Writer(layout, located=located, whole=whole).write(start)
        if layout.length > before:
            return
