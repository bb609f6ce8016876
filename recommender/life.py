"""The life of a training child on its row: heartbeat, progress, one end; and that there is one child at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from recommender import processes
from recommender.engine.progress import Progress, Stopped
from recommender.models import TrainingRun, Tuning

BEAT_SECONDS = 2.0
WRITE_SECONDS = 0.5
#: One training at a time, whatever the rows say.
TRAINING_LOCK = 0x52535431
#: The engine's share of a run's progress; publishing has the rest.
ENGINE_SHARE = 0.9

Status = TrainingRun.Status


class Lost(Exception):
    """The row is no longer this process's: stopped, taken over or gone."""


class Life:
    """The row of a running attempt, of a run or of a tuning: heartbeat from a thread, progress at most twice a
    second, one end."""

    def __init__(self, run_id: int, attempt: int, *, model: type[TrainingRun] | type[Tuning] = TrainingRun) -> None:
        self.run_id, self.attempt, self.model = run_id, attempt, model
        self.curves: dict[str, list[float | None]] = {
            "epoch": [], "loss": [], "validation_loss": [], "validation_ndcg": [],
        }  # fmt: skip
        self._stop = threading.Event()
        self._over = threading.Event()
        self._written = 0.0
        self._thread = threading.Thread(target=self._beat, daemon=True, name="heartbeat")

    def __enter__(self) -> Life:
        if not self._rows().update(process_id=os.getpid(), host=processes.HOST, heartbeat_at=timezone.now()):
            raise Lost(f"{self}: attempt {self.attempt} is not the one that runs")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(5)

    def stopped(self) -> bool:
        """Whether to give up: a person asked for it, or the row is somebody else's."""
        return self._stop.is_set()

    def step(self, name: str, progress: float) -> None:
        self._throttled(force=name != getattr(self, "_step", ""), step=name, progress=round(progress, 4))
        self._step = name

    def report(self, progress: Progress) -> None:
        """What the engine says; a new epoch goes into the curves."""
        values: dict[str, Any] = {
            "step": progress.step,
            "progress": round(ENGINE_SHARE * progress.fraction, 4),
            "epoch": progress.epoch,
            "epochs": progress.epochs,
        }
        if progress.rows_per_second:
            values["rows_per_second"] = progress.rows_per_second
        told = progress.step == "train" and progress.epoch > 0 and progress.loss is not None
        fresh = told and progress.epoch not in self.curves["epoch"][-1:]
        if fresh:
            self.curves["epoch"].append(progress.epoch)
            for name in ("loss", "validation_loss", "validation_ndcg"):
                self.curves[name].append(getattr(progress, name))
            values["curves"] = self.curves
        self._throttled(force=fresh, **values)

    def write(self, **values: Any) -> None:
        """Write to the row now; raises :class:`Lost` where it is no longer ours."""
        if not self._rows().update(**values):
            raise Lost(f"{self}: attempt {self.attempt} was taken over")

    def finish(self, status: str, *, also: Callable[[], object] = lambda: None, **values: Any) -> None:
        """The end and what it brings with it, ``also``, in one transaction, so that a process that dies here has done
        both or neither. Tried for a minute: Postgres may be starting again."""
        for attempt in range(30):
            try:
                with transaction.atomic():
                    self.write(status=status, finished_at=timezone.now(), process_id=None, **values)
                    also()
                return
            except OperationalError:
                if attempt == 29:
                    raise
                connection.close()
                time.sleep(2)

    def _throttled(self, *, force: bool, **values: Any) -> None:
        now = time.monotonic()
        if not force and now - self._written < WRITE_SECONDS:
            return
        self._written = now
        try:
            self._rows().update(**values)
        except OperationalError:
            connection.close()  # progress may be missed; the end is not

    def _rows(self) -> Any:
        return self.model.objects.filter(pk=self.run_id, status=Status.RUNNING, attempts=self.attempt)

    def __str__(self) -> str:
        return f"{'run' if self.model is TrainingRun else 'tuning'} {self.run_id}"

    def _beat(self) -> None:
        try:
            while not self._over.wait(BEAT_SECONDS):
                self._beat_once()
        finally:
            connection.close()  # this thread's own

    def _beat_once(self) -> None:
        try:
            held = self._rows().update(heartbeat_at=timezone.now())
            asked = self.model.objects.filter(pk=self.run_id, stop_requested=True).exists()
        except OperationalError:
            connection.close()
            return
        if not held or asked:
            self._stop.set()


@contextmanager
def only_one(stop: Callable[[], bool]) -> Iterator[None]:
    """The advisory lock, on a connection of its own: it goes when the process does, however it ends.

    A search for a configuration gives it up after each trial, so a training waits for the one that is under way;
    where there is none, only for a child that was killed a moment ago.
    """
    own = connection.copy()
    try:
        patience = time.monotonic() + 30
        while not _take(own, TRAINING_LOCK):
            if stop():
                raise Stopped("asked to stop while it waited")
            if time.monotonic() > patience and not Tuning.objects.filter(status=Tuning.Status.RUNNING).exists():
                raise Lost("another training holds the lock")
            time.sleep(0.5)
        yield
    finally:
        own.close()


def _take(own: Any, lock: int) -> bool:
    with own.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        return bool(cursor.fetchone()[0])
