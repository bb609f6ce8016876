"""One truncated SVD of the normalised shopper-item matrix, read at several ranks.

Low ranks are broad taste, high ranks fine taste; which helps depends on the catalogue, so the
network gets all of them. Source: Shen et al. 2021 (GF-CF: the ideal low-pass filter);
Halko et al. 2011 (randomised SVD).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse


@dataclass(frozen=True)
class Spectrum:
    """``vectors`` float32 [n, r]: what a shopper's vector says about each item; times ``read`` float32 [n]:
    what the item adds to the vector of a shopper who has it; times ``unit`` float32 [n]: its direction,
    of length one (0 for items never seen); ``ranks``: where the sum is read, ascending, the last = r."""

    vectors: np.ndarray
    read: np.ndarray
    unit: np.ndarray
    ranks: tuple[int, ...]


def fit(counts: sparse.csr_matrix, ranks: tuple[int, ...], rng: np.random.Generator) -> Spectrum:
    """``counts`` float32 csr [S, n] → item vectors of the leading ``ranks[-1]`` singular values; columns that
    a small log cannot fill are 0, so that every cut of a run has the same ranks."""
    n = counts.shape[1]
    # An item of one shopper has no place among the others.
    known = np.flatnonzero(np.bincount(counts.indices, minlength=n) > 1)
    known = known if len(known) > 1 else np.arange(n)
    shared = counts[:, known].tocsr()
    degree = np.bincount(shared.indices, shared.data, len(known)).astype(np.float32)
    right = _leading(shared, degree, ranks[-1], rng)
    root = np.sqrt(degree)
    norm = np.linalg.norm(right, axis=1) * root
    vectors = np.zeros((n, ranks[-1]), np.float32)
    read, unit = np.zeros(n, np.float32), np.zeros(n, np.float32)
    vectors[known, : right.shape[1]] = right * root[:, None]
    read[known] = np.where(degree > 0, 1 / np.maximum(degree, 1e-9), 0)
    unit[known] = np.where(norm > 1e-9, 1 / np.maximum(norm, 1e-9), 0)
    return Spectrum(vectors, read, unit, tuple(ranks))


def _leading(counts: sparse.csr_matrix, item_degree: np.ndarray, rank: int, rng: np.random.Generator) -> np.ndarray:
    """float32 [n, ≤ rank]: right singular vectors of D_shopper^−½ X D_item^−½, largest first."""
    n_shoppers, n = counts.shape
    rank = max(min(rank, n - 1, n_shoppers - 1), 1)
    shopper_degree = np.asarray(counts.sum(axis=1)).ravel()
    left = sparse.diags_array(np.where(shopper_degree > 0, np.maximum(shopper_degree, 1e-9) ** -0.5, 0))
    inverse = np.where(item_degree > 0, np.maximum(item_degree, 1e-9) ** -0.5, 0)
    matrix = (left @ counts @ sparse.diags_array(inverse)).tocsr().astype(np.float32)
    transposed = matrix.T.tocsr()
    width = min(rank + 12, n, n_shoppers)
    basis, _ = _orthogonal(matrix @ rng.standard_normal((n, width)).astype(np.float32))
    for _ in range(3):
        basis, _ = _orthogonal(matrix @ _orthogonal(transposed @ basis)[0])
    # The factor is small: its decomposition, turned back, is that of the product.
    turned, factor = _orthogonal(transposed @ basis)
    right = turned @ np.linalg.svd(factor)[0][:, :rank].astype(np.float32)
    # The sign of a singular vector is arbitrary; the largest entry is made positive so that a run can be repeated.
    return np.asarray(right * np.sign(right[np.abs(right).argmax(axis=0), np.arange(right.shape[1])]), np.float32)


def _orthogonal(tall: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Q and R of float32 [n, w], in single precision; NumPy's would take twice the digits and twice the time."""
    q, r = linalg.qr(tall, mode="economic", overwrite_a=True, check_finite=False)
    return q, r
