"""The bench of answers: measures worked out by hand in both languages, a set that is sound, and runs over tiny libraries made here."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path

import pytest
from click.testing import CliRunner

from grainline.bench import answers, asking, declining
from grainline.bench.answer_metrics import contains, exact, f1, pieces, without_marks
from grainline.bench.asking import Given, System
from grainline.bench.datasets import Query
from grainline.bench.memory import Memory
from grainline.bench.routing.libraries import LIBRARIES, lay_out
from grainline.bench.routing.questions import LANGUAGES, SPLITS, Question, load, within
from grainline.cli import main
from grainline.errors import NotFoundError, UnreadableError, UsageError
from grainline.testing import FakeEmbedder, FakeLLM
from grainline.text import CJK_RUN
from grainline.types import Answer, Citation, Computed, Cost, Evidence, Manner

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
ENGLISH, CHINESE = False, True


# --- the measures


@pytest.mark.parametrize(
    ("said", "golds", "chinese", "wanted"),
    [
        # six words, two of them gold: 2 * 2 / (6 + 2); the other gold answer gives 2 * 1 / (6 + 1)
        ("Owls hunt at night in Paris.", ["Paris", "in Paris"], ENGLISH, 0.5),
        ("It is the new, new York", ["New York"], ENGLISH, 4 / 7),  # of a word that is there twice, one counts
        ("the United States of America", ["United States"], ENGLISH, 2 * 2 / (4 + 2)),
        ("an owl", ["The owl!"], ENGLISH, 1.0),
        ("", ["owl"], ENGLISH, 0.0),
        ("", ["the"], ENGLISH, 1.0),
        ("owl", [], ENGLISH, 0.0),
        # seven characters, a word, two characters; the four pieces of the gold answer stand in a row
        ("开发者是光荣和ω-Force公司。", ["光荣和ω-force"], CHINESE, 2 * 4 / (10 + 4)),
        ("光荣与ω", ["光荣和ω"], CHINESE, 2 * 2 / (4 + 4)),  # all but one are shared, but in runs of two and one
        ("《战国无双3》", ["战国无双3", "无双"], CHINESE, 1.0),
        ("八百里", ["968公里"], CHINESE, 2 * 1 / (3 + 3)),
        ("猫头鹰", ["鸟"], CHINESE, 0.0),
    ],
)
def test_f1(said: str, golds: Sequence[str], chinese: bool, wanted: float) -> None:
    assert f1(said, golds, chinese) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("said", "gold", "chinese", "same", "held"),
    [
        ("The  Paris.", "paris", ENGLISH, 1.0, 1.0),
        ("It was Paris in 1900", "in Paris", ENGLISH, 0.0, 0.0),
        ("nothing is known", "no", ENGLISH, 0.0, 0.0),
        ("It cost $1,234.50 in all", "$1,234.50", ENGLISH, 0.0, 1.0),
        ("一九一一年成立", "成立", CHINESE, 0.0, 1.0),
        ("1911年", "911年", CHINESE, 0.0, 0.0),
        ("「战史演武」&「争霸演武」", "战史演武&争霸演武", CHINESE, 1.0, 1.0),
    ],
)
def test_exact_and_contains(said: str, gold: str, chinese: bool, same: float, held: float) -> None:
    assert (exact(said, [gold], chinese), contains(said, [gold], chinese)) == (same, held)


def test_pieces_and_marks() -> None:
    assert pieces("A man's 3-D theatre", ENGLISH) == ["mans", "3d", "theatre"]
    assert pieces("约 12.5公里（Km）", CHINESE) == ["约", "12", ".", "5", "公", "里", "km"]
    assert without_marks("Owls hunt [1]. 猫头鹰 [2][13]。 Rust's a[i]") == "Owls hunt. 猫头鹰。 Rust's a[i]"


def cited(*sources: str) -> tuple[Citation, ...]:
    return tuple(Citation(source, 0, 4, 1, "text") for source in sources)


def given(text: str, sources: Sequence[str] = (), answered: bool = True, evidence: Evidence | None = None) -> Given:
    spent = Cost(10.0, 2, 1, 30, 5)
    return Given(Answer(text, cited(*sources), evidence or Evidence(()), answered, "fulltext", cost=spent), 0.25)


def test_a_question_is_judged() -> None:
    query, gold = Query("q", "What is bread baked from?", ("flour", "flour and water")), {"bread": 1, "iron": 0}
    one = answers.judge(query, gold, given("Flour [1].", ["corpus.jsonl#bread", "corpus.jsonl#iron"]), 1.0)
    assert one.said == "Flour." and one.cited == (True, False)
    assert one.measures == {"f1": 1.0, "exact": 1.0, "contains": 1.0}
    none = answers.judge(query, gold, given("Not there, but near: flour [1]", ["corpus.jsonl#bread"], answered=False))
    assert none.said == "" and none.cited == () and none.measures == {"f1": 0.0, "exact": 0.0, "contains": 0.0}
    assert answers.judge(Query("q", "What?"), gold, given("Flour")).measures is None
    figures = answers.figures([one, none])
    assert (figures["f1"], figures["answered"], figures["citation_precision"], figures["recall@5"]) == (0.5, 0.5, 0.5, 0.5)
    assert [figures[name] for name in ("calls", "tokens_in", "tokens_out", "embedded", "seconds")] == [1, 30, 5, 2, 0.25]
    assert answers.figures([answers.judge(Query("q", "What?"), gold, given("Flour"))])["f1"] is None


def test_a_statement_is_no_part_of_what_is_said() -> None:
    computed = Computed("SELECT count(*) FROM owl", ("count",), ((12,),))
    told = given(f"12 [1]\n\n{computed.sql}", evidence=Evidence((), computed=computed))
    assert answers.compared(told.answer) == "12"


# --- runs

CORPUS = [
    {"_id": "bread", "title": "Bread", "text": "Bread is baked from flour. Yeast makes it rise."},
    {"_id": "glacier", "title": "Glacier", "text": "A glacier is a slow river of ice."},
    {"_id": "harbour", "title": "港口", "text": "港口共有十二个泊位。引航员在七号浮标登船。"},
]
QUERIES = [
    {"_id": "q1", "text": "What is bread baked from?", "answers": ["flour"]},
    {"_id": "q2", "text": "港口共有几个泊位？", "answers": ["十二个"]},
    {"_id": "q3", "text": "What is a glacier?", "answers": ["a slow river of ice"]},
    {"_id": "q4", "text": "引航员在哪里登船？"},
]
GOLD = {"q1": "bread", "q2": "harbour", "q3": "glacier", "q4": "harbour"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "小集"
    place.mkdir()
    for name, rows in (("corpus.jsonl", CORPUS), ("queries.jsonl", QUERIES)):
        lines(place / name, rows)
    gold = ["query-id\tcorpus-id\tscore", *(f"{query}\t{document}\t1" for query, document in GOLD.items())]
    (place / "qrels.tsv").write_text("\n".join(gold) + "\n", encoding="utf-8")
    return place


def lines(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def test_a_run_without_a_model_and_with_one(folder: Path) -> None:
    llm, seen = FakeLLM({}), []
    result = answers.run_answers(
        folder, asking.systems(["fulltext", "hybrid"], llm), embedder=FakeEmbedder(), progress=lambda *step: seen.append(step)
    )
    assert (result["dataset"], result["questions"]) == ("小集", 4)
    assert [(row["agent"], row["model"]) for row in result["systems"]] == [
        ("fulltext", "none"),
        ("fulltext", "fake"),
        ("hybrid", "none"),
        ("hybrid", "fake"),
    ]
    plain = result["systems"][0]
    assert plain["calls"] == plain["tokens_in"] == plain["tokens_out"] == 0
    assert plain["recall@5"] == plain["answered"] == plain["contains"] == plain["citation_precision"] == 1.0
    # "Bread is baked from flour": 2 * 1 / (5 + 1); 港口共有十二个泊位: 2 * 3 / (9 + 3); "A glacier is a slow river of ice", without
    # articles: 2 * 4 / (6 + 4)
    assert plain["f1"] == pytest.approx((2 / 6 + 6 / 12 + 8 / 10) / 3, abs=1e-4)
    assert sum(row["calls"] for row in result["systems"]) * 4 == pytest.approx(llm.calls, abs=0.01)
    assert seen[-1] == (4, 4, "hybrid, model: fake") and len(seen) == 16
    said = {(row["id"], row["agent"], row["model"]): row for row in result["asked"]}
    assert said["q1", "fulltext", "none"]["said"] == "Bread is baked from flour."
    assert said["q1", "fulltext", "none"]["cited"] == ["corpus.jsonl#bread"] and "f1" not in said["q4", "fulltext", "none"]


def test_the_same_run_gives_the_same(folder: Path) -> None:
    runs = [
        answers.run_answers(folder, asking.systems(["hybrid"], None), embedder=FakeEmbedder(), every=2, limit=2)
        for _ in range(2)
    ]
    assert [row["id"] for row in runs[0]["asked"]] == ["q1", "q3"]
    assert runs[0]["asked"] == runs[1]["asked"]
    others = answers.run_answers(folder, asking.systems(["hybrid"], None), embedder=FakeEmbedder(), every=2, offset=1)
    assert others["dataset"] == f"{runs[0]['dataset']}, from 1" and [row["id"] for row in others["asked"]] == ["q2", "q4"]


def test_a_model_of_the_environment_is_not_asked_without_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAINLINE_LLM", "gguf:/nowhere/model.gguf")
    result = answers.run_answers(folder, asking.systems(["fulltext"], None), embedder=FakeEmbedder(), limit=1)
    assert [row["model"] for row in result["systems"]] == ["none"] and result["systems"][0]["calls"] == 0


def test_what_a_model_said_is_asked_no_second_time(folder: Path, tmp_path: Path) -> None:
    file, llm = tmp_path / "said.jsonl", FakeLLM({})
    first = answers.run_answers(folder, asking.systems(["fulltext"], Memory(llm, file)), embedder=FakeEmbedder())
    asked = llm.calls
    assert asked == len(file.read_text(encoding="utf-8").splitlines()) > 0
    with file.open("a", encoding="utf-8") as cut:
        cut.write('{"key": "a line that was cut')
    again = answers.run_answers(folder, asking.systems(["fulltext"], Memory(llm, file)), embedder=FakeEmbedder())
    assert llm.calls == asked and again["asked"] == first["asked"]
    assert [row["calls"] for row in again["systems"]] == [row["calls"] for row in first["systems"]]
    file.write_text("not of a run\n[]\n", encoding="utf-8")
    with pytest.raises(UnreadableError, match="line 1"):
        Memory(llm, file)


def test_further_manners_stand_beside_the_plain_one(folder: Path) -> None:
    llm = FakeLLM({})
    result = answers.run_answers(
        folder,
        asking.systems(["fulltext"], llm, [Manner("step-back"), Manner(rounds=2)]),
        limit=2,
        embedder=FakeEmbedder(),
    )
    assert [(row["agent"], row["model"]) for row in result["systems"]] == [
        ("fulltext", "none"),
        ("fulltext", "fake"),
        ("fulltext+step-back", "fake"),
        ("fulltext, 2 rounds", "fake"),
    ]
    assert "| fulltext, 2 rounds | fake |" in answers.table([result])


def test_what_cannot_be_meant(folder: Path) -> None:
    with pytest.raises(NotFoundError, match="no agent nobody"):
        asking.systems(["nobody"], None)
    with pytest.raises(UsageError, match="at least one agent"):
        asking.systems([], None)
    with pytest.raises(UsageError, match="must be at least 1"):
        answers.run_answers(folder, asking.systems(["fulltext"], None), every=0)
    with pytest.raises(UsageError, match="has 4 questions; there is none at offset 4"):
        answers.run_answers(folder, asking.systems(["fulltext"], None), offset=4)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    command = ["bench", "answers", str(folder), "--agent", "fulltext", "--budget", "embedded=0"]
    run = CliRunner().invoke(main, [*command, "--json", "--out", str(out)])
    assert run.exit_code == 0, run.output
    assert json.loads(run.stdout)["systems"][0]["contains"] == 1.0
    assert "小集: 4 of 4 (fulltext, model: none)" in run.stderr
    assert json.loads(out.read_text(encoding="utf-8"))["results"][0]["dataset"] == "小集"
    assert "| 小集 | 4 | fulltext | none |" in CliRunner().invoke(main, command).stdout
    for wrong in ([], [str(folder), "--declining", str(folder)], ["--declining", str(folder), "--across", str(folder)]):
        assert CliRunner().invoke(main, ["bench", "answers", *wrong]).exit_code == 2


# --- what is not answered


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A shared folder with functions, which is all that the library `code` needs beside the listings of the Rust book."""
    folder = tmp_path / "shared"
    rust = folder / "corpora" / "rust-book" / "listings" / "a.rs"
    rust.parent.mkdir(parents=True)
    rust.write_text("fn dock_ship(berth: u32) -> u32 {\n    berth + 1\n}\n", encoding="utf-8")
    python = {"_id": "1", "title": "", "text": 'def harbour_fee(nights):\n    """Fee of a berth."""\n    return 40 * nights\n'}
    lines(folder / "data" / "cosqa_dev" / "corpus.jsonl", [python])
    lines(
        folder / "data" / "rust_doc_search" / "corpus.jsonl",
        [{"_id": "crane", "title": "crane", "text": "fn lift_load() -> bool {\n    true\n}\n"}],
    )
    return folder


