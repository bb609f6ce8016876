"""Which days a run learns from, and that the log up to each is copied only while it is looked at."""

from __future__ import annotations

import gc
import unittest
import weakref
from dataclasses import replace

import numpy as np

from recommender.engine.config import Config
from recommender.engine.plan import Plan, known_at, plan_of
from recommender.engine.splits import count_asked, split_at
from tests.engine.small import busy_shop, newest, without_time


class Cuts(unittest.TestCase):
    def setUp(self) -> None:
        self.data = busy_shop()
        self.now = newest(self.data)

    def plan(self) -> Plan:
        return plan_of(self.data, Config(), self.now)

    def test_each_window_is_a_horizon_before_the_one_that_is_measured(self) -> None:
        plan = self.plan()
        starts = [cut().now for cut in (plan.newest, *plan.measured)]
        np.testing.assert_allclose(-np.diff(starts), plan.horizon)
        self.assertEqual(plan.final, (plan.newest, *plan.measured)[: Config().cuts])
        self.assertIs(plan.newest(), plan.split)

    def test_counting_finds_as_many_as_cutting(self) -> None:
        for start in np.linspace(self.now - 90, self.now, 7):
            split = split_at(self.data, start, start + 5)
            self.assertEqual(count_asked(self.data, start, start + 5), len(split.shoppers))

    def test_the_copy_of_the_log_goes_with_the_split(self) -> None:
        for data in (self.data, without_time(self.data)):
            plan = plan_of(data, Config(), self.now)
            split = plan.measured[0]()
            log = weakref.ref(split.known.interactions)
            self.assertIsNotNone(log())
            del split
            gc.collect()
            self.assertIsNone(log())

    def test_a_fold_is_the_same_each_time(self) -> None:
        plan = plan_of(without_time(self.data), Config(), self.now)
        for cut in (*plan.measured, *plan.final):
            np.testing.assert_array_equal(cut().truth.items, cut().truth.items)
        self.assertFalse(np.array_equal(plan.measured[0]().truth.items, plan.measured[1]().truth.items))

    def test_a_log_that_ends_now_is_not_copied(self) -> None:
        self.assertIs(known_at(self.data, self.now), self.data)
        self.assertEqual(
            len(known_at(self.data, self.now - 1).interactions), (self.data.interactions.at <= self.now - 1).sum()
        )
        code = np.zeros(1, np.int32)
        shown = replace(
            self.data.shown, at=np.array([self.now + 1]), shopper=code, item=code, placement=code, position=code
        )
        self.assertEqual(len(known_at(replace(self.data, shown=shown), self.now).shown), 0)
