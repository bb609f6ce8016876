"""The few hundred items per shopper that are worth scoring, out of the whole catalogue."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from recommender.engine.profile import RECENT, Profile
from recommender.engine.scorebook import Scorebook, latest
from recommender.engine.selection import best_of_rows
from recommender.engine.tables import Tables

#: Collaborative tables that propose items, and the share of ``each`` that they may: past fifty followers of the latest
#: few items another one is found by other sources or by nobody (docs/decisions/0014-order.md).
SOURCES = {"ease_0": 1.0, "bm25": 1.0, "cosine": 1.0, "followed": 0.5}
#: The nearest item by the towers votes like a popular item of about this rank (docs/decisions/0009).
TOWER_RANK = 100.0
#: Values of an attribute whose items are proposed to one shopper.
MOST_VALUES = 40


def _best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the ``k`` largest positive entries of each row of float32 [S, n], best first."""
    columns, count = best_of_rows(scores, k, above=0)
    return np.repeat(np.arange(len(scores)), count), columns[columns >= 0].astype(np.int64)


def top(values: np.ndarray, k: int) -> np.ndarray:
    """The ``k`` items of largest positive value, best first."""
    k = min(k, len(values))
    best = np.argpartition(-values, k - 1)[:k] if k else np.zeros(0, np.int64)
    best = best[np.lexsort((best, -values[best]))]
    return best[values[best] > 0]


def _popular(order: np.ndarray, allowed: np.ndarray | None, values: np.ndarray, k: int) -> np.ndarray:
    """The first ``k`` allowed items of a stored order; looks further where too few of it are allowed."""
    if allowed is None:
        return order[:k]
    found = order[allowed[order]][:k]
    return found if len(found) == k else top(values * allowed, k)


def candidates(
    tables: Tables,
    scores: Scorebook,
    *,
    own: int,
    each: int,
    size: int | None = None,
    allowed: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Own items (the ``own`` most recent) ∪ the best ``each``, or a share of it, unseen of every source ∪ three trends
    ∪ the nearest by the towers of what none of these proposes.

    → offsets int64 [S+1], items int64 ascending within a shopper. Dismissed items and those not ``allowed``
    (bool [n]) are left out; ``size``: at most so many a shopper, by the sum of reciprocal ranks.
    """
    p, n = scores.profile, tables.n
    keys, votes = _own(p, own)
    for values, share in _proposals(tables, scores):
        values[p.shopper, p.item] = 0
        if allowed is not None:
            values[:, ~allowed] = 0
        row, column = _best(values, math.ceil(each * share))
        keys.append(row * n + column)
        score = values[row, column]
        best = score[np.searchsorted(row, row)]  # a row's first is its best
        votes.append(score / best / 20)
    sources = (tables.items.trend, tables.items.first, tables.items.popular)
    for order, popular in zip(tables.items.orders, sources, strict=True):
        column = _popular(order, allowed, popular, each)
        keys.append((np.arange(p.n_shoppers)[:, None] * n + column).ravel())
        votes.append(np.tile(1 / (40.0 + np.arange(len(column))), p.n_shoppers))
    if tables.towers is not None:
        row, column = tables.towers.beyond(p, np.concatenate(keys), allowed=allowed)
        keys.append(row * n + column)
        votes.append(1 / (TOWER_RANK + np.arange(len(row)) - np.searchsorted(row, row)))
    key, place = np.unique(np.concatenate(keys), return_inverse=True)
    keep = np.ones(len(key), bool)
    if len(p.excluded):
        keep &= ~np.isin(key, p.excluded, assume_unique=True)
    if allowed is not None:
        keep &= allowed[key % n]
    if size is not None:
        vote = np.bincount(place, np.concatenate(votes), len(key))
        order = np.lexsort((-vote, ~keep, key // n))
        starts = np.searchsorted(key // n, np.arange(p.n_shoppers))
        rank = np.empty(len(key), np.int64)
        rank[order] = np.arange(len(key)) - starts[(key // n)[order]]
        keep &= rank < size
    key = key[keep]
    shopper = key // n
    return np.searchsorted(shopper, np.arange(p.n_shoppers + 1)), key - shopper * n


def _own(p: Profile, own: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Keys of the ``own`` most recent groups, and their votes: what was had often and lately first."""
    picked = latest(p, own)
    strength = np.log1p(p.decayed[picked, RECENT])
    return [p.key[picked]], [0.02 + strength / 10]


def _proposals(tables: Tables, scores: Scorebook) -> Iterator[tuple[np.ndarray, float]]:
    """float32 [S, n] of each collaborative source, and its share: the tables, and the first attribute with a model."""
    for name, share in SOURCES.items():
        if name in tables.neighbours:
            yield scores.model(name).astype(np.float32), share
    for number, attribute in enumerate(tables.attributes):
        if attribute.model is not None:
            value = np.maximum(scores.attribute(number), 0).astype(np.float32)
            if attribute.size > MOST_VALUES:
                least = np.partition(value, attribute.size - MOST_VALUES, axis=1)[:, -MOST_VALUES, None]
                value *= value >= least
            yield value[:, attribute.codes] * attribute.within, 1.0
            return
