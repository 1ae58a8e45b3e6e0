"""Electronic books: the chapters in reading order as one document; headings from the chapters, or from the table of contents."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import unquote

from grainline.errors import UnreadableError
from grainline.readers.archive import Archive, parse_xml
from grainline.readers.build import Layout, document, flow
from grainline.readers.captions import labelled
from grainline.readers.html import decode_page, parse_page, write_page
from grainline.types import Document, Limits, Part

if TYPE_CHECKING:
    from lxml.etree import _Element

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document")
_FONT_MANGLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


class Epub:
    """Reads `.epub` (versions 2 and 3)."""

    def read(self, data: bytes, source: str, limits: Limits) -> Iterator[Document]:
        """Yield one document; raises `UnreadableError` for what is damaged, protected (DRM) or no book, and `LimitError`.

        Each part but prose has the chapter's file in its `meta`, a picture its own as "member", too.
        """
        book = _Book(Archive(data, limits))
        layout = Layout()
        for name in book.chapters:
            book.write_chapter(name, layout)
        text = layout.text()
        parts = [_located(part) for part in labelled(text, layout.parts())]
        title = book.about("title") or next((part.name for part in parts if part.kind == "heading"), "")
        meta = {key: words for key in ("creator", "language", "publisher", "date") if (words := book.about(key))}
        yield document(source, title, text, limits, parts=parts, meta=meta)


def _located(part: Part) -> Part:
    """The part with the name that a picture has in the archive, as `meta["member"]`."""
    src = str(part.meta.get("src", "")).partition("#")[0]
    if part.kind != "image" or not src or ":" in src:
        return part
    member = posixpath.normpath(posixpath.join(posixpath.dirname(str(part.meta.get("file", ""))), unquote(src)))
    return replace(part, meta={**part.meta, "member": member})


class _Book:
    """The package of a book: which files are its chapters, in which order, and what its table of contents calls them."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._names = frozenset(archive.names())
        roots = [each.get("full-path") or "" for each in parse_xml(archive.read(_CONTAINER)).iter("{*}rootfile")]
        if not roots:
            raise UnreadableError("no EPUB book: its container names no package")
        self._path = roots[0]
        self._package = parse_xml(archive.read(self._path))
        items = {item.get("id", ""): item for item in self._package.iter("{*}item")}
        self._toc_names = [item for item in items.values() if "nav" in (item.get("properties") or "").split()]
        spine = next(self._package.iter("{*}spine"), None)
        named = items.get(spine.get("toc") or "") if spine is not None else None
        self._toc_names += [named] if named is not None else []
        navigation = {self._resolve(item.get("href")) for item in self._toc_names}
        refs = [items.get(each.get("idref") or "") for each in self._package.iter("{*}itemref")]
        pages = [item for item in refs if item is not None and (item.get("media-type") or _PAGES[0]) in _PAGES]
        chapters = dict.fromkeys(self._resolve(item.get("href")) for item in pages)
        self.chapters = [name for name in chapters if name in self._names and name not in navigation]
        self._check_protection()
        if chapters and not self.chapters:
            raise UnreadableError("incomplete: none of the chapters that the book lists is in it")
        self._labels = self._contents()

    def _resolve(self, href: str | None, base: str = "") -> str:
        """The name in the archive that a link from the package, or from the file `base`, leads to."""
        path = unquote((href or "").partition("#")[0])
        return posixpath.normpath(posixpath.join(posixpath.dirname(base or self._path), path))

    def _check_protection(self) -> None:
        if _ENCRYPTION not in self._names:
            return
        for each in parse_xml(self._archive.read(_ENCRYPTION)).iter("{*}EncryptedData"):
            methods = [method.get("Algorithm") for method in each.iter("{*}EncryptionMethod")]
            files = [unquote(reference.get("URI") or "") for reference in each.iter("{*}CipherReference")]
            if any(name in self.chapters for name in files) and not any(method in _FONT_MANGLING for method in methods):
                raise UnreadableError("protected book (DRM): its chapters are encrypted")

    def about(self, key: str) -> str:
        """What the package says of the book under a Dublin Core name; "" if nothing."""
        found = next(self._package.iter("{http://purl.org/dc/elements/1.1/}" + key), None)
        return flow("".join(str(piece) for piece in found.itertext())) if found is not None else ""

    def _contents(self) -> dict[str, tuple[str, int]]:
        """The words and the depth (1-based) under which the table of contents lists each file, where it first does."""
        labels: dict[str, tuple[str, int]] = {}
        for item in self._toc_names:
            name = self._resolve(item.get("href"))
            if name not in self._names:
                continue
            root = parse_page(decode_page(self._archive.read(name)))
            for href, words, depth in () if root is None else (*_links(root), *_points(root)):
                target = self._resolve(href, name)
                if words and target not in labels:
                    labels[target] = words, depth
        return labels

    def write_chapter(self, name: str, layout: Layout) -> None:
        """Add a chapter; one without a heading of its own gets that of the table of contents."""
        root = parse_page(decode_page(self._archive.read(name)))
        if root is None:
            return
        chapter = Layout()
        write_page(root, chapter, located=False)
        words, depth = self._labels.get(name, ("", 0))
        if words and chapter.length and not any(part.kind == "heading" for part in chapter.parts()):
            layout.add(words, "heading", name=words, level=depth, meta={"file": name})
        layout.extend(chapter, {"file": name})


def _links(root: _Element) -> Iterator[tuple[str, str, int]]:
    """Link, words and depth of each entry of an EPUB 3 navigation document."""
    for nav in root.iter("{*}nav", "nav"):
        kind = nav.get("{http://www.idpf.org/2007/ops}type") or nav.get("epub:type") or "toc"
        if kind != "toc":
            continue
        for link in nav.iter("{*}a", "a"):
            depth = sum(1 for above in link.iterancestors("{*}ol", "ol"))
            yield link.get("href") or "", flow("".join(str(piece) for piece in link.itertext())), max(depth, 1)


def _points(root: _Element) -> Iterator[tuple[str, str, int]]:
    """Link, words and depth of each entry of an EPUB 2 table of contents (NCX)."""
    for point in root.iter("{*}navPoint"):
        content = next(point.iter("{*}content"), None)
        label = next(point.iter("{*}text"), None)
        if content is not None and label is not None:
            depth = 1 + sum(1 for above in point.iterancestors("{*}navPoint"))
            yield re.sub(r"\s", "", content.get("src") or ""), flow("".join(str(each) for each in label.itertext())), depth
