"""Refused events tried again by a person: stored, told to the live lists, noted in the audit log."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import TextField
from django.db.models.functions import Cast

from behavior import queries
from behavior.services import Replayed, replay_rejects
from recommender import services
from recsite.dashboard import audit

CSV_HEADER = ("id", "received_at", "source", "code", "field", "message", "payload")


def replay(*, code: str, field: str = "", by: User) -> Replayed:
    """Try every waiting event with this reason (and field, where given) again."""
    waiting = queries.waiting_rejects(code=code)
    if field:
        waiting = waiting.filter(field=field)
    ids = list(waiting.values_list("pk", flat=True))
    with transaction.atomic():
        replayed = replay_rejects(ids=ids)
        audit.note(
            by=by,
            action="reject.replay",
            subject=code,
            detail={"field": field, "stored": replayed.stored, "still": replayed.still},
        )
    services.note_events(replayed.accepted)
    return replayed


def csv_rows(*, code: str = "", field: str = "") -> Iterator[tuple[object, ...]]:
    """What waits, the newest first, under ``CSV_HEADER``."""
    waiting = queries.waiting_rejects(code=code)
    if field:
        waiting = waiting.filter(field=field)
    for one in waiting.annotate(text=Cast("payload", TextField())).iterator(2000):  # JSON as text, not read anew
        yield (one.pk, one.received_at.isoformat(), one.source, one.code, one.field, one.message, one.text)
