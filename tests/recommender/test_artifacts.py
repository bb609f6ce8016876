"""How long a model's files stay: the rule, what may not be deleted, and what is left of a run."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from recommender import artifacts, dataset, generations, publish, services, store
from recommender.engine import plain
from recommender.models import Generation, TrainingRun
from recommender.services import CannotDelete
from tests.recommender.test_publish import PublishCase

Status = TrainingRun.Status


class Keeping(PublishCase):
    def passed(self, *, days: float = 0) -> TrainingRun:
        """A run that passed the gate ``days`` ago and whose files are there."""
        run = TrainingRun.objects.create(
            status=Status.SUCCEEDED, artifact="", finished_at=timezone.now() - timedelta(days=days)
        )
        folder = artifacts.path(f"runs/{run.pk}/model")
        folder.mkdir(parents=True)
        (folder / "weights.npz").write_bytes(b"weights")
        TrainingRun.objects.filter(pk=run.pk).update(artifact=f"runs/{run.pk}/model")
        run.refresh_from_db()
        return run

    def is_there(self, run: TrainingRun) -> bool:
        return artifacts.path(f"runs/{run.pk}").exists()

    def serving_run(self) -> TrainingRun:
        run = self.publish().generation.run
        TrainingRun.objects.filter(pk=run.pk).update(status=Status.SUCCEEDED, finished_at=timezone.now())
        run.refresh_from_db()
        return run

    def test_old_files_go_and_the_rows_stay(self) -> None:
        old = [self.passed(days=40) for _ in range(2)]
        new = [self.passed(days=35) for _ in range(5)]
        self.assertEqual(services.prune(), [run.pk for run in old])
        self.assertEqual([self.is_there(run) for run in (*old, *new)], [False] * 2 + [True] * 5)
        old[0].refresh_from_db()
        self.assertEqual((old[0].artifact, old[0].status), ("", Status.SUCCEEDED))
        self.assertIsNotNone(old[0].artifact_deleted_at)
        self.assertEqual(services.prune(), [])

    def test_a_failed_run_keeps_its_files_for_thirty_days(self) -> None:
        run = self.passed(days=29)
        TrainingRun.objects.filter(pk=run.pk).update(status=Status.REFUSED)
        self.assertEqual(services.prune(), [])
        self.assertEqual(services.prune(now=timezone.now() + timedelta(days=2)), [run.pk])

    def test_what_serves_and_what_a_roll_back_needs_stays_however_old(self) -> None:
        first, second, third = (self.serving_run() for _ in range(3))
        for _ in range(5):
            self.passed()
        TrainingRun.objects.filter(pk__in=[first.pk, second.pk, third.pk]).update(
            finished_at=timezone.now() - timedelta(days=99)
        )
        self.assertEqual(services.prune(), [first.pk])
        with self.assertRaisesRegex(CannotDelete, "serves"):
            services.delete_artifacts(run=third)
        with self.assertRaisesRegex(CannotDelete, "kept for a roll-back"):
            services.delete_artifacts(run=second)
        self.assertEqual(services.roll_back().generation.run, second)

    def test_the_only_good_one_and_one_in_shadow_stay(self) -> None:
        only = self.passed()
        with self.assertRaisesRegex(CannotDelete, "only one that passed"):
            services.delete_artifacts(run=only)
        other = self.passed()
        services.shadow(run=other)
        with self.assertRaisesRegex(CannotDelete, "scored in shadow"):
            services.delete_artifacts(run=other)
        services.shadow(run=None)
        services.delete_artifacts(run=other)
        self.assertFalse(self.is_there(other))

    def test_stored_lists_go_with_the_model(self) -> None:
        self.serving_run()
        self.serving_run()
        run, _ = self.passed(), self.passed()
        generation = Generation.objects.create(run=run, status=Generation.Status.READY, as_of=timezone.now())
        folder = generations.folder_of(generation.pk)
        folder.mkdir(parents=True)
        services.delete_artifacts(run=run)
        generation.refresh_from_db()
        self.assertEqual((generation.status, folder.exists()), (Generation.Status.RETIRED, False))

    def test_a_run_that_is_to_be_begun_with_or_trains_stays(self) -> None:
        run, _ = self.passed(), self.passed()
        begun = services.request_training(warm_start=run, enqueue=False)
        with self.assertRaisesRegex(CannotDelete, f"is what run {begun.pk} begins with"):
            services.delete_artifacts(run=run)
        with self.assertRaisesRegex(CannotDelete, "stop it first"):
            services.delete_artifacts(run=begun)

    def test_by_command(self) -> None:
        run, _ = self.passed(), self.passed()
        out = StringIO()
        call_command("runs", "--delete", str(run.pk), stdout=out)
        self.assertIn(f"The model files of run {run.pk} are deleted", out.getvalue())
        with self.assertRaisesRegex(CommandError, "serves"):
            call_command("runs", "--delete", str(self.serving_run().pk))

    def test_a_run_that_is_kept_can_be_promoted_and_is_not_in_redis_before(self) -> None:
        self.serving_run()
        run, snapshot = self.a_run(), dataset.read()
        ranker, where = plain.fit(snapshot.data, snapshot.now), f"runs/{run.pk}/plain"
        sha256 = artifacts.save(ranker, snapshot.vocabulary, where, {})
        generation = publish.make(run, ranker, snapshot, model_name=plain.NAME, artifact=where, sha256=sha256)
        self.assertIsNone(store.manifest(generation.pk))
        publish.retire_old()
        TrainingRun.objects.filter(pk=run.pk).update(status=Status.SUCCEEDED)
        self.assertEqual(services.promote(run=run).generation, generation)
        self.assertIsNotNone(store.manifest(generation.pk))
