"""Answered lists on their way to Postgres, where feedback joins to them.

An answer waits for none of it: it leaves a note in this process, a thread takes the notes to a Redis stream some
twenty times a second, and a worker takes the stream to Postgres. What a killed process had not taken yet is lost, at
most a twentieth of a second of its lists; no event is.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from multiprocessing import util
from typing import Any

from recommender import store
from recommender.models import ServedList

BATCH = 2_000
BATCHES = 25  # a call: bounded, so that the task stays short
FLUSH_SECONDS = 0.05
KEPT = 20_000  # notes of a process while Redis is away; of more, the newest


class Outbox:
    """Notes of answered lists in this process, and the thread that takes them to Redis (it starts with the first)."""

    def __init__(self) -> None:
        self._notes: deque[Mapping[str, object]] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, note: Mapping[str, object]) -> None:
        """Never waits."""
        self._notes.append(note)
        self._due.set()
        if self._thread is None or not self._thread.is_alive():  # the first one, or the first after a fork
            self._start()

    def flush(self) -> int:
        """Take the notes to Redis; returns how many. What it does not take stays for the next time."""
        with self._lock:
            notes = [self._notes.popleft() for _ in range(len(self._notes))]
            try:
                for start in range(0, len(notes), BATCH):
                    store.record_served(notes[start : start + BATCH])
            except store.StoreDown:
                self._notes.extendleft(reversed(notes[: KEPT - len(self._notes)]))
                return 0
            return len(notes)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="served")
                self._thread.start()
                # Runs at the end of a plain process and of a child of multiprocessing, which knows no atexit.
                util.Finalize(None, self.flush, exitpriority=10)

    def _run(self) -> None:
        while self._due.wait():
            time.sleep(FLUSH_SECONDS)
            self._due.clear()
            if not self.flush() and self._notes:
                time.sleep(1.0)
                self._due.set()


outbox = Outbox()


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
