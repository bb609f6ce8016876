"""What this shopper comes back to: the simple score that is hard to beat where people rebuy.

Three readings of the same events: ``decay`` – Σ weight·exp(−age/days); ``days`` – distinct days;
``rate`` – a Poisson–gamma repeat rate times recency: bought on n days over the time t since the
first one, with the item's own repeat rate r as the prior, the expected rate is n / (t + 1/r)
(the posterior mean of a Gamma(1, 1/r) prior, its one pseudo-purchase being the first buy itself).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, Interactions, Kinds, ShopData

Reading = Literal["decay", "days", "rate"]

#: Pseudo-pairs that pull an item's repeat rate to the shop's mean.
PRIOR_PAIRS = 5.0


@dataclass(frozen=True)
class OwnHistory:
    """``rates`` float64 [n_items]: smoothed repeat rate a day (``rate`` only)."""

    reading: Reading
    days: float
    kinds: Kinds
    n_items: int
    rates: np.ndarray

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: log of the score, −inf where the shopper never had the item."""
        shopper, item, score = self._pairs(histories.events, now)
        dense = np.full((len(histories), self.n_items), -np.inf, np.float32)
        # The logarithm keeps the order of scores that float32 would flush to zero.
        dense[shopper, item] = np.log(np.maximum(score, 1e-300))
        return dense

    def _pairs(self, events: Interactions, now: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self.reading == "decay":
            weight = counts.event_weights(events, self.kinds) * counts.decay(events, now, self.days)
            return _sum_pairs(events, weight, self.n_items)
        if self.reading == "days":
            matrix = counts.day_matrix(events, self.kinds, _rows(events), self.n_items).tocoo()
            # Of equal counts the more recent comes first.
            latest = _latest(events, matrix.row, matrix.col, self.n_items)
            return matrix.row, matrix.col, matrix.data * (1 + 1e-4 * np.exp((latest - now) / 60))
        days, first, last = _spans(events, self.kinds, self.n_items)
        prior = 1 / self.rates[days.col]
        rate = days.data / (np.maximum(now - first, 0) + prior)
        return days.row, days.col, rate * np.exp(-np.maximum(now - last, 0) / self.days)


def fit(
    data: ShopData,
    now: float,
    config: Config,
    rng: np.random.Generator,
    *,
    reading: Reading = "rate",
    days: float = 60.0,
) -> OwnHistory:
    """``days`` is the decay of ``decay`` and of the recency in ``rate``."""
    rates = _repeat_rates(data, now) if reading == "rate" else np.ones(data.items.n)
    return OwnHistory(reading, days, data.kinds, data.items.n, rates)


def _repeat_rates(data: ShopData, now: float) -> np.ndarray:
    """float64 [n_items]: repeats a day since each first purchase, shrunk to the shop's mean."""
    days, first, _ = _spans(data.interactions, data.kinds, data.items.n)
    repeats = np.bincount(days.col, days.data - 1, minlength=data.items.n)
    exposed = np.bincount(days.col, np.maximum(now - first, 1.0), minlength=data.items.n)
    mean = max(repeats.sum() / max(exposed.sum(), 1.0), 1e-5)
    typical = max(exposed.sum() / max(len(first), 1), 1.0)
    return (repeats + PRIOR_PAIRS * mean * typical) / (exposed + PRIOR_PAIRS * typical)


def _spans(events: Interactions, kinds: Kinds, n_items: int) -> tuple[sparse.coo_matrix, np.ndarray, np.ndarray]:
    """Distinct days of each pair, and the times float64 [nnz] of its first and last event."""
    counted = events.select(counts.event_weights(events, kinds) > 0)
    matrix = counts.day_matrix(counted, kinds, _rows(counted), n_items).tocoo()
    latest = _latest(counted, matrix.row, matrix.col, n_items)
    earliest = -_latest(counted, matrix.row, matrix.col, n_items, sign=-1.0)
    return matrix, earliest, latest


def _latest(
    events: Interactions, row: np.ndarray, column: np.ndarray, n_items: int, *, sign: float = 1.0
) -> np.ndarray:
    """float64: the largest ``sign``·at among the events of each asked pair."""
    pair = events.shopper.astype(np.int64) * n_items + events.item
    order = np.lexsort((sign * events.at, pair))
    asked = row.astype(np.int64) * n_items + column
    last = np.searchsorted(pair[order], asked, "right") - 1
    return sign * events.at[order][last]


def _sum_pairs(events: Interactions, weight: np.ndarray, n_items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    keep = weight > 0
    pair = events.shopper[keep].astype(np.int64) * n_items + events.item[keep]
    unique, inverse = np.unique(pair, return_inverse=True)
    return unique // n_items, unique % n_items, np.bincount(inverse, weight[keep], minlength=len(unique))


def _rows(events: Interactions) -> int:
    return int(events.shopper.max(initial=-1)) + 1