def question(identifier: str, text: str, language: str, found: Sequence[str] = (), sources: Sequence[str] = ()) -> Question:
    check = {} if found else {"why": "function", "near": "functions", "absent": [text.split()[-1]]}
    kind = "fact" if found else "none"
    return Question(identifier, text, language, kind, "code", "held", (), tuple(found), tuple(sources), check)


QUESTIONS = (
    question("a", "harbour_fee of a berth", "en", ["harbour_fee(nights)"], ["functions/python.jsonl"]),
    question("b", "dock_ship 在哪里", "zh", ["dock_ship"], ["functions"]),  # cited from elsewhere: not right
    question("c", "zeppelin", "en"),
    question("d", "飞艇", "zh"),
)


def test_what_is_declined(shared: Path) -> None:
    llm, seen = FakeLLM({}), []
    result = declining.run_declining(
        shared,
        asking.systems(["fulltext"], llm),
        embedder=FakeEmbedder(),
        questions=QUESTIONS,
        progress=lambda *step: seen.append(step),
    )
    assert result["questions"] == {"answerable": 2, "unanswerable": 2}
    rows = {(row["model"], row["language"]): row for row in result["systems"]}
    assert set(rows) == {(model, language) for model in ("none", "fake") for language in ("en", "zh", "both")}
    plain = rows["none", "both"]
    assert plain["declined"] == 1.0 and plain["declined_wrongly"] == 0.0 and plain["calls"] == 0
    assert (rows["none", "en"]["said"], rows["none", "zh"]["said"], plain["said"]) == (1.0, 0.0, 0.5)
    assert result["whys"][0] == {"agent": "fulltext", "model": "none", "split": "held", "function": 1.0}
    assert [(row["id"], row["answered"]) for row in result["asked"][:4]] == [
        ("a", True),
        ("b", True),
        ("c", False),
        ("d", False),
    ]
    assert seen[-1] == (8, 8, "code: fulltext, model: fake")
    assert "| fulltext | none | held | both | 1.000 | 0.000 | 0.500 |" in declining.table(result)


