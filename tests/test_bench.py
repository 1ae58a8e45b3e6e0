"""The benchmark on tiny sets made here, English and Chinese, so that every figure can be checked by hand."""

from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from grainline.bench import datasets, lazy, lexical, report, runs
from grainline.bench.metrics import NAMES
from grainline.errors import NotFoundError, UsageError
from grainline.testing import FakeEmbedder

CORPUS = [
    {"_id": "bread", "title": "Bread", "text": "Bread is baked from flour, water and yeast."},
    {"_id": "iron", "title": "Iron", "text": "Iron rusts when water and air meet it."},
    {"_id": "a/b#c", "title": "", "text": "A glacier is a slow river of ice."},
    {"_id": "盗窃", "title": "第二百六十四条", "text": "盗窃公私财物，数额较大的，处三年以下有期徒刑。"},
    {"_id": "诈骗", "title": "第二百六十六条", "text": "诈骗公私财物，数额较大的，处三年以下有期徒刑。"},
    {"_id": 7, "title": "图论", "text": "图由顶点和边组成。"},
]
QUERIES = [
    {"_id": "q1", "text": "What is bread baked from?", "answers": ["flour"]},
    {"_id": "q2", "text": "slow river of ice"},
    {"_id": "q3", "text": "盗窃财物怎么处罚"},
    {"_id": "q4", "text": "图的顶点"},
    {"_id": "q5", "text": "a question without a document"},
]
QRELS = [
    ("q1", "bread", 1),
    ("q2", "a/b#c", 1),
    ("q3", "盗窃", 2),
    ("q3", "诈骗", 1),
    ("q4", "7", 1),
    ("q4", "bread", 0),
    ("q5", "iron", 0),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path / "小集")


