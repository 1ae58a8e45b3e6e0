"""Adding and removing: find files, read what is new or changed, shape and index it, drop what is gone."""

from __future__ import annotations

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

import grainline.models.states as states
import grainline.readers.files as files
import grainline.tables.derived as derived
from grainline.errors import NotFoundError, UnreadableError, UsageError
from grainline.keys import keys
from grainline.readers import reader_for
from grainline.readers.build import identify, title_of
from grainline.readers.files import Found, find, read_bytes
from grainline.shapes import shape
from grainline.store.work import Work
from grainline.store.writer import File, Writer
from grainline.text import language, terms
from grainline.types import Document, Limits, Shaped

if TYPE_CHECKING:
    from grainline.match.postings import Builder

#: characters of text after which an add commits what it has: a large add that is interrupted keeps what it did
COMMIT_CHARACTERS = 16 << 20
#: how long a change waits for another writer: a question that keeps its vectors is done in milliseconds
WAIT_SECONDS = 3.0

Progress = Callable[[int, int, str], None]


@dataclass
class Summary:
    """What an add did. `files` counts those now in the library under the given paths; `failed` is (file, reason)."""

    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    documents: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def files(self) -> int:
        """Files under the given paths that the library now holds."""
        return self.added + self.changed + self.renamed + self.unchanged


@dataclass(frozen=True)
class Options:
    """How to add: bounds on files, labels for what is new, whether hidden files count, characters between commits."""

    limits: Limits = field(default_factory=Limits)
    labels: tuple[str, ...] = ()
    hidden: bool = False
    commit_characters: int = COMMIT_CHARACTERS


def add(folder: Path, paths: Sequence[str | Path], options: Options, progress: Progress | None = None) -> Summary:
    """Bring the library in `folder` up to date with the files under `paths`.

    A file that cannot be read is named in the summary and leaves what the library held of it. Raises `NotFoundError` for a path
    that does not exist, `UsageError` for none, `BusyError`, `StorageError`, `DamagedError`; then only what was committed stays.
    """
    if not paths:
        raise UsageError("name at least one file or folder to add")
    with Writer(folder, WAIT_SECONDS) as writer:
        return _Add(writer, options, progress or _quiet).run(paths)


def reread(writer: Writer, wanted: Mapping[str, tuple[str, Path]]) -> Summary:
    """Read files of the library again, given by their paths in it with their roots and where they lie, if their digests differ.

    They keep their labels. Raises as `add`.
    """
    return _Add(writer, Options(), _quiet).reread(wanted)


def remove(folder: Path, sources: Sequence[str]) -> int:
    """Remove documents, files and folders by their sources, with all that came of them; returns how many documents went.

    Raises `NotFoundError` naming a source that is not there; then nothing is removed.
    """
    with Writer(folder, WAIT_SECONDS) as writer:
        files = writer.files()
        gone: set[str] = set()
        dropped: set[int] = set()
        for source in sources:
            paths = [path for path in files if path == source or path.startswith(source.rstrip("/") + "/")]
            if not paths:
                dropped.add(_part(writer, source))
            gone.update(paths)
            dropped.update(number for path in paths for number, _, _ in writer.documents_of(path))
        _forget(writer, files, gone, dropped)
        _index(writer, [], sorted(dropped))
        writer.commit()
        _sweep(writer)
    return len(dropped)


def _part(writer: Writer, source: str) -> int:
    """The row number of one of the documents of a file."""
    for number, (_, known, _) in writer.snapshot().sources().items():
        if known == source:
            return number
    raise NotFoundError(f"{source} is not in the library; `grainline status --sources` lists what is")


