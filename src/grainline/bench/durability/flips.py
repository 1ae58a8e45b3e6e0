"""Damage: single bytes changed and files cut short, in a fresh copy of a library each time."""

from __future__ import annotations

import random
import shutil
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grainline import ingest
from grainline.bench.durability.common import Result, answers, change_sample, small_corpus, write_sample
from grainline.bench.durability.space import used_bytes
from grainline.doctor import examine
from grainline.errors import DamagedError
from grainline.store import database, log
from grainline.store.writer import Writer

SEED = 20240
CORPUS_BYTES = 300_000
#: a truncation for so many flips
FLIPS_A_CUT = 5
#: one flip in so many hits a library whose last change is still in the log, as a killed process leaves it
ONE_HOT_IN = 5


@dataclass(frozen=True)
class Sound:
    """A sound library: its folder, its name, what it answers, which bytes of its files are in use, and answers that are its own too:
    those of the state before the change in its log."""

    folder: Path
    name: str
    answers: str
    used: dict[str, bytearray]
    earlier: str = ""

    @property
    def files(self) -> list[str]:
        """Its files that hold a byte at least."""
        return [name for name, used in self.used.items() if used]


def run_flips(corpus: Path, work: Path, rounds: int = 1000) -> Result:
    """Flip `rounds` bytes, cut files short, and look what is answered and what the doctor makes of it."""
    draw = random.Random(SEED)
    settled, hot = make_sound(corpus, work)
    outcomes: dict[str, Counter[str]] = {"flips": Counter(), "cuts": Counter(), "log cuts": Counter()}
    failures: list[str] = []
    for kind, number in (("flips", rounds), ("cuts", rounds // FLIPS_A_CUT), ("log cuts", rounds // FLIPS_A_CUT // 4)):
        for turn in range(number):
            sound = hot if kind == "log cuts" or (kind == "flips" and turn % ONE_HOT_IN == 0) else settled
            name = f"{database.FILE_NAME}-wal" if kind == "log cuts" else _choose(draw, sound)
            at = draw.randrange(len(sound.used[name]))
            flip = draw.randrange(1, 256) if kind == "flips" else 0
            outcome = one(sound, work / "copy", name, at, flip)
            outcomes[kind].update(outcome)
            failures += [
                f"{sound.name} {name} at {at} ({'flip' if flip else 'cut'}): {what}" for what in outcome if what in WRONG
            ]
    figures = {kind: dict(sorted(counts.items())) for kind, counts in outcomes.items()}
    return Result("flips", figures, _told(outcomes), failures)


#: outcomes that must not be
WRONG = frozenset(
    ("wrong answers", "traceback", "another error", "unseen", "not whole", "not sound", "found twice", "doctor failed")
)


def one(sound: Sound, copy: Path, name: str, at: int, flip: int) -> list[str]:
    """Damage a copy at one place (with `flip` 0: cut it there); what came of reading it, and of mending it."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(sound.folder, copy)
    data = bytearray((copy / name).read_bytes())
    if flip:
        data[at] ^= flip
    else:
        del data[at:]
    (copy / name).write_bytes(data)
    # reading takes in the log, so the doctor gets a copy of its own
    patient = copy.with_name("patient")
    shutil.rmtree(patient, ignore_errors=True)
    shutil.copytree(copy, patient)
    is_log = name.endswith("-wal")
    return [
        _reading(sound, copy, may_be_earlier=is_log and not flip),
        *_mending(sound, patient, is_used=bool(sound.used[name][at]) or not flip, is_cut_log=is_log and not flip),
    ]


def _reading(sound: Sound, copy: Path, *, may_be_earlier: bool) -> str:
    try:
        given = answers(copy)
    except DamagedError as error:
        return "named error" if "grainline doctor" in str(error) else "another error"
    except Exception:  # whatever it is, it is what is looked for here
        traceback.print_exc()
        return "traceback"
    if given == sound.answers:
        return "same answers"
    return "answers before the last change" if may_be_earlier and given == sound.earlier else "wrong answers"


def _mending(sound: Sound, patient: Path, *, is_used: bool, is_cut_log: bool) -> Iterator[str]:
    try:
        first, second = examine(patient), examine(patient)
        if second.found:
            yield "found twice"
        if not first.sound:
            yield "not sound"
            return
        if not first.found:
            yield "taken for a kill" if is_cut_log else "unseen" if is_used else "harmless: unused space"
        else:
            yield "detected"
        given = answers(patient)
        if given == sound.answers:
            yield "whole after doctor"
        elif is_cut_log and given == sound.earlier:
            yield "as before the last change after doctor"
        elif any("add them again" in what for what in first.found):
            ingest.add(patient, [sound.folder.parent / "sources"], ingest.Options())
            yield "whole after doctor and adding again" if answers(patient) == sound.answers else "not whole"
        else:
            yield "not whole"
    except Exception:  # whatever it is, it is what is looked for here
        traceback.print_exc()
        yield "doctor failed"


def _choose(draw: random.Random, sound: Sound) -> str:
    """A file: half of the time any, half of the time in proportion to size."""
    if draw.random() < 0.5:
        return draw.choice(sound.files)
    return draw.choices(sound.files, [len(sound.used[name]) for name in sound.files])[0]


def make_sound(corpus: Path, work: Path, size: int = CORPUS_BYTES) -> tuple[Sound, Sound]:
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
    return (
        Sound(settled, "settled", given, _used(settled)),
        Sound(hot, "hot", given, _used(hot), earlier),
    )


def _leave_hot(folder: Path, sources: Path) -> None:
    """Add, and keep the files as they are right after the last commit."""
    kept = folder.with_name("kept")

    def keep(done: int, total: int, _: str) -> None:
        if done == total:
            shutil.copytree(folder, kept)

    ingest.add(folder, [sources], ingest.Options(), keep)
    shutil.rmtree(folder)
    kept.rename(folder)


def _used(folder: Path) -> dict[str, bytearray]:
    """The bytes in use of every file; of the log's, all, and of the map of the log, which is made anew at every start, none."""
    path = folder / database.FILE_NAME
    sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    used = {name: bytearray(size) for name, size in sizes.items()}
    used[log.path_of(path).name] = bytearray(b"\1" * sizes.get(log.path_of(path).name, 0))
    used[path.name] = used_bytes(path)
    return used


def _told(outcomes: dict[str, Counter[str]]) -> str:
    lines = []
    for kind, counts in outcomes.items():
        lines.append(
            f"{counts.total() and sum(counts[what] for what in READ)} {kind}: "
            + ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
        )
    wrong = sum(counts["wrong answers"] for counts in outcomes.values())
    crashed = sum(counts["traceback"] + counts["doctor failed"] for counts in outcomes.values())
    return "\n".join([*lines, f"{wrong} wrong answers, {crashed} tracebacks"])


READ = ("named error", "another error", "same answers", "answers before the last change", "wrong answers", "traceback")
