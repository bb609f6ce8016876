"""The demo's shoppers: what they click, what they buy, and that a replay repeats itself."""

from __future__ import annotations

import random
import unittest
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pandas as pd

from recsite import simulator

MONDAY = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)


def held_back() -> pd.DataFrame:
    rows = [
        ("anna", "milk", MONDAY, 2.0, 1.5, "b1"),
        ("anna", "bread", MONDAY, 1.0, 2.0, "b1"),
        ("anna", "jam", MONDAY + timedelta(days=2), 1.0, 3.0, "b2"),
        ("ben", "beer", MONDAY + timedelta(hours=1), 6.0, 1.0, "b3"),
    ]
    return pd.DataFrame(rows, columns=["shopper_id", "product_id", "at", "quantity", "price", "session"])


class RecordingShop(simulator.Shop):
    """A front end whose requests are kept instead of sent: the API's own tests send them."""

    def __init__(self, products: Sequence[str]) -> None:
        self.products = tuple(products)
        self.asked: list[tuple[str, str, datetime | None, tuple[str, ...]]] = []
        self.posted: list[tuple[bool, Mapping[str, object]]] = []

    def recommend(
        self, *, shopper: str, placement: str, as_of: datetime | None, products: Sequence[str] = ()
    ) -> simulator.Shown:
        self.asked.append((shopper, placement, as_of, tuple(products)))
        return simulator.Shown(f"rec_{len(self.asked)}", placement, self.products)

    def post(self, events: Sequence[Mapping[str, object]], *, simulated: bool) -> None:
        self.posted += [(simulated, event) for event in events]


class VisitTests(unittest.TestCase):
    def test_baskets_come_oldest_first_with_their_lines(self) -> None:
        found = simulator.visits(held_back())
        self.assertEqual([visit.session for visit in found], ["b1", "b3", "b2"])
        self.assertEqual(found[0].products, ("milk", "bread"))
        self.assertEqual(found[0].lines[0], simulator.Line("milk", 2.0, 1.5))

    def test_later_is_what_the_same_household_buys_afterwards(self) -> None:
        later = simulator.later_products(simulator.visits(held_back()))
        self.assertEqual(later, {"b1": {"jam"}, "b2": set(), "b3": set()})

    def test_today_replays_a_day_of_the_same_weekday(self) -> None:
        now = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
        moved = simulator.todays_visits(simulator.visits(held_back()), now, random.Random(1))
        self.assertEqual(
            [visit.at for visit in moved],
            [datetime(2026, 11, 23, 9, 30, tzinfo=UTC), datetime(2026, 11, 23, 10, 30, tzinfo=UTC)],
        )
        self.assertEqual(
            simulator.todays_visits(simulator.visits(held_back()), now + timedelta(days=4), random.Random(1)), []
        )


class ClickModelTests(unittest.TestCase):
    def test_lower_positions_and_other_products_are_clicked_less(self) -> None:
        first = simulator.click_probability(1, bought_now=True, bought_later=False, noise=1)
        self.assertAlmostEqual(first, 0.45)
        self.assertAlmostEqual(
            simulator.click_probability(10, bought_now=True, bought_later=False, noise=1), 0.45 * 10**-0.7
        )
        self.assertAlmostEqual(simulator.click_probability(1, bought_now=False, bought_later=True, noise=1), 0.20)
        self.assertAlmostEqual(simulator.click_probability(1, bought_now=False, bought_later=False, noise=1), 0.012)

    def test_click_rates_follow_the_model(self) -> None:
        rng = random.Random(3)
        rounds = 4000
        hits = sum(1 in simulator.clicked_positions(["milk"], {"milk"}, set(), rng) for _ in range(rounds))
        self.assertAlmostEqual(hits / rounds, 0.45, delta=0.03)


class ReplayTests(unittest.TestCase):
    def setUp(self) -> None:
        self.visits = simulator.visits(held_back())

    def play(self) -> RecordingShop:
        shop = RecordingShop(["milk", "jam", "tea"])
        simulator.Replay(shop, simulator.later_products(self.visits), seed=5).play(self.visits[0])
        return shop

    def test_lists_are_asked_as_of_before_the_purchase(self) -> None:
        shop = self.play()
        self.assertIn("home", {placement for _, placement, _, _ in shop.asked})
        for shopper, _, as_of, _ in shop.asked:
            self.assertEqual(shopper, "anna")
            assert as_of is not None
            self.assertLess(as_of, self.visits[0].at)

    def test_only_purchases_are_real(self) -> None:
        shop = self.play()
        real = [event for simulated, event in shop.posted if not simulated]
        self.assertEqual([event["product"] for event in real], ["milk", "bread"])
        self.assertEqual({event["type"] for event in real}, {"purchase"})
        made_up = {event["type"] for simulated, event in shop.posted if simulated}
        self.assertLessEqual(made_up, {"impression", "click", "view", "cart"})
        self.assertIn("impression", made_up)

    def test_the_same_visit_again_posts_the_same_ids(self) -> None:
        self.assertEqual(
            [event["event_id"] for _, event in self.play().posted],
            [event["event_id"] for _, event in self.play().posted],
        )

    def test_a_visit_outside_the_share_only_buys(self) -> None:
        shop = RecordingShop(["milk"])
        simulator.Replay(shop, {}, share=0.0).play(self.visits[0])
        self.assertEqual(shop.asked, [])
        self.assertEqual(len(shop.posted), 2)
