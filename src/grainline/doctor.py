"""Checking a library to the last byte that matters, and mending it.

What is sound is left alone. Otherwise every row that verifies is taken out of the damaged file, page by page, into a fresh one beside
it; the index is built anew from the documents; files of which something is lost are read again where they lie; the fresh file takes
the damaged one's place in one step, and the damaged one is kept under another name. Nothing else in this process may have the library
open meanwhile. What cannot be seen: changed bytes that hold nothing, and a log cut short after a kill.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from grainline import costs, ingest
from grainline.disk import sync_folder
from grainline.errors import BusyError, DamagedError, NotFoundError, StorageError
from grainline.match import audit, made
from grainline.match.index import put, texts
from grainline.models import states
from grainline.readers.files import Found, find
from grainline.store import log
from grainline.store import manifest as manifests
from grainline.store.database import (
    APPLICATION_ID,
    FILE_NAME,
    FORMAT,
    MENDED_NAME,
    connect,
    expected_schema,
    leftovers,
    translated,
)
from grainline.store.faults import MAGIC, inner_faults, outer_faults, reason
from grainline.store.lock import LOCK_NAME, locked
from grainline.store.pages import Pages
from grainline.store.records import Stored
from grainline.store.salvage import Salvaged, rows, salvage
from grainline.store.snapshot import Snapshot
from grainline.store.writer import Writer
from grainline.tables.derived import FOLDER as TABLES
from grainline.types import Limits

#: where the fresh library is made
WORK_NAME = f"{FILE_NAME}.mending"
#: findings of one kind that are told one by one
TOLD = 20
#: characters of documents whose index is built at once
BATCH_CHARACTERS = 16 << 20
#: bytes of the head of an SQLite file
HEAD = 100
#: where in a file SQLite takes its locks, and how many bytes they span (sqlite.org/lockingv3.html)
LOCKS_AT, LOCKS = 0x40000000, 512


@dataclass(frozen=True, slots=True)
class Report:
    """What was wrong and what was done about it, in words; `sound` says whether the library is whole in itself now."""

    found: list[str]
    done: list[str]
    sound: bool


def examine(folder: Path) -> Report:
    """Check the library in `folder` and mend it.

    Raises `NotFoundError` where there is none, `BusyError` while another process writes to it or, if it is damaged, has it open, and
    `StorageError` if the disk refuses; then it is as it was.
    """
    path = folder / FILE_NAME
    with translated(path):
        if not any(place.exists() for place in (path, folder / MENDED_NAME, log.path_of(path))):
            raise NotFoundError(f"no library in {folder}; make one with `grainline add PATH --library {folder}`")
        with locked(folder):
            return _Visit(folder).run()


class _Visit:
    """One examination."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / FILE_NAME
        self._work = folder / WORK_NAME
        self._found: list[str] = []
        self._done: list[str] = []

    def run(self) -> Report:
        """Check, mend, check again."""
        if (self._folder / MENDED_NAME).exists():
            self._found.append("a repair was cut short before its last step")
            with _alone(self._path):
                self._replace()
        faults = outer_faults(self._path)
        if faults and (why := _not_ours(self._path)):
            return Report([*self._found, why], self._done, False)
        self._sweep()
        faults = faults or _inside(self._folder)
        if faults:
            self._found += _told(faults)
            with _alone(self._path):
                self._mend()
            faults = outer_faults(self._path) or _inside(self._folder)
        self._found += [
            f"{name} is no part of a library; it was left alone" for name in sorted(islice(self._strangers(), TOLD))
        ]
        return Report(self._found, self._done, not faults)

    def _sweep(self) -> None:
        """Remove what a process left that died while it made or mended a library."""
        for path in [*leftovers(self._folder / f"{FILE_NAME}.new"), self._path.with_name(f"{FILE_NAME}-journal")]:
            if path.exists():
                self._found.append(f"{path.name} was left by a process that died")
                path.unlink()
                self._done.append(f"{path.name} was removed")
        if self._work.exists():
            self._found.append("a repair was cut short")
            shutil.rmtree(self._work)

    def _strangers(self) -> Iterator[str]:
        ours = {LOCK_NAME, TABLES, states.FOLDER, *costs.NAMES, *(path.name for path in leftovers(self._path))}
        for entry in self._folder.iterdir():
            if entry.name not in ours and not entry.name.startswith(f"{FILE_NAME}.damaged-"):
                yield entry.name

    def _mend(self) -> None:
        self._work.mkdir()
        salvaged = salvage(self._path, self._work)
        self._done.append(f"{salvaged.documents} documents were found whole and kept")
        with Writer(self._work) as writer:
            _build_index(writer)
            writer.commit()
            self._done.append("the index was built anew from the documents")
            self._reread(writer, salvaged)
            if salvaged.files_lost:
                self._read_roots(writer, salvaged)
            writer.keep_living_work()
            put(writer, made.builders(made.every(writer.snapshot())), ())
            writer.keep_vectors_of(texts(writer.snapshot()))
            writer.commit()
            states.sweep(self._folder, (document for document, _, _ in writer.snapshot().sources().values()))
        if not salvaged.roots:
            self._found.append("where the files lie is not known any more: add them again, so that what is lost is read again")
        if log.size(self._work / FILE_NAME):
            raise StorageError(f"the mended library cannot be written to {self._work}; nothing was changed")
        (self._work / FILE_NAME).rename(self._folder / MENDED_NAME)
        sync_folder(self._folder)
        self._replace()

    def _reread(self, writer: Writer, salvaged: Salvaged) -> None:
        """Read the files again of which something is lost, as far as they are where they were."""
        places = {path: _place(salvaged, path) for path in salvaged.lost}
        wanted = {path: (salvaged.files[path].root, place) for path, place in places.items() if place and place.is_file()}
        failed = dict(ingest.reread(writer, wanted).failed)
        for path, place in sorted(places.items()):
            lost = salvaged.lost[path]
            if path in wanted and path not in failed:
                self._done.append(f"{path} was read again from {place}")
                continue
            why = failed.get(path) or (f"{place} is not there" if place else "where it lies is not known any more")
            self._found.append(
                f"{path} cannot be read again: {why}" + (f"; {lost} of its documents are lost" if lost > 0 else "")
            )
            if not salvaged.files[path].documents:
                writer.drop_file(path)
        writer.commit()

    def _read_roots(self, writer: Writer, salvaged: Salvaged) -> None:
        """Read all that lies where something was ever added, where it is not known any more which files that was."""
        self._found.append("records of files are lost, and their labels with them")
        here = self._folder.resolve()
        for root, location in sorted(salvaged.roots.items()):
            if not Path(location).exists():
                self._found.append(f"{location} cannot be read again: it is not there")
                continue
            wanted = {}
            for item in find(Path(location), limits=Limits()):
                if isinstance(item, Found) and here not in item.path.parents:
                    relative = "" if Path(location).is_file() else item.relative
                    wanted["/".join(filter(None, (root, relative)))] = (root, item.path)
            failed = ingest.reread(writer, {path: place for path, place in wanted.items() if path not in salvaged.files}).failed
            self._done.append(f"{location} was read again")
            self._found += [f"{path} cannot be read again: {why}" for path, why in failed]

    def _replace(self) -> None:
        """Put the mended file in place and keep the damaged one; may be done again from wherever it was cut short."""
        for number in count(1):
            kept = self._folder / f"{FILE_NAME}.damaged-{number}"
            if not kept.exists() or (self._path.exists() and kept.samefile(self._path)):
                break
        for path in (log.path_of(self._path), self._path):
            if path.exists() and path.stat().st_size:
                name = path.name.replace(FILE_NAME, kept.name)
                _link(path, self._folder / name)
                self._done.append(f"the damaged {path.name} is kept as {name}; delete it once it is of no use")
        for path in leftovers(self._path)[1:]:
            path.unlink(missing_ok=True)
        sync_folder(self._folder)
        (self._folder / MENDED_NAME).rename(self._path)
        sync_folder(self._folder)
        shutil.rmtree(self._work, ignore_errors=True)


