"""A configuration is tried on the validation window: never with the later days, features once for all trials."""

from __future__ import annotations

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from recommender.engine import tables
from recommender.engine.plan import TooLittleData
from recommender.engine.progress import Progress, Stopped
from recommender.engine.trials import Bench
from tests.engine.small import QUICK, busy_shop, newest, without_time

SHORT = replace(QUICK, steps=40, epochs=2)


class TrialsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.data = busy_shop(120)

    def bench(self) -> Bench:
        return Bench(self.data, SHORT, now=newest(self.data), folder=self.folder)

    def test_the_later_days_change_nothing(self) -> None:
        bench = self.bench()
        later = self.data.interactions.at >= newest(self.data) - 14
        self.assertTrue(later.any())
        self.assertAlmostEqual(bench.closed_at, newest(self.data) - 14, places=6)
        self.assertLess(bench.data.interactions.at.max(), bench.closed_at)
        self.assertLessEqual(bench.split.end, bench.closed_at + 1e-6)
        before = bench.try_out(replace(SHORT, architecture="item_knn"))
        turned = self.data.interactions.item.copy()
        turned[later] = turned[later][::-1]
        self.data = replace(self.data, interactions=replace(self.data.interactions, item=turned))
        self.assertEqual(self.bench().try_out(replace(SHORT, architecture="item_knn")), before)

    def test_features_are_computed_once_for_a_reading_and_found_again(self) -> None:
        with patch.object(tables, "fit", wraps=tables.fit) as fit:
            bench = self.bench()
            first = bench.try_out(SHORT)
            cuts = fit.call_count
            bench.try_out(replace(SHORT, learning_rate=1e-3, layers=(16,)))
            self.assertEqual(fit.call_count, cuts)
            bench.try_out(replace(SHORT, pace=2.0))
            self.assertEqual(fit.call_count, 2 * cuts)
            again = self.bench().try_out(SHORT)
            self.assertEqual(fit.call_count, 2 * cuts)
        self.assertAlmostEqual(again.value, first.value, places=4)
        self.assertGreater(first.value, 0.1)
        self.assertGreater(first.error, 0)

    def test_whoever_listens_may_end_a_trial(self) -> None:
        class Enough(Exception):
            pass

        def listen(progress: Progress) -> None:
            if progress.validation_ndcg is not None:
                raise Enough

        with self.assertRaises(Enough):
            self.bench().try_out(SHORT, report=listen)
        with self.assertRaises(Stopped):
            self.bench().try_out(SHORT, stop=lambda: True)

    def test_without_time_there_is_no_window(self) -> None:
        with self.assertRaisesRegex(TooLittleData, "expected events with times"):
            Bench(without_time(self.data), SHORT, now=0.0, folder=self.folder)

    def test_the_pace_stretches_the_decays(self) -> None:
        from recommender.engine.profile import weighing

        slow = weighing(self.data.interactions, self.data.kinds, {}, 2.0)
        self.assertEqual(slow.scale, 2 * weighing(self.data.interactions, self.data.kinds, {}).scale)
        self.assertTrue(np.isfinite(slow.kinds).all())
