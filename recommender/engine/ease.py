"""EASE: the closed-form linear item-item model (Steck 2019), truncated to K neighbours a row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, types
from scipy import linalg, sparse

from recommender.engine.neighbours import Neighbours
from recommender.engine.selection import best_of_rows

_SETTINGS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy"}
TILE = 64


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
    inverse = product.T.copy(order="F")  # LAPACK's own order of memory: nothing below is copied
    np.einsum("ii->i", inverse)[:] += np.float32(ridge)
    for name in ("potrf", "potri"):
        (step,) = linalg.lapack.get_lapack_funcs((name,), (inverse,))
        options = {"overwrite_a": 1, "clean": 0} if name == "potrf" else {"overwrite_c": 1}
        inverse, info = step(inverse, lower=1, **options)
        if info:
            raise np.linalg.LinAlgError(f"expected a positive definite Gram matrix; LAPACK {name} answered {info}")
    solution = np.ascontiguousarray(inverse.T)
    _scale(solution, np.diag(solution).copy())
    return solution


@njit(types.void(types.float32[:, ::1], types.float32[::1]), **_SETTINGS)
def _scale(inverse: np.ndarray, diagonal: np.ndarray) -> None:
    """−P / diag(P) with a diagonal of zeros, written over P [n, n], of which the upper half is given: tile by tile, for
    what is written down a column would be fetched again for each row."""
    n = len(inverse)
    for above in range(0, n, TILE):
        for beside in range(above, n, TILE):
            for row in range(above, min(above + TILE, n)):
                for column in range(max(beside, row + 1), min(beside + TILE, n)):
                    value = -inverse[row, column]
                    inverse[row, column] = value / diagonal[column]
                    inverse[column, row] = value / diagonal[row]
    for row in range(n):
        inverse[row, row] = 0


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
