"""Celery's shells: ids in, one call, nothing long. Queues: train, refresh, default."""

from __future__ import annotations

import time
from typing import Any

from celery import shared_task
from celery.signals import heartbeat_sent, worker_ready

_queues: set[str] = set()
_last_beat = 0.0


@shared_task(name="recommender.tasks.run_training")
def run_training(run_id: int) -> None:
    """Start the run's child; the row says how it goes on."""
    from recommender import runs

    runs.start_child(run_id)


@shared_task(name="recommender.tasks.run_tuning")
def run_tuning(tuning_id: int) -> None:
    """Start the child of a search; the row says how it goes on."""
    from recommender import runs
    from recommender.models import Tuning

    runs.start_child(tuning_id, Tuning)


@shared_task(name="recommender.tasks.refresh_list")
def refresh_list(subject: str) -> None:
    """A fresh list of one shopper or visitor."""
    from recommender import refresh

    refresh.refresh(subject)


@shared_task(name="recommender.tasks.reconcile")
def reconcile() -> None:
    """Mend what died half-way."""
    from recommender import services

    services.reconcile()


@shared_task(name="recommender.tasks.start_signalled_training")
def start_signalled_training() -> None:
    """A run where the shop is no longer what the serving model knew."""
    from recommender import schedule

    schedule.start_signalled()


@shared_task(name="recommender.tasks.score_shadow")
def score_shadow() -> None:
    """A sample of the newest lists, scored by the model in shadow."""
    from recommender import shadow

    shadow.score_new()


@shared_task(name="recommender.tasks.prune_artifacts")
def prune_artifacts() -> None:
    """Delete old model files by the stated rule."""
    from recommender import services

    services.prune()


@shared_task(name="recommender.tasks.publish_availability")
def publish_availability() -> None:
    """What changed in the catalogue since the last look."""
    from recommender import services

    services.note_products()


@shared_task(name="recommender.tasks.store_served_lists")
def store_served_lists() -> None:
    """Answered lists from Redis to Postgres."""
    from recommender import served

    served.store_all()


@worker_ready.connect
def _note_queues(sender: Any, **_: Any) -> None:
    _queues.update(queue.name for queue in sender.task_consumer.queues)
    _show_life()


@heartbeat_sent.connect
def _show_life(**_: Any) -> None:
    """``manage.py train`` hands a run to a worker only where one takes the queue."""
    global _last_beat
    if not _queues or time.monotonic() - _last_beat < 5:  # the first heartbeat comes before the queues are known
        return
    _last_beat = time.monotonic()
    from recommender import store

    for name in _queues:
        try:
            store.beat(f"queue-{name}")
        except store.StoreDown:
            return
