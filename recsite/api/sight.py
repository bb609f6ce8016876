"""What the API's processes let be seen of themselves.

Two places read it: ``/metrics`` (Prometheus histograms and counters, see ``recsite.metrics``) and the console, which
wants the last minutes and the newest events: each process takes what it saw to Redis every second, from a thread of
its own.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache

from prometheus_client import Counter, Histogram

from recommender import stopwatch, store

SHORT = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
FLUSH_SECONDS = 1.0
KEPT_ARRIVALS = 50  # of one process between two flushes; of more, the newest

REQUESTS = Histogram("recsite_request_seconds", "Answers of the API", ["view", "method", "status"], buckets=SHORT)
PLACEMENT = Histogram("recsite_recommendation_seconds", "A list, by placement", ["placement"], buckets=SHORT)
STEP = Histogram("recsite_recommendation_step_seconds", "A list, by step", ["step"], buckets=SHORT)
FALLBACK = Counter("recsite_fallbacks", "Lists that a step of the fallback chain began", ["placement", "fallback"])
DEGRADED = Counter("recsite_degraded", "Lists answered while a part was ill")
EVENTS = Counter("recsite_events", "Events by what became of them", ["outcome"])
AGE = Histogram(
    "recsite_event_age_seconds",
    "Age of an accepted batch's newest event when it was committed",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 3600, 86_400),
)


@cache
def _step(name: str) -> Histogram:
    return STEP.labels(name)


@cache
def _outcome(name: str) -> Counter:
    return EVENTS.labels(name)


@cache
def _request(view: str, method: str, status: int) -> Histogram:
    return REQUESTS.labels(view, method, str(status))


stopwatch.listen(lambda step, seconds: _step(step).observe(seconds))


@dataclass(frozen=True)
class Lately:
    """The last minutes of all web processes together; times in seconds, None where there was nothing."""

    minutes: int
    lists: int
    p50: float | None
    p95: float | None
    p99: float | None
    fallbacks: int
    degraded: int
    events: int
    event_delay: float | None  # mean age of the newest event of a batch when it was committed


@dataclass(frozen=True)
class Arrival:
    """One posted event and what became of it: accepted, unjoined (accepted; shopper or product unknown as yet),
    duplicate or rejected. ``at``: when it came, in seconds since 1970."""

    at: float
    outcome: str
    type: str = ""
    kind: str = ""  # shopper or visitor
    who: str = ""
    product: str = ""
    quantity: float | None = None
    price: float | None = None
    placement: str = ""
    position: int | None = None
    source: str = "api"
    code: str = ""
    field: str = ""
    message: str = ""


def note_request(view: str, method: str, status: int, seconds: float) -> None:
    """One answer of the API."""
    _request(view, method, status).observe(seconds)


def note_answer(placement: str, fallback: str | None, degraded: bool, seconds: float) -> None:
    """One list that was answered."""
    PLACEMENT.labels(placement).observe(seconds)
    if fallback:
        FALLBACK.labels(placement, fallback).inc()
    if degraded:
        DEGRADED.inc()
    _minutes.add({f"le{bisect_left(SHORT, seconds)}": 1, "fallbacks": int(bool(fallback)), "degraded": int(degraded)})


def note_events(accepted: int, duplicate: int, rejected: int, age: float | None) -> None:
    """One batch; ``age``: seconds since its newest event, None without any accepted."""
    for outcome, count in (("accepted", accepted), ("duplicate", duplicate), ("rejected", rejected)):
        counter = _outcome(outcome)
        if count:
            counter.inc(count)
    if age is not None:
        AGE.observe(age)
        _minutes.add({"events": accepted, "batches": 1, "age": age})


def note_arrivals(batch: Callable[[], Sequence[Arrival]]) -> None:
    """What was posted, oldest first, for whoever watches; ``batch`` is called for the newest of each second only."""
    _minutes.see(batch)


def arrivals(limit: int = 20) -> list[Arrival] | None:
    """The newest events of all web processes, newest first; None where Redis does not answer."""
    _minutes.flush()
    try:
        found = store.arrivals(limit)
    except store.StoreDown:
        return None
    return [Arrival(**row) for row in found]  # type: ignore[arg-type]


def note_key(key: int) -> None:
    """A key was used just now."""
    _minutes.use(key)


def keys_used() -> dict[int, float]:
    """When each key was last used, in seconds since 1970, to within a few; none where Redis does not answer."""
    _minutes.flush()
    try:
        return store.keys_used()
    except store.StoreDown:
        return {}


def lately(minutes: int = 5) -> Lately | None:
    """The last ``minutes`` and the running one; None where Redis does not answer."""
    _minutes.flush()
    now = int(time.time() // 60)
    total: Tally[str] = Tally()
    try:
        for counts in store.minutes(now - minutes, now).values():
            total.update(counts)
    except store.StoreDown:
        return None
    buckets = [total[f"le{place}"] for place in range(len(SHORT) + 1)]
    return Lately(
        minutes=minutes,
        lists=round(sum(buckets)),
        p50=_quantile(buckets, 0.5),
        p95=_quantile(buckets, 0.95),
        p99=_quantile(buckets, 0.99),
        fallbacks=round(total["fallbacks"]),
        degraded=round(total["degraded"]),
        events=round(total["events"]),
        event_delay=total["age"] / total["batches"] if total["batches"] else None,
    )


def _quantile(buckets: Sequence[float], share: float) -> float | None:
    """Within its bucket as if the answers lay evenly; None of none."""
    wanted, seen = share * sum(buckets), 0.0
    if not wanted:
        return None
    for place, count in enumerate(buckets):
        if count and seen + count >= wanted:
            low = SHORT[place - 1] if place else 0.0
            high = SHORT[place] if place < len(SHORT) else SHORT[-1]
            return low + (high - low) * (wanted - seen) / count
        seen += count
    return SHORT[-1]


def _newest(batches: Sequence[Callable[[], Sequence[Arrival]]]) -> list[Arrival]:
    """The newest ``KEPT_ARRIVALS``, oldest first."""
    found: list[Arrival] = []
    for batch in reversed(batches):
        found[:0] = batch()
        if len(found) >= KEPT_ARRIVALS:
            break
    return found[-KEPT_ARRIVALS:]


class _Minutes:
    """Counts by minute and the newest events in memory, taken to Redis by a thread that starts with the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, Tally[str]] = {}
        self._used: dict[int, float] = {}
        self._seen: deque[Callable[[], Sequence[Arrival]]] = deque(maxlen=KEPT_ARRIVALS)  # none is empty
        self._thread: threading.Thread | None = None

    def add(self, counts: dict[str, float]) -> None:
        minute = int(time.time() // 60)
        with self._lock:
            self._counts.setdefault(minute, Tally()).update(counts)
            self._start()

    def see(self, batch: Callable[[], Sequence[Arrival]]) -> None:
        with self._lock:
            self._seen.append(batch)
            self._start()

    def use(self, key: int) -> None:
        with self._lock:
            self._used[key] = time.time()
            self._start()

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, daemon=True, name="sight")
            self._thread.start()

    def flush(self) -> None:
        """Take what was seen to Redis; what it does not take is lost, for it is only a sight."""
        with self._lock:
            counts, self._counts = self._counts, {}
            used, self._used = self._used, {}
            seen, self._seen = self._seen, deque(maxlen=KEPT_ARRIVALS)
        try:
            for minute, found in counts.items():
                store.add_minute(minute, {name: count for name, count in found.items() if count})
            if used:
                store.note_keys_used(used)
            if seen:
                store.add_arrivals([asdict(arrival) for arrival in _newest(seen)])
        except store.StoreDown:
            return

    def _run(self) -> None:
        while True:
            time.sleep(FLUSH_SECONDS)
            self.flush()


_minutes = _Minutes()
