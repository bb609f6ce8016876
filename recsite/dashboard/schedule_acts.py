"""What a person does to the plan of trainings and the gate's margins: the write and its entry in the audit log, both or
neither. An entry keeps the plan before and after, so that Undo can put back what was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import time, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from recommender import schedule
from recommender.models import TrainingPlan
from recommender.schedule import Plan
from recsite.dashboard import audit
from recsite.dashboard.models import AuditEntry

CHANGED = "schedule.change"


@transaction.atomic
def change(*, plan: Plan, by: User) -> AuditEntry | None:
    """None where it was so already. Raises ``schedule.BadPlan``."""
    before = _locked()
    after = schedule.save(plan=plan)
    if before == after:
        return None
    return _note(before, after, by)


@transaction.atomic
def undo(*, entry: AuditEntry, by: User) -> bool:
    """Set what was before the change that ``entry`` tells of; False where something was changed since. Slots that have
    passed meanwhile start nothing."""
    before, after = (from_json(entry.detail[key]) for key in ("before", "after"))
    if _locked() != after:
        return False
    schedule.save(plan=before)
    _note(after, before, by, undo=True)
    return True


def to_json(plan: Plan) -> dict[str, Any]:
    """Weekdays as numbers, the time as 03:30, the cool-down in seconds."""
    values = asdict(plan)
    return {
        **values,
        "weekdays": list(plan.weekdays),
        "at": f"{plan.at:%H:%M}",
        "cool_down": plan.cool_down.total_seconds(),
    }


def from_json(values: Mapping[str, Any]) -> Plan:
    """The inverse of :func:`to_json`."""
    return Plan(
        **{
            **values,
            "weekdays": tuple(values["weekdays"]),
            "at": time.fromisoformat(values["at"]),
            "cool_down": timedelta(seconds=values["cool_down"]),
        }
    )


def _locked() -> Plan:
    """The plan as it is; nobody changes it until this transaction ends."""
    TrainingPlan.objects.select_for_update().get_or_create(pk=1)
    return schedule.read()


def _note(before: Plan, after: Plan, by: User, **more: object) -> AuditEntry:
    detail = {"before": to_json(before), "after": to_json(after), **more}
    return audit.note(by=by, action=CHANGED, subject="schedule", detail=detail)
