"""Two runs side by side: figures, settings, and the lists that both made for the same shoppers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender import artifacts, generations, packing
from recommender.engine.artifact import ArtifactError
from recommender.generations import StoredGeneration
from recommender.models import Generation, TrainingRun

FIGURES = ("ndcg@10", "map@10", "mrr@10", "recall@10", "hit_rate@10")
CATALOGUE = ("coverage@10", "novelty@10", "diversity@10", "popularity@10", "auc", "log_loss")
SAMPLE = 500


@dataclass(frozen=True)
class Line:
    """One figure of both runs; None: not measured."""

    name: str
    left: float | str | None
    right: float | str | None


@dataclass(frozen=True)
class Comparison:
    """``settings``: those in which the runs differ; ``overlap``: share of the ten first products that both generations
    list for the same shopper, over ``shoppers`` of them; None where one has no stored lists any more."""

    left: TrainingRun
    right: TrainingRun
    lines: tuple[Line, ...]
    same_days: bool
    settings: Mapping[str, tuple[Any, Any]]
    overlap: float | None
    shoppers: int


def compare(left: TrainingRun, right: TrainingRun) -> Comparison:
    """Everything that can be said of both; missing parts are None."""
    names = sorted({*left.config, *right.config})
    both = {name: (left.config.get(name), right.config.get(name)) for name in names}
    overlap, shoppers = _overlap(left, right)
    return Comparison(
        left,
        right,
        (*_figures(left, right), *_costs(left, right)),
        bool(_window(left)) and _window(left) == _window(right),
        {name: pair for name, pair in both.items() if pair[0] != pair[1]},
        overlap,
        shoppers,
    )


def _figures(left: TrainingRun, right: TrainingRun) -> list[Line]:
    lines = [
        Line(f"{side} {name}", _model(left, side).get(name), _model(right, side).get(name))
        for side in ("ALL", "NEW")
        for name in FIGURES
    ]
    return lines + [Line(name, _model(left).get(name), _model(right).get(name)) for name in CATALOGUE]


def _costs(left: TrainingRun, right: TrainingRun) -> list[Line]:
    return [
        Line("seconds", _seconds(left), _seconds(right)),
        Line("CPU seconds", left.cpu_seconds, right.cpu_seconds),
        Line("start", _start(left), _start(right)),
        Line("device", left.device or None, right.device or None),
    ]


def _start(run: TrainingRun) -> str | None:
    """Cold start or Warm start."""
    return " ".join(str(run.metrics.get("start", "")).split()[:2]).rstrip(".:") or None


def _model(run: TrainingRun, side: str | None = None) -> Mapping[str, Any]:
    table: Mapping[str, Any] = dict(run.metrics.get("models", {})).get(run.architecture, {})
    return table if side is None else dict(table.get(side, {}))


def _window(run: TrainingRun) -> Mapping[str, Any]:
    window = dict(run.metrics.get("window", {}))
    return {name: window.get(name) for name in ("start", "end", "shoppers", "truth")} if window else {}


def _seconds(run: TrainingRun) -> float | None:
    return (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None


def _overlap(left: TrainingRun, right: TrainingRun) -> tuple[float | None, int]:
    try:
        one, other = _stored(left), _stored(right)
    except (generations.NotStored, ArtifactError):
        return None, 0
    common = sorted(set(one[0].subjects) & set(other[0].subjects))
    chosen = common[:: max(1, len(common) // SAMPLE)]
    shares = []
    for subject in chosen:
        first, second = (_products(stored, ids, subject) for stored, ids in (one, other))
        if len(first) and len(second):
            shares.append(len(np.intersect1d(first, second)) / max(len(first), len(second)))
    return (float(np.mean(shares)), len(shares)) if shares else (None, 0)


def _stored(run: TrainingRun) -> tuple[StoredGeneration, np.ndarray]:
    generation = run.generations.filter(status=Generation.Status.READY).first()
    if generation is None:
        raise generations.NotStored(f"{run} has no stored lists any more")
    stored = StoredGeneration(generation.pk)
    _, vocabulary = artifacts.load(stored.manifest.artifact, stored.manifest.sha256)
    return stored, vocabulary.product_ids


def _products(stored: StoredGeneration, product_ids: np.ndarray, subject: str) -> np.ndarray:
    """int64 [≤ 10]: ``Product.id`` of the first ten."""
    packed = packing.unpack_list(stored.of(subject)[0])
    return product_ids[packed.codes[:10]] if packed is not None else np.zeros(0, np.int64)
