"""BM25 against a plain implementation, against bm25s, and under visibility."""

from __future__ import annotations

import json
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import grainline
from grainline.match import lexical
from grainline.match.index import SEGMENTS, Index
from grainline.match.lexical import K1, K3, B, Found, Lexical, best
from grainline.match.postings import Builder, merge
from grainline.text import question_terms, terms
from grainline.types import Where

WORDS = ["owl", "hawk", "night", "hunts", "forest", "盗窃", "公私", "财物", "rust", "borrow"]
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join)


def corpus(folder: Path, texts: list[str], name: str = "corpus.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps({"_id": str(n), "text": text}) + "\n" for n, text in enumerate(texts)), encoding="utf-8")
    return path


def plain_bm25(texts: list[str], question: str) -> list[float]:
    """BM25 as the paper gives it, a document at a time."""
    documents = [Counter(terms(text)) for text in texts]
    lengths = [sum(document.values()) for document in documents]
    average = sum(lengths) / len(lengths)
    scores = []
    for document, length in zip(documents, lengths, strict=True):
        score = 0.0
        for term, times in Counter(question_terms(question)).items():
            n = sum(term in other for other in documents)
            weight = times * (K3 + 1) / (K3 + times) * log(1 + (len(texts) - n + 0.5) / (n + 0.5))
            score += weight * document[term] * (K1 + 1) / (document[term] + K1 * (1 - B + B * length / average))
        scores.append(score)
    return scores


@settings(max_examples=25, deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=30), TEXT, st.integers(1, 8))
def test_agrees_with_the_plain_formula(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], question: str, k: int
) -> None:
    folder = tmp_path_factory.mktemp("bm25")
    titled = [f"{n}\n{text}" for n, text in enumerate(texts)]
    path = folder / "corpus.jsonl"
    rows = [{"_id": str(n), "title": str(n), "text": text} for n, text in enumerate(texts)]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    with grainline.open(folder / "library") as library:
        library.add([path])
        hits = library.search(question, k, "fulltext").hits
    expected = plain_bm25(titled, question)
    order = sorted((n for n in range(len(texts)) if expected[n] > 0), key=lambda n: (-round(expected[n], 4), str(n)))[:k]
    assert [round(hit.score, 3) for hit in hits] == pytest.approx([expected[n] for n in order], abs=2e-3)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_pruning_changes_nothing(monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 60))
    terms = []
    for _ in range(data.draw(st.integers(1, 8))):
        entries = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
        most = data.draw(st.floats(0.1, 10))
        shares = data.draw(st.lists(st.floats(0.01, 1), min_size=len(entries), max_size=len(entries)))
        terms.append((most, np.array(entries, np.uint32), np.array(shares, np.float32) * np.float32(most)))
    terms.sort(key=lambda term: -term[0])
    bounds = np.cumsum([0, *(len(entries) for _, entries, _ in terms)])
    joined = np.concatenate([entries for _, entries, _ in terms]), np.concatenate([gains for *_, gains in terms])
    found = Found(*joined, bounds, [most for most, *_ in terms])
    k = data.draw(st.integers(1, 12))
    scores = np.zeros(size)
    for _, entries, gains in terms:
        scores[entries] += gains
    order = [n for n in np.lexsort((np.arange(size), -scores)) if scores[n] > 0]
    for pruned in (0, 10**9):
        monkeypatch.setattr(lexical, "PRUNED_POSTINGS", pruned)
        kept = best(found, size, k)
        assert [entry for entry, _ in kept[:k]] == order[:k]
        assert [score for _, score in kept[:k]] == [float(scores[n]) for n in order[:k]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), max_size=6), min_size=1, max_size=20),
    st.integers(0, 20),
    st.sets(st.integers(0, 19)),
)
def test_merging_is_building_of_the_living(keys: list[list[str]], cut: int, dead: set[int]) -> None:
    def built(part: list[tuple[int, list[str]]]) -> dict[str, np.ndarray]:
        builder = Builder()
        for number, words in part:
            builder.add(number, number % 3, words, number)
        return builder.arrays()

    numbered = list(enumerate(keys))
    parts = [part for part in (numbered[:cut], numbered[cut:]) if part]
    alive = [np.array([number not in dead for number, _ in part]) for part in parts]
    merged = merge(list(zip(map(built, parts), alive, strict=True)))
    expected = built([(number, words) for number, words in numbered if number not in dead])
    assert {name: merged[name].tolist() for name in ("document", "node", "length", "entry", "count")} == {
        name: expected[name].tolist() for name in ("document", "node", "length", "entry", "count")
    }
    assert merged["term"].tolist() == expected["term"].tolist()
    assert merged["start"].tolist() == expected["start"].tolist()


def test_what_may_not_be_seen_leaves_no_trace(tmp_path: Path) -> None:
    """A library seen through `where` answers like a library that holds only what may be seen: hits, scores, order."""
    texts = ["the owl hunts at night", "the hawk hunts by day", "owl owl night", "盗窃公私财物", "night night night hawk"]
    for name, chosen in (("mine", texts[:3]), ("theirs", texts[3:] + ["owl night"] * 7)):
        (tmp_path / name).mkdir()
        corpus(tmp_path / name, chosen)
    with grainline.open(tmp_path / "both") as both, grainline.open(tmp_path / "one") as one:
        both.add([tmp_path / "theirs", tmp_path / "mine"])
        one.add([tmp_path / "mine"])
        for question in ("owl at night", "hawk hunts", "盗窃", "day"):
            for agent in ("fulltext", "outline", "window", "parent", "grep"):
                seen = both.search(question, 5, agent, Where(sources=("mine",)))
                alone = one.search(question, 5, agent)
                assert [(hit.node, hit.score, hit.via) for hit in seen.hits] == [
                    (hit.node, hit.score, hit.via) for hit in alone.hits
                ]
            answers = both.ask(question, 5, "outline", Where(sources=("mine",))), one.ask(question, 5, "outline")
            assert (answers[0].text, answers[0].citations) == (answers[1].text, answers[1].citations)


def test_many_small_adds_are_one_index(tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    with grainline.open(tmp_path / "grown") as grown, grainline.open(tmp_path / "built") as built:
        for number in range(12):
            (folder / f"{number}.txt").write_text(f"note {number} on owls and {WORDS[number % 10]}", encoding="utf-8")
            grown.add([folder])
        built.add([folder])
        for question in ("owls", "note 7", "盗窃", "forest owls"):
            shown = [
                [(hit.node.id, hit.score) for hit in library.search(question, 20, "fulltext").hits]
                for library in (grown, built)
            ]
            assert shown[0] == shown[1]
        with grown.snapshot() as snapshot:
            kinds = [segment.kind for segment in snapshot.manifest.segments]
            assert max(map(kinds.count, kinds)) <= SEGMENTS < 12
            assert Index.of(snapshot, "text").size >= 12


def test_a_question_of_function_words_alone_still_finds(tmp_path: Path) -> None:
    with grainline.open(tmp_path / "library") as library:
        library.add([corpus(tmp_path, ["合同的目的不能实现", "天气很好"])])
        assert len(library.search("目的", agent="fulltext").hits) == 1
        with library.snapshot() as snapshot:
            assert Lexical(snapshot).match("？？！", 5) == []
