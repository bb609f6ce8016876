"""The compiled loops give what the sums say, and leave their scratch as they found it."""

from __future__ import annotations

import unittest

import numpy as np

from recommender.engine import gelu, neighbours
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
        self.assertFalse(neighbours._places(91).any())


class GeluTest(unittest.TestCase):
    def test_as_the_library_has_it(self) -> None:
        x = np.concatenate([np.linspace(-30, 30, 20_001), [0, 1e-6, -1e-6, 1e4, -1e4]]).astype(np.float32)
        wide = x.astype(np.float64)
        expected = wide * (1 + np.tanh(0.7978845608 * (wide + 0.044715 * wide**3))) / 2
        gelu.gelu_tanh(x)
        self.assertLess((np.abs(x - expected) / (1 + np.abs(wide))).max(), 1e-6)
