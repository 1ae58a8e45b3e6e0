"""Citations: made from a span of a document, and checked against the stored text before anything is said."""

from __future__ import annotations

from grainline.errors import DamagedError
from grainline.match.pattern import line_of, page_of
from grainline.store.snapshot import Snapshot
from grainline.types import Citation, Document


def cite(document: Document, start: int, end: int) -> Citation:
    """The citation of a span."""
    quote = document.text[start:end]
    return Citation(document.source, start, end, line_of(document, start), quote, page_of(document, start))


def check(snapshot: Snapshot, document_id: str, citation: Citation) -> None:
    """Compare the quote with the stored text; it can only differ if something is broken, and then nothing is said."""
    if not citation.quote or snapshot.document(document_id).text[citation.start : citation.end] != citation.quote:
        raise DamagedError(f"a citation of {citation.source} does not match its text; run `grainline doctor`")
