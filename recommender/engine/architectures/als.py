"""Matrix factorisation of implicit feedback by alternating least squares (Hu, Koren & Volinsky
2008), fitted by the ``implicit`` library; a shopper is folded in from the history alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, Kinds, ShopData


@dataclass(frozen=True)
class ALS:
    """``factors`` float32 [n_items, F]; confidence of a pair = 1 + ``alpha``·count."""

    factors: np.ndarray
    kinds: Kinds
    regularisation: float
    alpha: float

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: shopper vector · item vectors."""
        return self.fold_in(histories) @ self.factors.T

    def fold_in(self, histories: Histories) -> np.ndarray:
        """float32 [S, F]: the shopper vectors u = (YᵀY + Yᵀ(C−I)Y + λI)⁻¹ YᵀCp, the least-squares
        answer to each history. A shopper without events gets zeros."""
        own = counts.history_matrix(histories, self.kinds, len(self.factors))
        size = self.factors.shape[1]
        gram = self.factors.T @ self.factors + self.regularisation * np.eye(size, dtype=np.float32)
        vectors = np.zeros((len(histories), size), np.float32)
        with threadpool_limits(1, "blas"):  # each product is too small to share
            for row in range(len(histories)):
                span = slice(own.indptr[row], own.indptr[row + 1])
                if span.start == span.stop:
                    continue
                # [n, F] of this history; the confidence above 1 is what the counts add.
                mine, extra = self.factors[own.indices[span]], self.alpha * own.data[span]
                vectors[row] = np.linalg.solve(gram + (mine.T * extra) @ mine, mine.T @ (1 + extra))
        return vectors


def fit(
    data: ShopData,
    now: float,
    config: Config,
    rng: np.random.Generator,
    *,
    factors: int = 64,
    regularisation: float = 0.05,
    alpha: float = 1.0,
    iterations: int = 15,
) -> ALS:
    """Fits the item vectors. With nearly as many factors as items everything is remembered and
    nothing is generalised, so a small catalogue gets a quarter of its size."""
    size = max(2, min(factors, data.items.n // 4, data.shoppers.n // 4))
    matrix = counts.count_matrix(data.interactions, data.kinds, data.shoppers.n, data.items.n)
    # The library takes its matrix as the confidences themselves.
    matrix.data = 1 + alpha * matrix.data
    # implicit runs its own threads; BLAS threads below them only fight for the cores.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=size,
            regularization=regularisation,
            iterations=iterations,
            random_state=int(rng.integers(2**31)),
        )
        model.fit(matrix, show_progress=False)
    return ALS(np.asarray(model.item_factors), data.kinds, regularisation, alpha)
