"""What comes next: read off times, in their direction, and never off the order in which rows happen to lie."""

from __future__ import annotations

import unittest
from dataclasses import replace

import numpy as np

from recommender.engine import candidates, order, tables
from recommender.engine.interactions import Histories, Interactions, ShopData, histories
from recommender.engine.profile import fold
from recommender.engine.scorebook import Scorebook
from recommender.engine.train import Trained, run_training
from tests.engine import planted
from tests.engine.small import QUICK, busy_shop, newest, without_time


def log(*rows: tuple[int, int, float]) -> Interactions:
    """Purchases (shopper, item, day)."""
    shopper, item, at = (np.array(column) for column in zip(*rows, strict=True))
    return planted.events(shopper, item, at)


def both(*visits: tuple[int, float]) -> list[tuple[int, int, float]]:
    """The same purchases (item, day) by two shoppers."""
    return [(shopper, item, at) for shopper in (0, 1) for item, at in visits]


def dense(events: Interactions, n: int, k: int = 8) -> np.ndarray:
    """float32 [n, n]: the share of each item (column) in what came next after each (row)."""
    table = order.followers(events, n, k)
    return table.spread(np.arange(n + 1), np.arange(n), np.ones(n, np.float32))


class FollowersTest(unittest.TestCase):
    def test_the_next_and_not_the_one_before(self) -> None:
        shares = dense(log(*both((1, 1.0), (2, 2.0), (3, 5.0))), 4)
        self.assertAlmostEqual(shares[1, 2], 2 / (2 + order.SHRINK), places=6)
        self.assertAlmostEqual(shares[2, 3], 2 / (2 + order.SHRINK), places=6)
        self.assertEqual(np.count_nonzero(shares), 2)

    def test_nobody_follows_himself_or_another_shopper(self) -> None:
        shares = dense(log(*both((1, 1.0), (1, 2.0)), (2, 2, 3.0), (3, 2, 4.0)), 4)
        self.assertEqual(np.count_nonzero(shares), 0)

    def test_what_happened_at_once_has_no_order(self) -> None:
        """A basket of two, then one: each of the two follows the other half."""
        shares = dense(log(*both((1, 1.0), (2, 1.0), (3, 2.0))), 4)
        next_one, other = 2 / np.sqrt(2), 2 * 0.25
        total = next_one + other + order.SHRINK
        np.testing.assert_allclose(shares[1], [0, 0, other / total, next_one / total], rtol=1e-5)
        np.testing.assert_allclose(shares[2], [0, other / total, 0, next_one / total], rtol=1e-5)
        swapped = dense(log(*both((2, 1.0), (1, 1.0), (3, 2.0))), 4)
        np.testing.assert_array_equal(shares, swapped)

    def test_data_without_time_has_no_order(self) -> None:
        data = without_time(busy_shop(60, 40))
        table = tables.fit(data, 0.0, QUICK).neighbours["followed"]
        self.assertEqual(np.count_nonzero(table.weights), 0)

    def test_events_without_a_time_follow_nothing(self) -> None:
        shares = dense(log(*both((1, 0.0), (2, 17_000.0)), (2, 1, 17_000.0)), 4)
        self.assertEqual(np.count_nonzero(shares), 0)

    def test_the_k_most_frequent_are_kept(self) -> None:
        events = planted.chain(200, 10)[0].interactions
        whole, some = dense(events, 10, k=10), dense(events, 10, k=3)
        kept = some > 0
        np.testing.assert_array_equal(kept.sum(axis=1), 3)
        np.testing.assert_allclose(some[kept], whole[kept])
        least, most_left_out = np.where(kept, whole, np.inf).min(axis=1), np.where(kept, 0, whole).max(axis=1)
        self.assertTrue((least >= most_left_out).all())


