"""Shopper × item counts: the sparse matrix that every classical architecture starts from."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recommender.engine.interactions import Histories, Interactions, Kinds

#: The event kind whose ``value`` says how good the event was.
RATING = "rate"


def event_weights(events: Interactions, kinds: Kinds) -> np.ndarray:
    """float64 [E] in 0 … 1: the weight of each event's kind over the largest weight (so that one
    purchase counts 1 and BM25 saturates where its parameters mean it to). Impressions and
    dismissals count 0; a rating counts by its value over the largest value seen."""
    largest = max(float(np.max(kinds.weights, initial=0.0)), 1e-9)
    weight = (np.maximum(kinds.weights, 0) / largest)[events.kind].astype(np.float64)
    rated = events.kind == kinds.code(RATING)
    if rated.any():
        best = np.nanmax(events.value[rated], initial=1.0)
        weight[rated] *= np.clip(np.nan_to_num(events.value[rated] / best, nan=0.5), 0, 1)
    return weight


def decay(events: Interactions, now: float, days: float | None) -> np.ndarray:
    """float64 [E]: exp(−age/days), 1 for ``days`` None. An event after ``now`` is of age 0."""
    if days is None:
        return np.ones(len(events))
    return np.exp(-np.maximum(now - events.at, 0) / days)


def count_matrix(
    events: Interactions, kinds: Kinds, n_shoppers: int, n_items: int, *, now: float = 0.0, days: float | None = None
) -> sparse.csr_matrix:
    """CSR float32 [n_shoppers, n_items]: weighted events per pair, decayed over ``days``."""
    weight = event_weights(events, kinds) * decay(events, now, days)
    return _matrix(events, weight, n_shoppers, n_items)


def history_matrix(
    histories: Histories, kinds: Kinds, n_items: int, *, now: float = 0.0, days: float | None = None
) -> sparse.csr_matrix:
    """``count_matrix`` of a batch of shoppers: CSR float32 [S, n_items]."""
    return count_matrix(histories.events, kinds, len(histories), n_items, now=now, days=days)


def day_matrix(events: Interactions, kinds: Kinds, n_shoppers: int, n_items: int) -> sparse.csr_matrix:
    """CSR float32 [n_shoppers, n_items]: on how many different days the pair had an event."""
    counted = events.select(event_weights(events, kinds) > 0)
    day = np.floor(counted.at).astype(np.int64)
    pair = counted.shopper.astype(np.int64) * n_items + counted.item
    order = np.lexsort((day, pair))
    pair, day = pair[order], day[order]
    new = np.ones(len(pair), bool)
    new[1:] = (pair[1:] != pair[:-1]) | (day[1:] != day[:-1])
    return _matrix(counted.select(order[new]), np.ones(int(new.sum())), n_shoppers, n_items)


def buyers(events: Interactions, kinds: Kinds, n_items: int) -> np.ndarray:
    """int64 [n_items]: how many shoppers had an event of weight with the item."""
    counted = events.select(event_weights(events, kinds) > 0)
    pairs = np.unique(counted.shopper.astype(np.int64) * n_items + counted.item)
    return np.bincount(pairs % n_items, minlength=n_items)


def no_opinion(scores: np.ndarray) -> np.ndarray:
    """``scores`` [S, n_items] with 0 made −inf: for a model whose every real score is positive, 0
    says that it knows nothing, and such places of a list are filled by popularity."""
    scores[scores == 0] = -np.inf
    return scores


def _matrix(events: Interactions, weight: np.ndarray, n_shoppers: int, n_items: int) -> sparse.csr_matrix:
    # Summed in float64: a decayed year of a heavy buyer spans 30 powers of ten.
    matrix = sparse.csr_matrix((weight, (events.shopper, events.item)), shape=(n_shoppers, n_items))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix.astype(np.float32)
