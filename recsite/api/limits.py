"""What keeps one caller from taking the whole shop: a bucket of tokens per key, a share of slots for events."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

KEPT = 10_000  # buckets per process


@dataclass
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Token buckets by name: ``rate`` a second, ``burst`` at once. One lock, so no two callers take one token."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[object, _Bucket] = {}

    def take(self, name: object, *, rate: float, burst: float, now: float | None = None) -> float:
        """Take a token: 0.0, or the seconds until there is one."""
        now = time.monotonic() if now is None else now
        with self._lock:
            bucket = self._buckets.get(name)
            if bucket is None:
                if len(self._buckets) >= KEPT:
                    self._buckets.clear()
                bucket = self._buckets[name] = _Bucket(burst, now)
            bucket.tokens = min(burst, bucket.tokens + (now - bucket.at) * rate)
            bucket.at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0.0
            return (1 - bucket.tokens) / rate


class Slots:
    """At most ``limit()`` callers at once; who comes beyond that is told so at once and never waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0

    @property
    def taken(self) -> int:
        return self._taken

    @contextmanager
    def one(self, limit: int) -> Iterator[bool]:
        """Whether there was a slot; it is free again at the end of the block."""
        with self._lock:
            got = self._taken < limit
            self._taken += got
        try:
            yield got
        finally:
            with self._lock:
                self._taken -= got


buckets = Buckets()
event_slots = Slots()


def rate_of(kind: str) -> tuple[float, float]:
    """Requests a second and burst of a key of this kind, for this process's share."""
    rate = settings.API_RATES[kind] / max(settings.WEB_PROCESSES, 1)
    return rate, 2 * rate


def retry_after(seconds: float) -> str:
    """A ``Retry-After`` with jitter, so that those who were sent away do not come back all at once."""
    return str(max(1, round(seconds + random.uniform(0, 2))))
