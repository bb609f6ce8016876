"""Promote, roll back and delete: what may serve, and the way back."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from recommender import publish, services
from recommender.models import Switch
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person
from tests.dashboard.runs import make_generation, make_run, serve


class SwitchingTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.anna = make_person(roles.ADMIN, name="anna")
        self.client.force_login(self.anna)
        self.first, self.second = make_run(), make_run()
        self.old, self.new = make_generation(self.first), make_generation(self.second)
        serve(self.old)

    def serving(self) -> int:
        switch = publish.serving()
        assert switch is not None
        return switch.generation.run_id

    def undo_of(self, answer: Any) -> str:
        """Where the toast's Undo posts to."""
        (toast,) = answer.context["console"]().toasts
        return str(toast.undo_url)

    def test_promote_then_undo(self) -> None:
        answer = self.client.post(reverse("model-promote", args=[self.second.pk]), follow=True)
        self.assertContains(answer, f"Model {self.second.pk} serves since")
        self.assertEqual(self.serving(), self.second.pk)
        self.client.post(self.undo_of(answer))
        self.assertEqual(self.serving(), self.first.pk)
        told = list(AuditEntry.objects.values_list("action", "subject", "by_name"))
        self.assertIn(("model.promote", f"run {self.second.pk}", "anna"), told)
        self.assertIn(("model.roll_back", f"run {self.first.pk}", "anna"), told)

    def test_an_undo_that_comes_too_late_takes_nothing_back(self) -> None:
        answer = self.client.post(reverse("model-promote", args=[self.second.pk]), follow=True)
        late = self.undo_of(answer)
        services.promote(run=self.first)
        services.promote(run=self.second)
        answer = self.client.post(late, follow=True)
        self.assertContains(answer, "Not rolled back")
        self.assertEqual(self.serving(), self.second.pk)

    def test_roll_back_and_forth(self) -> None:
        serve(self.new)
        answer = self.client.get(reverse("models"))
        self.assertContains(answer, f"Roll back to model {self.first.pk}")
        answer = self.client.post(reverse("roll-back"), follow=True)
        self.assertContains(answer, f"Model {self.first.pk} serves again since")
        self.client.post(self.undo_of(answer))
        self.assertEqual(self.serving(), self.second.pk)

    def test_nothing_to_go_back_to(self) -> None:
        self.assertNotContains(self.client.get(reverse("models")), "Roll back to")
        answer = self.client.post(reverse("roll-back"), follow=True)
        self.assertContains(answer, "Not rolled back: no earlier generation is stored")
        self.assertFalse(AuditEntry.objects.filter(action="model.roll_back").exists())

    def test_what_is_gone_cannot_serve(self) -> None:
        gone = make_run()
        answer = self.client.post(reverse("model-promote", args=[gone.pk]), follow=True)
        self.assertContains(answer, "has no stored lists any more")
        make_generation(gone, stored=False)  # the row is there, its files are not
        answer = self.client.post(reverse("model-promote", args=[gone.pk]), follow=True)
        self.assertContains(answer, f"Model {gone.pk} was not promoted")
        self.assertEqual(self.serving(), self.first.pk)
        self.assertFalse(AuditEntry.objects.filter(action="model.promote").exists())

    def test_what_serves_is_not_promoted_again(self) -> None:
        self.client.post(reverse("model-promote", args=[self.first.pk]))
        self.assertEqual(Switch.objects.count(), 1)
