"""The registry of runs, the comparison, and what may be done: retrain, stop, promote, roll back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from recommender import generations, publish, services
from recommender.generations import Manifest
from recommender.models import Generation, Switch, TrainingRun
from recsite.dashboard import comparison, learning, measures, roles
from recsite.dashboard.learning import Net
from recsite.dashboard.measures import NDCG, Measured
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import models as page
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import text_of
from tests.goods import NEWEST

ADMIN = frozenset({roles.SEE, roles.RETRAIN, roles.SWITCH_MODELS})
SEES = frozenset({roles.SEE})


def make_metrics(
    model: str = "deep", *, ndcg: float = 0.43, other: float = 0.41, shoppers: int = 200
) -> dict[str, Any]:
    """What ``engine.evaluate`` says of ``model`` beside two baselines."""

    def table(value: float) -> dict[str, Any]:
        sides = {
            side: {
                **{
                    f"{name}@{cut}": value * share
                    for name in ("ndcg", "map", "mrr", "recall", "hit_rate")
                    for cut in (5, 10, 20)
                },
                "se": 0.006,
                "shoppers": shoppers,
            }
            for side, share in (("ALL", 1.0), ("NEW", 0.1))
        }
        return {**sides, "coverage@10": 0.05, "categories@10": 8.4, "median_buyers@10": 286.0}

    bins = {"error": 0.01, "edges": [0, 0.5, 1], "predicted": [0.1, 0.7], "observed": [0.12, 0.6], "counts": [90, 10]}
    own = {**table(ndcg), "pair_auc": 0.85, "log_loss": 0.12, "calibration": bins}
    difference = {side: {"mean": (ndcg - other) * share, "se": 0.002} for side, share in (("ALL", 1.0), ("NEW", 0.1))}
    part = {"shoppers": 60, "ALL": ndcg, "ALL_se": 0.01, "NEW": 0.05, "NEW_se": 0.01}
    return {
        "window": {"start": 20000.0, "end": 20028.0, "shoppers": shoppers, "truth": 900, "items": 40},
        "models": {model: own, "own_days": table(other), "popularity_28d": table(0.2)},
        "paired": {model: {"own_days": difference, "popularity_28d": {"ALL": {"mean": 0.23, "se": 0.005}}}},
        "slices": {name: {"history": {"6-20": part, "over 500": part}} for name in (model, "own_days")},
        "best_baseline": {"ALL": "own_days", "NEW": "own_days"},
    }


def make_run(status: str = "succeeded", **fields: Any) -> TrainingRun:
    """A finished run with figures, curves and the gate's word."""
    start = timezone.now() - timedelta(minutes=30)
    curve = {"epoch": [1, 2, 3], "loss": [0.5, 0.4, 0.3], "validation_loss": [0.5, 0.45, 0.44]}
    passed = status == "succeeded"
    checks = [{"name": "finite", "passed": passed, "text": "Expected finite scores; found 0 of 9 that are not."}]
    verdict = {"passed": passed, "summary": "NDCG@10 .43 on later days.", "checks": checks, "best_baseline": "own_days"}
    values: dict[str, Any] = {
        "status": status,
        "architecture": "deep",
        "metrics": make_metrics(fields.get("architecture", "deep")),
        "curves": {**curve, "nets": {"softmax": {**curve, "validation_ndcg": [0.1, 0.2, 0.3]}}},
        "verdict": verdict,
        "started_at": start,
        "finished_at": start + timedelta(minutes=4),
        "cpu_seconds": 388.9,
        "peak_memory_bytes": 2_600_000_000,
        "device": "tensorflow CPU",
        "artifact": "runs/0/model",
        "config": {"layers": [128, 64], "epochs": 12},
        **fields,
    }
    return TrainingRun.objects.create(**values)


def make_generation(run: TrainingRun, *, stored: bool = True) -> Generation:
    """A ready generation of nobody's lists; ``stored``: its files are on disk, as a promotion needs them."""
    made = Generation.objects.create(run=run, model_name=run.architecture, as_of=NEWEST, status="ready")
    if stored:
        manifest = Manifest(made.pk, run.pk, run.architecture, run.artifact, "", "", 0.0, 0.0, 0, 0, 300)
        generations.Writer(made.pk).close(manifest)
        Generation.objects.filter(pk=made.pk).update(manifest=manifest.to_dict())
    return made


def serve(generation: Generation) -> Switch:
    return publish.switch_to(generation, reason="published", fence=generation.run_id)


def registry(params: dict[str, str] | None = None, permissions: frozenset[str] = ADMIN) -> dict[str, list[Any]]:
    """The lines by run: their cells' contents."""
    made = page.build(params or {}, permissions=permissions)
    return {row.id: [cell.content for cell in row.cells] for row in made.table.rows}


class RegistryTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()

    def test_states_in_words(self) -> None:
        old, now, ready = make_run(), make_run(), make_run()
        serve(make_generation(now))
        make_generation(ready)
        refused, failed = make_run("refused"), make_run("failed", metrics={})
        found = {pk: cells[2].text for pk, cells in registry().items()}
        self.assertEqual(found[f"run-{old.pk}"], "Retired")
        self.assertEqual(found[f"run-{now.pk}"], "Serving")
        self.assertEqual(found[f"run-{ready.pk}"], "Ready to serve")
        self.assertEqual(found[f"run-{refused.pk}"], "Refused by the gate")
        self.assertEqual(found[f"run-{failed.pk}"], "Failed")

    def test_figures_stand_beside_the_best_baseline(self) -> None:
        run = make_run(cpu_seconds=None)
        (row,) = page.build({}, permissions=SEES).table.rows
        self.assertEqual((row.cells[3].content, row.cells[3].note), (".430", "best baseline .410"))
        self.assertEqual((row.cells[4].content, row.cells[4].note), (".043", "beside .041"))
        self.assertEqual(row.cells[6].content, "–")
        self.assertEqual(row.href, reverse("model", args=[run.pk]))

    def test_what_is_kept(self) -> None:
        serving, stored, alone, gone = make_run(), make_run(), make_run(), make_run(artifact="")
        serve(make_generation(serving))
        make_generation(stored)
        found = {pk: cells[7] for pk, cells in registry().items()}
        kept = [found[f"run-{run.pk}"] for run in (serving, stored, alone, gone)]
        self.assertEqual(kept, ["serves now", "lists and model", "model alone", "deleted"])

    def test_filters_and_pages(self) -> None:
        for number in range(52):
            make_run("refused" if number % 2 else "succeeded", metrics={}, verdict={}, curves={})
        ease = make_run(architecture="ease")
        self.assertEqual(list(registry({"architecture": "ease"})), [f"run-{ease.pk}"])
        self.assertEqual(len(registry({"status": "refused"})), 26)
        self.assertEqual(len(registry({"status": "no such state"})), 50)
        self.assertEqual(len(registry({"page": "2"})), 3)
        empty = page.build({"status": "failed"}, permissions=ADMIN).table.empty
        self.assertIn("No run is like this", str(getattr(empty, "title", "")))

    def test_csv_holds_all_that_the_filter_lets_through(self) -> None:
        self.client.force_login(make_person())
        run = make_run()
        make_run("failed", metrics={})
        answer = self.client.get(reverse("models"), {"format": "csv", "status": "succeeded"})
        lines = text_of(answer).splitlines()
        self.assertEqual(lines[0], ",".join(page.CSV_HEADER))
        self.assertEqual(len(lines), 2)
        self.assertTrue(lines[1].startswith(f"{run.pk},succeeded,deep,manual,,"), lines[1])
        self.assertIn(",0.43,", lines[1])

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_runs(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        first, second = make_run(), make_run()
        serve(make_generation(first))
        serve(make_generation(second))

        def count() -> int:
            self.client.get(reverse("models"))  # the shell keeps its figures for a while
            with CaptureQueriesContext(connection) as seen:
                self.assertEqual(self.client.get(reverse("models")).status_code, 200)
            return len(seen)

        few = count()
        for _ in range(30):
            make_run("refused")
        self.assertEqual(count(), few)
        self.assertLessEqual(few, 20)

    def test_an_empty_registry_says_what_to_do(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.get(reverse("models"))
        self.assertContains(answer, "No model yet")
        self.assertContains(answer, reverse("retrain"))


class AccessTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.run_ = make_run()
        serve(make_generation(self.run_))
        self.next = make_run()
        make_generation(self.next)

    def addresses(self) -> list[str]:
        pk = self.next.pk
        return [
            reverse("retrain"),
            reverse("roll-back"),
            *(reverse(n, args=[pk]) for n in ("model-stop", "model-promote")),
        ]

    def test_a_merchandiser_sees_but_finds_no_way_to_change_anything(self) -> None:
        self.client.force_login(make_person())
        both = reverse("model-compare") + f"?a={self.run_.pk}&b={self.next.pk}"
        for address in (reverse("models"), reverse("model", args=[self.next.pk]), both):
            answer = self.client.get(address)
            self.assertEqual(answer.status_code, 200)
            for forbidden in self.addresses():
                self.assertNotContains(answer, f'"{forbidden}')
        for forbidden in self.addresses():
            self.assertEqual(self.client.post(forbidden).status_code, 403, forbidden)
        self.assertEqual((Switch.objects.count(), TrainingRun.objects.count()), (1, 2))

    def test_an_admin_finds_them(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.get(reverse("models"))
        self.assertContains(answer, reverse("retrain"))
        self.assertContains(answer, reverse("model-promote", args=[self.next.pk]))

    def test_nothing_is_changed_by_a_link(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        for name, pks in (("roll-back", []), ("model-promote", [self.next.pk])):
            self.assertEqual(self.client.get(reverse(name, args=pks)).status_code, 405)

    def test_a_person_without_a_role_and_a_stranger(self) -> None:
        self.assertEqual(self.client.get(reverse("models")).status_code, 302)
        self.client.force_login(make_person(""))
        for name, pks in (("models", []), ("model", [self.run_.pk])):
            self.assertEqual(self.client.get(reverse(name, args=pks)).status_code, 403)


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


class ComparisonTest(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.client.force_login(make_person())

    def test_the_newest_stands_beside_what_serves(self) -> None:
        serving, other, newest = make_run(), make_run(), make_run()
        serve(make_generation(serving))
        made = page.build({}, permissions=SEES).comparison
        assert made is not None
        chosen = [next(o.value for o in select.options if o.selected) for select in (made.a, made.b)]
        self.assertEqual(chosen, [str(newest.pk), str(serving.pk)])
        made = page.build({"a": str(other.pk), "b": str(newest.pk)}, permissions=SEES).comparison
        assert made is not None
        self.assertIn(f"{other.pk} vs {newest.pk}", [column.label for column in made.table.columns])

    def test_a_difference_within_the_noise_is_not_called_better(self) -> None:
        a, b = make_run(metrics=make_metrics(ndcg=0.431)), make_run(metrics=make_metrics(ndcg=0.430))
        delta = comparison.difference_of(NDCG, Measured.of(a), Measured.of(b), "ALL")
        assert delta is not None
        self.assertEqual((delta.sign, delta.tone), ("≈", ""))
        b.metrics = make_metrics(ndcg=0.3)
        delta = comparison.difference_of(NDCG, Measured.of(a), Measured.of(b), "ALL")
        assert delta is not None
        self.assertEqual((delta.sign, delta.better), ("▲", True))
        self.assertIn("excludes 0", comparison.said_of(a, b, "ALL"))

    def test_other_days_are_not_compared_figure_by_figure(self) -> None:
        a, b = make_run(), make_run()
        b.metrics["window"]["end"] = 20035.0
        self.assertIsNone(comparison.difference_of(NDCG, Measured.of(a), Measured.of(b), "ALL"))
        self.assertIn("different later days", comparison.said_of(a, b, "ALL"))

    def test_the_page_of_two(self) -> None:
        a = make_run(config={"layers": [128, 64], "dropout": 0.1})
        b = make_run(config={"layers": [10, 5], "dropout": 0.1}, architecture="textbook")
        serve(make_generation(a))
        lists = make_generation(b)
        answer = self.client.get(reverse("model-compare"), {"a": str(a.pk), "b": str(b.pk), "side": "NEW"})
        self.assertContains(answer, "128, 64")
        self.assertContains(answer, "10, 5")
        self.assertNotContains(answer, "Dropout")
        self.assertContains(answer, f"a=serving.live&amp;b={lists.pk}.live")
        self.assertContains(answer, "Loss by list on later days")
        self.assertContains(answer, "Ahead of the baselines")

    def test_unknown_or_unmeasured_runs_are_not_found(self) -> None:
        run, bare = make_run(), make_run("failed", metrics={})
        for b in ("", "x", "²", "999999", str(bare.pk)):
            self.assertEqual(self.client.get(reverse("model-compare"), {"a": str(run.pk), "b": b}).status_code, 404, b)


class WordsTest(TestCase):
    def test_over_fitting_is_said_in_a_sentence(self) -> None:
        falling = [0.5, 0.4, 0.35, 0.3]
        self.assertIn(
            "Over-fitting from epoch 2 on", learning.fitting(Net("softmax", falling, [0.5, 0.4, 0.42, 0.44], []))
        )
        self.assertIn("still improving", learning.fitting(Net("softmax", falling, falling, [])))
        self.assertIn("best in epoch 3", learning.fitting(Net("softmax", falling, [0.5, 0.4, 0.398, 0.399], [])))
        self.assertIn("Too few epochs", learning.fitting(Net("softmax", [0.5], [0.4], [])))
        self.assertIn("Too few epochs", learning.fitting(Net("softmax", [0.5, 0.4], [None, None], [])))

    def test_names(self) -> None:
        self.assertEqual(measures.baseline_name("own_decay_20d"), "Buy again, decay 20 days")
        self.assertEqual(measures.baseline_name("popularity_7d"), "Best sellers, 7 days")
        self.assertEqual(measures.architecture_name("something_new"), "Something new")

    def test_no_figure_is_never_zero(self) -> None:
        run = make_run()
        run.metrics["models"]["deep"]["ALL"]["ndcg@10"] = None
        measured = Measured.of(run)
        self.assertEqual(NDCG.text(measured.own(NDCG)), "–")
        self.assertIsNone(measured.lead())
        self.assertEqual(NDCG.change(None, 0.3).text, "–")
