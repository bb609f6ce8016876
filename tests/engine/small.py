"""A trained ranker on a made-up shop, shared by the engine's tests: training takes seconds, not minutes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from recommender.engine.config import Config
from recommender.engine.interactions import ShopData
from recommender.engine.train import Trained, run_training
from recsite.bench.madeup import KINDS, busy_shop, newest

__all__ = ["KINDS", "QUICK", "busy", "busy_shop", "newest", "without_time"]

#: Without the linear model, whose share takes half as many networks again: ``test_linear`` holds it.
QUICK = Config(steps=150, epochs=5, pool=60, layers=(32, 16), horizon_days=14.0, linear=False)


@cache
def busy() -> tuple[ShopData, Trained]:
    """The busy shop and its trained ranker, made once for all tests."""
    data = busy_shop()
    return data, run_training(data, QUICK, now=newest(data))


def without_time(data: ShopData) -> ShopData:
    return replace(data, interactions=replace(data.interactions, at=np.zeros(len(data.interactions))))
