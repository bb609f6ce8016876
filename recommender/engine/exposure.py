"""What was shown and what came of it: how likely each position is looked at, and which products were passed over.

**Position bias.** A product is clicked if its position is looked at and it is wanted: P(click) = θ_k · γ of shopper and
product (the position-based model; Wang et al. 2018, "Position bias estimation for unbiased learning to rank in personal
search"). The rate of a position is no estimate of θ, for a ranker puts what is wanted first. But the same product comes
to the same shopper at different positions, as models and histories change: such swaps are interventions that cost
nothing (Agarwal et al. 2019, "Estimating position bias without intrusive interventions"). Given the clicks that a
(shopper, product) got in all, where they fell does not depend on γ: at position k with a share of n_k·θ_k, n_k how
often it was shown there (the conditional likelihood of counts; Hausman, Hall & Griliches 1984). Its maximum is found by
minorisation (Hunter 2004), every step one pass over the rows. A gamma prior around k^−½ keeps positions of few clicks
near that curve, and a placement near the curve of all placements.

**Weights.** The unbiased estimate of γ from one showing is click/θ (inverse propensity). Its variance grows as 1/θ, so
rows are weighted by θ: a showing without an answer says "not wanted" with weight θ, an answer says "wanted" with its
type's weight over θ, clipped at 1 – from the top of a list it says little, from far down as much as a purchase.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recommender.engine.config import Config
from recommender.engine.interactions import Interactions, Kinds, ShopData, Shown
from recommender.engine.metrics import pair_keys

#: Positions beyond it share the last estimate.
DEEPEST = 50
#: Clicks that the prior is worth at each position.
PRIOR_CLICKS = 20.0
STEPS = 60


@dataclass(frozen=True)
class Propensity:
    """``curves`` float32 [placements + 1, DEEPEST + 1]: θ by placement (the last row: any other) and position, the
    largest of a row 1; column 0, the unknown position, holds the mean of the places that were shown."""

    curves: np.ndarray
    placements: tuple[str, ...] = ()
    clicks: tuple[int, ...] = ()  # that told, by placement: of products seen at several positions
    deepest: tuple[int, ...] = ()

    def of(self, shown: Shown) -> np.ndarray:
        """float32 [R]: how likely each row was looked at."""
        return self.curves[shown.placement, np.minimum(shown.position, DEEPEST)]

    def to_dict(self) -> dict[str, Any]:
        """By placement: ``clicks`` that told and ``looked_at`` by position."""
        return {
            name: {
                "clicks": self.clicks[row],
                "looked_at": np.round(self.curves[row, 1 : last + 1].astype(float), 3).tolist(),
            }
            for row, (name, last) in enumerate(zip(self.placements, self.deepest, strict=True))
            if last
        }


@dataclass(frozen=True)
class Passed:
    """Products that were shown in a window and not taken up: ``key`` int64 ascending (shopper · n + item) and
    ``looked`` float32, the expected number of times they were looked at."""

    key: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    looked: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def of(self, key: np.ndarray) -> np.ndarray:
        """float32: ``looked`` of the pairs ``key`` (any order), 0 where nothing was passed over."""
        if not len(self.key):
            return np.zeros(len(key), np.float32)
        place = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[place] == key, self.looked[place], 0).astype(np.float32)

    def among(self, shoppers: np.ndarray, n_items: int) -> np.ndarray:
        """Positions of the pairs of ``shoppers`` (ascending codes)."""
        start = np.searchsorted(self.key, shoppers.astype(np.int64) * n_items)
        end = np.searchsorted(self.key, (shoppers.astype(np.int64) + 1) * n_items)
        size = end - start
        return np.repeat(start - np.cumsum(size) + size, size) + np.arange(size.sum())


def answers(shown: Shown, events: Interactions, kinds: Kinds, n_items: int, days: float) -> np.ndarray:
    """int64 [E]: the row of ``shown`` that each event answers, −1: none.

    A target event answers the latest showing of its product to its shopper, at most ``days`` before it.
    """
    row = np.full(len(events), -1, np.int64)
    usable = np.flatnonzero(kinds.targets[events.kind] & (kinds.weights[events.kind] > 0))
    if not len(shown) or not len(usable):
        return row
    pairs, place = np.unique(pair_keys(shown.shopper, shown.item, n_items), return_inverse=True)
    key = pair_keys(events.shopper[usable], events.item[usable], n_items)
    pair = np.minimum(np.searchsorted(pairs, key), len(pairs) - 1)
    usable, pair = usable[pairs[pair] == key], pair[pairs[pair] == key]
    # Pair and time in one number: pairs apart by more than the whole span.
    first = min(float(shown.at.min()), float(events.at[usable].min(initial=np.inf)))
    span = max(float(shown.at.max()), float(events.at[usable].max(initial=-np.inf))) - first + days + 1
    order = np.argsort(moment := place * span + (shown.at - first), kind="stable")
    asked = pair * span + (events.at[usable] - first)
    latest = np.searchsorted(moment[order], asked + 1e-9, "right") - 1
    found = order[np.maximum(latest, 0)]
    good = (latest >= 0) & (place[found] == pair) & (events.at[usable] - shown.at[found] <= days)
    row[usable[good]] = found[good]
    return row


def fit(shown: Shown, clicked: np.ndarray, n_items: int, config: Config) -> Propensity:
    """θ from rows ``shown`` and whether each was taken up (bool [R])."""
    size = len(shown.placements)
    prior = np.maximum(np.arange(DEEPEST + 1), 1) ** -0.5
    known = np.flatnonzero(shown.position > 0)
    pair = pair_keys(shown.shopper[known], shown.item[known], n_items)
    group = np.unique(pair * max(size, 1) + shown.placement[known], return_inverse=True)[1]
    position = np.minimum(shown.position[known], DEEPEST).astype(np.int64)
    everywhere, _ = _curve(group, position, clicked[known], prior)
    curves, told = [], []
    for code in range(size):
        mine = shown.placement[known] == code
        curve, clicks = _curve(group[mine], position[mine], clicked[known][mine], everywhere)
        curves.append(curve)
        told.append(clicks)
    table = np.stack([*curves, everywhere])
    deepest = tuple(int(position[shown.placement[known] == code].max(initial=0)) for code in range(size))
    table[:, 1:] /= table[:, 1:].max(axis=1, keepdims=True)
    table = np.clip(table, config.least_looked_at, 1)
    for row, last in enumerate((*deepest, max(deepest, default=0))):
        table[row, 0] = table[row, 1 : max(last, 1) + 1].mean()
    return Propensity(table.astype(np.float32), shown.placements, tuple(told), deepest)


def _curve(group: np.ndarray, position: np.ndarray, clicked: np.ndarray, prior: np.ndarray) -> tuple[np.ndarray, int]:
    """float64 [DEEPEST + 1] of θ, and the clicks of groups that were seen at several positions."""
    if not len(group):
        return prior, 0
    width = DEEPEST + 1
    cell, times = np.unique(group * width + position, return_counts=True)
    owner, column = np.unique(cell // width, return_inverse=True)[1], cell % width
    taken = np.bincount(np.searchsorted(cell, group * width + position), clicked, len(cell))
    total = np.bincount(owner, taken)
    tells = ((np.bincount(owner) > 1) & (total > 0))[owner]
    owner, column, times, taken = owner[tells], column[tells], times[tells], taken[tells]
    wins = np.bincount(column, taken, width)
    curve = prior.copy()
    for _ in range(STEPS):
        expected = np.bincount(owner, times * curve[column], len(total))
        share = total / np.maximum(expected, 1e-12)
        curve = (wins + PRIOR_CLICKS * prior) / (np.bincount(column, times * share[owner], width) + PRIOR_CLICKS)
    return curve, int(taken.sum())


@dataclass(frozen=True)
class Exposure:
    """What the lists of a shop teach: ``propensity`` from what was known before the measured days, and by row of
    ``shown`` whether it was taken up (``clicked``); by event the row it answers (``answered``, −1: none)."""

    data: ShopData
    propensity: Propensity
    answered: np.ndarray
    clicked: np.ndarray
    days: float
    strength: float

    def passed(self, start: float, end: float) -> Passed:
        """Pairs shown from ``start`` on and not taken up before ``end`` (days); only lists whose time to be answered
        was over by then."""
        shown, n = self.data.shown, self.data.items.n
        rows = np.flatnonzero((shown.at >= start) & (shown.at < end - self.days) & ~self.clicked)
        if not len(rows) or self.strength <= 0:
            return Passed()
        looked = self.propensity.of(shown.select(rows))
        key, place = np.unique(pair_keys(shown.shopper[rows], shown.item[rows], n), return_inverse=True)
        return Passed(key, np.bincount(place, looked).astype(np.float32))

    def certainty(self, start: float, end: float) -> tuple[np.ndarray, np.ndarray]:
        """Of the pairs all of whose target events in the window answered a list: key int64 ascending and how sure a
        sign of taste they are, float32 below 1; all other pairs are 1."""
        events, kinds, n = self.data.interactions, self.data.kinds, self.data.items.n
        targets = kinds.targets & (kinds.weights > 0)
        rows = np.flatnonzero((events.at >= start) & (events.at < end) & targets[events.kind])
        if not len(rows) or self.strength <= 0 or not (self.answered[rows] >= 0).any():
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        present = np.unique(events.kind[rows])
        weight = kinds.weights[events.kind[rows]] / float(kinds.weights[present].max())
        sure = np.ones(len(rows), np.float32)
        by_list = self.answered[rows] >= 0
        looked = self.propensity.of(self.data.shown.select(self.answered[rows][by_list]))
        sure[by_list] = np.minimum(weight[by_list] / looked, 1)
        key, place = np.unique(pair_keys(events.shopper[rows], events.item[rows], n), return_inverse=True)
        best = np.zeros(len(key), np.float32)
        np.maximum.at(best, place, sure)
        return key[best < 1], best[best < 1]

    def report(self, negatives: Mapping[str, int]) -> dict[str, Any]:
        """For the run's row."""
        return {
            "shown": len(self.data.shown),
            "taken_up": int(self.clicked.sum()),
            "weight": self.strength,
            "attribution_days": self.days,
            **negatives,
            "propensity": self.propensity.to_dict(),
        }


def learned(data: ShopData, known_until: float, config: Config) -> Exposure:
    """The lists of ``data``; how likely positions are looked at from what was known at ``known_until`` (days) only."""
    days, n, shown = config.attribution_days, data.items.n, data.shown
    answered = answers(shown, data.interactions, data.kinds, n, days)
    clicked = np.zeros(len(shown), bool)
    clicked[answered[answered >= 0]] = True
    early = np.zeros(len(shown), bool)
    early[answered[(answered >= 0) & (data.interactions.at < known_until)]] = True
    settled = np.flatnonzero(shown.at < known_until - days)
    propensity = fit(shown.select(settled), early[settled], n, config)
    return Exposure(data, propensity, answered, clicked, days, config.impressions)
