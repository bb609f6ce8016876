"""Feedback of a planted history whose answers are known."""

from __future__ import annotations

import time
import unittest
import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.test import TestCase
from hypothesis import given
from hypothesis import strategies as st

from behavior.models import Event, Shopper
from catalog.models import Product
from recommender import feedback, roll_up
from recommender.feedback import Counts, Scope
from recommender.models import FeedbackDay, ServedList
from recommender.roll_up import Windows
from tests.goods import make_event, make_products, make_shoppers

UTC_ZONE = ZoneInfo("UTC")
DAY = date(2026, 3, 10)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SCOPE = Scope(DAY, DAY)


class FeedbackCase(TestCase):
    @classmethod
    def setUpTestData(cls) -> None:
        cls.products = make_products(6)
        cls.anna, cls.ben = make_shoppers(2)

    products: list[Product]
    anna: Shopper
    ben: Shopper

    def serve(self, *products: Product, at: datetime = NOON, **fields: object) -> str:
        name = f"rec_{uuid.uuid4().hex[:20]}"
        values = {"placement": "home", "run": 1, "segment": "weekly", "rules": [0] * len(products), **fields}
        ServedList.objects.create(recommendation_id=name, at=at, products=[p.pk for p in products], **values)
        return name

    def happen(
        self, type: str, product: Product | None, after: timedelta = timedelta(0), *, rec: str = "",
        shopper: Shopper | None = None, **fields: object,
    ) -> Event:  # fmt: skip
        return make_event(
            shopper or self.anna, product, type=type, at=NOON + after, recommendation_id=rec, source="api", **fields
        )

    def count(self, scope: Scope = SCOPE, windows: Windows | None = None, zone: ZoneInfo = UTC_ZONE) -> Counts:
        roll_up.refresh(windows=windows or Windows(), zone=zone)
        return feedback.totals(scope)


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class FunnelTests(FeedbackCase):
    def test_a_planted_day(self) -> None:
        a, b, c, d, e, _ = self.products
        rec = self.serve(a, b, c, d, e)
        self.happen("impression", None, MINUTE, rec=rec)  # the whole list
        self.happen("click", a, 2 * MINUTE, rec=rec)
        self.happen("click", b, 3 * MINUTE, rec=rec)
        self.happen("cart", a, 4 * MINUTE)
        self.happen("purchase", a, HOUR, quantity=2, price=3)
        self.happen("purchase", c, 30 * MINUTE, price=5)  # seen, not clicked, within the hour
        self.happen("purchase", d, 3 * HOUR, price=7)  # seen, not clicked, too late
        self.happen("purchase", e, 5 * MINUTE, shopper=self.ben, price=9)  # somebody else
        self.assertEqual(
            self.count(),
            Counts(
                lists=1,
                served=5,
                shown=5,
                clicked=2,
                carted=1,
                bought=1,
                bought_by_view=1,
                revenue=6,
                revenue_by_view=5,
            ),
        )

    def test_ignored_is_seen_without_a_click(self) -> None:
        a, b, c, *_ = self.products
        rec = self.serve(a, b, c)
        self.happen("impression", a, rec=rec)
        self.happen("impression", b, rec=rec)
        self.happen("click", a, MINUTE, rec=rec)
        counts = self.count()
        self.assertEqual((counts.served, counts.shown, counts.ignored), (3, 2, 1))

    def test_windows_are_what_they_are_set_to(self) -> None:
        a, *_ = self.products
        rec = self.serve(a)
        self.happen("click", a, rec=rec)
        self.happen("purchase", a, 23 * HOUR)
        self.assertEqual(self.count().bought, 1)
        self.assertEqual(self.count(windows=Windows(click=2 * HOUR)).bought, 0)
        self.assertEqual(self.count().bought, 1)  # counted anew when they change back

    def test_a_window_ends_exactly_where_it_says(self) -> None:
        a, b, c, d, *_ = self.products
        rec = self.serve(a, b, c, d)
        second = timedelta(seconds=1)
        for product in (a, b):
            self.happen("click", product, rec=rec)
        for product in (c, d):
            self.happen("impression", product, rec=rec)
        self.happen("purchase", a, 24 * HOUR - second)
        self.happen("purchase", b, 24 * HOUR)
        self.happen("purchase", c, HOUR - second)
        self.happen("purchase", d, HOUR)
        counts = self.count()
        self.assertEqual((counts.bought, counts.bought_by_view), (1, 1))

    def test_a_click_on_a_list_says_nothing_of_its_other_products(self) -> None:
        a, b, c, *_ = self.products
        rec = self.serve(a, b)
        self.happen("click", a, rec=rec)
        self.happen("purchase", b, 2 * HOUR, price=4)  # in the list, not clicked, long after seeing
        self.happen("purchase", c, MINUTE, price=5)  # not in the list at all
        counts = self.count()
        self.assertEqual((counts.bought, counts.bought_by_view, counts.revenue), (0, 0, 0))

    def test_two_purchases_after_one_click_are_one_product_and_all_their_revenue(self) -> None:
        a, *_ = self.products
        rec = self.serve(a)
        self.happen("click", a, rec=rec)
        self.happen("purchase", a, HOUR, price=4)
        self.happen("purchase", a, 2 * HOUR, price=3, quantity=2)
        counts = self.count()
        self.assertEqual((counts.bought, counts.revenue), (1, 10))

    def test_a_purchase_before_the_click_is_not_its_effect(self) -> None:
        a, *_ = self.products
        rec = self.serve(a)
        self.happen("purchase", a, MINUTE)
        self.happen("click", a, 2 * MINUTE, rec=rec)
        self.assertEqual(self.count().bought, 0)

    def test_one_purchase_counts_once_for_the_latest_click(self) -> None:
        a, *_ = self.products
        first = self.serve(a)
        second = self.serve(a, at=NOON + HOUR, placement="basket")
        self.happen("click", a, MINUTE, rec=first)
        self.happen("click", a, HOUR + MINUTE, rec=second)
        self.happen("purchase", a, 2 * HOUR, price=4)
        self.count()
        rows = {row.key: row.counts for row in feedback.by("placement", SCOPE)}
        self.assertEqual((rows["home"].bought, rows["basket"].bought), (0, 1))
        self.assertEqual(feedback.totals(SCOPE).revenue, 4)

    def test_a_click_beats_a_later_impression(self) -> None:
        a, *_ = self.products
        first, second = self.serve(a), self.serve(a, at=NOON + HOUR, placement="basket")
        self.happen("click", a, MINUTE, rec=first)
        self.happen("impression", None, HOUR + MINUTE, rec=second)
        self.happen("purchase", a, HOUR + 2 * MINUTE)
        self.count()
        rows = {row.key: row.counts for row in feedback.by("placement", SCOPE)}
        self.assertEqual((rows["home"].bought, rows["basket"].bought_by_view), (1, 0))

    def test_across_midnight_it_counts_for_the_day_of_the_list(self) -> None:
        a, *_ = self.products
        late = NOON + timedelta(hours=11, minutes=50)
        rec = self.serve(a, at=late)
        again = self.serve(a, at=late + HOUR)
        self.happen("click", a, late - NOON, rec=rec)
        self.happen("click", a, late - NOON + HOUR, rec=again)
        self.happen("purchase", a, late - NOON + 2 * HOUR)
        self.assertEqual(self.count().bought, 0)  # the list of the next day had the later click
        self.assertEqual(feedback.totals(Scope(DAY + timedelta(1), DAY + timedelta(1))).bought, 1)

    def test_days_are_the_shop_s(self) -> None:
        self.serve(self.products[0], at=datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
        self.assertEqual(self.count(zone=ZoneInfo("Asia/Tokyo")).lists, 0)
        next_day = date(2026, 3, 11)
        self.assertEqual(feedback.totals(Scope(next_day, next_day)).lists, 1)


class SplitTests(FeedbackCase):
    def setUp(self) -> None:
        a, b, c, d, *_ = self.products
        one = self.serve(a, b, rules=[7, 0])
        two = self.serve(c, d, run=2, segment="lapsing", placement="trending", source="simulator")
        for rec in (one, two):
            self.happen("impression", None, MINUTE, rec=rec)
        self.happen("click", b, 2 * MINUTE, rec=one)
        roll_up.refresh(windows=Windows(), zone=UTC_ZONE)

    def shown(self, split: str, scope: Scope = SCOPE) -> dict[str, tuple[int, int]]:
        return {row.key: (row.counts.shown, row.counts.clicked) for row in feedback.by(split, scope)}

    def test_each_split(self) -> None:
        self.assertEqual(self.shown("placement"), {"home": (2, 1), "trending": (2, 0)})
        self.assertEqual(self.shown("run"), {"1": (2, 1), "2": (2, 0)})
        self.assertEqual(self.shown("segment"), {"weekly": (2, 1), "lapsing": (2, 0)})
        self.assertEqual(self.shown("source"), {"api": (2, 1), "simulator": (2, 0)})
        self.assertEqual(self.shown("position"), {"1": (2, 0), "2": (2, 1)})
        self.assertEqual(self.shown("rule"), {"7": (1, 0)})
        self.assertEqual(self.shown("category"), {"Drinks": (4, 1)})
        self.assertEqual(self.shown("position", Scope(DAY, DAY, placement="home")), {"1": (1, 0), "2": (1, 1)})

    def test_a_part_of_the_lists(self) -> None:
        of_rule = Scope(DAY, DAY, part=("rule", "7"))
        self.assertEqual((feedback.totals(of_rule).shown, feedback.totals(of_rule).clicked), (1, 0))
        self.assertEqual(self.shown("placement", of_rule), {"home": (1, 0)})
        self.assertEqual(self.shown("rule", of_rule), {"7": (1, 0)})
        self.assertEqual(feedback.totals(Scope(DAY, DAY, placement="trending", part=("rule", "7"))).shown, 0)
        with self.assertRaises(ValueError):
            feedback.by("position", of_rule)

    def test_another_period_beside_it(self) -> None:
        week_on = Scope(DAY + timedelta(7), DAY + timedelta(7))
        (row, *_) = feedback.by("placement", week_on, earlier=SCOPE)
        self.assertEqual((row.counts.has_data, row.previous.shown), (False, 2))

    def test_previous_period(self) -> None:
        next_day = Scope(DAY + timedelta(1), DAY + timedelta(1))
        (row, *_) = feedback.by("placement", next_day)
        self.assertEqual((row.counts.has_data, row.previous.shown), (False, 2))

    def test_days_without_data_are_none(self) -> None:
        days = feedback.daily(Scope(DAY - timedelta(1), DAY))
        self.assertIsNone(days[0][1])
        self.assertEqual(days[1][1] and days[1][1].shown, 4)

    def test_simulated(self) -> None:
        self.assertTrue(feedback.is_simulated(SCOPE))
        self.assertFalse(feedback.is_simulated(Scope(DAY, DAY, placement="home")))

    def test_counting_twice_changes_nothing(self) -> None:
        before = list(FeedbackDay.objects.order_by("id").values_list("dimension", "key", "shown", "clicked"))
        roll_up.roll_up(day=DAY, windows=Windows(), zone=UTC_ZONE)
        after = list(FeedbackDay.objects.order_by("id").values_list("dimension", "key", "shown", "clicked"))
        self.assertEqual(sorted(before), sorted(after))

    def test_late_events_are_counted_when_they_come(self) -> None:
        rec = ServedList.objects.get(placement="home").recommendation_id
        self.happen("click", self.products[0], 3 * MINUTE, rec=rec)
        days = roll_up.refresh(windows=Windows(), zone=UTC_ZONE)
        self.assertIn(DAY, days)
        self.assertEqual(self.shown("placement")["home"], (2, 2))

    def test_an_unknown_split(self) -> None:
        with self.assertRaises(ValueError):
            feedback.by("weather", SCOPE)

    def test_queries_are_few(self) -> None:
        with self.assertNumQueries(2):
            feedback.by("category", SCOPE)


class SpeedTests(FeedbackCase):
    def test_a_month_of_counts_is_read_at_once(self) -> None:
        rows = [
            FeedbackDay(day=DAY - timedelta(n), source="api", placement=f"p{p}", run=1, segment=f"s{s}",
                        dimension="position", key=str(k), shown=100, clicked=k)
            for n in range(28) for p in range(7) for s in range(6) for k in range(20)
        ]  # fmt: skip
        FeedbackDay.objects.bulk_create(rows, batch_size=5000)
        scope = Scope(DAY - timedelta(27), DAY)
        started = time.perf_counter()
        found = feedback.by("position", scope)
        seconds = time.perf_counter() - started
        self.assertEqual(len(found), 20)
        self.assertLess(seconds, 0.6)  # 0.03 s on a quiet machine


class RateTests(unittest.TestCase):
    def test_nothing_is_not_zero(self) -> None:
        self.assertIsNone(Counts().click_rate)
        self.assertFalse(Counts(served=10).has_data)
        zero = Counts(shown=212).click_rate
        assert zero is not None
        self.assertEqual((zero.value, round(zero.high * 100, 2)), (0.0, 1.78))

    @given(st.integers(0, 1000), st.integers(1, 1000))
    def test_an_interval_holds_its_rate(self, hits: int, of: int) -> None:
        rate = feedback.wilson(hits, of)
        assert rate is not None
        self.assertLessEqual(0, rate.low)
        self.assertLessEqual(rate.low, rate.value + 1e-12)
        self.assertLessEqual(rate.value - 1e-12, rate.high)
        self.assertLessEqual(rate.high, 1)

    def test_a_change_within_its_interval(self) -> None:
        change = feedback.difference(feedback.wilson(60, 1000), feedback.wilson(50, 1000))
        assert change is not None
        self.assertTrue(change[1] < 0 < change[2])
        self.assertIsNone(feedback.difference(None, feedback.wilson(1, 2)))
