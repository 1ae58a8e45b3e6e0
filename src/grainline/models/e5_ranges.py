"""Measure what `e5_ranges.json` holds: how far the inputs of each product of the encoder reach, on texts of many kinds.

    python -m grainline.models.e5_ranges FOLDER > src/grainline/models/e5_ranges.json

FOLDER holds BEIR folders. Only the reach of numbers is taken from the texts; sets on which retrieval is measured are left out.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grainline.models.e5 import EXTRA, PREFIXES, Inputs, read_weights, save_inputs
from grainline.models.e5_graph import INPUTS, MARGIN, encoder_graph
from grainline.models.onnx_session import open_session
from grainline.models.rows import Floats

#: sets, and how many of their passages
SETS = {"cmrc2018_dev": 40, "tatqa_test": 25, "leval_qasper": 15, "spider_dev": 10, "2wikimultihopqa_hipporag101": 30}
ODD_TEXTS = (
    "", "1234567890", "🙂🙂🙂", "\n\n\n- - -", "Ünïcödé ça été", "ありがとう。", "Привет!", "안녕하세요", "مرحبا بالعالم",
    "def main() -> int:\n    return sum(x ** 2 for x in range(10))\n", "SELECT a.id, COUNT(*) FROM t AS a GROUP BY 1;",
    "{\"key\": [1, 2.5, null]}", "https://example.org/a/b?c=d#e", "第一条　为了保护公民的合法权益，制定本法。",
)  # fmt: skip
SEED = 5
MAX_TOKENS = 400  #: of a measured text; longer ones reach no further and cost much
FREE = 8  #: channels that may be far larger than the others and are damped or copied
LARGE = 2.0  #: times the others: what is damped
GELU_LOW = -0.17  #: the least value of that function


def measured(folder: Path) -> list[dict[str, Any]]:
    """The ranges of each layer."""
    weights = read_weights()
    reach: dict[str, tuple[Floats, Floats]] = {}
    with tempfile.TemporaryDirectory() as made:
        save_inputs(weights, Path(made))
        inputs = Inputs(Path(made))
        session = open_session(encoder_graph(weights, None).SerializeToString(), EXTRA)
        names = [output.name for output in session.get_outputs()]
        for ids in inputs.ids(list(_texts(folder))):
            outputs = session.run(None, {"x": inputs.embedded(np.array([ids[:MAX_TOKENS]]))})
            for name, values in zip(names, outputs, strict=True):
                low, high = values[0].min(0), values[0].max(0)
                before = reach.get(name, (low, high))
                reach[name] = (np.minimum(low, before[0]), np.maximum(high, before[1]))
        del inputs  # its table is mapped from the folder
    return [{name: _range(name, *reach[f"{layer}.{name}"]) for name in INPUTS} for layer in range(weights.sizes.layers)]


def _texts(folder: Path) -> Iterator[str]:
    chosen = random.Random(SEED)
    for name, count in SETS.items():
        yield from (PREFIXES["passage"] + text for text in chosen.sample(_column(folder / name / "corpus.jsonl"), count))
        yield from (
            PREFIXES["query"] + text for text in chosen.sample(_column(folder / name / "queries.jsonl"), max(5, count // 4))
        )
    for text in ODD_TEXTS:
        yield from (prefix + text for prefix in PREFIXES.values())


def _column(path: Path) -> list[str]:
    return [str(json.loads(line)["text"]) for line in path.read_text("utf-8").splitlines()]


def _range(name: str, low: Floats, high: Floats) -> dict[str, Any]:
    """What `e5_graph` takes of one input, from the least and the greatest value of each channel."""
    peaks = np.maximum(np.abs(low), np.abs(high))
    if name == "context":
        return {"low": _short(-peaks.max()), "high": _short(peaks.max())}
    if name == "outer":
        usual = max(float(np.sort(high)[-FREE]), float(np.percentile(high, 99)))
        large = {str(channel): _short(high[channel]) for channel in np.flatnonzero(high > 1.1 * MARGIN * usual)}
        return {"low": GELU_LOW, "high": _short(usual), "peaks": large}
    ratio = peaks / np.sort(peaks)[-1 - FREE]
    damped = {str(channel): _short(ratio[channel]) for channel in np.flatnonzero(ratio >= LARGE)}
    divisor = np.where(ratio >= LARGE, ratio, 1)
    return {"low": _short((low / divisor).min()), "high": _short((high / divisor).max()), "damped": damped}


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def main(arguments: Sequence[str]) -> int:
    """Print the ranges, a layer a line."""
    layers = ",\n".join(json.dumps(layer) for layer in measured(Path(arguments[0])))
    print(f"[\n{layers}\n]")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
