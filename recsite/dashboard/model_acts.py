"""What a person does to the model in shadow: the write and its line in the audit log, both or neither."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction

from recommender import queries, services
from recommender.models import TrainingPlan, TrainingRun
from recsite.dashboard import audit
from recsite.dashboard.addresses import page


class Overtaken(Exception):
    """What was to be changed was changed by somebody else since; the text says what is in shadow now."""


@dataclass(frozen=True)
class Done:
    """``text`` for the toast and the address that takes it back."""

    text: str
    undo_url: str


@transaction.atomic
def put_in_shadow(*, run: TrainingRun, by: User, instead_of: int | None = None) -> Done:
    """Score ``run`` beside what serves, in place of whatever was. With ``instead_of`` (a run, 0: none) only while that
    one is in shadow. Raises ``services.CannotShadow`` and :class:`Overtaken`."""
    before = _locked()
    if instead_of is not None and before != instead_of:
        raise Overtaken(_now(before))
    services.shadow(run=run, by=by)
    audit.note(by=by, action="model.shadow", subject=f"run {run.pk}", detail={"instead_of": before or None})
    back = page("model-shadow", before, instead_of=run.pk) if before else page("model-shadow-out", run.pk)
    return Done(f"Model {run.pk} is scored in shadow from now on; shoppers see nothing of it.", back)


@transaction.atomic
def take_out_of_shadow(*, run: TrainingRun, by: User) -> Done:
    """Score nothing any more; what was gathered stays. Raises :class:`Overtaken` where ``run`` is not in shadow."""
    before = _locked()
    if before != run.pk:
        raise Overtaken(_now(before))
    services.shadow(run=None, by=by)
    audit.note(by=by, action="model.shadow_end", subject=f"run {run.pk}")
    return Done(
        f"Model {run.pk} is out of shadow; what was gathered stays.", page("model-shadow", run.pk, instead_of="0")
    )


def _locked() -> int:
    """The run in shadow, 0 where none is; nobody changes it until this transaction ends."""
    TrainingPlan.objects.get_or_create(pk=1)
    TrainingPlan.objects.select_for_update().get(pk=1)
    found = queries.in_shadow()
    return found.run.pk if found else 0


def _now(run: int) -> str:
    return f"Model {run} is in shadow now." if run else "Nothing is in shadow now."