def _forget(writer: Writer, files: Mapping[str, File], gone: set[str], dropped: set[int]) -> None:
    """Drop the records of files that are gone and of roots without a file; count what is left of files that lose some documents."""
    for path in sorted(gone):
        writer.drop_file(path)
    snapshot = writer.snapshot()
    lost = Counter(snapshot.at(number).file for number in dropped)
    writer.put_files(
        [replace(files[path], documents=files[path].documents - n) for path, n in lost.items() if path not in gone]
    )
    roots = {file.root for path, file in files.items() if path not in gone}
    for root in writer.roots():
        if root not in roots:
            writer.drop_root(root)


def _sweep(writer: Writer) -> None:
    """Delete the tables that were derived from files which are no longer in the library, and what models know of documents that are not."""
    if (writer.folder / derived.FOLDER).is_dir():
        derived.sweep(writer.folder, {file.digest for file in writer.files().values()})
    if (writer.folder / states.FOLDER).is_dir():
        states.sweep(writer.folder, (document for document, _, _ in writer.snapshot().sources().values()))


def _quiet(_done: int, _total: int, _path: str) -> None:
    """No progress is shown."""


class _Add:
    """One run of `add`."""

    def __init__(self, writer: Writer, options: Options, progress: Progress) -> None:
        self._writer = writer
        self._options = options
        self._progress = progress
        self._known = writer.files()
        self._roots = writer.roots()
        self._summary = Summary()
        self._rows: list[tuple[str, Document, Shaped]] = []
        self._files: list[File] = []
        self._dropped: list[int] = []
        #: by the id of a document under its new name or labels the row number that it had
        self._again_of: dict[str, int] = {}
        self._characters = 0
        self._hashes = True

    def run(self, paths: Sequence[str | Path]) -> Summary:
        """Find, read, store; returns what was done."""
        found, kept, roots = self._find(paths)
        self._hashes = any("#" in path for path in (*found, *self._known))
        gone = [path for path in self._known if path not in kept and path not in found and _below(path, roots)]
        vanished = {(self._known[path].digest, PurePosixPath(path).suffix): path for path in sorted(gone, reverse=True)}
        moved: set[str] = set()
        for done, (path, (root, file)) in enumerate(sorted(found.items())):
            self._progress(done, len(found), path)
            self._file(path, root, file, vanished, moved)
            if self._characters >= self._options.commit_characters:
                self._commit()
        for path in gone:
            self._dropped += [number for number, _, _ in self._writer.documents_of(path)]
            self._writer.drop_file(path)
        self._summary.removed = len(gone) - len(moved)
        self._commit()
        _sweep(self._writer)
        self._progress(len(found), len(found), "")
        self._summary.documents = self._writer.manifest.documents
        return self._summary

    def reread(self, wanted: Mapping[str, tuple[str, Path]]) -> Summary:
        """Read the wanted files where they lie; returns what was done."""
        for path, (root, location) in sorted(wanted.items()):
            for item in find(location, limits=self._options.limits):
                if isinstance(item, Found):
                    self._file(path, root, item, {}, set())
                else:
                    self._summary.failed.append((path, item.reason))
            if self._characters >= self._options.commit_characters:
                self._commit()
        self._commit()
        return self._summary

    def _find(self, paths: Sequence[str | Path]) -> tuple[dict[str, tuple[str, Found]], set[str], list[str]]:
        """Files to look at by library path; paths to keep as they are since they cannot be read now; the scanned paths."""
        found: dict[str, tuple[str, Found]] = {}
        kept: set[str] = set()
        scanned = []
        for given in paths:
            location = Path(given)
            if not location.exists():
                raise NotFoundError(f"{given} does not exist; name a file or folder (and put a question in quotes)")
            root, inside = self._root(given, location.resolve())
            base = "/".join(part for part in (root, inside) if part)
            inner = {name: Path(place) for name, place in self._roots.items() if location.resolve() in Path(place).parents}
            scanned += [base, *inner]
            for item in find(location, limits=self._options.limits, hidden=self._options.hidden):
                path = "/".join(part for part in (base, item.relative) if part) if not location.is_file() else base
                if isinstance(item, Found):
                    if self._writer.folder in item.path.parents:
                        continue  # the library itself is no document
                    owner, path = _owner(item.path, inner) or (root, path)
                    found[path] = (owner, item)
                else:
                    kept |= {known for known in self._known if known == path or known.startswith(path + "/")}
                    self._summary.failed.append((path, item.reason))
        return found, kept, scanned

    def _root(self, given: str | Path, location: Path) -> tuple[str, str]:
        """The name of the root that a location lies in and its place below it; a new root is named as it was given."""
        for name, place in self._roots.items():
            if location == Path(place) or Path(place) in location.parents:
                return name, location.relative_to(place).as_posix().removeprefix(".")
        words = [part for part in PurePosixPath(Path(given).as_posix()).parts if part not in (".", "/")]
        plain = words if words and ".." not in words and not Path(given).is_absolute() else [location.name]
        name = "/".join(plain) if words or Path(given).is_absolute() else ""
        number, free = 1, name
        while free in self._roots:
            number += 1
            free = f"{name or location.name}-{number}"
        self._roots[free] = location.as_posix()
        self._writer.put_root(free, location.as_posix())
        return free, ""

    def _file(self, path: str, root: str, file: Found, vanished: dict[tuple[str, str], str], moved: set[str]) -> None:
        known = self._known.get(path)
        labels = tuple(sorted(set(self._options.labels)))
        try:
            limits = self._options.limits
            data = file if files.is_in_place(file, limits) else read_bytes(file, limits)
            digest = files.digest(data)
            if known and known.digest == digest and labels in ((), known.labels):
                self._summary.unchanged += 1
                return
            old = path if known and known.digest == digest else vanished.get((digest, PurePosixPath(path).suffix))
            documents: Iterable[tuple[Document, Shaped]]
            if old == path:
                documents = self._again(path, path, labels)
                self._summary.changed += 1
            elif old and old not in moved and not known:
                labels = labels or self._known[old].labels
                documents = self._again(old, path, labels) or self._read(data, path, labels)
                moved.add(old)
                self._summary.renamed += 1
            else:
                labels = labels or (known.labels if known else ())
                documents = self._read(data, path, labels)
                self._summary.added += not known
                self._summary.changed += bool(known)
        except UnreadableError as error:
            self._summary.failed.append((path, str(error)))
            return
        if known:
            self._dropped += [number for number, _, _ in self._writer.documents_of(path)]
        before = len(self._rows)
        for document, shaped in documents:
            self._rows.append((path, document, shaped))
            self._characters += len(document.text)
        count = len(self._rows) - before
        self._files.append(File(path, root, digest, file.size, file.mtime_ns, count, labels))

    def _read(self, given: bytes | Found, path: str, labels: tuple[str, ...]) -> list[tuple[Document, Shaped]]:
        """The documents in the bytes of a file, or in a file that is to be read in its place."""
        reader = reader_for(path)
        if reader is None:
            raise UnreadableError("no reader for files of this kind")
        made = []
        sources = set()
        limits = self._options.limits
        found = reader.read(given, path, limits) if isinstance(given, bytes) else files.read_in_place(given, path, limits)
        for document in found:
            if document.source in sources:
                raise UnreadableError(f"two documents in it go by {document.source}")
            sources.add(document.source)
            labelled = replace(document, labels=labels, language=document.language or language(document.text))
            made.append((labelled, shape(labelled)))
        self._refuse_clash(path, sources)
        return made

    def _refuse_clash(self, path: str, sources: Iterable[str]) -> None:
        """Raise `UnreadableError` if a document of another file goes by one of these names: only a "#" in a file's name can do that."""
        if not self._hashes:
            return
        pending = {document.source: file for file, document, _ in self._rows}
        for source in sources:
            held = self._writer.execute("SELECT number, file FROM documents WHERE source=?", (source,))
            other = pending.get(source) or next((file for number, file in held if number not in self._dropped), path)
            if other != path:
                raise UnreadableError(f"a document of {other} goes by {source} already")

    def _again(self, old: str, new: str, labels: tuple[str, ...]) -> list[tuple[Document, Shaped]]:
        """The documents of a file under its new path and labels, without reading it again; none if only reading tells their titles."""
        snapshot = self._writer.snapshot()
        made = []
        for number, _, _ in self._writer.documents_of(old):
            document = snapshot.at(number).document
            source = new + document.source.removeprefix(old)
            if (named := _names(old, document.source)) != _names(new, source) and _bears(document, named):
                return []  # it may be named after its file, or bear that name of itself
            moved = replace(document, id=identify(source, document.title, document.text), source=source, labels=labels)
            made.append((moved, shape(moved)))
            self._again_of[moved.id] = number
        self._refuse_clash(new, [document.source for document, _ in made])
        return made

    def _commit(self) -> None:
        if self._rows or self._dropped:
            _index(self._writer, self._rows, self._dropped, self._again_of)
        self._writer.put_files(self._files)
        self._writer.commit()
        self._rows, self._files, self._dropped, self._again_of, self._characters = [], [], [], {}, 0


