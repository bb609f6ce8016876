"""What is known of each item at a cut: popularity by windows, first buyers, repeats, age, price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.engine.interactions import Items
from recommender.engine.profile import NEVER, TAUS, Profile

#: How far the stored orders of popular items go.
MOST_POPULAR = 1000


@dataclass(frozen=True)
class ItemTable:
    """``columns`` float32 [n, f] raw item features, named by ``names``; ``rate`` float32 [n] the
    smoothed repeat rate per engine day; ``trend`` and ``first`` float32 [n]: decayed popularity and
    decayed popularity among first-time buyers; ``popular`` float32 [n] shoppers; ``orders`` int32 [3, m]: the
    best items by each of the three, the sources of candidates for everybody."""

    columns: np.ndarray
    names: tuple[str, ...]
    rate: np.ndarray
    trend: np.ndarray
    first: np.ndarray
    popular: np.ndarray
    orders: np.ndarray


def _share(values: np.ndarray) -> np.ndarray:
    """Relative to the mean item, so that the size of a log or of a fold does not matter."""
    mean = values.mean()
    return values / mean if mean > 0 else values


def repeat_rate(p: Profile) -> np.ndarray:
    """float32 [n]: returns per engine day since the first purchase, shrunk to the catalogue's rate."""
    again = np.bincount(p.item, p.days - 1, p.n_items)
    exposure = np.bincount(p.item, p.first + 1, p.n_items)
    overall = again.sum() / max(exposure.sum(), 1.0)
    prior = 5 * exposure.sum() / max(len(p.item), 1) + 1
    return ((again + prior * overall) / (exposure + prior)).astype(np.float32) + np.float32(1e-6)


def fit(p: Profile, items: Items) -> ItemTable:
    """Item features from the folded log of every shopper at the cut."""
    n = p.n_items
    named: dict[str, np.ndarray] = {}
    decayed = [np.bincount(p.item, p.decayed[:, t], n) for t in range(len(TAUS))]
    for tau, values in zip(TAUS, decayed, strict=True):
        named[f"popularity_{tau:.0f}d"] = np.log1p(10 * _share(values))
    for t in range(len(TAUS) - 1):
        ratio = (_share(decayed[t]) + 0.05) / (_share(decayed[t + 1]) + 0.05)
        named[f"trend_{TAUS[t]:.0f}_{TAUS[t + 1]:.0f}"] = np.log(ratio)
    buyers = np.bincount(p.item, minlength=n)
    named["buyers"] = np.log1p(10 * _share(buyers.astype(float)))
    first = np.bincount(p.item, np.exp(-p.first / 30), n)
    named["first_buyers"] = np.log1p(10 * _share(first))
    named["first_share"] = np.log((_share(first) + 0.05) / (_share(decayed[1]) + 0.05))
    repeaters = np.bincount(p.item, p.days > 1, n)
    overall = repeaters.sum() / max(buyers.sum(), 1)
    named["repeaters"] = (repeaters + 5 * overall) / (buyers + 5)
    rate = repeat_rate(p)
    named["repeat_rate"] = np.log(rate)
    age = np.zeros(n)
    np.maximum.at(age, p.item, p.first)
    named["item_age"] = np.log1p(np.where(buyers > 0, age, NEVER))
    latest = np.full(n, NEVER)
    np.minimum.at(latest, p.item, p.last)
    named["item_since"] = np.log1p(latest)
    weight = np.bincount(p.item, p.weight, n)
    named["weight_per_buyer"] = np.log1p(weight / np.maximum(buyers, 1))
    price = np.nan_to_num(items.price, nan=0.0)
    named["log_price"] = np.log1p(np.clip(price, 0, None))
    named["has_price"] = np.isfinite(items.price).astype(float)
    for name, values in items.numbers.items():
        known = np.isfinite(values)
        named[f"number_{name}"] = np.where(known, values, values[known].mean() if known.any() else 0)
    sources = [values.astype(np.float32) for values in (decayed[1], first, buyers)]
    return ItemTable(
        columns=np.column_stack(list(named.values())).astype(np.float32),
        names=tuple(named),
        rate=rate,
        trend=sources[0],
        first=sources[1],
        popular=sources[2],
        orders=np.stack([np.argsort(-values, kind="stable")[:MOST_POPULAR] for values in sources]).astype(np.int32),
    )
