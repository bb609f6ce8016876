"""What others may ask of the recommender: train, tune, stop, promote, roll back, note what was posted.

Web-safe: nothing here is slow, nothing loads a training framework. ``reconcile`` is the one loop that mends what
died half-way: runs nobody works on, rows nobody picked up, a Redis that was emptied.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from recommender import (
    artifacts,
    availability,
    behind,
    broker,
    generations,
    posted,
    processes,
    publish,
    runs,
    steering,
    store,
)
from recommender.dataset import subject
from recommender.engine import architectures as known
from recommender.engine.config import Config
from recommender.models import Generation, Switch, TrainingPlan, TrainingRun, Tuning
from recommender.posted import note_again, note_events, refill_recent, send_refresh

log = logging.getLogger(__name__)
__all__ = ["note_again", "note_events", "refill_recent", "send_refresh"]  # of ``posted``, for those who call this door

RESEND_AFTER = timedelta(seconds=30)
STOP_GRACE = timedelta(seconds=30)
MOST_TRIALS = 1_000
#: A worker that takes the queue ``train`` shows itself under this name.
TRAIN_WORKER = "queue-train"

Status = TrainingRun.Status
Job = TypeVar("Job", TrainingRun, Tuning)


class AlreadyActive(Exception):
    """A run or tuning is queued or running; ``run`` is it."""

    def __init__(self, run: TrainingRun | Tuning | None) -> None:
        super().__init__(f"{run or 'another run'} is {run.status if run else 'active'}")
        self.run = run


class CannotServe(Exception):
    """What was asked to serve has no lists any more, or there is nothing to go back to."""


class CannotDelete(Exception):
    """The model's files are needed; the text says what for."""


class CannotShadow(Exception):
    """The run has no model that could be scored beside the one that serves."""


# --- Runs ---


def request_training(
    *,
    trigger: str = "manual",
    by: User | None = None,
    architecture: str = "deep",
    seed: int = 0,
    as_of: datetime | None = None,
    config: Mapping[str, Any] | None = None,
    slot: str | None = None,
    warm_start: TrainingRun | None = None,
    publish: str = TrainingRun.Publish.SERVE,
    enqueue: bool = True,
) -> TrainingRun:
    """A queued run, handed to a worker after commit (``enqueue`` False: the caller starts it itself).

    ``warm_start``: begin with that run's weights, where features and layers are still the same (the run says
    whether they were); ``publish``: "serve", "shadow" (scored beside what serves) or "keep" (its lists are stored,
    nobody sees them). Raises :class:`AlreadyActive` where a run is queued or running or the schedule's ``slot`` had
    its run, and ``UnknownArchitecture``, ``UnknownSetting`` or ``ValueError`` for what does not exist.
    """
    known.architecture(architecture)
    given = {name: value for name, value in (config or {}).items() if name not in ("architecture", "seed")}
    chosen = Config.from_dict({**given, "architecture": architecture, "seed": seed})
    if publish not in TrainingRun.Publish.values:
        raise ValueError(f"publish: expected {', '.join(TrainingRun.Publish.values)}; received {publish!r}")
    try:
        with transaction.atomic():
            run = TrainingRun.objects.create(
                trigger=trigger,
                slot=slot,
                requested_by=by,
                architecture=architecture,
                seed=seed,
                as_of=as_of,
                chosen=given,
                config=chosen.to_dict(),
                warm_start=warm_start,
                publish=publish,
            )
            if enqueue:
                transaction.on_commit(lambda: send_training(run.pk))
    except IntegrityError as error:
        raise AlreadyActive(TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE).first()) from error
    return run


