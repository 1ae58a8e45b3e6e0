"""Pages of a PDF that are pictures of pages: which they are, and their lines by OCR."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from grainline.errors import UnreadableError
from grainline.readers import ocr
from grainline.readers.pdf_blocks import Line
from grainline.types import Limits

#: share of a page that its largest picture covers if the page is a scan
COVERED = 0.3
#: scanned pages of one file that are read: some ten minutes' work
PAGES = 300
#: pages that are read in one go: a page that brings the reader down takes no more with it
AT_ONCE = 12


@dataclass(slots=True)
class Scans:
    """The lines of the scanned pages that were read, by number from 0, and what is to be said of the others."""

    pages: dict[int, list[Line]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def meta(self) -> dict[str, Any]:
        """What the document's `meta` says of its scans."""
        said: dict[str, Any] = (
            {"ocr": ocr.NAME, "ocr_pages": [number + 1 for number in sorted(self.pages)]} if self.pages else {}
        )
        return said | ({"notes": self.notes} if self.notes else {})


def read_scans(
    data: bytes,
    pages: Sequence[Sequence[Line]],
    pictures: Sequence[Sequence[Sequence[float]]],
    sizes: Sequence[Sequence[float]],
    limits: Limits,
) -> Scans:
    """The scans among the pages: those without text that a picture covers. Nothing that goes wrong with them is an error."""
    wanted = [
        number for number, lines in enumerate(pages) if not lines and _covered(pictures[number], sizes[number]) >= COVERED
    ]
    scans = Scans()
    if wanted and not ocr.is_installed():
        scans.notes.append(f"{_named(wanted)}; install grainline[ocr] and add the file anew to have them read")
        return scans
    failed: dict[str, list[int]] = {}
    for start in range(0, len(wanted[:PAGES]), AT_ONCE):
        group = wanted[start : min(start + AT_ONCE, PAGES)]
        try:
            for number, lines in zip(group, ocr.read_pages(data, group, limits), strict=True):
                if lines:
                    scans.pages[number] = [Line(*line) for line in lines]
                else:
                    failed.setdefault("OCR finds no words there", []).append(number)
        except UnreadableError as error:
            failed.setdefault(f"OCR failed: {error}", []).extend(group)
    if len(wanted) > PAGES:
        failed[f"OCR reads {PAGES} pages of a file"] = wanted[PAGES:]
    scans.notes += [f"{_named(numbers)}; {reason}" for reason, numbers in failed.items()]
    return scans


def _covered(pictures: Sequence[Sequence[float]], size: Sequence[float]) -> float:
    """The share of a page that its largest picture covers."""
    areas = [
        max(0.0, min(right, size[0]) - max(left, 0.0)) * max(0.0, min(top, size[1]) - max(bottom, 0.0))
        for left, bottom, right, top in pictures
    ]
    return max(areas, default=0.0) / max(1.0, size[0] * size[1])


def _named(numbers: Sequence[int]) -> str:
    """ "page 3 is a scan", "pages 3, 5 to 9 are scans" """
    runs = [[number for _, number in run] for _, run in groupby(enumerate(numbers), lambda each: each[1] - each[0])]
    said = ", ".join(f"{run[0] + 1} to {run[-1] + 1}" if len(run) > 1 else str(run[0] + 1) for run in runs)
    return f"page {said} is a scan" if len(numbers) == 1 else f"pages {said} are scans"
