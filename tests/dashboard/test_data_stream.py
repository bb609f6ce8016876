"""What arrives at this moment, and refused events that wait."""

from __future__ import annotations

import time
import uuid

from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from behavior.models import Event, EventType, RejectedEvent
from recsite.api import sight
from recsite.api.sight import Arrival
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from tests.api.doors import Caller, event, start_afresh
from tests.dashboard.people import make_person
from tests.dashboard.test_data import DataCase, make_letter
from tests.dashboard.test_lists import text_of
from tests.goods import make_products, make_shoppers


class StreamTest(DataCase):
    def test_each_outcome_is_named(self) -> None:
        make_products(1)
        seen = [
            Arrival(time.time(), "accepted", "purchase", "shopper", "anna", "p0", 2, 1.5, placement="home", position=3),
            Arrival(time.time(), "unjoined", "view", "visitor", "v1", "nobody-knows"),
            Arrival(time.time(), "duplicate", "view", "visitor", "v1", "p0", source="simulator"),
            Arrival(time.time(), "rejected", code="unknown_type", field="type", message="expected one of …"),
        ]
        sight.note_arrivals(lambda: seen)
        self.client.force_login(make_person())
        text = text_of(self.client.get(reverse("data-stream")))
        for words in ("accepted", "unjoined", "duplicate", "rejected", "shopper anna", "2 units", "home, position 3"):
            self.assertIn(words, text)
        self.assertIn("product № nobody-knows is not in the catalogue yet", text)
        self.assertIn("unknown_type, field type", text)
        self.assertIn("simulated", text)

    def test_what_is_posted_shows_up(self) -> None:
        make_products(2)
        make_shoppers(1)
        start_afresh()
        known, twice, stranger, wrong = event(shopper="s0"), event(shopper="s0"), event(), event(type="gaze")
        Caller().post("events", {"events": [known, twice, twice, stranger, wrong]})
        found = sight.arrivals()
        assert found is not None
        outcomes = ["rejected", "unjoined", "duplicate", "accepted", "accepted"]
        self.assertEqual([one.outcome for one in found], outcomes)
        self.assertEqual((found[-1].who, found[0].code), ("s0", "unknown_type"))

    def test_it_asks_again_every_two_seconds_unless_paused(self) -> None:
        self.client.force_login(make_person())
        address = reverse("data-stream")
        self.assertContains(self.client.get(address), 'hx-trigger="every 2s"')
        paused = self.client.get(address, {"paused": "1"})
        self.assertNotContains(paused, "every 2s")
        self.assertContains(paused, "Go on")

    def test_without_redis_it_says_so(self) -> None:
        self.client.force_login(make_person())
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            self.assertIn("Redis does not answer", text_of(self.client.get(reverse("data-stream"))))


class DeadLettersTest(DataCase):
    def setUp(self) -> None:
        super().setUp()
        at = timezone.now().isoformat()
        event = {"type": "sniff", "shopper": "anna", "product": "p0", "at": at}
        for _ in range(2):
            make_letter(payload={**event, "event_id": str(uuid.uuid4())}, code="unknown_type", field="type")
        make_letter(payload={"type": "=cmd()"}, code="missing", field="event_id")

    def test_replay_stores_what_is_valid_now(self) -> None:
        EventType.objects.create(name="sniff", weight=1)
        admin = make_person(roles.ADMIN)
        self.client.force_login(admin)
        answer = self.client.post(reverse("data-replay"), {"code": "unknown_type", "field": "type"}, follow=True)
        self.assertIn("2 events stored.", text_of(answer))
        self.assertEqual(Event.objects.filter(type="sniff").count(), 2)
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.by, entry.detail["stored"]), ("reject.replay", admin, 2))

    def test_what_is_refused_again_stays(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.post(reverse("data-replay"), {"code": "unknown_type"}, follow=True)
        self.assertIn("0 events stored, 2 refused again.", text_of(answer))
        self.assertEqual(RejectedEvent.objects.filter(replayed_at=None).count(), 3)

    def test_csv_of_one_reason_has_what_came(self) -> None:
        self.client.force_login(make_person())
        answer = self.client.get(reverse("data-rejects"), {"code": "missing"})
        lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        self.assertEqual(len(lines), 2)
        self.assertIn("=cmd()", lines[1])

    def test_a_merchandiser_sees_but_does_not_replay(self) -> None:
        self.client.force_login(make_person())
        self.assertNotIn("Replay", text_of(self.client.get(reverse("data"))))
        self.assertEqual(self.client.post(reverse("data-replay"), {"code": "missing"}).status_code, 403)
