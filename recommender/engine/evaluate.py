"""Honest measuring: lists made from what was known before a moment, scored on what came after.

ALL ranks any item. NEW asks for items the shopper has not had: seen items are masked out of
the list explicitly and the truth is restricted to unseen ones. Every number comes with a
standard error over shoppers, and every model is compared *paired* – shopper by shopper – with
every baseline of the same window, which is far sharper than comparing two means.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from recommender.engine import metrics
from recommender.engine.architectures import counts
from recommender.engine.baselines import BASELINES, baseline_lists
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData
from recommender.engine.lists import Lists, lists_of
from recommender.engine.metrics import CUTS, HEADLINE
from recommender.engine.slices import categories_of, paired_slices, slice_tables
from recommender.engine.splits import Split, horizon, split_at, split_fold

__all__ = [
    "BASELINES",
    "Lists",
    "Measured",
    "Pairs",
    "Split",
    "baseline_lists",
    "horizon",
    "lists_of",
    "measure",
    "split_at",
    "split_fold",
]


@dataclass(frozen=True)
class Pairs:
    """Labelled pairs of a model that gives probabilities: float [pairs] and bool [pairs]."""

    probability: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Measured:
    """The tables of one window (or several pooled), keyed by model name.

    ``models[name]["ALL" | "NEW"]``: ``<metric>@<k>`` means, ``se`` of the headline metric,
    ``shoppers``; beside those ``coverage@10``, ``novelty@10``, ``median_buyers@10``,
    ``diversity@10``, ``categories@10``, ``gini@10``, ``popularity@10`` and, where known, ``auc``,
    ``log_loss``, ``calibration``. ``paired[name][baseline]["ALL" | "NEW"]``: ``mean`` and ``se`` of
    the headline's difference. ``slices[name][dimension][label]``: ``shoppers``, ``ALL``, ``NEW``…
    ``best_baseline``: by the headline, for ALL and NEW. ``paired_slices[name][other][dimension][label]``: what the
    headline's difference on ALL is within a group of shoppers, of what is neither baseline nor rival, from each rival
    and the best baseline.
    """

    window: dict[str, Any]
    models: dict[str, dict[str, Any]]
    paired: dict[str, dict[str, dict[str, dict[str, float]]]]
    slices: dict[str, dict[str, dict[str, dict[str, float]]]]
    best_baseline: dict[str, str]
    paired_slices: dict[str, Any] = field(default_factory=dict)
    per_shopper: dict[str, dict[str, np.ndarray]] = field(default_factory=dict, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: the tables without the arrays per shopper; NaN becomes None."""
        names = ("window", "models", "paired", "slices", "best_baseline", "paired_slices")
        return {name: _plain(getattr(self, name)) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def measure(
    lists: Mapping[str, Lists],
    split: Split,
    *,
    baselines: Collection[str] = BASELINES,
    rivals: Collection[str] = (),
    probabilities: Mapping[str, Pairs] | None = None,
    category: str | None = None,
) -> Measured:
    """Every metric of every model on ``split``. ``category`` names the item attribute of the
    category slices and of diversity (None: the best of those there are). ``rivals`` are compared in
    pairs like baselines, but are none."""
    per_shopper = {name: _shopper_metrics(shown, split) for name, shown in lists.items()}
    catalogue = _catalogue(split.known, category)
    models = {name: _model_table(shown, per_shopper[name], catalogue) for name, shown in lists.items()}
    for name, pairs in (probabilities or {}).items():
        models[name] |= _probability_table(pairs)
    named = [name for name in lists if name in baselines]
    compared = [name for name in lists if name in rivals]
    best = _best(models, named)
    others = [*compared, *([best["ALL"]] if best else [])]
    return Measured(
        window=_window(split),
        models=models,
        paired={name: _paired(per_shopper, name, [*named, *compared]) for name in lists},
        slices={name: slice_tables(lists[name], per_shopper[name], split, category) for name in lists},
        best_baseline=best,
        paired_slices={
            name: {other: _paired_slices(per_shopper, name, other, split) for other in others}
            for name in lists
            if name not in named and name not in compared
        },
        per_shopper=per_shopper,
    )


def _window(split: Split) -> dict[str, Any]:
    unseen = split.unseen
    return {
        "start": split.now,
        "end": split.end,
        "shoppers": len(split.shoppers),
        "shoppers_new": int((unseen.counts > 0).sum()),
        "items": split.known.items.n,
        "events_known": len(split.known.interactions),
        "truth": len(split.truth.items),
        "truth_new": len(unseen.items),
    }


def _shopper_metrics(shown: Lists, split: Split) -> dict[str, np.ndarray]:
    """Per shopper [S], keyed "ALL ndcg@10" and so on."""
    values: dict[str, np.ndarray] = {}
    for side, lists, truth in (("ALL", shown.all, split.truth), ("NEW", shown.new, split.unseen)):
        gains = metrics.gains_of(lists, truth)
        for k in CUTS:
            values[f"{side} ndcg@{k}"] = metrics.ndcg_at(gains, truth, k)
            values[f"{side} map@{k}"] = metrics.average_precision_at(gains, truth, k)
            values[f"{side} mrr@{k}"] = metrics.reciprocal_rank_at(gains, truth, k)
            values[f"{side} recall@{k}"] = metrics.recall_at(gains, truth, k)
            values[f"{side} hit_rate@{k}"] = metrics.hit_rate_at(gains, truth, k)
            if len(np.unique(truth.gains)) > 1:
                values[f"{side} graded_ndcg@{k}"] = metrics.ndcg_at(gains, truth, k, graded=True)
    return values


@dataclass(frozen=True)
class _Catalogue:
    """What the lists are held against: ``buyers`` int64 [n_items] among ``n_shoppers``;
    ``categories`` int32 [n_items] or None."""

    buyers: np.ndarray
    n_shoppers: int
    categories: np.ndarray | None


def _catalogue(known: ShopData, category: str | None) -> _Catalogue:
    buyers = counts.buyers(known.interactions, known.kinds, known.items.n)
    return _Catalogue(buyers, len(np.unique(known.interactions.shopper)), categories_of(known, category))


def _model_table(shown: Lists, values: Mapping[str, np.ndarray], catalogue: _Catalogue) -> dict[str, Any]:
    table: dict[str, Any] = _sides(values)
    if shown.auc is not None:
        table["auc"], table["auc_se"] = metrics.mean_and_error(shown.auc)
    return table | _catalogue_table(shown.all[:, :10], catalogue)


def _sides(values: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {"ALL": {}, "NEW": {}}
    for key, value in values.items():
        side, metric = key.split(" ")
        mean, error = metrics.mean_and_error(value)
        table[side][metric] = mean
        if metric == HEADLINE:
            table[side] |= {"se": error, "shoppers": int((~np.isnan(value)).sum())}
    return table


def _catalogue_table(lists: np.ndarray, catalogue: _Catalogue) -> dict[str, float]:
    """How the ten shown items treat the catalogue."""
    buyers = catalogue.buyers
    table = {
        "coverage@10": metrics.coverage(lists, len(buyers)),
        "gini@10": metrics.gini(metrics.exposures(lists, len(buyers))),
        "novelty@10": metrics.mean_and_error(metrics.novelty(lists, buyers, catalogue.n_shoppers))[0],
        "median_buyers@10": metrics.median_buyers(lists, buyers),
        "popularity@10": metrics.mean_and_error(metrics.popularity_shown(lists, buyers))[0],
    }
    if catalogue.categories is not None:
        table["diversity@10"] = metrics.mean_and_error(metrics.diversity(lists, catalogue.categories))[0]
        table["categories@10"] = metrics.mean_and_error(metrics.distinct_categories(lists, catalogue.categories))[0]
    return table


def _probability_table(pairs: Pairs) -> dict[str, Any]:
    bins = metrics.calibration(pairs.probability, pairs.labels)
    return {
        "pair_auc": metrics.auc(pairs.probability, pairs.labels),
        "log_loss": metrics.log_loss(pairs.probability, pairs.labels),
        "calibration": {
            "error": bins.error,
            "edges": bins.edges.tolist(),
            "predicted": bins.predicted.tolist(),
            "observed": bins.observed.tolist(),
            "counts": bins.counts.tolist(),
        },
    }


def _paired(
    per_shopper: Mapping[str, Mapping[str, np.ndarray]], name: str, named: Iterable[str]
) -> dict[str, dict[str, dict[str, float]]]:
    table: dict[str, dict[str, dict[str, float]]] = {}
    for baseline in named:
        if baseline == name:
            continue
        table[baseline] = {}
        for side in ("ALL", "NEW"):
            key = f"{side} {HEADLINE}"
            mean, error = metrics.mean_and_error(per_shopper[name][key] - per_shopper[baseline][key])
            table[baseline][side] = {"mean": mean, "se": error}
    return table


def _paired_slices(
    per_shopper: Mapping[str, Mapping[str, np.ndarray]], name: str, other: str, split: Split
) -> dict[str, dict[str, dict[str, float]]]:
    key = f"ALL {HEADLINE}"
    return paired_slices(per_shopper[name][key], per_shopper[other][key], split)


def _best(models: Mapping[str, Mapping[str, Any]], named: list[str]) -> dict[str, str]:
    if not named:
        return {}
    return {side: max(named, key=lambda name: np.nan_to_num(models[name][side][HEADLINE])) for side in ("ALL", "NEW")}


# --- Several windows ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Rolled:
    """Each window's tables, oldest first, and ``pooled``: "models" and "paired" over the shoppers
    of all windows together (a shopper who is in three windows counts three times)."""

    windows: tuple[Measured, ...]
    pooled: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {"windows": [window.to_dict() for window in self.windows], "pooled": _plain(self.pooled)}


def rolling_origin(
    data: ShopData,
    config: Config,
    windows: int = 3,
    *,
    names: Iterable[str] = BASELINES,
    rank: Callable[[Split], Mapping[str, Lists]] = lambda split: {},
) -> Rolled:
    """Rolling-origin cross-validation (Tashman 2000): the last ``windows`` horizons, each measured
    by models that know only what came before it. ``rank`` fits and ranks more models on a split.
    A log without time is measured on folds instead."""
    measured = []
    for split in _rolling_splits(data, config, windows):
        found = baseline_lists(split, config, np.random.default_rng(config.seed), names=names)
        measured.append(measure({**found, **rank(split)}, split))
    return Rolled(tuple(measured), _pooled(measured))


def _rolling_splits(data: ShopData, config: Config, windows: int) -> Iterable[Split]:
    if not data.interactions.timed:
        rng = np.random.default_rng
        return (split_fold(data, rng(config.seed), fold=fold, folds=max(windows, 5)) for fold in range(windows))
    # The newest event is inside the last window, not at its open end.
    end = float(np.nextafter(data.interactions.at.max(), np.inf))
    days = config.horizon_days or horizon(data)
    starts = [end - days * back for back in range(windows, 0, -1)]
    return (split_at(data, start, start + days) for start in starts)


def _pooled(measured: Iterable[Measured]) -> dict[str, Any]:
    parts = list(measured)
    names = [name for name in parts[0].per_shopper if all(name in part.per_shopper for part in parts)]
    values: dict[str, dict[str, np.ndarray]] = {}
    for name in names:
        keys = [key for key in parts[0].per_shopper[name] if all(key in part.per_shopper[name] for part in parts)]
        values[name] = {key: np.concatenate([part.per_shopper[name][key] for part in parts]) for key in keys}
    baselines = [name for name in names if name in BASELINES]
    models = {name: _sides(values[name]) for name in names}
    paired = {name: _paired(values, name, baselines) for name in names}
    return {"models": models, "paired": paired, "best_baseline": _best(models, baselines)}
