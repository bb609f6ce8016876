"""What is said of two arms: right on known cases, and seldom wrong however often one looks."""

from __future__ import annotations

import math
import unittest

import numpy as np

from recommender import assignment, experiment_statistics
from recommender.experiment_statistics import LEAST, MISMATCH, Estimate, mean_of, mismatch, ratio_of, widening
from recommender.steering import Slot, Trial


class AssignmentTests(unittest.TestCase):
    def test_everybody_has_one_arm_and_the_share_is_kept(self) -> None:
        for share in (1, 10, 50, 99):
            arms = [assignment.arm_of("varied-home", share, f"s:{n}") for n in range(20_000)]
            self.assertEqual(arms, [assignment.arm_of("varied-home", share, f"s:{n}") for n in range(20_000)])
            found, spread = arms.count("b") / 20_000, math.sqrt(share * (100 - share) / 1e4 / 20_000)
            self.assertLess(abs(found - share / 100), 4 * spread)

    def test_two_experiments_divide_shoppers_independently(self) -> None:
        one, two = (
            np.array([assignment.arm_of(name, 50, f"s:{n}") == "b" for n in range(20_000)]) for name in ("x", "y")
        )
        self.assertLess(abs(np.corrcoef(one, two)[0, 1]), 4 / math.sqrt(20_000))

    def test_the_digest_is_the_same_in_every_release(self) -> None:
        """Another one would move shoppers between the arms of what runs."""
        self.assertEqual("".join(assignment.arm_of("varied-home", 50, f"s:{n}") for n in range(16)), "aaaabbaabbaaabaa")

    def test_the_slot_of_the_arm(self) -> None:
        other = Slot("home", "trending")
        slot = Slot("home", "personal", trial=Trial("sales", 99, other))
        self.assertEqual(assignment.assigned(slot, None), (slot, None))
        self.assertEqual(assignment.assigned(Slot("home", "personal"), "s:1"), (Slot("home", "personal"), None))
        arms = [assignment.assigned(slot, f"s:{n}") for n in range(2_000)]
        self.assertEqual({name: used for used, name in arms}, {"sales:a": slot, "sales:b": other})


class EstimateTests(unittest.TestCase):
    def test_a_mean_is_the_usual_one(self) -> None:
        values = np.random.default_rng(1).gamma(0.3, 40, 500)
        found = mean_of(len(values), values.sum(), (values**2).sum())
        self.assertAlmostEqual(found.value or 0, values.mean())
        self.assertAlmostEqual(found.error, values.std(ddof=1) / math.sqrt(500))

    def test_the_error_of_a_ratio_knows_that_one_shopper_clicks_often(self) -> None:
        """Against what drawing whole shoppers again and again gives; by products it would be far too small."""
        rng = np.random.default_rng(2)
        shown = rng.integers(1, 60, 400)
        clicked = rng.binomial(shown, rng.beta(1, 6, 400))
        squares = (float((clicked**2).sum()), float((shown**2).sum()), float((clicked * shown).sum()))
        found = ratio_of(400, clicked.sum(), shown.sum(), squares)
        drawn = rng.integers(0, 400, (3_000, 400))
        again = clicked[drawn].sum(axis=1) / shown[drawn].sum(axis=1)
        self.assertAlmostEqual(found.error / again.std(), 1, delta=0.08)
        rate = clicked.sum() / shown.sum()
        self.assertGreater(found.error, 1.5 * math.sqrt(rate * (1 - rate) / shown.sum()))

    def test_nothing_is_said_of_nothing(self) -> None:
        self.assertIsNone(mean_of(0, 0, 0).value)
        self.assertIsNone(ratio_of(3, 0, 0, (0, 0, 0)).value)
        few, many = Estimate(0.1, 0.01, LEAST - 1), Estimate(0.2, 0.01, 900)
        self.assertIsNone(experiment_statistics.difference(few, many))
        self.assertIsNone(experiment_statistics.difference(many, Estimate(None, 0, 900)))

    def test_relative_to_nothing_there_is_no_share(self) -> None:
        found = experiment_statistics.difference(Estimate(0.0, 0.0, 100), Estimate(0.2, 0.01, 100))
        assert found is not None
        self.assertTrue(found.is_told)
        self.assertIsNone(found.relative)


class SequenceTests(unittest.TestCase):
    def test_looking_every_day_fools_at_most_one_time_in_twenty(self) -> None:
        """2,000 experiments without a difference, looked at after every 20 shoppers until 4,000: an ordinary interval
        is fooled in more than every fourth."""
        rng = np.random.default_rng(3)
        draws = rng.standard_normal((2_000, 4_000), dtype=np.float32)
        n = np.arange(1, 4_001)
        looks = slice(2 * LEAST - 1, None, 20)
        z = np.abs(draws.cumsum(axis=1)[:, looks]) / np.sqrt(n[looks])
        self.assertLess((z > np.array([widening(int(k)) for k in n[looks]])).any(axis=1).mean(), 0.05)
        self.assertGreater((z > 1.96).any(axis=1).mean(), 0.25)

    def test_it_costs_about_half_of_the_width_and_not_more(self) -> None:
        for n in (500, 2_000, 20_000):
            self.assertLess(widening(n), 1.8 * 1.96)

    def test_a_real_difference_is_told(self) -> None:
        found = experiment_statistics.difference(Estimate(0.10, 0.004, 2_000), Estimate(0.13, 0.004, 2_000))
        assert found is not None
        self.assertTrue(found.is_told)
        low, high = (found.relative or (0, 0, 0))[1:]
        self.assertTrue(0 < low < 0.3 < high)

    def test_shares_that_chance_does_not_give(self) -> None:
        self.assertGreater(mismatch(5_020, 4_980, 50), 0.5)
        self.assertLess(mismatch(5_300, 4_700, 50), MISMATCH)
        self.assertGreater(mismatch(9_000, 1_000, 10), 0.99)
        self.assertEqual(mismatch(0, 0, 50), 1.0)


if __name__ == "__main__":
    unittest.main()
