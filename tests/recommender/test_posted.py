"""What was acknowledged is in the next list, whatever Redis was doing when it was posted."""

from __future__ import annotations

import os
import time
import uuid
from datetime import UTC, datetime
from unittest import mock

import redis
from django.conf import settings
from django.test import override_settings

from behavior.models import Event
from recommender import availability, behind, posted, state, steering, store
from recommender.live import subject_now
from recommender.packing import RecentEvent
from recsite.api import patience
from recsite.local_services import processes
from recsite.testing import CommittedCase
from tests.api.doors import Caller, event, read, start_afresh
from tests.recommender.test_publish import Publisher

NOWHERE = "redis://127.0.0.1:1/0"
SECONDS = 15.0


class NextList(Publisher, CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        start_afresh()
        store.note_breaker.succeeded()
        state.forget()
        self.addCleanup(state.forget)
        self.addCleanup(patience.stop)
        self.publish()
        availability.publish_base()
        steering.publish()
        self.shop = Caller()
        self.assertTrue(self.post("p2"))
        self.assertEqual(self.first(), "p2")
        self.assertFalse(behind.is_behind())

    def post(self, product: str, **fields: object) -> bool:
        at = datetime.now(UTC).isoformat()
        answer = self.shop.post("events", {"events": [event(product=product, at=at, **fields)]})
        said = read(answer)
        return answer.status_code == 200 and said["accepted"] + said["duplicate"] == 1

    def first(self) -> str:
        answer = read(self.shop.get("recommendations?shopper=anna&placement=recently-viewed&n=1"))
        return str(answer["items"][0]["product"])

    def is_mended(self) -> bool:
        return processes.wait(lambda: not behind.is_behind(), seconds=SECONDS)

    def test_while_redis_is_paused_and_just_after(self) -> None:
        with redis.from_url(settings.REDIS_URL) as client:
            client.client_pause(700)
            self.assertTrue(self.post("p5"))
            self.assertEqual(self.first(), "p5")  # Redis still answers nobody
            self.assertTrue(self.post("p6"))
            client.ping()  # it answers again
        for _ in range(3):
            store.breaker.succeeded()
            self.assertEqual(self.first(), "p6")
        self.assertTrue(self.is_mended())
        self.assertEqual(self.first(), "p6")

    def test_a_full_redis(self) -> None:
        with redis.from_url(settings.REDIS_URL) as client:
            client.config_set("maxmemory", 1)
            try:
                self.assertTrue(self.post("p7"))
                self.assertEqual(self.first(), "p7")
                time.sleep(0.3)
                self.assertTrue(behind.is_behind())
            finally:
                client.config_set("maxmemory", 0)
        self.assertTrue(self.is_mended())
        with mock.patch.object(patience, "attempt", side_effect=AssertionError("Redis knows it now")):
            self.assertEqual(self.first(), "p7")

    def test_a_redis_that_was_emptied(self) -> None:
        self.assertTrue(self.post("p8"))
        with redis.from_url(settings.REDIS_URL) as client:
            client.flushdb()
        self.assertEqual(self.first(), "p8")

    def test_another_process_that_could_not_note(self) -> None:
        """Its events are only in Postgres, its mark is there, and it was killed."""
        self.assertTrue(self.post("p3"))
        with redis.from_url(settings.REDIS_URL) as client:
            client.delete(store.key("recent", "s:anna"))
        self.assertNotEqual(self.first(), "p3")  # nobody said that Redis lacks something
        mark = behind.folder() / "999999999-1.00"
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
        self.assertEqual(self.first(), "p3")
        self.assertEqual(behind.left_behind(), [mark])
        posted.mend(mark)
        self.assertFalse(behind.is_behind())
        self.assertEqual(self.first(), "p3")

    def test_an_event_that_was_stored_by_who_died_before_telling_is_told_when_it_is_sent_again(self) -> None:
        name = uuid.uuid4()
        with mock.patch.object(posted, "note_events"), mock.patch("recommender.services.note_events"):
            self.assertTrue(self.post("p9", event_id=str(name)))
        self.assertNotEqual(self.first(), "p9")
        self.assertTrue(self.post("p9", event_id=str(name)))
        self.assertEqual(self.first(), "p9")
        self.assertEqual(Event.objects.filter(event_id=name).count(), 1)

    def test_what_is_noted_twice_counts_once(self) -> None:
        stored = Event.objects.get(source="api")
        posted.note_again([stored.event_id])
        held = state.current()
        reading = store.read("s:anna", held.generation)
        subject = subject_now(held, "s:anna", reading, time.time())
        assert subject is not None
        self.assertEqual((len(reading.recent), len(subject.history.events)), (1, 1))

    def test_mending_keeps_what_others_note_meanwhile(self) -> None:
        newer = RecentEvent(77, self.products[4].pk, time.time(), "view")
        store.note_recent({"s:anna": [newer]})
        self.assertEqual(len(store.recent("s:anna")), 2)
        store.refill_recent({"s:anna": store.recent("s:anna")[:1]})
        self.assertEqual(len(store.recent("s:anna")), 2)

    def test_no_mark_without_need(self) -> None:
        self.assertEqual(os.listdir(behind.folder()) if behind.folder().exists() else [], [])
        with override_settings(REDIS_URL=NOWHERE):
            self.assertTrue(self.post("p10"))
            self.assertTrue(behind.is_behind())
        self.assertTrue(self.is_mended())
        self.assertEqual(self.first(), "p10")
