"""What a person does to experiments in the console: the write and its line in the audit log, both or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from recommender import experiments
from recommender.assignment import B
from recommender.models import Experiment
from recommender.placements import Setup
from recsite.dashboard import audit, placement_acts
from recsite.dashboard.models import AuditEntry

END = "experiment.end"


@dataclass(frozen=True)
class Done:
    """``text`` for the toast, ``undo_url`` to post to (empty: no way back)."""

    text: str
    undo_url: str = ""


@transaction.atomic
def start(*, slug: str, title: str, placement: str, share: int, goal: str, setup: Setup, by: User) -> Experiment:
    """Raises ``placements.Refused`` and ``Placement.DoesNotExist``."""
    experiment = experiments.start(
        slug=slug, title=title, placement=placement, share=share, goal=goal, setup=setup, by=by
    )
    _note(by, "experiment.start", experiment, title=experiment.title, share=share, goal=goal)
    return experiment


@transaction.atomic
def end(*, slug: str, keep: str, by: User) -> Done:
    """Keeping B changes the placement, which its history shows and Undo takes back.

    Raises ``experiments.Ended``, ``Experiment.DoesNotExist``, ``placements.Refused`` and ``ValueError``.
    """
    experiment = experiments.end(slug=slug, keep=keep)
    _note(by, END, experiment, keep=keep)
    a, b = Setup.from_dict(experiment.before), Setup.from_dict(experiment.setup)
    text = f"“{experiment.title}” ended at {timezone.localtime():%H:%M}: everybody gets {keep.upper()} on “{a.title}”."
    if keep != B:
        return Done(text)
    return Done(text, placement_acts.undo_url(placement_acts.note(by, "change", experiment.placement, a, b)))


def ended_by(experiment: Experiment) -> str:
    """Who ended it, by the audit log; empty where nobody did in the console. One query."""
    entry = AuditEntry.objects.filter(action=END, subject=experiment.slug).order_by("-id").first()
    return entry.by_name if entry else ""


def _note(by: User, action: str, experiment: Experiment, **detail: Any) -> None:
    detail = {"placement": experiment.placement, **detail, "before": experiment.before, "after": experiment.setup}
    audit.note(by=by, action=action, subject=experiment.slug, detail=detail)