def _inside(folder: Path) -> list[str]:
    """Faults inside of a library whose outside is sound, its index included."""
    return inner_faults(folder) or _index_faults(folder)


def _index_faults(folder: Path) -> list[str]:
    """Where the index does not say what the documents say."""
    connection = connect(folder, write=True)
    try:
        with translated(folder / FILE_NAME):
            connection.execute("BEGIN")
            snapshot = Snapshot(connection, folder / FILE_NAME, manifests.read(connection))
            stored = audit.stored(snapshot)
            expected = audit.Ledger(snapshot.manifest.next_document)
            for batch in _batches(snapshot):
                for kind, builder in ingest.builders((one.number, one.document, one.shaped) for one in batch).items():
                    expected.add(kind, builder.arrays())
            for kind, builder in made.builders(made.every(snapshot)).items():
                expected.add(kind, builder.arrays())
            wrong = expected.differing(stored)
            sources = snapshot.sources()
            strays = snapshot.vectors_without(texts(snapshot))
            answers = snapshot.work_without()
            return [
                *[
                    f"the index does not say what is in {sources[n][1] if n in sources else 'a removed document'}"
                    for n in wrong.tolist()
                ],
                *([f"{strays} vectors are of texts that are gone"] if strays else []),
                *([f"{answers} answers of models are of documents that are gone"] if answers else []),
            ]
    except DamagedError as error:
        return [reason(error)]
    finally:
        connection.close()