class LatenessTest(unittest.TestCase):
    def test_a_moment_shares_what_its_places_say(self) -> None:
        data = planted.shop(log((0, 1, 1.0), (0, 2, 5.0), (0, 3, 5.0), (1, 2, 1.0), (1, 1, 2.0)), 2, 4)
        fitted = tables.fit(data, 6.0, QUICK)
        both = histories(data.interactions, np.array([0, 1]), {})
        latest = Scorebook(fitted, fold(both, 6.0, fitted.weigh, 4)).latest
        said = [dict(zip(latest.item[a:b], latest.value[a:b], strict=True)) for a, b in ((0, 3), (3, 5))]
        f = order.FALL
        for found, expected in zip(said, ({3: (1 + f) / 2, 2: (1 + f) / 2, 1: f**2}, {1: 1, 2: f}), strict=True):
            self.assertEqual(set(found), set(expected))
            for item, value in expected.items():
                self.assertAlmostEqual(found[item], value, places=6)


class ChainTest(unittest.TestCase):
    data: ShopData
    follower: np.ndarray
    trained: Trained

    @classmethod
    def setUpClass(cls) -> None:
        cls.data, cls.follower = planted.chain()
        cls.trained = run_training(cls.data, QUICK, now=newest(cls.data))

    def lasts(self) -> tuple[Histories, np.ndarray]:
        """All histories, and the last item of each."""
        events = self.data.interactions
        everybody = histories(events, np.arange(self.data.shoppers.n), {})
        return everybody, events.item[everybody.offsets[1:] - 1]

    def test_the_follower_of_the_last_item_comes_first(self) -> None:
        everybody, last = self.lasts()
        best, _ = self.trained.ranker.recommend(everybody, newest(self.data), k=1)
        self.assertGreater((best[:, 0] == self.follower[last]).mean(), 0.8)
        before = np.argsort(self.follower)[last]
        self.assertLess((best[:, 0] == before).mean(), 0.1)

    def test_a_new_event_moves_the_list_at_once(self) -> None:
        """As a live request extends a history: the follower of what was just bought leads."""
        now, ranker = newest(self.data), self.trained.ranker
        own = self.data.interactions.select(self.data.interactions.shopper == 0)
        moved = 0
        for item in range(20):
            new = replace(own.select(slice(0, 1)), item=np.array([item], np.int32), at=np.array([now + 0.01]))
            both = [np.concatenate([getattr(own, name), getattr(new, name)]) for name in own.__dataclass_fields__]
            history = Histories(np.array([0, len(both[0])]), Interactions(*both))
            best, _ = ranker.recommend(history, now + 0.02, k=1)
            moved += int(best[0, 0] == self.follower[item])
        self.assertGreater(moved, 15)

    def test_followers_are_among_the_candidates(self) -> None:
        everybody, last = self.lasts()
        ranker = self.trained.ranker
        book = Scorebook(ranker.tables, fold(everybody, newest(self.data), ranker.tables.weigh, ranker.n_items))
        offsets, items = candidates.candidates(ranker.tables, book, own=0, each=2)
        wanted = self.follower[last]
        new = book.profile.find(np.arange(len(last)), wanted) == len(book.profile.key)
        found = [item in items[a:b] for item, a, b in zip(wanted, offsets[:-1], offsets[1:], strict=True)]
        self.assertGreater(np.mean(np.array(found)[new]), 0.9)

    def test_its_group_lifts_the_follower(self) -> None:
        _, last = self.lasts()
        one = histories(self.data.interactions, np.array([3]), {})
        told = self.trained.ranker.explain(one, np.array([0, 1]), self.follower[last[[3]]], newest(self.data))
        self.assertEqual(told.groups[int(told.contributions[0].argmax())], "order")

    def test_neighbours_that_come_next(self) -> None:
        codes, weights = self.trained.ranker.neighbours(np.arange(10), 3, table="next")
        np.testing.assert_array_equal(codes[:, 0], self.follower[:10])
        self.assertTrue((np.diff(weights, axis=1) <= 0).all())

    def test_a_model_made_before_there_were_followers(self) -> None:
        ranker = self.trained.ranker
        known = {name: table for name, table in ranker.tables.neighbours.items() if name != "followed"}
        before = replace(ranker, tables=replace(ranker.tables, neighbours=known))
        self.assertEqual(len(before.feature_names), len(ranker.feature_names) - 1)
        self.assertNotIn("followed", before.feature_names)
        codes, _ = before.neighbours(np.arange(4), 3, table="next")
        self.assertTrue((codes == -1).all())
        everybody, _ = self.lasts()
        self.assertGreater(len(before.candidates(everybody, newest(self.data), size=20)[1]), 0)
