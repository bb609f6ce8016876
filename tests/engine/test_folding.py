"""The fold and what a shopper holds by value, against sums written out event by event."""

from __future__ import annotations

import unittest
from collections import defaultdict

import numpy as np

from recommender.engine import folding
from recommender.engine.interactions import Histories, Interactions
from recommender.engine.profile import RECENT, TAUS, Weighing, fold

ITEMS, NOW = 12, 100.5


def histories() -> Histories:
    """Three shoppers, the second without events; two kinds, some events on one day."""
    rng = np.random.default_rng(7)
    sizes = np.array([40, 0, 25])
    shopper = np.repeat(np.arange(3), sizes).astype(np.int32)
    at = np.concatenate([np.sort(np.round(rng.uniform(0, 100, size) * 4) / 4) for size in sizes])
    n = len(shopper)
    events = Interactions(
        shopper=shopper,
        item=rng.integers(0, ITEMS, n).astype(np.int32),
        at=at,
        kind=rng.integers(0, 2, n).astype(np.int8),
        quantity=rng.choice([1, 2, 500], n).astype(np.float32),
        price=np.full(n, np.nan, np.float32),
        value=np.full(n, np.nan, np.float32),
    )
    return Histories(np.concatenate([[0], np.cumsum(sizes)]), events, {})


class FoldTest(unittest.TestCase):
    def test_each_group_is_the_sum_of_its_events(self) -> None:
        held = histories()
        weigh = Weighing(np.array([1, 3], np.float32), rate=-1, top=1.0, scale=1.0, timed=True)
        profile = fold(held, NOW, weigh, ITEMS)
        by_pair = defaultdict(list)
        events = held.events
        for row in range(len(events)):
            by_pair[int(events.shopper[row]) * ITEMS + int(events.item[row])].append(row)
        self.assertEqual(profile.key.tolist(), sorted(by_pair))
        for group, key in enumerate(profile.key.tolist()):
            rows = by_pair[key]
            ages, kinds = NOW - events.at[rows], events.kind[rows]
            weights = weigh.kinds[kinds]
            self.assertEqual(profile.count[group], len(rows))
            self.assertEqual(profile.days[group], len(set(np.floor(ages))))
            self.assertAlmostEqual(profile.weight[group], weights.sum(), places=4)
            self.assertAlmostEqual(profile.quantity[group], np.clip(events.quantity[rows], 0, 100).mean(), places=4)
            self.assertAlmostEqual(profile.first[group], ages.max(), places=4)
            self.assertAlmostEqual(profile.last[group], ages.min(), places=4)
            falls = np.exp(-ages[None] / np.array(TAUS)[:, None])
            np.testing.assert_allclose(profile.decayed[group], (falls * weights).sum(axis=1), rtol=1e-5)
            expected = [sum(kinds == kind) for kind in (0, 1)] + [falls[RECENT, kinds == kind].sum() for kind in (0, 1)]
            np.testing.assert_allclose(profile.by_kind[group], expected, rtol=1e-5, atol=1e-6)

    def test_nothing_at_all(self) -> None:
        weigh = Weighing(np.array([1, 3], np.float32), rate=-1, top=1.0, scale=1.0, timed=True)
        held = histories()
        empty = Histories(np.array([0, 0]), held.events.select(slice(0)), {})
        self.assertEqual(len(fold(empty, NOW, weigh, ITEMS).key), 0)


class ByValueTest(unittest.TestCase):
    def test_events_are_counted_by_value_and_the_scratch_is_left_empty(self) -> None:
        starts, item = np.array([0, 4, 4, 6]), np.array([3, 0, 1, 2, 5, 4])
        codes, count = np.array([2, 0, 2, 1, 0, 1], np.int32), np.array([1, 2, 3, 4, 5, 6], np.float32)
        bounds, values, sizes = np.empty(4, np.int64), np.empty(6, np.int64), np.empty(6, np.float32)
        spare = np.zeros(3)
        written = folding.by_value(starts, item, codes, count, bounds, values, sizes, spare)
        self.assertEqual(bounds.tolist(), [0, 3, 3, 5])
        self.assertEqual(values[:written].tolist(), [0, 1, 2, 0, 1])
        np.testing.assert_allclose(sizes[:written], np.log2(1 + np.array([3, 1, 6, 6, 5])), rtol=1e-6)
        self.assertFalse(spare.any())
