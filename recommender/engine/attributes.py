"""Which attributes of the catalogue tell shoppers apart, and what each of their values is worth.

A shop names its attributes as it likes and has any number of them; what is useful is measured:
how much better a shopper's earlier items predict the attribute of their later, new items than
popularity alone does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommender.engine import ease
from recommender.engine.interactions import Codes, Items
from recommender.engine.neighbours import Neighbours
from recommender.engine.profile import RECENT, Profile

#: Values beyond this many are pooled with the missing ones, rarest first.
MOST_VALUES = 3000
#: An attribute with fewer values than this (unknown included) has no model of its own.
LEAST_MODELLED = 20
#: Nats an event below which an attribute is noise.
LEAST_GAIN = 0.002


@dataclass(frozen=True)
class Attribute:
    """``codes`` int32 [n]: value of each item, 0 … size−1, where the last is "unknown or rare";
    ``popularity`` float32 [size]: share of recent events; ``within`` float32 [n]: an item's share of
    its value's recent events; ``crowd`` float32 [n]: log of the number of items of its value;
    ``model``: value-to-value EASE, or None where the attribute has too few values for one."""

    name: str
    codes: np.ndarray
    popularity: np.ndarray
    within: np.ndarray
    crowd: np.ndarray
    model: Neighbours | None

    @property
    def size(self) -> int:
        return len(self.popularity)


def pooled(attribute: Codes, weight: np.ndarray) -> tuple[np.ndarray, int]:
    """Codes int32 [n] 0 … size−1 with the last for "unknown", and that size; values beyond the ``MOST_VALUES``
    heaviest are unknown too. The size depends on the attribute alone, not on the log."""
    kept = np.arange(attribute.size)
    if attribute.size > MOST_VALUES:
        known = attribute.codes >= 0
        total = np.bincount(attribute.codes[known], weight[known], attribute.size)
        kept = np.sort(np.argsort(-total, kind="stable")[:MOST_VALUES])
    position = np.full(attribute.size + 1, len(kept), np.int32)
    position[kept] = np.arange(len(kept), dtype=np.int32)
    return position[attribute.codes], len(kept) + 1


def gain(p: Profile, codes: np.ndarray, size: int, priors: tuple[float, ...] = (10, 50, 250, 1000)) -> float:
    """Nats per event by which a shopper's earlier items beat popularity in predicting later ones.

    Every (shopper, item) counts once, in order of its first event; the later half is predicted, with the
    strength of the prior that suits the attribute best.
    """
    order = np.lexsort((-p.first, p.shopper))
    rank = np.arange(len(order)) - p.starts[p.shopper[order]]
    later = rank * 2 >= (p.starts[1:] - p.starts[:-1])[p.shopper[order]]
    value, shopper = codes[p.item[order]], p.shopper[order]
    known = value < size - 1
    early = ~later & known
    if not early.any() or not (later & known).any():
        return 0.0
    key = shopper * size + value
    seen, count = np.unique(key[early], return_counts=True)
    totals = np.bincount(shopper[early], minlength=p.n_shoppers)
    share = (np.bincount(value[known], minlength=size) + 0.5) / (known.sum() + 0.5 * size)
    asked = key[later & known]
    row = np.minimum(np.searchsorted(seen, asked), len(seen) - 1)
    own = np.where(seen[row] == asked, count[row], 0)
    base = share[value[later & known]]
    total = totals[shopper[later & known]]
    told = (np.log((own / base + prior) / (total + prior)).mean() for prior in priors)
    return float(max(told) * known.mean())


def _redundant(codes: np.ndarray, size: int, others: list[tuple[np.ndarray, int]]) -> bool:
    """Nearly the same partition as one already chosen."""
    for other, other_size in others:
        pairs = len(np.unique(codes.astype(np.int64) * other_size + other))
        if pairs <= 1.15 * max(size, other_size) and min(size, other_size) * 2 > max(size, other_size):
            return True
    return False


def choose(p: Profile, items: Items, limit: int) -> tuple[str, ...]:
    """Names of the most telling attributes, best first."""
    weight = np.bincount(p.item, minlength=p.n_items).astype(float) + 0.01
    scored = []
    for name, attribute in sorted(items.attributes.items()):
        codes, size = pooled(attribute, weight)
        used = len(np.unique(codes[p.item])) if len(p.item) else 0
        if used >= 2 and (told := gain(p, codes, size)) > LEAST_GAIN:
            scored.append((told, name, codes, size))
    chosen: list[tuple[str, np.ndarray, int]] = []
    for _, name, codes, size in sorted(scored, key=lambda row: -row[0]):
        if len(chosen) < limit and not _redundant(codes, size, [(c, s) for _, c, s in chosen]):
            chosen.append((name, codes, size))
    return tuple(name for name, _, _ in chosen)


def fit(p: Profile, name: str, codes: np.ndarray, size: int, *, with_model: bool, k: int) -> Attribute:
    """Popularity of the values, shares within them and, when asked, EASE among the values."""
    recent = np.bincount(p.item, p.decayed[:, RECENT], p.n_items) + 1e-3
    total = np.bincount(codes, recent, size)
    crowd = np.bincount(codes, minlength=size)
    model = None
    if with_model:
        counts = sparse.csr_matrix((p.count, (p.shopper, codes[p.item])), (p.n_shoppers, size))
        counts.data = np.log2(1 + counts.data).astype(np.float32)
        (model,) = ease.fit(counts, (200.0,), cap=size, k=k)
    return Attribute(
        name=name,
        codes=codes,
        popularity=((total + 1) / (total.sum() + size)).astype(np.float32),
        within=(recent / total[codes]).astype(np.float32),
        crowd=np.log(crowd[codes]).astype(np.float32),
        model=model,
    )
