"""A process killed, or refused by the disk, at every single system call by which it changes a library."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grainline
from grainline import ingest
from grainline.bench.durability.common import Result, change_sample, lines_of, write_sample
from grainline.bench.durability.injected import NAMES, SYNCS, WRITES, Ending, Runner, points
from grainline.doctor import examine
from grainline.errors import DamagedError, GrainlineError
from grainline.store.database import FILE_NAME

#: what a full disk and a failing one answer
ERRORS = ("ENOSPC", "EIO")
#: what is removed, and the text in the library whose first byte is changed before the doctor is called
REMOVED = ("docs/new.md", "docs/guide.md")
DAMAGED = "自公布之日起"
#: what the doctor says of a file that a killed process leaves, which is no fault
LEFT = "was left by a process that died"


@dataclass(frozen=True)
class Change:
    """A command that changes the library in `folder`, which holds a copy of `start` (None: nothing) before it; its states are `before` and
    `after`. With `mends` it is the doctor, and every state is right from which the doctor gets to `after`."""

    name: str
    arguments: list[str]
    folder: Path
    start: Path | None
    before: list[str]
    after: list[str]
    mends: bool = False

    def set_up(self) -> None:
        """Put the library into the state before."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.start:
            shutil.copytree(self.start, self.folder)


@dataclass
class Tally:
    """Points tried, what was lost or torn at them, in words, and how the runs ended."""

    points: int = 0
    lost: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    endings: Counter[str] = field(default_factory=Counter)


def run_crash(work: Path, every: int = 1) -> Result:
    """Kill the process at each of its writes, syncs, renames and removals (or at one in `every`), and look what is left."""
    runner, tally = Runner(work), Tally()
    kinds = (*WRITES, *SYNCS, *NAMES)
    tried: Counter[str] = Counter()
    for change in changes(work):
        change.set_up()
        for call, place in list(points(runner.calls(change.folder, change.arguments, kinds)))[::every]:
            change.set_up()
            options = ["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={place}"]
            ending = runner.run(change.folder, change.arguments, options)
            tried[change.name] += 1
            _look(change, f"{change.name}, {call} {place}", ending, tally)
    figures = {"points": tally.points, "lost": len(tally.lost), "torn": len(tally.torn), **tried}
    told = f"{tally.points} crash points, {len(tally.lost)} lost, {len(tally.torn)} torn"
    return Result("crash", figures, told, [*tally.lost, *tally.torn])


def run_full(work: Path, every: int = 1) -> Result:
    """Let each write, sync and renaming (or one in `every`) fail as on a full and on a broken disk, and look what is left."""
    runner, tally = Runner(work), Tally()
    for change in changes(work):
        change.set_up()
        calls = runner.calls(change.folder, change.arguments, (*WRITES, *SYNCS, *NAMES))
        for error in ERRORS:
            for call, place in list(points(calls))[::every]:
                change.set_up()
                options = ["-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={place}"]
                ending = runner.run(change.folder, change.arguments, options)
                where = f"{change.name}, {error} at {call} {place}"
                if ending.said not in ("exit 0", "exit 1") or (ending.said == "exit 1") != ending.printed.startswith("Error: "):
                    tally.torn.append(f"{where}: it ended with {ending.said or 'nothing'}: {ending.printed}")
                tally.endings["went on" if ending.said == "exit 0" else "error message"] += 1
                _look(change, where, ending, tally)
    figures = {"points": tally.points, "lost": len(tally.lost), "torn": len(tally.torn), **tally.endings}
    endings = ", ".join(f"{number} {what}" for what, number in sorted(tally.endings.items()))
    told = f"{tally.points} failing calls ({endings}), {len(tally.lost)} lost, {len(tally.torn)} torn"
    return Result("full", figures, told, [*tally.lost, *tally.torn])


def changes(work: Path) -> Iterator[Change]:
    """An add to no library, an add of changed files, a removal, a repair; each is to be run before the next one is asked for."""
    sources, folder = work / "docs", work / "library"
    target = ["--library", str(folder)]
    write_sample(sources)
    added = _state(work, "added", None, lambda: _add(folder, sources))
    yield Change("add", ["add", str(sources), *target], folder, None, [], added)
    change_sample(sources)
    changed = _state(work, "changed", "added", lambda: _add(folder, sources))
    yield Change("change", ["add", str(sources), *target], folder, work / "added", added, changed)
    removed = _state(work, "removed", "changed", lambda: ingest.remove(folder, REMOVED))
    yield Change("remove", ["remove", *REMOVED, *target], folder, work / "changed", changed, removed)
    damaged = work / "damaged"
    shutil.copytree(work / "changed", damaged)
    data = bytearray((damaged / FILE_NAME).read_bytes())
    data[data.index(DAMAGED.encode("utf-8"))] ^= 0xFF
    (damaged / FILE_NAME).write_bytes(data)
    yield Change("doctor", ["doctor", *target], folder, damaged, [], changed, mends=True)


def _state(work: Path, name: str, start: str | None, make: Callable[[], object]) -> list[str]:
    """Keep the library that `make` makes of the kept one `start` under `name`; returns what it holds."""
    folder = work / "library"
    shutil.rmtree(folder, ignore_errors=True)
    if start:
        shutil.copytree(work / start, folder)
    make()
    held = lines_of(folder)
    shutil.copytree(folder, work / name)
    return held


def _add(folder: Path, sources: Path) -> None:
    with grainline.open(folder) as library:
        library.add([sources])


def _look(change: Change, where: str, ending: Ending, tally: Tally) -> None:
    """Note what became of the library; one that a command said to have changed must be changed, one that it failed on must not."""
    tally.points += 1
    done, failed = ending.said == "exit 0", ending.said == "exit 1"
    try:
        if change.mends:
            _look_at_mended(change, done)
        else:
            _look_at_changed(change, done, failed)
    except Lost as error:
        tally.lost.append(f"{where}: {error}")
    except (Torn, GrainlineError) as error:
        tally.torn.append(f"{where}: {error}")


class Lost(Exception):
    """Something acknowledged is not there."""


class Torn(Exception):
    """A state that should not be."""


def _look_at_changed(change: Change, done: bool, failed: bool) -> None:
    held = lines_of(change.folder)
    if done and held != change.after:
        raise Lost("the command ended well, its change is not there")
    if failed and held != change.before:
        raise Torn("the command failed, yet something has changed")
    if held not in (change.before, change.after):
        raise Torn("neither the state before nor the one after")
    if (change.folder / FILE_NAME).exists():
        report = examine(change.folder)
        if not report.sound or not all(LEFT in what for what in report.found) or lines_of(change.folder) != held:
            raise Torn(f"the doctor found {report}")
    if change.name == "remove":
        if held == change.before:
            ingest.remove(change.folder, REMOVED)
    else:
        _add(change.folder, change.folder.parent / "docs")
    if lines_of(change.folder) != change.after:
        raise Torn("the same command again does not get there")


def _look_at_mended(change: Change, done: bool) -> None:
    try:
        held = lines_of(change.folder)
    except DamagedError:
        held = None
    if held != change.after and (done or held is not None):
        raise Lost("a library that is not as it was is taken for sound")
    report, again = examine(change.folder), examine(change.folder)
    if not report.sound or again.found:
        raise Torn(f"the doctor found {report}, then {again}")
    if lines_of(change.folder) != change.after:
        raise Lost("the doctor does not get everything back")
