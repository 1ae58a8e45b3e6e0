"""The command line as a contract: objects, exit status, messages."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import document_samples as samples
from grainline.ask.answer import no_answer
from grainline.cli.waiting import ERASE, Heard, busy
from grainline.render import answer_text
from grainline.types import Answer, Citation, Evidence
from model_samples import save_static

HIT = {"source", "start", "end", "line", "text", "score", "via"}
COST = {"milliseconds", "embedded", "calls", "tokens_in", "tokens_out"}


def run(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from grainline.cli import run; run()", *words]
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", env={**os.environ, **environment}, timeout=60
    )


@pytest.fixture
def place(tmp_path: Path, folder: Path) -> Path:
    assert run("add", "docs", cwd=tmp_path).returncode == 0
    return folder.parent


def test_search(place: Path) -> None:
    done = run("search", "猫头鹰", "-k", "3", "--json", cwd=place)
    assert done.returncode == 0
    found = json.loads(done.stdout)
    assert set(found) == {"hits", "cost", "agent"}
    assert set(found["cost"]) == COST
    assert all(set(hit) == HIT for hit in found["hits"])
    text = (place / found["hits"][0]["source"]).read_text(encoding="utf-8")
    assert text[found["hits"][0]["start"] : found["hits"][0]["end"]] == found["hits"][0]["text"]
    assert "动物园" in run("search", "猫头鹰", cwd=place).stdout


def test_ask(place: Path) -> None:
    done = run("ask", "What is ownership?", "--agent", "fulltext", "--json", cwd=place)
    answer = json.loads(done.stdout)
    assert set(answer) == {"answer", "answered", "citations", "agent", "route", "cost"}
    assert answer["answered"] is True
    assert (answer["agent"], answer["route"]) == ("fulltext", ["fulltext"])
    assert set(answer["citations"][0]) == {"source", "start", "end", "line", "quote"}
    shown = run("ask", "What is ownership?", cwd=place).stdout
    assert "[1] docs/ownership.md:3" in shown


def test_what_has_pages_is_cited_with_its_page(place: Path) -> None:
    (place / "docs" / "manual.pdf").write_bytes(samples.manual())
    assert run("add", "docs", cwd=place).returncode == 0
    question = "`保护民事主体`"
    shown = run("ask", question, cwd=place).stdout
    (place_of,) = [line for line in shown.splitlines() if line.startswith("[1] ")]
    assert place_of.startswith("[1] docs/manual.pdf:") and place_of.endswith(" (page 2)")
    (first, *_) = json.loads(run("ask", question, "--json", cwd=place).stdout)["citations"]
    assert first["page"] == "2"
    (first, *_) = json.loads(run("search", question, "--agent", "grep", "--json", cwd=place).stdout)["hits"]
    assert first["page"] == "2"


def test_what_is_nearest_is_told_in_the_language_of_the_question() -> None:
    near = Citation("a.md", 0, 4, 1, "owls")
    for question, words in (("Who taught owls?", "The nearest there is:"), ("谁教猫头鹰？", "最接近的段落：")):
        shown = answer_text(Answer(no_answer(question), (near,), Evidence(()), False, "fulltext"))
        assert shown.splitlines()[:3] == [no_answer(question), words, ""] and "[1] a.md:1  owls" in shown


def test_explain(place: Path) -> None:
    done = run("ask", "投喂猫头鹰罚款多少？", "--agent", "outline", "--explain", "--json", cwd=place)
    answer = json.loads(done.stdout)
    assert answer["rungs"] == []
    assert [step["action"] for step in answer["trace"]][:1] == ["match the words of passages (BM25)"]
    assert all(set(step) == {"action", "detail", "cost"} and set(step["cost"]) == COST for step in answer["trace"])
    shown = run(
        "ask", "What is ownership?", "--agent", "fulltext", "--explain", "--budget", "ms=5000, calls=0", cwd=place
    ).stdout
    head, step = shown.rstrip().splitlines()[-2:]
    assert head.split() == ["ms", "embedded", "calls", "tokens", "step", "of", "fulltext"]
    assert "match the words of passages (BM25): " in step
    spent = run("ask", "What is ownership?", "--agent", "outline", "--explain", "--budget", "ms=0", cwd=place).stdout
    assert "walk up to the sections and down: left out: too little is left of the budget (ms)" in spent


def test_costs(place: Path) -> None:
    run("ask", "What is ownership?", "--agent", "fulltext", cwd=place)
    run("search", "猫头鹰", "--agent", "grep", cwd=place)
    prices = {"GRAINLINE_PRICES": "in=0.15,out=0.60,currency=EUR"}
    found = json.loads(run("status", "--costs", "--json", cwd=place, **prices).stdout)["costs"]
    assert {name: row["questions"] for name, row in found["agents"].items()} == {"fulltext": 1, "grep": 1}
    assert set(found["total"]) == {"questions", "money", *COST} and found["currency"] == "EUR"
    shown = run("status", "--costs", cwd=place).stdout.splitlines()
    assert shown[-4].split()[:3] == ["agent", "questions", "milliseconds"]
    assert [line.split()[:2] for line in shown[-3:]] == [["fulltext", "1"], ["grep", "1"], ["all", "2"]]
    assert "costs" not in json.loads(run("status", "--json", cwd=place).stdout)
    assert run("doctor", cwd=place).stdout == "the library is sound\n"


def test_embed(place: Path, tmp_path: Path) -> None:
    """With a table of word vectors: an encoder that needs no package of weights."""
    spec = f"static:{save_static(tmp_path / 'static')}"
    asking = ("search", "owl", "--agent", "hybrid", "--embedder", spec, "--json")
    assert json.loads(run(*asking, "--budget", "embedded=2", cwd=place).stdout)["cost"]["embedded"] == 2
    done = run("embed", "--embedder", spec, "--json", cwd=place)
    assert json.loads(done.stdout)["embedded"] > 0
    status = json.loads(run("status", "--json", cwd=place).stdout)
    assert list(status["vectors"]) == [status["embedded"]]
    assert status["bytes_per_passage"] == round(status["disk_bytes"] / status["passages"])
    assert f"vectors of {status['embedded']}: " in run("status", cwd=place).stdout
    found = json.loads(run(*asking, cwd=place).stdout)
    assert found["cost"]["embedded"] == 1 and found["hits"][0]["via"][:2] == ["bm25:text", "vector:text"]
    refused = run("search", "owl", "--agent", "hybrid", cwd=place)
    assert refused.returncode == 2 and "if you trust that" in refused.stderr
    (place / "docs" / "new.md").write_text("# New\n\nA night for owls.\n", encoding="utf-8")
    added = run("add", "docs", "--embed", "--embedder", spec, "--json", cwd=place)
    assert (json.loads(added.stdout)["added"], json.loads(added.stdout)["embedded"]) == (1, 1)
    families = run("bench", "index", "--embedder", spec, "--families", "exact", "--json", cwd=place)
    assert json.loads(families.stdout)["vectors"] > 0


@pytest.mark.parametrize(
    "question", ["What does a reference do to a value and how many owners has it?", "投喂猫头鹰或者盗窃动物怎么处理？"]
)
def test_every_process_answers_alike(place: Path, tmp_path: Path, question: str) -> None:
    """Sets have another order in each process; no sum may depend on it."""
    spec = f"static:{save_static(tmp_path / 'static')}"
    printed = []
    for seed in ("1", "2", "3"):
        done = run(
            "ask", question, "--agent", "hybrid", "--embedder", spec, "--json", "-k", "30", cwd=place, PYTHONHASHSEED=seed
        )
        answer = json.loads(done.stdout)
        answer["cost"] = {}
        printed.append(answer)
    assert printed[0] == printed[1] == printed[2]


def test_bench_models(place: Path, tmp_path: Path) -> None:
    spec = f"static:{save_static(tmp_path / 'static')}"
    (tmp_path / "set").mkdir()
    rows = [{"_id": "a", "text": "the owl hunts at night"}, {"_id": "b", "text": "图由顶点和边组成"}]
    (tmp_path / "set" / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    (tmp_path / "set" / "queries.jsonl").write_text('{"_id": "q", "text": "owl at night"}', encoding="utf-8")
    (tmp_path / "set" / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq\ta\t1\n", encoding="utf-8")
    done = run("bench", "models", "set", "--models", spec, "--out", "out.json", cwd=tmp_path)
    assert done.returncode == 0 and "Choice: full text alone" in done.stdout and f"| {spec} |" in done.stdout
    assert list(json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["results"]["models"]) == [spec]
    assert run("bench", "models", "set", "--models", "nothing", cwd=tmp_path).returncode == 1


def test_ask_with_a_path_adds_it_first(tmp_path: Path, folder: Path) -> None:
    done = run("ask", "docs", "投喂猫头鹰罚款多少？", "--json", cwd=tmp_path, GRAINLINE_LIBRARY=str(tmp_path / "elsewhere"))
    assert json.loads(done.stdout)["answered"] is True
    assert "4 added" in done.stderr
    assert (tmp_path / "elsewhere" / "library.sqlite").exists()
    assert not (tmp_path / ".grainline").exists()


def test_status_agents_remove(place: Path) -> None:
    status = json.loads(run("status", "--json", "--sources", cwd=place).stdout)
    assert status["documents"] == 4
    assert len(status["sources"]) == 4
    assert {"grep", "fulltext", "hybrid", "window", "parent", "outline"} <= set(
        json.loads(run("agents", "--json", cwd=place).stdout)
    )
    assert json.loads(run("remove", "docs/law", "--json", cwd=place).stdout) == {"removed": 1}
    assert json.loads(run("status", "--json", cwd=place).stdout)["documents"] == 3


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("search", "owl", "--agent", "nobody"), 1, "no agent 'nobody'"),
        (("search", "/(/", "--agent", "grep"), 1, "cannot search for the pattern"),
        (("search", "   "), 2, "the question is empty"),
        (("search", "owl", "-k", "0"), 2, "0 is not in the range"),
        (("search", "owl", "--budget", "euros=1"), 2, "budget: 'euros=1' is none of ms=, embedded=, calls=, tokens="),
        (("ask", "owl", "--budget", "embedded=few"), 2, "budget: embedded=few is no number from 0 up"),
        (("remove", "nothing"), 1, "nothing is not in the library"),
        (("add", "nowhere"), 1, "nowhere does not exist"),
        (("ask", "a", "b", "c"), 2, "put the question in quotes"),
        (("frobnicate",), 2, "No such command"),
        (("search", "owl", "--library", "nowhere"), 1, "no library in nowhere"),
    ],
)
def test_errors_are_messages(place: Path, words: tuple[str, ...], status: int, message: str) -> None:
    done = run(*words, cwd=place)
    assert (done.returncode, done.stdout) == (status, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_limits_are_flags(tmp_path: Path, folder: Path) -> None:
    done = run("add", "docs", "--max-file-bytes", "100", "--json", cwd=tmp_path)
    summary = json.loads(done.stdout)
    assert done.returncode == 0
    assert all("--max-file-bytes" in failure["reason"] for failure in summary["failed"])
    assert summary["failed"]


def test_no_progress_in_a_pipe(tmp_path: Path, folder: Path) -> None:
    assert run("add", "docs", cwd=tmp_path).stderr == ""


def test_a_closed_pipe_is_no_traceback(place: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -c 'from grainline.cli import run; run()' search owl | true",
        shell=True,
        cwd=place,
        capture_output=True,
        text=True,
    )
    assert "Traceback" not in done.stderr


def test_models_lists_what_there_is(tmp_path: Path) -> None:
    found = json.loads(run("models", "--json", cwd=tmp_path).stdout)
    assert {"e5", "onnx:FOLDER", "openai:URL#MODEL"} <= set(found["embedders"])
    assert {"gguf:FILE", "openai:MODEL", "https://HOST/v1#MODEL"} <= set(found["llms"])
    lines = [*found["embedders"].values(), *found["llms"].values()]
    assert all("[ready]" in line or "pip install" in line for line in lines)
    shown = run("models", cwd=tmp_path).stdout
    assert all(line in shown for line in lines)


def test_bench_index_ends_with_a_choice(tmp_path: Path) -> None:
    dice = np.random.default_rng(1)
    np.save(tmp_path / "vectors.npy", dice.normal(size=(1200, 32)).astype(np.float32))
    done = run("bench", "index", "vectors.npy", "--families", "exact,binary", "--picture", "out.svg", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "| exact |" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Choice: exact")
    assert (tmp_path / "out.svg").read_text(encoding="utf-8").startswith("<svg")
    assert run("bench", "index", "nowhere.npy", cwd=tmp_path).returncode == 1


# --- while an answer is on its way


class Terminal(io.StringIO):
    """What a terminal was sent."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_that_something_goes_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    monkeypatch.setattr("grainline.cli.waiting.PATIENCE", 0.01)
    monkeypatch.setattr("grainline.cli.waiting.BEAT", 0.01)
    with busy("answering") as line:
        while shown.getvalue().count("answering (0 s)") < 2:
            time.sleep(0.005)
        Heard(line)("an owl")
        assert shown.getvalue().endswith(ERASE) and capsys.readouterr().out == "an owl"
        before = shown.getvalue()
        time.sleep(0.05)
    assert shown.getvalue() == before


def test_what_is_quick_or_no_terminal_is_shown_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with busy("answering"):
        pass
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with busy("answering") as line:
        assert line is None
    assert shown.getvalue() == ""
