"""The measures against ir_measures (pytrec_eval), and the small cases that it does not settle."""

from __future__ import annotations

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainline.bench import metrics
from grainline.errors import UsageError

OURS = {"ndcg@10": "nDCG@10", "recall@5": "R@5", "recall@10": "R@10", "mrr@10": "RR@10"}
DOCUMENTS = [f"d{number}" for number in range(16)]
RANKINGS = st.lists(st.sampled_from([*DOCUMENTS, "x", "y", "文档"]), unique=True, max_size=16)
JUDGED = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1).filter(metrics.gold_of)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RANKINGS, JUDGED), min_size=1, max_size=5))
def test_as_ir_measures(pairs: list[tuple[list[str], dict[str, int]]]) -> None:
    rankings = {f"q{number}": ranking for number, (ranking, _) in enumerate(pairs)}
    qrels = {f"q{number}": judged for number, (_, judged) in enumerate(pairs)}
    # in this form a run is scores, so the ranks become scores without ties
    run = {query: {document: float(-rank) for rank, document in enumerate(ranking)} for query, ranking in rankings.items()}
    wanted = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in OURS.values()], qrels, run)
    got = metrics.evaluate(rankings, qrels)
    assert set(got) == set(metrics.NAMES)
    for ours, theirs in OURS.items():
        assert got[ours] == pytest.approx(wanted[ir_measures.parse_measure(theirs)], abs=1e-9)
    complete = [all(document in ranking[:8] for document, score in judged.items() if score > 0) for ranking, judged in pairs]
    assert got["all_gold@8"] == pytest.approx(sum(complete) / len(complete))


def test_queries_without_gold_are_left_out() -> None:
    rankings = {"a": ["d1"], "b": ["d1"], "c": ["d1"]}
    got = metrics.evaluate(rankings, {"a": {"d1": 1}, "b": {"d1": 0}})
    assert set(got.values()) == {1.0}
    with pytest.raises(UsageError, match="nothing to measure"):
        metrics.evaluate(rankings, {"b": {"d1": 0}})


def test_an_empty_ranking_found_nothing() -> None:
    assert set(metrics.evaluate({"a": []}, {"a": {"d1": 1}}).values()) == {0.0}


def test_where_a_cut_off_falls() -> None:
    ranking = [f"d{number}" for number in range(12)]
    assert metrics.recall(ranking, {"d4": 1, "d5": 1}, 5) == 0.5
    assert metrics.reciprocal_rank(ranking, {"d9": 1}) == 0.1
    assert metrics.reciprocal_rank(ranking, {"d10": 1}) == 0.0
    assert (metrics.all_gold(ranking, {"d0": 1, "d7": 2}), metrics.all_gold(ranking, {"d0": 1, "d8": 1})) == (1.0, 0.0)
    assert metrics.ndcg(ranking, {"d0": 3}) == 1.0
    assert metrics.ndcg(ranking, {"d0": -1, "d1": 1}) == pytest.approx(0.6309, abs=1e-4)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_the_share_does_not_exceed(values: list[float], share: float) -> None:
    found = metrics.percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values) + 1e-9
