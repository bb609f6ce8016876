"""What was shown and what came of it: how likely each position is looked at, and which products were passed over.

**Position bias.** A product is clicked if its position is looked at and it is wanted: P(click) = θ_k · γ (the
position-based model). The rate of a position is no estimate of θ, for a ranker puts what is wanted first, so θ and γ
are estimated together (Wang et al. 2018, "Position bias estimation for unbiased learning to rank in personal search":
EM with a regression for γ). Here γ of a (shopper, product) has a gamma prior whose mean is that of all pairs that
looked alike when they were shown – how often and how lately the shopper had the product, and how popular it is – and
moves from it as far as its own showings tell: the same pair at several positions is an intervention that costs nothing
(Agarwal et al. 2019, "Estimating position bias without intrusive interventions"). Swaps alone, without what was known
at the time, mislead: what is bought moves in the lists because it was bought. Each step is a few sums over the rows. A
prior around k^−½ keeps positions of few clicks near that curve, and a placement near the curve of all placements.

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
#: Shape of the gamma prior: the smaller, the more a pair's own showings say (docs/decisions/0005-shown-lists.md).
SHAPE = 0.25
STEPS = 100
#: Bounds of the counts and days that make pairs look alike.
COUNTS, DAYS = (1, 2, 3, 5, 9, 17, 33), (3, 7, 14, 28, 60, 120)


@dataclass(frozen=True)
class Propensity:
    """``curves`` float32 [placements + 1, DEEPEST + 1]: θ by placement (the last row: any other) and position, the
    largest of a row 1; column 0, the unknown position, holds the mean of the places that were shown."""

    curves: np.ndarray
    placements: tuple[str, ...] = ()
    clicks: tuple[int, ...] = ()  # by placement
    deepest: tuple[int, ...] = ()

    def of(self, shown: Shown) -> np.ndarray:
        """float32 [R]: how likely each row was looked at."""
        return self.curves[shown.placement, np.minimum(shown.position, DEEPEST)]

    def to_dict(self) -> dict[str, Any]:
        """By placement: ``clicks`` and ``looked_at`` by position."""
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


def fit(shown: Shown, clicked: np.ndarray, alike: np.ndarray, n_items: int, config: Config) -> Propensity:
    """θ from rows ``shown``, whether each was clicked (bool [R]) and which pairs looked alike (:func:`likeness`)."""
    size = len(shown.placements)
    prior = np.maximum(np.arange(DEEPEST + 1), 1) ** -0.5
    known = np.flatnonzero(shown.position > 0)
    placement = shown.placement[known].astype(np.int64)
    pair = pair_keys(shown.shopper[known], shown.item[known], n_items) * max(size, 1) + placement
    alike = alike[known] * max(size, 1) + placement
    position, clicked = np.minimum(shown.position[known], DEEPEST).astype(np.int64), clicked[known]
    everywhere = _curve(pair, alike, position, clicked, prior)
    mine = [placement == code for code in range(size)]
    curves = [_curve(pair[rows], alike[rows], position[rows], clicked[rows], everywhere) for rows in mine]
    table = np.stack([*curves, everywhere])
    deepest = tuple(int(position[rows].max(initial=0)) for rows in mine)
    table[:, 1:] /= table[:, 1:].max(axis=1, keepdims=True)
    table = np.clip(table, config.least_looked_at, 1)
    for row, last in enumerate((*deepest, max(deepest, default=0))):
        table[row, 0] = table[row, 1 : max(last, 1) + 1].mean()
    clicks = tuple(int(clicked[rows].sum()) for rows in mine)
    return Propensity(table.astype(np.float32), shown.placements, clicks, deepest)


def _curve(
    pair: np.ndarray, alike: np.ndarray, position: np.ndarray, clicked: np.ndarray, prior: np.ndarray
) -> np.ndarray:
    """float64 [DEEPEST + 1]: θ, the largest 1, by expectation and maximisation over the γ of each pair."""
    if not clicked.any():
        return prior
    width = DEEPEST + 1
    first, pair = np.unique(pair, return_index=True, return_inverse=True)[1:]
    stratum = np.unique(alike[first], return_inverse=True)[1]
    got, wins, members = np.bincount(pair, clicked), np.bincount(position, clicked, width), np.bincount(stratum)
    curve, usual = prior.copy(), np.full(len(members), clicked.mean() / prior[position].mean())
    for _ in range(STEPS):
        looked = np.bincount(pair, curve[position])
        wanted = (SHAPE + got) / (SHAPE / np.maximum(usual[stratum], 1e-6) + looked)
        curve = (wins + PRIOR_CLICKS * prior) / (np.bincount(position, wanted[pair], width) + PRIOR_CLICKS)
        curve /= curve[1:].max()
        usual = np.bincount(stratum, wanted) / members
    return curve


def likeness(shown: Shown, events: Interactions, n_items: int) -> np.ndarray:
    """int64 [R]: one number for rows that looked alike when they were shown: how many ``events`` the shopper had had
    with the product, how long ago the last was, and how many there are of the product."""
    if not len(shown) or not len(events):
        return np.zeros(len(shown), np.int64)
    key = pair_keys(events.shopper, events.item, n_items)
    pairs, of = np.unique(key, return_inverse=True)
    asked = pair_keys(shown.shopper, shown.item, n_items)
    place = np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)
    begin = min(float(events.at.min()), float(shown.at.min()))
    span = max(float(events.at.max()), float(shown.at.max())) - begin + 1
    moment = np.sort(of * span + (events.at - begin))
    now = place * span + (shown.at - begin)
    until = np.searchsorted(moment, now)
    had = np.where(pairs[place] == asked, until - np.searchsorted(moment, place * span), 0)
    since = np.where(had > 0, now - moment[np.maximum(until - 1, 0)], np.inf)
    popular = np.log2(1 + np.bincount(events.item, minlength=n_items)).astype(np.int64)[shown.item]
    return (popular * (len(DAYS) + 1) + np.digitize(since, DAYS)) * (len(COUNTS) + 1) + np.digitize(had, COUNTS)


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
    settled = np.flatnonzero(shown.at < known_until - days)
    early = data.interactions.at < known_until
    alike = likeness(shown.select(settled), data.interactions.select(early), n)
    by_click = _clicks(data, answered, early)[settled]
    return Exposure(
        data, fit(shown.select(settled), by_click, alike, n, config), answered, clicked, days, config.impressions
    )


def _clicks(data: ShopData, answered: np.ndarray, early: np.ndarray) -> np.ndarray:
    """bool [R]: rows that got a click. A purchase may come about without a look at the list, so it counts only where
    the shop records no clicks."""
    found = early & (answered >= 0)
    click = found & (data.interactions.kind == data.kinds.code("click"))
    rows = np.zeros(len(data.shown), bool)
    rows[answered[click if click.any() else found]] = True
    return rows
