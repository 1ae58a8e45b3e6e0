"""Encoders compared on small sets in English and Chinese: vectors whose every figure follows by hand, and fakes against oracles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grainline.bench import runs
from grainline.bench.datasets import load
from grainline.bench.metrics import evaluate
from grainline.bench.models import FORMS, Measured, conclusion, decide, run_models, smallest, table
from grainline.errors import NotFoundError, UsageError
from grainline.library import Library
from grainline.match.dense import Dense
from grainline.testing import FakeEmbedder
from grainline.types import Side
from model_samples import save_static

#: of each topic what a document says and, where one is asked for, what asks: the first and the last share words, the others none
TOPICS = (
    ("Bread is baked from flour and yeast.", "baked flour yeast"),
    ("Iron rusts when water meets air.", "corrosion metal"),
    ("A glacier moves slowly downhill.", ""),
    ("The owl hunts mice in darkness.", ""),
    ("Ships sail between harbours.", ""),
    ("猫头鹰捕食老鼠。", "夜行猛禽"),
    ("图由顶点和边组成。", ""),
    ("光纤接头应当清洁。", ""),
    ("动物园门票五十元。", ""),
    ("面包含有酵母。", ""),
    ("冰川缓慢移动。", ""),
    ("盗窃公私财物，处三年以下有期徒刑。", "盗窃财物"),
)
DIMENSION = 16
#: gains of a single relevant document at rank 2 and at rank 6
SECOND, SIXTH = 1 / log2(3), 1 / log2(7)


class Topics:
    """Knows the topic of each text of `TOPICS`: that one's axis is its vector. Any other text stands on the last axis."""

    identity, dimension, max_tokens = "topics/16", DIMENSION, 512

    def embed(self, texts: Sequence[str], side: Side) -> Any:
        """Unit rows, one a text."""
        rows = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in zip(rows, texts, strict=True):
            said = [place for place, (document, question) in enumerate(TOPICS) if document in text or question == text]
            row[said[0] if said else -1] = 1
        return rows


class Constant(Topics):
    """Gives every text the same vector, so that documents stay in the order of the corpus."""

    identity = "constant/16"

    def embed(self, texts: Sequence[str], side: Side) -> Any:
        """Unit rows, one a text."""
        return np.eye(self.dimension, dtype=np.float32)[np.zeros(len(texts), int)]


