"""What comes next: which items follow which, and how much of a shopper's latest items asks for their followers.

Events of one shopper at one time (a *moment*: a basket, a day of a log without hours) have no order among them: of
two items in a moment each follows the other half, and all of a moment's items are equally late. A log without time has
no order at all, so its table is empty.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from recommender.engine.interactions import UNTIMED, Interactions
from recommender.engine.neighbours import Neighbours

#: Followers that a row is shrunk by: of an item that was left twice nothing is sure.
SHRINK = 5.0
#: Items of a moment that are looked at; its pairs grow with the square of them.
MOST_TOGETHER = 60
#: The latest items of a shopper that are asked for their followers, and how much of a newer item's say the next older
#: one has. The last of them has none to speak of, but a basket's items share what they have.
NEWEST = 20
FALL = 0.4


def followers(events: Interactions, n: int, k: int) -> Neighbours:
    """The ``k`` items most often next after each of ``n``, as shares of all that came next.

    ``events``: those that count, sorted by (shopper, at). A pair weighs 1/√(items of the one moment · of the other).
    """
    from recommender.engine import following  # its compiler takes half a second to load

    if not events.timed:
        events = events.select(slice(0, 0))
    sets, shopper = _moments(events.select(events.at != UNTIMED), n)
    of_items = sets.tocsc()
    near, weights = np.full((n, k), n, np.int32), np.zeros((n, k), np.float32)
    begins, moments, bounds, items = (
        part.astype(np.int32, copy=False) for part in (of_items.indptr, of_items.indices, sets.indptr, sets.indices)
    )
    following.shares(begins, moments, bounds, items, shopper, SHRINK, near, weights)
    return _table(near, weights)


def _moments(events: Interactions, n: int) -> tuple[sparse.csr_matrix, np.ndarray]:
    """csr 0/1 float32 [moments, n] of what was in each, and the shopper of each."""
    changes = (events.shopper[1:] != events.shopper[:-1]) | (events.at[1:] != events.at[:-1])
    begins = np.concatenate([np.zeros(min(len(events), 1), np.int64), np.flatnonzero(changes) + 1])
    bounds = np.concatenate([begins, [len(events)]])
    rank = np.arange(len(events)) - np.repeat(begins, np.diff(bounds))
    kept = np.flatnonzero(rank < MOST_TOGETHER)
    bounds = np.searchsorted(kept, bounds)
    sets = sparse.csr_matrix((np.ones(len(kept), np.float32), events.item[kept], bounds), (len(begins), n))
    sets.sum_duplicates()
    sets.data[:] = 1
    return sets, events.shopper[begins]


def _table(near: np.ndarray, weights: np.ndarray) -> Neighbours:
    """Rows and columns without anything are left out."""
    n = len(near)
    known = np.flatnonzero(weights[:, 0])
    width = max(int((weights > 0).sum(axis=1).max(initial=0)), 1)
    row = np.full(n, len(known), np.int32)
    row[known] = np.arange(len(known), dtype=np.int32)
    items = np.vstack([near[known, :width], np.full((1, width), n, np.int32)])
    return Neighbours(row, items, np.vstack([weights[known, :width], np.zeros((1, width), np.float32)]))
