"""The networks of an architecture, trained one by one on the same lists and exported as one scorer; where lists are
few a linear model joins them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from recommender.engine import linear, sampling, scorer
from recommender.engine.architectures import architecture
from recommender.engine.config import Config
from recommender.engine.network import Standard, Validation, draw_lists, exported, predicted, train_network
from recommender.engine.plan import LEAST_LISTS
from recommender.engine.progress import Clock, Epoch
from recommender.engine.sampling import Pool
from recommender.engine.scorer import Network, Scorer

#: Below this a training set is small (measured in docs/decisions/0001-ranking-engine.md).
FEW_LISTS = 1_000
#: Rows that mean and spread of the features are taken from.
MEASURED_ROWS = 200_000
#: How often each network is trained on a small set; the scores are averaged (docs/decisions/0002-small-shops.md).
FEW_TIMES = 2
#: What the linear model counts at most where lists are few and each network counts 1
#: (docs/decisions/0016-small-shops-again.md).
MOST_LINEAR = 4.0


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
    curve shows over-fitting without taking part. Where lists are few, each network is trained several times, and a
    linear model joins them with the share that the newest lists give it.
    """
    few = sum(map(len, pools)) - _held_size(len(pools[0])) < FEW_LISTS
    share = _linear_share(pools, feature_names, config, clock.stop) if few else 0.0
    times = FEW_TIMES if few else 1
    return _trained(
        pools, feature_names, config, clock, span, times=times, share=share, later=later, curves=curves, start=start
    )


def _linear_share(pools: list[Pool], feature_names: tuple[str, ...], config: Config, stop: Callable[[], bool]) -> float:
    """What the linear model counts where each network counts 1: 0 where the architecture has no place for it.

    Both learn from the older cuts only; the weights that explain the newest lists best say how much of each to take
    (stacking, Wolpert 1992), in time, because what was learned by heart shows on later days alone.
    """
    if not config.linear or not getattr(architecture(config.architecture), "LINEAR_JOINS", False):
        return 0.0
    newest, older = pools[0], pools[1:]
    if not len(newest) or sum(map(len, older)) < LEAST_LISTS:
        return 1.0
    silent = Clock(lambda progress: None, stop, {})
    scorer = _trained(older, feature_names, config, silent, (0.0, 1.0), times=1, share=1.0)
    x = newest.x[linear.rows_of(newest)].astype(np.float32)
    parts = (scorer.networks[:-1], scorer.networks[-1:])
    # [R, 2]: the networks' score and the line's
    scores = np.column_stack([replace(scorer, networks=networks)(x) for networks in parts])
    of_networks, of_line = linear.fit(linear.lists_of(newest, scores), ridge=0.0, least=0.0)
    if not of_networks + of_line > 0:
        return 1.0
    return float(of_line / max(of_networks, of_line / MOST_LINEAR))


def _trained(
    pools: list[Pool],
    feature_names: tuple[str, ...],
    config: Config,
    clock: Clock,
    span: tuple[float, float],
    *,
    times: int,
    share: float,
    later: Pool | None = None,
    curves: dict[str, Any] | None = None,
    start: Scorer | None = None,
) -> Scorer:
    """Every network ``times`` times, and the linear model where it has a ``share``."""
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
    losses = once * times
    # All that is added up keeps the unit of the networks alone, and with it the curve of probabilities.
    more = (len(once) + share) / len(once)
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
        networks.append(exported(model, columns, centre=centre, spread=spread * times * more))
        if curves is not None and number < len(once):
            curves[loss] = _curve(told)
    if share:
        networks.append(_linear(pool, reference, standard, more / share))
    return Scorer(mean, scale, tuple(networks))


def _linear(pool: Pool, reference: Validation, standard: Standard, parts: float) -> Network:
    """The linear model of the same lists; its score is divided by ``parts``."""
    weights = linear.fit(linear.lists_of(pool, standard(pool.x[linear.rows_of(pool)])))
    centre, spread = _scale(reference.x @ weights, reference.labels)
    return linear.as_network(weights, standard.columns, centre=centre, spread=spread * parts)


def _sized(config: Config, n_lists: int) -> Config:
    """A few hundred lists are learned by heart in 600 steps: fewer steps and more dropout then."""
    if n_lists >= FEW_LISTS:
        return config
    return replace(config, dropout=max(config.dropout, 0.4), steps=min(config.steps, 300))


def _held_out(pool: Pool, rng: np.random.Generator) -> tuple[Pool, Pool]:
    """A tenth of the lists (at most 400) and the others; nothing is held out of fewer than 40."""
    order = rng.permutation(len(pool))
    size = _held_size(len(pool))
    return pool.take(np.sort(order[:size])), pool.take(np.sort(order[size:]))


def _held_size(n_lists: int) -> int:
    return min(n_lists // 10, 400) if n_lists >= 40 else 0


def _scale(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Mean of all scores and mean over lists of the standard deviation within them."""
    known = np.where(labels >= 0, scores, np.nan)
    spread = float(np.nanmean(np.nanstd(known, axis=1)))
    return float(np.nanmean(known)), spread if np.isfinite(spread) and spread > 1e-6 else 1.0


def _curve(told: list[Epoch]) -> dict[str, list[float | None]]:
    names = ("epoch", "loss", "validation_loss", "validation_ndcg")
    return {name: [getattr(epoch, name) for epoch in told] for name in names}
