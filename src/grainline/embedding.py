"""Which encoder a library is asked with, keeping what it made for a question, and embedding all of a library at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from grainline.errors import BusyError, DamagedError, StorageError, UsageError
from grainline.store.manifest import EMBEDDED
from grainline.types import Embedder

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from grainline.match.vector import Unit
    from grainline.store.snapshot import Snapshot
    from grainline.store.work import Work

    class Library(Protocol):
        """What is needed of a library."""

        folder: Path

        def snapshot(self) -> AbstractContextManager[Snapshot]:
            """One consistent state."""
            ...


DEFAULT = "e5"
VARIABLE = "GRAINLINE_EMBEDDER"
#: the setting of a library that holds the spec of the encoder it was embedded with
SPEC = "embedder"
#: units embedded between two commits: some seconds' work, which is what an interrupted run loses
AT_ONCE = 256
#: how long a batch of vectors waits for another writer
WAIT_SECONDS = 60.0
#: how long a mark does
MARKING_SECONDS = 3.0

Progress = Callable[[int, int, str], None]


def embedder(given: str | Embedder | None, settings: Mapping[str, str]) -> Embedder:
    """The given encoder, else that of `$GRAINLINE_EMBEDDER`, else the one that the library was embedded with, else the default.

    A library may come from a stranger: an address or a file that only it names is not used. Raises `UsageError` then, and as
    `models.registry.make`.
    """
    from grainline.models.registry import is_bundled, shared

    if given is not None and not isinstance(given, str):
        return given
    named = given or os.environ.get(VARIABLE, "")
    spec = named or settings.get(SPEC, DEFAULT)
    if not named and not is_bundled(spec):
        raise UsageError(f"this library was embedded with {spec}; if you trust that, say --embedder {spec!r} or set {VARIABLE}")
    return shared(spec)


def keep(folder: Path, snapshot: Snapshot) -> None:
    """Write down the vectors, and what a model made, while a state was asked, if it is still the library's and nobody else is writing; it
    is a cache, so what cannot be kept is made again another time."""
    from grainline.store.writer import Writer

    try:
        with Writer(folder) as writer:
            if writer.manifest.sequence == snapshot.manifest.sequence:
                for identity, vectors in snapshot.fresh.items():
                    writer.put_vectors(identity, vectors)
                if snapshot.made:
                    writer.put_work(snapshot.made)
                writer.keep()
    except (BusyError, StorageError, DamagedError):
        return
    snapshot.fresh.clear()
    snapshot.made.clear()


def mark(folder: Path, key: int, work: Work | None) -> None:
    """Write down a mark under its key; None takes the one there back. Raises `BusyError`, `StorageError`, `DamagedError`."""
    from grainline.store.writer import Writer

    with Writer(folder, MARKING_SECONDS) as writer:
        if work is None:
            writer.drop_work([key])
        else:
            writer.put_work({key: work})
        writer.commit()


def embed(library: Library, given: str | Embedder | None, progress: Progress | None = None) -> int:
    """Embed every unit of every text of a library that has no vector of this encoder; returns how many that were.

    What is done is kept batch by batch, so an interrupted run goes on where it stopped, and files may be added meanwhile. At the end the
    vectors of other encoders are dropped. Raises `BusyError`, `StorageError`, `DamagedError`, `ModelError`, and as `embedder`.
    """
    from grainline.match.vector import Vectors

    done, sequence = 0, -1
    numbers: list[int] = []
    pending: list[Unit] = []
    while True:
        with library.snapshot() as state:
            model = state.embedder()
            if state.manifest.sequence != sequence:
                sequence, numbers, pending = state.manifest.sequence, list(state.sources()), []
            total = len(state.sources())
            vectors = Vectors(state, model)
            while numbers and len(pending) < AT_ONCE:
                pending += vectors.missing(_units(state, numbers.pop()))
            batch, pending = pending[:AT_ONCE], pending[AT_ONCE:]
            vectors.fill(batch)
            done += vectors.embedded
        if progress:
            progress(total - len(numbers), total, f"{done:,} texts")
        if not batch and _finish(library.folder, state, model, given):
            return done


def _units(state: Snapshot, number: int) -> list[Unit]:
    """All units of all texts of a document."""
    from grainline.keys import keys, units
    from grainline.match.postings import text_hash
    from grainline.match.vector import Unit

    stored = state.at(number)
    texts = [key.text for key in keys(stored.document, stored.shaped) if key.kind == "text"]
    return [Unit(text_hash(text), place, said) for text in texts for place, said in enumerate(units(text))]


def _finish(folder: Path, state: Snapshot, model: Embedder, given: str | Embedder | None) -> bool:
    """Write down that a state was embedded as a whole; False if it is not the library's any more."""
    from grainline.match.vector import identity
    from grainline.store.writer import Writer

    with Writer(folder, WAIT_SECONDS) as writer:
        if writer.manifest.sequence != state.manifest.sequence:
            return False
        for name, vectors in state.fresh.items():  # where another one was writing after each batch
            writer.put_vectors(name, vectors)
        spec = given or os.environ.get(VARIABLE) or writer.manifest.settings.get(SPEC, DEFAULT)
        settings = {**writer.manifest.settings, EMBEDDED: identity(model), **({SPEC: spec} if isinstance(spec, str) else {})}
        if settings != writer.manifest.settings:
            writer.begin()
            writer.drop_encoders(identity(model))
            writer.manifest = writer.manifest.replaced(settings=settings)
            writer.commit()
        else:
            writer.keep()
    state.fresh.clear()
    return True
