"""The few hundred items per shopper that are worth scoring, out of the whole catalogue."""

from __future__ import annotations

import numpy as np

from .features import Scorebook, _latest
from .tables import Tables

#: Collaborative tables that propose items.
SOURCES = ("ease_0", "bm25", "cosine")


def _best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the ``k`` largest positive entries of each row of [S, n]."""
    k = min(k, scores.shape[1])
    if k < 1:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    column = np.argpartition(-scores, k - 1, axis=1)[:, :k]
    row = np.repeat(np.arange(len(scores)), k)
    positive = np.take_along_axis(scores, column, 1).ravel() > 0
    return row[positive], column.ravel()[positive]


def top(values: np.ndarray, k: int) -> np.ndarray:
    """The ``k`` items of largest positive value, best first."""
    best = np.argsort(-values, kind="stable")[:k]
    return best[values[best] > 0]


def candidates(tables: Tables, scores: Scorebook, *, own: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Own items (the ``own`` most recent) ∪ the best ``each`` unseen of every source ∪ two trends.

    → offsets int64 [S+1], items int64 ascending within a shopper; dismissed items are left out.
    """
    p, n = scores.profile, tables.n
    latest = _latest(p, own)
    keys = [p.key[latest]]
    names = [name for name in SOURCES if name in tables.neighbours]
    proposals = [scores.model(name) for name in names]
    for number, attribute in enumerate(tables.attributes):
        if attribute.model is not None:
            value = np.maximum(scores.attribute(number), 0)
            proposals.append(value[:, attribute.codes] * attribute.within)
            break
    for values in proposals:
        values = values.astype(np.float32)
        values[p.shopper, p.item] = 0
        row, column = _best(values, each)
        keys.append(row * n + column)
    for values in (tables.items.trend, tables.items.first, tables.items.popular):
        column = top(values, each)
        keys.append((np.arange(p.n_shoppers)[:, None] * n + column).ravel())
    key = np.unique(np.concatenate(keys))
    if len(p.excluded):
        key = key[~np.isin(key, p.excluded, assume_unique=True)]
    shopper = key // n
    return np.searchsorted(shopper, np.arange(p.n_shoppers + 1)), key - shopper * n
