"""Counts that take longer than a page may: kept in the process, and counted anew in a thread while pages go on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connections

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class _Entry(Generic[T]):
    key: Hashable
    made: float  # by the monotonic clock
    value: T


class Kept(Generic[T]):
    """One value. Older than ``seconds`` it is still given out once more, while a thread makes the next one.

    With another ``key`` (an import ended, a setting changed) it is made at once. ``settings.KEEP_COUNTS`` off, as in
    tests: always.
    """

    def __init__(self, name: str, *, seconds: float) -> None:
        self.name, self.seconds = name, seconds
        self._lock = threading.Lock()
        self._entry: _Entry[T] | None = None
        self._thread: threading.Thread | None = None

    def get(self, make: Callable[[], T], key: Hashable = None) -> T:
        """What is kept, or what ``make`` returns where nothing is."""
        entry = self._entry
        if not settings.KEEP_COUNTS or entry is None or entry.key != key:
            return self.again(make, key)
        if time.monotonic() - entry.made > self.seconds:
            self._start(make, key)
        return entry.value

    def again(self, make: Callable[[], T], key: Hashable = None) -> T:
        """Made anew, and kept."""
        value = make()
        self._entry = _Entry(key, time.monotonic(), value)
        return value

    def _start(self, make: Callable[[], T], key: Hashable) -> None:
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._thread = threading.Thread(target=self._run, args=(make, key), daemon=True, name=self.name)
            self._thread.start()

    def _run(self, make: Callable[[], T], key: Hashable) -> None:
        try:
            self.again(make, key)
        except Exception:
            log.exception("%s could not be counted", self.name)  # what was kept stays; the next page tries again
        finally:
            connections.close_all()
