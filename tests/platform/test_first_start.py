"""The steps of a first start: done once, gone on with where they stopped, failures told."""

from __future__ import annotations

import io
from collections.abc import Callable

from django.test import TestCase
from rich.console import Console

from recommender.models import SetupStep
from recsite import first_start
from recsite.first_start import Step, StepFailed, Terminal

Report = Callable[[float, str], None]


class Steps(TestCase):
    def setUp(self) -> None:
        self.did: list[str] = []
        self.terminal = Terminal()
        self.terminal.console = Console(file=io.StringIO(), force_terminal=False)
        self.steps = [Step(name, f"Do {name}", self.work(name)) for name in ("one", "two", "three")]

    def work(self, name: str) -> Callable[[Report], None]:
        def run(report: Report) -> None:
            self.did.append(name)
            report(0.5, "half of it")

        return run

    def failing(self, name: str) -> Step:
        def run(report: Report) -> None:
            report(0.25, "a quarter")
            raise StepFailed("the disk is full")

        return Step(name, f"Do {name}", run)

    def start(self, steps: list[Step]) -> None:
        first_start.declare(steps)
        first_start.run(steps, self.terminal)

    def statuses(self) -> list[str]:
        return list(SetupStep.objects.values_list("status", flat=True))

    def test_all_are_done_in_order(self) -> None:
        self.start(self.steps)
        self.assertEqual(self.did, ["one", "two", "three"])
        self.assertEqual(self.statuses(), ["done"] * 3)
        self.assertTrue(all(step.finished_at for step in SetupStep.objects.all()))

    def test_a_second_start_does_nothing_again(self) -> None:
        self.start(self.steps)
        self.did.clear()
        self.start(self.steps)
        self.assertEqual(self.did, [])

    def test_a_failure_is_told_in_its_row_and_stops_the_rest(self) -> None:
        steps = [self.steps[0], self.failing("two"), self.steps[2]]
        with self.assertRaisesMessage(StepFailed, "the disk is full"):
            self.start(steps)
        self.assertEqual(self.statuses(), ["done", "failed", "waiting"])
        self.assertEqual(SetupStep.objects.get(name="two").error, "the disk is full")

    def test_the_next_start_goes_on_with_what_failed_or_was_interrupted(self) -> None:
        first_start.declare(self.steps)
        SetupStep.objects.filter(name="one").update(status="done")
        SetupStep.objects.filter(name="two").update(status="running", progress=0.7)
        self.start(self.steps)
        self.assertEqual(self.did, ["two", "three"])
        self.assertEqual(self.statuses(), ["done"] * 3)

    def test_a_step_that_is_no_more_leaves_no_row(self) -> None:
        self.start(self.steps)
        self.start(self.steps[:2])
        self.assertEqual(list(SetupStep.objects.values_list("name", flat=True)), ["one", "two"])
