"""Where a run is: told in order while it happens, and where it is asked to stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


class Stopped(Exception):
    """The run was asked to stop."""


@dataclass(frozen=True)
class Epoch:
    """One point of the learning curve, told while it happens."""

    net: int
    nets: int
    epoch: int
    epochs: int
    loss: float
    validation_loss: float | None
    validation_ndcg: float | None
    rows_per_second: float


@dataclass(frozen=True)
class Progress:
    """Where a run is. ``step``: read, clean, features, train, measure, refit or save; ``fraction`` 0 … 1 of it all."""

    step: str
    fraction: float
    epoch: int = 0
    epochs: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    validation_ndcg: float | None = None
    rows_per_second: float | None = None


@dataclass
class Clock:
    """Tells progress in order and measures each step; raises :class:`Stopped` between pieces of work."""

    report: Callable[[Progress], None]
    stop: Callable[[], bool]
    seconds: dict[str, float]
    fraction: float = 0.0
    step: str = "read"
    began: float = 0.0

    def enter(self, step: str, fraction: float) -> None:
        now = time.perf_counter()
        if self.began:
            self.seconds[self.step] = self.seconds.get(self.step, 0.0) + now - self.began
        self.step, self.fraction, self.began = step, fraction, now
        self.report(Progress(step, fraction))
        if self.stop():
            raise Stopped("the run was asked to stop")

    def epoch(self, told: Epoch, start: float, end: float) -> None:
        done = (told.net + told.epoch / told.epochs) / told.nets
        self.report(
            Progress(
                self.step,
                start + (end - start) * done,
                told.net * told.epochs + told.epoch,
                told.nets * told.epochs,
                told.loss,
                told.validation_loss,
                told.validation_ndcg,
                told.rows_per_second,
            )
        )
