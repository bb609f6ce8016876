"""From histories to lists by the serving model, on one core, and what a shopper takes in Redis."""

from __future__ import annotations

import time

import numpy as np
from threadpoolctl import threadpool_limits

from recommender import artifacts, dataset, publish, state, store
from recsite.bench.figures import Figure
from recsite.bench.peak import matrix_product

LIMIT = 2048  # bytes of Redis a shopper, histories apart
NOBODYS = 0  # no generation has this number


def run(seconds: float) -> list[Figure]:
    model = state.current().model
    if model is None:
        return []
    with threadpool_limits(1):
        snapshot = dataset.read()
        ranker = _aligned(snapshot, model)
        started, worked, made = time.perf_counter(), time.process_time(), []
        for rows in publish.score(ranker, snapshot, time.time()):
            made += rows
            if time.perf_counter() - started > seconds:
                break
        taken, worked = time.perf_counter() - started, time.process_time() - worked
        peak = matrix_product()
    shoppers = len(made)
    lists, histories = _memory(made)
    return [
        Figure("shoppers scored", shoppers, "shoppers"),
        Figure("shoppers from history to list, one core", shoppers / taken, "shoppers/s"),
        Figure("the same by a second of processor time", shoppers / worked, "shoppers"),
        Figure("matrix product, one core", peak, "GFLOP/s"),
        Figure("shoppers a GFLOP of peak", shoppers / taken / peak, "shoppers"),
        Figure("Redis takes for a shopper's list of 300", lists, "bytes", float(LIMIT), "the most it may take"),
        Figure("Redis takes for a shopper's history", histories, "bytes"),
        Figure("a list, packed", float(np.mean([len(pool) for _, pool, _ in made])), "bytes"),
        Figure("a history, packed", float(np.mean([len(history) for _, _, history in made])), "bytes"),
    ]


def _memory(rows: list[tuple[str, bytes, bytes]]) -> tuple[float, float]:
    """Bytes of Redis that a shopper's list and history take, names, expiry and all: what ``used_memory`` grows by when
    they are written under a generation that nobody reads. NaN where Redis is away."""
    try:
        store.drop_generation(NOBODYS)
        before = store.used_memory()
        store.write_lists(NOBODYS, ((subject, pool, None) for subject, pool, _ in rows))
        with_lists = store.used_memory()
        store.write_lists(NOBODYS, iter(rows))
        whole = store.used_memory()
        store.drop_generation(NOBODYS)
    except store.StoreDown:
        return float("nan"), float("nan")
    return (with_lists - before) / len(rows), (whole - with_lists) / len(rows)


def _aligned(snapshot: dataset.Snapshot, model: state.Model) -> artifacts.AnyRanker:
    """The serving ranker, if it speaks the codes of today's snapshot; else the newest catalogue needs a training."""
    if snapshot.vocabulary.item_ids != model.vocabulary.item_ids:
        raise SystemExit("the catalogue has changed since the serving model was trained: train, then bench publish")
    return model.ranker