def _index(
    writer: Writer,
    rows: Sequence[tuple[str, Document, Shaped]],
    dropped: Sequence[int],
    again_of: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Drop documents, store new ones, and change the lexical index with them, in the writer's transaction. `again_of` tells, by id, which
    row number a document had that is stored anew: what a model made from it follows."""
    from grainline.match import made
    from grainline.match.index import put

    works = writer.work_of(again_of.values())
    writer.drop_documents(dropped)
    stored = [(number, *row[1:]) for number, row in zip(writer.put_documents(rows), rows, strict=True)]
    now = {again_of[document.id]: number for number, document, _ in stored if document.id in again_of}
    following = {key: _of(work, now) for key, work in works.items() if now.keys() >= set(work.documents).intersection(dropped)}
    found = made.moved(following.values(), {number: shaped for number, _, shaped in stored})
    writer.put_work({key: work for key, work in following.items() if work.kind != made.KIND})
    writer.put_work({one.key: one.work() for one in found})
    put(writer, {**builders(stored), **made.builders(found)}, dropped)


def _of(work: Work, now: Mapping[int, int]) -> Work:
    """Work as that of documents by the row numbers that they have now."""
    return replace(work, documents=tuple(sorted(now.get(number, number) for number in work.documents)))


def builders(documents: Iterable[tuple[int, Document, Shaped]]) -> dict[str, Builder]:
    """The keys, names and phrases of documents, given with their row numbers, by kind, ready for the index."""
    from grainline.graph.entries import entries
    from grainline.match.postings import Builder, text_hash

    made: defaultdict[str, Builder] = defaultdict(Builder)
    for number, document, shaped in documents:
        places = {node.id: place for place, node in enumerate(shaped.nodes)}
        for key in keys(document, shaped):
            made[key.kind].add(number, places[key.node_id], terms(key.text), text_hash(key.text))
        for kind, place, numbers in entries(document, shaped):
            made[kind].add(number, place, numbers, 0)
    return dict(made)


def _owner(place: Path, roots: Mapping[str, Path]) -> tuple[str, str] | None:
    """The root among `roots` that a file was added under before, and its path there; None if it was under none of them."""
    for name, root in roots.items():
        if place == root or root in place.parents:
            inside = place.relative_to(root).as_posix().removeprefix(".")
            return name, unicodedata.normalize("NFC", "/".join(part for part in (name, inside) if part))
    return None


def _below(path: str, roots: Sequence[str]) -> bool:
    return any(not root or path == root or path.startswith(root + "/") for root in roots)


def _names(*sources: str) -> set[str]:
    """What a reader may have called something after these sources."""
    return {" ".join(title_of(source).split()) for source in sources}


def _bears(document: Document, names: set[str]) -> bool:
    return document.title in names or any(part.name in names for part in document.parts)
