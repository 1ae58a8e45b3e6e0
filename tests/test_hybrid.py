"""Meaning, asked for lazily: what is embedded, what is kept of it, what goes with its texts, and what is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import grainline
from grainline import embedding
from grainline.agents import hybrid
from grainline.agents.candidates import Plan
from grainline.doctor import examine
from grainline.errors import ModelError, UsageError
from grainline.keys import LONG, units
from grainline.library import Library
from grainline.match import dense
from grainline.match.fuse import standardised
from grainline.match.index import texts
from grainline.match.vector import Unit, Vectors, encode, pack, unpack
from grainline.store.database import connect
from grainline.store.vectors import strays
from grainline.store.writer import Writer
from grainline.testing import FakeEmbedder
from grainline.text import count_tokens, terms
from grainline.types import Budget, Evidence, Side, Where
from model_samples import server, vectors

SAME = {"automobile": "car", "purchase": "buy", "purchasing": "buy", "轿车": "汽车"}
GARAGE = {
    "a.md": "# Showroom\n\nWhere to buy a car in town, and what it costs.\n",
    "b.md": "# Dealer\n\nPurchasing an automobile takes a signature.\n",
    "c.md": "# Owls\n\nThe owl hunts at night and sleeps by day.\n",
    "d.md": "# 车库\n\n轿车停在车库里，钥匙在门卫处。\n",
}


class Synonyms(FakeEmbedder):
    """Knows that some words mean the same."""

    def embed(self, texts: Sequence[str], side: Side) -> Any:
        """Unit rows, one a text."""
        for word, other in SAME.items():
            texts = [text.lower().replace(word, other) for text in texts]
        return super().embed(texts, side)


def write(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def found(library: Library, evidence: Evidence) -> list[str]:
    return [library.source(hit.node.document_id).rpartition("/")[2] for hit in evidence.hits]


def held(library: Library) -> dict[int, bytes]:
    """All vectors in a library's file."""
    with library.snapshot() as state:
        return {row: data for name in state.encoders() for row, data in state.all_vectors(name).items()}


@pytest.fixture
def garage(tmp_path: Path) -> Library:
    library = grainline.open(tmp_path / "library", embedder=Synonyms())
    library.add([write(tmp_path / "docs", GARAGE)])
    return library


def test_a_second_question_embeds_only_itself(garage: Library) -> None:
    first = garage.search("where to buy a car", 4, "hybrid")
    assert first.cost.embedded == 1 + len(held(garage)) > 1
    again = garage.search("where to buy a car", 4, "hybrid")
    assert again.cost.embedded == 1
    assert again.hits == first.hits
    with grainline.open(garage.folder, embedder=Synonyms()) as other:
        later = other.search("where to buy a car", 4, "hybrid")
        assert (later.hits, later.cost.embedded) == (first.hits, 1)


def test_keeping_vectors_is_no_change(garage: Library) -> None:
    before = garage.status()
    garage.search("buy a car", 4, "hybrid")
    after = garage.status()
    assert after["changes"] == before["changes"]
    assert not before["vectors"] and sum(kept["texts"] for kept in after["vectors"].values()) > 0
    assert examine(garage.folder).found == []


def test_an_embedded_library_finds_what_words_do_not(garage: Library) -> None:
    assert "b.md" not in found(garage, garage.search("buy a car", 4, "fulltext"))
    assert garage.embed() == len(GARAGE)
    assert garage.embed() == 0
    evidence = garage.search("buy a car", 4, "hybrid")
    assert set(found(garage, evidence)[:2]) == {"a.md", "b.md"}
    assert evidence.cost.embedded == 1
    assert "d.md" in found(garage, garage.search("哪里有汽车", 2, "hybrid"))


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_the_budget_bounds_what_is_embedded(garage: Library, most: int) -> None:
    evidence = garage.search("buy a car or hear an owl at night", 4, "hybrid", budget=Budget(embedded=most))
    assert evidence.cost.embedded <= most
    assert sum(step.cost.embedded for step in evidence.trace) == evidence.cost.embedded
    assert evidence.hits
    if most == 0:  # then it is full text
        same = garage.search("buy a car or hear an owl at night", 4, "fulltext")
        assert set(found(garage, evidence)) == set(found(garage, same))


