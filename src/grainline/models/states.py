"""States of language models in the library's folder: what a model knows after it has read a text, so that it need not read it again.

A state is two files, `NAME.state` as the model's runner wrote it and `NAME.json`, its head, which is written last: what is cut short has
no head. The head names the model, the text and the digest of the state, and is sealed with a secret of the user's own, since a runner
trusts what it takes up: a state from a stranger's library could say anything, or end the process. Whatever does not fit is refused with
the reason, and made anew. Each may be deleted at any time; those used least recently go where there are too many.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from grainline.disk import sync_file, sync_folder
from grainline.errors import ModelError, StorageError, UsageError
from grainline.models.cache import cache_folder, sha256
from grainline.types import LLM

#: the folder inside that of the library
FOLDER = "states"
#: how many million bytes of states a library keeps unless `VARIABLE` says another number
MOST, VARIABLE = 2_000, "GRAINLINE_STATES_MB"
MEGABYTE = 1_000_000
FORMAT = 1
HEAD, BODY, FRESH = ".json", ".state", ".new"
SECRET, SECRET_BYTES = "states.key", 32


@runtime_checkable
class Stateful(LLM, Protocol):
    """A language model that goes on from what it has read; `state_identity` changes with whatever makes states of it others, `is_fresh`
    says whether it has read nothing yet."""

    state_identity: str
    context: int
    is_fresh: bool

    def size(self, prompt: str) -> int:
        """The tokens of a prompt with all that is put around it."""
        ...

    def begins(self, text: str) -> list[int]:
        """The tokens that a state of a text has read: every prompt that begins with the text begins with them."""
        ...

    def read(self, tokens: list[int], path: Path) -> None:
        """Read tokens and write the state then to a file, which may be there and empty. Raises `ModelError`."""
        ...

    def resume(self, tokens: list[int], path: Path) -> None:
        """Take up the state that was written after these tokens. Raises `ModelError`."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """What a state is of: a document by its id, the text that was read, the model that read it, the tokens that it read."""

    document: str
    text: str
    model: str
    tokens: Sequence[int]

    def of_text(self) -> str:
        """How the names of all states of this text of this document begin."""
        return f"{_short(self.document)}-{_short(self.text)}-"

    def name(self) -> str:
        """The name of the state, without what its files end with."""
        return f"{self.of_text()}{_short(self.model)}"

    def head(self) -> dict[str, Any]:
        """What its head says of it."""
        return {
            "format": FORMAT,
            "model": self.model,
            "text": _digest(self.text),
            "tokens": len(self.tokens),
            "token_ids": _digest(json.dumps(list(self.tokens))),
        }


class States:
    """The states of the library in a folder."""

    def __init__(self, library: Path, most: int | None = None) -> None:
        """`most` is the number of bytes that are kept; see `VARIABLE`, which raises `UsageError` if it is no number."""
        self._folder = library / FOLDER
        self._most = _most() if most is None else most

    def find(self, key: Key) -> tuple[Path | None, str]:
        """The file of a state, as it was written; None, and why, where there is none or it is refused."""
        head, body = (self._folder / f"{key.name()}{end}" for end in (HEAD, BODY))
        if not head.is_file():
            others = any(self._folder.glob(f"{key.of_text()}*{HEAD}"))
            return None, "the state that is kept is of another model" if others else "no state of it is kept"
        try:
            why = _refused(json.loads(head.read_bytes()), key, body)
        except (OSError, ValueError, RecursionError) as error:
            why = f"the state is damaged: {error}"
        if why:
            return None, why
        with suppress(OSError):  # a library that cannot be written to
            os.utime(head)
        return body, ""

    def put(self, key: Key, write: Callable[[Path], None]) -> str:
        """Keep the state that `write` writes to a file; returns what came of it, in words: a state is no reason that anything fails."""
        fresh = None
        try:
            self._folder.mkdir(exist_ok=True)
            handle, name = tempfile.mkstemp(FRESH, f"{key.name()}.", self._folder)
            os.close(handle)
            write(fresh := Path(name))
            size = fresh.stat().st_size
            if size > self._most:
                return f"not kept: {_megabytes(size)} are more than the {_megabytes(self._most)} of {VARIABLE}"
            self._make_room(size, key.name())
            self._keep(key, fresh)
        except (OSError, ModelError, StorageError) as error:
            return f"not kept: {getattr(error, 'strerror', None) or error}"
        finally:
            if fresh:
                fresh.unlink(missing_ok=True)
        return f"{_megabytes(size)} kept"

    def _keep(self, key: Key, fresh: Path) -> None:
        sync_file(fresh)
        head = {**key.head(), "bytes": fresh.stat().st_size, "sha256": sha256(fresh)}
        said = json.dumps({**head, "seal": _seal(head)}, indent=1)
        fresh.replace(self._folder / f"{key.name()}{BODY}")
        fresh.write_text(said, encoding="utf-8")
        sync_file(fresh)
        fresh.replace(self._folder / f"{key.name()}{HEAD}")
        sync_folder(self._folder)

    def _make_room(self, size: int, name: str) -> None:
        """Delete states, those without a head first and then the ones used least recently, until there is room for one more."""
        bodies = {path.stem: path for path in self._folder.glob(f"*{BODY}") if path.stem != name}
        used = {stem: _used(path.with_suffix(HEAD)) for stem, path in bodies.items()}
        sizes = {stem: path.stat().st_size for stem, path in bodies.items()}
        total = sum(sizes.values())
        for stem in sorted(bodies, key=lambda stem: (used[stem], stem)):
            if total + size <= self._most:
                break
            _delete(bodies[stem])
            total -= sizes[stem]


def kept(library: Path) -> tuple[int, int]:
    """How many states the library in a folder keeps, and their bytes."""
    sizes = [path.stat().st_size for path in (library / FOLDER).glob(f"*{BODY}")]
    return len(sizes), sum(sizes)


def sweep(library: Path, documents: Iterable[str]) -> None:
    """Delete the states of all documents but those with these ids. Raises `OSError`."""
    if (folder := library / FOLDER).is_dir():
        living = {_short(document) for document in documents}
        for path in folder.iterdir():
            if path.name.partition("-")[0] not in living or path.suffix == FRESH:
                path.unlink(missing_ok=True)
        if not any(folder.iterdir()):
            folder.rmdir()


def _refused(head: Any, key: Key, body: Path) -> str:
    """Why a state is not taken up, in words; "" if it is. Raises `OSError`."""
    if not isinstance(head, dict):
        return "the state is damaged: its head is none"
    for name, wanted in key.head().items():
        if head.get(name) != wanted:
            told = {"model": f"of another model, {head.get(name)}", "text": "of another text"}
            return f"the state is {told.get(name, f'another: {name} is {head.get(name)!r}, not {wanted!r}')}"
    seal = head.pop("seal", "")
    if not isinstance(seal, str) or not hmac.compare_digest(seal.encode(), _seal(head).encode()):
        return "the state was not made by this user on this machine"
    if (size := body.stat().st_size) != head["bytes"]:
        return f"the state is damaged: it has {size:,} bytes, not {head['bytes']:,}"
    return "" if sha256(body) == head["sha256"] else "the state is damaged: its bytes are not those that were written"


def _seal(head: dict[str, Any]) -> str:
    return hmac.new(_secret(), json.dumps(head, sort_keys=True).encode(), hashlib.sha256).hexdigest()


def _secret() -> bytes:
    """The user's own secret, made when it is first needed; raises `OSError`."""
    path = cache_folder() / SECRET
    if not path.is_file() or path.stat().st_size != SECRET_BYTES:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(FRESH, f"{SECRET}.", path.parent)
        os.write(handle, secrets.token_bytes(SECRET_BYTES))
        os.close(handle)
        Path(name).replace(path)
    return path.read_bytes()


def _most() -> int:
    said = os.environ.get(VARIABLE, "").strip() or str(MOST)
    if not said.isdecimal():
        raise UsageError(f"{VARIABLE}={said}: should be a whole number of million bytes")
    return int(said) * MEGABYTE


def _used(head: Path) -> int:
    """When a state was used last, in ns; 0 where it has no head."""
    try:
        return head.stat().st_mtime_ns
    except OSError:
        return 0


def _delete(body: Path) -> None:
    for path in (body.with_suffix(HEAD), body):
        path.unlink(missing_ok=True)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _short(text: str) -> str:
    return _digest(text)[:20]
