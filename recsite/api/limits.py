"""What keeps one caller from taking the whole shop: a bucket of tokens per key, a share of slots for events."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings

from recommender import store

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
    """At most ``limit`` callers at once. A few more may wait for a moment: a burst is over sooner than anybody comes
    again; whoever comes beyond those is told so at once."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = 0
        self._waiting = 0

    @property
    def taken(self) -> int:
        return self._taken

    @property
    def waiting(self) -> int:
        return self._waiting

    @contextmanager
    def one(self, limit: int, *, waiting: int = 0, seconds: float = 0.0) -> Iterator[bool]:
        """Whether there was a slot, waited for by no more than ``waiting`` callers for no more than ``seconds``; it is
        free again at the end of the block."""
        got = self._take(limit, waiting, seconds)
        try:
            yield got
        finally:
            if got:
                with self._changed:
                    self._taken -= 1
                    self._changed.notify()

    def _take(self, limit: int, waiting: int, seconds: float) -> bool:
        with self._changed:
            if self._taken >= limit and self._waiting < waiting:
                self._waiting += 1
                self._changed.wait_for(lambda: self._taken < limit, seconds)
                self._waiting -= 1
            got = self._taken < limit
            self._taken += got
            return got


class Tokens:
    """One bucket a key, shared by all processes and hosts, in Redis; the process's share of it while Redis is away.

    Tokens are taken in the round trip that a request makes anyway, so a list is refused by that trip, and a busy
    process takes a hundredth of a second's worth of them at once: it asks no more often than that. Events are stored by
    the time of theirs; what it says keeps the next ones out. More than the bucket holds gets in by one request a thread
    at most.
    """

    def __init__(self) -> None:
        self._share = Buckets()
        self._lock = threading.Lock()
        self._in_hand: dict[int, int] = {}  # taken and not used yet, for HEARD_SECONDS after they were
        self._empty_until: dict[int, float] = {}  # monotonic, by what Redis said last
        self._heard: dict[int, float] = {}

    def take(self, key: int, kind: str, *, refuse: Callable[[float], None] | None = None) -> float:
        """0.0, or the seconds until there is a token. ``refuse`` is called with them, and may raise, where the
        request's own trip finds that there is none."""
        now, rate = time.monotonic(), rate_of(kind)
        part = rate / max(settings.WEB_PROCESSES, 1)
        wait = self._share.take(key, rate=part, burst=2 * part, now=now)
        if now - self._heard.get(key, -HEARD_SECONDS) < HEARD_SECONDS:
            if self._is_in_hand(key):
                return 0.0
            wait = max(0.0, self._empty_until.get(key, 0.0) - now)
        if not wait:
            store.take_tokens(
                str(key),
                wanted=max(1, int(rate * TAKEN_SECONDS)),
                rate=rate,
                burst=2 * rate,
                told=lambda wait, taken: self._hear(key, wait, taken, refuse),
            )
        return wait

    def _is_in_hand(self, key: int) -> bool:
        """Whether a token was in hand; it is used now."""
        with self._lock:
            if not self._in_hand.get(key):
                return False
            self._in_hand[key] -= 1
            return True

    def _hear(self, key: int, wait: float, taken: int, refuse: Callable[[float], None] | None) -> None:
        if wait < 0:  # Redis is full
            return
        now = time.monotonic()
        with self._lock:
            # Several threads may have asked at once.
            left = self._in_hand.get(key, 0) if now - self._heard.get(key, -HEARD_SECONDS) < HEARD_SECONDS else 0
            self._in_hand[key] = left + max(taken - 1, 0)
            self._heard[key], self._empty_until[key] = now, now + wait
        if wait and refuse is not None:
            refuse(wait)


SLOT_SECONDS = 0.1  # that a batch waits for a slot; one takes 5 to 50 ms
HEARD_SECONDS = 1.0  # without a word from Redis a process goes by its share
TAKEN_SECONDS = 0.01  # of a key's rate are taken at once
tokens = Tokens()
event_slots = Slots()


def rate_of(kind: str) -> float:
    """Requests a second of a key of this kind; twice that at once."""
    return float(settings.API_RATES[kind])


def retry_after(seconds: float) -> str:
    """A ``Retry-After`` with jitter, so that those who were sent away do not come back all at once."""
    return str(max(1, round(seconds + random.uniform(0, 2))))
