"""The steps of a shop's first start: rows that the set-up page and the terminal both read.

A step that is done stays done, so a start that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from recommender.models import SetupStep

LINE_EVERY = 15.0  # s between two lines of progress where there is no terminal to draw on


class StepFailed(Exception):
    """A step could not be done; the text is for a person."""


@dataclass(frozen=True)
class Step:
    """``run`` does the work and calls what it is given with (fraction 0 … 1, detail) every now and then."""

    name: str
    title: str
    run: Callable[[Callable[[float, str], None]], None]


class Terminal:
    """One line a step: a bar on a terminal, plain lines in a log."""

    def __init__(self) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}"),
        )
        # Drawn by hand: a thread that draws would be running while children are forked.
        self._bars = Progress(*columns, console=self.console, auto_refresh=False)

    def say(self, line: str) -> None:
        self.console.print(line)

    @contextmanager
    def step(self, title: str) -> Iterator[Callable[[float, str], None]]:
        started = time.monotonic()
        if not self.console.is_terminal:
            yield self._lines(title)
            self.say(f"{title}: done in {time.monotonic() - started:.1f} s")
            return
        with self._bars:
            task = self._bars.add_task(title, total=1.0, detail="")
            yield self._bar(task)
            self._bars.update(task, completed=1.0, refresh=True)

    def _bar(self, task: TaskID) -> Callable[[float, str], None]:
        def show(fraction: float, detail: str) -> None:
            self._bars.update(task, completed=fraction, detail=detail, refresh=True)

        return show

    def _lines(self, title: str) -> Callable[[float, str], None]:
        self.say(f"{title} …")
        last = time.monotonic()

        def show(fraction: float, detail: str) -> None:
            nonlocal last
            if time.monotonic() - last > LINE_EVERY:
                last = time.monotonic()
                self.say(f"{title}: {fraction:.0%} {detail}")

        return show


def declare(steps: Sequence[Step]) -> None:
    """Write the rows of what is to come. A step that did not end when its process did waits again."""
    SetupStep.objects.exclude(name__in=[step.name for step in steps]).delete()
    for position, step in enumerate(steps):
        SetupStep.objects.update_or_create(name=step.name, defaults={"title": step.title, "position": position})
    SetupStep.objects.exclude(status=SetupStep.Status.DONE).update(
        status=SetupStep.Status.WAITING, progress=0, detail="", error="", started_at=None, finished_at=None
    )


def run(steps: Sequence[Step], terminal: Terminal) -> None:
    """Do the steps that are not done yet, in order. Raises what a step raises, after noting it in its row."""
    done = set(SetupStep.objects.filter(status=SetupStep.Status.DONE).values_list("name", flat=True))
    for step in steps:
        if step.name not in done:
            with terminal.step(step.title) as show:
                _run(step, show)


def _run(step: Step, show: Callable[[float, str], None]) -> None:
    row = SetupStep.objects.filter(name=step.name)
    row.update(status=SetupStep.Status.RUNNING, started_at=timezone.now(), updated_at=timezone.now())

    def report(fraction: float, detail: str) -> None:
        row.update(progress=fraction, detail=detail[:300], updated_at=timezone.now())
        show(fraction, detail)

    try:
        step.run(report)
    except StepFailed as error:
        row.update(status=SetupStep.Status.FAILED, error=str(error), updated_at=timezone.now())
        raise
    row.update(status=SetupStep.Status.DONE, progress=1, finished_at=timezone.now(), updated_at=timezone.now())


def end_of(log: Path, *, lines: int = 5) -> str:
    """The last lines of a child's log, for the reason of its failure."""
    try:
        return "\n".join(log.read_text(errors="replace").strip().splitlines()[-lines:])
    except FileNotFoundError:
        return ""
