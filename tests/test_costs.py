"""What questions may spend, which is kept hard, and what they have spent, which is summed up."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

import grainline
from grainline import costs, render
from grainline.agents import registry
from grainline.doctor import examine
from grainline.errors import StorageError, UsageError
from grainline.library import Library
from grainline.testing import FakeEmbedder
from grainline.types import Answer, Budget, Cost, Evidence, Rung, Side, Step

QUESTIONS = ("how many owls hunt at night in the barn", "投喂猫头鹰罚款多少")
TABLE = "| city | owls |\n|---|---|\n| Rome | 12 |\n| 北京 | 7 |\n"
#: steps that hand over what is there, and look for nothing
HANDING = {"fuse words and meaning", "put parts to their passages"}


class SlowEmbedder(FakeEmbedder):
    """One that takes its time, and notes how often it was called."""

    calls = 0

    def embed(self, texts: Sequence[str], side: Side):  # type: ignore[no-untyped-def]
        self.calls += 1
        time.sleep(0.08)
        return super().embed(texts, side)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("docs")
    for number in range(6):
        (root / f"{number}.md").write_text(
            f"# Owls {number}\n\nThe barn owl {number} hunts at night.\n\n{TABLE}", encoding="utf-8"
        )
        (root / f"法{number}.md").write_text(f"# 第{number}章\n\n投喂猫头鹰的，处{number}百元罚款。\n", encoding="utf-8")
    (root / "owl.py").write_text('def hunt(owl: str) -> str:\n    """Hunt at night."""\n    return owl\n', encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, sources: Path) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    with grainline.open(folder) as library:
        library.add([sources])
    return folder


#: `state` needs a model, and has tests of its own
WITHOUT_A_MODEL = sorted(set(registry.registered()) - {"state"})


def retrieved(folder: Path, agent: str, question: str, budget: Budget, embedder: FakeEmbedder) -> Evidence:
    """Asked of a fresh snapshot, so that no vector is kept from one question to the next."""
    with grainline.open(folder) as library, library.snapshot() as snapshot:
        snapshot.embedder = lambda: embedder
        evidence = registry.make(agent, snapshot).retrieve(question, 5, budget=budget)
        snapshot.fresh.clear()
        return evidence


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("agent", WITHOUT_A_MODEL)
def test_every_agent_keeps_the_budget(filled: Path, agent: str, question: str) -> None:
    free = FakeEmbedder()
    retrieved(filled, agent, question, Budget(), free)
    for most in (0, 1, 3):
        embedder = FakeEmbedder()
        evidence = retrieved(filled, agent, question, Budget(embedded=most, calls=0, tokens=0), embedder)
        assert len(embedder.embedded) == evidence.cost.embedded <= most
        assert (evidence.cost.calls, evidence.cost.tokens_in, evidence.cost.tokens_out) == (0, 0, 0)
        assert any("left out" in step.detail for step in evidence.trace) == (len(free.embedded) > most)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("agent", WITHOUT_A_MODEL)
def test_no_step_is_started_after_the_time_is_spent(filled: Path, agent: str, question: str) -> None:
    embedder = FakeEmbedder()
    evidence = retrieved(filled, agent, question, Budget(milliseconds=0.0), embedder)
    taken = [step.action for step in evidence.trace if not step.detail.startswith("left out")]
    assert embedder.embedded == []
    assert set(taken[1:]) <= HANDING
    slow = SlowEmbedder()
    evidence = retrieved(filled, agent, "owl", Budget(milliseconds=60.0), slow)
    assert slow.calls <= 1
    assert not slow.calls or any("left out" in step.detail for step in evidence.trace)


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        ("ms=500,embedded=50,calls=0,tokens=0", Budget(500.0, 50, 0, 0)),
        (" tokens = 10 , ms=0.5", Budget(0.5, tokens=10)),
        ("calls=1，embedded=2", Budget(embedded=2, calls=1)),
    ],
)
def test_budgets_are_read(text: str, budget: Budget) -> None:
    assert costs.parse_budget(text) == budget


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is none of ms=, embedded=, calls=, tokens="),
        ("seconds=1", "'seconds=1' is none of ms="),
        ("ms", "'ms' is none of"),
        ("ms=1,", "'' is none of"),
        ("ms=1,ms=2", "ms is said twice"),
        ("ms=fast", "ms=fast is no number from 0 up"),
        ("ms=nan", "ms=nan"),
        ("ms=inf", "ms=inf"),
        ("embedded=-1", "embedded=-1 is no number from 0 up"),
        ("calls=1.5", "calls=1.5 is no whole number"),
        ("tokens=", "tokens= is no number"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=f"budget: .*{said}|budget: {said}"):
        costs.parse_budget(text)


def test_what_is_left_of_a_budget() -> None:
    left = Budget(500.0, 50, 2, 100).left(Cost(120.0, 60, 1, 30, 50))
    assert left == Budget(380.0, 0, 1, 20)
    assert left.lacks(Cost()) == ""
    assert [
        left.lacks(price) for price in (Cost(embedded=1), Cost(calls=2), Cost(tokens_in=15, tokens_out=6), Cost(400.0))
    ] == [
        "embedded",
        "calls",
        "tokens",
        "ms",
    ]
    assert Budget().left(Cost(1.0, 1, 1, 1, 1)) == Budget()


def test_questions_are_summed_by_agent(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(costs.VARIABLE, raising=False)
    assert costs.summed(library.folder) == {
        "since": "",
        "agents": {},
        "total": dict.fromkeys(("questions", "milliseconds", "embedded", "calls", "tokens_in", "tokens_out"), 0),
    }
    answer = library.ask("What is ownership?", agent="fulltext")
    library.search("猫头鹰", agent="fulltext")
    library.search("owl", agent="grep")
    found = library.status(costs=True)["costs"]
    assert {name: row["questions"] for name, row in found["agents"].items()} == {"fulltext": 2, "grep": 1}
    assert found["total"]["questions"] == 3
    assert found["agents"]["fulltext"]["milliseconds"] > answer.cost.milliseconds
    log = (library.folder / costs.NAME).read_text(encoding="utf-8")
    assert "owner" not in log and "猫" not in log and "owl" not in log
    assert "costs" not in library.status()


def test_a_routed_question_counts_for_all_that_were_asked(tmp_path: Path) -> None:
    rungs = (
        Rung("sql", 0.9, Cost(), asked=True, cost=Cost(5.0)),
        Rung("hybrid", 0.5, Cost(), asked=True, cost=Cost(30.0, 90)),
        Rung("code", 0.1, Cost()),
    )
    answer = Answer("", (), Evidence(()), True, "hybrid", ("sql", "hybrid"), Cost(37.0, 90, 1, 10, 5), rungs)
    assert costs.by_agent(answer) == {"sql": Cost(5.0), "hybrid": Cost(30.0, 90), costs.ROUTER: Cost(2.0, 0, 1, 10, 5)}
    costs.record(tmp_path, costs.by_agent(answer))
    ledger = costs.read(tmp_path)
    assert ledger.questions == 1
    assert {name: spent.questions for name, spent in ledger.agents.items()} == {"sql": 1, "hybrid": 1, costs.ROUTER: 1}


def test_money_by_the_prices_that_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    costs.record(tmp_path, {"sql": Cost(5.0, 0, 2, 2_000_000, 100_000)})
    monkeypatch.setenv(costs.VARIABLE, "in=0.15, out=0.60, currency=USD")
    found = costs.summed(tmp_path)
    assert (found["agents"]["sql"]["money"], found["currency"]) == (0.36, "USD")
    assert render.costs_text(found).splitlines()[1].split()[-1] == "USD"
    assert render.costs_text(found).splitlines()[2].split()[-1] == "0.36"
    for wrong in ("in=0.15", "in=a,out=1", "0.15", "in=1,out=2,cent=3"):
        monkeypatch.setenv(costs.VARIABLE, wrong)
        with pytest.raises(UsageError, match=costs.VARIABLE):
            costs.summed(tmp_path)


def test_lines_of_others_are_passed_over(tmp_path: Path) -> None:
    costs.record(tmp_path, {"grep": Cost(1.0)})
    place = tmp_path / costs.NAME
    wrong = [
        '{"day":"2025-01-01","questions":1,"agents":{"grep":[1,2.0,0,0',
        '{"day":"2025-01-01","questions":1,"agents":{"gr\\u001b[2Jep":[1,2.0,0,0,0,0]}}',
        '{"day":"2025-01-01","questions":1,"agents":{"grep":[1,NaN,0,0,0,0]}}',
        '{"day":"2025-01-01","questions":1,"agents":{"grep":[-1,1,0,0,0,0]}}',
        '{"day":"2025-01-01","questions":1,"agents":{"grep":[1,1,0,0,0]}}',
        '{"day":"2025-01-01","questions":1,"agents":{"grep":1}}',
        '{"day":"yesterday","questions":1,"agents":{}}',
        f'{{"day":"2025-01-01","questions":1,"agents":{{"grep":[1,1,0,0,0,{10**300}]}}}}',
        "[" * 100_000,
        "null",
        "\udcff",
    ]
    with place.open("a", encoding="utf-8", errors="surrogateescape") as file:
        file.write("".join(f"\n{line}" for line in wrong))
    costs.record(tmp_path, {"grep": Cost(2.0)})
    assert costs.read(tmp_path).agents == {"grep": costs.Spent(2, Cost(3.0))}


def test_a_log_that_cannot_be_written_stops_nobody(library: Library, tmp_path: Path) -> None:
    place, elsewhere = library.folder / costs.NAME, tmp_path / "elsewhere"
    place.mkdir()
    assert library.search("owl", agent="fulltext").hits
    place.rmdir()
    if hasattr(os, "mkfifo"):
        elsewhere.write_text("mine", encoding="utf-8")
        place.symlink_to(elsewhere)
        assert library.ask("owl", agent="fulltext").text
        assert elsewhere.read_text(encoding="utf-8") == "mine"
        with pytest.raises(StorageError, match="cannot read"):
            library.status(costs=True)
        place.unlink()
        os.mkfifo(place)
        assert library.search("owl", agent="fulltext").hits
        assert costs.read(library.folder) == costs.Ledger()


def test_the_log_is_no_part_of_the_library(library: Library) -> None:
    before = library.status()
    library.search("owl", agent="fulltext")
    (library.folder / costs.FRESH_NAME).write_text("left by one that died", encoding="utf-8")
    assert library.status() == before
    library.close()
    assert examine(library.folder).found == []
    (library.folder / costs.NAME).unlink()
    with grainline.open(library.folder) as opened:
        assert opened.status(costs=True)["costs"]["agents"] == {}
        assert opened.search("owl", agent="fulltext").hits


@pytest.mark.skipif(costs.fcntl is None, reason="Windows never shortens the log")
def test_a_long_log_becomes_its_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "LONG", 1000)
    (tmp_path / costs.FRESH_NAME).write_text("left by one that died", encoding="utf-8")
    for _ in range(200):
        costs.record(tmp_path, {"grep": Cost(0.5), "sql": Cost(1.0, 2, 3, 4, 5)})
        assert (tmp_path / costs.NAME).stat().st_size < 1200
    ledger = costs.read(tmp_path)
    assert ledger.questions == 200
    assert ledger.agents == {"grep": costs.Spent(200, Cost(100.0)), "sql": costs.Spent(200, Cost(200.0, 400, 600, 800, 1000))}
    assert [path.name for path in tmp_path.iterdir()] == [costs.NAME]


@pytest.mark.skipif(costs.fcntl is None, reason="Windows never shortens the log")
def test_processes_lose_no_line_to_each_other(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from grainline import costs; from grainline.types import Cost\n"
        "costs.LONG, costs.TRIES = 1500, 100_000\n"
        "for _ in range(500): costs.record(Path(sys.argv[1]), {sys.argv[2]: Cost(1.0, 1)})\n"
    )
    names = ("grep", "sql", "hybrid", "code")
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), name]) for name in names]
    assert [process.wait(timeout=60) for process in running] == [0] * len(names)
    ledger = costs.read(tmp_path)
    assert ledger.questions == 2000
    assert ledger.agents == dict.fromkeys(names, costs.Spent(500, Cost(500.0, 500)))


def test_recording_costs_next_to_nothing(tmp_path: Path) -> None:
    took = []
    for _ in range(200):
        start = time.perf_counter()
        costs.record(tmp_path, {"hybrid": Cost(12.3, 90), "sql": Cost(5.0)})
        took.append((time.perf_counter() - start) * 1000)
    assert statistics.median(took) < 0.3


def explained() -> Answer:
    rungs = (
        Rung("表格", 0.91, Cost(20.0), True, "it counts", "12 rows", 0.85, Cost(18.3)),
        Rung("hybrid", 0.4, Cost(900.0, 90, 1, 200, 50), reason="the evidence\nsuffices"),
    )
    trace = (Step("读问题", "a count", Cost(3.0)), Step("run it", "12 rows", Cost(15.3)))
    return Answer("12", (), Evidence((), trace), True, "表格", ("表格",), Cost(19.0), rungs)


def test_what_the_router_thought_is_a_table() -> None:
    lines = render.explain_text(explained()).splitlines()
    assert lines[0].split() == ["agent", "fit", "price", "asked", "found", "sure", "spent", "why"]
    assert lines[1].split() == ["表格", "0.91", "20", "ms", "yes", "12", "rows", "0.85", "18.3", "ms", "it", "counts"]
    assert "900 ms, 90 embedded, 1 model call, 250 tokens" in lines[2]
    assert lines[2].endswith("the evidence suffices")
    assert lines[4].split() == ["ms", "embedded", "calls", "tokens", "step", "of", "表格"]
    assert lines[5].split() == ["3.0", "0", "0", "0", "读问题:", "a", "count"]
    starts = [
        render.width(line[: line.index(word)]) for line, word in zip(lines[:3], ("why", "it counts", "the evid"), strict=True)
    ]
    assert len(set(starts)) == 1


def test_what_the_router_thought_is_an_object() -> None:
    found = render.explain_json(explained())
    assert json.loads(json.dumps(found)) == found
    assert set(found["rungs"][0]) == {"agent", "fit", "price", "asked", "reason", "found", "confidence", "cost"}
    assert found["rungs"][1]["price"]["embedded"] == 90
    assert found["trace"][1] == {"action": "run it", "detail": "12 rows", "cost": render.cost_json(Cost(15.3))}


def test_long_cells_are_cut() -> None:
    shown = render.table([("猫" * 60, "end"), ("owl", "x" * 90)], "ll").splitlines()
    assert shown[0].startswith("猫" * 24 + "…") and render.width(shown[0].removesuffix("end").rstrip()) <= render.CELL
    assert shown[1].endswith("x" * 90)
