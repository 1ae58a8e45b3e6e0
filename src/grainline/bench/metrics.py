"""Measures of a ranking, as ir_measures gives them (nDCG@k, R@k, RR@k), and the share of questions with all evidence found.

A ranking is a sequence of distinct document ids, best first. `qrels` gives documents their relevance; above zero it is gold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, log2

from grainline.errors import UsageError

NAMES = ("ndcg@10", "recall@5", "recall@10", "mrr@10", "all_gold@8")
DEPTH = 10  #: no measure looks at more documents of a ranking


def ndcg(ranking: Sequence[str], qrels: Mapping[str, int], k: int = 10) -> float:
    """Normalised discounted cumulative gain of the first `k`; the gain is the relevance itself (Järvelin and Kekäläinen, 2002).

    >>> round(ndcg(["a", "x", "b"], {"a": 1, "b": 2}), 3)
    0.76
    """
    ideal = _gain(sorted(qrels.values(), reverse=True)[:k])
    return _gain([qrels.get(document, 0) for document in ranking[:k]]) / ideal if ideal else 0.0


def _gain(relevances: Sequence[int]) -> float:
    return sum(max(relevance, 0) / log2(rank + 1) for rank, relevance in enumerate(relevances, 1))


def recall(ranking: Sequence[str], qrels: Mapping[str, int], k: int) -> float:
    """The share of the gold documents that stand among the first `k`."""
    gold = gold_of(qrels)
    return len(gold.intersection(ranking[:k])) / len(gold) if gold else 0.0


def reciprocal_rank(ranking: Sequence[str], qrels: Mapping[str, int], k: int = 10) -> float:
    """1 / the rank of the first gold document, 0 if none is among the first `k`."""
    gold = gold_of(qrels)
    return next((1 / rank for rank, document in enumerate(ranking[:k], 1) if document in gold), 0.0)


def all_gold(ranking: Sequence[str], qrels: Mapping[str, int], k: int = 8) -> float:
    """1 if all gold documents are among the first `k`, else 0."""
    gold = gold_of(qrels)
    return float(bool(gold) and gold.issubset(ranking[:k]))


def gold_of(qrels: Mapping[str, int]) -> set[str]:
    """The documents that are relevant at all."""
    return {document for document, relevance in qrels.items() if relevance > 0}


def evaluate(rankings: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
    """The mean of every measure over the ranked queries that have gold; an empty ranking counts as nothing found.

    Raises `UsageError` if no query has gold.
    """
    judged = [(ranking, qrels[query]) for query, ranking in rankings.items() if gold_of(qrels.get(query, {}))]
    if not judged:
        raise UsageError("no query has a relevant document, so there is nothing to measure")
    return {
        "ndcg@10": mean([ndcg(ranking, gold, 10) for ranking, gold in judged]),
        "recall@5": mean([recall(ranking, gold, 5) for ranking, gold in judged]),
        "recall@10": mean([recall(ranking, gold, 10) for ranking, gold in judged]),
        "mrr@10": mean([reciprocal_rank(ranking, gold, 10) for ranking, gold in judged]),
        "all_gold@8": mean([all_gold(ranking, gold, 8) for ranking, gold in judged]),
    }


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean, 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed (nearest rank), 0 of nothing.

    >>> percentile([3.0, 1.0, 2.0, 9.0], 0.5), percentile([3.0, 1.0, 2.0, 9.0], 0.95)
    (2.0, 9.0)
    """
    return sorted(values)[max(ceil(share * len(values)), 1) - 1] if values else 0.0
