"""The row of a run or of a tuning and its process: claimed, started, found dead. Nothing here loads a training
framework."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from recommender import artifacts, processes
from recommender.models import TrainingRun, Tuning

Job = TrainingRun | Tuning

MAX_ATTEMPTS = 3
#: A search goes on from its last trial, so a restart costs little.
MAX_TUNING_ATTEMPTS = 10
SILENT_AFTER = timedelta(seconds=30)

Status = TrainingRun.Status


def folder(run_id: int) -> str:
    """A run's folder under MODEL_DIR."""
    return f"runs/{run_id}"


def folder_of_tuning(tuning_id: int) -> str:
    """A search's folder under MODEL_DIR."""
    return f"tunings/{tuning_id}"


def log_of(run_id: int, kind: type[Job] = TrainingRun) -> Path:
    """What its children printed."""
    own = folder(run_id) if kind is TrainingRun else folder_of_tuning(run_id)
    return artifacts.path(own) / "log.txt"


def start_child(run_id: int, kind: type[Job] = TrainingRun) -> subprocess.Popen[bytes] | None:
    """Claim the queued row and start its child; None where somebody else has claimed it."""
    run = kind.objects.filter(pk=run_id, status=Status.QUEUED).first()
    if run is None:
        return None
    now = timezone.now()
    claimed = kind.objects.filter(pk=run_id, status=Status.QUEUED, attempts=run.attempts).update(
        status=Status.RUNNING,
        attempts=run.attempts + 1,
        host=processes.HOST,
        process_id=None,
        started_at=now if kind is TrainingRun else run.started_at or now,
        heartbeat_at=now,
    )
    if not claimed:
        return None
    command = "train_child" if kind is TrainingRun else "tune_child"
    child = processes.start(command, str(run_id), str(run.attempts + 1), log=log_of(run_id, kind))
    kind.objects.filter(pk=run_id, attempts=run.attempts + 1).update(process_id=child.pid)
    return child


def give_up_dead(run: Job) -> bool:
    """Where the row's child is gone, queue it again or, after the last attempt, let it fail; whether it was gone."""
    silent = run.heartbeat_at is None or run.heartbeat_at < timezone.now() - SILENT_AFTER
    running = processes.is_running(run.process_id, run.host)
    if running is not False and not silent:
        return False
    if running and run.process_id:
        processes.kill_group(run.process_id)  # it lives but says nothing: it must not wake up beside its successor
    reason = processes.tail(log_of(run.pk, type(run))) or "the process ended without a word"
    mine = type(run).objects.filter(pk=run.pk, status=Status.RUNNING, attempts=run.attempts)
    if run.stop_requested:
        mine.update(status=Status.STOPPED, finished_at=timezone.now(), process_id=None)
    elif run.attempts >= (MAX_ATTEMPTS if isinstance(run, TrainingRun) else MAX_TUNING_ATTEMPTS):
        error = f"The process died {run.attempts} times. It last said:\n{reason}"
        mine.update(status=Status.FAILED, error=error, finished_at=timezone.now(), process_id=None)
    else:
        mine.update(status=Status.QUEUED, error=reason, process_id=None, heartbeat_at=timezone.now())
    return True
