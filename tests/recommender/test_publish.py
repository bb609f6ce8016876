"""A generation is built aside, checked, switched to, rolled back, and put back into an emptied Redis."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from unittest.mock import patch

import numpy as np
from django.db import transaction
from django.test import SimpleTestCase, TestCase, override_settings

from recommender import artifacts, dataset, generations, packing, publish, services, store
from recommender.dataset import Snapshot
from recommender.engine import plain
from recommender.engine.artifact import ArtifactError
from recommender.models import Generation, Switch, TrainingRun
from recommender.store import Pointer
from recsite.testing import BASE_DIR, CommittedCase, flush_redis, process_environment
from tests.goods import make_history, make_products, make_shoppers

Status = TrainingRun.Status


class Publisher(SimpleTestCase):
    """Publishes; what it writes is committed or rolled back as the case says that it is mixed into."""

    def setUp(self) -> None:
        super().setUp()
        flush_redis()
        store.breaker.succeeded()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        settings = override_settings(MODEL_DIR=folder.name)
        settings.enable()
        self.addCleanup(settings.disable)
        self.products, self.shoppers = make_products(), make_shoppers()
        make_history(self.shoppers, self.products)

    def at_commit(self) -> AbstractContextManager[object]:
        """What waits for a commit happens at the end of the block, where it has not already."""
        return nullcontext()

    def a_run(self) -> TrainingRun:
        TrainingRun.objects.filter(status=Status.RUNNING).update(status=Status.SUCCEEDED)
        return TrainingRun.objects.create(status=Status.RUNNING, attempts=1)

    def publish(self, run: TrainingRun | None = None, snapshot: Snapshot | None = None) -> Switch:
        run, snapshot = run or self.a_run(), snapshot or dataset.read()
        ranker = plain.fit(snapshot.data, snapshot.now)
        where = f"runs/{run.pk}/plain"
        sha256 = artifacts.save(ranker, snapshot.vocabulary, where, {})
        with self.at_commit():
            return publish.publish(run, ranker, snapshot, model_name=plain.NAME, artifact=where, sha256=sha256)


class PublishCase(Publisher, TestCase):
    def at_commit(self) -> AbstractContextManager[object]:
        return self.captureOnCommitCallbacks(execute=True)


class Publishing(PublishCase):
    def test_everybody_has_a_list_of_their_own_taste(self) -> None:
        switch = self.publish()
        self.assertEqual(store.pointer(), Pointer(switch.number, switch.generation_id, switch.generation.run_id))
        reading = store.read("s:s0", switch.generation_id)
        assert reading.list is not None
        assert reading.history is not None
        tea = {product.pk for product in self.products[0::2]}
        ids = dataset.read().vocabulary.product_ids[reading.list.codes[:6]]
        self.assertLessEqual(set(ids.tolist()), tea)
        self.assertEqual(len(reading.history.events), 64)
        generation = Generation.objects.get()
        self.assertEqual((generation.status, generation.shoppers_done), (Generation.Status.READY, 30))

    def test_what_serves_is_written_down_and_never_set_back(self) -> None:
        older, newer = self.publish(), self.publish()
        publish.move_pointer(older)
        written = Pointer(newer.number, newer.generation_id, newer.generation.run_id)
        self.assertEqual(publish.written_pointer(), written)

    def test_disk_and_redis_hold_the_same_bytes(self) -> None:
        generation = self.publish().generation_id
        stored = generations.StoredGeneration(generation)
        on_disk = packing.unpack_list(stored.of("s:s3")[0])
        in_redis = store.read("s:s3", generation).list
        assert on_disk is not None
        assert in_redis is not None
        np.testing.assert_array_equal(on_disk.codes, in_redis.codes)
        self.assertEqual(stored.of("s:nobody"), (None, None))

    def test_with_redis_down_the_files_are_there_and_are_put_in_later(self) -> None:
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            switch = self.publish()
        self.assertIsNone(store.pointer())
        services.reconcile()
        self.assertEqual(store.pointer(), Pointer(switch.number, switch.generation_id, switch.generation.run_id))
        self.assertIsNotNone(store.read("s:s0", switch.generation_id).list)

    def test_an_emptied_redis_is_filled_without_training(self) -> None:
        switch = self.publish()
        flush_redis()
        services.reconcile()
        self.assertEqual(store.pointer().switch, switch.number)  # type: ignore[union-attr]
        self.assertIsNotNone(store.read("s:s0", switch.generation_id).history)
        self.assertIn("placements", store.versions())

    def test_a_generation_that_reads_back_wrong_never_serves(self) -> None:
        first = self.publish()
        with (
            patch("recommender.store.read_many", side_effect=lambda names, _: dict.fromkeys(names, (None, None))),
            self.assertRaises(publish.BadGeneration),
        ):
            self.publish()
        self.assertEqual(publish.serving(), first)
        self.assertEqual(Generation.objects.filter(status=Generation.Status.FAILED).count(), 1)

    def test_a_redis_that_goes_before_the_check_stops_nothing(self) -> None:
        with patch("recommender.store.read_many", side_effect=store.StoreDown):
            switch = self.publish()
        self.assertEqual(publish.serving(), switch)
        self.assertIsNone(store.manifest(switch.generation_id))
        services.reconcile()
        self.assertIsNotNone(store.manifest(switch.generation_id))

    def test_the_last_two_generations_stay(self) -> None:
        numbers = [self.publish().generation_id for _ in range(3)]
        states = dict(Generation.objects.values_list("pk", "status"))
        self.assertEqual([states[number] for number in numbers], ["retired", "ready", "ready"])
        self.assertFalse(generations.folder_of(numbers[0]).exists())
        self.assertIsNone(store.read("s:s0", numbers[0]).list)


class Fencing(PublishCase):
    def test_a_run_that_was_overtaken_cannot_switch(self) -> None:
        old = self.a_run()
        newer = self.publish()
        TrainingRun.objects.filter(status=Status.RUNNING).update(status=Status.SUCCEEDED)
        TrainingRun.objects.filter(pk=old.pk).update(status=Status.RUNNING)
        with self.assertRaises(publish.StaleRun):
            self.publish(old)
        self.assertEqual(publish.serving(), newer)

    def test_an_attempt_that_was_given_up_cannot_switch(self) -> None:
        run = self.a_run()
        TrainingRun.objects.filter(pk=run.pk).update(attempts=2)
        with self.assertRaises(publish.StaleRun):
            self.publish(run)
        self.assertIsNone(publish.serving())


class InOrder(Publisher, CommittedCase):
    """The row is committed, then the pointer moves: whatever happens in between."""

    def pointer(self) -> Pointer:
        pointer = store.pointer()
        assert pointer is not None
        return pointer

    def test_a_switch_that_is_rolled_back_leaves_the_pointer(self) -> None:
        first, second = self.publish(), self.publish()
        with transaction.atomic():
            services.promote(run=first.generation.run)
            self.assertEqual(self.pointer(), publish.pointer_of(second))  # nobody sees what is not committed
            transaction.set_rollback(True)
        services.reconcile()
        self.assertEqual(publish.serving(), second)
        self.assertEqual(self.pointer(), publish.pointer_of(second))
        self.assertEqual(publish.written_pointer(), publish.pointer_of(second))

    def test_in_a_transaction_of_the_caller_it_moves_at_that_commit(self) -> None:
        first, second = self.publish(), self.publish()
        with transaction.atomic():
            switch = services.roll_back()
            self.assertEqual(self.pointer(), publish.pointer_of(second))
        self.assertEqual(switch.generation, first.generation)
        self.assertEqual(self.pointer(), publish.pointer_of(switch))

    def test_a_process_that_dies_between_commit_and_pointer_is_mended(self) -> None:
        first, second = self.publish(), self.publish()
        death = "from recommender import services; from recommender.publish import switching; import os\n"
        death += "switching.move_pointer = lambda switch: os.kill(os.getpid(), 9)\nservices.roll_back()"
        command = [sys.executable, "manage.py", "shell", "--no-imports", "--command", death]
        ended = subprocess.run(command, cwd=BASE_DIR, env=process_environment(), capture_output=True, check=False)
        self.assertEqual(ended.returncode, -9, ended.stderr)
        switch = publish.serving()
        assert switch is not None
        self.assertEqual(switch.generation, first.generation)
        self.assertEqual(self.pointer(), publish.pointer_of(second))  # it lags behind the row
        services.reconcile()
        self.assertEqual(self.pointer(), publish.pointer_of(switch))

    def test_a_pointer_of_a_row_that_is_gone_is_set_back(self) -> None:
        first, second = self.publish(), self.publish()
        second.delete()  # as after Postgres was restored from a copy
        self.assertTrue(publish.mend_pointer())
        self.assertEqual(self.pointer(), publish.pointer_of(first))
        self.assertEqual(publish.written_pointer(), publish.pointer_of(first))
        self.assertFalse(publish.mend_pointer())


class RollingBack(PublishCase):
    def test_back_and_forward_are_higher_switches(self) -> None:
        first, second = self.publish(), self.publish()
        with self.at_commit():
            back = services.roll_back()
        self.assertEqual(back.generation_id, first.generation_id)
        self.assertGreater(back.number, second.number)
        self.assertEqual(store.pointer().generation, first.generation_id)  # type: ignore[union-attr]
        with self.at_commit():
            forward = services.promote(run=second.generation.run)
        self.assertEqual(store.pointer().switch, forward.number)  # type: ignore[union-attr]

    def test_without_an_earlier_one_it_says_so(self) -> None:
        with self.assertRaisesMessage(services.CannotServe, "nothing serves"):
            services.roll_back()
        self.publish()
        with self.assertRaisesMessage(services.CannotServe, "no earlier generation"):
            services.roll_back()

    def test_a_retired_run_cannot_be_promoted(self) -> None:
        run = self.publish().generation.run
        self.publish()
        self.publish()
        with self.assertRaisesMessage(services.CannotServe, "no stored lists"):
            services.promote(run=run)

    def test_lists_that_redis_lost_are_put_back_before_the_switch(self) -> None:
        first = self.publish()
        self.publish()
        store.drop_generation(first.generation_id)
        services.roll_back()
        self.assertIsNotNone(store.read("s:s0", first.generation_id).list)


class Artifacts(PublishCase):
    def test_a_truncated_or_foreign_file_is_refused(self) -> None:
        self.publish()
        run = TrainingRun.objects.get()
        where = f"runs/{run.pk}/plain"
        file = artifacts.path(where) / plain.FILE
        with self.assertRaises(ArtifactError):
            artifacts.load(where, "0" * 64)
        file.write_bytes(file.read_bytes()[:-100])
        with self.assertRaises(ArtifactError):
            artifacts.load(where, Generation.objects.get().manifest["sha256"])