def test_right_is_what_is_said_and_cited() -> None:
    asked = question("a", "How much?", "en", ["40"], ["functions/python.jsonl"])
    assert declining.says(asked, given("It is 40 [1].", ["functions/python.jsonl#1"]))
    assert not declining.says(asked, given("It is 40 [1].", ["listings/a.rs"]))
    assert not declining.says(asked, given("It is 41 [1].", ["functions/python.jsonl#1"]))
    assert not declining.says(asked, given("40", ["functions/python.jsonl#1"], answered=False))


def test_a_system_goes_by_its_model() -> None:
    assert [each.model for each in asking.systems(["auto", "auto"], FakeLLM({}))] == ["none", "fake"]
    assert System("auto", "gguf:a.gguf").model == "gguf:a.gguf"


# --- the set


def test_the_set_is_balanced() -> None:
    asked = load(declining.SET)
    counts = Counter((each.split, each.answerable, each.language) for each in asked)
    sizes = {("fit", True): 50, ("fit", False): 60, ("held", True): 12, ("held", False): 15}
    assert counts == {(*which, language): size for which, size in sizes.items() for language in LANGUAGES}
    assert len({each.id for each in asked}) == len({each.question for each in asked}) == len(asked)
    assert not {each.question for each in asked} & {each.question for each in load()}
    whys = {(each.split, each.language, each.check["why"]) for each in asked if not each.answerable}
    assert whys == {(split, language, why) for split in SPLITS for language in LANGUAGES for why in declining.WHYS}
    for each in asked:
        assert bool(each.answers) == bool(each.sources) == (each.kind != "none") == (not each.check), each.id
        near = each.sources or (each.check["near"],)
        assert all(source.split("/")[0] in LIBRARIES[each.library] for source in near), each.id
        assert each.answerable or (each.check["absent"] and all(each.check["absent"])), each.id


