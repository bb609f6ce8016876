"""Answered lists on their way to Postgres, where feedback joins to them.

An answer waits for none of it: it leaves a note in this process, a thread takes the notes to a Redis stream some
twenty times a second, and a worker takes the stream to Postgres. What a killed process had not taken yet is lost, at
most a twentieth of a second of its lists; no event is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from recommender import store
from recommender.models import ServedList
from recommender.outbox import Outbox

BATCH = 2_000
BATCHES = 25  # a call: bounded, so that the task stays short

outbox: Outbox[Mapping[str, object]] = Outbox(store.record_served, name="served")


def store_all() -> int:
    """Store what waits; returns how many lists. What is not committed stays in the stream."""
    outbox.flush()
    stored = 0
    for _ in range(BATCHES):
        try:
            ids, rows = store.take_served(BATCH)
            if not ids:
                break
            store_lists(rows)
            store.drop_served(ids)
        except store.StoreDown:
            break
        stored += len(rows)
    return stored


def store_lists(rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert; a list that is there already (a batch that was stored and not dropped) stays as it is."""
    lists = [ServedList(**{**row, "at": datetime.fromtimestamp(float(row["at"]), UTC)}) for row in rows]
    ServedList.objects.bulk_create(lists, ignore_conflicts=True, batch_size=500)
