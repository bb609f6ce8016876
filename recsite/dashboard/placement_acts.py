"""What a person does to placements in the console: the write and its line in the audit log, both or neither.

An entry keeps the setup before and after, so that Undo can put back what was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from recommender import placements
from recommender.models import Placement
from recommender.placements import Refused, Setup, setup_of
from recsite.dashboard import audit
from recsite.dashboard.addresses import page
from recsite.dashboard.models import AuditEntry


class Overtaken(Exception):
    """What was to be undone was changed again since: ``entry`` says by whom and when."""

    def __init__(self, entry: AuditEntry) -> None:
        super().__init__(f"{entry.by_name or 'somebody'} changed it meanwhile")
        self.entry = entry


@dataclass(frozen=True)
class Done:
    """``text`` for the toast, ``undo_url`` to post to (empty: no way back), and the placement where there is one."""

    text: str
    undo_url: str = ""
    placement: Placement | None = None


@transaction.atomic
def create(*, slug: str, setup: Setup, by: User) -> Done:
    """Raises ``Refused``."""
    placement = placements.create(slug=slug, setup=setup)
    entry = note(by, "create", slug, None, setup_of(placement))
    return Done(
        f"“{placement.title}” is live since {_now()}: the API answers for “{slug}”.", undo_url(entry), placement
    )


@transaction.atomic
def change(*, slug: str, setup: Setup, seen: datetime | None, by: User) -> Done:
    """Raises ``Refused``, ``placements.Changed`` and ``Placement.DoesNotExist``."""
    before = setup_of(Placement.objects.select_for_update().get(slug=slug))
    placement = placements.change(slug=slug, setup=setup, seen=seen)
    after = setup_of(placement)
    if after == before:
        return Done(f"“{placement.title}” is as it was.", placement=placement)
    entry = note(by, "change", slug, before, after)
    state = f"is live as changed since {_now()}" if after.is_active else f"is off since {_now()}"
    return Done(f"“{placement.title}” {state}.", undo_url(entry), placement)


@transaction.atomic
def delete(*, slug: str, by: User) -> Done:
    """Raises ``Refused`` and ``Placement.DoesNotExist``."""
    was = placements.delete(slug=slug)
    entry = note(by, "delete", slug, was, None)
    return Done(f"“{was.title}” is deleted: the API knows “{slug}” no more.", undo_url(entry))


@transaction.atomic
def undo(*, entry: AuditEntry, by: User) -> Done:
    """Put back what the entry changed, created or deleted. Raises :class:`Overtaken` and ``Refused``."""
    slug = entry.subject
    newest = history(slug).first()
    if newest is None or newest.pk != entry.pk:
        raise Overtaken(newest or entry)
    before, after = entry.detail.get("before"), entry.detail.get("after")
    if before is None:
        placements.delete(slug=slug)
        note(by, "undo", slug, Setup.from_dict(after), None)
        return Done(f"“{after['title']}” is gone again.")
    was = Setup.from_dict(before)
    placement = placements.create(slug=slug, setup=was) if after is None else placements.change(slug=slug, setup=was)
    note(by, "undo", slug, None if after is None else Setup.from_dict(after), was)
    return Done(f"“{placement.title}” is as it was before.", placement=placement)


def history(slug: str) -> QuerySet[AuditEntry]:
    """What was done to a placement, newest first."""
    return AuditEntry.objects.filter(action__startswith="placement.", subject=slug)


def note(by: User, verb: str, slug: str, before: Setup | None, after: Setup | None) -> AuditEntry:
    """The line of the audit log that Undo goes by; in the transaction of what it tells of."""
    detail: dict[str, Any] = {
        "before": before.to_dict() if before else None,
        "after": after.to_dict() if after else None,
    }
    return audit.note(by=by, action=f"placement.{verb}", subject=slug, detail=detail)


def undo_url(entry: AuditEntry) -> str:
    """What to post to, to take back what ``entry`` tells of."""
    return page("placement-undo", entry.pk)


def _now() -> str:
    return f"{timezone.localtime():%H:%M}"


__all__ = ["Done", "Overtaken", "Refused", "change", "create", "delete", "history", "note", "undo", "undo_url"]
