"""What the API's processes let be seen of themselves: Prometheus histograms and counters.

Two places read them: ``/metrics`` (all processes together, through files under ``PROMETHEUS_MULTIPROC_DIR``) and the
console, which wants the last minutes and finds them in Redis.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

SHORT = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)

REQUESTS = Histogram("recsite_request_seconds", "Answers of the API", ["view", "method", "status"], buckets=SHORT)
PLACEMENT = Histogram("recsite_recommendation_seconds", "A list, by placement", ["placement"], buckets=SHORT)
STEP = Histogram("recsite_recommendation_step_seconds", "A list, by step", ["step"], buckets=SHORT)
FALLBACK = Counter("recsite_fallbacks", "Lists that a step of the fallback chain filled", ["placement", "fallback"])
DEGRADED = Counter("recsite_degraded", "Lists answered while a part was ill")
EVENTS = Counter("recsite_events", "Events by what became of them", ["outcome"])
AGE = Histogram(
    "recsite_event_age_seconds",
    "Age of an accepted event when it was committed",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 3600, 86_400),
)


def note_request(view: str, method: str, status: int, seconds: float) -> None:
    """One answer of the API."""
    REQUESTS.labels(view, method, str(status)).observe(seconds)


def note_answer(placement: str, fallback: str | None, degraded: bool) -> None:
    """One list that was answered."""
    if fallback:
        FALLBACK.labels(placement, fallback).inc()
    if degraded:
        DEGRADED.inc()
