"""Getting whatever verifies out of a damaged file into a fresh library."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from grainline.store import manifest as manifests
from grainline.store.database import FILE_NAME, connect, create, translated
from grainline.store.manifest import Manifest
from grainline.store.pages import Cell, Pages, Value
from grainline.store.seal import check
from grainline.store.writer import File

#: the types of the columns of our tables, and where in a row each seal stands and what it covers
COLUMNS: dict[tuple[bool, int], tuple[tuple[type, ...], ...]] = {
    (True, 14): ((int, *[str] * 7, int, *[str] * 4, int),),
    (True, 4): ((int, int, bytes, int),),
    (True, 5): ((int, str, str, str, int),),
    (False, 8): ((str, str, str, int, int, int, str, int),),
    (False, 3): ((str, str, int), (str, int, int)),
}
MANIFEST_NAME = "library"

Row = tuple[Any, ...]


@dataclass
class Salvaged:
    """What was found: the manifest (None if it is lost), the files and roots by name, the number of documents, how many documents of which
    files are lost, and whether records of files are lost, too."""

    manifest: Manifest | None = None
    files: dict[str, File] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    documents: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    files_lost: bool = False


def salvage(path: Path, folder: Path) -> Salvaged:
    """Make a library in `folder`, which must hold none, of the rows of the file at `path` that verify; its indexes are left empty, and
    among its vectors may be some of texts that are gone.

    A file that lost documents keeps the rest and gets an empty digest. Raises `StorageError`.
    """
    create(folder)
    connection = connect(folder, write=True)
    try:
        with translated(folder / FILE_NAME):
            connection.execute("BEGIN IMMEDIATE")
            found = Salvaged()
            for kind, row in rows(path):
                _take(connection, found, kind, row)
            _settle(connection, found)
            # without the manifest only the lack of documents or pages tells that there were more files
            found.files_lost |= found.manifest is None and (bool(found.lost) or _is_cut(path))
            connection.execute("COMMIT")
    finally:
        connection.close()
    return found


def rows(path: Path) -> Iterator[tuple[str, Row]]:
    """Every row that verifies, as ("document" | "file" | "root" | "manifest" | "vector" | "encoder" | "work", values), in no order.

    Raises `OSError`.
    """
    with Pages(path) as pages:
        free = pages.free()
        for number in range(1, pages.count + 1):
            if number not in free:
                for cell in pages.cells(number):
                    if found := _row(cell):
                        yield found


def _is_cut(path: Path) -> bool:
    """Whether the file has fewer pages than its head says."""
    with Pages(path) as pages:
        return int.from_bytes(pages.page(1)[28:32], "big") > pages.count


def _row(cell: Cell) -> tuple[str, Row] | None:
    values = cell.values if cell.number is None else (cell.number, *cell.values[1:])
    typed = (_typed(values, types) for types in COLUMNS.get((cell.number is not None, len(values)), ()))
    row = next((found for found in typed if found is not None), None)
    if row is None:
        return None
    if len(row) == 14:
        whole = check(*row[:8]) == row[8] and check(row[0], *row[9:13]) == row[13]
        return ("document", row) if whole else None
    if check(*row[:-1]) != row[-1]:
        return None
    if len(row) != 3:
        return {8: "file", 5: "work", 4: "vector"}[len(row)], row
    if isinstance(row[1], int):
        return "encoder", row
    # the place of a root is a path, and no path begins like this
    return ("manifest" if row[0] == MANIFEST_NAME and row[1].startswith('{"') else "root"), row


def _typed(values: tuple[Value, ...], types: tuple[type, ...]) -> Row | None:
    row: list[Any] = []
    for value, kind in zip(values, types, strict=True):
        if kind is str and isinstance(value, bytes):
            try:
                row.append(value.decode("utf-8"))
            except UnicodeDecodeError:
                return None
        elif kind is not str and isinstance(value, kind):
            row.append(value)
        else:
            return None
    return tuple(row)


def _take(connection: sqlite3.Connection, found: Salvaged, kind: str, row: Row) -> None:
    if kind == "manifest":
        manifest = manifests.parse(row[1])
        if found.manifest is None or manifest.sequence > found.manifest.sequence:
            found.manifest = manifest
    elif kind == "root":
        found.roots[row[0]] = row[1]
    elif kind == "file":
        found.files[row[0]] = File.of(row)
    elif kind in ("vector", "encoder", "work"):
        table = kind if kind == "work" else f"{kind}s"
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * len(row))})", row)
    else:
        known = "SELECT max(number) FROM documents WHERE number=? OR id=? OR source=?"
        latest = connection.execute(known, (row[0], row[1], row[2])).fetchone()[0]
        if latest is None or latest < row[0]:
            connection.execute("INSERT OR REPLACE INTO documents VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", row)


def _settle(connection: sqlite3.Connection, found: Salvaged) -> None:
    """Make files and documents agree, and write down what there is."""
    counts = dict(connection.execute("SELECT file, count(*) FROM documents GROUP BY file").fetchall())
    before = found.manifest
    strays = counts.keys() - found.files.keys()
    if before and before.files == len(found.files):
        # no record of a file is lost, so these are remains of documents that were removed
        connection.executemany("DELETE FROM documents WHERE file=?", [(path,) for path in strays])
    else:
        found.files_lost = before is not None and before.files > len(found.files) + len(strays)
        for path in strays:
            labels = connection.execute("SELECT labels FROM documents WHERE file=?", (path,)).fetchone()[0]
            found.files[path] = File(path, _root_of(path, found.roots), "", 0, 0, counts[path], tuple(json.loads(labels)))
            found.lost[path] = 0
    for path, file in found.files.items():
        if file.documents != (count := counts.get(path, 0)):
            found.lost[path] = file.documents - count
            found.files[path] = replace(file, digest="", documents=count)
    for file in found.files.values():
        connection.execute("INSERT INTO files VALUES (?,?,?,?,?,?,?,?)", (*file.row(), check(*file.row())))
    for root in found.roots.items():
        connection.execute("INSERT INTO roots VALUES (?,?,?)", (*root, check(*root)))
    found.documents, last = connection.execute("SELECT count(*), coalesce(max(number), 0) FROM documents").fetchone()
    held = Manifest(
        sequence=before.sequence + 1 if before else 1,
        documents=found.documents,
        files=len(found.files),
        roots=len(found.roots),
        next_document=max(last + 1, before.next_document if before else 1),
        settings=before.settings if before else {},
    )
    manifests.write(connection, held)


def _root_of(path: str, roots: dict[str, str]) -> str:
    """The root that a file without a record was most likely found under."""
    above = [name for name in roots if not name or path == name or path.startswith(name + "/")]
    return max(above, key=len, default=path.partition("/")[0])
