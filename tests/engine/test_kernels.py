"""The compiled loops give what the sums say, and leave their scratch as they found it."""

from __future__ import annotations

import unittest

import numpy as np

from recommender.engine import compiled, elementwise
from recommender.engine.neighbours import Neighbours


def table(n: int, rows: int, width: int) -> Neighbours:
    """Random weights for the items below ``rows``; the others have none."""
    rng = np.random.default_rng(3)
    items = np.full((rows + 1, width), n, np.int32)
    weights = np.zeros((rows + 1, width), np.float32)
    items[:rows] = [rng.choice(n, width, replace=False) for _ in range(rows)]
    weights[:rows] = rng.normal(size=(rows, width))
    return Neighbours(np.minimum(np.arange(n), rows).astype(np.int32), items, weights)


class SpreadTest(unittest.TestCase):
    def setUp(self) -> None:
        self.table = table(n=90, rows=60, width=7)
        rng = np.random.default_rng(4)
        self.bounds = np.array([0, 40, 40, 55])  # the second shopper holds nothing
        self.held = rng.integers(0, 90, 55)
        self.value = rng.random(55).astype(np.float32)

    def expected(self) -> np.ndarray:
        dense = np.zeros((90, 91))
        for item in range(60):
            dense[item, self.table.items[item]] += self.table.weights[item]
        parts = zip(self.bounds[:-1], self.bounds[1:], strict=True)
        return np.array([self.value[a:b] @ dense[self.held[a:b]] for a, b in parts])[:, :-1]

    def test_a_row_for_each_shopper(self) -> None:
        found = self.table.spread(self.bounds, self.held, self.value)
        np.testing.assert_allclose(found, self.expected(), atol=1e-5)

    def test_the_same_at_the_pairs_alone(self) -> None:
        """In any order, an item twice, a shopper without pairs, and again with the same scratch."""
        offsets, items = np.array([0, 4, 7, 7]), np.array([8, 3, 89, 8, 5, 0, 5])
        owner = np.array([0, 0, 0, 0, 1, 1, 1])
        for _ in range(2):
            found = self.table.spread_to(offsets, items, self.bounds, self.held, self.value)
            np.testing.assert_allclose(found, self.expected()[owner, items], atol=1e-5)
        self.assertFalse(compiled.spare_places(91, 3).any())

    def test_more_pairs_than_sixteen_bits_count(self) -> None:
        """One shopper's, and the same shared out among two, each of whom has few enough."""
        rng = np.random.default_rng(5)
        items = rng.integers(0, 90, 70_000)
        for offsets in (np.array([0, 70_000, 70_000, 70_000]), np.array([0, 35_000, 35_000, 70_000])):
            owner = np.repeat(np.arange(3), np.diff(offsets))
            found = self.table.spread_to(offsets, items, self.bounds, self.held, self.value)
            np.testing.assert_allclose(found, self.expected()[owner, items], atol=1e-5)
        for most in (3, 70_000):
            self.assertFalse(compiled.spare_places(91, most).any())


class GeluTest(unittest.TestCase):
    def test_as_the_library_has_it(self) -> None:
        x = np.concatenate([np.linspace(-30, 30, 20_001), [0, 1e-6, -1e-6, 1e4, -1e4]]).astype(np.float32)
        wide = x.astype(np.float64)
        expected = wide * (1 + np.tanh(0.7978845608 * (wide + 0.044715 * wide**3))) / 2
        elementwise.gelu_tanh(x)
        self.assertLess((np.abs(x - expected) / (1 + np.abs(wide))).max(), 1e-6)

    def test_a_bias_is_added_to_each_row(self) -> None:
        rng = np.random.default_rng(1)
        x, bias = rng.normal(size=(5, 70)).astype(np.float32), rng.normal(size=5).astype(np.float32)
        expected = x + bias[:, None]
        elementwise.gelu_tanh(expected.reshape(-1))
        elementwise.biased_gelu_tanh(x, bias)
        np.testing.assert_allclose(x, expected, atol=1e-6)


class StandardiseTest(unittest.TestCase):
    def test_chosen_rows_in_units_of_their_spread_within_the_limit(self) -> None:
        x = np.array([[1, 2, 300], [0, 0, 0], [np.nan, -9, 4]], np.float32)
        out = np.empty((2, 3), np.float32)
        mean, scale = np.array([1, 2], np.float32), np.array([0.5, 2], np.float32)
        elementwise.standardise(x, np.array([0, 2]), mean, scale, 8.0, out)
        np.testing.assert_array_equal(out, [[0, 0.5, 8], [np.nan, -8, 4]])


class SquashTest(unittest.TestCase):
    def test_as_the_library_has_it(self) -> None:
        wide = np.concatenate([np.geomspace(1e-9, 1e30, 10_001), [0.0, 1.0, 2**0.5 - 1, 2**0.5]])
        x = np.concatenate([wide, -wide]).astype(np.float32)
        size = np.abs(x) + np.float32(1)
        expected = np.copysign(np.log(size.astype(np.float64)), x)
        elementwise.squash(x)
        self.assertLess((np.abs(x - expected) / np.maximum(np.abs(expected), 1e-3)).max(), 2e-7)

    def test_what_is_no_number_stays_so(self) -> None:
        x = np.array([np.nan, np.inf, -np.inf], np.float32)
        elementwise.squash(x)
        np.testing.assert_array_equal(x, [np.nan, np.inf, -np.inf])
