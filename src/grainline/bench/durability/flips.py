"""Damage: single bytes changed and files cut short, in a fresh copy of a library each time."""

from __future__ import annotations

import random
import shutil
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grainline
from grainline import costs, ingest
from grainline.bench.durability.common import Result, answers, asking, change_sample, small_corpus, write_sample
from grainline.bench.durability.space import used_bytes
from grainline.doctor import examine
from grainline.errors import DamagedError, GrainlineError
from grainline.store import database, log
from grainline.store.writer import Writer

SEED = 20240
CORPUS_BYTES = 300_000
#: a truncation for so many flips
FLIPS_A_CUT = 5
#: what every report of damage ends with, and the file that is changed before an add to a damaged library
ADVICE, CHANGED = "run `grainline doctor`", "sample/guide.md"
#: one flip in so many hits a library whose last change is still in the log, as a killed process leaves it
ONE_HOT_IN = 5


@dataclass(frozen=True)
class Sound:
    """A sound library: its folder and that of its files, what it answers, what it would answer without the last change (that in its log)
    and after the next one, and which bytes of its files are in use."""

    name: str
    folder: Path
    sources: Path
    answers: list[str]
    earlier: list[str]
    changed: list[str]
    used: dict[str, bytearray]

    @property
    def files(self) -> list[str]:
        """Its files that hold a byte at least."""
        return [name for name, used in self.used.items() if used]


