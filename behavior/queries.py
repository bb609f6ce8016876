"""What pages, the API and other apps read about shoppers and events."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from behavior.models import EventType


def declared_types() -> list[str]:
    """Names of the declared event types in the order of lists."""
    return list(EventType.objects.values_list("name", flat=True))


def newest_event_at() -> datetime | None:
    """The time of the newest event, None without any. What batch work is as of, unless it is told otherwise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM behavior_event ORDER BY at DESC LIMIT 1")
        row = cursor.fetchone()
    return row[0] if row else None
