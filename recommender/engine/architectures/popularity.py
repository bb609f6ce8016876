"""The same list for everybody: what was bought most in the last days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, ShopData


@dataclass(frozen=True)
class Popularity:
    """``scores`` float32 [n_items]."""

    scores: np.ndarray

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items], each row the same (a read-only view)."""
        return np.broadcast_to(self.scores, (len(histories), len(self.scores)))


def fit(
    data: ShopData, now: float, config: Config, rng: np.random.Generator, *, days: float | None = 28.0
) -> Popularity:
    """Weighted events of the last ``days`` before ``now`` (None: of all time). A log that is
    silent for that long, or has no time, is counted whole."""
    events = data.interactions
    if days is not None and events.timed:
        recent = events.select(events.at >= now - days)
        events = recent if len(recent) else events
    weight = counts.event_weights(events, data.kinds)
    total = np.bincount(events.item, weight, minlength=data.items.n)
    return Popularity(total.astype(np.float32))
