"""The files of a model: deleted by hand or by the rule."""

from __future__ import annotations

import logging
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from recommender import artifacts, publish, runs
from recommender.models import Generation, TrainingRun

log = logging.getLogger(__name__)


class CannotDelete(Exception):
    """The model's files are needed; the text says what for."""


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
