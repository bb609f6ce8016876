"""Month partitions of the event log, made ahead of writes.

A month that has none yet lives in the default partition, so nothing here is ever needed for an event to be
stored: what cannot be made at once (another transaction holds the table, the default partition already has rows of
that month) is left, and the rows go to the default partition.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import DatabaseError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

#: Fewer events than this in a month are not worth a partition of their own.
WORTH_A_PARTITION = 1_000
MOST_PARTITIONS = 400
LOCK_TIMEOUT_MS = 500

_made_for: set[date] = set()


def month_of(at: datetime | date) -> date:
    """The first day of the month of ``at``."""
    return date(at.year, at.month, 1)


def next_month(month: date) -> date:
    return date(month.year + month.month // 12, month.month % 12 + 1, 1)


def name_of(month: date) -> str:
    return f"behavior_event_y{month.year:04d}m{month.month:02d}"


def existing(db: BaseDatabaseWrapper = connection) -> set[str]:
    """Names of the partitions that there are, the default one included."""
    with db.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'behavior_event'::regclass")
        return {name.split(".")[-1].strip('"') for (name,) in cursor.fetchall()}


def ensure_months(months: Iterable[date], *, db: BaseDatabaseWrapper = connection) -> list[date]:
    """Make a partition for each month that lacks one; returns those that were made.

    Each is its own short transaction on ``db``: making one locks the whole log for an instant, and whoever writes
    or reads meanwhile is waited for ``LOCK_TIMEOUT_MS`` at most.
    """
    there = existing(db)
    made = []
    for month in sorted(set(months)):
        if name_of(month) in there or len(there) >= MOST_PARTITIONS:
            continue
        if not _make(month, db):
            continue
        there.add(name_of(month))
        made.append(month)
    return made


def _make(month: date, db: BaseDatabaseWrapper) -> bool:
    start, end = f"{month.isoformat()} 00:00:00+00", f"{next_month(month).isoformat()} 00:00:00+00"
    # One message, one transaction, so that SET LOCAL holds for the second statement only.
    statements = (
        f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}; "
        f"CREATE TABLE {name_of(month)} PARTITION OF behavior_event FOR VALUES FROM ('{start}') TO ('{end}'); "
        "SET LOCAL lock_timeout TO DEFAULT"
    )
    savepoint = db.savepoint() if db.in_atomic_block else None
    try:
        with db.cursor() as cursor:
            cursor.execute(statements)
    except DatabaseError:  # locked, made by somebody else just now, or the default partition holds that month
        if savepoint:
            db.savepoint_rollback(savepoint)
        return False
    if savepoint:
        db.savepoint_commit(savepoint)
    return True


def ensure_current() -> None:
    """Partitions for this month and the next, once per process and month; for writers of live events."""
    month = month_of(timezone.now())
    # Inside somebody's transaction the lock would be held until its end: leave it to the next writer.
    if month in _made_for or connection.in_atomic_block:
        return
    ensure_months([month, next_month(month)])
    _made_for.add(month)
