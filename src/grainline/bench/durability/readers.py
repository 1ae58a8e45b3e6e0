"""Eight processes that read while one writes: no error, no torn state, no long wait."""

from __future__ import annotations

import multiprocessing
import random
import re
import time
from collections.abc import Callable
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from queue import Empty
from typing import Any

import grainline
from grainline.bench.durability.common import AGENTS, QUESTIONS, Result, small_corpus
from grainline.bench.metrics import percentile
from grainline.errors import GrainlineError
from grainline.library import Library

SEED = 20242
READERS = 8
CORPUS_BYTES = 1_000_000
#: reads between opening the library anew
READS_AN_OPENING = 50
#: a word that two documents hold, always changed together, each with the number of the change
MARK = "zebrafish"
PAIR = ("pair-a.md", "pair-b.md")
#: how much slower than without a writer 95 of 100 reads may at most be
SLOWER = 3.0
QUIET, BUSY, OVER = 1, 2, 3
WAIT_SECONDS = 120.0

Phase = Any  # a multiprocessing.Value of int: typeshed has no name for it that can be subscripted at run time


def run_readers(corpus: Path, work: Path, seconds: float = 60.0, size: int = CORPUS_BYTES) -> Result:
    """Read a library of files of `size` bytes without a writer for a third of `seconds`, then beside one for all of them."""
    sources, folder = work / "sources", work / "library"
    small_corpus(corpus, sources, size)
    write_pair(sources, 0)
    with grainline.open(folder) as library:
        library.add([sources])
    context = multiprocessing.get_context("spawn")
    phase: Synchronized[int] = context.Value("i", 0)
    ready, results = context.Semaphore(0), context.Queue()
    readers = [
        context.Process(target=read, args=(folder, number, phase, ready, results), daemon=True) for number in range(READERS)
    ]
    for reader in readers:
        reader.start()
    for _ in readers:
        ready.acquire(timeout=WAIT_SECONDS)
    phase.value = QUIET
    time.sleep(seconds / 3)
    phase.value = BUSY
    changes = _write(folder, sources, seconds)
    phase.value = OVER
    gathered = [_get(results) for _ in readers]
    for reader in readers:
        reader.join(WAIT_SECONDS)
    return _result(gathered, changes)


def write_pair(sources: Path, number: int) -> None:
    """The two documents that belong together, in their `number`-th version, which they name by one word."""
    word = f"zq{''.join(chr(ord('a') + int(digit)) for digit in str(number))}qz"
    for name in PAIR:
        (sources / name).write_text(f"# Pair\n\nThe {MARK} of this pair is in version {word}.\n", "utf-8")


def _write(folder: Path, sources: Path, seconds: float) -> int:
    """Add, change, rename and remove files and documents without a pause; returns the number of commits."""
    draw = random.Random(SEED)
    end = time.monotonic() + seconds
    number = 0
    with grainline.open(folder) as library:
        while time.monotonic() < end:
            number += 1
            write_pair(sources, number)
            (sources / f"new-{number}.md").write_text(
                f"# New\n\n新增文件 number {number} about {draw.choice(QUESTIONS)}\n", "utf-8"
            )
            if number > 3:
                (sources / f"new-{number - 2}.md").rename(sources / f"moved-{number}.md")
                (sources / f"moved-{number - 1}.md").unlink(missing_ok=True)
            library.add([sources])
            if number % 5 == 0:
                library.remove([f"{sources.name}/new-{number}.md"])
        with library.snapshot() as snapshot:
            return snapshot.manifest.sequence


def read(folder: Path, seed: int, phase: Phase, ready: Any, results: Any) -> None:
    """One reading process: puts its times in milliseconds by phase, and what it saw that must not be."""
    draw = random.Random(SEED + seed)
    times: dict[int, list[float]] = {QUIET: [], BUSY: []}
    wrong: list[str] = []
    told = False
    while phase.value != OVER and len(wrong) < 10:
        try:
            with grainline.open(folder, create=False) as library:
                for _ in range(READS_AN_OPENING):
                    now = phase.value
                    taken = _read_once(library, draw, wrong.append)
                    if now in times:
                        times[now].append(taken)
                if not told:
                    ready.release()
                    told = True
        except GrainlineError as error:
            wrong.append(f"{type(error).__name__}: {error}")
    results.put((times, wrong))


def _read_once(library: Library, draw: random.Random, report: Callable[[str], None]) -> float:
    """One search and what makes sure that its answer is of one piece; returns the milliseconds of the search."""
    question, agent = (MARK, "fulltext") if draw.random() < 0.3 else (draw.choice(QUESTIONS), draw.choice(AGENTS))
    start = time.perf_counter()
    with library.snapshot() as snapshot:
        hits = library.search(question, agent=agent).hits
        taken = (time.perf_counter() - start) * 1000
        texts = [snapshot.document(hit.node.document_id).text[hit.node.start : hit.node.end] for hit in hits]
        if not all(text.strip() for text in texts):
            report(f"{question}: hits without a text")
        if question == MARK:
            versions = sorted(re.findall(r"version (\w+)", " ".join(texts)))
            if len(versions) != 2 or len(set(versions)) != 1:
                report(f"the two that belong together are in versions {versions}")
            elif len(library.search(versions[0], agent="fulltext").hits) != 2:
                report("the index does not know the version that the documents have")
    return taken


def _get(results: Any) -> tuple[dict[int, list[float]], list[str]]:
    try:
        times, wrong = results.get(timeout=WAIT_SECONDS)
    except Empty:
        return {QUIET: [], BUSY: []}, ["a reader died or hung"]
    return times, wrong


def _result(gathered: list[tuple[dict[int, list[float]], list[str]]], changes: int) -> Result:
    quiet, busy = ([taken for times, _ in gathered for taken in times[phase]] for phase in (QUIET, BUSY))
    failures = [what for _, wrong in gathered for what in wrong]
    before, beside = percentile(quiet, 0.95), percentile(busy, 0.95)
    if beside > SLOWER * before:
        failures.append(
            f"95% of the reads beside a writer take up to {beside:.1f} ms, more than {SLOWER:g} times {before:.1f} ms"
        )
    figures = {
        "readers": READERS,
        "reads_quiet": len(quiet),
        "reads_busy": len(busy),
        "commits": changes,
        "quiet_ms_p95": round(before, 2),
        "busy_ms_p95": round(beside, 2),
        "wrong": len(failures),
    }
    told = (
        f"{READERS} readers: {len(quiet)} reads without a writer, p95 {before:.1f} ms; {len(busy)} reads beside one that made {changes} "
        f"commits, p95 {beside:.1f} ms ({beside / max(before, 1e-9):.2f} times); {len(failures)} errors or torn reads"
    )
    return Result("readers", figures, told, failures)
