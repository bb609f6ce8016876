"""The run that is at work: how far it is, what it learned so far, and the way to stop it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.utils import timezone

from recommender import services, store
from recommender.models import TrainingRun
from recsite.dashboard import learning, numbers, roles
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Badge, Dialog, Notice, Progress, Step, time_left
from recsite.dashboard.learning import Learned
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.runs import Status, asked_by, person_of

WAITED = 15  # seconds after which a queued run asks where the worker is
#: The steps as people follow them, and the run's own names for them.
_STEPS = (
    ("Read", ("", "profiles", "read", "clean")),
    ("Profiles and features", ("features",)),
    ("Train", ("train",)),
    ("Measure", ("measure",)),
    ("Refit on everything", ("refit", "save")),
    ("Gate", ("gate",)),
    ("Publish", ("publish",)),
)


@dataclass(frozen=True)
class LiveCurves:
    """Curves that grow: ``url`` is asked every two seconds and answers only when an epoch was added."""

    template: ClassVar[str] = "partials/live_curves.html"
    learned: Sequence[Learned]
    url: str
    running: bool


@dataclass(frozen=True)
class LiveRun:
    """The run that is at work: steps, progress asked for every second, its curves so far, the way to stop it."""

    template: ClassVar[str] = "partials/live_run.html"
    title: str
    badge: Badge
    href: str
    progress: Progress
    curves: LiveCurves
    stop: Dialog | None
    notice: Notice | None


def live_run(run: TrainingRun, serving: Serving | None, *, permissions: frozenset[str]) -> LiveRun:
    """``permissions``: of who looks. Asks Redis for a worker's heartbeat where the run waits for one."""
    word = {Status.QUEUED: "is waiting"}.get(Status(run.status), "is training")
    if run.stop_requested:
        word = "is stopping"
    since = timezone.localtime(run.created_at)
    may_stop = roles.RETRAIN in permissions and not run.stop_requested
    return LiveRun(
        title=f"Run {run.pk} {word}",
        badge=Badge(f"started {asked_by(run.trigger, person_of(run))}, {since:%H:%M}", "accent"),
        href=page("model", run.pk),
        progress=progress_of(run),
        curves=live_curves(run),
        stop=stop_dialog(run, serving) if may_stop else None,
        notice=_missing_worker(run),
    )


def stop_dialog(run: TrainingRun, serving: Serving | None) -> Dialog:
    """What is lost and what stays when the run is stopped."""
    goes_on = f"Model {serving.run} goes on serving." if serving else "Best sellers go on serving."
    return Dialog(
        id="stop-run",
        title=f"Stop run {run.pk}?",
        text=f"What it has learned so far is lost. {goes_on}",
        action=page("model-stop", run.pk),
        confirm=f"Stop run {run.pk}",
        keep="Let it train",
        cancel_href=page("models"),
    )


def _missing_worker(run: TrainingRun) -> Notice | None:
    waited = (timezone.now() - run.created_at).total_seconds()
    if run.status != Status.QUEUED or waited < WAITED or store.is_alive(services.TRAIN_WORKER):
        return None
    return Notice(
        "No worker takes training jobs.",
        "The run begins as soon as one is started (manage.py or the supervisor's worker with the queue “train”).",
        "warn",
    )


def progress_of(run: TrainingRun) -> Progress:
    """Steps, share, time left, pace and how fresh this is."""
    running = run.is_active
    return Progress(
        label=f"Run {run.pk}",
        fraction=run.progress,
        steps=_steps(run),
        left=time_left(run.started_at, run.progress),
        facts=[fact for fact in _facts(run) if fact],
        silent=_silent(run),
        url=page("model-progress", run.pk),
        running=running,
    )


def _steps(run: TrainingRun) -> list[Step]:
    at = next((place for place, (_, names) in enumerate(_STEPS) if run.step in names), 0)
    steps = []
    for place, (label, _) in enumerate(_STEPS):
        state = "done" if place < at else "current" if place == at and run.status == Status.RUNNING else "waiting"
        steps.append(Step(_label(run, label, state), state))
    return steps


def _label(run: TrainingRun, label: str, state: str) -> str:
    events = (run.data_window or {}).get("events")
    if label == "Read" and events:
        return f"Read {numbers.plural(int(events), 'event')}"
    if label == "Train" and state == "current" and run.epoch:
        return f"Train, epoch {run.epoch} of {run.epochs}"
    return label


def _facts(run: TrainingRun) -> list[str]:
    losses = run.curves or {}
    training, later = _last(losses, "loss"), _last(losses, "validation_loss")
    return [
        f"{numbers.count(run.rows_per_second)} rows/s" if run.rows_per_second else "",
        f"loss {numbers.decimal(training, 3)}" if training is not None else "",
        f"on later days {numbers.decimal(later, 3)}" if later is not None else "",
        run.device,
        f"attempt {run.attempts}" if run.attempts > 1 else "",
        f"asked for {numbers.ago(run.created_at)}" if run.status == Status.QUEUED else "",
    ]


def _last(curves: Mapping[str, Any], name: str) -> float | None:
    values = [value for value in curves.get(name, ()) if value is not None]
    return values[-1] if values else None


def _silent(run: TrainingRun) -> float | None:
    if run.status != Status.RUNNING or run.heartbeat_at is None:
        return None
    return max(0.0, (timezone.now() - run.heartbeat_at).total_seconds())


def live_curves(run: TrainingRun) -> LiveCurves:
    """What the run has learned so far."""
    nets = learning.nets_of(run)
    each = max(int((run.config or {}).get("epochs") or 0), 2)
    shown = len((run.curves or {}).get("epoch", ()))
    return LiveCurves(
        learned=learning.charts_of(nets, epochs=each, id="live", finished=False),
        url=page("model-curves", run.pk, epochs=shown),
        running=run.is_active,
    )
