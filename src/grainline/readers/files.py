"""Which files a path given by a person means, and reading one of them safely.

Nothing in a folder is configuration: of what lies there only .gitignore and .ignore files (and .git/info/exclude) have a say,
and all that they can do is leave something out. Whoever made the folder is not trusted: links never lead out of it, and
pipes, devices and endless files are never read.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from grainline.errors import LimitError, NotFoundError, UnreadableError
from grainline.readers import IN_PLACE, claims, reader_for
from grainline.readers.gitignore import Rule, Scope, parse
from grainline.types import Document, Limits

IGNORE_FILES = (".gitignore", ".ignore")  # the later goes before the earlier
IGNORE_BYTES = 256 << 10  #: of one ignore file; the largest that people write are a tenth of it
NEVER = frozenset((".git", ".hg", ".svn", ".jj", ".grainline"))  #: nobody's documents, whether hidden files are wanted or not
CHUNK = 1 << 20
SPECIAL = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a symbolic link",
}
NOT_UTF8 = "its name is not valid UTF-8"
OUTSIDE = "a symbolic link that leads out of the folder"
TWICE = "another file here has the same name in other code points"


@dataclass(frozen=True, slots=True)
class Found:
    """A file to read.

    `relative` is its place below the root with "/" between names, composed (NFC); `path` is absolute, goes through no link, and
    keeps the name as it is on the disk. `size` (bytes) and `mtime_ns` are those of the moment it was found.
    """

    path: Path
    relative: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or folder that was meant but cannot be had, with a reason for a person."""

    relative: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Place:
    """A file or folder to look at; `scope` is what the folders above it leave out."""

    path: Path
    relative: str  # "" for the root
    scope: Scope | None

    @property
    def inside(self) -> str:
        """What the relative names of its content start with."""
        return f"{self.relative}/" if self.relative else ""


class InPlace(Protocol):
    """A reader of files that are too large to be read whole."""

    def read_in_place(self, path: Path, source: str, limits: Limits) -> Iterator[Document]:
        """Yield the documents of the file, with as much text as a large one needs; raises `UnreadableError`, `OSError`."""
        ...


def find(root: Path, *, limits: Limits, hidden: bool = False, follow: bool = False) -> Iterator[Found | Skipped]:
    """Yield the files that `root`, a file or a folder, stands for, sorted by name, folder by folder.

    Left out without a word: hidden files unless `hidden`, what ignore files leave out, and files that no reader claims. A root
    that is itself a file is taken even if hidden or ignored, and is `Skipped` if no reader claims it. Links that lead out of
    the root are `Skipped`. Links inside are left alone, or with `follow` taken as what they point to unless that was found in
    its own place, so that every file comes once. Raises `NotFoundError` if there is no such root.
    """
    try:
        path = Path(os.path.realpath(root, strict=True))
        info = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(f"no such file or folder: {_shown(str(root))}") from None
    except (OSError, ValueError) as error:
        yield Skipped(_shown(str(root)), reason_for(error))
        return
    if stat.S_ISDIR(info.st_mode):
        found = _Walk(path, limits, hidden, follow).run()
        yield from sorted(found, key=lambda item: item.relative.split("/")) if follow else found
    elif stat.S_ISREG(info.st_mode) and not claims(root.name):
        yield Skipped(_shown(root.name), "no reader knows this kind of file")
    else:
        yield _file(_Place(path, _composed(root.name), None), info, limits)


def read_bytes(found: Found, limits: Limits) -> bytes:
    """The bytes of a file, whatever has become of it since it was found.

    Raises `LimitError` if it has more than `limits.file_bytes`, `UnreadableError` if it is gone, forbidden, no longer a regular
    file, or fails while it is read.
    """
    with _readable():
        return _read(found.path, limits.file_bytes)


def digest(data: bytes | Found) -> str:
    """What tells whether a file changed: 32 hexadecimal digits, from its bytes or, too large for that, read piece by piece.

    Raises `UnreadableError` as `read_bytes`.
    """
    made = hashlib.blake2b(digest_size=16)
    if isinstance(data, bytes):
        made.update(data)
        return made.hexdigest()
    with _readable(), _opened(data.path) as handle:
        while chunk := os.read(handle, CHUNK):
            made.update(chunk)
    return made.hexdigest()


def is_in_place(found: Found, limits: Limits) -> bool:
    """Whether a file is to be read where it lies, since it is too large to be read whole and its reader can."""
    return found.size > limits.file_bytes and claims(found.relative) in IN_PLACE


