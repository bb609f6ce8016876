"""EASE, the closed-form item-item regression (Steck 2019), on the most-interacted items.

B = I − P·diag(1/P_jj) with P = (XᵀX + λI)⁻¹: cubic in the number of items, which ``cap`` bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, Kinds, ShopData


@dataclass(frozen=True)
class EASE:
    """``weights`` float32 [C, C] between the modelled items ``items`` int32 [C] of ``n_items``."""

    weights: np.ndarray
    items: np.ndarray
    n_items: int
    kinds: Kinds

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: −inf for an item outside the cap, and for a shopper who has
        nothing inside it."""
        own = _logged(counts.history_matrix(histories, self.kinds, self.n_items)[:, self.items])
        dense = np.full((len(histories), self.n_items), -np.inf, np.float32)
        known = np.flatnonzero(np.diff(own.indptr))
        dense[np.ix_(known, self.items)] = own[known] @ self.weights
        return dense


def fit(
    data: ShopData,
    now: float,
    config: Config,
    rng: np.random.Generator,
    *,
    regularisation: float = 400.0,
    cap: int = 6000,
) -> EASE:
    """X = log₂(1 + weighted count) over the ``cap`` items with the most shoppers."""
    matrix = counts.count_matrix(data.interactions, data.kinds, data.shoppers.n, data.items.n)
    popular = np.argsort(-np.bincount(matrix.indices, minlength=data.items.n), kind="stable")
    items = np.sort(popular[:cap]).astype(np.int32)
    logged = _logged(matrix[:, items])
    gram = np.asarray((logged.T @ logged).todense(), np.float32)
    return EASE(_regression(gram, regularisation), items, data.items.n, data.kinds)


def _logged(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    matrix = matrix.tocsr(copy=True)
    matrix.data = np.log2(1 + matrix.data).astype(np.float32)
    return matrix


def _regression(gram: np.ndarray, regularisation: float) -> np.ndarray:
    """float32 [C, C]: column j predicts item j from all the others. ``gram`` is overwritten."""
    gram[np.diag_indices_from(gram)] += regularisation
    factor, failed = linalg.lapack.spotrf(gram, lower=False, overwrite_a=True)
    if failed:
        raise ValueError(f"expected a positive definite Gram matrix, received one that fails at row {failed}")
    inverse, _ = linalg.lapack.spotri(factor, lower=False, overwrite_c=True)
    # Only the upper triangle is computed.
    inverse = np.triu(inverse) + np.triu(inverse, 1).T
    weights = -inverse / np.diag(inverse)
    weights[np.diag_indices_from(weights)] = 0
    return np.ascontiguousarray(weights, np.float32)
