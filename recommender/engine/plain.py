"""A ranker without training: own history, neighbours and popularity, added with fixed weights.

It serves while a shop has too little data to train on, and when nothing serves yet and a run was refused.
It offers what ``ranker.Ranker`` offers, so that whoever serves or publishes need not know which one it holds.

    score = 4·log1p(Σ own, decayed) + 2·log1p(Σ neighbours of own) + popularity (0 … 1)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import sparse

from recommender.engine.architectures import counts
from recommender.engine.interactions import Histories, Interactions, Kinds, ShopData

FILE = "plain.npz"
NAME = "popularity"
OWN_DAYS = 60.0
TREND_DAYS = 14.0
NEIGHBOURS = 30
#: Co-occurrence is quadratic in the items it looks at.
NEIGHBOUR_ITEMS = 4000
#: Pseudo-shoppers that keep a pair seen once from being the best pair.
SHRINK = 3.0
OWN, NEIGHBOUR, POPULAR = 4.0, 2.0, 1.0


@dataclass(frozen=True)
class PlainRanker:
    """``popularity`` and ``trend`` float32 [n], ``near`` int32 [n, K] (−1 padded) with ``closeness`` float32 [n, K]."""

    popularity: np.ndarray
    trend: np.ndarray
    near: np.ndarray
    closeness: np.ndarray
    kinds: Kinds
    feature_names: ClassVar[tuple[str, ...]] = ("own history", "neighbours", "popularity")
    feature_groups: ClassVar[dict[str, slice]] = {
        "own history": slice(0, 1), "neighbours": slice(1, 2), "popularity": slice(2, 3),
    }  # fmt: skip

    @property
    def n_items(self) -> int:
        return len(self.popularity)

    def popular(self, k: int) -> np.ndarray:
        """int32 [≤ k]: what is bought most, best first."""
        return _best(self.popularity, k)

    def trending(self, k: int) -> np.ndarray:
        """int32 [≤ k]: what is bought most lately, best first."""
        return _best(self.trend, k)

    def neighbours(self, items: np.ndarray, k: int, *, table: str = "similar") -> tuple[np.ndarray, np.ndarray]:
        """[len(items), k] codes (−1 padded) and weights; "similar" and "bought_together" are one here, and what comes
        "next" is not known."""
        if table == "next":
            return np.full((len(items), k), -1, np.int32), np.zeros((len(items), k), np.float32)
        return self.near[items, :k], self.closeness[items, :k]

    def nearest(self, histories: Histories, now: float, *, beyond: np.ndarray, k: int) -> np.ndarray:
        """int64 [0]: there are no towers here."""
        return np.zeros(0, np.int64)

    def candidates(self, histories: Histories, now: float, *, size: int) -> tuple[np.ndarray, np.ndarray]:
        """offsets int64 [S+1] and items int32: own items, their neighbours, then what is popular."""
        own, near = self._evidence(histories, now)
        known = (own + near).tocsr()
        common = self.popular(size)
        rows = []
        for row in range(len(histories)):
            part = slice(known.indptr[row], known.indptr[row + 1])
            order = np.argsort(-known.data[part], kind="stable")
            mine = known.indices[part][order][:size].astype(np.int32)
            spare = common[~np.isin(common, mine)][: size - len(mine)]
            rows.append(np.concatenate([mine, spare]))
        offsets = np.concatenate([[0], np.cumsum([len(items) for items in rows])]).astype(np.int64)
        return offsets, np.concatenate(rows) if rows else np.zeros(0, np.int32)

    def features(self, histories: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
        """float32 [pairs, 3], as ``feature_names``."""
        own, near = self._evidence(histories, now)
        row = np.repeat(np.arange(len(histories)), np.diff(offsets))
        columns = [np.log1p(np.asarray(matrix[row, items]).ravel()) for matrix in (own, near)]
        return np.stack([*columns, self.popularity[items]], axis=1).astype(np.float32)

    def score(self, histories: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
        """float32 [pairs], higher is better."""
        weights = np.array([OWN, NEIGHBOUR, POPULAR], np.float32)
        return self.features(histories, offsets, items, now) @ weights

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """0 … 1 in the order of the scores; not calibrated, for nothing was measured."""
        return np.asarray(1 - np.exp(-np.maximum(scores, 0) / 4))

    def recommend(
        self,
        histories: Histories,
        now: float,
        *,
        k: int,
        new_only: bool = False,
        exclude: np.ndarray | None = None,
        sellable: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes int32 [S, k] (−1 padded) and scores float32 [S, k], best first."""
        offsets, items = self.candidates(histories, now, size=4 * k)
        scores = self.score(histories, offsets, items, now)
        allowed = np.ones(self.n_items, bool) if sellable is None else sellable.copy()
        if exclude is not None:
            allowed[exclude] = False
        codes, values = np.full((len(histories), k), -1, np.int32), np.full((len(histories), k), -np.inf, np.float32)
        for row in range(len(histories)):
            part = slice(offsets[row], offsets[row + 1])
            own = histories.events.item[histories.offsets[row] : histories.offsets[row + 1]]
            keep = allowed[items[part]] & ~(new_only & np.isin(items[part], own))
            mine, worth = items[part][keep], scores[part][keep]
            order = np.argsort(-worth, kind="stable")[:k]
            codes[row, : len(order)], values[row, : len(order)] = mine[order], worth[order]
        return codes, values

    def save(self, folder: Path) -> None:
        """One ``.npz`` without pickles, beside the vocabulary."""
        np.savez(
            folder / FILE,
            popularity=self.popularity,
            trend=self.trend,
            near=self.near,
            closeness=self.closeness,
            weights=self.kinds.weights,
            targets=self.kinds.targets,
            names=np.array(self.kinds.names, dtype=np.str_),
        )

    @classmethod
    def load(cls, folder: Path) -> PlainRanker:
        """The inverse of :meth:`save`."""
        with np.load(folder / FILE, allow_pickle=False) as stored:
            kinds = Kinds(tuple(stored["names"].tolist()), stored["weights"], stored["targets"])
            return cls(stored["popularity"], stored["trend"], stored["near"], stored["closeness"], kinds)

    def _evidence(self, histories: Histories, now: float) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """CSR [S, n]: decayed weight of own events, and of those of each item's neighbours."""
        own = counts.history_matrix(histories, self.kinds, self.n_items, now=now, days=OWN_DAYS)
        return own, (own @ self._table()).tocsr()

    def _table(self) -> sparse.csr_matrix:
        row, place = np.nonzero(self.near >= 0)
        shape = (self.n_items, self.n_items)
        return sparse.csr_matrix((self.closeness[row, place], (row, self.near[row, place])), shape=shape)


