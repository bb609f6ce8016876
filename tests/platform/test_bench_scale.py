"""What a training costs is told by its steps."""

from __future__ import annotations

import time
import unittest

import numpy as np

from recommender.engine.progress import Progress
from recsite.bench import scale
from recsite.bench.madeup import busy_shop

MIB = 2**20


class Watching(unittest.TestCase):
    def test_each_step_has_its_own_peak_and_time(self) -> None:
        with scale.watched() as watch:
            watch.note(Progress("read", 0.0))
            watch.note(Progress("features", 0.1))
            held = np.ones(64 * MIB, np.uint8)
            until = time.process_time() + 0.2
            while time.process_time() < until:
                held[:1000].sum()
            del held
            watch.note(Progress("train", 0.4))
            watch.note(Progress("features", 0.5))  # a step may come again
        read, features, train = (watch.steps[name] for name in ("read", "features", "train"))
        self.assertGreater(features.peak, max(read.peak, train.peak) + 56 * MIB)
        self.assertGreater(features.cpu, 0.2)
        self.assertLess(read.cpu + train.cpu, 0.1)
        cost = scale.Cost(10, 100, 1.0, 0, watch.steps)
        self.assertEqual(cost.peak, features.peak)
        self.assertAlmostEqual(cost.cpu, sum(step.cpu for step in watch.steps.values()))

    def test_the_log_is_29_bytes_an_event(self) -> None:
        events = busy_shop(50, 40).interactions
        self.assertEqual(scale.size_of(events), 29 * len(events))
