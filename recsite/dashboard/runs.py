"""A run in words: its state, who asked for it, what can be done with it."""

from __future__ import annotations

from datetime import datetime

from recommender.model_names import baseline_name
from recommender.models import TrainingRun
from recsite.dashboard import numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Badge
from recsite.dashboard.queries.models import Serving

Status = TrainingRun.Status
STATUSES = {
    Status.QUEUED: "Waiting for a worker",
    Status.RUNNING: "Training",
    Status.SUCCEEDED: "Let through",
    Status.REFUSED: "Refused by the gate",
    Status.SKIPPED: "Too little data",
    Status.STOPPED: "Stopped",
    Status.FAILED: "Failed",
}
_TONES = {
    Status.QUEUED: "accent",
    Status.RUNNING: "accent",
    Status.REFUSED: "bad",
    Status.FAILED: "bad",
    Status.SKIPPED: "warn",
}
_TRIGGERS = {
    "manual": "by hand",
    "demo": "by the first start",
    "schedule": "by the schedule",
    "data": "by new data",
    "drift": "by drift",
    "ctr": "by falling clicks",
}


def state_of(status: str, *, serves_since: datetime | None = None, stored: bool = False) -> Badge:
    """The state in words: ``Serving since 18 Dec 06:04``, ``Ready to serve``, ``Refused by the gate``."""
    if serves_since is not None:
        return Badge(f"Serving since {numbers.moment(serves_since)}", "good")
    if status == Status.SUCCEEDED:
        return Badge("Ready to serve", "accent") if stored else Badge("Retired")
    return Badge(STATUSES.get(Status(status), status), _TONES.get(Status(status), "neutral"))


def badge_of(run: TrainingRun, serving: Serving | None, *, stored: bool) -> Badge:
    """The same for a whole row."""
    since = serving.since if serving and serving.run == run.pk else None
    if run.is_active and run.stop_requested:
        return Badge("Stopping", "warn")
    return state_of(run.status, serves_since=since, stored=stored)


def asked_by(trigger: str, person: str) -> str:
    """``by anna`` where a person asked, else what did: ``by the schedule``."""
    return f"by {person}" if person else _TRIGGERS.get(trigger, f"by {trigger}")


def person_of(run: TrainingRun) -> str:
    return run.requested_by.get_username() if run.requested_by else ""


def title_of(run: TrainingRun) -> str:
    """A run that ended with a model is called one."""
    return f"{'Model' if run.metrics and not run.is_active else 'Run'} {run.pk}"


def name_of_served(version: str, run: int) -> str:
    """``deep-7``, as the API says, in the words of these pages: ``Model 7 · Deep ranker``."""
    return f"Model {run} · {baseline_name(version.removesuffix(f'-{run}'))}"


def switching(
    run: TrainingRun,
    serving: Serving | None,
    *,
    generation: int | None,
    permissions: frozenset[str],
    small: bool = True,
) -> list[Action]:
    """Promote (for who may, where it does not serve), and both models side by side in Preview."""
    if generation is None:
        return []
    actions = []
    if roles.SWITCH_MODELS in permissions and not (serving and serving.generation == generation):
        label = f"Promote model {run.pk}"
        actions.append(Action(label, page("model-promote", run.pk), "primary", post=True, small=small))
    if serving and serving.generation != generation:
        both = page("preview", a="serving.live", b=f"{generation}.live")
        actions.append(Action(f"Preview {serving.run} and {run.pk}", both, small=small))
    return linked(*actions)
