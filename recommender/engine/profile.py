"""The histories of a set of shoppers, folded once per call into flat tables.

``fold`` is the first step of every door: fitting the tables of a cut, the training matrix,
a batch and a live request. It works on ragged arrays; one shopper is an array of length one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recommender.engine.interactions import Histories, Interactions, Kinds

#: Half-lives' cousins: time constants in days of the exponentially decayed counts.
TAUS = (4.0, 20.0, 60.0, 180.0)
RECENT = TAUS.index(60.0)
_FALLS = np.array([[-1 / tau] for tau in TAUS], np.float32)
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


def _sorted_positions(key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stable order of ``key`` (int64 ≥ 0): sorting value and position together uses the vectorised sort."""
    n = max(len(key), 1)
    packed = np.sort(key * n + np.arange(len(key)))
    return packed // n, packed % n


def starts_of(sorted_values: np.ndarray) -> np.ndarray:
    """int64: where each run of equal values begins."""
    if not len(sorted_values):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate([[True], sorted_values[1:] != sorted_values[:-1]]))


def fold(histories: Histories, now: float, weigh: Weighing, n_items: int) -> Profile:
    """One pass over the events: weights and ages, then sums per (shopper, item) and per shopper.

    ``now``: days since the epoch; events later than ``now`` count as happening at ``now``.
    """
    from recommender.engine import folding  # its compiler takes half a second to load

    n_shoppers, events = len(histories), histories.events
    weights = weigh.of(events)
    keep = np.flatnonzero(weights > 0)
    disliked = np.flatnonzero(weigh.kinds[events.kind] < 0)
    shopper, item = events.shopper[keep].astype(np.int64), events.item[keep]
    age = np.maximum((now - events.at[keep]) / weigh.scale, 0).astype(np.float32)

    # 1. Groups: a stable order by (shopper, item) keeps time ascending within each.
    key, order = _sorted_positions(shopper * n_items + item)
    group_key = key[starts_of(key)]
    n, n_kinds = len(group_key), len(weigh.kinds)

    # 2. Everything that is a sum over a group.
    sums = np.empty((6 + len(TAUS), n), np.float32)
    by_kind = np.empty((2 * n_kinds if n_kinds > 1 else 0, n), np.float32)
    folding.sums(
        key, order, age, weights[keep], events.quantity[keep].astype(np.float32), events.kind[keep].astype(np.int8),
        np.exp(age * _FALLS), RECENT, sums, by_kind,
    )  # fmt: skip

    # 3. Per shopper; events arrive sorted by (shopper, at).
    total = np.bincount(shopper, minlength=n_shoppers).astype(np.float32)
    session = starts_of(shopper * (1 << 24) + np.minimum(np.floor(age), (1 << 24) - 1).astype(np.int64))
    sessions = np.bincount(shopper[session], minlength=n_shoppers).astype(np.float32)
    bounds = np.searchsorted(shopper, np.arange(n_shoppers + 1))
    has = bounds[1:] > bounds[:-1]
    oldest, newest = np.full(n_shoppers, NEVER, np.float32), np.full(n_shoppers, NEVER, np.float32)
    oldest[has], newest[has] = age[bounds[:-1][has]], age[bounds[1:][has] - 1]
    group_shopper = group_key // n_items if n_shoppers > 1 else np.zeros(n, np.int64)
    return Profile(
        n_shoppers=n_shoppers,
        n_items=n_items,
        key=group_key,
        shopper=group_shopper,
        item=group_key - group_shopper * n_items,
        starts=np.searchsorted(group_shopper, np.arange(n_shoppers + 1)),
        count=sums[0],
        weight=sums[1],
        decayed=sums[6:].T,
        days=sums[2],
        first=sums[4],
        last=sums[5],
        quantity=sums[3],
        by_kind=by_kind.T,
        events=total,
        sessions=sessions,
        oldest=oldest,
        newest=newest,
        excluded=np.unique(events.shopper[disliked].astype(np.int64) * n_items + events.item[disliked]),
        attributes=histories.attributes,
    )
