"""Letting a generation serve: one row in Postgres, fenced, and then the pointer."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import connection, transaction

from recommender.models import Generation, Switch, TrainingRun
from recommender.publish.pointers import move_pointer

#: One switch at a time, whatever process asks.
SWITCH_LOCK = 0x52535731


class StaleRun(Exception):
    """A run that is no longer allowed to switch: a newer one has, or somebody else works on it."""


def switch_to(
    generation: Generation, *, reason: str, fence: int, attempts: int | None = None, by: User | None = None
) -> Switch:
    """Let ``generation`` serve: the next switch number in Postgres and, after its commit, the pointer in Redis. Inside
    a caller's transaction that is when the caller's commits; one that is rolled back leaves the pointer where it was.

    With ``attempts`` the caller is a training run and must still be the one that works on it; ``fence`` keeps a
    run that was overtaken by a newer one from switching back. Raises :class:`StaleRun`.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SWITCH_LOCK])
        if attempts is not None:
            _require_current(generation.run_id, attempts, fence)
        switch = Switch.objects.create(generation=generation, reason=reason, by=by, fence=fence)
        transaction.on_commit(lambda: move_pointer(switch))
    return switch


def _require_current(run_id: int, attempts: int, fence: int) -> None:
    run = TrainingRun.objects.select_for_update().get(pk=run_id)
    if run.status != TrainingRun.Status.RUNNING or run.attempts != attempts:
        raise StaleRun(f"run {run_id}: expected attempt {attempts} to be running, found {run.status} {run.attempts}")
    newest = Switch.objects.filter(reason="published").order_by("-fence").values_list("fence", flat=True).first() or 0
    if fence < newest:
        raise StaleRun(f"run {run_id}: run {newest} has published since")
