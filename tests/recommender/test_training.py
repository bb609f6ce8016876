"""A run as a row: claimed once, trained by a child of a real worker, mended when it dies."""

from __future__ import annotations

import tempfile
import threading
import time
from datetime import timedelta
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.db import connection
from django.test import TestCase, override_settings
from django.utils import timezone

from behavior.models import ShopperProfile
from recommender import processes, publish, runs, serve, services, state, store
from recommender.engine import plain
from recommender.models import TrainingRun
from recsite.testing import CommittedCase, start_worker
from tests.goods import make_event, make_history, make_products, make_shoppers

Status = TrainingRun.Status


def in_own_folder(case: Any) -> None:
    """MODEL_DIR of this test alone."""
    folder = tempfile.TemporaryDirectory()
    case.addCleanup(folder.cleanup)
    settings = override_settings(MODEL_DIR=folder.name)
    settings.enable()
    case.addCleanup(settings.disable)
    store.breaker.succeeded()
    state.forget()
    case.addCleanup(state.forget)


class Requests(CommittedCase):
    def test_of_200_at_once_one_becomes_a_run(self) -> None:
        outcomes: list[str] = []

        def ask() -> None:
            try:
                services.request_training(enqueue=False)
                outcomes.append("made")
            except services.AlreadyActive:
                outcomes.append("active")
            finally:
                connection.close()

        for _ in range(10):
            threads = [threading.Thread(target=ask) for _ in range(20)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(sorted(set(outcomes)), ["active", "made"])
        self.assertEqual((len(outcomes), outcomes.count("made"), TrainingRun.objects.count()), (200, 1, 1))

    def test_a_slot_of_the_schedule_has_one_run(self) -> None:
        run = services.request_training(trigger="schedule", slot="monday", enqueue=False)
        services.stop_run(run=run)
        with self.assertRaises(services.AlreadyActive):
            services.request_training(trigger="schedule", slot="monday", enqueue=False)


class Mending(TestCase):
    def setUp(self) -> None:
        in_own_folder(self)

    def dead(self, attempts: int, **fields: Any) -> TrainingRun:
        past = timezone.now() - timedelta(minutes=5)
        defaults = {"host": processes.HOST, "process_id": 2**22 - 3, "heartbeat_at": past}
        return TrainingRun.objects.create(status=Status.RUNNING, attempts=attempts, **{**defaults, **fields})

    def test_a_dead_run_is_queued_again(self) -> None:
        run = self.dead(1)
        services.reconcile()
        run.refresh_from_db()
        self.assertEqual(run.status, Status.QUEUED)

    def test_after_three_attempts_it_fails_with_what_it_last_said(self) -> None:
        run = self.dead(runs.MAX_ATTEMPTS)
        runs.log_of(run.pk).parent.mkdir(parents=True)
        runs.log_of(run.pk).write_text("MemoryError\n")
        services.reconcile()
        run.refresh_from_db()
        self.assertEqual(run.status, Status.FAILED)
        self.assertIn("MemoryError", run.error)

    def test_a_living_run_on_another_host_is_left_alone(self) -> None:
        run = self.dead(1, host="elsewhere", heartbeat_at=timezone.now())
        services.reconcile()
        run.refresh_from_db()
        self.assertEqual(run.status, Status.RUNNING)

    def test_a_dead_run_that_was_to_stop_has_stopped(self) -> None:
        run = self.dead(1, stop_requested=True)
        services.reconcile()
        run.refresh_from_db()
        self.assertEqual(run.status, Status.STOPPED)

    def test_a_queued_run_stops_at_once(self) -> None:
        run = services.request_training(enqueue=False)
        self.assertEqual(services.stop_run(run=run).status, Status.STOPPED)


class Children(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        in_own_folder(self)

    def wait(self, run: TrainingRun, *statuses: str, seconds: float = 120) -> TrainingRun:
        deadline = time.monotonic() + seconds
        while run.status not in statuses:
            self.assertLess(time.monotonic(), deadline, f"still {run.status} at {run.step}: {run.error}")
            time.sleep(0.1)
            run.refresh_from_db()
        return run

    def test_a_worker_trains_publishes_and_survives_a_killed_child(self) -> None:
        make_history(make_shoppers(40), make_products(16), weeks=10, basket=4)
        with start_worker():
            self.assertTrue(store.is_alive(services.TRAIN_WORKER))
            run = services.request_training()
            self.wait(run, Status.RUNNING)
            deadline = time.monotonic() + 60
            while run.process_id is None or run.step != "features":
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
                run.refresh_from_db()
            processes.kill_group(run.process_id)
            while processes.is_running(run.process_id, run.host):
                time.sleep(0.05)
            services.reconcile()
            self.wait(run, Status.SUCCEEDED, Status.REFUSED, Status.FAILED)
        self.assertEqual((run.attempts, run.status in (Status.SUCCEEDED, Status.REFUSED)), (2, True), run.error)
        self.assertGreater(run.metrics["models"]["deep"]["ALL"]["ndcg@10"], 0.5)
        self.assertTrue(run.curves["epoch"])
        self.assertEqual(ShopperProfile.objects.count(), 40)
        self.assertIsNotNone(publish.serving())
        answer = serve.recommend(serve.Request(shopper="s0", n=3))
        self.assertIsNone(answer.fallback)

    def test_too_little_data_is_skipped_and_something_serves(self) -> None:
        (tea, *_), (anna, *_) = make_products(2), make_shoppers(1)
        make_event(anna, tea)
        make_event(anna, tea, quantity=0)
        told = StringIO()
        call_command("train", "--wait", stdout=told)
        self.assertIn("From 1 events of 1 shoppers and 2 products; left out: 1 purchases of nothing", told.getvalue())
        self.assertIn("The newest event is of 2026-03-30T12:00", told.getvalue())
        run = TrainingRun.objects.get()
        self.assertEqual(run.status, Status.SKIPPED)
        self.assertIn("expected at least 1,000 events, found 1", run.error)
        serving = publish.serving()
        assert serving is not None
        self.assertEqual(serving.generation.model_name, plain.NAME)
