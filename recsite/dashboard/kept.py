"""Counts that take longer than a page may: kept in the process, and counted anew in a thread while pages go on."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.conf import settings
from django.db import connections

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class _Entry(Generic[T]):
    made: float  # by the monotonic clock
    value: T


class Kept(Generic[T]):
    """Values by their key, the ``most`` newest of them. One older than ``seconds`` is still given out, while a thread
    makes the next one; older than ``oldest`` seconds it is made at once.

    A new key (an import ended, a setting changed, another range of days) is made at once too, and so is the next one
    after a value that is ``passing``: an empty shop is counted in no time, and has its data a minute later.
    ``settings.KEEP_COUNTS`` off, as in tests: always.
    """

    def __init__(
        self,
        name: str,
        *,
        seconds: float,
        oldest: float = math.inf,
        most: int = 1,
        passing: Callable[[T], bool] = lambda value: False,
    ) -> None:
        self.name, self.seconds, self.oldest, self.most, self.passing = name, seconds, oldest, most, passing
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, _Entry[T]] = OrderedDict()
        self._thread: threading.Thread | None = None

    def get(self, make: Callable[[], T], key: Hashable = None) -> T:
        """What is kept, or what ``make`` returns where nothing is."""
        entry = self._entries.get(key) if settings.KEEP_COUNTS else None
        if entry is None or (age := time.monotonic() - entry.made) > self.oldest:
            return self.again(make, key)
        if age > self.seconds:
            self._start(make, key)
        return entry.value

    def again(self, make: Callable[[], T], key: Hashable = None) -> T:
        """Made anew, and kept unless it is passing."""
        value = make()
        if self.passing(value):
            return value
        with self._lock:
            self._entries[key] = _Entry(time.monotonic(), value)
            self._entries.move_to_end(key)
            while len(self._entries) > self.most:
                self._entries.popitem(last=False)
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
