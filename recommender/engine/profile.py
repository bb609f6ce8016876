"""The histories of a set of shoppers, folded once per call into flat tables.

``fold`` is the first step of every door: fitting the tables of a cut, the training matrix,
a batch and a live request. It works on ragged arrays; one shopper is an array of length one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recommender.engine.compiled import folding, spare_places
from recommender.engine.interactions import Histories, Interactions, Kinds

#: Half-lives' cousins: time constants in days of the exponentially decayed counts.
TAUS = (4.0, 20.0, 60.0, 180.0)
RECENT = TAUS.index(60.0)
_FALLS = np.array([-1 / tau for tau in TAUS], np.float32)
#: Age given to what never happened: older than anything a log of some years holds.
NEVER = 2000.0


@dataclass(frozen=True)
class Weighing:
    """How events count. ``kinds`` float32 [K]: weight of each kind relative to the lightest
    one in use (≤ 0: no behaviour to learn from); ``rate`` code of the rating kind or −1, whose
    events count by ``value / top``; ``scale`` days per engine day (below 1 for logs of a few days,
    so that the fixed decays keep their meaning); ``window``: whether times can be told apart."""

    kinds: np.ndarray
    rate: int
    top: float
    scale: float
    timed: bool

    def of(self, events: Interactions) -> np.ndarray:
        """float32 [E]: the weight of each event; 0 where it teaches nothing."""
        weight = np.maximum(self.kinds, 0)[events.kind]
        if self.rate >= 0:
            rated = events.kind == self.rate
            value = np.nan_to_num(events.value[rated], nan=self.top / 2)
            weight[rated] *= np.clip(value / self.top, 0.02, 1)
        return weight


def weighing(events: Interactions, kinds: Kinds, overrides: Mapping[str, float], pace: float = 1.0) -> Weighing:
    """Chosen from the log of a cut: what is present decides the unit, the span and ``pace`` the time scale."""
    weights = np.array([overrides.get(n, w) for n, w in zip(kinds.names, kinds.weights, strict=True)], np.float32)
    present = np.bincount(events.kind, minlength=len(weights)) > 0
    used = weights[present & (weights > 0)]
    rate = kinds.code("rate")
    values = events.value[events.kind == rate] if rate >= 0 else np.zeros(0)
    values = values[np.isfinite(values)]
    span = events.span
    return Weighing(
        kinds=(weights / used.min() if len(used) else weights).astype(np.float32),
        rate=rate if len(values) else -1,
        top=float(np.quantile(values, 0.99)) if len(values) and np.quantile(values, 0.99) > 0 else 1.0,
        scale=float(np.clip(span / 30, 1e-3, 1)) * pace if span > 0 else 1.0,
        timed=span > 0,
    )


@dataclass(frozen=True)
class Profile:
    """Histories of S shoppers as G groups, one per (shopper, item) with an event that counts.

    ``key`` int64 [G] = shopper · n_items + item, ascending; ``starts`` int64 [S+1] groups of each
    shopper; per group: ``count`` events, ``weight`` their weights, ``decayed`` float32 [G, 4] by
    :data:`TAUS`, ``days`` distinct days, ``first`` and ``last`` ages in engine days, ``quantity`` mean,
    ``by_kind`` float32 [G, 2K] counts and decayed counts by kind (empty for a single kind).
    Per shopper: ``events``, ``sessions`` (distinct days), ``oldest`` and ``newest`` ages.
    """

    n_shoppers: int
    n_items: int
    key: np.ndarray
    shopper: np.ndarray
    item: np.ndarray
    starts: np.ndarray
    count: np.ndarray
    weight: np.ndarray
    decayed: np.ndarray
    days: np.ndarray
    first: np.ndarray
    last: np.ndarray
    quantity: np.ndarray
    by_kind: np.ndarray
    events: np.ndarray
    sessions: np.ndarray
    oldest: np.ndarray
    newest: np.ndarray
    excluded: np.ndarray  # int64, sorted keys of dismissed pairs
    attributes: dict[str, np.ndarray]

    @property
    def plain(self) -> np.ndarray:
        """float32 [G] log2(1 + weighted count): the input of most collaborative models."""
        return np.log2(1 + self.weight)

    @property
    def recent(self) -> np.ndarray:
        """float32 [G] log2(1 + weighted count decayed by 60 days)."""
        return np.log2(1 + self.decayed[:, RECENT])

    def find(self, shopper: np.ndarray, item: np.ndarray) -> np.ndarray:
        """int64 [P]: the group of each pair; G where the shopper never had the item."""
        key = shopper.astype(np.int64) * self.n_items + item
        row = np.searchsorted(self.key, key)
        row[row == len(self.key)] = 0
        if not len(self.key):
            return row
        return np.where(self.key[row] == key, row, len(self.key))


def fold(histories: Histories, now: float, weigh: Weighing, n_items: int) -> Profile:
    """One pass over the events: weights and ages, then sums per (shopper, item) and per shopper.

    ``now``: days since the epoch; events later than ``now`` count as happening at ``now``.
    """
    n_shoppers, events = len(histories), histories.events
    bounds, kind = np.asarray(histories.offsets, np.int64), np.ascontiguousarray(events.kind, np.int8)
    item = np.ascontiguousarray(events.item, np.int32)
    weight = np.ascontiguousarray(weigh.of(events), np.float32)

    # 1. Groups: the different items of each shopper, ascending.
    starts, group = np.empty(n_shoppers + 1, np.int64), np.empty(len(events), np.int32)
    held = np.empty(len(events), np.int64)
    folding().groups(bounds, item, weight, spare_places(n_items), starts, held, group)
    held = held[: starts[-1]]

    # 2. Everything that is a sum over a group or over a shopper's events.
    n, n_kinds = len(held), len(weigh.kinds)
    sums = np.empty((6 + len(TAUS), n), np.float32)
    by_kind = np.empty((2 * n_kinds if n_kinds > 1 else 0, n), np.float32)
    people = np.full((4, n_shoppers), NEVER, np.float32)
    folding().sums(
        bounds, starts, group, np.ascontiguousarray(events.at, np.float64), now, weigh.scale, weight,
        np.ascontiguousarray(events.quantity, np.float32), kind, _FALLS, RECENT, sums, by_kind, people,
    )  # fmt: skip
    shopper = np.repeat(np.arange(n_shoppers), np.diff(starts)) if n_shoppers > 1 else np.zeros(n, np.int64)
    disliked = np.flatnonzero(weigh.kinds[kind] < 0)
    excluded = events.shopper[disliked].astype(np.int64) * n_items + item[disliked]
    return Profile(
        n_shoppers=n_shoppers,
        n_items=n_items,
        key=shopper * n_items + held,
        shopper=shopper,
        item=held,
        starts=starts,
        count=sums[0],
        weight=sums[1],
        decayed=sums[6:].T,
        days=sums[2],
        first=sums[4],
        last=sums[5],
        quantity=sums[3],
        by_kind=by_kind.T,
        events=people[0],
        sessions=people[1],
        oldest=people[2],
        newest=people[3],
        excluded=np.unique(excluded) if len(excluded) else excluded,
        attributes=histories.attributes,
    )
