"""The plan of trainings that nobody asks for, and the gate's margins."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import time_machine
from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from recommender import gate, schedule
from recommender.models import TrainingPlan
from recommender.schedule import Plan
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import model_schedule as page
from tests.dashboard.people import make_person

FORM = {
    "enabled": "on",
    "weekdays": ["1", "4"],
    "at": "03:30",
    "cool_down": "12",
    "new_data_share": "10",
    "ctr_drop": "",
    "drift": "0.25",
    "margin_all": "2",
    "margin_new": "5",
    "margin_slices": "12.5",
}


class ScheduleTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN, name="anna"))
        self.address = reverse("model-schedule")

    @time_machine.travel(datetime(2026, 11, 24, 9, tzinfo=UTC), tick=False)  # a Tuesday
    def test_what_is_saved_is_in_force_and_noted(self) -> None:
        answer = self.client.post(self.address, FORM, follow=True)
        self.assertContains(answer, "Saved. Next run: Thu 26 Nov 03:30.")
        plan = schedule.read()
        self.assertEqual((plan.enabled, plan.weekdays, plan.at), (True, (1, 4), time(3, 30)))
        self.assertEqual((plan.new_data_share, plan.ctr_drop, plan.drift), (0.1, None, 0.25))
        self.assertEqual(plan.cool_down, timedelta(hours=12))
        self.assertEqual((gate.margins().all_share, gate.margins().slice_share), (0.02, 0.125))
        entry = AuditEntry.objects.get()
        self.assertEqual(
            (entry.action, entry.by_name, entry.detail["after"]["drift"]), ("schedule.change", "anna", 0.25)
        )
        self.assertContains(self.client.get(reverse("models")), "Schedule: Mon, Thu at 03:30")

    def test_undo_puts_back_what_was(self) -> None:
        before = Plan(enabled=True, weekdays=(2,), at=time(5), zone="UTC", ctr_drop=0.2, cool_down=timedelta(hours=6))
        schedule.save(plan=before)
        answer = self.client.post(self.address, {**FORM, "shadow": "on"}, follow=True)
        self.assertTrue(schedule.read().shadow)
        undo = reverse("model-schedule-undo", args=[AuditEntry.objects.get().pk])
        self.assertContains(answer, f'action="{undo}"')
        self.assertContains(self.client.post(undo, follow=True), "Undone. Next run:")
        self.assertEqual(schedule.read(), before)
        self.assertEqual(AuditEntry.objects.first().detail["undo"], True)  # type: ignore[union-attr]
        self.assertContains(self.client.post(undo, follow=True), "changed since")
        self.assertEqual(schedule.read(), before)

    def test_a_late_undo_and_one_by_who_may_not_change_nothing(self) -> None:
        self.client.post(self.address, FORM)
        undo = reverse("model-schedule-undo", args=[AuditEntry.objects.get().pk])
        self.client.post(self.address, {**FORM, "at": "04:00"})
        self.assertContains(self.client.post(undo, follow=True), "changed since")
        self.assertEqual(schedule.read().at, time(4))
        self.assertEqual(self.client.get(undo).status_code, 405)
        self.assertEqual(self.client.post(reverse("model-schedule-undo", args=[9999])).status_code, 404)
        self.client.force_login(make_person())
        self.assertEqual(self.client.post(undo).status_code, 403)

    def test_the_same_again_is_no_change(self) -> None:
        self.client.post(self.address, FORM)
        self.assertContains(self.client.post(self.address, FORM, follow=True), "nothing was changed")
        self.assertEqual(AuditEntry.objects.count(), 1)

    def test_what_is_wrong_is_said_beside_its_field_and_kept_as_typed(self) -> None:
        for changes, words in (
            ({"at": "25:00"}, "expected a time such as 03:00; received “25:00”"),
            ({"drift": "much"}, "expected a number; received “much”"),
            ({"drift": "nan"}, "expected a number"),
            ({"ctr_drop": "-5"}, "expected a number above 0 or nothing"),
            ({"margin_all": ""}, "expected a number"),
            ({"margin_new": "100"}, "expected a share from 0 to below 1"),
            ({"cool_down": "0"}, "expected at least an hour"),
            ({"weekdays": []}, "expected at least one day"),
        ):
            answer = self.client.post(self.address, {**FORM, **changes})
            self.assertContains(answer, words, status_code=422)
            self.assertContains(answer, 'value="12.5"', status_code=422)
        self.assertFalse(TrainingPlan.objects.exists() or AuditEntry.objects.exists())

    def test_a_merchandiser_sees_the_plan_and_changes_nothing(self) -> None:
        schedule.save(plan=Plan(enabled=True, weekdays=(1, 2, 3, 4, 5, 6, 7), at=time(6)))
        self.client.force_login(make_person())
        answer = self.client.get(self.address)
        self.assertContains(answer, "daily at 06:00")
        self.assertNotContains(answer, "<fieldset")
        self.assertEqual(self.client.post(self.address, FORM).status_code, 403)
        self.assertEqual(schedule.read().at, time(6))

    def test_what_the_triggers_say(self) -> None:
        self.assertContains(self.client.get(self.address), "No model serves yet.", count=3)

    def test_words(self) -> None:
        self.assertEqual(page.short_words(Plan()), "off")
        self.assertEqual(page.next_words(Plan()), "Nothing is planned by the clock.")