def write(path: Path) -> Path:
    path.mkdir()
    for name, rows in (("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES)):
        (path / name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    lines = ["query-id\tcorpus-id\tscore", *(f"{query}\t{document}\t{score}" for query, document, score in QRELS)]
    (path / "qrels.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


# --- sets


def test_a_set_is_loaded(folder: Path) -> None:
    dataset = datasets.load(folder)
    assert (dataset.name, dataset.documents) == ("小集", {"bread", "iron", "a/b#c", "盗窃", "诈骗", "7"})
    assert [query.id for query in dataset.queries] == ["q1", "q2", "q3", "q4"]
    assert (dataset.queries[0].answers, dataset.queries[2].text) == (("flour",), "盗窃财物怎么处罚")
    assert dataset.qrels["q3"] == {"盗窃": 2, "诈骗": 1}
    assert [title for title, _ in datasets.texts(dataset)][-1] == "图论"


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("corpus.jsonl", '{"_id": "a", "text": "x"}\n{oops\n', r"corpus.jsonl:2: not JSON"),
        ("corpus.jsonl", '{"id": "a"}\n', r'corpus.jsonl:1: should be an object with an "_id"'),
        ("corpus.jsonl", "[]\n", r"corpus.jsonl:1: should be an object"),
        ("corpus.jsonl", "[" * 100_000, r"corpus.jsonl:1: not JSON"),
        ("corpus.jsonl", '{"_id": "a"}\n\n{"_id": "a"}\n', r"corpus.jsonl:3: the id 'a' stands there twice"),
        ("corpus.jsonl", "\n", r"corpus.jsonl: is empty"),
        (
            "queries.jsonl",
            '{"_id": "q1", "text": "  "}\n' + "".join(f'{{"_id": "q{n}", "text": "x"}}\n' for n in range(2, 6)),
            r":1: a query",
        ),
        ("qrels.tsv", "q1\tbread\t1\n", r"qrels.tsv:1: the first line should name the columns"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1 bread 1\n", r"qrels.tsv:2: should be query, document and score"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\tbread\tyes\n", r"qrels.tsv:2: the score 'yes' is no whole number"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq9\tbread\t1\n", r"no query has the id 'q9'"),
        ("qrels.tsv", "query-id\tcorpus-id\tscore\nq1\tbread\t0\n", r"no query has a relevant document"),
    ],
)
def test_what_is_wrong_with_a_set_is_said(folder: Path, file: str, content: str, message: str) -> None:
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        datasets.load(folder)


def test_a_set_that_is_not_utf8_or_not_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such folder"):
        datasets.load(tmp_path / "none")
    (folder / "queries.jsonl").write_bytes(b'{"_id": "q1", "text": "\xff"}\n')
    with pytest.raises(UsageError, match=r"queries.jsonl: not UTF-8 after line 0"):
        datasets.load(folder)
    (folder / "queries.jsonl").unlink()
    with pytest.raises(NotFoundError, match=r"it lacks queries.jsonl"):
        datasets.load(folder)


# --- retrieval


def test_retrieval_of_a_tiny_set(folder: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    result = runs.run_retrieval(folder, ["fulltext", "outline"], progress=lambda *step: seen.append(step))
    assert set(result) == {"dataset", "agents"}
    assert (result["dataset"], list(result["agents"])) == ("小集", ["fulltext", "outline"])
    for figures in result["agents"].values():
        assert [figures[name] for name in NAMES] == [1.0] * len(NAMES)
        assert 0 < figures["query_ms_p50"] <= figures["query_ms_p95"]
        assert figures["index_seconds"] > 0 and figures["disk_mb"] > 0 and figures["peak_rss_mb"] > 10
        assert figures["embedded_per_query"] == figures["llm_tokens_index"] == figures["llm_tokens_query"] == 0
        assert list(figures)[len(NAMES) :] == list(report.COLUMNS)[len(NAMES) :]
    assert (seen[0], seen[4], seen[-1]) == ((0, 4, "fulltext"), (4, 4, "fulltext"), (4, 4, "outline"))
    assert json.loads(json.dumps(result)) == result


def test_limit_takes_the_first_questions(folder: Path) -> None:
    seen: list[int] = []
    runs.run_retrieval(folder, ["fulltext"], limit=2, progress=lambda *step: seen.append(step[1]))
    assert set(seen) == {2}


def test_a_run_that_cannot_be_meant(folder: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no agent nobody; there are: .*fulltext"):
        runs.run_retrieval(folder, ["fulltext", "nobody"])
    for agents, limit, k in (([], None, 30), (["fulltext"], 0, 30), (["fulltext"], None, 9)):
        with pytest.raises(UsageError):
            runs.run_retrieval(folder, agents, limit, k)


def test_a_document_stands_where_its_best_hit_stands(tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {number} is about ships and harbours. " * 12 for number in range(8))
    path = tmp_path / "corpus.jsonl"
    rows = [{"_id": "long", "title": "", "text": long}, {"_id": "short", "title": "", "text": "A harbour for boats."}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with runs.built([path]) as made:
        evidence = made.library.search("ships in a harbour", k=20, agent="fulltext")
        assert len(evidence.hits) > 2
        assert sorted(runs.ranking(made.library, evidence)) == ["long", "short"]


# --- what is reported


def test_the_report(folder: Path, tmp_path: Path) -> None:
    result = runs.run_retrieval(folder, ["fulltext"])
    head, rule, row = report.table([result]).splitlines()
    assert head.startswith("| set | agent | nDCG@10 | recall@5 |") and rule.startswith("|---|---|---:|---:|")
    assert row.startswith("| 小集 | fulltext | 1.000 | 1.000 | 1.000 | 1.000 | 1.000 |")
    report.write(tmp_path / "results.json", [result], ["grainline", "bench", "retrieval", "小集"])
    record = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert set(record) == {"command", "date", "version", "commit", "dirty", "machine", "results"}
    assert record["command"][-1] == "小集" and record["results"] == [result] and record["date"].endswith("+00:00")
    assert record["machine"]["cores"] >= 1 and platform.python_version() in record["machine"]["python"]


def test_the_commit_of_a_checkout(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("", encoding="utf-8")
    assert report.commit(file) == {"commit": None, "dirty": None}

    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        return subprocess.run(
            ["git", *identity, *arguments], cwd=tmp_path, capture_output=True, check=True, text=True
        ).stdout.strip()

    git("init", "-q")
    assert report.commit(file) == {"commit": None, "dirty": None}  # not tracked: an installed copy in somebody's repository
    git("add", "a.py")
    git("commit", "-qm", "a")
    assert report.commit(file) == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    file.write_text("1", encoding="utf-8")
    assert report.commit(file)["dirty"] is True


# --- the floor


def test_the_lexical_floor(folder: Path) -> None:
    result = lexical.run_lexical(folder, passages=50, repeat=1)
    assert (result["dataset"], result["index"]["passages"], [each["passages"] for each in result["query"]]) == (
        "小集",
        6,
        [6, 50],
    )
    assert all(figure > 0 for figures in (result["index"], *result["query"]) for figure in figures.values())
    assert len(lexical.table(result).splitlines()) == 5


def test_made_passages_are_the_same_every_time() -> None:
    contents = [f"{row['title']}\n{row['text']}" for row in CORPUS]
    made = lexical.made_passages(contents, 20)
    assert made == lexical.made_passages(contents, 20)
    assert len(made) == 20 and len(set(made)) > 10


def test_the_command_prints_a_table_or_an_object(folder: Path) -> None:
    run = CliRunner().invoke(lexical.main, [str(folder), "--passages", "0", "--repeat", "1", "--json"])
    assert run.exit_code == 0
    assert set(json.loads(run.stdout)) >= {"dataset", "index", "query", "machine", "commit", "date"}
    run = CliRunner().invoke(lexical.main, [str(folder), "--passages", "0", "--repeat", "1"])
    assert run.exit_code == 0 and "| index, s | 6 |" in run.stdout
    run = CliRunner().invoke(lexical.main, [str(folder / "none")])
    assert (run.exit_code, run.stdout) == (1, "") and "no such folder" in run.stderr


# --- meaning, lazily and not


def test_lazily_is_as_good_as_everything_embedded(folder: Path) -> None:
    result = lazy.run_lazy(folder, FakeEmbedder())
    assert (result["dataset"], result["questions"], result["passages"]) == ("小集", 4, 6)
    assert set(result["ndcg@10"]) == set(lazy.COLUMNS)
    assert result["ndcg@10"]["lazy"] == result["ndcg@10"]["all embedded"] == 1.0
    assert result["ndcg@10"]["bm25"] == runs.run_retrieval(folder, ["fulltext"])["agents"]["fulltext"]["ndcg@10"]
    assert 1 < result["embedded_most"] <= 1 + len(CORPUS)
    assert result["second_question"]["embedded"] == 1
    assert all(value > 0 for value in result["first_answer_seconds"].values())
    quality, cost = lazy.table([result]).split("\n\n")
    assert quality.startswith("| nDCG@10 |") and "小集" in cost


def test_lazy_names_what_it_cannot_do(folder: Path) -> None:
    run = CliRunner().invoke(lazy.main, [str(folder / "none")])
    assert (run.exit_code, run.stdout) == (1, "") and "no such folder" in run.stderr
    run = CliRunner().invoke(lazy.main, [str(folder), "--embedder", "nothing"])
    assert (run.exit_code, run.stdout) == (1, "") and "no embedder 'nothing'" in run.stderr
