"""An event, then a list: does the list know, and how long do both take?"""

from __future__ import annotations

import threading
import time
import uuid

import orjson
from django.utils import timezone

from recsite.bench import load, server, traces
from recsite.bench.figures import Figure, percentile

CLIENTS = 8
HEADER = f"X-Recsite-Source: {traces.SOURCE}\r\n"


def run(seconds: float, *, pairs: int | None = None) -> list[Figure]:
    """Pairs of a view and a list by eight clients, for ``seconds`` or until there are ``pairs`` of them; the reference
    is the list alone by the same clients."""
    products = traces.products(300)
    with traces.caller() as key, server.running() as port:
        asked = [
            load.request("GET", f"/api/v1/recommendations?visitor={traces.NAME}w{n}&placement=recently-viewed", key=key)
            for n in range(CLIENTS)
        ]
        load.run(port, asked, seconds=2, connections=CLIENTS)
        alone = load.run(port, asked, seconds=max(1.0, seconds / 4), connections=CLIENTS)
        taken, fresh = _pairs(port, key, products, seconds, pairs)
    return [
        Figure("pairs", len(taken), "pairs"),
        Figure("lists that know the event", fresh, "lists", float(len(taken)), "pairs"),
        Figure("p50 of a pair", percentile(taken, 0.5), "ms", percentile(alone.seconds, 0.5), "the list alone"),
        Figure("p99 of a pair", percentile(taken, 0.99), "ms", percentile(alone.seconds, 0.99), "the list alone"),
    ]


def _pairs(port: int, key: str, products: list[str], seconds: float, wanted: int | None) -> tuple[list[float], int]:
    """Seconds of each pair, and how many lists knew their event."""
    taken: list[list[float]] = [[] for _ in range(CLIENTS)]
    fresh = [0] * CLIENTS
    end = time.monotonic() + seconds
    shares = None if wanted is None else [len(range(number, wanted, CLIENTS)) for number in range(CLIENTS)]

    def client(number: int) -> None:
        connection, turn = load.Connection(port), 0
        who = f"{traces.NAME}f{number}-{uuid.uuid4().hex[:6]}"
        path = f"/api/v1/recommendations?visitor={who}&placement=recently-viewed&n=1"
        ask = load.request("GET", path, key=key, headers=HEADER)
        while time.monotonic() < end if shares is None else turn < shares[number]:
            product = products[(turn * CLIENTS + number) % len(products)]
            event = {"event_id": str(uuid.uuid4()), "type": "view", "at": timezone.now().isoformat()}
            body = orjson.dumps({"events": [{**event, "visitor": who, "product": product}]})
            post = load.request("POST", "/api/v1/events", key=key, body=body, headers=HEADER)
            began = time.perf_counter()
            status, _ = connection.send(post)
            _, answer = connection.send(ask)
            taken[number].append(time.perf_counter() - began)
            items = orjson.loads(answer).get("items") or [{}]
            fresh[number] += status == 200 and items[0].get("product") == product
            turn += 1
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [second for part in taken for second in part], sum(fresh)
