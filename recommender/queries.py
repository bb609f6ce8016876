"""What pages and commands read of runs, generations and switches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from recommender.models import Switch, TrainingPlan, TrainingRun


@dataclass(frozen=True)
class InShadow:
    """The run that is scored beside what serves, and since when."""

    run: TrainingRun
    since: datetime


def runs() -> QuerySet[TrainingRun]:
    """Newest first, with who asked for each: one query."""
    return TrainingRun.objects.select_related("requested_by").order_by("-id")


def serving() -> Switch | None:
    """What serves, with its generation and run."""
    return Switch.objects.select_related("generation__run", "by").first()


def in_shadow() -> InShadow | None:
    """None where no run is: one query."""
    plan = TrainingPlan.objects.select_related("shadow_run").first()
    if plan is None or plan.shadow_run is None or plan.shadow_since is None:
        return None
    return InShadow(plan.shadow_run, plan.shadow_since)


def switches() -> QuerySet[Switch]:
    """Who served since when, newest first."""
    return Switch.objects.select_related("generation__run", "by")
