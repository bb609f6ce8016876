"""Item-based nearest neighbours: cosine, TF-IDF or BM25 weighted (Sarwar et al. 2001; Deshpande
& Karypis 2004), fitted by the ``implicit`` library, scored by one sparse product."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Literal

import numpy as np
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender, TFIDFRecommender
from implicit.utils import ParameterWarning
from scipy import sparse

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, Kinds, ShopData

Weighting = Literal["cosine", "tfidf", "bm25"]

_RECOMMENDERS = {"cosine": CosineRecommender, "tfidf": TFIDFRecommender, "bm25": BM25Recommender}


@dataclass(frozen=True)
class ItemKNN:
    """``similarity`` CSR [n_items, n_items], each row an item's nearest neighbours (itself too)."""

    similarity: sparse.csr_matrix
    kinds: Kinds
    days: float | None

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: Σ over the history of count · similarity; −inf: no neighbour."""
        n_items = self.similarity.shape[0]
        own = counts.history_matrix(histories, self.kinds, n_items, now=now, days=self.days)
        return counts.no_opinion((own @ self.similarity).toarray())


def fit(
    data: ShopData,
    now: float,
    config: Config,
    rng: np.random.Generator,
    *,
    weighting: Weighting = "bm25",
    neighbours: int = 100,
    days: float | None = None,
) -> ItemKNN:
    """``neighbours`` kept per item; ``days``: decay of the counts (None: all events alike, which is
    better for new items)."""
    matrix = counts.count_matrix(data.interactions, data.kinds, data.shoppers.n, data.items.n, now=now, days=days)
    model = _RECOMMENDERS[weighting](K=neighbours, num_threads=config.threads)
    with warnings.catch_warnings():
        # The library's own weighting hands its own fit a COO matrix and then complains of it.
        warnings.simplefilter("ignore", ParameterWarning)
        model.fit(matrix.astype(np.float64), show_progress=False)
    return ItemKNN(sparse.csr_matrix(model.similarity, dtype=np.float32), data.kinds, days)
