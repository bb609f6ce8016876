from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import psycopg
from django.db import connection, connections
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from behavior import services
from behavior.models import Event, EventType, RejectedEvent, Shopper, ShopperProfile
from behavior.records import NewEvent, Reject
from catalog.models import Product
from recsite.testing import CommittedCase

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def event(product: str | None = "milk", *, shopper: str | None = "anna", **changes: Any) -> NewEvent:
    fields: dict[str, Any] = {"event_id": uuid4(), "type": "view", "at": NOON} | changes
    return NewEvent(shopper=shopper, product=product, **fields)


class RecordEventsTests(TestCase):
    def setUp(self) -> None:
        self.milk = Product.objects.create(external_id="milk")
        self.anna = Shopper.objects.create(external_id="anna")

    def test_stores_what_is_new_and_returns_it_with_ids(self) -> None:
        sent = event(type="purchase", quantity=2.0, price=1.25, session="b1")
        recorded = services.record_events(events=[sent])
        self.assertEqual((len(recorded.accepted), recorded.duplicate, recorded.unjoined), (1, 0, 0))
        self.assertEqual(
            (recorded.accepted[0].shopper_id, recorded.accepted[0].product_id), (self.anna.pk, self.milk.pk)
        )
        row = Event.objects.get(event_id=sent.event_id)
        self.assertEqual((row.quantity, row.price, row.session, row.source), (2.0, 1.25, "b1", "api"))

    def test_the_same_id_again_is_a_duplicate_under_any_time(self) -> None:
        sent = event()
        later = NewEvent(**{**vars(sent), "at": NOON + timedelta(days=40)})
        services.record_events(events=[sent])
        for again in (sent, later):
            recorded = services.record_events(events=[again])
            self.assertEqual((recorded.accepted, recorded.duplicate), ([], 1))
        self.assertEqual(Event.objects.count(), 1)

    def test_twice_in_one_batch_is_stored_once(self) -> None:
        sent = event()
        recorded = services.record_events(events=[sent, event(), sent])
        self.assertEqual((len(recorded.accepted), recorded.duplicate), (2, 1))

    def test_unknown_shopper_and_product_become_stubs_and_count_as_unjoined(self) -> None:
        recorded = services.record_events(events=[event("tea"), event("milk", shopper="ben"), event()])
        self.assertEqual((len(recorded.accepted), recorded.unjoined), (3, 2))
        self.assertTrue(Product.objects.get(external_id="tea").is_stub)
        self.assertTrue(Shopper.objects.get(external_id="ben").is_stub)
        self.assertEqual(services.record_events(events=[event("tea")]).unjoined, 1)

    def test_a_visitor_is_never_unjoined(self) -> None:
        recorded = services.record_events(events=[event(shopper=None, visitor="v-1")])
        self.assertEqual((recorded.unjoined, Shopper.objects.get(external_id="v-1").kind), (0, "visitor"))

    def test_an_impression_of_a_list_is_one_row_without_product(self) -> None:
        services.record_events(events=[event(None, type="impression", recommendation_id="rec_1")])
        self.assertEqual(Event.objects.values_list("product", "recommendation_id").get(), (None, "rec_1"))

    def test_rejects_are_kept_with_what_came(self) -> None:
        bad = Reject(0, None, "unknown_type", "type", "expected …", {"type": "wi\0sh"})
        recorded = services.record_events(events=[event()], rejects=[bad])
        self.assertEqual(len(recorded.accepted), 1)
        self.assertEqual(RejectedEvent.objects.get().payload, {"type": "wi␀sh"})

    def test_an_empty_batch_is_nothing(self) -> None:
        self.assertEqual(services.record_events(events=[]), services.Recorded([], 0, 0))

    def test_the_number_of_queries_does_not_grow_with_the_batch(self) -> None:
        batch = [event() for _ in range(100)]
        with self.statements() as sent:
            services.record_events(events=batch)
        self.assertEqual(len(sent), 1)

    def test_the_statement_is_planned_once_and_nothing_else_is_prepared(self) -> None:
        for _ in range(3):
            services.record_events(events=[event()])
            Event.objects.count()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FILTER (WHERE statement LIKE '%INTO behavior_event%'), count(*)"
                           " FROM pg_prepared_statements")  # fmt: skip
            self.assertEqual(cursor.fetchone(), (1, 1))

    def test_every_field_is_stored_as_it_was_sent(self) -> None:
        services.record_events(events=[event()])
        odd = '{"a\\",NULL} ß'
        sent = event(
            type="rate", quantity=0.1, price=1e-300, value=-4.5, session=odd, placement=odd, position=7, consent=False,
            recommendation_id="rec_1",
        )  # fmt: skip
        Product.objects.create(external_id=odd)
        Shopper.objects.create(external_id=odd)
        strange = event(odd, shopper=odd, at=NOON.replace(microsecond=7))
        self.assertEqual(len(services.record_events(events=[sent, strange]).accepted), 2)
        for one in (sent, strange):
            row = Event.objects.get(event_id=one.event_id)
            for name in ("type", "at", "quantity", "price", "value", "session", "placement", "recommendation_id",
                         "position", "consent"):  # fmt: skip
                self.assertEqual(getattr(row, name), getattr(one, name), name)
        assert row.product is not None
        self.assertEqual((row.product.external_id, row.shopper.external_id), (odd, odd))

    def test_nor_with_ids_that_were_never_seen(self) -> None:
        batch = [event(f"new{number}", shopper=f"stranger{number}") for number in range(100)]
        with self.statements() as sent, CaptureQueriesContext(connection) as queries:
            services.record_events(events=batch)
        self.assertEqual((len(sent), len(queries)), (1, 7))  # savepoint, ids, two of stubs, ids, insert, release

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """What goes to Postgres past Django, which does not count it."""
        sent: list[str] = []
        execute: Any = psycopg.Cursor.execute

        def counted(cursor: psycopg.Cursor, query: str, *args: object, **more: object) -> Any:
            if type(cursor) is psycopg.Cursor:
                sent.append(query)
            return execute(cursor, query, *args, **more)

        with patch.object(psycopg.Cursor, "execute", counted):
            yield sent


