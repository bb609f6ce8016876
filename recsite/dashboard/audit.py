"""The audit log: who did what, when. Append-only; each entry is sealed with the one before.

The seal is ``sha256(previous seal ‖ canonical JSON of the entry)``, so a changed, removed or reordered entry breaks
the chain at its place (Schneier and Kelsey, "Secure audit logs to support computer forensics", 1999, without their
secret: it shows tampering to whoever kept a seal, it does not prevent it).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import connection, transaction
from django.utils import timezone

from recsite.dashboard.models import AuditEntry

LOCK = 0x617564  # one writer at a time, or two entries would be sealed with the same one before


def note(
    *,
    by: AbstractBaseUser | AnonymousUser | None,
    action: str,
    subject: str = "",
    detail: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Add an entry, in the transaction of what it tells of: both happen or neither.

    ``action``: ``<noun>.<verb>``. ``detail``: JSON, without secrets. ``by`` None: the product itself.
    """
    person = by if isinstance(by, User) else None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        entry = AuditEntry(
            at=timezone.now(),
            by=person,
            by_name=person.get_username() if person else "",
            action=action,
            subject=subject,
            detail=dict(detail or {}),
        )
        entry.sha256 = _seal(_last_seal(), entry)
        entry.save()
    return entry


@dataclass(frozen=True)
class Checked:
    """``entries`` whose seals hold, and the id of the first whose does not (None: all do)."""

    entries: int
    broken_at: int | None


def verify() -> Checked:
    """Walk the chain from its beginning."""
    before, held = "", 0
    for entry in AuditEntry.objects.order_by("id").iterator(2000):
        if entry.sha256 != _seal(before, entry):
            return Checked(held, entry.pk)
        before, held = entry.sha256, held + 1
    return Checked(held, None)


def _last_seal() -> str:
    return AuditEntry.objects.order_by("-id").values_list("sha256", flat=True).first() or ""


def _seal(before: str, entry: AuditEntry) -> str:
    """Hex. The link to the person is left out: it empties when the person is deleted, the name stays."""
    at: datetime = entry.at
    told = [at.astimezone(UTC).isoformat(), entry.by_name, entry.action, entry.subject, entry.detail]
    body = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()
