"""What people do with experiments: start one on a placement, end it with the setup to keep.

Every write is one transaction; after commit serving learns of it, so the next answer goes by it. What came of an
experiment: ``experiment_results``.
"""

from __future__ import annotations

from dataclasses import replace

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from recommender import placements, services
from recommender.assignment import A, B
from recommender.models import Experiment, Placement
from recommender.placements import SLUG, Refused, Setup, setup_of

SLUG_LENGTH = 40
SHARES = (1, 99)
GOALS = tuple(str(value) for value in Experiment.Goal.values)


class Ended(Exception):
    """The experiment has been ended already: ``experiment`` as it is."""

    def __init__(self, experiment: Experiment) -> None:
        super().__init__(f"“{experiment.title}” ended on {timezone.localtime(experiment.ended_at):%-d %B at %H:%M}")
        self.experiment = experiment


@transaction.atomic
def start(*, slug: str, title: str, placement: str, share: int, goal: str, setup: Setup, by: User | None) -> Experiment:
    """Show ``setup`` to ``share`` percent of the shoppers from the next request on, the placement as it is to the rest;
    ``goal`` decides which is better.

    Raises ``placements.Refused`` with everything that is wrong and ``Placement.DoesNotExist``.
    """
    row = Placement.objects.select_for_update().get(slug=placement)
    before = setup_of(row)
    setup = replace(setup, title=before.title, is_active=True)
    errors = _amiss(row, slug=slug, title=title, share=share, goal=goal, same=setup == before)
    try:
        placements.check(setup)
    except Refused as refused:
        errors = {**refused.errors, **errors}
    if errors:
        raise Refused(errors)
    try:
        with transaction.atomic():
            experiment = Experiment.objects.create(
                slug=slug, title=title.strip(), placement=placement, share=share, goal=goal,
                before=before.to_dict(), setup=setup.to_dict(), started_by=by,
            )  # fmt: skip
    except IntegrityError as error:  # somebody was quicker under the same name
        raise Refused({"slug": f"Name in the API: “{slug}” is taken already."}) from error
    transaction.on_commit(lambda: services.note_settings("placements"))
    return experiment


@transaction.atomic
def end(*, slug: str, keep: str) -> Experiment:
    """Everybody gets one setup again: ``keep`` "a" the placement's own, "b" the other one, which is the placement's
    from now on. Raises :class:`Ended`, ``Experiment.DoesNotExist``, and ``ValueError`` for another ``keep``."""
    if keep not in (A, B):
        raise ValueError(f"expected to keep {A!r} or {B!r}, received {keep!r}")
    experiment = Experiment.objects.select_for_update().get(slug=slug)
    if experiment.status == Experiment.Status.ENDED:
        raise Ended(experiment)
    experiment.status, experiment.kept, experiment.ended_at = Experiment.Status.ENDED, keep, timezone.now()
    experiment.save(update_fields=["status", "kept", "ended_at"])
    if keep == B:
        placements.change(slug=experiment.placement, setup=Setup.from_dict(experiment.setup))
    transaction.on_commit(lambda: services.note_settings("placements"))
    return experiment


def running_on(placement: str) -> Experiment | None:
    """The experiment that runs on a placement."""
    return Experiment.objects.filter(placement=placement, status=Experiment.Status.RUNNING).first()


def _amiss(placement: Placement, *, slug: str, title: str, share: int, goal: str, same: bool) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not SLUG.match(slug) or len(slug) > SLUG_LENGTH or slug in placements.RESERVED:
        errors["slug"] = (
            f"Name in the API: expected at most {SLUG_LENGTH} small letters, digits and hyphens, received “{slug}”."
        )
    elif Experiment.objects.filter(slug=slug).exists():
        errors["slug"] = f"Name in the API: “{slug}” is taken already."
    if not 1 <= len(title.strip()) <= 120:
        errors["title"] = f"What is tried: expected 1 … 120 letters, received {len(title.strip())}."
    if not SHARES[0] <= share <= SHARES[1]:
        errors["share"] = f"Share: expected {SHARES[0]} … {SHARES[1]} %, received {share}."
    if goal not in GOALS:
        errors["goal"] = f"What decides: expected one of {', '.join(GOALS)}; received “{goal}”."
    if not placement.is_active:
        errors["placement"] = f"“{placement.title}” is switched off: nobody would see either setup."
    elif running := running_on(placement.slug):
        errors["placement"] = f"“{running.title}” runs on “{placement.title}” already: one at a time."
    if same:
        errors["setup"] = "Setup B is what the placement does now: change something of it."
    return errors
