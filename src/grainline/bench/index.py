"""Index families on the user's own vectors: what each takes to build, hold, store and ask, and how much of the truth it finds.

Recall is against comparing all vectors. What a run cannot know: whether anything else kept the machine busy meanwhile.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import grainline
from grainline.bench.picture import plot
from grainline.bench.report import markdown
from grainline.errors import NotFoundError, UnreadableError, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from grainline.types import Embedder
    from grainline.vectors.choose import Measured
    from grainline.vectors.index import Index

MEGABYTE = 1e6
QUERIES = 200
EFFORTS = (1.0, 2.0, 4.0)

Progress = Callable[[str], None]


def run_index(
    vectors: NDArray[np.generic] | Path,
    families: Sequence[str] | None = None,
    queries: NDArray[np.generic] | Path | int = QUERIES,
    distance: str = "cosine",
    target: float = 0.95,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Build every family (None: all installed) over vectors (rows, or an .npy file of them) and search with `queries`: vectors, a file
    of them, or how many of the vectors to leave out and ask for.

    Returns `{"vectors", "dimension", "distance", "queries", "held_out", "families": {name: {"build_seconds", "save_seconds",
    "open_seconds", "disk_mb", "memory_mb", "runs": [{"effort", "recall@10", "ms_p50", "ms_p95"}]}}, "missing": {name: package},
    "choice": {"family", "effort", "reason"}}`. `progress` is called with the family that comes next. Raises `UnreadableError` and
    `NotFoundError` for a file, `UsageError`, and `MissingExtraError` for a family named and not installed.
    """
    import numpy as np

    from grainline.vectors.choose import decide, held_out, truth
    from grainline.vectors.distance import named, rows_of
    from grainline.vectors.families import FAMILIES, available, family

    way = named(distance)
    matrix = rows_of(_loaded(vectors), "vectors")
    wanted = available() if families is None else [family(name).name for name in families]
    if not wanted:
        raise UsageError("name at least one family")
    if isinstance(queries, int):
        if queries < 1 or len(matrix) < 2:
            raise UsageError(f"at least one query and two vectors are needed, not {queries} and {len(matrix)}")
        kept, asked = held_out(matrix, queries)
        searched = matrix[kept]
    else:
        searched, asked = matrix, rows_of(_loaded(queries), "queries")
    if not len(searched) or not len(asked):
        raise UsageError("there are no vectors, or no queries")
    right = truth(searched, asked, way)
    results, measured = {}, []
    for name in wanted:
        if progress:
            progress(name)
        results[name], runs = _run(name, searched, asked, right, way)
        measured += runs
    chosen, effort, reason = decide(len(searched), measured, target)
    return {
        "vectors": len(searched),
        "dimension": int(np.shape(searched)[1]),
        "distance": way.name,
        "queries": len(asked),
        "held_out": isinstance(queries, int),
        "families": results,
        "missing": {name: found.package for name, found in FAMILIES.items() if name not in available()},
        "choice": {"family": chosen, "effort": effort, "reason": reason},
    }


def kept_vectors(folder: Path, embedder: str | Embedder | None = None) -> NDArray[np.float32]:
    """The vectors that the library in `folder` keeps of its encoder (see `embedding.embedder`), a row a unit of text.

    Raises `NotFoundError` if there are none, and what opening the library and its encoder raises.
    """
    from grainline.match.dense import rows_of
    from grainline.match.vector import decode

    with grainline.open(folder, create=False, embedder=embedder) as library, library.snapshot() as state:
        _, codes = rows_of(state, state.embedder())
    if not len(codes):
        raise NotFoundError(f"{folder} keeps no vectors of this encoder; make some with `grainline embed --library {folder}`")
    return decode(codes)


def _loaded(vectors: NDArray[np.generic] | Path) -> NDArray[np.generic]:
    if not isinstance(vectors, Path):
        return vectors
    import numpy as np

    try:
        loaded: NDArray[np.generic] = np.lib.format.open_memmap(vectors, mode="r")
    except FileNotFoundError:
        raise NotFoundError(f"{vectors}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise UnreadableError(f"{vectors}: no .npy file of numbers: {error}") from error
    return loaded


def _run(name: str, matrix: Any, asked: Any, right: Any, distance: Any) -> tuple[dict[str, Any], list[Measured]]:
    from grainline.vectors.choose import measure
    from grainline.vectors.families import build, open_index

    start = perf_counter()
    index: Index = build(name, matrix, None, distance)
    built = perf_counter()
    with tempfile.TemporaryDirectory(prefix="grainline-bench-") as folder:
        index.save(Path(folder))
        saved = perf_counter()
        disk = sum(path.stat().st_size for path in Path(folder).iterdir())
        reopening = perf_counter()
        index = open_index(Path(folder))
        opened = perf_counter()
    runs = [measure(index, name, effort, asked, right) for effort in (EFFORTS if index.family.depth else EFFORTS[:1])]
    figures = {
        "build_seconds": round(built - start, 3),
        "save_seconds": round(saved - built, 3),
        "open_seconds": round(opened - reopening, 3),
        "disk_mb": round(disk / MEGABYTE, 2),
        "memory_mb": round(runs[0].memory_bytes / MEGABYTE, 2),
        "runs": [_figures(run) for run in runs],
    }
    return figures, runs


def _figures(run: Measured) -> dict[str, float]:
    held = asdict(run)
    return {
        "effort": held["effort"],
        "recall@10": round(held["recall"], 4),
        "ms_p50": round(held["p50_ms"], 3),
        "ms_p95": round(held["p95_ms"], 3),
    }


def table(result: dict[str, Any]) -> str:
    """The result of `run_index` as a Markdown table: a row for each family and effort."""
    rows = [["family", "effort", "recall@10", "p50 ms", "p95 ms", "build s", "open s", "disk MB", "memory MB"]]
    for name, figures in result["families"].items():
        rows += [
            [
                name,
                f"{run['effort']:g}",
                f"{run['recall@10']:.3f}",
                f"{run['ms_p50']:.2f}",
                f"{run['ms_p95']:.2f}",
                f"{figures['build_seconds']:.1f}",
                f"{figures['open_seconds']:.2f}",
                f"{figures['disk_mb']:.1f}",
                f"{figures['memory_mb']:.1f}",
            ]
            for run in figures["runs"]
        ]
    return markdown(rows)


def picture(result: dict[str, Any]) -> str:
    """The result as an SVG: recall against milliseconds, a line for each family with a point for each effort."""
    series = {
        name: [(max(run["ms_p50"], 1e-3), run["recall@10"]) for run in figures["runs"]]
        for name, figures in result["families"].items()
    }
    title = (
        f"{result['vectors']:,} vectors of {result['dimension']} dimensions, {result['distance']}, {result['queries']} queries"
    )
    return plot(series, title, "milliseconds a query (median)", "recall@10")


def conclusion(result: dict[str, Any]) -> str:
    """The choice and its reason, and what was not tried, in one line."""
    choice = result["choice"]
    effort = f" at effort {choice['effort']:g}" if choice["effort"] != 1 else ""
    missing = result["missing"]
    untried = f" (not installed: {', '.join(missing)}; pip install 'grainline[vectors]')" if missing else ""
    return f"Choice: {choice['family']}{effort}: {choice['reason']}{untried}."