def test_the_set_across_languages_asks_of_both() -> None:
    asked = load(declining.ACROSS)
    counts = Counter((each.split, each.answerable, each.language) for each in asked)
    held = {("held", answerable, language): size for answerable, size in ((True, 12), (False, 4)) for language in LANGUAGES}
    assert counts == {("fit", True, "en"): 9, ("fit", True, "zh"): 12, **held}
    assert len({each.id for each in asked}) == len({each.question for each in asked}) == len(asked)
    for each in asked:
        assert each.language == ("zh" if CJK_RUN.search(each.question) else "en"), each.id
        assert each.library in ("everything", "english" if each.language == "zh" else "chinese"), each.id


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (SHARED / "corpora").is_dir() or not (SHARED / "data").is_dir():
        pytest.skip("the shared corpora and data are not here")
    folder = tmp_path_factory.mktemp("laid-out")
    lay_out(SHARED, tuple({part for each in load(declining.SET) for part in LIBRARIES[each.library]}), folder)
    return folder


@cache
def texts(folder: Path, part: str) -> list[tuple[str, str]]:
    """The sources of a part with their texts, without blanks."""
    found = [(file.relative_to(folder).as_posix(), file) for file in sorted((folder / part).rglob("*")) if file.is_file()]
    return [(source, bare(text)) for name, file in found for source, text in documents(name, file)]


def documents(name: str, file: Path) -> Iterator[tuple[str, str]]:
    if file.suffix == ".jsonl":
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines()):
            yield f"{name}#{row['_id']}", f"{row['title']} {row['text']}"
    elif file.suffix == ".sqlite":
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                yield f"{name}#{table}", " | ".join(str(row) for row in connection.execute(f'SELECT * FROM "{table}"'))
    else:
        yield name, file.read_text(encoding="utf-8")


def bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


@pytest.mark.parametrize("path", [declining.SET, declining.ACROSS], ids=lambda path: path.stem)
def test_answers_stand_in_their_sources_and_what_is_absent_nowhere(laid_out: Path, path: Path) -> None:
    for each in load(path):
        library = [document for part in LIBRARIES[each.library] for document in texts(laid_out, part)]
        near = [text for source, text in library if within(source, each.sources or (each.check["near"],))]
        assert near, each.id
        if each.answerable:
            assert any(bare(answer) in text for text in near for answer in each.answers), each.id
        else:
            absent = [bare(one) for one in each.check["absent"]]
            assert [source for source, text in library if all(one in text for one in absent)] == [], each.id
