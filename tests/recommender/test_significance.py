"""How often luck alone says "worse", on thousands of made-up comparisons; and that what is worse is found."""

from __future__ import annotations

from unittest import TestCase

import numpy as np

from recommender.significance import Comparison, behind, contenders, worst


def comparison(name: str, values: np.ndarray, *, share: float = 0.0, reference: float = 0.4) -> Comparison:
    """Of one difference a shopper."""
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return Comparison(name, float(values.mean()), error, reference, share, len(values))


def drawn(rng: np.random.Generator, *, tests: int, shoppers: int, together: float, mean: float = 0.0) -> np.ndarray:
    """float [tests, shoppers]: differences of ranking figures, many of them nothing at all, which share a part."""
    common = rng.normal(size=shoppers)
    own = rng.normal(size=(tests, shoppers))
    same = rng.random((tests, shoppers)) < 0.4
    values = np.sqrt(together) * common + np.sqrt(1 - together) * own
    return np.where(same, 0.0, 0.2 * values) + mean


class Luck(TestCase):
    def alarms(self, *, tests: int, shoppers: int, together: float, times: int = 1_000) -> float:
        rng = np.random.default_rng(tests * 1_000 + shoppers)
        found = 0
        for _ in range(times):
            values = drawn(rng, tests=tests, shoppers=shoppers, together=together)
            found += bool(behind([comparison(str(i), v) for i, v in enumerate(values)], 0.05))
        return found / times

    def test_a_family_has_one_chance_of_a_false_alarm(self) -> None:
        for tests, shoppers, together in ((1, 30, 0.0), (14, 60, 0.0), (14, 200, 0.8), (24, 50, 0.3)):
            with self.subTest(tests=tests, shoppers=shoppers):
                # Three standard errors of 1,000 draws are .02.
                self.assertLess(self.alarms(tests=tests, shoppers=shoppers, together=together), 0.07)

    def test_what_is_worse_is_found_and_the_worst_is_named(self) -> None:
        rng = np.random.default_rng(0)
        values = drawn(rng, tests=20, shoppers=300, together=0.3)
        values[7] -= 0.10
        values[11] -= 0.20
        found = behind([comparison(str(i), v, share=0.1) for i, v in enumerate(values)], 0.01)
        self.assertEqual({one.name for one in found}, {"7", "11"})
        lost = worst(found)
        assert lost is not None
        self.assertEqual(lost.name, "11")

    def test_certain_but_within_the_margin_is_not_behind(self) -> None:
        sure = Comparison("a", -0.003, 0.0001, 0.4, 0.01, 5_000)
        self.assertEqual(behind([sure], 0.01), [])
        self.assertEqual(behind([Comparison("a", -0.005, 0.0001, 0.4, 0.01, 5_000)], 0.01)[0].name, "a")

    def test_of_one_shopper_nothing_is_said_and_equal_lists_are_no_worse(self) -> None:
        self.assertEqual(behind([Comparison("a", -0.4, None, 0.4, 0.01, 1)], 0.01), [])
        self.assertEqual(behind([Comparison("a", 0.0, 0.0, 0.4, 0.01, 90)], 0.01), [])
        self.assertEqual(len(behind([Comparison("a", -0.4, 0.0, 0.4, 0.01, 90)], 0.01)), 1)

    def test_baselines_that_are_clearly_not_the_best_take_no_part(self) -> None:
        best, close, far, unknown = (Comparison(name, 0, 0.01, 0.4, 0.01) for name in ("best", "close", "far", "who"))
        leads = {"close": (0.01, 0.01), "far": (0.2, 0.01)}
        self.assertEqual(contenders([best, close, far, unknown], best, leads), [best, close, unknown])