def read_in_place(found: Found, source: str, limits: Limits) -> Iterator[Document]:
    """The documents of a file for which `is_in_place` holds; raises `UnreadableError`, also if it changes meanwhile."""
    with _readable():
        yield from cast(InPlace, reader_for(found.relative)).read_in_place(found.path, source, limits)
        info = found.path.lstat()
        if (info.st_size, info.st_mtime_ns) != (found.size, found.mtime_ns):
            raise UnreadableError("it changed while it was read")


@contextmanager
def _readable() -> Iterator[None]:
    """Turn what the system has against reading a file into `UnreadableError`."""
    try:
        yield
    except FileNotFoundError:
        raise UnreadableError("gone since it was found") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(reason_for(error)) from None


def reason_for(error: OSError | ValueError) -> str:
    """What the operating system refused, in words for a person."""
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "a symbolic link where a file should be, or links in a circle"
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A regular file that is no link, open for reading; raises `OSError`, `UnreadableError`."""
    flags = os.O_RDONLY
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"):  # each where the system has it
        flags |= getattr(os, name, 0)
    handle = os.open(path, flags)
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise UnreadableError(_special(info))
        yield handle
    finally:
        os.close(handle)


def _read(path: Path, limit: int) -> bytes:
    with _opened(path) as handle:
        if (size := os.fstat(handle).st_size) > limit:
            raise LimitError("file_bytes", size, limit)
        chunks, left = [], limit + 1
        while left and (chunk := os.read(handle, min(left, CHUNK))):
            chunks.append(chunk)
            left -= len(chunk)
    if not left:  # it grew meanwhile, or its size is a lie as in /proc
        raise LimitError("file_bytes", limit + 1, limit)
    return b"".join(chunks)


def _file(place: _Place, info: os.stat_result, limits: Limits) -> Found | Skipped:
    if not _is_text(place.relative):
        return Skipped(_shown(place.relative), NOT_UTF8)
    if not stat.S_ISREG(info.st_mode):
        return Skipped(place.relative, _special(info))
    if not os.access(place.path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
        return Skipped(place.relative, "permission denied")
    found = Found(place.path, place.relative, info.st_size, info.st_mtime_ns)
    if info.st_size > limits.file_bytes and not is_in_place(found, limits):
        return Skipped(place.relative, str(LimitError("file_bytes", info.st_size, limits.file_bytes)))
    return found


def _special(info: os.stat_result) -> str:
    return f"{SPECIAL.get(stat.S_IFMT(info.st_mode), 'something else')}, not a file"


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _shown(name: str) -> str:
    r"""A name for a message, bytes that are not text as "\xff"."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _is_hidden(name: str, info: os.stat_result) -> bool:
    attributes = getattr(info, "st_file_attributes", 0)  # Windows
    return name.startswith(".") or bool(attributes & stat.FILE_ATTRIBUTE_HIDDEN)


def _is_link(info: os.stat_result) -> bool:
    junction = getattr(info, "st_reparse_tag", 0) == 0xA0000003  # Windows: IO_REPARSE_TAG_MOUNT_POINT
    return stat.S_ISLNK(info.st_mode) or junction


