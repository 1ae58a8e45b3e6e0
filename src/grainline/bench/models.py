"""Encoders on the user's own labelled set: what each costs, what it finds alone and beside words, what smaller vectors of it lose.

A text here is what an encoder is given: a passage, or a window of a long one (see `keys.units`). What a run cannot know: whether anything
else kept the machine busy meanwhile. Loading is timed in this process, where a model finds imported what one before it has imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grainline.bench.datasets import Dataset, Query, load
from grainline.bench.metrics import DEPTH, evaluate, percentile
from grainline.bench.report import markdown
from grainline.bench.runs import HITS, WARM_UP, Progress, built, ranking
from grainline.embedding import AT_ONCE
from grainline.errors import UsageError
from grainline.keys import keys, units
from grainline.library import Library
from grainline.match.vector import decode, encode
from grainline.models.registry import make
from grainline.types import Embedder, Side
from grainline.vectors.quantise import hamming, signs, truncate

Floats = NDArray[np.float32]

#: nDCG@10 that does not count: neither for a dearer model, nor against a smaller form
NEAR = 0.01
#: with fewer questions chance moves nDCG@10 by about `NOISE`
FEW, NOISE = 50, 0.05
PLACES = 4  #: decimals of the figures; differences are rounded before they are compared, too
MEASURES = ("ndcg@10", "recall@5")
#: forms of a vector, as people call them
FORMS = {
    "float32": "float32",
    "int8": "int8",
    "half": "half the dimensions",
    "quarter": "a quarter of the dimensions",
    "signs": "sign bits",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A model: nDCG@10 of the agent `hybrid` with it, and texts that it embeds a second."""

    name: str
    hybrid: float
    per_second: float


def run_models(
    folder: Path, models: Sequence[str | Embedder], limit: int | None = None, progress: Progress | None = None
) -> dict[str, Any]:
    """Embed the corpus of a BEIR folder with each model (a spec for `models.registry.make`, or an embedder, which goes by its identity)
    and ask its questions, or the first `limit` of them.

    Returns `{"dataset", "documents", "texts", "questions", "bm25": {measure: value}, "models": {name: figures}, "choice": {"model",
    "form", "reason"}}`; a `model` of None is full text alone. The figures: identity, dimension, load_seconds (None for what was given
    loaded), embed_seconds, texts_per_second, bytes_per_vector as kept (int8), question_ms_p50 (one at a time), `alone` (all vectors as
    kept, by cosine) and `hybrid` with nDCG@10 and recall@5, and `forms` with bytes and nDCG@10 alone: float32 as the model gave them,
    int8, that cut to half and a quarter of its dimensions, and sign bits about the mean by Hamming distance; equal scores in the order
    of the corpus. All models are made before one is used, and the vectors of one are held as float32.

    `progress` is called with texts or questions done, their number, and the model. Raises `UsageError` for no model, one named twice or
    a corpus without text, and what `datasets.load` and `registry.make` raise.
    """
    if not models:
        raise UsageError("name at least one model")
    if limit is not None and limit < 1:
        raise UsageError(f"limit must be at least 1; it is {limit}")
    dataset = load(folder)
    queries = dataset.queries[:limit]
    loaded = _loaded(models)
    with built([dataset.corpus]) as made:
        passages = _Passages.of(made.library)
        bm25 = _searched(made.library, dataset, queries, "fulltext", progress)
        figures = {
            name: {
                "identity": model.identity,
                "dimension": model.dimension,
                "load_seconds": seconds,
                **_run(name, model, made.library.folder, passages, dataset, queries, progress),
            }
            for name, (model, seconds) in loaded.items()
        }
    measured = [Measured(name, one["hybrid"]["ndcg@10"], one["texts_per_second"]) for name, one in figures.items()]
    chosen, reason = decide(bm25["ndcg@10"], measured)
    return {
        "dataset": dataset.name,
        "documents": len(dataset.documents),
        "texts": len(set(passages.said)),
        "questions": len(queries),
        "bm25": bm25,
        "models": figures,
        "choice": {"model": chosen, "form": smallest(figures[chosen]["forms"]) if chosen else None, "reason": reason},
    }


