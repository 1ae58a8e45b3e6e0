"""Running a set of questions against a library made for it, and what that cost.

A megabyte is a million bytes. What a run cannot know: whether anything else kept the machine busy meanwhile.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import grainline
from grainline.agents.registry import registered
from grainline.bench.datasets import Dataset, load
from grainline.bench.metrics import DEPTH, evaluate, mean, percentile
from grainline.errors import NotFoundError, PatternError, UnreadableError, UsageError
from grainline.types import Cost, Evidence

if TYPE_CHECKING:
    from grainline.library import Library

HITS = 30  #: hits asked for: several may be of one document, and the measures look at ten documents
WARM_UP = 5  #: questions asked before any is timed: the first ones load the index
MEGABYTE = 1e6

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Built:
    """A fresh library and what its whole add took: wall seconds, bytes on the disk, the process's peak of memory meanwhile."""

    library: Library
    seconds: float
    disk_bytes: int
    peak_bytes: int


@contextmanager
def built(paths: Sequence[Path]) -> Iterator[Built]:
    """A library of these files in a folder that goes with the context; raises `UnreadableError` if one cannot be read."""
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as name:
        folder = Path(name) / "library"
        with grainline.open(folder) as library:
            _forget_peak()
            start = perf_counter()
            summary = library.add(paths)
            seconds = perf_counter() - start
            if summary.failed:
                raise UnreadableError("; ".join(f"{path}: {reason}" for path, reason in summary.failed))
            disk = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            yield Built(library, seconds, disk, peak_bytes())


def run_retrieval(
    folder: Path, agents: Sequence[str], limit: int | None = None, k: int = HITS, progress: Progress | None = None
) -> dict[str, Any]:
    """Index the corpus of a BEIR folder once and ask every agent its questions, or the first `limit` of them.

    Returns `{"dataset", "agents": {name: figures}}` with the measures of `metrics.NAMES` over the documents of `k` hits, each
    where its best hit stands, and the costs: index_seconds (the whole add), milliseconds of a search (median, 95th percentile),
    texts embedded and model tokens a question, megabytes on disk and at the peak in memory (add or questions, the larger).
    `progress` is called with questions done, their number, and the agent. Raises `NotFoundError` for an unknown agent, and what
    `datasets.load` and the agents raise.
    """
    if not agents:
        raise UsageError("name at least one agent")
    if unknown := set(agents) - {"auto", *registered()}:
        raise NotFoundError(f"no agent {', '.join(sorted(unknown))}; there are: {', '.join(registered())}")
    if k < DEPTH or (limit is not None and limit < 1):
        raise UsageError(f"k must be at least {DEPTH} and limit at least 1; they are {k} and {limit}")
    dataset = load(folder)
    with built([dataset.corpus]) as made:
        figures = {name: _ask(made, dataset, name, limit, k, progress) for name in agents}
    return {"dataset": dataset.name, "agents": figures}


def _ask(made: Built, dataset: Dataset, agent: str, limit: int | None, k: int, progress: Progress | None) -> dict[str, float]:
    queries = dataset.queries[:limit]
    for query in queries[:WARM_UP]:
        _search(made.library, query.text, k, agent)
    _forget_peak()
    rankings, times, costs = {}, [], []
    for done, query in enumerate(queries):
        if progress:
            progress(done, len(queries), agent)
        start = perf_counter()
        evidence = _search(made.library, query.text, k, agent)
        times.append((perf_counter() - start) * 1000)
        costs.append(evidence.cost)
        rankings[query.id] = ranking(made.library, evidence)
    if progress:
        progress(len(queries), len(queries), agent)
    return {
        **{name: round(value, 4) for name, value in evaluate(rankings, dataset.qrels).items()},
        "index_seconds": round(made.seconds, 3),
        "query_ms_p50": round(percentile(times, 0.5), 3),
        "query_ms_p95": round(percentile(times, 0.95), 3),
        "embedded_per_query": round(mean([cost.embedded for cost in costs]), 2),
        "llm_tokens_index": 0,  # nothing that an add does calls a model
        "llm_tokens_query": round(mean([cost.tokens_in + cost.tokens_out for cost in costs]), 1),
        "disk_mb": round(made.disk_bytes / MEGABYTE, 2),
        "peak_rss_mb": round(max(made.peak_bytes, peak_bytes()) / MEGABYTE, 1),
    }


def _search(library: Library, question: str, k: int, agent: str) -> Evidence:
    """The agent's evidence; a question that an agent takes for a broken pattern finds nothing."""
    try:
        return library.search(question, k=k, agent=agent)
    except PatternError:
        return Evidence((), (), Cost())


def ranking(library: Library, evidence: Evidence) -> list[str]:
    """The ids that the dataset gives to the documents of the hits, each where its best hit stands."""
    documents = dict.fromkeys(hit.node.document_id for hit in evidence.hits)
    return list(dict.fromkeys(library.source(document).partition("#")[2] for document in documents))


def _forget_peak() -> None:
    """Let the peak of memory start anew, where the system can (Linux)."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return  # then the peak is that of the whole process so far, an upper bound


def peak_bytes() -> int:
    """The most memory that the process held at once, since it was last made to start anew; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        pass
    try:
        from resource import RUSAGE_SELF, getrusage
    except ImportError:  # Windows
        return 0
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
