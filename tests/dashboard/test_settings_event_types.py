from __future__ import annotations

import time
from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from behavior.models import EventType
from recommender.dataset import read_kinds
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.testing import flush_redis
from tests.api.doors import Caller, event, read, start_afresh
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.goods import NEWEST, make_event, make_products, make_shoppers

WISH = {"name": "wish", "weight": "2,5", "target": "yes"}


class EventTypesTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN))

    def test_the_list_has_weights_and_counts(self) -> None:
        (anna,), (tea,) = make_shoppers(1), make_products(1)
        make_event(anna, tea)
        make_event(anna, tea, type="view", at=NEWEST - timedelta(days=29))  # too long ago
        page = self.client.get(reverse("settings-event-types"))
        self.assertContains(page, "not for me")
        self.assertContains(page, ">none<", count=EventType.objects.count() - 1)
        self.assertContains(page, "from the next training")

    def test_a_declared_type_is_taken_by_the_api_at_once(self) -> None:
        flush_redis()
        start_afresh()
        caller = Caller()
        wish = event(type="wish")
        self.assertEqual(read(caller.post("events", {"events": [wish]}))["rejected"][0]["code"], "unknown_type")
        answer = self.client.post(reverse("settings-event-type-new"), WISH)
        self.assertRedirects(answer, reverse("settings-event-types"))
        time.sleep(0.11)  # before one is refused the types are read again, at most ten times a second
        self.assertEqual(read(caller.post("events", {"events": [wish]}))["accepted"], 1)
        entry = AuditEntry.objects.get(action="event_type.declare")
        self.assertEqual((entry.subject, entry.detail), ("wish", {"weight": 2.5, "success": True}))

    def test_a_refused_form_keeps_what_was_typed(self) -> None:
        new = reverse("settings-event-type-new")
        self.assertContains(self.client.post(new, WISH | {"name": "Wish!"}), "received “Wish!”", status_code=422)
        answer = self.client.post(new, WISH | {"weight": "much"})
        self.assertContains(answer, "expected a number; received “much”", status_code=422)
        self.assertContains(answer, 'value="wish"', status_code=422)
        self.assertFalse(AuditEntry.objects.filter(action="event_type.declare").exists())

    def test_another_weight_counts_in_the_next_training_and_is_undone(self) -> None:
        view = reverse("settings-event-type", args=["view"])
        self.client.post(view, {"weight": "0.25"})
        kinds = read_kinds()
        place = kinds.names.index("view")
        self.assertEqual((float(kinds.weights[place]), bool(kinds.targets[place])), (0.25, False))
        entry = AuditEntry.objects.get(action="event_type.change")
        self.client.post(reverse("settings-event-type-undo", args=[entry.pk]))
        row = EventType.objects.get(name="view")
        self.assertEqual((row.weight, row.is_target), (1.0, True))
        answer = self.client.post(reverse("settings-event-type-undo", args=[entry.pk]), follow=True)
        self.assertContains(answer, "changed “view” since")

    def test_saving_the_same_notes_nothing(self) -> None:
        answer = self.client.post(
            reverse("settings-event-type", args=["view"]), {"weight": "1", "target": "yes"}, follow=True
        )
        self.assertContains(answer, "nothing was changed")
        self.assertFalse(AuditEntry.objects.filter(action="event_type.change").exists())

    def test_an_unknown_type_is_not_here(self) -> None:
        self.assertEqual(self.client.get(reverse("settings-event-type", args=["nothing"])).status_code, 404)

    def test_a_merchandiser_may_none_of_it(self) -> None:
        self.client.force_login(make_person())
        for name, args in (
            ("settings-event-types", []),
            ("settings-event-type-new", []),
            ("settings-event-type", ["view"]),
        ):
            self.assertEqual(self.client.get(reverse(name, args=args)).status_code, 403, name)
        self.assertEqual(self.client.post(reverse("settings-event-type-new"), WISH).status_code, 403)
        self.assertEqual(self.client.post(reverse("settings-event-type-undo", args=[1])).status_code, 403)
        self.assertFalse(EventType.objects.filter(name="wish").exists())

    def test_the_query_count_does_not_grow_with_the_types(self) -> None:
        counts = []
        with stopped_clock():
            for number in range(2):
                EventType.objects.bulk_create(
                    EventType(name=f"t{number}x{n}", weight=1) for n in range(1 + 40 * number)
                )
                self.client.get(reverse("settings-event-types"))
                with CaptureQueriesContext(connection) as seen:
                    self.assertEqual(self.client.get(reverse("settings-event-types")).status_code, 200)
                counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
