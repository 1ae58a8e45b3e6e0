"""The manifest: one sealed row that says what the library holds, so that anything missing is noticed."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, field, replace

from grainline.errors import DamagedError
from grainline.store.database import FORMAT
from grainline.store.records import dump
from grainline.store.seal import check, verify

#: what the settings call the encoder that all of a library was embedded with
EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True)
class Stretch:
    """An array in `blocks`: its first block, its element type as numpy writes it, and its length in elements."""

    first: int
    dtype: str
    length: int


@dataclass(frozen=True, slots=True)
class Segment:
    """An immutable piece of an index over keys of one kind; `dead` names the stretch of entries that were removed since."""

    kind: str
    entries: int
    arrays: dict[str, Stretch]
    dead: Stretch | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """`sequence` counts the commits, `format` vouches for what the head of the file says; the other fields count rows and give the
    next free numbers."""

    sequence: int = 0
    format: int = FORMAT
    documents: int = 0
    files: int = 0
    roots: int = 0
    next_document: int = 1
    next_block: int = 1
    segments: tuple[Segment, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)

    def replaced(self, **changes: object) -> Manifest:
        """A copy with the given fields changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


def read(connection: sqlite3.Connection) -> Manifest:
    """The manifest as this transaction sees it; an empty library has none. Raises `DamagedError`, `sqlite3.Error`."""
    row = connection.execute("SELECT value, seal FROM manifest WHERE key='library'").fetchone()
    if row is None:
        if (
            connection.execute("SELECT 1 FROM documents LIMIT 1").fetchone()
            or connection.execute("SELECT 1 FROM blocks").fetchone()
        ):
            raise DamagedError("the library's manifest is missing; run `grainline doctor`")
        return Manifest()
    verify("the library's manifest", row[1], "library", row[0])
    return parse(row[0])


def parse(text: str) -> Manifest:
    """A manifest from its verified text."""
    value = json.loads(text)
    value["segments"] = tuple(_segment(segment) for segment in value["segments"])
    return Manifest(**value)


def write(connection: sqlite3.Connection, manifest: Manifest) -> None:
    """Store the manifest within the transaction that makes it true."""
    value = dump(asdict(manifest))
    connection.execute("INSERT OR REPLACE INTO manifest VALUES ('library', ?, ?)", (value, check("library", value)))


def _segment(value: dict[str, object]) -> Segment:
    arrays = {name: Stretch(**stretch) for name, stretch in value["arrays"].items()}  # type: ignore[attr-defined]
    dead = Stretch(**value["dead"]) if value["dead"] else None  # type: ignore[arg-type]
    return Segment(str(value["kind"]), int(value["entries"]), arrays, dead)  # type: ignore[call-overload]
