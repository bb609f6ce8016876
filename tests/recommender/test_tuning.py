"""A search as a row: it goes on from its history after a kill, lets trainings go first, stops, and finds something."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from unittest import TestCase as PlainCase

import optuna
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import TestCase
from django.utils import timezone

from recommender import artifacts, processes, runs, services, tuning
from recommender.engine.architectures import UnknownArchitecture
from recommender.engine.config import Config
from recommender.models import TrainingRun, Tuning
from recommender.tuning import Space, Trial
from recsite.testing import CommittedCase
from tests.goods import make_history, make_products, make_shoppers
from tests.recommender.test_training import in_own_folder

Status = Tuning.Status
SPACE = Space(("deep", "item_knn"), {"view": 1.0, "purchase": 10.0})


def trial(number: int, value: float | None = 0.3, state: str = "complete", **params: object) -> Trial:
    usual = SPACE.defaults(Config())[0]
    return Trial(number, value, state, {**usual, **params}, 1.0, ((1, 0.2), (2, 0.25)))


class Spaces(PlainCase):
    def test_what_is_drawn_becomes_a_configuration(self) -> None:
        drawn = {**SPACE.defaults(Config())[0], "layers": "64-32", "spread": 2.0, "pace": 0.5}
        config = SPACE.config(drawn, Config())
        self.assertEqual((config.layers, config.pace, config.architecture), ((64, 32), 0.5, "deep"))
        self.assertEqual(config.kind_weights, {"view": 0.1, "purchase": 10.0})

    def test_the_first_trials_are_the_defaults(self) -> None:
        study = tuning.retold(SPACE, [], 0)
        drawn = [tuning._drawn(study.ask(), SPACE) for _ in range(2)]
        self.assertEqual(drawn, SPACE.defaults(Config()))
        self.assertEqual(SPACE.config(drawn[0], Config()), Config())

    def test_one_kind_of_event_has_no_weights_to_spread(self) -> None:
        self.assertNotIn("spread", Space(("deep",), {"purchase": 5.0}).distributions("deep"))

    def test_a_study_that_is_told_its_history_goes_on_as_it_would_have(self) -> None:
        history = [trial(0, 0.30), trial(1, 0.2, "pruned", dropout=0.4), trial(2, None, "failed", dropout=0.2)]
        study = tuning.retold(SPACE, history, 7)
        states = [told.state for told in study.trials]
        known = optuna.trial.TrialState
        self.assertEqual(states, [known.COMPLETE, known.PRUNED, known.FAIL])
        self.assertEqual(study.best_value, 0.30)
        self.assertEqual(study.trials[1].intermediate_values, {1: 0.2, 2: 0.25})
        self.assertNotEqual(tuning._drawn(study.ask(), SPACE), dict(history[0].params))

    def test_the_row_says_the_best_in_settings_that_can_be_trained(self) -> None:
        history = [trial(0, 0.30), trial(1, 0.35, layers="256-128", dropout=0.3), trial(2, 0.9, "pruned")]
        values = tuning.told(history, SPACE, Config(), 6)
        self.assertEqual((values["best_value"], values["best_trial"], values["progress"]), (0.35, 1, 0.5))
        expected = {"architecture": "deep", "layers": [256, 128], "dropout": 0.3}
        self.assertEqual(values["best_config"], expected)
        self.assertEqual(Config.from_dict(values["best_config"]).layers, (256, 128))
        self.assertEqual([Trial.from_dict(told) for told in values["history"]], history)


class Requests(TestCase):
    def setUp(self) -> None:
        in_own_folder(self)

    def test_one_at_a_time_and_refusals(self) -> None:
        first = services.request_tuning(trials=3, architectures=["deep", "deep", "als"], enqueue=False)
        self.assertEqual(first.architectures, ["deep", "als"])
        with self.assertRaises(services.AlreadyActive):
            services.request_tuning(trials=3, enqueue=False)
        self.assertEqual(services.stop_tuning(tuning=first).status, Status.STOPPED)
        for wrong in (0, 5_000):
            with self.assertRaisesRegex(ValueError, "expected 1 to 1000"):
                services.request_tuning(trials=wrong, enqueue=False)
        with self.assertRaises(UnknownArchitecture):
            services.request_tuning(trials=1, architectures=["magic"], enqueue=False)
        with self.assertRaisesRegex(ValueError, "expected at least one"):
            services.request_tuning(trials=1, architectures=[], enqueue=False)

    def test_a_dead_one_is_queued_again_with_its_history(self) -> None:
        past = timezone.now() - timedelta(minutes=5)
        row = Tuning.objects.create(
            status=Status.RUNNING, attempts=1, trials_total=4, trials_done=1, history=[trial(0).to_dict()],
            host=processes.HOST, process_id=2**22 - 3, heartbeat_at=past,
        )  # fmt: skip
        services.reconcile()
        row.refresh_from_db()
        self.assertEqual((row.status, row.trials_done), (Status.QUEUED, 1))

    def test_what_was_found_can_be_trained(self) -> None:
        row = Tuning.objects.create(status=Status.SUCCEEDED, trials_total=1, best_config={"architecture": "als"})
        run = services.request_training(
            architecture=row.best_config["architecture"], config=row.best_config, enqueue=False
        )
        self.assertEqual((run.architecture, run.chosen), ("als", {}))
        with self.assertRaisesRegex(CommandError, "expected a search that found something"):
            call_command("train", "--tuned", "999999")


class Children(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        in_own_folder(self)
        make_history(make_shoppers(40), make_products(16), weeks=12, basket=4)

    def wait(self, row: Tuning, ready: Callable[[Tuning], bool], seconds: float = 240) -> None:
        deadline = time.monotonic() + seconds
        while not ready(row):
            self.assertLess(time.monotonic(), deadline, f"{row.status} {row.step}: {row.error}")
            time.sleep(0.1)
            row.refresh_from_db()

    def test_killed_it_goes_on_and_a_training_goes_first(self) -> None:
        row = services.request_tuning(trials=5, architectures=["item_knn", "popularity", "deep"], enqueue=False)
        child = runs.start_child(row.pk, Tuning)
        assert child is not None
        self.wait(row, lambda row: row.trials_done >= 2)
        processes.kill_group(child.pid)
        child.wait()
        row.refresh_from_db()
        kept = [told["number"] for told in row.history]
        self.assertTrue(runs.give_up_dead(row))

        first = services.request_training(enqueue=False)
        child = runs.start_child(row.pk, Tuning)
        assert child is not None
        self.wait(row, lambda row: row.step == "waiting")
        done = row.trials_done
        time.sleep(2)
        row.refresh_from_db()
        self.assertEqual(row.trials_done, done)
        services.stop_run(run=first)

        self.wait(row, lambda row: row.status not in ("queued", "running"))
        child.wait()
        self.assertEqual(row.status, Status.SUCCEEDED, row.error)
        numbers = [told["number"] for told in row.history]
        self.assertEqual((numbers, numbers[: len(kept)], row.attempts), ([0, 1, 2, 3, 4], kept, 2))
        first_three = [told["params"]["architecture"] for told in row.history[:3]]
        self.assertEqual(first_three, ["item_knn", "popularity", "deep"])
        self.assertTrue(row.history[2]["curve"])
        best = max(told["value"] for told in row.history if told["state"] == "complete")
        self.assertEqual(row.best_value, best)
        self.assertFalse((artifacts.path(runs.folder_of_tuning(row.pk)) / "features").exists())
        self.assertEqual(TrainingRun.objects.count(), 1)

    def test_stopped_it_keeps_what_was_found(self) -> None:
        row = services.request_tuning(trials=500, architectures=["item_knn", "deep"], enqueue=False)
        child = runs.start_child(row.pk, Tuning)
        assert child is not None
        self.wait(row, lambda row: row.trials_done >= 1)
        out = StringIO()
        call_command("tune", "--stop", stdout=out)
        self.wait(row, lambda row: row.status == Status.STOPPED, 60)
        child.wait()
        self.assertIsNotNone(row.best_value)
        self.assertIn("is asked to stop", out.getvalue())
