"""What serves, and what is scored beside it."""

from __future__ import annotations

import logging

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from recommender import generations, publish, store
from recommender.models import Generation, Switch, TrainingPlan, TrainingRun

log = logging.getLogger(__name__)


class CannotServe(Exception):
    """What was asked to serve has no lists any more, or there is nothing to go back to."""


class CannotShadow(Exception):
    """The run has no model that could be scored beside the one that serves."""


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
        if run.status != TrainingRun.Status.SUCCEEDED:
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
