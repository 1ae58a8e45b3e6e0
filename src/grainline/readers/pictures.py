"""Words in the pictures that a document holds, by OCR where that is installed: which pictures are read, and how many of them.

They are no part of the document's text: they stand in the `meta` of the image's part as "ocr", and are a key of it. A picture that says
the same as others of its document again and again (a logo) or is small (an icon) is left alone, and nothing that goes wrong is an error.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Generic, TypeVar

from grainline.errors import UnreadableError
from grainline.readers import ocr
from grainline.readers.archive import Archive
from grainline.types import Limits

#: pictures of one document that are read: half a minute's work, or a few minutes' if all are as large as pages
MOST = 100
#: pictures that are read in one go: one that brings the reader down takes no more with it
AT_ONCE = 20
#: pixels of the longer and the shorter side of a picture that is read
SIDES = (100, 50)
#: places of one document where a picture, or the same words in pictures, may stand: beyond, it is furniture
REPEATED = 2
#: letters and digits that make words, and characters of a picture's words that are kept
FEWEST, LONGEST = 3, 4_000
SUFFIXES = frozenset((".png", ".jpg", ".jpeg", ".jfif", ".gif", ".webp", ".bmp", ".tif", ".tiff"))

K = TypeVar("K")


@dataclass(slots=True)
class Words(Generic[K]):
    """The words of pictures by what these go by, how many pictures were read, and what is to be said of the others."""

    said: dict[K, str] = field(default_factory=dict)
    read: int = 0
    notes: list[str] = field(default_factory=list)

    def of(self, picture: K | None) -> dict[str, str]:
        """What the `meta` of a part says of the words in its picture."""
        return {"ocr": self.said[picture]} if picture in self.said else {}

    def meta(self, known: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The `meta` of the document with what is to be said of its pictures: "ocr" and "ocr_pictures" (how many were read), "notes"."""
        meta = dict(known or {})
        if self.read:
            meta |= {"ocr": ocr.NAME, "ocr_pictures": self.read}
        if self.notes:
            meta["notes"] = [*meta.get("notes", ()), *self.notes]
        return meta


def read_words(wanted: Sequence[K], read: Callable[[Sequence[K]], list[list[str]]]) -> Words[K]:
    """The words of the first `MOST` of the pictures; `read` gives the lines of some of them."""
    words: Words[K] = Words()
    for start in range(0, len(wanted[:MOST]), AT_ONCE):
        group = wanted[start : min(start + AT_ONCE, MOST)]
        try:
            found = read(group)
        except UnreadableError as error:
            words.notes.append(f"OCR of {len(group)} pictures failed: {error}")
            continue
        words.read += len(group)
        words.said |= {picture: said for picture, lines in zip(group, found, strict=True) if (said := _kept(lines))}
    common = Counter(words.said.values())
    words.said = {picture: said for picture, said in words.said.items() if common[said] <= REPEATED}
    if len(wanted) > MOST:
        words.notes.append(f"OCR reads {MOST} pictures of a file; {len(wanted) - MOST} were left out")
    return words


def of_archive(archive: Archive, shown: Sequence[str], limits: Limits) -> Words[str]:
    """The words of pictures packed in an archive, by their names there; `shown` has each as often as the document shows it."""
    if not shown or not ocr.is_installed():
        return Words()
    places, names = Counter(shown), set(archive.names())
    alike: dict[bytes, list[str]] = {}
    for member in places:
        if member in names and PurePosixPath(member).suffix.lower() in SUFFIXES:
            data = archive.read(member)
            if ocr.is_large(data, SIDES):
                alike.setdefault(hashlib.blake2b(data, digest_size=16).digest(), []).append(member)
    wanted = {same[0]: same for same in alike.values() if sum(places[member] for member in same) <= REPEATED}
    words = read_words(list(wanted), lambda group: ocr.read_pictures([archive.read(member) for member in group], limits))
    words.said = {member: said for first, said in words.said.items() for member in wanted[first]}
    return words


def _kept(lines: Sequence[str]) -> str:
    """The lines as words; "" where they are no more than specks that look like letters."""
    said = "\n".join(lines)[:LONGEST].strip()
    return said if sum(map(str.isalnum, said)) >= FEWEST else ""
