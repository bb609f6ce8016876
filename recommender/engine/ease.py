"""EASE: the closed-form linear item-item model (Steck 2019), truncated to K neighbours a row."""

from __future__ import annotations

import numpy as np
from scipy import linalg, sparse

from recommender.engine.neighbours import Neighbours
from recommender.engine.selection import best_of_rows


def gram(counts: sparse.csr_matrix) -> np.ndarray:
    """XᵀX as float32 [n, n], rows of X in blocks so that memory is bounded by n² and a block."""
    n = counts.shape[1]
    total = np.zeros((n, n), np.float32)
    block = max(256, int(2e7 // max(n, 1)))
    if counts.nnz < 0.01 * counts.shape[0] * n:
        return (counts.T @ counts).toarray().astype(np.float32)
    for start in range(0, counts.shape[0], block):
        dense = counts[start : start + block].toarray().astype(np.float32)
        total += dense.T @ dense
    return total


def weights(product: np.ndarray, ridge: float) -> np.ndarray:
    """B = I − P / diag(P) with P = (XᵀX + λI)⁻¹, zero diagonal: float32 [n, n], row j → column i."""
    n = len(product)
    lower = linalg.cholesky(product + np.float32(ridge) * np.eye(n, dtype=np.float32), lower=True, overwrite_a=True)
    inverse, info = linalg.lapack.get_lapack_funcs("potri", (lower,))(lower, lower=1, overwrite_c=1)
    if info:
        raise np.linalg.LinAlgError(f"expected a positive definite Gram matrix; LAPACK potri answered {info}")
    inverse = np.tril(inverse) + np.tril(inverse, -1).T
    solution = -inverse / np.diag(inverse)
    np.fill_diagonal(solution, 0)
    return solution


def truncate(solution: np.ndarray, known: np.ndarray, n: int, k: int) -> Neighbours:
    """The K weights of largest size in each row; ``known`` int [m] maps the rows to items 0 … n−1."""
    k = min(k, solution.shape[1])
    top, _ = best_of_rows(np.abs(solution), k)
    position = np.full(n, len(known), np.int32)
    position[known] = np.arange(len(known), dtype=np.int32)
    items = np.vstack([known[top], np.full((1, k), n)]).astype(np.int32)
    kept = np.vstack([np.take_along_axis(solution, top, 1), np.zeros((1, k), np.float32)])
    return Neighbours(position, items, kept.astype(np.float32))


def fit(counts: sparse.csr_matrix, ridges: tuple[float, ...], *, cap: int, k: int) -> tuple[Neighbours, ...]:
    """One table per ridge over the ``cap`` items with most shoppers: cubic in the cap, linear in the rest."""
    buyers = np.bincount(counts.indices, minlength=counts.shape[1])
    known = np.sort(np.argsort(-buyers, kind="stable")[: min(cap, int((buyers > 1).sum()) or 1)])
    product = gram(counts[:, known].tocsr())
    return tuple(truncate(weights(product, ridge), known, counts.shape[1], k) for ridge in ridges)
