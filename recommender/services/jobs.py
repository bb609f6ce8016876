"""Trainings and tunings: asked for, handed to a worker, asked to stop."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from recommender import broker
from recommender.engine import architectures as known
from recommender.engine.config import Config
from recommender.models import TrainingRun, Tuning

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
