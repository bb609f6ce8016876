"""Item-item tables truncated to K neighbours, and the one way to read them.

A table is two rectangular arrays: rows of equal length are read in one run of memory each.
Sources: Sarwar et al. 2001 (item-based kNN); BM25 weights as in implicit; Paudel et al. 2016 (RP3β).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.engine.compiled import kernels, selection, spare_places


@dataclass(frozen=True)
class Neighbours:
    """``row`` int32 [n]: the row of each item (the last row, all zero, for items without one);
    ``items`` int32 [R, K], padded by n; ``weights`` float32 [R, K], padded by 0."""

    row: np.ndarray
    items: np.ndarray
    weights: np.ndarray

    @property
    def n(self) -> int:
        return len(self.row)

    def spread(self, bounds: np.ndarray, item: np.ndarray, value: np.ndarray) -> np.ndarray:
        """Σ value · weight over the neighbours of each held item: float32 [S, n].

        ``bounds`` int64 [S+1] into ``item`` [H] and ``value`` float32 [H]: what each shopper holds.
        """
        table = np.zeros((len(bounds) - 1, self.n + 1), np.float32)  # the last column swallows the padding
        kernels().spread(bounds, self.row[item], value, self.items, self.weights, table)
        return table[:, :-1]

    def spread_to(
        self, offsets: np.ndarray, items: np.ndarray, bounds: np.ndarray, item: np.ndarray, value: np.ndarray
    ) -> np.ndarray:
        """float32 [P]: :meth:`spread` at ``items`` int64 [P] alone, shopper s's at offsets[s]:offsets[s+1]."""
        found = np.empty(len(items), np.float32)
        most = len(items) if len(items) < 2**16 else int(np.diff(offsets).max())
        place = spare_places(self.n + 1, most)
        kernels().spread_to_pairs(offsets, items, bounds, self.row[item], value, self.items, self.weights, place, found)
        return found

    def of(self, items: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The best ``k`` neighbours of ``items``: int32 [m, k] codes (−1: none), float32 [m, k] weights."""
        rows = self.row[items]
        column, _ = selection().best_of_rows(self.weights[rows], k, above=0)
        real, place = column >= 0, (rows[:, None], column)  # a place that there is not reads the row's last
        return np.where(real, self.items[place], np.int32(-1)), np.where(real, self.weights[place], np.float32(0))


def from_sparse(similar: sparse.csr_matrix) -> Neighbours:
    """A square sparse matrix of few entries a row (own diagonal dropped) as a table."""
    n = similar.shape[0]
    row = np.repeat(np.arange(n), np.diff(similar.indptr))
    off = (row != similar.indices) & (similar.data != 0)
    row, column, data = row[off], similar.indices[off], similar.data[off]
    size = np.bincount(row, minlength=n)
    place = np.arange(len(row)) - np.repeat(np.cumsum(size) - size, size)
    owners = np.flatnonzero(size)
    position = np.full(n, len(owners), np.int32)
    position[owners] = np.arange(len(owners), dtype=np.int32)
    width = max(int(size.max(initial=0)), 1)
    items = np.full((len(owners) + 1, width), n, np.int32)
    weights = np.zeros((len(owners) + 1, width), np.float32)
    items[position[row], place] = column
    weights[position[row], place] = data
    return Neighbours(position, items, weights)


def _all_pairs(weighted: sparse.csr_matrix, k: int, threads: int) -> sparse.csr_matrix:
    """The K largest entries of each row of WᵀW, never materialising the product.

    Items of a single shopper are left out: their neighbours would be that shopper's whole history.
    """
    from implicit.nearest_neighbours import all_pairs_knn

    shared = np.bincount(weighted.indices, minlength=weighted.shape[1]) > 1
    weighted = _by_column(weighted, shared.astype(np.float64))
    weighted.eliminate_zeros()
    return all_pairs_knn(weighted, k + 1, show_progress=False, num_threads=threads).tocsr()


def _by_column(matrix: sparse.csr_matrix, factor: np.ndarray) -> sparse.csr_matrix:
    scaled = matrix.copy()
    scaled.data = matrix.data * factor[matrix.indices]
    return scaled


def _by_row(matrix: sparse.csr_matrix, factor: np.ndarray) -> sparse.csr_matrix:
    scaled = matrix.copy()
    scaled.data = matrix.data * np.repeat(factor, np.diff(matrix.indptr))
    return scaled


def _inverse(values: np.ndarray, power: float) -> np.ndarray:
    return np.where(values > 0, np.maximum(values, 1e-12) ** -power, 0)


def cosine(counts: sparse.csr_matrix, k: int, threads: int) -> Neighbours:
    """TF-IDF cosine between items; a shopper of many items says little about each."""
    per_shopper = np.diff(counts.indptr)
    idf = np.log1p(counts.shape[1] / (1 + per_shopper))
    weighted = _by_row(counts, idf)
    norms = np.sqrt(np.bincount(weighted.indices, weighted.data**2, counts.shape[1]))
    return from_sparse(_all_pairs(_by_column(weighted, _inverse(norms, 1)), k, threads))


def bm25(counts: sparse.csr_matrix, k: int, threads: int, *, k1: float = 1.2, b: float = 0.75) -> Neighbours:
    """BM25-weighted co-occurrence: saturating counts, long histories damped, rare items raised."""
    length = np.asarray(counts.sum(axis=1)).ravel()
    damp = (1 - b) + b * length / max(length.mean(), 1e-9)
    weighted = counts.copy()
    spread = np.repeat(damp, np.diff(counts.indptr))
    weighted.data = counts.data * (k1 + 1) / (k1 * spread + counts.data)
    buyers = np.bincount(counts.indices, minlength=counts.shape[1])
    idf = np.log1p(counts.shape[0] / (1 + buyers))
    weighted = _by_column(weighted, np.sqrt(idf) * _inverse(buyers, 0.25))
    return from_sparse(_all_pairs(weighted, k, threads))


def rp3(counts: sparse.csr_matrix, k: int, threads: int, *, beta: float = 0.6) -> Neighbours:
    """Random walk item → shopper → item, the end's popularity discounted by ``beta``."""
    shopper_degree = np.asarray(counts.sum(axis=1)).ravel()
    item_degree = np.bincount(counts.indices, counts.data, counts.shape[1])
    # Scaling both ends alike keeps the product symmetric; the row factor is put right afterwards.
    weighted = _by_column(_by_row(counts, _inverse(shopper_degree, 0.5)), _inverse(item_degree, beta))
    walk = _all_pairs(weighted, k, threads)
    walk = _by_row(walk, _inverse(item_degree, 1 - beta))
    return from_sparse(walk)


def together(baskets: sparse.csr_matrix, k: int, threads: int) -> Neighbours:
    """Items of one shopper's day: cosine of presence, large baskets damped."""
    weighted = _by_row(baskets, _inverse(np.diff(baskets.indptr), 0.25))
    norms = np.sqrt(np.bincount(baskets.indices, minlength=baskets.shape[1]) + 2.0)
    return from_sparse(_all_pairs(_by_column(weighted, 1 / norms), k, threads))
