"""Two towers that feed the candidates: a shopper vector from the history beside a vector of every item.

What stands here serves: NumPy only. The shopper vector is read off the fold of the history, so an event that is in
the history moves it at once. How the towers learn: ``tower_training.py``; from what: ``tower_lists.py``.
Sources: Covington et al. 2016 (candidates by two towers), Yi et al. 2019 (their sampled softmax).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.engine.profile import Profile

#: Raised whenever a field of :class:`Towers` changes its meaning.
SCHEMA = 1
#: Most recent items of a shopper that are read.
LENGTH = 100


class OtherTowers(ValueError):
    """Stored towers that this code cannot read, or that do not belong to the tables beside them."""


@dataclass(frozen=True)
class Towers:
    """``vectors`` float32 [n, d] and ``bias`` float32 [n] of the items: vector · shopper + bias ≈ log of the chance
    that the next new item is this one; ``hidden`` and ``out``: weights and biases of the shopper's two layers;
    ``nearest``: items proposed to a shopper; ``schema``: what these fields mean."""

    schema: int
    nearest: int
    vectors: np.ndarray
    bias: np.ndarray
    hidden: tuple[np.ndarray, np.ndarray]
    out: tuple[np.ndarray, np.ndarray]

    def encode(self, p: Profile) -> np.ndarray:
        """float32 [S, d]: the shoppers' vectors; without a history that of a stranger."""
        place = newest(p)
        shopper, item = p.shopper[place], p.item[place]
        means = []
        for share in shares(weights(p, place), shopper, p.n_shoppers).T:
            matrix = sparse.csr_matrix((share, (shopper, item)), (p.n_shoppers, len(self.vectors)))
            means.append(np.asarray(matrix @ self.vectors))
        hidden = np.maximum(np.concatenate(means, axis=1) @ self.hidden[0] + self.hidden[1], 0)
        return np.asarray(means[1] + hidden @ self.out[0] + self.out[1], np.float32)

    def scores(self, p: Profile) -> np.ndarray:
        """float32 [S, n]: how near every item is."""
        found = self.encode(p) @ self.vectors.T
        found += self.bias
        return found

    def beyond(
        self, p: Profile, proposed: np.ndarray, *, allowed: np.ndarray | None = None, k: int | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows and items int64 of the ``k`` (None: ``nearest``) nearest items of each shopper, nearest first, that are
        ``allowed`` (bool [n]) and neither had, dismissed nor among ``proposed`` (int64 keys shopper · n + item)."""
        scores = self.scores(p)
        flat = scores.reshape(-1)
        for taken in (proposed, p.key, p.excluded):
            flat[taken] = -np.inf
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        k = min(self.nearest if k is None else k, scores.shape[1])
        near = np.argpartition(-scores, k - 1, axis=1)[:, :k]
        near.sort(axis=1)
        value = np.take_along_axis(scores, near, 1)
        order = np.argsort(-value, axis=1, kind="stable")
        near, value = np.take_along_axis(near, order, 1), np.take_along_axis(value, order, 1)
        row, place = np.nonzero(np.isfinite(value))
        return row, near[row, place].astype(np.int64)

    def told(self) -> dict[str, int]:
        """What a reader of the artifact's ``meta.json`` is told of them."""
        n, size = self.vectors.shape
        return {"schema": self.schema, "nearest": self.nearest, "items": n, "size": size}

    def require(self, n_items: int) -> None:
        """Raises :class:`OtherTowers` unless they are of this schema and of a catalogue of ``n_items``."""
        if self.schema != SCHEMA:
            raise OtherTowers(f"expected towers of schema {SCHEMA}, received schema {self.schema}")
        if len(self.vectors) != n_items or self.bias.shape != (n_items,):
            raise OtherTowers(f"expected vectors of {n_items} items, received {len(self.vectors)}")


def newest(p: Profile) -> np.ndarray:
    """Positions of each shopper's ``LENGTH`` groups with the most recent events, ascending."""
    if not len(p.key) or np.diff(p.starts).max() <= LENGTH:
        return np.arange(len(p.key))
    order = np.lexsort((p.last, p.shopper))
    rank = np.arange(len(order)) - p.starts[p.shopper[order]]
    return np.sort(order[rank < LENGTH])


def weights(p: Profile, place: np.ndarray) -> np.ndarray:
    """float32 [H, 2]: what the groups at ``place`` weigh, in all and lately."""
    return np.stack([p.plain[place], p.recent[place]], axis=1).astype(np.float32)


def shares(weight: np.ndarray, row: np.ndarray, n_rows: int) -> np.ndarray:
    """float32 [H, 2]: ``weight`` as a share of its row's; near 0 where a row weighs next to nothing."""
    total = np.stack([np.bincount(row, column, n_rows) for column in weight.T], axis=1)
    return (weight / np.maximum(total[row], 1e-6)).astype(np.float32)