def fit(data: ShopData, now: float) -> PlainRanker:
    """Counts only: seconds at most on any log."""
    events, n = data.interactions, data.items.n
    weight = counts.event_weights(events, data.kinds)
    popularity = np.bincount(events.item, weight, minlength=n)
    lately = np.bincount(events.item, weight * counts.decay(events, now, TREND_DAYS), minlength=n)
    near, closeness = _neighbours(events, data.kinds, data.shoppers.n, n)
    return PlainRanker(_unit(popularity), _unit(lately), near, closeness, data.kinds)


def _neighbours(events: Interactions, kinds: Kinds, n_shoppers: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Cosine of shopper sets with a shrinkage, among the items that most shoppers had."""
    near, closeness = np.full((n, NEIGHBOURS), -1, np.int32), np.zeros((n, NEIGHBOURS), np.float32)
    had = counts.count_matrix(events, kinds, n_shoppers, n)
    had.data[:] = 1
    buyers = np.asarray(had.sum(0)).ravel()
    looked_at = np.sort(np.argsort(-buyers, kind="stable")[:NEIGHBOUR_ITEMS])
    looked_at = looked_at[buyers[looked_at] > 0]
    part = had[:, looked_at]
    together = (part.T @ part).tocsr()
    norm = np.sqrt(buyers[looked_at] + SHRINK)
    for row, item in enumerate(looked_at.tolist()):
        span = slice(together.indptr[row], together.indptr[row + 1])
        others = together.indices[span]
        value = together.data[span] / (norm[row] * norm[others])
        value[others == row] = 0
        order = np.argsort(-value, kind="stable")[:NEIGHBOURS]
        order = order[value[order] > 0]
        near[item, : len(order)], closeness[item, : len(order)] = looked_at[others[order]], value[order]
    return near, closeness


def _unit(values: np.ndarray) -> np.ndarray:
    """log1p over its largest: 0 … 1."""
    log = np.log1p(values)
    return (log / max(float(log.max(initial=0.0)), 1e-9)).astype(np.float32)


def _best(values: np.ndarray, k: int) -> np.ndarray:
    return np.argsort(-values, kind="stable")[:k].astype(np.int32)
