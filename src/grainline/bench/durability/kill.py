"""A process killed at random moments of a large add."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import grainline
from grainline.bench.durability.common import Result, lines_of
from grainline.doctor import examine
from grainline.errors import StorageError
from grainline.store.dump import digest_of

SEED = 20241
#: characters between commits: small, so that a kill seldom comes before the first one
COMMIT_CHARACTERS = 200_000


def run_kill(corpus: Path, work: Path, rounds: int = 50, progress: Callable[[int], None] | None = None) -> Result:
    """Kill an add of `corpus` at `rounds` random moments, each time into a fresh library; look what is there, and finish the add."""
    draw = random.Random(SEED)
    folder = work / "library"
    seconds = _whole_add(work / "reference", corpus)
    expected = lines_of(work / "reference")
    digest = digest_of(expected)
    known = set(expected)
    failures: list[str] = []
    acknowledged = kept = killed = 0
    while killed < rounds:
        shutil.rmtree(folder, ignore_errors=True)
        said = _killed_add(folder, corpus, draw.uniform(0, seconds))
        if said is None:
            continue  # it was done before it could be killed
        killed += 1
        acknowledged += said.get("documents", 0)
        try:
            kept += _look(folder, said, known)
            with grainline.open(folder) as library:
                library.add([corpus])
            if digest_of(lines_of(folder)) != digest:
                failures.append(f"kill {killed}: finished, the library differs from one built without a kill")
        except (AssertionError, grainline.errors.GrainlineError) as error:
            failures.append(f"kill {killed}: {error}")
        if progress:
            progress(killed)
    figures = {
        "kills": killed,
        "acknowledged": acknowledged,
        "found": kept,
        "add_seconds": round(seconds, 2),
        "failures": len(failures),
    }
    told = (
        f"{killed} kills of an add of {seconds:.1f} s: {acknowledged} documents acknowledged, {kept} found, "
        f"{len(failures)} libraries not as they should be"
    )
    return Result("kill", figures, told, failures)


def _whole_add(folder: Path, corpus: Path) -> float:
    """Add without a kill; returns the seconds that it took once it had begun."""
    process, output = _start(folder, corpus)
    start = time.monotonic()
    output.read()
    if process.wait():
        raise StorageError(f"adding {corpus} failed")
    return time.monotonic() - start


def _killed_add(folder: Path, corpus: Path, seconds: float) -> dict[str, Any] | None:
    """Begin to add and kill the process after so many seconds; returns the last that it said was safe, None if it was done already."""
    process, output = _start(folder, corpus)
    time.sleep(seconds)
    done = process.poll() is not None
    process.kill()
    said = [json.loads(line) for line in output.read().splitlines() if line.endswith("}")]
    process.wait()
    return None if done else (said or [{}])[-1]


def _start(folder: Path, corpus: Path) -> tuple[subprocess.Popen[str], IO[str]]:
    command = [sys.executable, "-m", "grainline.bench.durability.child", str(folder), str(corpus), str(COMMIT_CHARACTERS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    process.stdout.readline()
    return process, process.stdout


def _look(folder: Path, said: dict[str, Any], known: set[str]) -> int:
    """Whether all that was acknowledged is there, and nothing that is not as it would be at the end; returns the number of documents."""
    held = lines_of(folder)
    with grainline.open(folder, create=False) as library, library.snapshot() as snapshot:
        found = snapshot.manifest
    for name, number in said.items():
        assert getattr(found, name) >= number, f"{number} {name} were acknowledged, {getattr(found, name)} are there"
    wrong = [line for line in held if line not in known and not line.startswith('["term"')]
    assert not wrong, f"not as it should be: {wrong[0][:200]}"
    report = examine(folder)
    assert report.sound and not report.found, f"the doctor found {report}"
    assert lines_of(folder) == held, "the doctor changed a sound library"
    return found.documents
