"""The networks of an architecture, trained one by one on the same lists and exported as one scorer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from recommender.engine import sampling, scorer
from recommender.engine.architectures import architecture
from recommender.engine.config import Config
from recommender.engine.network import Standard, draw_lists, exported, predicted, train_network
from recommender.engine.progress import Clock, Epoch
from recommender.engine.sampling import Pool
from recommender.engine.scorer import Network, Scorer

#: Below this a training set is small (measured in docs/decisions/0001-ranking-engine.md).
FEW_LISTS = 1_000
#: Rows that mean and spread of the features are taken from.
MEASURED_ROWS = 200_000
#: How often each network is trained on a small set; the scores are averaged (docs/decisions/0002-small-shops.md).
FEW_TIMES = 2


def fit_scorer(
    pools: list[Pool],
    feature_names: tuple[str, ...],
    config: Config,
    clock: Clock,
    span: tuple[float, float],
    *,
    later: Pool | None = None,
    curves: dict[str, Any] | None = None,
    start: Scorer | None = None,
) -> Scorer:
    """Train the architecture's networks on ``pools`` (newest first) and export them.

    Held-out shoppers of the newest cut choose the best epoch; ``later`` days are only looked at, so that the
    curve shows over-fitting without taking part.
    """
    rng = np.random.default_rng(config.seed + 17)
    held, rest = _held_out(pools[0], rng)
    pool = sampling.joined([rest, *pools[1:]])
    config = _sized(config, len(pool))
    sample = rng.permutation(len(pool.gain))[:MEASURED_ROWS]
    # Old weights know the old scale.
    mean, scale = (start.mean, start.scale) if start is not None else scorer.moments(pool.x[sample])
    module = architecture(config.architecture)
    columns = module.columns(feature_names) if hasattr(module, "columns") else np.arange(len(mean))
    standard = Standard(mean, scale, columns)
    validation = draw_lists(held, standard, config, rng) if len(held) else None
    seen = draw_lists(later.take(np.arange(min(len(later), 500))), standard, config, rng) if later else None
    once = getattr(module, "LOSSES", ("binary", "softmax"))
    times = FEW_TIMES if len(pool) < FEW_LISTS else 1
    losses = once * times
    networks: list[Network] = []
    for number, loss in enumerate(losses):
        told: list[Epoch] = []

        def heard(epoch: Epoch, told: list[Epoch] = told) -> None:
            told.append(epoch)
            clock.epoch(epoch, *span)

        model = train_network(
            module, loss, pool, validation, standard, config,
            seed=config.seed * 10 + number, place=(number, len(losses)), report=heard, stop=clock.stop, later=seen,
            start=start.networks[number % len(start.networks)] if start is not None else None,
        )  # fmt: skip
        reference = validation or draw_lists(pool.take(np.arange(min(50, len(pool)))), standard, config, rng)
        centre, spread = _scale(predicted(model, reference.x), reference.labels)
        # A mean over the times keeps the unit, and with it the curve of probabilities.
        networks.append(exported(model, columns, centre=centre, spread=spread * times))
        if curves is not None and number < len(once):
            curves[loss] = _curve(told)
    return Scorer(mean, scale, tuple(networks))


def _sized(config: Config, n_lists: int) -> Config:
    """A few hundred lists are learned by heart in 600 steps: fewer steps and more dropout then."""
    if n_lists >= FEW_LISTS:
        return config
    return replace(config, dropout=max(config.dropout, 0.4), steps=min(config.steps, 300))


def _held_out(pool: Pool, rng: np.random.Generator) -> tuple[Pool, Pool]:
    """A tenth of the lists (at most 400) and the others; nothing is held out of fewer than 40."""
    order = rng.permutation(len(pool))
    size = min(len(pool) // 10, 400) if len(pool) >= 40 else 0
    return pool.take(np.sort(order[:size])), pool.take(np.sort(order[size:]))


def _scale(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean of all scores and mean over lists of the standard deviation within them."""
    known = np.where(labels >= 0, scores, np.nan)
    spread = float(np.nanmean(np.nanstd(known, axis=1)))
    return float(np.nanmean(known)), spread if np.isfinite(spread) and spread > 1e-6 else 1.0


def _curve(told: list[Epoch]) -> dict[str, list[float | None]]:
    names = ("epoch", "loss", "validation_loss", "validation_ndcg")
    return {name: [getattr(epoch, name) for epoch in told] for name in names}