def test_whoever_wants_more_hits_gets_them_without_more_embedding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hybrid, "PLAN", Plan(first=3, terms=0, least=5, most=195, embedded=196))
    write(tmp_path / "docs", {f"{n}.md": f"# Note {n}\n\nThe owl number {n} hunts.\n" for n in range(12)})
    with grainline.open(tmp_path / "library", embedder=Synonyms()) as library:
        library.add([tmp_path / "docs"])
        evidence = library.search("owl hunts", 10, "hybrid")
    assert len(evidence.hits) == len({hit.node.id for hit in evidence.hits}) == 10
    assert evidence.cost.embedded == 1 + 5
    assert [hit.score for hit in evidence.hits] == sorted((hit.score for hit in evidence.hits), reverse=True)


def test_no_question_embeds_more_than_the_bound(garage: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even in a library that was embedded as a whole, after much was added, and whatever the budget says."""
    monkeypatch.setattr(hybrid, "PLAN", replace(hybrid.PLAN, embedded=4))
    garage.embed()
    garage.add([write(tmp_path / "more", {f"{n}.md": f"# More {n}\n\nA car, number {n}.\n" for n in range(9)})])
    for most in (None, 99):
        before = len(held(garage))
        evidence = garage.search("buy a car", 9, "hybrid", budget=Budget(embedded=most))
        assert evidence.cost.embedded == 1 + len(held(garage)) - before == 4


@pytest.mark.parametrize("milliseconds", [0.0, 0.001, 1e9])
def test_out_of_time_is_not_out_of_hits(garage: Library, milliseconds: float) -> None:
    evidence = garage.search("buy a car", 4, "hybrid", budget=Budget(milliseconds=milliseconds))
    assert "a.md" in found(garage, evidence)
    assert any("left out" in step.detail for step in evidence.trace) == (milliseconds < 1)


def test_an_index_over_many_vectors_finds_the_same(garage: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    garage.embed()
    compared = garage.search("purchase a car", 4, "hybrid")
    monkeypatch.setattr(dense, "EXACT_BELOW", 1)
    monkeypatch.setattr(dense, "PATIENCE", 1)
    with grainline.open(garage.folder, embedder=Synonyms()) as other:
        assert other.search("purchase a car", 4, "hybrid").hits == compared.hits
        with other.snapshot() as state:
            assert dense.Dense.of(state, state.embedder()).is_indexed


@pytest.mark.parametrize("embedded", [False, True])
def test_what_goes_takes_its_vectors_along(garage: Library, tmp_path: Path, embedded: bool) -> None:
    """Removed, changed and renamed files: afterwards there is a vector of no other text, and of what stayed it is the same one."""
    model = Synonyms()
    with grainline.open(garage.folder, embedder=model) as library:
        library.embed() if embedded else [library.search(text, 4, "hybrid") for text in GARAGE.values()]
        before = held(library)
        assert len(before) == len(GARAGE)
        library.remove(["docs/c.md"])
        (tmp_path / "docs" / "c.md").unlink()
        assert len(held(library)) == len(GARAGE) - 1
        (tmp_path / "docs" / "a.md").rename(tmp_path / "docs" / "moved.md")
        (tmp_path / "docs" / "copy.md").write_text(GARAGE["d.md"], encoding="utf-8")
        (tmp_path / "docs" / "b.md").write_text("# Dealer\n\nClosed.\n", encoding="utf-8")
        library.add([tmp_path / "docs"])
        after = held(library)
        assert len(after) == 2 and after.items() <= before.items()
        library.remove(["docs/d.md"])
        assert held(library) == after  # a copy says the same
        library.remove(["docs/copy.md"])
        assert len(held(library)) == 1
        with library.snapshot() as state:
            assert state.vectors_without(texts(state)) == 0


def test_an_interrupted_run_goes_on_where_it_stopped(garage: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "AT_ONCE", 2)
    write(tmp_path / "docs", {f"{n}.md": f"# Note {n}\n\nOnly note {n} says this.\n" for n in range(5)})
    garage.add([tmp_path / "docs"])

    def progress(_done: int, _total: int, item: str) -> None:
        if item.startswith("4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        garage.embed(progress)
    assert len(held(garage)) == 4
    assert not garage.status()["embedded"]
    assert garage.embed() == len(GARAGE) + 5 - 4
    assert garage.status()["embedded"]


def test_files_added_while_embedding_are_embedded_too(garage: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "AT_ONCE", 1)
    late = write(tmp_path / "late", {"e.md": "# Late\n\nCame in between.\n"})

    def progress(done: int, _total: int, _item: str) -> None:
        if done == 2:
            with grainline.open(garage.folder) as other:
                other.add([late])

    garage.embed(progress)
    assert len(held(garage)) == len(GARAGE) + 1


def test_where_nobody_may_write_questions_are_answered(garage: Library) -> None:
    with Writer(garage.folder):
        evidence = garage.search("buy a car", 4, "hybrid")
    assert evidence.hits and not held_in_file(garage)
    assert garage.search("buy a car", 4, "hybrid").cost.embedded == 1  # remembered meanwhile
    assert held_in_file(garage)


def held_in_file(library: Library) -> int:
    connection = connect(library.folder)
    try:
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])
    finally:
        connection.close()


def test_damaged_vectors_are_made_again_and_mended(garage: Library) -> None:
    first = garage.search("buy a car", 4, "hybrid")
    garage.close()
    with Writer(garage.folder) as writer:
        writer.begin()
        writer.execute("UPDATE vectors SET data=zeroblob(length(data))")
        writer.keep()
    with grainline.open(garage.folder, embedder=Synonyms()) as library:
        again = library.search("buy a car", 4, "hybrid")
        assert (again.hits, again.cost.embedded) == (first.hits, first.cost.embedded)
        assert library.search("buy a car", 4, "hybrid").cost.embedded == 1
    with Writer(garage.folder) as writer:
        writer.begin()
        writer.execute("UPDATE vectors SET data=zeroblob(length(data)) WHERE key=(SELECT min(key) FROM vectors)")
        writer.keep()
    report = examine(garage.folder)
    assert report.sound and any("1 vector is damaged" in what for what in report.found)
    assert examine(garage.folder).found == []
    with grainline.open(garage.folder, embedder=Synonyms()) as library:
        assert library.search("buy a car", 4, "hybrid").cost.embedded == 2  # the others were kept


def test_the_doctor_finds_vectors_of_texts_that_are_gone(garage: Library) -> None:
    garage.search("buy a car", 4, "hybrid")
    name = next(iter(garage.status()["vectors"]))
    with Writer(garage.folder) as writer:
        writer.put_vectors(name, {12345: b"\0" * 257})
        writer.keep()
    garage.close()
    report = examine(garage.folder)
    assert report.sound and any("1 vectors are of texts that are gone" in what for what in report.found)
    connection = connect(garage.folder)
    with grainline.open(garage.folder) as library, library.snapshot() as state:
        assert strays(connection, texts(state)) == []
    connection.close()


@pytest.mark.parametrize("embedded", [False, True])
def test_what_may_not_be_seen_leaves_no_trace(tmp_path: Path, embedded: bool) -> None:
    theirs = {f"x{n}.md": f"# Note {n}\n\nTo buy an automobile {n} times, a car, a night owl.\n" for n in range(6)}
    write(tmp_path / "mine", GARAGE)
    write(tmp_path / "theirs", theirs)
    with (
        grainline.open(tmp_path / "both", embedder=Synonyms()) as both,
        grainline.open(tmp_path / "one", embedder=Synonyms()) as one,
    ):
        both.add([tmp_path / "theirs", tmp_path / "mine"])
        one.add([tmp_path / "mine"])
        if embedded:
            both.embed()
            one.embed()
        for question in ("buy a car", "owl at night", "轿车钥匙"):
            seen = both.search(question, 4, "hybrid", Where(sources=("mine",)))
            alone = one.search(question, 4, "hybrid")
            assert [(hit.node, hit.score) for hit in seen.hits] == [(hit.node, hit.score) for hit in alone.hits]


def test_a_strangers_library_names_no_address(garage: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library can come with somebody else's folder: an address that only it names is not asked, and is told."""
    asked = []

    def answer(_path: str, _headers: Any, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        asked.append(body)
        return 200, {}, vectors(body)

    with server(answer) as url:
        spec = f"openai:{url}#tiny"
        with grainline.open(garage.folder, embedder=spec) as library:
            library.embed()
        mine = len(asked)
        with grainline.open(garage.folder) as library:
            with pytest.raises(UsageError, match="if you trust that"):
                library.search("buy a car", 4, "hybrid")
            assert library.search("buy a car", 4, "fulltext").hits
            assert len(asked) == mine
        monkeypatch.setenv("GRAINLINE_EMBEDDER", spec)
        with grainline.open(garage.folder) as library:
            assert library.search("buy a car", 4, "hybrid").hits
        assert len(asked) > mine


@pytest.mark.parametrize("bad", [b"<html>", b'{"data": [{"index": 0, "embedding": [0.1]}]}', b""])
def test_nothing_is_kept_of_a_broken_answer(garage: Library, bad: bytes) -> None:
    calls = []

    def answer(_path: str, _headers: Any, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        calls.append(body)
        return 200, {}, vectors(body) if len(calls) < 3 else bad

    with server(answer) as url, grainline.open(garage.folder, embedder=f"openai:{url}#tiny-{len(bad)}") as library:
        with pytest.raises(ModelError):
            library.search("buy a car", 4, "hybrid")
        assert held(library) == {}
        assert library.search("buy a car", 4, "fulltext").hits


def test_another_encoder_takes_the_place_of_the_one_before(garage: Library) -> None:
    garage.embed()
    with grainline.open(garage.folder, embedder=FakeEmbedder(64)) as other:
        assert other.search("buy a car", 4, "hybrid").cost.embedded > 1  # vectors of another encoder are not its own
        assert len(other.status()["vectors"]) == 2
        other.embed()
        assert list(other.status()["vectors"]) == ["fake/64/1"]


def test_a_real_encoder_in_both_languages(library: Library) -> None:
    """The bundled one, over the sample folder: questions that share no word with what answers them."""
    for question, words in (("Who may change a value that is lent?", "mutable"), ("偷窃的人交给谁？", "移送公安机关")):
        evidence = library.search(question, 3, "hybrid")
        assert library.search(question, 3, "hybrid").hits == evidence.hits
        assert words in " ".join(library.text(hit) for hit in evidence.hits)
    library.embed()
    assert "移送公安机关" in library.text(library.search("Who deals with people who steal animals?", 1, "hybrid").hits[0])


@given(st.text(alphabet="ab. \n甲乙。!", max_size=400), st.text(alphabet="xy >", max_size=90))
def test_units_say_all_of_a_text(said: str, title: str) -> None:
    cut = units(f"{title}\n{said}")
    assert len(cut) >= 1
    together = [term for unit in cut for term in terms(unit)]
    assert set(terms(said)) <= set(together)
    if count_tokens(said) <= LONG:
        assert len(cut) == 1


@given(st.dictionaries(st.integers(0, 63), st.lists(st.integers(-127, 127), min_size=5, max_size=5)))
def test_rows_come_back_as_they_were(parts: dict[int, list[int]]) -> None:
    rows = {place: np.array(row, np.int8) for place, row in parts.items()}
    back = unpack(pack(rows), 5)
    assert {place: row.tolist() for place, row in back.items()} == parts
    assert unpack(pack(rows) + b"x", 5) == {}


def test_kept_vectors_point_where_the_made_ones_did() -> None:
    made = FakeEmbedder(64)
    said = ["the owl hunts", "盗窃公私财物", "night"]
    exact = made.embed(said, "passage")
    kept = encode(made, said).astype(np.float32)
    assert ((kept * exact).sum(axis=1) / np.linalg.norm(kept, axis=1) > 0.999).all()


def test_a_text_without_a_vector_is_told(garage: Library) -> None:
    with garage.snapshot() as state:
        model = Synonyms()
        both = Vectors(state, model)
        cosines = both.cosines(both.question("owl"), [Unit(1, 0, "owl"), Unit(2, 0, "hawk"), Unit(1, 0, "owl")], 1)
        assert np.isnan(cosines).tolist() == [False, True, False] and both.embedded == 2
        state.fresh.clear()


@pytest.mark.parametrize(
    ("scores", "expected"),
    [([1.0, 1.0], [0.0, 0.0]), ([np.nan], [0.0]), ([0.0, 2.0, np.nan], [-1.0, 1.0, 0.0]), ([], [])],
)
def test_standardised(scores: list[float], expected: list[float]) -> None:
    assert standardised(np.array(scores)).tolist() == expected