def decide(bm25: float, measured: Sequence[Measured]) -> tuple[str | None, str]:
    """The model that embeds the most texts a second among those whose hybrid comes within `NEAR` of the best one's and is more than
    `NEAR` above `bm25`, and the reason; None, which is full text alone, if there is none.

    >>> decide(0.70, [Measured("large", 0.800, 40.0), Measured("small", 0.795, 900.0)])[0]
    'small'
    >>> print(decide(0.70, [Measured("large", 0.705, 40.0)])[1])
    no model's hybrid is more than 0.01 nDCG@10 above full text alone, 0.700 (the best, large: 0.705)
    """
    best = max(measured, key=lambda one: (one.hybrid, one.per_second))
    worth = [
        one for one in measured if round(best.hybrid - one.hybrid, PLACES) <= NEAR and round(one.hybrid - bm25, PLACES) > NEAR
    ]
    if not worth:
        return None, (
            f"no model's hybrid is more than {NEAR:g} nDCG@10 above full text alone, {bm25:.3f} "
            f"(the best, {best.name}: {best.hybrid:.3f})"
        )
    chosen = max(worth, key=lambda one: (one.per_second, one.hybrid))
    reason = f"hybrid nDCG@10 {chosen.hybrid:.3f}, full text alone {bm25:.3f}, {chosen.per_second:,.1f} texts embedded a second"
    if chosen is not best:
        reason += f"; the best, {best.name}, has {best.hybrid:.3f} at {best.per_second:,.1f} texts a second"
    elif len(measured) > 1:
        reason += f"; no faster model is within {NEAR:g} of that and as clearly above full text"
    return chosen.name, reason


def smallest(forms: Mapping[str, Mapping[str, float]]) -> str:
    """The form of the fewest bytes that loses at most `NEAR` of the nDCG@10 of `float32`.

    >>> smallest({"float32": {"bytes": 8, "ndcg@10": 0.8}, "int8": {"bytes": 3, "ndcg@10": 0.79}, "signs": {"bytes": 2, "ndcg@10": 0.7}})
    'int8'
    """
    return min((name for name in forms if _loss(forms, name) <= NEAR), key=lambda name: forms[name]["bytes"])


def _loss(forms: Mapping[str, Mapping[str, float]], name: str) -> float:
    return round(forms["float32"]["ndcg@10"] - forms[name]["ndcg@10"], PLACES) + 0.0  # no -0


def _loaded(models: Sequence[str | Embedder]) -> dict[str, tuple[Embedder, float | None]]:
    """All models by name, with the seconds that each took to load."""
    names = [model if isinstance(model, str) else model.identity for model in models]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UsageError(f"the model {twice} is named twice")
    loaded: dict[str, tuple[Embedder, float | None]] = {}
    for name, model in zip(names, models, strict=True):
        start = perf_counter()
        loaded[name] = (make(model), round(perf_counter() - start, 3)) if isinstance(model, str) else (model, None)
    return loaded


class _Remembering:
    """An embedder that has in `rows` what was embedded with it, so that every measure uses the same vectors, made once."""

    def __init__(self, embedder: Embedder) -> None:
        self.identity, self.dimension, self.max_tokens = embedder.identity, embedder.dimension, embedder.max_tokens
        self._embedder = embedder
        self.rows: dict[tuple[Side, str], Floats] = {}

    def embed(self, texts: Sequence[str], side: Side) -> Floats:
        """One row a text."""
        if new := [text for text in dict.fromkeys(texts) if (side, text) not in self.rows]:
            self.rows.update(zip(((side, text) for text in new), self._embedder.embed(new, side), strict=True))
        return np.stack([self.rows[side, text] for text in texts])


