"""What keys of a model bring: the part of a set that is described, and the figures before and after."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from grainline.bench.keys import main, run_keys, table
from grainline.bench.memory import Memory
from grainline.errors import NotFoundError, UsageError
from grainline.testing import FakeEmbedder, FakeLLM

BODY = """(a, b):
    kept, total = [], 0
    for one in a:
        if one not in kept and one != b:
            kept.append(one)
            total += len(kept) * one
    while total < b:
        total = total * 2 + 1
    return kept, total"""
#: what each function is for, which nothing in it says
FUNCTIONS = {
    name: (f"def f{number}{BODY}", said)
    for number, (name, said) in enumerate(
        {
            "tide": "mean height of the tide",
            "crane": "lift a load by crane",
            "berth": "free berths",
            "buoy": "nearest buoy",
        }.items(),
        1,
    )
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "harbour"
    folder.mkdir()
    rows = [{"_id": name, "title": "", "text": code, "lang": "python"} for name, (code, _) in FUNCTIONS.items()]
    queries = [{"_id": f"q-{name}", "text": question} for name, (_, question) in FUNCTIONS.items()]
    for file, lines in (("corpus", rows), ("queries", queries)):
        (folder / f"{file}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    qrels = "".join(f"q-{name}\t{name}\t1\n" for name in FUNCTIONS)
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{qrels}", encoding="utf-8")
    return folder


def model() -> FakeLLM:
    """Says of each function what is asked of it later."""
    return FakeLLM({f"def f{number}": json.dumps({"text": said}) for number, (_, said) in enumerate(FUNCTIONS.values(), 1)})


def test_what_is_described_is_found(folder: Path, tmp_path: Path) -> None:
    llm = model()
    file = tmp_path / "said.jsonl"
    result = run_keys(folder, ["code"], ["code"], Memory(llm, file), embedder=FakeEmbedder())
    assert (result["documents"], result["questions"], result["keys"], llm.calls) == (4, 4, {"code": 4}, 4)
    before, after = (result["agents"]["code"][state] for state in ("none", "made"))
    assert before["mrr@10"] < after["mrr@10"] and after["recall@5"] == 1.0
    assert result["cost"]["calls"] == 4 and result["cost"]["tokens"] > 0
    again = run_keys(folder, ["code"], ["code"], Memory(llm, file), embedder=FakeEmbedder())
    assert llm.calls == 4 and again["agents"] == result["agents"]
    text = table([result])
    assert (
        "| harbour | 4 | 4 | none | code |" in text and f"| harbour | 4 | 4 | code 4 | code | {after['ndcg@10']:.3f} |" in text
    )


def test_a_part_has_the_questions_that_it_answers(folder: Path) -> None:
    result = run_keys(folder, ["fulltext"], ["code"], model(), (2, 2), FakeEmbedder())
    assert (result["documents"], result["questions"], result["cost"]["calls"]) == (2, 2, 2)


def test_what_cannot_be_meant(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no kind of keys 'colour'; there are: summary, code"):
        run_keys(folder, ["code"], ["colour"], model())
    with (folder / "qrels.tsv").open("a", encoding="utf-8") as file:
        file.write("q-tide\tcrane\t1\n")
    with pytest.raises(UsageError, match="no question is answered by 1 documents or fewer"):
        run_keys(folder, ["code"], ["code"], model(), (1, 1))
    with pytest.raises(NotFoundError):
        run_keys(tmp_path / "nowhere", ["code"], ["code"], model())
    said = CliRunner().invoke(main, [str(folder), "--keys", "code", "--llm", "gguf:nowhere.gguf"])
    assert said.exit_code == 1 and "nowhere.gguf" in said.output