def write(path: Path, documents: Sequence[tuple[str, str]], questions: Sequence[tuple[str, str, str]]) -> Path:
    """A BEIR folder of (id, text) and (id, text, id of the relevant document)."""
    path.mkdir()
    for name, rows in (
        ("corpus.jsonl", [{"_id": one, "title": "note", "text": text} for one, text in documents]),
        ("queries.jsonl", [{"_id": one, "text": text} for one, text, _ in questions]),
    ):
        (path / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    lines = ["query-id\tcorpus-id\tscore", *(f"{one}\t{document}\t1" for one, _, document in questions)]
    (path / "qrels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(
        tmp_path / "小集",
        [(f"d{place:02}", document) for place, (document, _) in enumerate(TOPICS)],
        [(f"q{place:02}", question, f"d{place:02}") for place, (_, question) in enumerate(TOPICS) if question],
    )


# --- figures


def test_the_figures_of_vectors_that_can_be_worked_out(folder: Path) -> None:
    """The relevant documents are the 1st, 2nd, 6th and 12th of the corpus; words find the 1st and the 12th."""
    result = run_models(folder, [Topics(), Constant()])
    assert (result["dataset"], result["documents"], result["texts"], result["questions"]) == ("小集", 12, 12, 4)
    assert result["bm25"] == {"ndcg@10": 0.5, "recall@5": 0.5}
    good, bad = result["models"]["topics/16"], result["models"]["constant/16"]
    assert good["alone"] == good["hybrid"] == {"ndcg@10": 1.0, "recall@5": 1.0}
    assert bad["alone"] == {"ndcg@10": round((1 + SECOND + SIXTH + 0) / 4, 4), "recall@5": 0.5}
    assert bad["hybrid"] == {"ndcg@10": round((1 + SECOND + SIXTH + 1) / 4, 4), "recall@5": 0.75}
    assert good["forms"] == {
        "float32": {"bytes": 65, "ndcg@10": 1.0},
        "int8": {"bytes": 17, "ndcg@10": 1.0},
        "half": {"bytes": 9, "ndcg@10": 0.75},  # of the 12th axis nothing is left, and nothing resembles nothing
        "quarter": {"bytes": 5, "ndcg@10": round((1 + 1 + SIXTH + 0) / 4, 4)},
        "signs": {"bytes": 3, "ndcg@10": 1.0},
    }
    assert result["choice"]["model"] == "topics/16" and result["choice"]["form"] == "signs"
    assert json.loads(json.dumps(result)) == result


def test_the_costs(folder: Path, tmp_path: Path) -> None:
    spec = f"static:{save_static(tmp_path / 'static')}"
    seen: list[tuple[int, int, str]] = []
    result = run_models(folder, [FakeEmbedder(64), spec], progress=lambda *step: seen.append(step))
    assert list(result["models"]) == ["fake/64", spec]
    for name, figures in result["models"].items():
        assert figures["bytes_per_vector"] == figures["dimension"] + 1
        assert figures["texts_per_second"] > 0 and figures["question_ms_p50"] > 0 and figures["embed_seconds"] >= 0
        assert (0, 12, name) in seen and (3, 4, name) in seen
    assert result["models"]["fake/64"]["load_seconds"] is None
    assert result["models"][spec]["load_seconds"] is not None
    assert seen[0] == (0, 4, "BM25")


def test_nothing_is_embedded_twice(folder: Path) -> None:
    model = FakeEmbedder(64)
    run_models(folder, [model])
    assert Counter(model.embedded) == {
        **{f"note. {document}": 1 for document, _ in TOPICS},
        **{question: 2 for _, question in TOPICS if question},  # once to warm up
    }


def test_two_models_of_one_identity_reach_the_same(folder: Path, tmp_path: Path) -> None:
    one = save_static(tmp_path / "static")
    result = run_models(folder, [f"static:{one}", f"static:{one}/"])
    first, second = result["models"].values()
    assert first["identity"] == second["identity"]
    assert (first["alone"], first["hybrid"], first["forms"]) == (second["alone"], second["hybrid"], second["forms"])


def test_limit_takes_the_first_questions(folder: Path) -> None:
    result = run_models(folder, [Constant()], limit=2)
    assert result["questions"] == 2
    assert result["models"]["constant/16"]["alone"] == {"ndcg@10": round((1 + SECOND) / 2, 4), "recall@5": 1.0}


def test_a_long_document_counts_by_its_best_window(tmp_path: Path) -> None:
    filler = "Nothing of note was recorded on that day by anybody in the whole village. " * 12
    long = f"{filler}{TOPICS[0][0]} {filler}"
    other = write(tmp_path / "set", [("short", TOPICS[1][0]), ("long", long)], [("q", TOPICS[0][1], "long")])
    model = FakeEmbedder(256)
    result = run_models(other, [model])
    assert result["texts"] > result["documents"] == 2
    assert result["models"]["fake/256"]["alone"]["ndcg@10"] == 1.0
    assert not any(text.count("Nothing") > 8 for text in model.embedded)


@pytest.mark.parametrize("dimension", [48, 256])
def test_the_figures_are_those_of_an_embedded_library(tmp_path: Path, dimension: int) -> None:
    """Against the library itself: its agent `hybrid` after `embed`, and its own search over all vectors."""
    words = "owl night car buy town 盗窃 财物 夜里 汽车 数额".split()
    chance = np.random.default_rng(5)
    texts = [" ".join(chance.choice(words, 7)) + f" {place}" for place in range(40)]
    asked = [(f"q{place}", " ".join(texts[place].split()[:3]), f"d{place}") for place in range(0, 40, 3)]
    other = write(tmp_path / "set", [(f"d{place}", text) for place, text in enumerate(texts)], asked)
    figures = run_models(other, [FakeEmbedder(dimension)])["models"][f"fake/{dimension}"]
    dataset, model = load(other), FakeEmbedder(dimension)
    with runs.built([dataset.corpus]) as made, Library(made.library.folder, model) as library:
        library.embed()
        hybrid = {
            query.id: runs.ranking(library, library.search(query.text, k=runs.HITS, agent="hybrid"))
            for query in dataset.queries
        }
        alone = {}
        with library.snapshot() as state:
            dense, sources = Dense.of(state, model), [source for _, source, _ in state.sources().values()]
            for query in dataset.queries:
                entries = dense.nearest(model.embed([query.text], "query")[0], 60)
                alone[query.id] = [sources[entry].partition("#")[2] for entry in entries]
    for measure in ("ndcg@10", "recall@5"):
        assert figures["hybrid"][measure] == pytest.approx(evaluate(hybrid, dataset.qrels)[measure], abs=1e-4)
        assert figures["alone"][measure] == pytest.approx(evaluate(alone, dataset.qrels)[measure], abs=1e-4)
    assert 0.3 < figures["alone"]["ndcg@10"] < 1


def test_a_model_of_one_dimension_has_no_half(folder: Path) -> None:
    class Narrow(Constant):
        identity, dimension = "narrow/1", 1

    result = run_models(folder, [Narrow()])
    assert list(result["models"]["narrow/1"]["forms"]) == ["float32", "int8", "signs"]
    assert "narrow/1" in table(result) and conclusion(result)


def test_a_run_that_cannot_be_meant(folder: Path, tmp_path: Path) -> None:
    model = FakeEmbedder(64)
    for models, limit, message in (
        ([], None, "name at least one model"),
        ([model], 0, "limit must be at least 1"),
        ([model, FakeEmbedder(64)], None, "the model fake/64 is named twice"),
    ):
        with pytest.raises(UsageError, match=message):
            run_models(folder, models, limit)
    with pytest.raises(NotFoundError, match="no embedder 'nobody'"):
        run_models(folder, [model, "nobody"])
    with pytest.raises(NotFoundError, match="no such folder"):
        run_models(tmp_path / "none", [model])
    with pytest.raises(UsageError, match="the corpus holds no text"):
        run_models(write(tmp_path / "empty", [("a", "")], [("q", "owl", "a")]), [model])
    assert model.embedded == []


# --- the choice, on figures made up


def made(bm25: float, models: dict[str, tuple[float, float]], questions: int = 300, **forms: float) -> dict[str, Any]:
    """A result: models by name with nDCG@10 of hybrid and texts a second, and the forms' nDCG@10 alone."""
    chosen, reason = decide(bm25, [Measured(name, *figures) for name, figures in models.items()])
    sizes = {"float32": 1537, "int8": 385, "half": 193, "quarter": 97, "signs": 49}
    held = {form: {"bytes": size, "ndcg@10": forms.get(form, 0.5)} for form, size in sizes.items()}
    figures = {
        name: {
            "dimension": 384,
            "load_seconds": 0.5,
            "texts_per_second": per_second,
            "question_ms_p50": 9.0,
            "bytes_per_vector": 385,
            "alone": {"ndcg@10": 0.5, "recall@5": 0.5},
            "hybrid": {"ndcg@10": hybrid, "recall@5": 0.5},
            "forms": held,
        }
        for name, (hybrid, per_second) in models.items()
    }
    choice = {"model": chosen, "form": smallest(held) if chosen else None, "reason": reason}
    baseline = {"ndcg@10": bm25, "recall@5": 0.5}
    return {"dataset": "我的集", "questions": questions, "bm25": baseline, "models": figures, "choice": choice}


@pytest.mark.parametrize(
    ("bm25", "models", "chosen"),
    [
        (0.70, {"large": (0.80, 40), "small": (0.79, 900), "tiny": (0.7899, 9000)}, "small"),  # .01 is near, .0101 is not
        (0.70, {"large": (0.80, 40), "small": (0.78, 900)}, "large"),
        (0.70, {"slow": (0.80, 40), "quick": (0.80, 41)}, "quick"),
        (0.70, {"one": (0.71, 40)}, None),
        (0.70, {"one": (0.7101, 40)}, "one"),
        (0.70, {"one": (0.60, 40), "two": (0.65, 1)}, None),
        (0.70, {"large": (0.712, 40), "small": (0.705, 900)}, "large"),  # the small one is near, but no better than words
    ],
)
def test_the_cheapest_of_the_best(bm25: float, models: dict[str, tuple[float, float]], chosen: str | None) -> None:
    assert decide(bm25, [Measured(name, *figures) for name, figures in models.items()])[0] == chosen


def test_the_conclusion_goes_in_its_order() -> None:
    result = made(0.70, {"large": (0.80, 40), "small": (0.795, 900)}, half=0.4951, quarter=0.46, signs=0.4899)
    said = conclusion(result)
    assert "\n" not in said and said.startswith("Choice: small. (1)")
    steps = [said.index(step) for step in ("(1) Quality for its cost", "(2) Domain", "(3) Loss", "(4) Distance")]
    assert steps == sorted(steps)
    first, second, third, fourth = (said[start:end] for start, end in zip(steps, [*steps[1:], None], strict=True))
    assert "0.795" in first and "0.700" in first and "large, has 0.800 at 40.0 texts a second" in first
    assert "我的集 (300 questions)" in second and "noise" not in second
    assert "int8 0.000, half the dimensions 0.005, a quarter of the dimensions 0.040, sign bits 0.010" in third
    assert third.rstrip().endswith("half the dimensions, 193 bytes a vector.")  # sign bits lose .0101
    assert "rank alike" in fourth


def test_full_text_wins_where_no_model_helps() -> None:
    said = conclusion(made(0.70, {"large": (0.71, 40), "small": (0.69, 900)}))
    assert said.startswith("Choice: full text alone. (1)") and "the best, large: 0.710" in said
    assert "without vectors" in said and "bytes a vector" not in said


@pytest.mark.parametrize(("questions", "warned"), [(49, True), (50, False)])
def test_few_questions_are_warned_of(questions: int, warned: bool) -> None:
    for models in ({"one": (0.9, 40.0)}, {"one": (0.5, 40.0)}):
        said = conclusion(made(0.70, models, questions))
        assert ("differences under about 0.05 are noise" in said) == warned


def test_what_loses_nothing_is_not_said_to_lose() -> None:
    result = made(0.70, {"one": (0.9, 40.0)}, int8=0.51, half=0.4, quarter=0.3, signs=0.2)
    assert result["choice"]["form"] == "int8"
    assert "int8 -0.010, half the dimensions 0.100" in conclusion(result)
    assert "-0.000" not in conclusion(result)


def test_the_table_has_a_row_for_full_text_and_each_model() -> None:
    lines = table(made(0.70, {"large": (0.80, 40), "small": (0.795, 1900)}, signs=0.45)).splitlines()
    assert len(lines) == 5 and all(line.count("|") == lines[0].count("|") for line in lines)
    assert all(f"alone, {said}" in lines[0] for form, said in FORMS.items() if form != "int8")
    assert lines[2].startswith("| full text (BM25) |") and "| 0.700 | 0.500 |" in lines[2]
    assert (
        lines[4].startswith("| small | 384 | 0.50 | 1,900.0 | 9.0 | 385 | 0.500 | 0.500 | 0.795 |") and "| 0.450 |" in lines[4]
    )