class ReplayTests(TestCase):
    def refuse(self, **payload: object) -> None:
        sent = {"event_id": str(uuid4()), "type": "wish", "at": "2026-03-01T11:00:00Z", "shopper": "a", "product": "b"}
        reject = Reject(0, None, "unknown_type", "type", "expected …", sent | payload)
        services.record_events(events=[], rejects=[reject])

    def test_what_is_valid_by_now_is_stored_and_leaves_the_queue(self) -> None:
        self.refuse()
        self.refuse(type="nonsense")
        self.assertEqual(services.replay_rejects().stored, 0)
        EventType.objects.create(name="wish", weight=1)
        replayed = services.replay_rejects(code="unknown_type")
        self.assertEqual((replayed.stored, replayed.still, len(replayed.accepted)), (1, 1, 1))
        self.assertEqual(Event.objects.get().type, "wish")
        self.assertEqual(services.replay_rejects().stored, 0)

    def test_another_code_is_left_alone(self) -> None:
        self.refuse(type="view")
        self.assertEqual(services.replay_rejects(code="bad_time"), services.Replayed(0, 0, []))


class MergeTests(TestCase):
    def test_moves_events_and_keeps_doing_so(self) -> None:
        services.record_events(events=[event(shopper=None, visitor="v-1"), event(shopper=None, visitor="v-2")])
        merged = services.merge_visitor(visitor="v-1", shopper="anna")
        self.assertEqual(merged.moved, 1)
        self.assertEqual(services.merge_visitor(visitor="v-1", shopper="anna").moved, 0)
        late = services.record_events(events=[event(shopper=None, visitor="v-1")])
        self.assertEqual(late.accepted[0].shopper_id, merged.shopper_id)
        self.assertEqual(Event.objects.filter(shopper__external_id="anna").count(), 2)

    def test_the_visitors_profile_goes_with_the_events(self) -> None:
        services.record_events(events=[event(shopper=None, visitor="v-1")])
        services.build_profiles()
        services.merge_visitor(visitor="v-1", shopper="anna")
        self.assertFalse(ShopperProfile.objects.exists())

    def test_a_browser_that_belongs_to_somebody_stays_with_them(self) -> None:
        first = services.merge_visitor(visitor="v-1", shopper="anna")
        services.merge_visitor(visitor="v-1", shopper="ben")
        self.assertEqual(Shopper.objects.get(external_id="v-1").merged_into_id, first.shopper_id)


class SetShopperTests(TestCase):
    def test_creates_then_changes_only_what_is_named(self) -> None:
        services.set_shopper(external_id="anna", age=35, gender="f", attributes={"pets": 2, "club": "gold"})
        services.set_shopper(external_id="anna", income="50-74K", attributes={"club": None})
        anna = Shopper.objects.get()
        self.assertEqual((anna.age, anna.gender, anna.income, anna.attributes), ("35", "f", "50-74K", {"pets": 2}))

    def test_who_wants_no_profile_has_none_at_once(self) -> None:
        services.record_events(events=[event()])
        services.build_profiles()
        services.set_shopper(external_id="anna", consent=False)
        self.assertFalse(ShopperProfile.objects.exists())

    def test_a_stub_is_known_from_then_on(self) -> None:
        services.record_events(events=[event()])
        services.set_shopper(external_id="anna")
        self.assertFalse(Shopper.objects.get().is_stub)

    def test_an_unknown_field_is_named(self) -> None:
        with self.assertRaisesMessage(TypeError, "received shoe_size"):
            services.set_shopper(external_id="anna", shoe_size=44)


class ConcurrentWritersTests(CommittedCase):
    def test_two_batches_with_the_same_new_ids_both_finish_and_store_once(self) -> None:
        self.write_at_once(known=False)
        self.assertEqual(Product.objects.count(), 60)

    def test_two_batches_with_the_same_events_in_another_order_never_deadlock(self) -> None:
        self.write_at_once(known=True)

    def write_at_once(self, *, known: bool) -> None:
        names = [f"p{n}" for n in range(60)]
        shared = [UUID(int=n + 1) for n in range(60)]
        stored: list[int] = []

        def write(order: list[int]) -> None:
            batch = [event(names[n], shopper=f"s{n}", event_id=shared[n]) for n in order]
            try:
                stored.append(len(services.record_events(events=batch).accepted))
            finally:
                connections.close_all()

        orders = [list(range(60)), list(range(59, -1, -1))]
        if known:
            services.record_events(events=[event(name, shopper=f"s{n}") for n, name in enumerate(names)])
        threads = [threading.Thread(target=write, args=(order,)) for order in orders * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((len(stored), sum(stored)), (4, 60))
        self.assertEqual(Event.objects.filter(event_id__in=shared).count(), 60)
