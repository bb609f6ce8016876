"""Notes that a request leaves behind and does not wait for, and the thread that delivers them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing import util
from typing import Generic, TypeVar

from recommender import store

Note = TypeVar("Note")

BATCH = 2_000
FLUSH_SECONDS = 0.05
KEPT = 20_000


class Outbox(Generic[Note]):
    """``deliver`` gets up to ``BATCH`` notes some twenty times a second, in a thread that starts with the first note.

    Where it raises ``store.StoreDown`` they stay for the next time, the newest ``KEPT`` of them. What a killed process
    had not delivered is lost; a process that ends delivers it.
    """

    def __init__(self, deliver: Callable[[Sequence[Note]], object], *, name: str) -> None:
        self._deliver, self._name = deliver, name
        self._notes: deque[Note] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._due = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, *notes: Note) -> None:
        """Never waits."""
        self._notes.extend(notes)
        self._due.set()
        if self._thread is None or not self._thread.is_alive():  # the first one, or the first after a fork
            self._start()

    def flush(self) -> int:
        """Deliver now; returns how many."""
        with self._lock:
            notes = [self._notes.popleft() for _ in range(len(self._notes))]
            try:
                for start in range(0, len(notes), BATCH):
                    self._deliver(notes[start : start + BATCH])
            except store.StoreDown:
                self._notes.extendleft(reversed(notes[: KEPT - len(self._notes)]))
                return 0
            return len(notes)

    def _start(self) -> None:
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name=self._name)
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
