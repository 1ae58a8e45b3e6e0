"""Results for people (a Markdown table) and for the record (a JSON file that says what was run, when, on what)."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

import grainline
from grainline.errors import GrainlineError, StorageError, UsageError

COLUMNS = {
    "ndcg@10": "nDCG@10",
    "recall@5": "recall@5",
    "recall@10": "recall@10",
    "mrr@10": "MRR@10",
    "all_gold@8": "all gold@8",
    "index_seconds": "index s",
    "query_ms_p50": "p50 ms",
    "query_ms_p95": "p95 ms",
    "embedded_per_query": "embedded a question",
    "llm_tokens_index": "LLM tokens, index",
    "llm_tokens_query": "LLM tokens a question",
    "disk_mb": "disk MB",
    "peak_rss_mb": "peak MB",
}
PLACES = {
    "ndcg@10": 3,
    "recall@5": 3,
    "recall@10": 3,
    "mrr@10": 3,
    "all_gold@8": 3,
    "index_seconds": 2,
    "query_ms_p50": 2,
    "query_ms_p95": 2,
}
GIT_SECONDS = 10


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """A Markdown table of what `runs.run_retrieval` returned for one or more sets: a row for each set and agent."""
    rows = [["set", "agent", *COLUMNS.values()]]
    for result in results:
        for agent, figures in result["agents"].items():
            rows.append([result["dataset"], agent, *(f"{figures[name]:.{PLACES.get(name, 0)}f}" for name in COLUMNS)])
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows, the first of them the heads, as a Markdown table; numbers stand to the right.

    >>> print(markdown([["agent", "ms"], ["grep", "1.5"]]))
    | agent | ms |
    |---|---:|
    | grep | 1.5 |
    """
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    numeric = [len(rows) > 1 and all(_is_number(row[place]) for row in rows[1:]) for place in range(len(rows[0]))]
    return "\n".join([lines[0], "|" + "|".join("---:" if right else "---" for right in numeric) + "|", *lines[1:]])


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace(",", "").removeprefix("-").isdecimal()


def write(path: Path, results: Any, command: Sequence[str]) -> None:
    """Write results with `provenance` to a JSON file; raises `StorageError` if the file cannot be written."""
    record = {**provenance(command), "results": results}
    try:
        path.write_text(json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}") from None


def provenance(command: Sequence[str]) -> dict[str, Any]:
    """What a figure must not be without: commit, whether the working tree differs from it, machine, command, time (UTC)."""
    return {
        "command": list(command),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": grainline.__version__,
        **commit(Path(__file__)),
        "machine": machine(),
    }


def commit(file: Path) -> dict[str, Any]:
    """The commit of the checkout that `file` is tracked in; None where it is in none, or has no commit yet."""
    if _git(file.parent, "ls-files", "--error-unmatch", file.name) is None:
        return {"commit": None, "dirty": None}
    return {"commit": _git(file.parent, "rev-parse", "HEAD"), "dirty": bool(_git(file.parent, "status", "--porcelain"))}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints; None if it fails or there is none."""
    try:
        run = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, timeout=GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return run.stdout.decode("utf-8", "replace").strip()


def machine() -> dict[str, Any]:
    """CPU model, cores that this process may use, memory in GB (10^9 bytes; None if unknown), Python and operating system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cpu": _cpu(),
        "cores": cores,
        "memory_gb": _memory_gb(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "os": platform.platform(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None


@contextmanager
def explained(*others: type[Exception]) -> Iterator[None]:
    """For a command of its own: an error of ours, or one of the others, is told in a line, and ends it with status 2 for wrong usage, else
    1."""
    told: tuple[type[Exception], ...] = (GrainlineError, *others)
    try:
        yield
    except told as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
