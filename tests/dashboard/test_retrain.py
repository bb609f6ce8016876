"""Starting a run: the form and its refusals."""

from __future__ import annotations

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from recommender import services
from recommender.models import TrainingRun
from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person
from tests.dashboard.runs import make_run


class RetrainTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN, name="anna"))

    def test_a_run_is_asked_for_and_can_be_taken_back(self) -> None:
        answer = self.client.post(reverse("retrain"), {"architecture": "textbook", "seed": "7"}, follow=True)
        run = TrainingRun.objects.get()
        assert run.requested_by is not None
        found = (run.status, run.architecture, run.seed, run.requested_by.username)
        self.assertEqual(found, ("queued", "textbook", 7, "anna"))
        self.assertContains(answer, f"Run {run.pk} is waiting")
        self.assertContains(answer, f"/models/{run.pk}/progress/")
        (toast,) = answer.context["console"]().toasts
        self.client.post(toast.undo_url)
        run.refresh_from_db()
        self.assertEqual(run.status, "stopped")
        told = list(AuditEntry.objects.order_by("id").values_list("action", "subject"))
        self.assertEqual(told, [("model.retrain", f"run {run.pk}"), ("model.stop", f"run {run.pk}")])

    def test_one_at_a_time_in_words(self) -> None:
        active = make_run("running", metrics={}, verdict={})
        self.assertContains(self.client.get(reverse("retrain")), f"Run {active.pk} is training")
        answer = self.client.post(reverse("retrain"), {"architecture": "deep", "seed": "0"})
        self.assertContains(answer, f"Run {active.pk} is training", status_code=409)
        self.assertEqual(TrainingRun.objects.count(), 1)
        self.assertFalse(AuditEntry.objects.exists())

    def test_bad_input_says_what_was_expected_and_what_came(self) -> None:
        for data, words in (
            ({"architecture": "magic"}, "Expected one of deep, textbook"),
            ({"architecture": "deep", "seed": "-1"}, "Expected a seed from 0 to 2,147,483,647, received “-1”"),
            ({"architecture": "deep", "seed": "99999999999"}, "Expected a seed"),
            ({"like": "12345"}, "There is no run 12345"),
            ({"like": "x"}, "Expected the number of a run"),
        ):
            self.assertContains(self.client.post(reverse("retrain"), data), words, status_code=400)
        self.assertEqual(self.client.get(reverse("retrain"), {"like": "x"}).status_code, 400)
        self.assertFalse(TrainingRun.objects.exists())

    def test_train_again_takes_over_the_settings(self) -> None:
        like = make_run("failed", architecture="textbook", seed=3, config={"epochs": 4, "layers": [10, 5]})
        self.client.post(reverse("retrain"), {"like": str(like.pk)})
        run = TrainingRun.objects.latest("pk")
        self.assertEqual((run.architecture, run.seed, run.config["epochs"]), ("textbook", 3, 4))

    def test_begins_with_old_weights_and_is_kept_for_a_decision(self) -> None:
        old = make_run(architecture="deep")
        self.client.post(reverse("retrain"), {"architecture": "deep", "warm": str(old.pk), "publish": "keep"})
        run = TrainingRun.objects.latest("pk")
        self.assertEqual((run.warm_start, run.publish), (old, "keep"))
        services.stop_run(run=run)
        gone = make_run(artifact="")
        for data, words in (({"warm": str(gone.pk)}, "has no weights"), ({"publish": "now"}, "Expected serve or keep")):
            self.assertContains(self.client.post(reverse("retrain"), data), words, status_code=400)

    def test_the_form_proposes_what_it_is_like(self) -> None:
        like = make_run(architecture="ease", seed=5)
        answer = self.client.get(reverse("retrain"), {"like": like.pk})
        self.assertContains(answer, '<option value="ease" selected>')
        self.assertContains(answer, f"With the settings of run {like.pk}.")
