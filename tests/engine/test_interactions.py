"""What a log says of itself, whatever went wrong with some of its dates."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np

from recommender.engine.config import Config
from recommender.engine.interactions import UNTIMED, Interactions
from recommender.engine.plan import plan_of
from recommender.engine.splits import horizon
from tests.engine.small import busy_shop, newest, without_time


def log(at: np.ndarray) -> Interactions:
    whole, real = np.zeros(len(at), np.int32), np.ones(len(at), np.float32)
    return Interactions(whole, whole, at, whole.astype(np.int8), real, real, real)


class SpanTest(unittest.TestCase):
    def test_is_from_the_first_to_the_last(self) -> None:
        self.assertAlmostEqual(log(np.linspace(17_000, 17_040, 500)).span, 40.0)
        self.assertEqual(log(np.zeros(3)).span, 0.0)
        self.assertEqual(log(np.zeros(0)).span, 0.0)

    def test_dates_gone_wrong_do_not_stretch_it(self) -> None:
        days = np.linspace(17_000, 17_040, 1_000)
        for wrong in (np.full(300, UNTIMED), np.full(3, 4_000.0)):
            self.assertAlmostEqual(log(np.concatenate([wrong, days])).span, 40.0, delta=0.5)

    def test_a_growing_shop_keeps_its_first_days(self) -> None:
        days = 17_000 + 100 * np.linspace(0, 1, 1_000) ** 0.2
        self.assertAlmostEqual(log(days).span, 100.0)

    def test_a_window_of_later_days_fits_a_short_log_with_some_missing_times(self) -> None:
        data = busy_shop(days=20)
        at = data.interactions.at.copy()
        at[::200] = UNTIMED
        self.assertAlmostEqual(horizon(replace(data, interactions=replace(data.interactions, at=at))), 2.5, delta=0.1)
        self.assertEqual(horizon(without_time(data)), 1.0)

    def test_a_log_of_hours_has_windows_too(self) -> None:
        data = busy_shop(days=0.1)
        self.assertAlmostEqual(horizon(data), 0.1 / 3, delta=0.001)
        plan = plan_of(data, Config(), newest(data))
        self.assertGreater(len(plan.split.shoppers), 150)
