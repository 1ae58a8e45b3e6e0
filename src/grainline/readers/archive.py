"""Zip-based files (DOCX, PPTX, XLSX, EPUB) from people who may mean harm, and the XML in them.

A zip's directory is a claim, not a fact: it is checked, and then every entry is unpacked once and counted, before any library
gets to see the file. Nothing is ever written to disk, so the names in it lead nowhere; archives inside it stay closed.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from grainline.errors import LimitError, UnreadableError
from grainline.types import Limits

if TYPE_CHECKING:
    from lxml.etree import _Element

ENTRIES = 10_000  #: files in one archive; the largest books and slide decks have some thousands
RATIO = 500  #: bytes out for one byte in; dense XML tables come to about 100, deflate cannot do more than 1032
RATIO_FROM = 16 << 20  #: unpacked bytes from which the ratio counts: below, nobody is hurt
CHUNK = 1 << 18
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  #: the first bytes of the older Office formats, and of encrypted new ones
_DIRECTORY_ENTRY = b"PK\x01\x02"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, KeyError, OverflowError, OSError)


class Archive:
    """A zip file whose every entry is known to unpack within the limits.

    Raises `UnreadableError` for what is no zip file, corrupt, truncated, encrypted or made to explode, and `LimitError` for one
    that unpacks to more than `limits.unpacked_bytes`.
    """

    def __init__(self, data: bytes, limits: Limits) -> None:
        self._limit = limits.unpacked_bytes
        if data.startswith(OLE):
            raise UnreadableError(say_encrypted(data) or "an Office file of the format before 2007 under a newer name")
        if not data.startswith(b"PK"):
            raise UnreadableError("not a zip file, though files of this kind are")
        # a directory costs memory before zipfile lets anyone count it; a zip inside the zip may add some entries of its own
        if data.count(_DIRECTORY_ENTRY) > 10 * ENTRIES:
            raise UnreadableError(f"holds more than {ENTRIES:,} files")
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _BROKEN as error:
            raise UnreadableError(f"corrupt or truncated zip file: {error}") from error
        self._check_directory()
        total = 0
        for entry in self._zip.infolist():
            total = self._unpack(entry, total)

    def _check_directory(self) -> None:
        entries = self._zip.infolist()
        if len(entries) > ENTRIES:
            raise UnreadableError(f"holds {len(entries):,} files, more than {ENTRIES:,}")
        total = 0
        for entry in entries:
            if entry.flag_bits & 1:
                raise UnreadableError("encrypted zip file: it needs a password")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise UnreadableError(f"packed with method {entry.compress_type}, which files of this kind do not use")
            total += entry.file_size
            if total > self._limit:
                raise LimitError("unpacked_bytes", total, self._limit)
            self._check_ratio(entry, entry.file_size)

    def _unpack(self, entry: zipfile.ZipInfo, total: int, keep: list[bytes] | None = None) -> int:
        """Unpack one entry, into `keep` if given; the unpacked bytes so far, `total` among them."""
        size = 0
        try:
            with self._zip.open(entry) as file:
                while chunk := file.read(CHUNK):
                    size += len(chunk)
                    if total + size > self._limit:
                        raise LimitError("unpacked_bytes", total + size, self._limit)
                    self._check_ratio(entry, size)
                    if keep is not None:
                        keep.append(chunk)
        except (*_BROKEN, RuntimeError) as error:
            raise UnreadableError(f"corrupt or truncated zip file: {error}") from error
        return total + size

    @staticmethod
    def _check_ratio(entry: zipfile.ZipInfo, size: int) -> None:
        if size > RATIO_FROM and size > RATIO * max(entry.compress_size, 1):
            raise UnreadableError(f"a zip bomb: an entry of {entry.compress_size:,} bytes unpacks to {size:,} or more")

    def names(self) -> tuple[str, ...]:
        """The names of all entries, in the directory's order."""
        return tuple(entry.filename for entry in self._zip.infolist())

    def read(self, name: str) -> bytes:
        """The bytes of one entry; raises `UnreadableError` where there is none of that name."""
        try:
            entry = self._zip.getinfo(name)
        except KeyError:
            raise UnreadableError(f"incomplete: {name} is missing") from None
        chunks: list[bytes] = []
        self._unpack(entry, 0, chunks)
        return b"".join(chunks)


def say_encrypted(data: bytes) -> str:
    """The reason why an OLE file cannot be read, if it is an encrypted Office file; else ""."""
    return "encrypted Office file: it needs a password" if "EncryptedPackage".encode("utf-16-le") in data else ""


def check_xml(data: bytes) -> None:
    """Raise `UnreadableError` unless an XML text is well formed; costs no memory, and less time than `parse_xml`."""
    from xml.parsers import expat

    try:
        expat.ParserCreate().Parse(data, True)
    except (expat.ExpatError, ValueError) as error:
        raise UnreadableError(f"broken XML: {error}") from error


def parse_xml(data: bytes, encoding: str | None = None) -> _Element:
    """The root of an XML text: entities are not resolved, nothing is fetched, depth and size have libxml2's bounds.

    `encoding` overrules what the text says of itself. Raises `UnreadableError` where it is not well formed.
    """
    from lxml import etree

    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError, LookupError) as error:
        raise UnreadableError(f"broken XML: {error}") from error
