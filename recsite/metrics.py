"""``/metrics``: what Prometheus scrapes, of all web processes together.

Each process writes into files of its own under ``PROMETHEUS_MULTIPROC_DIR``; whichever is asked adds them up and
looks at what is the same for all: queues, what serves, how fresh it is.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from recommender import state, store
from recsite.api import auth
from recsite.api.errors import ApiError, response
from recsite.api.models import ApiKey

QUEUES = ("default", "refresh", "train")
LOCAL = ("127.0.0.1", "::1")


def view(request: HttpRequest) -> HttpResponse:
    """For a scraper on this machine, or with a secret key of scope admin from anywhere."""
    direct = request.META.get("REMOTE_ADDR") in LOCAL and "HTTP_X_FORWARDED_FOR" not in request.META
    try:
        if not direct and not auth.require(request, ApiKey.Scope.ADMIN).is_secret:
            raise ApiError(403, "secret_key_only", "expected a secret key")
    except ApiError as error:
        return response(error)
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def exposition() -> bytes:
    """Everything in Prometheus' text format."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if folder and Path(folder).is_dir():
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)
    else:
        registry = REGISTRY
    now = CollectorRegistry()
    now.register(Now())
    return generate_latest(registry) + generate_latest(now)


class Now(Collector):
    """Gauges that are looked up at the time of the scrape; what cannot be had is left out."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._redis()
        yield from self._postgres()
        model = state.current().model
        serving = GaugeMetricFamily("recsite_serving", "1 for the model that serves", labels=["model"])
        if model:
            serving.add_metric([model.version], 1)
        yield serving

    def _redis(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("recsite_redis_up", "Whether Redis answers")
        queues = GaugeMetricFamily("recsite_queue_depth", "Tasks that wait", labels=["queue"])
        try:
            for name, depth in store.queue_lengths(QUEUES).items():
                queues.add_metric([name], depth)
            up.add_metric([], 1)
        except store.StoreDown:
            up.add_metric([], 0)
        yield up
        yield queues

    def _postgres(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("recsite_postgres_up", "Whether Postgres answers")
        ages = GaugeMetricFamily("recsite_age_seconds", "Since the newest of its kind", labels=["what"])
        waiting = GaugeMetricFamily("recsite_dead_letters", "Rejected events that wait for a replay")
        try:
            with connection.cursor() as cursor:
                cursor.execute(FRESHNESS)
                event, generation, letters = cursor.fetchone()
            up.add_metric([], 1)
            waiting.add_metric([], letters)
            for name, at in (("event", event), ("generation", generation)):
                if at is not None:
                    ages.add_metric([name], time.time() - at.timestamp())
        except DatabaseError:
            up.add_metric([], 0)
        yield up
        yield ages
        yield waiting


FRESHNESS = """
SELECT (SELECT at FROM behavior_event ORDER BY at DESC LIMIT 1),
       (SELECT ready_at FROM recommender_generation WHERE status = 'ready' ORDER BY id DESC LIMIT 1),
       (SELECT count(*) FROM behavior_rejectedevent WHERE replayed_at IS NULL)
"""
