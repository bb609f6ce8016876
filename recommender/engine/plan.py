"""What a run learns from and what it is measured on: cuts in time, or folds of a log that has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from recommender.engine import evaluate
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData
from recommender.engine.profile import weighing
from recommender.engine.splits import Split, count_asked, split_at, split_fold

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
    at, shown = data.interactions.at, data.shown.at
    if not data.interactions.timed or max(at.max(), shown.max(initial=-np.inf)) <= now:
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


#: Makes a training split, which holds a copy of the log up to it: to be let go before the next is made.
Cut = Callable[[], Split]


@dataclass(frozen=True)
class Plan:
    """``split``: what is measured; ``newest`` gives it. ``measured`` and ``final``: the training splits, newest first,
    of the model that is measured and of the one that serves; a cut in both is fitted once."""

    split: Split
    newest: Cut
    measured: tuple[Cut, ...]
    final: tuple[Cut, ...]
    horizon: float


def plan_of(data: ShopData, config: Config, now: float) -> Plan:
    if not data.interactions.timed:
        return _folds(data, config)
    days = choose_horizon(data, config)
    events = data.interactions
    end = float(np.nextafter(min(now, float(events.at.max())), np.inf))
    # A cut needs a past to describe shoppers by: at least a horizon of it, half of one in a short log.
    room = int((end - float(events.at.min())) / days)
    backs = range(1, max(min(config.cuts + 1, room - 1), 2) + 1)
    windows = [(end - days * back, end - days * (back - 1)) for back in backs]
    found = [count_asked(data, *window) for window in windows]
    usable = [window for window, asked in zip(windows, found, strict=True) if asked >= LEAST_LISTS]
    if len(usable) < 2 or usable[0] != windows[0]:
        raise TooLittleData(
            f"expected at least {LEAST_LISTS} known shoppers in each of the last windows "
            f"of {days:.1f} days, received {found}"
        )
    newest = _held(split_at(data, *usable[0]))
    earlier: tuple[Cut, ...] = tuple(partial(split_at, data, *window) for window in usable[1:])
    return Plan(newest(), newest, earlier, (newest, *earlier)[: config.cuts], days)


def _held(split: Split) -> Cut:
    return lambda: split


def _folds(data: ShopData, config: Config) -> Plan:
    """Measured: a fold of the pairs; learned from: smaller folds of what is left (and of all, for the final model)."""
    split = split_fold(data, np.random.default_rng(config.seed), fold=0, folds=FOLDS)
    if len(split.shoppers) < LEAST_LISTS:
        raise TooLittleData(f"expected at least {LEAST_LISTS} shoppers to measure on, received {len(split.shoppers)}")

    def folds(whole: ShopData, seed: int) -> tuple[Cut, ...]:
        return tuple(partial(_smaller_fold, whole, seed, fold) for fold in range(FOLDS))

    return Plan(split, _held(split), folds(split.known, config.seed + 1), folds(data, config.seed + 2), 0.0)


def _smaller_fold(data: ShopData, seed: int, fold: int) -> Split:
    return split_fold(data, np.random.default_rng(seed), fold=fold, folds=2 * FOLDS)
