"""The baselines of every run: what a shop would otherwise install, tuned as well as is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from recommender.engine.architectures import als, ease, item_knn, own_history, popularity
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData
from recommender.engine.lists import ListModel, Lists, lists_of
from recommender.engine.splits import Split

Fit = Callable[[ShopData, float, Config, np.random.Generator], ListModel]


def _popular(days: float | None) -> Fit:
    return lambda data, now, config, rng: popularity.fit(data, now, config, rng, days=days)


def _own(reading: own_history.Reading, days: float = 60.0) -> Fit:
    return lambda data, now, config, rng: own_history.fit(data, now, config, rng, reading=reading, days=days)


def _knn(weighting: item_knn.Weighting) -> Fit:
    return lambda data, now, config, rng: item_knn.fit(data, now, config, rng, weighting=weighting)


#: By name. The decays cover every pace of rebuying, so that the gain over a shopper's own history
#: is not overstated.
_FITS: dict[str, Fit] = {
    "popularity_7d": _popular(7),
    "popularity_28d": _popular(28),
    "popularity_90d": _popular(90),
    "popularity": _popular(None),
    "own_decay_4d": _own("decay", 4),
    "own_decay_20d": _own("decay", 20),
    "own_decay_60d": _own("decay", 60),
    "own_decay_180d": _own("decay", 180),
    "own_days": _own("days"),
    "item_knn_cosine": _knn("cosine"),
    "item_knn_tfidf": _knn("tfidf"),
    "item_knn_bm25": _knn("bm25"),
    "als": als.fit,
    "ease": ease.fit,
}
BASELINES = tuple(_FITS)


def fit(name: str, data: ShopData, now: float, config: Config, rng: np.random.Generator) -> ListModel:
    """The baseline ``name`` on its own: what serves where nothing does and a run was refused."""
    return _FITS[name](data, now, config, rng)


def baseline_lists(
    split: Split,
    config: Config,
    rng: np.random.Generator,
    *,
    names: Iterable[str] = BASELINES,
    report: Callable[[str], None] = lambda name: None,
) -> dict[str, Lists]:
    """Fits and ranks the baselines ``names``; ``report`` is told each one as it starts. On a log
    without time the windows and decays are one and the same, and only one of each is made."""
    wanted = [name for name in names if split.known.interactions.timed or not _needs_time(name)]
    lists = {}
    for name in wanted:
        report(name)
        model = _FITS[name](split.known, split.now, config, rng)
        lists[name] = lists_of(model, split)
    return lists


def _needs_time(name: str) -> bool:
    return name.startswith(("popularity_", "own_decay_")) and name != "own_decay_60d"
