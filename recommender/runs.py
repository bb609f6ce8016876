"""A run's row and its process: claimed, started, found dead. Nothing here loads a training framework."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

from recommender import artifacts, processes
from recommender.models import TrainingRun

MAX_ATTEMPTS = 3
SILENT_AFTER = timedelta(seconds=30)

Status = TrainingRun.Status


def folder(run_id: int) -> str:
    """A run's folder under MODEL_DIR."""
    return f"runs/{run_id}"


def log_of(run_id: int) -> Path:
    return artifacts.path(folder(run_id)) / "log.txt"


def start_child(run_id: int) -> subprocess.Popen[bytes] | None:
    """Claim the queued run and start its child; None where somebody else has claimed it."""
    run = TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED).first()
    if run is None:
        return None
    now = timezone.now()
    claimed = TrainingRun.objects.filter(pk=run_id, status=Status.QUEUED, attempts=run.attempts).update(
        status=Status.RUNNING,
        attempts=run.attempts + 1,
        host=processes.HOST,
        process_id=None,
        started_at=now,
        heartbeat_at=now,
    )
    if not claimed:
        return None
    child = processes.start("train_child", str(run_id), str(run.attempts + 1), log=log_of(run_id))
    TrainingRun.objects.filter(pk=run_id, attempts=run.attempts + 1).update(process_id=child.pid)
    return child


def give_up_dead(run: TrainingRun) -> bool:
    """Where the run's child is gone, queue it again or, after the last attempt, let it fail; whether it was gone."""
    silent = run.heartbeat_at is None or run.heartbeat_at < timezone.now() - SILENT_AFTER
    running = processes.is_running(run.process_id, run.host)
    if running is not False and not silent:
        return False
    if running and run.process_id:
        processes.kill_group(run.process_id)  # it lives but says nothing: it must not wake up beside its successor
    reason = processes.tail(log_of(run.pk)) or "the training process ended without a word"
    mine = TrainingRun.objects.filter(pk=run.pk, status=Status.RUNNING, attempts=run.attempts)
    if run.stop_requested:
        mine.update(status=Status.STOPPED, finished_at=timezone.now(), process_id=None)
    elif run.attempts >= MAX_ATTEMPTS:
        error = f"The training process died {run.attempts} times. It last said:\n{reason}"
        mine.update(status=Status.FAILED, error=error, finished_at=timezone.now(), process_id=None)
    else:
        mine.update(status=Status.QUEUED, error=reason, process_id=None, heartbeat_at=timezone.now())
    return True
