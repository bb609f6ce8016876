"""Events over HTTP, in batches and one by one, beside the same Postgres without HTTP."""

from __future__ import annotations

import random
import threading
import time
import uuid

import orjson
from django.db import connection
from django.utils import timezone

from behavior.models import Shopper
from catalog.models import Product
from recsite.bench import load, server, traces
from recsite.bench.figures import Figure, percentile

BATCH = 20
CLIENTS = 8
VISITORS = 400
HEADER = f"X-Recsite-Source: {traces.SOURCE}\r\n"
INSERT = """
INSERT INTO behavior_event (event_id, at, type, shopper_id, product_id, source)
SELECT id, %s, 'view', %s, product, 'bench' FROM unnest(%s::uuid[], %s::bigint[]) AS t(id, product)
ON CONFLICT DO NOTHING
"""


def run(seconds: float) -> list[Figure]:
    """A third of the time each: batches, single events, the same batches without HTTP; a tenth on top of it batches of
    people and products never seen before, which take a longer way."""
    part = max(2.0, seconds / 3)
    products = traces.products(200)
    with traces.caller() as key, server.running() as port:
        batches = [_post(key, products, BATCH, who=f"{traces.NAME}{number}") for number in range(VISITORS)]
        load.run(port, batches, seconds=1, connections=CLIENTS)
        many = load.run(port, batches, seconds=part, connections=CLIENTS)
        singles = [_post(key, products, 1, who=f"{traces.NAME}{number}") for number in range(VISITORS)]
        one = load.run(port, singles, seconds=part, connections=CLIENTS)
        strangers = [_post(key, products, BATCH, who=traces.NAME + load.ALIKE)]
        new = load.run(port, strangers, seconds=max(2.0, part / 3), connections=CLIENTS)
        direct = _direct(part, products)
    return [
        Figure("batches of 20 for", part, "s"),
        Figure(
            "events in batches of 20",
            many.accepted_rate * BATCH,
            "events/s",
            direct,
            "INSERT by 4 connections, no HTTP",
        ),
        Figure("p99 of a batch", percentile(many.seconds, 0.99), "ms"),
        Figure("single events", one.accepted_rate, "posts/s"),
        Figure("p99 of a single event", percentile(one.seconds, 0.99), "ms"),
        Figure(
            "events of visitors never seen",
            new.accepted_rate * BATCH,
            "events/s",
            many.accepted_rate * BATCH,
            "of known ones",
        ),
        Figure("p99 of a batch of a visitor never seen", percentile(new.seconds, 0.99), "ms"),
        Figure("refused batches", many.refused, "answers", float(len(many.seconds)), "batches"),
        Figure("refused single events and strangers", one.refused + new.refused, "answers"),
    ]


def _post(key: str, products: list[str], size: int, *, who: str) -> load.Template:
    """A batch of one visitor with new event ids each time that it is sent."""
    now, first = timezone.now().isoformat(), random.randrange(len(products))
    events = [
        {
            "event_id": load.EACH,
            "type": "view",
            "at": now,
            "visitor": who,
            "product": products[(first + place) % len(products)],
        }
        for place in range(size)
    ]
    body = orjson.dumps({"events": events})
    post = load.request("POST", "/api/v1/events", key=key, body=body, headers=HEADER)
    return load.Template.of(post)


def _uuid7() -> str:
    """Time first, so that the index grows at its end (RFC 9562, section 5.7)."""
    number = (time.time_ns() // 1_000_000 << 80) | (uuid.uuid4().int & ((1 << 80) - 1))
    number = number & ~(0xF << 76) | (7 << 76)
    return str(uuid.UUID(int=number & ~(3 << 62) | (2 << 62)))


def _direct(seconds: float, products: list[str]) -> float:
    """Events a second that four connections insert in the same batches."""
    shopper, _ = Shopper.objects.get_or_create(kind="visitor", external_id=f"{traces.NAME}direct")
    ids = list(Product.objects.filter(external_id__in=products[:BATCH]).values_list("id", flat=True))
    stored, end = [0] * 4, time.monotonic() + seconds

    def insert(place: int) -> None:
        try:
            with connection.cursor() as cursor:
                while time.monotonic() < end:
                    events = [_uuid7() for _ in ids]
                    cursor.execute(INSERT, [timezone.now(), shopper.pk, events, ids])
                    stored[place] += len(ids)
        finally:
            connection.close()

    threads = [threading.Thread(target=insert, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(stored) / seconds
