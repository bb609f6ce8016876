"""Redis: byte layouts, the fenced pointer, recent events, served lists, the breaker."""

from __future__ import annotations

import numpy as np
from django.conf import settings
from django.test import SimpleTestCase, override_settings

from recommender import packing, store
from recommender.engine.interactions import Interactions
from recommender.outbox import Outbox
from recommender.packing import RecentEvent, StoredHistory, StoredList
from recommender.store import Breaker, Pointer
from recsite.testing import flush_redis

NOWHERE = "redis://127.0.0.1:1/0"


def a_list(n: int = 300) -> StoredList:
    return StoredList(np.arange(n, dtype=np.int32) * 7, np.linspace(3, -3, n).astype(np.float32), 1.75e9, "loyal")


def a_history(n: int = 5) -> StoredHistory:
    number = np.arange(n, dtype=np.float32)
    events = Interactions(
        np.zeros(n, np.int32), np.arange(n, dtype=np.int32), 20_000 + np.arange(n) / 8, np.full(n, 5, np.int8),
        number + 1, np.full(n, np.nan, np.float32), number,
    )  # fmt: skip
    return StoredHistory(events, np.arange(n, dtype=np.uint64), np.array([3, -1], np.int32))


class Packing(SimpleTestCase):
    def test_a_list_comes_back(self) -> None:
        back = packing.unpack_list(packing.pack_list(a_list()))
        assert back is not None
        np.testing.assert_array_equal(back.codes, a_list().codes)
        np.testing.assert_allclose(back.scores, a_list().scores, atol=2e-3)
        self.assertEqual((back.made_at, back.segment), (1.75e9, "loyal"))

    def test_a_pool_of_300_fits_in_two_kilobytes(self) -> None:
        self.assertLessEqual(len(packing.pack_list(a_list(300))), 1600)

    def test_a_history_comes_back(self) -> None:
        back = packing.unpack_history(packing.pack_history(a_history()))
        assert back is not None
        for name in Interactions.__dataclass_fields__:
            np.testing.assert_allclose(getattr(back.events, name), getattr(a_history().events, name), rtol=1e-9)
        np.testing.assert_array_equal(back.hashes, a_history().hashes)
        np.testing.assert_array_equal(back.attributes, [3, -1])

    def test_an_empty_history_comes_back(self) -> None:
        back = packing.unpack_history(packing.pack_history(a_history(0)))
        assert back is not None
        self.assertEqual(len(back.events), 0)

    def test_a_torn_value_reads_as_absent(self) -> None:
        value = packing.pack_list(a_list())
        self.assertIsNone(packing.unpack_list(value[:-3]))
        self.assertIsNone(packing.unpack_list(value[:20] + b"?" + value[21:]))
        self.assertIsNone(packing.unpack_list(b""))

    def test_a_later_schema_reads_as_absent(self) -> None:
        value = packing.pack_list(a_list())
        self.assertIsNone(packing.unpack_list(bytes([packing.SCHEMA + 1]) + value[1:]))

    def test_an_event_comes_back_whatever_its_quantity(self) -> None:
        event = RecentEvent(7, 42, 1.75e9, "purchase", 1e300, 2.5, float("nan"))
        back = packing.unpack_event(packing.pack_event(event))
        assert back is not None
        self.assertEqual((back.id_hash, back.product_id, back.type, back.price), (7, 42, "purchase", 2.5))
        self.assertGreater(back.quantity, 1e38)

    def test_a_code_beyond_three_bytes_is_refused(self) -> None:
        with self.assertRaises(packing.TooManyItems):
            packing.pack_list(StoredList(np.array([packing.MAX_CODE + 1]), np.zeros(1), 0.0))