def _build_index(writer: Writer) -> None:
    """Index all documents of a library that has no index."""
    for batch in _batches(writer.snapshot()):
        put(writer, ingest.builders((one.number, one.document, one.shaped) for one in batch), ())


def _batches(snapshot: Snapshot) -> Iterator[list[Stored]]:
    """All documents in order of number, a bounded number of characters at a time."""
    batch: list[Stored] = []
    characters = 0
    for number in snapshot.sources():
        batch.append(snapshot.at(number))
        characters += len(batch[-1].document.text)
        if characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _place(salvaged: Salvaged, path: str) -> Path | None:
    """Where a file of the library lies on this machine, if that is known."""
    root = salvaged.files[path].root
    if root not in salvaged.roots:
        return None
    return Path(salvaged.roots[root]) / path.removeprefix(root).lstrip("/")


def _not_ours(path: Path) -> str:
    """Why a file that is not as a library of this format should be is none, in words; "" if it is one that is damaged."""
    with Pages(path) as pages:
        head = pages.page(1)
        texts = {value for cell in pages.cells(1) for value in cell.values} if pages.count else set()
    if path.exists() and path.stat().st_size < HEAD:
        return ""  # too short to be anything
    found = dict(rows(path))
    ours = any(isinstance(sql, str) and sql.encode() in texts for *_, sql in expected_schema())
    if not ours and not found and head[68:72] != APPLICATION_ID.to_bytes(4, "big"):
        return f"{path} is not a Grainline library; it was left alone: move it away, or choose another folder"
    version = int.from_bytes(head[60:64], "big")
    if "manifest" in found:
        version = json.loads(found["manifest"][1]).get("format", version)
    if head.startswith(MAGIC) and version != FORMAT:
        return f"{path} has format {version}, this Grainline reads format {FORMAT}; use the release that wrote it"
    return ""


def _told(faults: list[str]) -> list[str]:
    """The faults, cut short where they are many."""
    return [*faults[:TOLD], *([f"and {len(faults) - TOLD} more"] if len(faults) > TOLD else [])]


def _link(path: Path, name: Path) -> None:
    """Give a file a second name, or copy it where files have but one; nothing if it has that name already."""
    if name.exists():
        return
    try:
        os.link(path, name)
    except OSError:
        shutil.copy2(path, name)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from opening the SQLite file at `path`; raises `BusyError` if one has it open.

    Windows has no such locks; there an open file cannot be replaced anyway.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    if not path.exists():
        yield
        return
    with path.open("r+b") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, LOCKS, LOCKS_AT)
        except BlockingIOError:
            raise BusyError(f"{path} is damaged, and open in another process; end that one and try again") from None
        yield
