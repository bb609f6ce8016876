"""A trained model as serving and publishing use it: NumPy only, no state that changes, safe between threads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from recommender.engine import candidates as candidate_sources
from recommender.engine.calibration import Calibration
from recommender.engine.config import Config
from recommender.engine.features import feature_rows, groups, names, pair_features
from recommender.engine.interactions import Histories, Interactions
from recommender.engine.profile import Profile, fold
from recommender.engine.sampling import chunk_size
from recommender.engine.scorebook import Scorebook
from recommender.engine.scorer import Scorer
from recommender.engine.tables import Tables


class ListModel(Protocol):
    """A fitted list architecture."""

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]."""


@dataclass(frozen=True)
class Explanation:
    """``groups``: names [G]; ``contributions`` float32 [P, G]: how much lower the score is when the group's
    features are set to their mean; ``evidence`` float32 [P, E] raw values named by ``evidence_names``."""

    groups: tuple[str, ...]
    contributions: np.ndarray
    evidence_names: tuple[str, ...]
    evidence: np.ndarray


#: Features that a person can read, unsquashed in :meth:`Ranker.explain`.
EVIDENCE = (
    "own_count", "own_days", "own_since", "own_gap", "type_count", "type_share", "type_since", "popularity_20d",
    "latest_5",
)  # fmt: skip


