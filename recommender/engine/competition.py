"""Competition within a type of product: who buys of it, how often, and what else they take of it.

A shopper who is due for coffee takes one coffee, usually the last one. Types are the most
specific useful attribute, or clusters of item vectors where the catalogue has none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.engine.attributes import Attribute
from recommender.engine.profile import Profile
from recommender.engine.spectrum import Spectrum


@dataclass(frozen=True)
class Types:
    """``codes`` int32 [n]: type of each item, 0 … size−1; ``new_share`` float32 [n]: an item's share of its
    type's first purchases; ``novelty`` float32 [size]: share of first purchases among the type's events."""

    codes: np.ndarray
    size: int
    new_share: np.ndarray
    novelty: np.ndarray


def _clusters(spectrum: Spectrum, counts: np.ndarray, seed: int) -> np.ndarray:
    """int32 [n]: k-means (at most 300) of the item directions; items without events go to cluster 0."""
    from sklearn.cluster import MiniBatchKMeans

    known = np.flatnonzero(counts > 0)
    k = int(np.clip(len(known) // 15, 1, 300))
    codes = np.zeros(len(counts), np.int32)
    means = MiniBatchKMeans(k, random_state=seed, n_init=1, max_iter=30, batch_size=2048)
    codes[known] = means.fit_predict(spectrum.vectors[known] * spectrum.unit[known][:, None])
    return codes


def fit(p: Profile, attributes: tuple[Attribute, ...], spectrum: Spectrum, seed: int) -> Types:
    """Types of the catalogue at a cut."""
    counts = np.bincount(p.item, minlength=p.n_items)
    used = int((counts > 0).sum())
    fine = [a for a in attributes if 20 <= a.size <= max(used / 3, 20)]
    codes = max(fine, key=lambda a: a.size).codes if fine else _clusters(spectrum, counts, seed)
    size = int(codes.max()) + 1
    first = np.bincount(p.item, np.exp(-p.first / 60), p.n_items) + 1e-3
    by_type = np.bincount(codes, first, size)
    events = np.bincount(codes[p.item], p.count, size)
    groups = np.bincount(codes[p.item], minlength=size)
    overall = groups.sum() / max(events.sum(), 1)
    return Types(
        codes=codes.astype(np.int32),
        size=size,
        new_share=(first / by_type[codes]).astype(np.float32),
        novelty=((groups + 20 * overall) / (events + 20)).astype(np.float32),
    )