@dataclass(frozen=True, slots=True)
class _Passages:
    """Every text of a library, the place of its document among `ids`, and the ids that the dataset gives to the documents."""

    said: list[str]
    owners: NDArray[np.int64]
    ids: list[str]

    @classmethod
    def of(cls, library: Library) -> _Passages:
        """Those of a library; raises `UsageError` if it has none."""
        said: list[str] = []
        owners: list[int] = []
        ids: list[str] = []
        with library.snapshot() as state:
            for number, (_, source, _) in state.sources().items():
                stored = state.at(number)
                texts = [key.text for key in keys(stored.document, stored.shaped) if key.kind == "text"]
                own = [one for text in texts for one in units(text)]
                said += own
                owners += [len(ids)] * len(own)
                ids.append(source.partition("#")[2])
        if not said:
            raise UsageError("the corpus holds no text to embed")
        return cls(said, np.array(owners, np.int64), ids)

    def ranking(self, scores: NDArray[Any]) -> list[str]:
        """The ids of the best documents, each by the best of its texts."""
        best = np.full(len(self.ids), -np.inf)
        np.maximum.at(best, self.owners, scores)
        order = np.argsort(-best, kind="stable")[:DEPTH]
        return [self.ids[place] for place in order.tolist() if best[place] > -np.inf]


def _run(
    name: str,
    model: Embedder,
    folder: Path,
    passages: _Passages,
    dataset: Dataset,
    queries: Sequence[Query],
    progress: Progress | None,
) -> dict[str, Any]:
    heard = _Remembering(model)
    for query in queries[:WARM_UP]:
        model.embed([query.text], "query")
    times = []
    for query in queries:
        start = perf_counter()
        heard.rows["query", query.text] = model.embed([query.text], "query")[0]
        times.append((perf_counter() - start) * 1000)
    texts = list(dict.fromkeys(passages.said))
    start = perf_counter()
    for done in range(0, len(texts), AT_ONCE):
        if progress:
            progress(done, len(texts), name)
        heard.embed(texts[done : done + AT_ONCE], "passage")
    seconds = perf_counter() - start
    forms = {}
    asked = heard.embed([query.text for query in queries], "query")
    for form, size, scores in _forms(passages, heard, asked):
        found = {query.id: passages.ranking(one) for query, one in zip(queries, scores, strict=True)}
        forms[form] = {"bytes": size, **_figures(found, dataset)}
    with Library(folder, heard) as library:
        library.embed()
        hybrid = _searched(library, dataset, queries, "hybrid", progress, name)
    return {
        "embed_seconds": round(seconds, 3),
        "texts_per_second": round(len(texts) / max(seconds, 1e-9), 1),
        "bytes_per_vector": forms["int8"]["bytes"],
        "question_ms_p50": round(percentile(times, 0.5), 3),
        "alone": {measure: forms["int8"][measure] for measure in MEASURES},
        "hybrid": hybrid,
        "forms": {form: {"bytes": held["bytes"], "ndcg@10": held["ndcg@10"]} for form, held in forms.items()},
    }


