"""Popularity within the shopper's segment: the plainest model that reads a shopper attribute, and
so the measure of what filling its gaps is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Codes, Histories, ShopData

#: Pseudo-shoppers of the whole shop in every segment.
PRIOR = 20.0


@dataclass(frozen=True)
class Segment:
    """``scores`` float32 [labels + 1, n_items]; the last row is everybody, for the unknown."""

    attribute: str
    scores: np.ndarray

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]."""
        nobody = np.full(len(histories), -1, np.int32)
        return self.scores[histories.attributes.get(self.attribute, nobody)]


def fit(data: ShopData, now: float, config: Config, rng: np.random.Generator, *, attribute: str) -> Segment:
    """Share of each segment's shoppers who had the item, shrunk to the shop's share. Without the
    attribute everybody is one segment."""
    known = data.shoppers.attributes.get(attribute, Codes(np.full(data.shoppers.n, -1, np.int32), ()))
    matrix = counts.count_matrix(data.interactions, data.kinds, data.shoppers.n, data.items.n)
    matrix.data[:] = 1
    overall = np.asarray(matrix.sum(0)).ravel() / max(data.shoppers.n, 1)
    scores = np.empty((known.size + 1, data.items.n), np.float32)
    scores[-1] = overall
    for label in range(known.size):
        mine = known.codes == label
        had = np.asarray(matrix[mine].sum(0)).ravel()
        scores[label] = (had + PRIOR * overall) / (mine.sum() + PRIOR)
    return Segment(attribute, scores)
