"""From histories to lists by the serving model, on one core, and what a shopper takes in Redis."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from recommender import dataset, publish, state
from recsite.bench.figures import Figure
from recsite.bench.peak import matrix_product


def run(seconds: float) -> list[Figure]:
    model = state.current().model
    if model is None:
        return []
    with threadpool_limits(1):
        snapshot = dataset.read()
        ranker = _aligned(snapshot, model)
        started, shoppers, lists, histories = time.perf_counter(), 0, [], []
        for rows in publish.score(ranker, snapshot, time.time()):
            shoppers += len(rows)
            lists += [len(row[1]) for row in rows]
            histories += [len(row[2]) for row in rows]
            if time.perf_counter() - started > seconds:
                break
        taken = time.perf_counter() - started
        peak = matrix_product()
    return [
        Figure("shoppers from history to list, one core", shoppers / taken, "shoppers/s"),
        Figure("matrix product, one core", peak, "GFLOP/s"),
        Figure("shoppers a GFLOP of peak", shoppers / taken / peak, "shoppers"),
        Figure("a list of 300 in Redis", float(np.mean(lists)), "bytes"),
        Figure("a history in Redis", float(np.mean(histories)), "bytes"),
    ]


def _aligned(snapshot: dataset.Snapshot, model: state.Model) -> state.AnyRanker:
    """The serving ranker, if it speaks the codes of today's snapshot; else the newest catalogue needs a training."""
    if snapshot.vocabulary.item_ids != model.vocabulary.item_ids:
        raise SystemExit("the catalogue has changed since the serving model was trained: train, then bench publish")
    return model.ranker
