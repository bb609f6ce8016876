"""Posting events: what is stored, what is named, and what nobody stores."""

from __future__ import annotations

import uuid
from unittest.mock import patch

from django.test import TestCase

from behavior.models import Event, EventType, RejectedEvent, Shopper
from recommender import store
from recsite.testing import flush_redis
from tests.api.doors import Caller, code, event, read, start_afresh
from tests.goods import make_products, make_shoppers


class EventsCase(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()
        self.shop = Caller()


class StoringTests(EventsCase):
    def test_counts_add_up(self) -> None:
        make_products(2)
        make_shoppers(1)
        known, twice = event(shopper="s0"), event(shopper="s0")
        stranger, wrong = event(), event(type="gaze")
        answer = read(self.shop.post("events", {"events": [known, twice, twice, stranger, wrong]}))
        self.assertEqual((answer["accepted"], answer["duplicate"], answer["unjoined"]), (3, 1, 1))
        (rejected,) = answer["rejected"]
        self.assertEqual((rejected["index"], rejected["code"], rejected["field"]), (4, "unknown_type", "type"))
        self.assertIn("purchase", rejected["message"])
        self.assertEqual(Event.objects.count(), 3)
        self.assertEqual(RejectedEvent.objects.get().payload["type"], "gaze")

    def test_a_retry_changes_nothing(self) -> None:
        body = {"events": [event(), event()]}
        self.shop.post("events", body)
        answer = read(self.shop.post("events", body))
        self.assertEqual((answer["accepted"], answer["duplicate"]), (0, 2))
        self.assertEqual(Event.objects.count(), 2)

    def test_the_next_answer_can_see_it(self) -> None:
        make_products(2)
        self.shop.post("events", {"events": [event()]})
        self.assertEqual(len(store.recent("s:anna")), 1)

    def test_a_type_declared_a_moment_ago(self) -> None:
        self.shop.post("events", {"events": [event()]})
        EventType.objects.create(name="gaze", weight=0.5)
        with patch("recsite.api.views.events.TYPES_SECONDS", 60.0), patch("time.monotonic", return_value=1e9):
            answer = read(self.shop.post("events", {"events": [event(type="gaze")]}))
        self.assertEqual(answer["accepted"], 1)

    def test_an_impression_of_a_whole_list(self) -> None:
        body = {"events": [event(type="impression", product=None, recommendation_id="rec_1")]}
        self.assertEqual(read(self.shop.post("events", body))["accepted"], 1)

    def test_the_simulator_says_so(self) -> None:
        self.shop.post("events", {"events": [event()]}, x_recsite_source="simulator")
        self.assertEqual(Event.objects.get().source, "simulator")
        plain = Caller(scopes=["events:write"], name="Plain")
        plain.post("events", {"events": [event(product="p2")]}, x_recsite_source="simulator")
        self.assertEqual(set(Event.objects.values_list("source", flat=True)), {"simulator", "api"})


class PublishableTests(EventsCase):
    def test_visitors_only(self) -> None:
        page = Caller("publishable")
        visitor = event(shopper=None, visitor="v1")
        answer = read(page.post("events", {"events": [event(), visitor]}))
        self.assertEqual((answer["accepted"], answer["rejected"][0]["code"]), (1, "not_found"))
        self.assertFalse(Shopper.objects.filter(kind="shopper").exists())
        self.assertFalse(RejectedEvent.objects.exists())  # or a replay would let it in


class RefusalTests(EventsCase):
    def test_whole_batches(self) -> None:
        for body, expected in (
            (b" ", (400, "not_json")),
            (b"{", (400, "not_json")),
            (b"\xff\xfe", (400, "not_json")),
            (b"[" * 5000, (400, "not_json")),
            ([], (400, "not_an_object")),
            ({}, (400, "wrong_shape")),
            ({"events": {}}, (400, "wrong_shape")),
            ({"events": []}, (400, "wrong_count")),
            ({"events": [1] * 501}, (400, "wrong_count")),
            ({"events": [event()], "more": 1}, (400, "unknown_field")),
        ):
            with self.subTest(str(body)[:40]):
                self.assertEqual(code(self.shop.post("events", body)), expected)
        self.assertEqual(code(self.shop.post("events", b"a=b", content_type="text/plain"))[0], 415)

    def test_single_events_never_block_others(self) -> None:
        wrong: list[dict[str, object]] = [
            {"at": "yesterday"}, {"price": -1}, {"event_id": "7"}, {"position": 1e9}, {"shopper": "x" * 129},
            {"visitor": "v"}, {"value": "five"}, {"product": ""}, {"session": "\0"}, {"note": "x" * 40_000},
        ]  # fmt: skip
        strange: list[object] = [None, 1, "x", [], {}, *(event(**fields) for fields in wrong)]
        answer = read(self.shop.post("events", {"events": [*strange, event()]}))
        self.assertEqual(answer["accepted"], 1)
        self.assertEqual([reject["index"] for reject in answer["rejected"]], list(range(len(strange))))
        self.assertTrue(all(reject["code"] and reject["message"] for reject in answer["rejected"]))

    def test_ids_are_uuids_of_any_version(self) -> None:
        body = {"events": [event(event_id=str(uuid.uuid1())), event(event_id=str(uuid.uuid4()))]}
        self.assertEqual(read(self.shop.post("events", body))["accepted"], 2)
