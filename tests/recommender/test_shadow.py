"""A model in shadow is scored beside what serves, shown to nobody, and judged by what shoppers did later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import StringIO
from unittest.mock import patch
from zoneinfo import ZoneInfo

import numpy as np
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommender import artifacts, dataset, publish, services, shadow, shadow_comparison, state, training
from recommender.engine import plain
from recommender.models import FeedbackProgress, ServedList, ShadowList, TrainingPlan, TrainingRun
from recommender.services import CannotShadow
from tests.goods import NEWEST, make_event
from tests.recommender.test_publish import PublishCase

Status = TrainingRun.Status


class ShadowCase(PublishCase):
    def setUp(self) -> None:
        super().setUp()
        state.forget()
        self.addCleanup(state.forget)
        self.serving = self.publish()
        TrainingRun.objects.update(status=Status.SUCCEEDED)

    def candidate(self) -> TrainingRun:
        """A run that passed the gate and whose model knows popularity only."""
        snapshot = dataset.read()
        ranker = plain.fit(snapshot.data, snapshot.now)
        run = TrainingRun.objects.create(status=Status.SUCCEEDED, artifact="", finished_at=timezone.now())
        nobody = np.full_like(ranker.near, -1)
        popular = plain.PlainRanker(ranker.popularity, ranker.trend, nobody, ranker.closeness, ranker.kinds)
        where = f"runs/{run.pk}/model"
        sha256 = artifacts.save(popular, snapshot.vocabulary, where, {})
        TrainingRun.objects.filter(pk=run.pk).update(artifact=where, artifact_sha256=sha256)
        run.refresh_from_db()
        return run

    def answered(self, number: int, **fields: object) -> ServedList:
        usual: dict[str, object] = {
            "recommendation_id": f"r{number}", "at": NEWEST + timedelta(hours=1, minutes=number), "placement": "home",
            "shopper_kind": "shopper", "shopper_external_id": f"s{number}", "products": [1, 2, 3],
            "generation": self.serving.generation_id, "run": self.serving.generation.run_id,
        }  # fmt: skip
        return ServedList.objects.create(**{**usual, **fields})

    def in_shadow(self) -> TrainingRun:
        run = self.candidate()
        services.shadow(run=run)
        TrainingPlan.objects.update(shadow_since=NEWEST)
        return run


class MarkedAtTheEnd(ShadowCase):
    def ending(self) -> tuple[TrainingRun, Callable[[], None]]:
        run = self.candidate()
        TrainingRun.objects.filter(pk=run.pk).update(status=Status.RUNNING, attempts=1, publish="shadow")
        life = training.Life(run.pk, 1)
        return run, lambda: life.finish(Status.SUCCEEDED, also=lambda: training.put_in_shadow(run.pk))

    def test_a_run_ends_and_is_in_shadow_in_one_step(self) -> None:
        run, end = self.ending()
        end()
        run.refresh_from_db()
        self.assertEqual((run.status, TrainingPlan.objects.get().shadow_run), (Status.SUCCEEDED, run))

    def test_a_process_that_dies_before_the_mark_has_not_ended_either(self) -> None:
        run, end = self.ending()
        with patch("recommender.services.shadow", side_effect=SystemExit), self.assertRaises(SystemExit):
            end()
        run.refresh_from_db()
        self.assertEqual((run.status, TrainingPlan.objects.first()), (Status.RUNNING, None))  # it is tried again

    def test_a_run_that_serves_by_then_ends_all_the_same(self) -> None:
        run = self.serving.generation.run
        TrainingRun.objects.filter(pk=run.pk).update(status=Status.RUNNING, attempts=1, artifact="x")
        training.Life(run.pk, 1).finish(Status.SUCCEEDED, also=lambda: training.put_in_shadow(run.pk))
        run.refresh_from_db()
        self.assertEqual((run.status, TrainingPlan.objects.first()), (Status.SUCCEEDED, None))


class Scoring(ShadowCase):
    def test_lists_of_both_models_are_kept_and_what_serves_stays(self) -> None:
        run = self.in_shadow()
        for number in range(6):
            self.answered(number)
        self.assertEqual(shadow.score_new(), 6)
        self.assertEqual(shadow.score_new(), 0)
        row = ShadowList.objects.get(recommendation_id="r2")
        self.assertEqual(
            (row.run, row.shopper_id, row.serving_run), (run, self.shoppers[2].pk, self.serving.generation.run_id)
        )
        self.assertEqual((len(row.shadow), len(row.serving)), (10, 10))
        tea = {product.pk for product in self.products[0::2]}
        self.assertLessEqual(set(row.serving[:6]), tea)
        self.assertEqual(publish.serving(), self.serving)

    def test_only_personal_lists_of_known_shoppers_by_what_serves(self) -> None:
        self.in_shadow()
        self.answered(0, placement="trending")
        self.answered(1, shopper_external_id="")
        self.answered(2, generation=self.serving.generation_id + 9)
        self.answered(3, fallback="popular")
        self.answered(4, shopper_external_id="stranger")
        self.answered(5, at=NEWEST - timedelta(hours=1))
        self.answered(6)
        self.assertEqual(shadow.score_new(), 1)

    def test_the_history_is_that_of_the_moment(self) -> None:
        self.in_shadow()
        before = self.answered(0)
        for _ in range(40):
            make_event(self.shoppers[0], self.products[1], at=before.at + timedelta(minutes=1))
        after = self.answered(1, shopper_external_id="s0", at=before.at + timedelta(minutes=2))
        shadow.score_new()
        first, second = (ShadowList.objects.get(recommendation_id=row.recommendation_id) for row in (before, after))
        self.assertNotIn(self.products[1].pk, first.serving[:6])
        self.assertIn(self.products[1].pk, second.serving[:6])

    def test_without_a_shadow_nothing_is_scored(self) -> None:
        self.answered(0)
        self.assertEqual(shadow.score_new(), 0)

    def test_what_may_not_be_in_shadow(self) -> None:
        serving = self.serving.generation.run
        TrainingRun.objects.filter(pk=serving.pk).update(artifact="runs/x")
        serving.refresh_from_db()
        refused = TrainingRun.objects.create(status=Status.REFUSED, artifact="runs/y")
        gone = TrainingRun.objects.create(status=Status.SUCCEEDED)
        for run, words in ((serving, "serves already"), (refused, "is refused"), (gone, "was deleted")):
            with self.subTest(words), self.assertRaisesRegex(CannotShadow, words):
                services.shadow(run=run)


class Comparing(ShadowCase):
    def test_a_known_answer(self) -> None:
        run = self.candidate()
        anna, ben = self.shoppers[0], self.shoppers[1]
        ids = [product.pk for product in self.products]
        at = NEWEST + timedelta(hours=1)
        for number, (person, mine, other) in enumerate(
            [(anna, ids[:10], ids[:10]), (ben, ids[10:20], ids[11:21]), (ben, ids[:10], ids[12:22])]
        ):
            ShadowList.objects.create(
                run=run, serving_run=1, recommendation_id=f"r{number}", shopper_id=person.pk,
                at=at + timedelta(minutes=number), shadow=mine, serving=other,
            )  # fmt: skip
        make_event(anna, self.products[3], at=at + timedelta(hours=1), type="purchase")
        make_event(ben, self.products[10], at=at + timedelta(hours=1), type="purchase")
        make_event(ben, self.products[21], at=at + timedelta(days=8), type="purchase")
        found = shadow_comparison.compare(run)
        assert found.overlap is not None
        assert found.moved is not None
        self.assertEqual((found.lists, found.shoppers), (3, 2))
        self.assertAlmostEqual(found.overlap.value, (1 + 0.9 + 0) / 3)
        self.assertAlmostEqual(found.moved.value, (0 + 1) / 2)
        (bought,) = found.hits
        self.assertEqual((bought.kind, bought.lists), ("purchase", 3))
        self.assertAlmostEqual(bought.shadow.value, 2 / 3)
        self.assertAlmostEqual(bought.serving.value, 1 / 3)
        self.assertAlmostEqual(bought.difference.value, 1 / 3)
        # Two shoppers: residuals −1/3 of Anna, (2/3 − 1/3) of Ben → √(2 · (1/9 + 1/9)) / 3
        self.assertAlmostEqual(bought.difference.se, float(np.sqrt(4 / 9) / 3))

    def test_by_day_and_within_the_window_that_feedback_counts_by(self) -> None:
        run = self.candidate()
        anna, ids = self.shoppers[0], [product.pk for product in self.products]
        midnight = datetime(2026, 3, 31, tzinfo=ZoneInfo("America/New_York"))
        for number, at in enumerate((midnight - timedelta(hours=1), midnight + timedelta(hours=1))):
            ShadowList.objects.create(
                run=run, serving_run=1, recommendation_id=f"r{number}", shopper_id=anna.pk,
                at=at, shadow=ids[:10], serving=ids[5:15],
            )  # fmt: skip
        make_event(anna, self.products[0], at=midnight + timedelta(hours=4), type="click")
        FeedbackProgress.objects.create(
            click_window=timedelta(hours=4), view_window=timedelta(hours=1), zone="America/New_York"
        )
        found = shadow_comparison.compare(run)
        self.assertEqual([(day.day, day.lists) for day in found.days], [(date(2026, 3, 30), 1), (date(2026, 3, 31), 1)])
        self.assertEqual([day.overlap.value for day in found.days], [0.5, 0.5])
        self.assertIsNone(found.days[0].of("click"))
        clicked = found.days[1].of("click")
        assert clicked is not None
        self.assertEqual((clicked.lists, clicked.shadow.value, clicked.serving.value), (1, 1.0, 0.0))
        self.assertEqual((found.window, len(found.hits)), (timedelta(hours=4), 1))

    def test_nothing_yet_is_no_zero(self) -> None:
        found = shadow_comparison.compare(self.candidate())
        self.assertEqual((found.lists, found.overlap, found.moved, found.hits), (0, None, None, ()))


class Command(ShadowCase):
    def told(self, *args: str) -> str:
        out = StringIO()
        call_command("shadow", *args, stdout=out)
        return out.getvalue()

    def test_put_told_and_taken_out(self) -> None:
        self.assertEqual(self.told(), "Nothing is in shadow.\n")
        run = self.candidate()
        self.assertIn(f"In shadow: run {run.pk}", self.told("--put", str(run.pk)))
        self.assertIn("no list was scored yet", self.told())
        ids = [product.pk for product in self.products]
        ShadowList.objects.create(
            run=run, serving_run=1, recommendation_id="r0", shopper_id=self.shoppers[0].pk,
            at=NEWEST, shadow=ids[:10], serving=ids[5:15],
        )  # fmt: skip
        make_event(self.shoppers[0], self.products[0], at=NEWEST + timedelta(hours=1), type="purchase")
        said = self.told()
        self.assertIn("1 lists of 1 shoppers", said)
        self.assertIn("Of ten products 50.0% are in both lists.", said)
        self.assertIn("Within 24 h, purchase after 1 lists: serving held 0.0%, shadow 100.0%", said)
        self.assertIn("2026-03-30", said)
        self.assertIn("Nothing is in shadow any more.", self.told("--out"))
        self.assertIn("50.0%", self.told("--of", str(run.pk)))

    def test_refusals(self) -> None:
        refused = TrainingRun.objects.create(status=Status.REFUSED, artifact="runs/y")
        for args, words in ((("--put", "9999"), "no run 9999"), (("--put", str(refused.pk)), "is refused")):
            with self.subTest(words), self.assertRaisesRegex(CommandError, words):
                self.told(*args)
