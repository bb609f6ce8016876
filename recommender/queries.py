"""What pages and commands read of runs, generations and switches."""

from __future__ import annotations

from django.db.models import QuerySet

from recommender.models import Generation, Switch, TrainingRun


def runs() -> QuerySet[TrainingRun]:
    """Newest first, with who asked for each: one query."""
    return TrainingRun.objects.select_related("requested_by").order_by("-id")


def active_run() -> TrainingRun | None:
    """The run that is queued or running, of which there is at most one."""
    return TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE).first()


def serving() -> Switch | None:
    """What serves, with its generation and run."""
    return Switch.objects.select_related("generation__run", "by").first()


def switches() -> QuerySet[Switch]:
    """Who served since when, newest first."""
    return Switch.objects.select_related("generation__run", "by")


def promotable() -> QuerySet[Generation]:
    """Generations whose lists are stored, newest first: what ``services.promote`` takes."""
    return Generation.objects.filter(status=Generation.Status.READY).select_related("run")
