"""From the scores of a model to the lists it would have shown: ALL (any item) and NEW (unseen)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recommender.engine import metrics
from recommender.engine.architectures import counts
from recommender.engine.hands import in_order
from recommender.engine.interactions import Histories, ShopData
from recommender.engine.selection import best_of_rows
from recommender.engine.splits import Split

#: A list holds as many items as the longest cut of the metrics.
LIST_SIZE = 20
#: Dense scores of one batch stay under this many cells (float32: 16 MiB).
CELLS = 4_000_000
#: Items drawn per shopper as negatives of the AUC.
AUC_NEGATIVES = 100


@dataclass(frozen=True)
class Lists:
    """What one model would have shown: ``all`` and ``new`` int32 [S, k], best first, −1 padded;
    ``auc`` float64 [S] (NaN: undefined) if the model scores the whole catalogue."""

    all: np.ndarray
    new: np.ndarray
    auc: np.ndarray | None = None


class ListModel(Protocol):
    """What the list architectures and ranked baselines fit to."""

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]; −inf: no opinion."""


def lists_of(model: ListModel, split: Split, *, k: int = LIST_SIZE) -> Lists:
    """The ALL and NEW lists of ``model``, in batches of shoppers that bound the memory. Where the
    model has no opinion the list is filled by overall popularity, as a shop would do. What a shopper has
    dismissed is on no list: the ranker leaves it out too, and whoever showed it would be compared with an advantage."""
    n_items = split.known.items.n
    weight = counts.event_weights(split.known.interactions, split.known.kinds)
    popular = np.bincount(split.known.interactions.item, weight, minlength=n_items).astype(np.float32)
    negatives = np.random.default_rng(0).integers(n_items, size=(len(split.shoppers), AUC_NEGATIVES))
    size = max(1, CELLS // max(n_items, 1))

    def batch(at: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return _batch_lists(model, split, slice(at, at + size), popular, negatives[at : at + size], k)

    parts = list(in_order(batch, range(0, len(split.shoppers), size)))
    if not parts:
        empty = np.empty((0, k), np.int32)
        return Lists(empty, empty, np.empty(0))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Lists(joined[0], joined[1], joined[2])


def _batch_lists(
    model: ListModel, split: Split, rows: slice, popular: np.ndarray, negatives: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    batch = split.histories(rows)
    # [B, n_items], a copy that may be masked.
    scores = np.array(model.score_all(batch, split.now), np.float32, order="C")
    areas = _areas(scores, split, rows, negatives)
    banned = np.stack(dismissed_pairs(batch, split.known))
    scores[banned[0], banned[1]] = -np.inf
    everything = _filled(top_k(scores, k), popular, banned)
    seen = np.stack(seen_pairs(batch, split.known))
    scores[seen[0], seen[1]] = -np.inf
    return everything, _filled(top_k(scores, k), popular, np.concatenate([seen, banned], axis=1)), areas


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """int32 [S, k]: the best items of each row of ``scores`` [S, n], best first; −1 where fewer
    than ``k`` have a finite score. Equal scores: the lower code first."""
    return best_of_rows(scores, k)[0]


def seen_pairs(batch: Histories, data: ShopData) -> tuple[np.ndarray, np.ndarray]:
    """Rows and items of everything the batch's shoppers had an event of weight with."""
    had = counts.event_weights(batch.events, data.kinds) > 0
    return batch.events.shopper[had], batch.events.item[had]


def dismissed_pairs(batch: Histories, data: ShopData) -> tuple[np.ndarray, np.ndarray]:
    """Rows and items of everything the batch's shoppers turned down: an event of a kind whose weight is negative."""
    turned_down = data.kinds.weights[batch.events.kind] < 0
    return batch.events.shopper[turned_down], batch.events.item[turned_down]


def _filled(lists: np.ndarray, popular: np.ndarray, banned: np.ndarray) -> np.ndarray:
    """``lists`` with the empty places at their ends filled by popular items that the list does not
    have and that are not among the ``banned`` (row, item) pairs [2, N]."""
    short = np.flatnonzero(lists[:, -1] < 0)
    if not len(short):
        return lists
    k = lists.shape[1]
    spare = np.tile(popular, (len(short), 1))
    row, place = np.nonzero(lists[short] >= 0)
    spare[row, lists[short][row, place]] = -np.inf
    row_of = np.full(len(lists), -1)
    row_of[short] = np.arange(len(short))
    mine = row_of[banned[0]] >= 0
    spare[row_of[banned[0][mine]], banned[1][mine]] = -np.inf
    fill = top_k(spare, k)
    known = (lists[short] >= 0).sum(1)
    place = np.arange(k)[None, :]
    filled = lists.copy()
    shifted = np.take_along_axis(fill, np.maximum(place - known[:, None], 0), 1)
    filled[short] = np.where(place < known[:, None], lists[short], shifted)
    return filled


def _areas(scores: np.ndarray, split: Split, rows: slice, negatives: np.ndarray) -> np.ndarray:
    """float64 [B]: AUC of each shopper's truth against items drawn at random (a drawn item that
    is in the truth counts for both sides, which costs a little and biases no comparison)."""
    start, stop, _ = rows.indices(len(split.shoppers))
    truth = split.truth
    span = slice(truth.offsets[start], truth.offsets[stop])
    size = truth.counts[start:stop]
    row = np.repeat(np.arange(len(size)), size)
    positive = scores[row, truth.items[span]]
    negative = np.take_along_axis(scores, negatives, 1)
    shopper = np.concatenate([row, np.repeat(np.arange(len(size)), negatives.shape[1])])
    order = np.argsort(shopper, kind="stable")
    value = np.concatenate([positive, negative.ravel()])[order]
    label = np.concatenate([np.ones(len(positive), bool), np.zeros(negative.size, bool)])[order]
    offsets = np.concatenate([[0], np.cumsum(size + negatives.shape[1])])
    return metrics.auc_per_shopper(value, label, offsets)