class _Walk:
    """One pass over a folder; no recursion, so that deep nesting costs no stack."""

    def __init__(self, root: Path, limits: Limits, hidden: bool, follow: bool) -> None:
        self._root = root
        self._limits = limits
        self._hidden = hidden
        self._follow = follow
        self._top = ""  # the root as seen from the top of its repository, which is where the rules' paths start
        self._links: list[_Place] = []  # those that lead to places inside; for after the walk
        self._taken: set[Path] = set()  # what was found or opened; kept only where links are followed

    def run(self) -> Iterator[Found | Skipped]:
        """Everything, links last."""
        scope, skipped = self._scope_above()
        yield from skipped
        yield from self._below(_Place(self._root, "", scope))
        for link in self._links:  # grows while linked folders are walked
            if link.path in self._taken:
                continue
            try:
                info = link.path.lstat()
            except OSError as error:
                yield Skipped(_shown(link.relative), reason_for(error))
                continue
            if stat.S_ISDIR(info.st_mode):
                yield from self._below(link)
            else:
                self._taken.add(link.path)
                yield _file(link, info, self._limits)

    def _below(self, start: _Place) -> Iterator[Found | Skipped]:
        stack = [self._open(start)]
        while stack:
            for item in stack[-1]:
                if isinstance(item, _Place):
                    stack.append(self._open(item))
                    break
                yield item
            else:
                stack.pop()

    def _open(self, folder: _Place) -> Iterator[Found | Skipped | _Place]:
        """What lies in the folder, sorted, folders as places to open next."""
        if self._follow:
            if folder.path in self._taken:
                return
            self._taken.add(folder.path)
        try:
            with os.scandir(folder.path) as entries:
                # a composed name goes before another spelling of the same name
                listed = sorted((_composed(entry.name), _composed(entry.name) != entry.name, entry.name) for entry in entries)
        except FileNotFoundError:
            return
        except OSError as error:
            yield Skipped(folder.relative or ".", reason_for(error))
            return
        scope, skipped = self._scope(folder, [name for name, _, _ in listed])
        before = ""
        for name, _, spelled in listed:
            item = skipped.get(name) or self._entry(_Place(folder.path / spelled, folder.inside + name, scope), name)
            if item and name == before:
                item = Skipped(item.relative, TWICE)
            if item:
                yield item
            before = name

    def _entry(self, place: _Place, name: str) -> Found | Skipped | _Place | None:
        try:
            info = place.path.lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return Skipped(_shown(place.relative), reason_for(error))
        is_folder = stat.S_ISDIR(info.st_mode) and not _is_link(info)
        if name in NEVER or (not self._hidden and _is_hidden(name, info)):
            return None
        if place.scope and place.scope.leaves_out(self._top + place.relative, is_folder):
            return None
        if _is_link(info):
            return self._link(place, name)
        if is_folder:
            return place if _is_text(name) else Skipped(_shown(place.relative), NOT_UTF8)
        if not claims(name) or place.path in self._taken:
            return None
        if self._follow:
            self._taken.add(place.path)
        return _file(place, info, self._limits)

    def _link(self, place: _Place, name: str) -> Skipped | None:
        """Notes a link to a place inside; any other is `Skipped`, if it matters."""
        try:
            target = Path(os.path.realpath(place.path, strict=True))
            matters = bool(claims(name)) or target.is_dir()
        except OSError as error:
            reason = "a symbolic link to nothing" if isinstance(error, FileNotFoundError) else reason_for(error)
            return Skipped(_shown(place.relative), reason) if claims(name) else None
        if not matters:
            return None
        if not target.is_relative_to(self._root):
            return Skipped(_shown(place.relative), OUTSIDE)
        names = target.relative_to(self._root).parts
        secret = NEVER.intersection(names) or (not self._hidden and any(part.startswith(".") for part in names))
        if self._follow and not secret:
            self._links.append(_Place(target, place.relative, place.scope))
        return None

    def _scope(self, folder: _Place, names: list[str]) -> tuple[Scope | None, dict[str, Skipped]]:
        """What is left out in a folder with these names in it, and the ignore files that could not be read."""
        rules: list[Rule] = []
        skipped = {}
        for name in IGNORE_FILES:
            if name in names:
                try:
                    rules.extend(parse(_rules_text(folder.path / name)))
                except UnreadableError as error:
                    skipped[name] = Skipped(folder.inside + name, f"{error}; its rules are not applied")
        return (Scope(self._top + folder.inside, tuple(rules), folder.scope) if rules else folder.scope), skipped

    def _scope_above(self) -> tuple[Scope | None, list[Skipped]]:
        """What the folders above the root leave out, up to the top of its git repository."""
        top = next((folder for folder in (self._root, *self._root.parents) if os.path.lexists(folder / ".git")), None)
        if not top:
            return None, []
        problems: list[Skipped] = []
        scope: Scope | None = None
        try:
            scope = Scope("", parse(_rules_text(top / ".git" / "info" / "exclude")))
        except UnreadableError as error:
            problems.append(Skipped(".git/info/exclude", f"{error}; its rules are not applied"))
        names = self._root.relative_to(top).parts
        for depth in range(len(names)):
            here = _Place(top.joinpath(*names[:depth]), "/".join(map(_composed, names[:depth])), scope)
            scope, skipped = self._scope(here, list(IGNORE_FILES))
            problems.extend(Skipped("../" * (len(names) - depth) + name, each.reason) for name, each in skipped.items())
            if scope and scope.leaves_out(here.inside + _composed(names[depth]), True):
                return None, problems  # a root named by a person is wanted, so what says otherwise does not count
        self._top = "".join(f"{_composed(name)}/" for name in names)
        return scope, problems


def _rules_text(path: Path) -> str:
    """The text of an ignore file, "" if there is none; raises `UnreadableError`."""
    try:
        return _read(path, IGNORE_BYTES).decode("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except LimitError:
        raise UnreadableError(f"an ignore file of more than {IGNORE_BYTES:,} bytes") from None
    except OSError as error:
        raise UnreadableError(reason_for(error)) from None
