"""The search for better settings: started, followed, stopped, and trained with."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from recommender.models import TrainingRun, Tuning
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import tuning as page
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person

HISTORY = [
    {"number": 0, "value": 0.30, "new": 0.04, "state": "complete", "params": {"architecture": "deep"}, "seconds": 40.0},
    {"number": 1, "value": 0.35, "new": 0.05, "state": "complete", "params": {"learning_rate": 0.004}, "seconds": 42.0},
    {"number": 2, "value": 0.20, "new": None, "state": "pruned", "params": {"dropout": 0.5}, "seconds": 9.0},
    {"number": 3, "value": None, "state": "failed", "params": {}, "seconds": 1.0, "error": "out of memory"},
]


def make_tuning(status: str = "running", **fields: Any) -> Tuning:
    values = {
        "status": status,
        "architectures": ["deep"],
        "trials_total": 8,
        "trials_done": 4,
        "progress": 0.5,
        "history": HISTORY,
        "best_value": 0.35,
        "best_trial": 1,
        "step": "trial",
        "best_config": {"architecture": "wide_deep", "layers": [64, 32]},
        "started_at": timezone.now(),
        "heartbeat_at": timezone.now(),
        **fields,
    }
    return Tuning.objects.create(**values)


class TuningTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN, name="anna"))
        self.address = reverse("tuning")

    def test_started_and_noted(self) -> None:
        self.client.post(self.address, {"trials": "12", "architectures": ["deep", "textbook"]})
        tuning = Tuning.objects.get()
        self.assertEqual((tuning.trials_total, tuning.architectures), (12, ["deep", "textbook"]))
        self.assertEqual(AuditEntry.objects.get().action, "tuning.start")
        answer = self.client.get(self.address)
        self.assertContains(answer, "waiting for a worker")
        self.assertNotContains(answer, "Start a search")

    def test_bad_input(self) -> None:
        for data, words in (
            ({"trials": "0", "architectures": ["deep"]}, "expected 1 to 1,000; received “0”"),
            ({"trials": "x", "architectures": ["deep"]}, "received “x”"),
            ({"trials": "5"}, "expected some of deep"),
            ({"trials": "5", "architectures": ["magic"]}, "received “magic”"),
        ):
            self.assertContains(self.client.post(self.address, data), words, status_code=422)
        self.assertFalse(Tuning.objects.exists())

    def test_one_at_a_time(self) -> None:
        make_tuning()
        answer = self.client.post(self.address, {"trials": "5", "architectures": ["deep"]})
        self.assertContains(answer, "One search is made at a time", status_code=409)

    def test_trials_best_first_and_why_one_failed(self) -> None:
        make_tuning()
        searched = page.build(permissions=frozenset({roles.RETRAIN})).searched
        assert searched is not None
        self.assertEqual([row.cells[0].content for row in searched.trials.rows], ["1", "0", "2", "3"])
        answer = self.client.get(self.address)
        for words in ("4 of 8 trials", "best NDCG@10 .350", "ended early", "out of memory", "Wide and deep", "64, 32"):
            self.assertContains(answer, words)

    def test_progress_asks_for_the_page_when_a_trial_was_told(self) -> None:
        tuning = make_tuning()
        address = reverse("tuning-progress", args=[tuning.pk])
        self.assertNotIn("HX-Refresh", self.client.get(address, {"done": 4}))
        self.assertIn("HX-Refresh", self.client.get(address, {"done": 3}))
        Tuning.objects.update(status="succeeded")
        self.assertIn("HX-Refresh", self.client.get(address, {"done": 4}))

    def test_stopped_once(self) -> None:
        tuning = make_tuning()
        address = reverse("tuning-stop", args=[tuning.pk])
        self.client.post(address)
        tuning.refresh_from_db()
        self.assertTrue(tuning.stop_requested)
        Tuning.objects.update(status="stopped")
        self.assertContains(self.client.post(address, follow=True), "has ended already")
        self.assertEqual(AuditEntry.objects.filter(action="tuning.stop").count(), 1)

    def test_train_with_the_best(self) -> None:
        tuning = make_tuning("succeeded")
        link = reverse("retrain") + f"?tuning={tuning.pk}"
        self.assertContains(self.client.get(self.address), link)
        self.assertContains(self.client.get(link), f"With the best settings of search {tuning.pk}.")
        self.client.post(reverse("retrain"), {"tuning": tuning.pk})
        run = TrainingRun.objects.get()
        self.assertEqual((run.architecture, run.config["layers"]), ("wide_deep", [64, 32]))

    def test_a_merchandiser_follows_and_starts_nothing(self) -> None:
        tuning = make_tuning("succeeded")
        self.client.force_login(make_person())
        answer = self.client.get(self.address)
        self.assertContains(answer, "Trials")
        for words in ("Start a search", "Train with the best", "Stop searching"):
            self.assertNotContains(answer, words)
        for address in (self.address, reverse("tuning-stop", args=[tuning.pk])):
            self.assertEqual(self.client.post(address).status_code, 403)

    def test_nothing_was_searched_yet(self) -> None:
        self.client.force_login(make_person())
        self.assertContains(self.client.get(self.address), "No search yet")
