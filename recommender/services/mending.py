"""What died half-way: runs nobody works on, rows nobody picked up, a Redis that was emptied."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from recommender import behind, generations, posted, processes, publish, runs, steering, store
from recommender.models import TrainingRun, Tuning
from recommender.services.jobs import send_training, send_tuning

log = logging.getLogger(__name__)

RESEND_AFTER = timedelta(seconds=30)
STOP_GRACE = timedelta(seconds=30)

Status = TrainingRun.Status


def reconcile() -> None:
    """Find what died half-way. Called every few seconds by a worker, and by ``manage.py train`` while it waits."""
    for run in TrainingRun.objects.filter(status=Status.RUNNING):
        _mend_running(run, send_training)
    for tuning in Tuning.objects.filter(status=Status.RUNNING):
        _mend_running(tuning, send_tuning)
    long_ago = timezone.now() - RESEND_AFTER
    waiting = Q(status=Status.QUEUED, created_at__lt=long_ago) & (Q(heartbeat_at=None) | Q(heartbeat_at__lt=long_ago))
    for pk in TrainingRun.objects.filter(waiting).values_list("pk", flat=True):
        send_training(pk)
    for pk in Tuning.objects.filter(waiting).values_list("pk", flat=True):
        send_tuning(pk)
    try:
        _mend_redis()
    except store.StoreDown as error:
        log.warning("Redis could not be checked: %s", error)


def _mend_running(run: TrainingRun | Tuning, send: Callable[[int], bool]) -> None:
    overdue = run.stop_requested and (run.heartbeat_at or run.created_at) < timezone.now() - STOP_GRACE
    if overdue and run.process_id and run.host == processes.HOST:
        processes.kill_group(run.process_id)
    if runs.give_up_dead(run):
        run.refresh_from_db()
        if run.status == Status.QUEUED:
            send(run.pk)


def _mend_redis() -> None:
    """An emptied Redis is filled again from the stored generation and from Postgres; a pointer that says otherwise
    than the newest switch is moved, once the lists are there."""
    switch = publish.serving()
    steering.publish_missing()
    if switch is None:
        return
    if store.manifest(switch.generation_id) is None:
        try:
            count = publish.republish(switch.generation)
        except generations.NotStored as error:
            log.error("generation %s cannot be put into Redis again: %s", switch.generation_id, error)
            return
        log.info("generation %s is in Redis again: %s shoppers", switch.generation_id, count)
        posted.refill_recent(switch.generation)
    for mark in behind.left_behind():
        posted.mend(mark)
    publish.mend_pointer()