def _forms(passages: _Passages, heard: _Remembering, asked: Floats) -> Iterator[tuple[str, int, Iterable[NDArray[Any]]]]:
    """Each form of the vectors: its name, its bytes with the one for the place, and for each question the score of every text."""
    dimension = heard.dimension
    exact = _cut(heard.embed(passages.said, "passage"), dimension)
    yield "float32", 4 * dimension + 1, (exact @ one for one in asked)
    kept = decode(encode(heard, passages.said))
    yield "int8", dimension + 1, (kept @ one for one in asked)
    for name, size in (("half", dimension // 2), ("quarter", dimension // 4)):
        if size:
            yield name, size + 1, _dots(_cut(kept, size), _cut(asked, size))
    centre = kept.mean(axis=0)
    codes = signs(kept, centre)
    yield "signs", -(-dimension // 8) + 1, (-hamming(one, codes) for one in signs(asked, centre))


def _dots(rows: Floats, asked: Floats) -> Iterator[Floats]:
    return (rows @ one for one in asked)


def _cut(rows: Floats, dimension: int) -> Floats:
    """The first dimensions of each row at length 1; a row with nothing there stays at 0, which resembles nothing."""
    cut = np.zeros((len(rows), dimension), np.float32)
    held = rows[:, :dimension].any(axis=1)
    cut[held] = truncate(rows[held], dimension)
    return cut


def _searched(
    library: Library, dataset: Dataset, queries: Sequence[Query], agent: str, progress: Progress | None, name: str = "BM25"
) -> dict[str, float]:
    """What an agent reaches."""
    found = {}
    for done, query in enumerate(queries):
        if progress:
            progress(done, len(queries), name)
        found[query.id] = ranking(library, library.search(query.text, k=HITS, agent=agent))
    return _figures(found, dataset)


def _figures(rankings: Mapping[str, Sequence[str]], dataset: Dataset) -> dict[str, float]:
    found = evaluate(rankings, dataset.qrels)
    return {measure: round(found[measure], PLACES) for measure in MEASURES}


def table(result: dict[str, Any]) -> str:
    """The result of `run_models` as a Markdown table: a row for full text and one for each model."""
    heads = ["model", "dimensions", "load s", "texts/s", "ms a question", "bytes a vector"]
    heads += ["alone nDCG@10", "alone recall@5", "hybrid nDCG@10", "hybrid recall@5"]
    smaller = [form for form in FORMS if form != "int8"]
    rows = [[*heads, *(f"alone, {FORMS[form]}" for form in smaller)]]
    rows.append(["full text (BM25)", *[""] * 5, *_cells(result["bm25"]), *[""] * (2 + len(smaller))])
    for name, figures in result["models"].items():
        load_seconds = figures["load_seconds"]
        forms = figures["forms"]
        rows.append(
            [
                name,
                str(figures["dimension"]),
                "" if load_seconds is None else f"{load_seconds:.2f}",
                f"{figures['texts_per_second']:,.1f}",
                f"{figures['question_ms_p50']:.1f}",
                str(figures["bytes_per_vector"]),
                *_cells(figures["alone"]),
                *_cells(figures["hybrid"]),
                *(f"{forms[form]['ndcg@10']:.3f}" if form in forms else "" for form in smaller),
            ]
        )
    return markdown(rows)


def _cells(figures: Mapping[str, float]) -> list[str]:
    return [f"{figures[measure]:.3f}" for measure in MEASURES]


def conclusion(result: dict[str, Any]) -> str:
    """The choice and its reasons in the order in which a model should be chosen: what its quality costs, whose texts these are, what
    smaller vectors lose, the distance."""
    choice, questions = result["choice"], result["questions"]
    of = f"(1) Quality for its cost: {choice['reason']}."
    domain = f"(2) Domain: this holds for texts and questions like those of {result['dataset']} ({questions} questions)."
    if questions < FEW:
        domain += f" That is few: differences under about {NOISE:g} are noise."
    if not (chosen := choice["model"]):
        return (
            f"Choice: full text alone. {of} {domain} (3) and (4): without vectors, neither their size nor a distance matters."
        )
    forms = result["models"][chosen]["forms"]
    losses = ", ".join(f"{FORMS[form]} {_loss(forms, form):.3f}" for form in forms if form != "float32")
    loss = (
        f"(3) Loss of nDCG@10 by vectors alone, against float32: {losses}; the smallest form that loses at most {NEAR:g}: "
        f"{FORMS[choice['form']]}, {forms[choice['form']]['bytes']} bytes a vector."
    )
    distance = "(4) Distance: cosine, dot product and Euclidean rank alike, as the vectors are kept at length 1."
    return f"Choice: {chosen}. {of} {domain} {loss} {distance}"