@dataclass(frozen=True)
class Ranker:
    """Tables of one cut with the scorer on top. ``model``: a list architecture that scores instead of the
    network; ``items``: the shop's own ids by code (set by ``artifact.load``); ``earlier``: the networks that were
    measured, which know nothing of the later days: what a warm start may begin with."""

    tables: Tables
    scorer: Scorer | None
    model: ListModel | None
    calibration: Calibration
    config: Config
    horizon: float
    items: tuple[str, ...] = ()
    earlier: Scorer | None = None

    @property
    def n_items(self) -> int:
        return self.tables.n

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Columns of :meth:`features`."""
        return names(self.tables)

    @property
    def feature_groups(self) -> dict[str, np.ndarray]:
        """Positions of the columns of each group."""
        return groups(self.tables)

    def candidates(self, histories: Histories, now: float, *, size: int) -> tuple[np.ndarray, np.ndarray]:
        """offsets int64 [S+1] and items int64: at most ``size`` of the catalogue for each shopper."""
        parts = [np.zeros(0, np.int64)]
        counts = [np.zeros(0, np.int64)]
        for part in _chunks(histories, self.n_items):
            book = self._book(part, now)
            offsets, items = candidate_sources.candidates(
                self.tables, book, own=self.config.own_candidates, each=self.config.candidates, size=size
            )
            parts.append(items)
            counts.append(np.diff(offsets))
        return np.concatenate([[0], np.cumsum(np.concatenate(counts))]), np.concatenate(parts)

    def neighbours(self, items: np.ndarray, k: int, *, table: str = "similar") -> tuple[np.ndarray, np.ndarray]:
        """[m, k] codes (−1: none) and weights; ``table`` "similar" (same taste), "bought_together" (same day) or
        "next" (what comes after it; none where a model was made before there were any)."""
        source = {"similar": "cosine", "bought_together": "together", "next": "followed"}.get(table)
        if source is None:
            raise ValueError(f"expected table 'similar', 'bought_together' or 'next', received {table!r}")
        if source not in self.tables.neighbours:
            return np.full((len(items), k), -1, np.int32), np.zeros((len(items), k), np.float32)
        return self.tables.neighbours[source].of(np.asarray(items), k)

    def nearest(self, histories: Histories, now: float, *, beyond: np.ndarray, k: int) -> np.ndarray:
        """int64 [≤ k]: the items nearest to one shopper by the towers (none where a model has no towers), nearest
        first, that are neither had nor among the codes ``beyond``."""
        if self.tables.towers is None:
            return np.zeros(0, np.int64)
        profile = fold(histories, now, self.tables.weigh, self.n_items)
        return self.tables.towers.beyond(profile, beyond[beyond < self.n_items], k=k)[1]

    def trending(self, k: int) -> np.ndarray:
        """int64 [≤ k]: what sells most lately, best first."""
        return candidate_sources.top(self.tables.items.trend, k)

    def popular(self, k: int) -> np.ndarray:
        """int64 [≤ k]: what most shoppers have had, best first."""
        return candidate_sources.top(self.tables.items.popular, k)

    def features(self, histories: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
        """float32 [P, F]; see ``features.py``."""
        book = self._book(histories, now)
        return pair_features(self.tables, book.profile, book, offsets, np.asarray(items, np.int64))

    def score(self, histories: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
        """float32 [P]: higher is better; comparable within a shopper and, roughly, between shoppers."""
        items = np.asarray(items, np.int64)
        if self.scorer is None:
            return self._model_scores(histories, offsets, items, now)
        book = self._book(histories, now, keep=False)
        return self.scorer.of_rows(feature_rows(self.tables, book.profile, book, offsets, items))

    def probability(self, scores: np.ndarray) -> np.ndarray:
        """Calibrated chance that a scored item is wanted within the horizon, in the order of the scores."""
        return self.calibration(scores)

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
        """The best ``k``: codes int32 [S, k] (−1 pad) and scores float32 [S, k] (−inf pad).

        ``exclude``: item codes nobody is shown; ``sellable`` bool [n]; ``new_only``: nothing had before.
        """
        allowed = np.ones(self.n_items, bool) if sellable is None else sellable.copy()
        if exclude is not None:
            allowed[exclude] = False
        lists = [np.zeros((0, k), np.int32)]
        values = [np.zeros((0, k), np.float32)]
        for part in _chunks(histories, self.n_items):
            (codes, scores), _ = self.ranked(part, now, k=k, allowed=allowed, sides=(not new_only, new_only))
            lists.append(codes)
            values.append(scores)
        return np.concatenate(lists), np.concatenate(values)

    def ranked(
        self, part: Histories, now: float, *, k: int, allowed: np.ndarray, sides: tuple[bool, bool] = (True, True)
    ) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
        """Lists of one chunk: for ``sides`` (ALL, NEW) (codes [S, k], scores [S, k]), the wanted one first."""
        profile, offsets, items, scores = self.scored(part, now, allowed)
        found = []
        if sides[0]:
            found.append(best_of(offsets, items, scores, k))
        if sides[1]:
            owner = np.repeat(np.arange(len(part)), np.diff(offsets))
            unseen = profile.find(owner, items) == len(profile.key)
            found.append(best_of(offsets, items, np.where(unseen, scores, -np.inf), k))
        return tuple(found + found[:1])[:2]

    def scored(
        self, part: Histories, now: float, allowed: np.ndarray
    ) -> tuple[Profile, np.ndarray, np.ndarray, np.ndarray]:
        """Candidates of one chunk with their scores: profile, offsets [S+1], items [P], scores [P]."""
        book = self._book(part, now)
        offsets, items = candidate_sources.candidates(
            self.tables, book, own=self.config.own_candidates, each=self.config.candidates, allowed=allowed
        )
        if self.scorer is None:
            return book.profile, offsets, items, self._model_scores(part, offsets, items, now)
        rows = feature_rows(self.tables, book.profile, book, offsets, items)
        return book.profile, offsets, items, self.scorer.of_rows(rows)

    def explain(self, histories: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> Explanation:
        """What each group of features adds to the score of each pair, by leaving the group out."""
        x = self.features(histories, offsets, items, now)
        places = self.feature_groups
        columns = [name for name in EVIDENCE if name in self.feature_names]
        evidence = x[:, [self.feature_names.index(name) for name in columns]]
        contributions = np.zeros((len(x), len(places)), np.float32)
        if self.scorer is not None:
            full = self.scorer(x)
            for number, positions in enumerate(places.values()):
                without = x.copy()
                without[:, positions] = self.scorer.mean[positions]
                contributions[:, number] = full - self.scorer(without)
        return Explanation(tuple(places), contributions, tuple(columns), np.sign(evidence) * np.expm1(np.abs(evidence)))

    def _book(self, histories: Histories, now: float, *, keep: bool = True) -> Scorebook:
        return Scorebook(self.tables, fold(histories, now, self.tables.weigh, self.n_items), keep=keep)

    def _model_scores(self, histories: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
        if self.model is None:
            raise ValueError("expected a scorer or a list model, received neither")
        shopper = np.repeat(np.arange(len(histories)), np.diff(offsets))
        return np.asarray(self.model.score_all(histories, now)[shopper, items], np.float32)


def best_of(offsets: np.ndarray, items: np.ndarray, scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The ``k`` best finite-scored items of each shopper: codes int32 [S, k] (−1 pad), scores (−inf pad)."""
    n = len(offsets) - 1
    owner = np.repeat(np.arange(n), np.diff(offsets))
    order = np.lexsort((-scores, owner))
    rank = np.arange(len(order)) - offsets[owner[order]]
    kept = (rank < k) & np.isfinite(scores[order])
    codes, values = np.full((n, k), -1, np.int32), np.full((n, k), -np.inf, np.float32)
    codes[owner[order][kept], rank[kept]] = items[order][kept]
    values[owner[order][kept], rank[kept]] = scores[order][kept]
    return codes, values


def _chunks(histories: Histories, n_items: int) -> Iterator[Histories]:
    """Histories in parts whose dense score rows fit into memory."""
    step = chunk_size(n_items)
    if len(histories) <= step:
        yield histories
        return
    for start in range(0, len(histories), step):
        stop = min(start + step, len(histories))
        rows = slice(int(histories.offsets[start]), int(histories.offsets[stop]))
        columns = {name: getattr(histories.events, name)[rows] for name in histories.events.__dataclass_fields__}
        columns["shopper"] = columns["shopper"] - start
        attributes = {name: codes[start:stop] for name, codes in histories.attributes.items()}
        yield Histories(histories.offsets[start : stop + 1] - rows.start, Interactions(**columns), attributes)
