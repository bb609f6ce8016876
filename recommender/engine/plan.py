"""What a run learns from and what it is measured on: cuts in time, or folds of a log that has none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.engine import evaluate
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData
from recommender.engine.profile import weighing
from recommender.engine.splits import Split, split_at, split_fold

#: Below these a network learns nothing that popularity does not know.
LEAST_EVENTS, LEAST_SHOPPERS, LEAST_LISTS = 200, 20, 10
FOLDS = 5


class TooLittleData(Exception):
    """The log cannot be split into something to learn from and something to measure on."""


def choose_horizon(data: ShopData, config: Config) -> float:
    """Days of a window: as configured, else an eighth of the log, between one day and four weeks."""
    return config.horizon_days or evaluate.horizon(data)


def known_at(data: ShopData, now: float) -> ShopData:
    """The newest event may carry the very time of ``now``."""
    if not data.interactions.timed:
        return data
    return data.before(float(np.nextafter(now, np.inf)))


def require_enough(data: ShopData) -> None:
    events = data.interactions
    counted = events.select(weighing(events, data.kinds, {}).of(events) > 0) if len(events) else events
    several = int((np.bincount(counted.shopper, minlength=1) >= 2).sum())
    if len(counted) < LEAST_EVENTS:
        raise TooLittleData(f"expected at least {LEAST_EVENTS} events that count, received {len(counted)}")
    if several < LEAST_SHOPPERS:
        raise TooLittleData(f"expected at least {LEAST_SHOPPERS} shoppers with two events, received {several}")


@dataclass(frozen=True)
class Plan:
    """``split``: what is measured. ``measured`` and ``final``: the training splits, newest first, of the model
    that is measured and of the one that serves; a split in both is fitted once."""

    split: Split
    measured: tuple[Split, ...]
    final: tuple[Split, ...]
    horizon: float


def plan_of(data: ShopData, config: Config, now: float) -> Plan:
    if not data.interactions.timed:
        return _folds(data, config)
    days = choose_horizon(data, config)
    events = data.interactions
    end = float(np.nextafter(min(now, float(events.at.max())), np.inf))
    # A cut needs a past to describe shoppers by: at least a horizon of it, half of one in a short log.
    room = int((end - float(events.at.min())) / days)
    cuts = max(min(config.cuts + 1, room - 1), 2)
    splits = [split_at(data, end - days * back, end - days * (back - 1)) for back in range(1, cuts + 1)]
    usable = [split for split in splits if len(split.shoppers) >= LEAST_LISTS]
    if len(usable) < 2 or usable[0] is not splits[0]:
        found = [len(split.shoppers) for split in splits]
        raise TooLittleData(
            f"expected at least {LEAST_LISTS} known shoppers in each of the last windows "
            f"of {days:.1f} days, received {found}"
        )
    return Plan(usable[0], tuple(usable[1:]), tuple(usable[: config.cuts]), days)


def _folds(data: ShopData, config: Config) -> Plan:
    """Measured: a fold of the pairs; learned from: smaller folds of what is left (and of all, for the final model)."""
    split = split_fold(data, np.random.default_rng(config.seed), fold=0, folds=FOLDS)
    measured = tuple(
        split_fold(split.known, np.random.default_rng(config.seed + 1), fold=f, folds=2 * FOLDS) for f in range(FOLDS)
    )
    final = tuple(
        split_fold(data, np.random.default_rng(config.seed + 2), fold=f, folds=2 * FOLDS) for f in range(FOLDS)
    )
    if len(split.shoppers) < LEAST_LISTS:
        raise TooLittleData(f"expected at least {LEAST_LISTS} shoppers to measure on, received {len(split.shoppers)}")
    return Plan(split, measured, final, 0.0)
