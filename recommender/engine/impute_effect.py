"""What a way of filling the gaps of an attribute does to the lists, measured by the plainest model that reads it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from recommender.engine import metrics
from recommender.engine.architectures import content, segment
from recommender.engine.config import Config
from recommender.engine.impute import DONORS, GUESSING, STRATEGIES, UnknownStrategy, apply
from recommender.engine.interactions import ShopData
from recommender.engine.lists import ListModel, lists_of
from recommender.engine.splits import split_at, split_fold

#: Shoppers on whose lists strategies are compared.
JUDGES = 400
#: A share of gaps outside of these bounds makes no difference that could be measured.
GAPS = (0.01, 0.98)
#: Seconds after which no further comparison begins.
SECONDS = 15.0


@dataclass(frozen=True)
class Comparison:
    """NDCG@10 with one strategy; ``difference`` is paired, shopper by shopper, to ``indicator``."""

    strategy: str
    filled: int
    ndcg: float
    se: float
    difference: float
    difference_se: float


def compare_strategies(
    data: ShopData,
    name: str,
    quality: Callable[[ShopData], np.ndarray],
    *,
    strategies: Iterable[str] = STRATEGIES,
    seed: int = 0,
) -> list[Comparison]:
    """Every strategy that means something for attribute ``name``, measured by ``quality`` (float64
    [S] per shopper, NaN undefined; the same shoppers each time), ``indicator`` first."""
    left = quality(data)
    found = [_compared("indicator", 0, left, left)]
    for strategy in strategies:
        if strategy == "indicator":
            continue
        try:
            changed, done = apply(data, {name: strategy}, seed=seed)
        except UnknownStrategy:
            continue
        same = strategy != "drop" and not done[name].filled
        found.append(_compared(strategy, done[name].filled, left if same else quality(changed), left))
    return found


def _compared(strategy: str, filled: int, values: np.ndarray, left: np.ndarray) -> Comparison:
    mean, error = metrics.mean_and_error(values)
    difference, difference_error = metrics.mean_and_error(values - left)
    return Comparison(strategy, filled, mean, error, difference, difference_error)


def attribute_quality(
    data: ShopData, name: str, now: float, end: float, *, seed: int = 0
) -> Callable[[ShopData], np.ndarray]:
    """A quick ``quality``: NDCG@10 of new items, on the days from ``now`` to ``end``, by the plainest
    model that reads attribute ``name`` of ``data`` – popularity within the segment for a shopper's
    attribute, content for an item's. Where the attribute was dropped it is what is left of that model."""
    of_shoppers = name in data.shoppers.attributes

    def quality(changed: ShopData) -> np.ndarray:
        rng = np.random.default_rng(seed)
        timed = changed.interactions.timed
        split = split_at(changed, now, end) if timed else split_fold(changed, rng)
        split = split.only(np.sort(rng.permutation(len(split.shoppers))[:JUDGES]))
        model: ListModel
        if of_shoppers:
            model = segment.fit(split.known, now, Config(), rng, attribute=name)
        else:
            model = content.fit(split.known, now, Config(), rng)
        shown = lists_of(model, split)
        return metrics.ndcg_at(metrics.gains_of(shown.new, split.unseen), split.unseen, 10)

    return quality


def report(
    data: ShopData, strategies: Mapping[str, str], *, now: float, end: float, seconds: float = SECONDS, seed: int = 0
) -> dict[str, Any]:
    """What each strategy does to new items' NDCG@10 from ``now`` to ``end``, by attribute with gaps, most gaps first.

    JSON-able: ``applied`` (the strategy in ``strategies``), ``missing`` (share of rows) and ``strategies``: a list of
    :class:`Comparison`. ``data`` is as it was before anything was filled. After ``seconds`` no further strategy is
    begun, and an attribute of which nothing was compared is left out. Guesses take long: neighbours are compared
    where at most ``DONORS`` rows have a gap, rounds only where they are what is applied.
    """
    over = time.monotonic() + seconds
    told: dict[str, Any] = {}
    gaps = {name: share for name, share in _gaps(data).items() if GAPS[0] <= share <= GAPS[1]}
    for name, share in sorted(gaps.items(), key=lambda gap: -gap[1]):
        if time.monotonic() > over:
            break
        rows = data.shoppers.n if name in data.shoppers.attributes else data.items.n
        applied = strategies.get(name, "indicator")
        tried = [s for s in STRATEGIES if s == applied or s not in GUESSING or (s == "knn" and share * rows <= DONORS)]
        found = compare_strategies(
            data,
            name,
            attribute_quality(data, name, now, end, seed=seed),
            strategies=(strategy for strategy in tried if time.monotonic() < over),
            seed=seed,
        )
        shown = [{key: _finite(value) for key, value in asdict(one).items()} for one in found]
        told[name] = {"applied": applied, "missing": share, "strategies": shown}
    return told


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _gaps(data: ShopData) -> dict[str, float]:
    """The share of rows without a value, of what the comparing models read."""
    tables = (data.items.attributes, data.shoppers.attributes)
    shares = {name: float((codes.codes < 0).mean()) for table in tables for name, codes in table.items()}
    return shares | {"price": float((~np.isfinite(data.items.price)).mean())} if data.items.n else {}