class Keys(SimpleTestCase):
    def setUp(self) -> None:
        flush_redis()
        store.breaker.succeeded()

    def test_one_round_trip_reads_everything_of_a_shopper(self) -> None:
        store.move_pointer(Pointer(3, 2, 1))
        store.write_lists(2, [("s:anna", packing.pack_list(a_list()), packing.pack_history(a_history()))])
        store.put_shared("rules", b"[]", 9)
        store.note_recent({"s:anna": [RecentEvent(1, 42, 1.75e9, "view")]})
        reading = store.read("s:anna", 2)
        assert reading.list is not None
        assert reading.history is not None
        self.assertEqual(reading.pointer, Pointer(3, 2, 1))
        self.assertEqual(reading.versions, {"rules": 9})
        self.assertEqual(len(reading.list.codes), 300)
        self.assertEqual(len(reading.history.events), 5)
        self.assertEqual([event.product_id for event in reading.recent], [42])

    def test_the_pointer_only_moves_forward(self) -> None:
        self.assertTrue(store.move_pointer(Pointer(5, 2, 1)))
        self.assertFalse(store.move_pointer(Pointer(4, 9, 9)))
        self.assertEqual(store.pointer(), Pointer(5, 2, 1))

    def test_an_older_shared_value_does_not_win(self) -> None:
        store.put_shared("rules", b"new", 2)
        self.assertFalse(store.put_shared("rules", b"old", 1))
        self.assertEqual(store.shared("rules"), b"new")

    def test_recent_events_are_capped_and_ask_once_for_a_refresh(self) -> None:
        events = [RecentEvent(number, number, 1.75e9 + number, "view") for number in range(store.RECENT_EVENTS + 20)]
        self.assertEqual(store.note_recent({"s:anna": events}), ["s:anna"])
        self.assertEqual(store.note_recent({"s:anna": events[-1:]}), [])
        store.start_refresh("s:anna")
        self.assertEqual(store.note_recent({"s:anna": events[-1:]}), ["s:anna"])
        self.assertEqual(len(store.recent("s:anna")), store.RECENT_EVENTS - 2)  # the last one stands there three times

    def test_a_dropped_generation_leaves_the_other(self) -> None:
        row = ("s:anna", packing.pack_list(a_list()), None)
        store.write_lists(1, [row])
        store.write_lists(12, [row])
        self.assertEqual(store.drop_generation(1), 1)
        self.assertIsNotNone(store.read("s:anna", 12).list)

    def test_served_lists_stay_until_they_are_stored(self) -> None:
        store.record_served([{"recommendation_id": "rec_1"}])
        ids, rows = store.take_served(10)
        self.assertEqual(rows, [{"recommendation_id": "rec_1"}])
        store.drop_served(ids)
        self.assertEqual(store.take_served(10), ([], []))

    def test_a_served_list_waits_until_redis_takes_it(self) -> None:
        outbox = Outbox(store.record_served, name="served")
        with override_settings(REDIS_URL=NOWHERE):
            outbox.add({"recommendation_id": "rec_1"})
            self.assertEqual(outbox.flush(), 0)
        self.assertEqual((outbox.flush(), outbox.flush()), (1, 0))
        self.assertEqual(store.take_served(10)[1], [{"recommendation_id": "rec_1"}])

    def test_a_line_that_the_server_closed_is_made_again(self) -> None:
        store.read(None, None)
        for one in store.client(1.0).client_list():
            store.client(1.0).client_kill_filter(_id=one["id"])
        self.assertEqual(store.read(None, None).versions, {})

    def test_forgetting_leaves_nothing_of_a_subject(self) -> None:
        store.write_lists(1, [("s:anna", packing.pack_list(a_list()), packing.pack_history(a_history()))])
        store.note_recent({"s:anna": [RecentEvent(1, 42, 1.75e9, "view")]})
        store.forget("s:anna", [1])
        names = store.client(1.0).keys(f"{settings.REDIS_PREFIX}:*anna*")
        self.assertEqual(names, [])


@override_settings(REDIS_URL=NOWHERE)
class RedisDown(SimpleTestCase):
    def setUp(self) -> None:
        store.breaker.succeeded()
        self.addCleanup(store.breaker.succeeded)

    def test_a_reader_is_told_and_the_breaker_opens(self) -> None:
        for _ in range(Breaker.LIMIT):
            with self.assertRaises(store.StoreDown):
                store.read("s:anna", 1)
        with self.assertRaisesMessage(store.StoreDown, "breaker"):
            store.read("s:anna", 1)

    def test_no_worker_is_seen(self) -> None:
        self.assertFalse(store.is_alive("train"))
