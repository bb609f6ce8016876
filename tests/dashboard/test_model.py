"""One run's page: its figures, what the gate said, why it failed."""

from __future__ import annotations

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from recommender import runs
from recommender.models import TrainingRun
from recsite.dashboard import roles
from recsite.dashboard.components import Delta
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import model as page
from recsite.testing import open_new_shop
from tests.dashboard.people import make_person
from tests.dashboard.runs import ADMIN, SEES, make_generation, make_run, serve


class ModelTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()

    def test_every_model_of_the_run_best_first_with_paired_differences(self) -> None:
        figures = page.build(make_run(), {}, permissions=SEES).figures
        assert figures is not None
        rows = figures.ranking.rows
        self.assertEqual(
            [row.cells[0].content for row in rows], ["This run", "Buy again, days bought", "Best sellers, 28 days"]
        )
        self.assertEqual((rows[0].cells[1].content, rows[0].cells[1].note), (".430", "± .012"))
        ahead = rows[1].cells[2].content
        assert isinstance(ahead, Delta)
        self.assertEqual((ahead.sign, ahead.text), ("▲", ".0200 ± .0039"))

    def test_sides_cuts_and_slices_by_the_address(self) -> None:
        run = make_run()
        figures = page.build(run, {"side": "NEW", "k": "20"}, permissions=SEES).figures
        assert figures is not None
        self.assertEqual(figures.ranking.columns[1].label, "NDCG@20")
        self.assertEqual(figures.ranking.rows[0].cells[1].content, ".043")
        assert figures.slices is not None
        self.assertEqual([row.cells[0].content for row in figures.slices.rows], ["6 – 20", "over 500"])
        odd = page.build(run, {"side": "<", "k": "7", "by": "nothing"}, permissions=SEES).figures
        assert odd is not None
        self.assertEqual(odd.ranking.columns[1].label, "NDCG@10")

    def test_groups_are_compared_shopper_by_shopper_where_the_run_did(self) -> None:
        run = make_run()
        metrics = run.metrics or {}
        group = {"shoppers": 60, "ALL": 0.41, "ALL_se": 0.01, "NEW": 0.05, "NEW_se": 0.01}
        metrics["slices"]["own_days"]["history"]["6-20"] = group
        said, deltas = [], []
        for paired in ({}, {"deep": {"own_days": {"history": {"6-20": {"shoppers": 60, "mean": 0.02, "se": 0.002}}}}}):
            metrics["paired_slices"] = paired
            figures = page.build(run, {}, permissions=SEES).figures
            assert figures is not None
            assert figures.slices is not None
            delta = figures.slices.rows[0].cells[4].content
            assert isinstance(delta, Delta)
            deltas.append(delta.sign)
            said.append(figures.slices_note)
        self.assertEqual(deltas, ["≈", "▲"])  # together their own errors would hide it
        self.assertIn("errors taken as unpaired", said[0])
        self.assertIn("taken shopper by shopper", said[1])

    def test_probabilities_beside_what_happened(self) -> None:
        figures = page.build(make_run(), {}, permissions=SEES).figures
        assert figures is not None
        assert figures.calibration is not None
        self.assertIn("never more than 10.0", figures.calibration.summary)
        self.assertIn("1.00", figures.calibration_text)

    def test_the_gate_with_each_check(self) -> None:
        run = make_run("refused")
        verdict = page.build(run, {}, permissions=SEES).verdict
        assert verdict is not None
        self.assertEqual(verdict.badge.text, "refused")
        self.assertEqual(
            [(check.title, check.passed) for check in verdict.checks], [("Every score is a number", False)]
        )

    def test_a_failed_run_says_why_what_goes_on_and_how_to_try_again(self) -> None:
        serving = make_run()
        serve(make_generation(serving))
        run = make_run("failed", metrics={}, verdict={}, error="Traceback …\nMemoryError: 8 GB", step="train", epoch=4)
        runs.log_of(run.pk).parent.mkdir(parents=True)
        runs.log_of(run.pk).write_text("step 1\nMemoryError: 8 GB\n")
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.get(reverse("model", args=[run.pk]))
        self.assertContains(answer, f"Run {run.pk} failed at epoch 4: MemoryError: 8 GB")
        self.assertContains(answer, f"Model {serving.pk} goes on serving.")
        self.assertContains(answer, "step 1\nMemoryError")
        self.assertContains(answer, "Retry")
        self.client.force_login(make_person())
        self.assertNotContains(self.client.get(reverse("model", args=[run.pk])), "Retry")

    def test_runs_in_every_state_have_a_page(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        for status in TrainingRun.Status.values:
            run = TrainingRun.objects.create(status=status)
            self.assertContains(self.client.get(reverse("model", args=[run.pk])), f"Run {run.pk}")
            run.delete()
        self.assertEqual(self.client.get(reverse("model", args=[999])).status_code, 404)

    def test_promote_and_preview_only_while_its_lists_are_kept(self) -> None:
        serving, ready = make_run(), make_run()
        serve(make_generation(serving))
        verdict = page.build(ready, {}, permissions=ADMIN).verdict
        assert verdict is not None
        self.assertEqual([action.label for action in verdict.actions], ["Put in shadow"])  # which needs no lists
        lists = make_generation(ready)
        verdict = page.build(ready, {}, permissions=ADMIN).verdict
        assert verdict is not None
        labels = [action.label for action in verdict.actions]
        expected = [f"Promote model {ready.pk}", f"Preview {serving.pk} and {ready.pk}", "Put in shadow"]
        self.assertEqual(labels, expected)
        self.assertIn(f"b={lists.pk}.live", verdict.actions[1].href)
        self.assertEqual(len(page.build(ready, {}, permissions=SEES).verdict.actions), 1)  # type: ignore[union-attr]

    def test_settings_that_differ_from_the_usual_are_strong(self) -> None:
        rows = page.build(make_run(config={"layers": [10, 5], "epochs": 12}), {}, permissions=SEES).settings.rows
        self.assertEqual([(row.cells[1].content, row.cells[1].tone) for row in rows], [("12", ""), ("10, 5", "strong")])


class DeleteTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN))
        self.serving, self.other = make_run(), make_run()
        serve(make_generation(self.serving))

    def test_files_go_and_figures_stay(self) -> None:
        self.assertContains(self.client.get(reverse("model", args=[self.other.pk])), "Delete its files")
        address = reverse("model-delete", args=[self.other.pk])
        self.assertContains(self.client.get(address), f"Type {self.other.pk} to confirm")
        self.assertContains(self.client.post(address, {"confirm": "no"}, follow=True), "Nothing was deleted: expected")
        self.assertContains(self.client.post(address, {"confirm": str(self.other.pk)}, follow=True), "are deleted")
        self.other.refresh_from_db()
        self.assertEqual(self.other.artifact, "")
        self.assertTrue(self.other.metrics)
        self.assertEqual(AuditEntry.objects.get().action, "model.delete")

    def test_what_serves_is_not_deleted(self) -> None:
        self.assertNotContains(self.client.get(reverse("model", args=[self.serving.pk])), "Delete its files")
        address = reverse("model-delete", args=[self.serving.pk])
        answer = self.client.post(address, {"confirm": str(self.serving.pk)}, follow=True)
        self.assertContains(answer, "Nothing was deleted")
        self.serving.refresh_from_db()
        self.assertTrue(self.serving.artifact)
        self.assertFalse(AuditEntry.objects.exists())

    def test_a_merchandiser_may_not(self) -> None:
        self.client.force_login(make_person())
        self.assertNotContains(self.client.get(reverse("model", args=[self.other.pk])), "Delete its files")
        self.assertEqual(self.client.post(reverse("model-delete", args=[self.other.pk])).status_code, 403)