def run_flips(corpus: Path, work: Path, rounds: int = 1000, size: int = CORPUS_BYTES) -> Result:
    """Flip `rounds` bytes of a library of files of `size` bytes, cut files short, and look what is answered and what the doctor does."""
    draw = random.Random(SEED)
    settled, hot = make_sound(corpus, work, size)
    outcomes: dict[str, Counter[str]] = {"flips": Counter(), "cuts": Counter(), "log cuts": Counter()}
    failures: list[str] = []
    for kind, number in (("flips", rounds), ("cuts", rounds // FLIPS_A_CUT), ("log cuts", rounds // FLIPS_A_CUT // 4)):
        for turn in range(number):
            sound = hot if kind == "log cuts" or (kind == "flips" and turn % ONE_HOT_IN == 0) else settled
            name = f"{database.FILE_NAME}-wal" if kind == "log cuts" else _choose(draw, sound)
            at = draw.randrange(len(sound.used[name]))
            flip = draw.randrange(1, 256) if kind == "flips" else 0
            found = one(sound, work / "copies", name, at, flip)
            outcomes[kind].update(what.partition(" (")[0] for what in found)
            failures += [f"{sound.name} {name} at {at}, {flip or 'cut'}: {what}" for what in found if "WRONG" in what]
    figures = {kind: dict(sorted(counts.items())) for kind, counts in outcomes.items()}
    return Result("flips", figures, _told(outcomes, failures), failures)


def one(sound: Sound, work: Path, name: str, at: int, flip: int) -> list[str]:
    """Damage a copy at one place (with `flip` 0: cut it there); what came of reading it, of adding to it, and of mending it."""
    shutil.rmtree(work, ignore_errors=True)
    copies = [work / what for what in ("read", "added", "mended")]  # each of them may take in the log
    for copy in copies:
        shutil.copytree(sound.folder, copy)
        data = bytearray((copy / name).read_bytes())
        if flip:
            data[at] ^= flip
        else:
            del data[at:]
        (copy / name).write_bytes(data)
    is_cut_log = name.endswith("-wal") and not flip
    is_used = bool(sound.used[name][at]) or not flip
    outcomes = [*_guarded("reading", _reading(sound, copies[0], is_cut_log=is_cut_log))]
    if not is_cut_log:
        outcomes += _guarded("adding", _adding(sound, copies[1]))
    return [*outcomes, *_guarded("doctor", _mending(sound, copies[2], is_used=is_used, is_cut_log=is_cut_log))]


def _guarded(what: str, outcomes: Iterator[str]) -> Iterator[str]:
    """The outcomes; an error that is none of ours is the outcome that is looked for here."""
    try:
        yield from outcomes
    except GrainlineError as error:
        yield f"{what}: WRONG error ({type(error).__name__}: {error})"
    except Exception:
        traceback.print_exc()
        yield f"{what}: WRONG, a traceback"


def _reading(sound: Sound, copy: Path, *, is_cut_log: bool) -> Iterator[str]:
    """Every question by itself: one that meets no damage must be answered rightly, though another one cannot be."""
    given: list[str | None] = []
    try:
        with grainline.open(copy, create=False) as library:
            given += [_named(ask) for ask in asking(library)]
    except DamagedError as error:
        given = [None]
        if ADVICE not in str(error):
            yield "reading: WRONG error"
    wrong = [answer for answer, right in zip(given, sound.answers, strict=False) if answer not in (right, None)]
    if is_cut_log and given == sound.earlier:
        yield "answers before the last change"
    elif wrong:
        yield "WRONG answers"
    else:
        yield "named error" if None in given else "same answers"


def _named(ask: Callable[[], str]) -> str | None:
    """The answer, or None if the library is reported to be damaged."""
    try:
        return ask()
    except DamagedError as error:
        if ADVICE not in str(error):
            raise
        return None


def _adding(sound: Sound, copy: Path) -> Iterator[str]:
    """Add a changed file: it is refused, or done; then the answers are right or refused, and the doctor makes them right."""
    with _changed(sound.sources):
        try:
            ingest.add(copy, [sound.sources], ingest.Options())
        except DamagedError:
            yield "adding refused"
            return
        yield "adding done"
        try:
            if answers(copy) != sound.changed:
                yield "adding: WRONG answers"
        except DamagedError:
            yield "answers refused after adding"
        if not examine(copy).sound or answers(copy) != sound.changed:
            yield "adding: WRONG, not whole after doctor"


def _mending(sound: Sound, copy: Path, *, is_used: bool, is_cut_log: bool) -> Iterator[str]:
    first, second = examine(copy), examine(copy)
    if not first.sound or second.found:
        yield "doctor: WRONG, not mended at once"
        return
    if first.found:
        yield "detected"
    else:
        yield "taken for a kill" if is_cut_log else "doctor: WRONG, unseen" if is_used else "harmless: unused space"
    given = answers(copy)
    if given == sound.answers:
        yield "whole after doctor"
    elif is_cut_log and given == sound.earlier:
        yield "as before the last change after doctor"
    elif any("add them again" in what for what in first.found):
        ingest.add(copy, [sound.sources], ingest.Options())
        yield "whole after doctor and adding again" if answers(copy) == sound.answers else "doctor: WRONG, not whole"
    else:
        yield "doctor: WRONG, not whole"


@contextmanager
def _changed(sources: Path) -> Iterator[None]:
    """The sources with one file changed, for as long as the context lasts."""
    path = sources / CHANGED
    before = path.read_bytes()
    path.write_text("# Guide\n\nOwnership of the valve has changed. 盗窃阀门的，处罚款。\n", "utf-8")
    try:
        yield
    finally:
        path.write_bytes(before)


def _choose(draw: random.Random, sound: Sound) -> str:
    """A file: half of the time any, half of the time in proportion to size."""
    if draw.random() < 0.5:
        return draw.choice(sound.files)
    return draw.choices(sound.files, [len(sound.used[name]) for name in sound.files])[0]


def make_sound(corpus: Path, work: Path, size: int) -> tuple[Sound, Sound]:
    """A library at rest, and one of the same files with a change in its log, as a process leaves it that is killed after a commit."""
    sources = work / "sources"
    small_corpus(corpus, sources, size)
    write_sample(sources / "sample")
    before = work / "before"
    database.create(before)
    ingest.add(before, [sources], ingest.Options())
    earlier = answers(before)
    change_sample(sources / "sample")
    hot = work / "hot"
    shutil.copytree(before, hot)
    _leave_hot(hot, sources)
    settled = work / "settled"
    shutil.copytree(hot, settled)
    with Writer(settled):
        pass  # takes in the log
    given = answers(settled)
    with _changed(sources):
        shutil.copytree(settled, work / "changed")
        ingest.add(work / "changed", [sources], ingest.Options())
        changed = answers(work / "changed")
    return (
        Sound("settled", settled, sources, given, given, changed, _used(settled)),
        Sound("hot", hot, sources, given, earlier, changed, _used(hot)),
    )


def _leave_hot(folder: Path, sources: Path) -> None:
    """Add, and keep the files as they are right after the last commit."""
    kept = folder.with_name("kept")

    def keep(done: int, total: int, _: str) -> None:
        """Copy the library once the last commit is done."""
        if done == total:
            shutil.copytree(folder, kept)

    ingest.add(folder, [sources], ingest.Options(), keep)
    shutil.rmtree(folder)
    kept.rename(folder)


def _used(folder: Path) -> dict[str, bytearray]:
    """The bytes in use of every file; of the log's, all, and of the map of the log, which is made anew at every start, none. What questions
    have cost is no part of a library."""
    path = folder / database.FILE_NAME
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.name not in costs.NAMES}
    used = {name: bytearray(size) for name, size in sizes.items()}
    used[log.path_of(path).name] = bytearray(b"\1" * sizes.get(log.path_of(path).name, 0))
    used[path.name] = used_bytes(path)
    return used


def _told(outcomes: dict[str, Counter[str]], failures: list[str]) -> str:
    lines = [f"{kind}: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) for kind, counts in outcomes.items()]
    wrong, traces = (sum(word in failure for failure in failures) for word in ("WRONG answers", "traceback"))
    return "\n".join([*lines, f"{wrong} wrong answers, {traces} tracebacks, {len(failures) - wrong - traces} other failures"])
