"""The run that is at work: progress, curves, the way to stop it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from recommender.models import TrainingRun
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person
from tests.dashboard.runs import make_run


class LiveTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN))
        self.run_ = make_run(
            "running",
            metrics={},
            verdict={},
            progress=0.5,
            step="train",
            epoch=13,
            epochs=24,
            rows_per_second=41_300.0,
            heartbeat_at=timezone.now() - timedelta(seconds=12),
            curves={
                "epoch": [1, 2, 13],
                "loss": [0.5, 0.4, 3.2],
                "validation_loss": [0.5, 0.4, 3.1],
                "validation_ndcg": [0.1, 0.2, 0.3],
            },
        )

    def get(self, name: str, **params: str) -> Any:
        return self.client.get(reverse(name, args=[self.run_.pk]), params)

    def test_progress_says_how_far_and_when_there_was_last_news(self) -> None:
        answer = self.client.get(reverse("models"))
        for words in (
            "Train, epoch 13 of 24",
            "41,300 rows/s",
            "No news for 12",
            "50",
            "loss 3.200",
            "on later days 3.100",
        ):
            self.assertContains(answer, words)
        part = self.get("model-progress")
        self.assertNotContains(part, "<html")
        self.assertNotIn("HX-Refresh", part)

    def test_curves_are_sent_only_when_an_epoch_was_added(self) -> None:
        self.assertEqual(self.get("model-curves", epochs="3").status_code, 204)
        self.assertContains(self.get("model-curves", epochs="2"), "Loss by list")

    def test_once_it_has_ended_the_page_is_loaded_anew(self) -> None:
        TrainingRun.objects.filter(pk=self.run_.pk).update(status="succeeded")
        self.assertEqual(self.get("model-progress")["HX-Refresh"], "true")

    def test_stop_asks_first(self) -> None:
        answer = self.get("model-stop")
        self.assertContains(answer, f"Stop run {self.run_.pk}?")
        self.run_.refresh_from_db()
        self.assertFalse(self.run_.stop_requested)
        answer = self.client.post(reverse("model-stop", args=[self.run_.pk]), follow=True)
        self.assertContains(answer, "stops at its next step")
        self.assertContains(answer, "is stopping")
        self.run_.refresh_from_db()
        self.assertTrue(self.run_.stop_requested)

    def test_what_has_ended_is_not_stopped(self) -> None:
        TrainingRun.objects.filter(pk=self.run_.pk).update(status="succeeded")
        answer = self.client.post(reverse("model-stop", args=[self.run_.pk]), follow=True)
        self.assertContains(answer, "has ended already")
        self.assertFalse(AuditEntry.objects.exists())

    def test_a_run_that_nobody_takes_asks_for_a_worker(self) -> None:
        TrainingRun.objects.filter(pk=self.run_.pk).update(
            status="queued", step="", created_at=timezone.now() - timedelta(minutes=1)
        )
        self.assertContains(self.client.get(reverse("models")), "No worker takes training jobs")
