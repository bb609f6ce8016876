"""The whole way of a run nobody asked for: a real beat, a real worker, a real child."""

from __future__ import annotations

import time
from datetime import timedelta

from django.utils import timezone
from django_celery_beat.models import PeriodicTask, PeriodicTasks

from recommender import schedule
from recommender.models import TrainingPlan, TrainingRun
from recommender.schedule import Plan
from recsite.dashboard.shop import read_shop
from recsite.supervisor import beat
from recsite.testing import CommittedCase, start_process, start_worker
from tests.goods import NEWEST, make_event, make_products, make_shoppers
from tests.recommender.test_schedule import a_run, serve
from tests.recommender.test_training import in_own_folder

SECONDS = 240.0


class BeatTest(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        in_own_folder(self)
        product, shopper = make_products(1)[0], make_shoppers(1)[0]
        for number in range(3):
            make_event(shopper, product, at=NEWEST - timedelta(days=number))
        known = {"events": 1, "last": (NEWEST - timedelta(days=2)).isoformat()}
        serve(a_run(trigger="manual", data_window=known))

    def run_of(self, trigger: str, entry: str) -> TrainingRun:
        """The run that comes of the beat's own entry, at its end."""
        deadline = time.monotonic() + SECONDS
        while True:
            run = TrainingRun.objects.filter(trigger=trigger).first()
            if run is not None and not run.is_active:
                return run
            said = f"{run.status} at {run.step}" if run else f"no run; entries {PeriodicTask.objects.count()}"
            self.assertLess(time.monotonic(), deadline, f"{trigger}: {said}")
            if run is None:
                self.make_due(entry)
            time.sleep(2)

    def make_due(self, entry: str) -> None:
        """As if its last turn was long ago; asked again, for a beat that just starts does not see a change."""
        PeriodicTask.objects.filter(name=entry).update(last_run_at=timezone.now() - timedelta(days=1))
        PeriodicTasks.update_changed()

    def test_the_clock_and_a_signal_each_start_a_run_that_a_worker_trains(self) -> None:
        zone = read_shop().zone
        slot = (timezone.now() - timedelta(minutes=2)).astimezone(zone)
        plan = Plan(
            enabled=True, weekdays=(1, 2, 3, 4, 5, 6, 7), at=slot.time().replace(microsecond=0), zone=str(zone),
            new_data_share=0.5,
        )  # fmt: skip
        schedule.save(plan=plan)
        TrainingPlan.objects.update(since=slot - timedelta(hours=1))
        with start_worker(), start_process(beat().command):
            by_data = self.run_of("data", "start-signalled-training")
            by_clock = self.run_of("schedule", "start-due-training")
        for run in (by_data, by_clock):
            self.assertEqual(run.status, TrainingRun.Status.SKIPPED, run.error)
            self.assertIn("expected at least 1,000 events, found 3", run.error)
            self.assertEqual(run.attempts, 1)
            self.assertTrue(run.code_version)
        due = schedule.last_slot(plan, timezone.now())
        assert due is not None
        self.assertEqual(by_clock.slot, due.isoformat())
