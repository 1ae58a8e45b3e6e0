"""The routing set is sound, its answers stand where it says they do, and the harness measures what it says it does."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import pytest
from click.testing import CliRunner

from grainline.bench import routes
from grainline.bench.routing import systems
from grainline.bench.routing.libraries import LIBRARIES, lay_out
from grainline.bench.routing.questions import COMPUTED, KINDS, LANGUAGES, SPLITS, Question, able, holds, load, within
from grainline.cli import main
from grainline.errors import NotFoundError, UsageError
from grainline.testing import FakeEmbedder
from grainline.types import Answer, Citation, Computed, Evidence

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
NEAR = 0.6  #: two questions that share so many of their runs of three characters are variants of one


# --- the set


def test_the_set_is_large_and_balanced() -> None:
    questions = load()
    assert len(questions) >= 240
    assert len({question.id for question in questions}) == len({question.question for question in questions}) == len(questions)
    assert sum(not question.answerable for question in questions) >= 40
    languages = Counter(question.language for question in questions)
    assert all(languages[language] > 0.45 * len(questions) for language in LANGUAGES)
    assert {question.kind for question in questions} == set(KINDS)
    sizes = Counter((question.kind, question.language, question.split) for question in questions)
    assert all(
        abs(sizes[kind, language, "fit"] - sizes[kind, language, "held"]) <= 2 for kind in KINDS for language in LANGUAGES
    )
    mixed = Counter(question.library for question in questions)
    assert mixed["everything"] + mixed["english"] + mixed["chinese"] > 0.75 * len(questions)
    assert set(mixed) == set(LIBRARIES)


def test_every_label_can_be_right() -> None:
    for question in load():
        assert bool(question.answers) == bool(question.agents) == bool(question.sources) == (question.kind != "none"), (
            question.id
        )
        assert set(question.agents) <= able(question.kind), question.id
        assert all(source.split("/")[0] in LIBRARIES[question.library] for source in question.sources), question.id
        assert bool(question.check) == (question.kind in COMPUTED), question.id


def test_no_variant_of_a_question_is_on_the_other_side() -> None:
    runs = {
        question.id: {question.question[place : place + 3].casefold() for place in range(len(question.question) - 2)}
        for question in load()
    }
    for one, other in combinations(load(), 2):
        if one.split != other.split:
            both, either = runs[one.id] & runs[other.id], runs[one.id] | runs[other.id]
            assert len(both) < NEAR * len(either), (one.question, other.question)


def test_a_split_is_half_of_the_set() -> None:
    halves = [load(split=split) for split in SPLITS]
    assert sorted(question.id for half in halves for question in half) == sorted(question.id for question in load())
    with pytest.raises(UsageError, match="no split 'test'"):
        load(split="test")


@pytest.mark.parametrize(
    ("line", "message"),
    [("{", "line 2 of the questions is no question"), ('{"id": "a"}', "each is an object with id, question"), ("[]", "line 2")],
)
def test_what_is_wrong_with_a_line_is_said(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        load(path)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    row = {**dict.fromkeys(("id", "question"), "a"), "language": "en", "kind": "riddle", "library": "code", "split": "fit"}
    path = tmp_path / "questions.jsonl"
    path.write_text(json.dumps({**row, "agents": [], "answers": [], "sources": []}), encoding="utf-8")
    with pytest.raises(UsageError, match="'riddle' is none of pattern"):
        load(path)


@pytest.mark.parametrize(
    ("text", "answer", "is_held"),
    [
        ("It came to 1,234 in all.", "1234", True),
        ("总资产 644, 687, 027, 607 元", "644,687,027,607", True),
        ("avg(Total) = 5.651941747572816", "5.65", True),
        ("12.50 a piece", "12.5", True),
        ("4105.194", "4105", False),
        ("E0752 and 1234567", "123", False),
        ("E0752", "752", False),
        ("born April 25, 1945", "1945", True),
        ("a loss of (1,402)", "-1402", True),
        ("第 11  号台风", "第11号台风", True),
        ("ＧＢ／Ｔ 36001", "gb/t 36001", True),
        ("Buechner\n  & Orth", "Buechner & Orth", True),
        ("nothing", "", True),
    ],
)
def test_what_holds_an_answer(text: str, answer: str, is_held: bool) -> None:
    assert holds(text, [answer]) is is_held


# --- the answers stand where they are said to stand


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (SHARED / "corpora").is_dir() or not (SHARED / "data").is_dir():
        pytest.skip("the shared corpora and data are not here")
    folder = tmp_path_factory.mktemp("laid-out")
    lay_out(SHARED, LIBRARIES["everything"], folder)
    return folder


def texts(folder: Path, source: str) -> Iterator[str]:
    """What stands in a source: a file, all files of a folder, one record of a JSONL file, or all rows of a database."""
    name, _, part = source.partition("#")
    path = folder / name
    if path.is_dir():
        yield from (
            file.read_text(encoding="utf-8") for file in sorted(path.rglob("*")) if file.suffix in (".md", ".rs", ".txt")
        )
    elif path.suffix == ".sqlite":
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                yield from (" | ".join(map(str, row)) for row in connection.execute(f'SELECT * FROM "{table}"'))
    elif path.suffix == ".jsonl":
        rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        yield from (
            row["text"] for row in rows if not part or within(f"{name}#{row['_id']}", [source]) or row["_id"].startswith(part)
        )
    else:
        yield path.read_text(encoding="utf-8")


def test_answers_stand_in_their_sources(laid_out: Path) -> None:
    for question in load():
        if question.answerable and question.kind not in COMPUTED:
            for source in question.sources:
                assert next(texts(laid_out, source), None) is not None, (question.id, source)
            found = (text for source in question.sources for text in texts(laid_out, source))
            assert any(holds(text, question.answers) for text in found), question.id


def test_what_is_worked_out_comes_out_again(laid_out: Path) -> None:
    for question in load():
        if "sql" in question.check:
            assert holds(worked_out(laid_out / question.sources[0], question.check["sql"]), question.answers), question.id
        elif question.check:
            text = "\n".join(texts(laid_out, question.sources[0]))
            assert all(holds(text, [number]) for number in question.check["numbers"]), question.id
            first, *rest = (float(number.replace(",", "").replace(" ", "")) for number in question.check["numbers"])
            result = first + sum(rest) if question.check["by"] == "sum" else first - sum(rest)
            assert holds(f"{result:.0f}", question.answers), question.id


def worked_out(path: Path, statement: str) -> str:
    """The one value that a statement gives over a database or a CSV file."""
    with closing(sqlite3.connect(":memory:" if path.suffix == ".csv" else f"file:{path}?mode=ro", uri=True)) as connection:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                head, *rows = csv.reader(file)
            connection.execute(f'CREATE TABLE "{path.stem}" ({", ".join(head)})')
            connection.executemany(f'INSERT INTO "{path.stem}" VALUES ({", ".join("?" * len(head))})', rows)
        ((value,),) = connection.execute(statement).fetchall()
    return str(value)


def test_what_has_no_answer_is_not_there(laid_out: Path) -> None:
    named = {
        "E0499",
        "E0601",
        "parse_yaml_frontmatter",
        "quantum_fourier_transform",
        "rsa_blind_sign",
        "lb31-999",
        "纳木错",
        "利奇马",
    }
    everything = [text for part in LIBRARIES["everything"] for text in texts(laid_out, part)]
    asked = " ".join(question.question for question in load() if not question.answerable)
    for name in named:
        assert name in asked and not any(name in text for text in everything), name


# --- the harness


FUNCTIONS = [
    {"_id": "a", "title": "", "text": 'def add(a, b):\n    """Adds two numbers."""\n    return a + b'},
    {"_id": "b", "title": "", "text": 'def sell(owl):\n    """Sells an owl at the market."""\n    return market.sell(owl)'},
]
ASKED = (
    (
        "en",
        "identifier",
        "where is `market.sell` called",
        ("grep", "fulltext"),
        ("market.sell(owl)",),
        ("functions/python.jsonl#b",),
    ),
    ("en", "fact", "what is printed at the end of main", ("fulltext",), ("good night",), ("listings",)),
    ("zh", "pattern", "/打印[^\\n]+晚安/", ("grep",), ("晚安",), ("listings/ch01",)),
    ("en", "aggregate", "how many functions sell owls", ("sql",), ("1",), ("functions/python.jsonl",)),
    ("en", "none", "ZEBRA_9900", (), (), ()),
)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """What the library "code" is made of, in small."""
    folder = tmp_path / "given"
    for name in ("cosqa_dev", "rust_doc_search"):
        (folder / "data" / name).mkdir(parents=True)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in FUNCTIONS]
        (folder / "data" / name / "corpus.jsonl").write_text("".join(lines if name == "cosqa_dev" else []), encoding="utf-8")
    listing = folder / "corpora" / "rust-book" / "listings" / "ch01"
    listing.mkdir(parents=True)
    (listing / "main.rs").write_text(
        '// 最后打印一句晚安\nfn main() {\n    println!("good night"); // printed at the end\n}\n', encoding="utf-8"
    )
    return folder


def questions() -> list[Question]:
    return [
        Question(f"{language}-{kind}", text, language, kind, "code", "held", agents, answers, sources)
        for language, kind, text, agents, answers, sources in ASKED
    ]


def test_the_harness_on_a_tiny_library(shared: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    result = routes.run_routes(
        shared, "held", ["grep", "fulltext", "hybrid"], FakeEmbedder(), questions(), lambda *step: seen.append(step)
    )
    assert result["questions"] == {"answerable": 4, "unanswerable": 1}
    assert list(result["systems"]) == ["auto", "grep", "fulltext", "hybrid", "everything", "oracle"]
    assert seen == [(0, 5, "auto"), (1, 5, "grep"), (2, 5, "fulltext"), (3, 5, "hybrid"), (4, 5, "everything"), (5, 5, "")]
    grep, fulltext, everything, oracle = (result["systems"][name] for name in ("grep", "fulltext", "everything", "oracle"))
    assert (grep["right_first"], grep["held"], grep["declined"]) == (0.5, 0.5, 1.0)
    assert (fulltext["right_first"], fulltext["held"], fulltext["embedded"], fulltext["agents"]) == (0.5, 0.75, 0.0, 1.0)
    assert everything["right_first"] is None and everything["held"] == 0.75 and everything["agents"] == 3.0
    assert (oracle["held"], oracle["declined"], oracle["embedded"]) == (0.75, 1.0, 0.0)
    assert result["kinds"]["pattern"] == {
        "questions": 1, "auto": 1.0, "grep": 1.0, "fulltext": 1.0, "hybrid": 1.0, "everything": 1.0, "oracle": 1.0,
    }  # fmt: skip
    assert result["kinds"]["aggregate"]["everything"] == 0.0  # nobody who can count was asked, though a 1 may stand somewhere
    assert result["outcomes"]["zh-pattern"]["oracle"]["route"] == ["grep"]
    assert result["outcomes"]["en-fact"]["grep"] == {
        **result["outcomes"]["en-fact"]["grep"], "held": False, "said": False, "answered": False, "labelled": False,
    }  # fmt: skip
    assert json.loads(json.dumps(result)) == result
    head, rule, *rows = routes.table(result).splitlines()
    assert (
        head.startswith("| asked | right agent first |") and rule.startswith("|---|") and rows[1].startswith("| grep | 0.500 |")
    )


def test_what_two_embed_is_charged_to_both(shared: Path) -> None:
    fake = FakeEmbedder()
    result = routes.run_routes(shared, agents=["hybrid", "window"], embedder=fake, questions=questions()[:2])
    hybrid, window = result["systems"]["hybrid"], result["systems"]["window"]
    assert hybrid["embedded"] == window["embedded"] > 1
    assert len(fake.embedded) == len(set(fake.embedded))


def test_time_that_is_spared_is_kept_account_of() -> None:
    encoder = systems.Remembering(FakeEmbedder())
    first = encoder.embed(["an owl", "a fox"], "passage")
    assert encoder.spared == 0.0
    again = encoder.embed(["a fox", "an owl", "a newt"], "passage")
    assert encoder.spared > 0.0
    assert (again[1] == first[0]).all() and (again[0] == first[1]).all()
    assert encoder.embed([], "query").shape == (0, encoder.dimension)


def test_what_says_an_answer() -> None:
    row = Citation("shop.sqlite#Customer", 0, 8, 1, "7 | Wang")
    elsewhere = replace(row, source="other.md")
    counted = Evidence((), computed=Computed("SELECT count(*) FROM Customer LIMIT 9", ("count(*)",), ((7,), (9,))))
    asked = Question("a", "how many?", "en", "aggregate", "databases", "fit", ("sql",), ("7",), ("shop.sqlite",))

    def said(evidence: Evidence, citation: Citation, question: Question = asked, *, answered: bool = True) -> bool:
        return systems.says(question, Answer("text", (citation,), evidence, answered, "sql", ("sql",)))

    assert said(counted, row)
    assert not said(counted, row, answered=False) and not said(counted, elsewhere)
    assert not said(counted, row, replace(asked, answers=("9",)))  # neither a later row nor the statement is the answer
    assert not said(Evidence(()), row)  # a 7 that happens to be quoted is no count
    looked_up = replace(asked, kind="lookup")
    assert said(Evidence(()), row, looked_up) and not said(Evidence(()), elsewhere, looked_up)


def test_a_run_that_cannot_be_meant(shared: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"no agent nobody; there are: .*fulltext"):
        routes.run_routes(shared, agents=["nobody"], embedder=FakeEmbedder())
    with pytest.raises(UsageError, match="no question to ask"):
        routes.run_routes(shared, embedder=FakeEmbedder(), questions=[])
    with pytest.raises(NotFoundError, match="is missing; the routing set needs the shared corpora and data"):
        routes.run_routes(tmp_path / "nowhere", agents=["grep"], embedder=FakeEmbedder(), questions=questions())


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    for split, status, message in (("held", 1, "is missing; the routing set needs"), ("mine", 2, "no split 'mine'")):
        done = CliRunner().invoke(main, ["bench", "routes", str(tmp_path / "nowhere"), "--split", split, "--agents", "grep"])
        assert (done.exit_code, message in done.output) == (status, True)
