from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.test import TestCase

from behavior import queries, services
from behavior.models import RejectedEvent, Shopper
from behavior.records import Reject
from tests.goods import NEWEST, make_event, make_products, make_shoppers


class QueriesTests(TestCase):
    def setUp(self) -> None:
        self.products = make_products(3)
        self.people = make_shoppers(2, prefix="anna")

    def test_type_counts_in_one_query(self) -> None:
        for product in self.products:
            make_event(self.people[0], product)
        make_event(self.people[1], self.products[0], type="view", at=NEWEST - timedelta(days=9))
        with self.assertNumQueries(1):
            purchases, views = queries.type_counts()
        self.assertEqual((purchases.type, purchases.events, purchases.shoppers), ("purchase", 3, 1))
        self.assertEqual(views.last_at, NEWEST - timedelta(days=9))
        self.assertEqual([row.type for row in queries.type_counts(start=NEWEST)], ["purchase"])
        self.assertEqual([row.type for row in queries.type_counts(end=NEWEST)], ["view"])

    def test_newest_event(self) -> None:
        self.assertIsNone(queries.newest_event_at())
        make_event(self.people[0], self.products[0])
        self.assertEqual(queries.newest_event_at(), NEWEST)

    def test_shopper_totals(self) -> None:
        Shopper.objects.create(kind="visitor", external_id="v", consent=False)
        Shopper.objects.create(external_id="new", is_stub=True)
        with self.assertNumQueries(1):
            totals = queries.shopper_totals()
        self.assertEqual(totals, queries.ShopperTotals(3, 1, 1, 2, 2, 0, 1))

    def test_only_what_waits_is_a_reject(self) -> None:
        rejects = [Reject(n, None, "bad_time", "at", f"message {n}", {}) for n in range(3)]
        services.record_events(events=[], rejects=[*rejects, Reject(9, None, "missing", "type", "no type", {})])
        self.assertEqual(queries.waiting_rejects().count(), 4)
        RejectedEvent.objects.filter(code="bad_time").update(replayed_at=datetime.now(UTC))
        self.assertEqual(queries.waiting_rejects().count(), 1)
        self.assertEqual(queries.waiting_rejects(code="bad_time").count(), 0)

    def test_search_finds_the_closest_first(self) -> None:
        Shopper.objects.create(external_id="hannah")
        with self.assertNumQueries(1):
            found = queries.search_shoppers("ANNA")
        self.assertEqual([shopper.external_id for shopper in found], ["anna0", "anna1", "hannah"])
        self.assertEqual(queries.search_shoppers(""), [])
