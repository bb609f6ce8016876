"""What a model may know and what it is asked: by time, or by folds where there is no time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recommender.engine import metrics
from recommender.engine.architectures import counts
from recommender.engine.interactions import Histories, Interactions, Kinds, ShopData, histories
from recommender.engine.metrics import Truth


@dataclass(frozen=True)
class Split:
    """One measurement: ``known`` is the shop as it was at ``now``; ``shoppers`` int32 [S] (codes,
    ascending) did ``truth`` before ``end``; ``seen`` bool [T]: entries of it they had before."""

    known: ShopData
    now: float
    end: float
    shoppers: np.ndarray
    truth: Truth
    seen: np.ndarray

    @property
    def unseen(self) -> Truth:
        """The truth of NEW."""
        return self.truth.keep(~self.seen)

    def only(self, rows: np.ndarray) -> Split:
        """The same measurement for some shoppers: ``rows`` int ascending, positions in ``shoppers``."""
        keep = np.isin(self.truth.shoppers, rows)
        place = np.searchsorted(rows, self.truth.shoppers[keep])
        truth = metrics.truth_from_pairs(
            place, self.truth.items[keep], self.truth.gains[keep], len(rows), self.truth.n_items
        )
        return Split(self.known, self.now, self.end, self.shoppers[rows], truth, self.seen[keep])

    def histories(self, rows: slice = slice(None)) -> Histories:
        """What was known of ``shoppers[rows]``."""
        return histories(self.known.interactions, self.shoppers[rows], self.known.shoppers.attributes)


def split_at(data: ShopData, now: float, end: float) -> Split:
    """Known: events before ``now``; truth: events of target kinds in [now, end), for the shoppers
    of whom anything was known."""
    known = data.before(now)
    return _split(known, data.interactions.between(now, end), now, end)


def count_asked(data: ShopData, now: float, end: float) -> int:
    """How many shoppers ``split_at`` finds, without the copy of the log that it makes."""
    events = data.interactions
    later = _asking(events.between(now, end), data.kinds)
    return len(np.intersect1d(later.shopper, events.shopper[events.at < now]))


def split_fold(data: ShopData, rng: np.random.Generator, *, fold: int = 0, folds: int = 5) -> Split:
    """For a log without time: one fold of the (shopper, item) pairs, stratified by item, is hidden.
    All events of a hidden pair are hidden, so whatever there is to be found is new."""
    events = data.interactions
    pair, inverse = np.unique(metrics.pair_keys(events.shopper, events.item, data.items.n), return_inverse=True)
    item = pair % data.items.n
    order = np.lexsort((rng.random(len(pair)), item))
    first = np.searchsorted(item[order], item[order])
    fold_of = np.empty(len(pair), np.int64)
    # Dealt out in turn within the item, from a random fold on: items of one pair land anywhere.
    start = rng.integers(folds, size=data.items.n)
    fold_of[order] = (np.arange(len(pair)) - first + start[item[order]]) % folds
    hidden = (fold_of == fold)[inverse]
    now = float(events.at.max(initial=0.0))
    return _split(replace(data, interactions=events.select(~hidden)), events.select(hidden), now, now)


def _split(known: ShopData, later: Interactions, now: float, end: float) -> Split:
    later = _asking(later, known.kinds)
    shoppers = np.intersect1d(later.shopper, known.interactions.shopper).astype(np.int32)
    later = later.select(np.isin(later.shopper, shoppers))
    rows = np.searchsorted(shoppers, later.shopper)
    truth = metrics.truth_from_pairs(rows, later.item, _gains(later), len(shoppers), known.items.n)
    events = known.interactions
    had = events.select(counts.event_weights(events, known.kinds) > 0)
    had_keys = metrics.pair_keys(had.shopper, had.item, known.items.n)
    seen = np.isin(metrics.pair_keys(shoppers[truth.shoppers], truth.items, known.items.n), had_keys)
    return Split(known, now, end, shoppers, truth, seen)


def _asking(later: Interactions, kinds: Kinds) -> Interactions:
    """What a good list would have foreseen."""
    return later.select(kinds.targets[later.kind] & (counts.event_weights(later, kinds) > 0))


def _gains(later: Interactions) -> np.ndarray:
    """float32: 1, or the rating where there is one."""
    return np.where(np.isfinite(later.value) & (later.value > 0), later.value, 1).astype(np.float32)


def horizon(data: ShopData) -> float:
    """Days of a window when none are configured: an eighth of the log, between one day and 28; of a log of less than
    three days (or one whose times only number its events) a third."""
    span = data.interactions.span
    return span / 3 if 0 < span < 3 else float(np.clip(span / 8, 1, 28))