def still_known(chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of an earlier run that the engine still has: a later run may repeat it after an upgrade."""
    return {name: value for name, value in chosen.items() if name in Config.__dataclass_fields__}


def send_training(run_id: int) -> bool:
    """Hand the run to a worker; whether the broker took it (the reconciler sends it again otherwise)."""
    from recommender.tasks import run_training

    return broker.send(run_training, run_id, queue="train")


def request_tuning(
    *,
    trials: int,
    architectures: Sequence[str] = ("deep",),
    by: User | None = None,
    seed: int = 0,
    enqueue: bool = True,
) -> Tuning:
    """A queued search of ``trials`` configurations among ``architectures``, handed to a worker after commit.

    Raises :class:`AlreadyActive` where one is queued or running, ``UnknownArchitecture``, and ``ValueError`` for
    no trials or no architecture.
    """
    if not 1 <= trials <= MOST_TRIALS:
        raise ValueError(f"trials: expected 1 to {MOST_TRIALS}, received {trials}")
    if not architectures:
        raise ValueError("architectures: expected at least one, received none")
    for name in architectures:
        known.architecture(name)
    names = list(dict.fromkeys(architectures))
    try:
        with transaction.atomic():
            tuning = Tuning.objects.create(trials_total=trials, architectures=names, requested_by=by, seed=seed)
            if enqueue:
                transaction.on_commit(lambda: send_tuning(tuning.pk))
    except IntegrityError as error:
        raise AlreadyActive(Tuning.objects.filter(status__in=Tuning.ACTIVE).first()) from error
    return tuning


def send_tuning(tuning_id: int) -> bool:
    """Hand the search to a worker; whether the broker took it."""
    from recommender.tasks import run_tuning

    return broker.send(run_tuning, tuning_id, queue="train")


def stop_tuning(*, tuning: Tuning) -> Tuning:
    """Ask the search to stop: a queued one ends at once, a running one within its trial; what was found stays."""
    return _stop(tuning)


def stop_run(*, run: TrainingRun) -> TrainingRun:
    """Ask the run to stop: a queued one ends at once, a running one at its next step (30 s at most)."""
    return _stop(run)


def _stop(job: Job) -> Job:
    rows = type(job).objects.filter(pk=job.pk)
    rows.filter(status=Status.QUEUED).update(status=Status.STOPPED, stop_requested=True, finished_at=timezone.now())
    rows.filter(status=Status.RUNNING).update(stop_requested=True)
    job.refresh_from_db()
    return job


# --- Model files ---


def delete_artifacts(*, run: TrainingRun, by: User | None = None) -> None:
    """Delete the run's model files and stored lists; its row, figures and curves stay.

    Raises :class:`CannotDelete` for what serves, is kept for a roll-back or in shadow, or is the only good one.
    """
    if run.is_active:
        raise CannotDelete(f"{run} is {run.status}: stop it first")
    if reason := artifacts.needed_for(run):
        raise CannotDelete(f"the model of {run} {reason}")
    _delete(run)
    log.info("the model files of %s were deleted by %s", run, by or "the rule")


def prune(*, now: datetime | None = None) -> list[int]:
    """Delete by ``artifacts.RULE``; returns the runs whose files went."""
    runs_due = artifacts.due(now or timezone.now())
    for run in runs_due:
        delete_artifacts(run=run)
    return [run.pk for run in runs_due]


def _delete(run: TrainingRun) -> None:
    """Rows first: a half-deleted folder must not look whole to whoever reads the row."""
    with transaction.atomic():
        stored = list(run.generations.filter(status=Generation.Status.READY))
        run.generations.filter(status=Generation.Status.READY).update(status=Generation.Status.RETIRED)
        TrainingRun.objects.filter(pk=run.pk).update(
            artifact="", artifact_sha256="", artifact_deleted_at=timezone.now()
        )
    for generation in stored:
        publish.remove_lists(generation)
    artifacts.remove(runs.folder(run.pk))


# --- What serves ---


def promote(*, run: TrainingRun, by: User | None = None) -> Switch:
    """Let the newest stored generation of ``run`` serve; raises :class:`CannotServe`."""
    generation = run.generations.filter(status=Generation.Status.READY).first()
    if generation is None:
        raise CannotServe(f"run {run.pk} has no stored lists any more; train again to publish it")
    _fill(generation)
    with transaction.atomic():
        switch = publish.switch_to(generation, reason="promoted", fence=generation.run_id, by=by)
        TrainingPlan.objects.filter(shadow_run=run).update(shadow_run=None, shadow_since=None)
    return switch


def shadow(*, run: TrainingRun | None, by: User | None = None) -> None:
    """Score ``run`` beside what serves from now on, without showing it; None: nothing.

    Raises :class:`CannotShadow` for a run that did not pass the gate, has no files any more, or serves.
    """
    now = publish.serving()
    if run is not None:
        if run.status != Status.SUCCEEDED:
            raise CannotShadow(f"expected a run that passed the gate; {run} is {run.status}")
        if not run.artifact:
            raise CannotShadow(f"expected a model on disk; that of {run} was deleted")
        if now is not None and now.generation.run_id == run.pk:
            raise CannotShadow(f"{run} serves already")
    with transaction.atomic():
        TrainingPlan.objects.get_or_create(pk=1)
        TrainingPlan.objects.filter(pk=1).update(shadow_run=run, shadow_since=timezone.now() if run else None)
    log.info("%s is scored in shadow, asked by %s", run or "nothing", by or "a run")


def roll_back(*, by: User | None = None) -> Switch:
    """Let the generation that served before serve again; raises :class:`CannotServe` where there is none."""
    if publish.serving() is None:
        raise CannotServe("nothing serves")
    before = rollback_target()
    if before is None:
        raise CannotServe("no earlier generation is stored")
    _fill(before)
    return publish.switch_to(before, reason="rolled_back", fence=before.run_id, by=by)


def rollback_target() -> Generation | None:
    """What a roll-back would let serve: the stored generation that served last before the one that serves now."""
    now = publish.serving()
    if now is None:
        return None
    return (
        Generation.objects.filter(switches__number__lt=now.number, status=Generation.Status.READY)
        .exclude(pk=now.generation_id)
        .order_by("-switches__number")
        .first()
    )


def _fill(generation: Generation) -> None:
    """The lists must be whole on disk (else :class:`CannotServe`); what Redis lacks of them is put there before anybody
    reads it."""
    try:
        stored = generations.StoredGeneration(generation.pk)
        if store.manifest(generation.pk) != stored.manifest.to_dict():
            publish.republish(generation)
    except generations.NotStored as error:
        raise CannotServe(str(error)) from error
    except store.StoreDown as error:
        log.warning("switching to generation %s without Redis: %s", generation.pk, error)


# --- What changed ---


def note_products() -> int:
    """After a change in the catalogue that must show at once (hide, retire): do not wait for the loop."""
    try:
        return availability.publish_changes()
    except store.StoreDown as error:
        log.warning("availability was not published: %s", error)
        return 0


def note_merge(*, visitor: str, shopper: str) -> None:
    """After ``behavior.services.merge_visitor``: what the visitor did counts for the shopper from the next answer."""
    source, target = subject("visitor", visitor), subject("shopper", shopper)
    try:
        events = store.recent(source)
        if events:
            store.note_recent({target: events})
        store.forget(source, _kept_generations())
    except store.StoreDown as error:
        log.warning("a merge was not noted: %s", error)
        return
    send_refresh(target)


def forget(*, kind: str, external_id: str) -> None:
    """Remove a subject's lists and recent events from Redis. Raises ``store.StoreDown``."""
    store.forget(subject(kind, external_id), _kept_generations())


def note_settings(*names: str) -> None:
    """After commit of rules or placements: the next answer goes by them."""
    try:
        steering.publish(*names)
    except store.StoreDown as error:
        log.warning("%s were not published: %s", ", ".join(names), error)


# --- Mending ---


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
        refill_recent(switch.generation)
    for mark in behind.left_behind():
        posted.mend(mark)
    publish.mend_pointer()


def _kept_generations() -> list[int]:
    return list(Generation.objects.filter(status=Generation.Status.READY).values_list("pk", flat=True))
