"""An event, then a list: does the list know, and how long do both take?"""

from __future__ import annotations

import itertools
import threading
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import connection
from django.utils import timezone

from recommender import store
from recommender.dataset import id_hash
from recsite.bench import load, server, traces
from recsite.bench.figures import Figure, percentile

CLIENTS = 8
TRIES = 5
PUT_OFF = (429, 503)
HEADER = f"X-Recsite-Source: {traces.SOURCE}\r\n"


@dataclass(frozen=True)
class Pair:
    """A view and the list asked for after its answer. ``seconds``: of the post, with all that it was refused and sent
    again, and of both together; ``refused``: how often that was; ``again``: how often a connection broke and something
    was sent once more."""

    event: uuid.UUID
    who: str
    product: str
    posted: int
    said: dict[str, Any]
    asked: int
    answer: dict[str, Any]
    seconds: tuple[float, float]
    refused: int
    again: int

    @property
    def is_acknowledged(self) -> bool:
        return self.posted == 200 and self.said.get("accepted", 0) + self.said.get("duplicate", 0) == 1

    @property
    def is_known(self) -> bool:
        """Whether the event was acknowledged and stands first in the list."""
        items = self.answer.get("items") or [{}]
        return self.is_acknowledged and self.asked == 200 and items[0].get("product") == self.product


def run(seconds: float, *, pairs: int | None = None) -> list[Figure]:
    """Pairs of a view and a list by eight clients, for ``seconds`` or until there are ``pairs`` of them; the reference
    is the list alone by the same clients. What became of each pair whose list does not know its event is told in
    words, pairs of the same story together.

    A client does as the API demands: a view that is refused with ``Retry-After`` (nothing was stored, nothing was
    acknowledged) is sent again, byte for byte, after that time, up to ``TRIES`` times. Each such refusal is counted,
    and the wait is part of the pair's time.
    """
    products = traces.products(300)
    with traces.caller() as key, server.running() as port:
        asked = [
            load.request("GET", f"/api/v1/recommendations?visitor={traces.NAME}w{n}&placement=recently-viewed", key=key)
            for n in range(CLIENTS)
        ]
        load.run(port, asked, seconds=2, connections=CLIENTS)
        alone = load.run(port, asked, seconds=max(1.0, seconds / 4), connections=CLIENTS)
        done = _pairs(port, key, products, seconds, pairs)
        lost = Counter(_story(pair) for pair in done if not pair.is_known)
    posts, both = ([pair.seconds[place] for pair in done] for place in (0, 1))
    return [
        Figure("pairs", len(done), "pairs"),
        Figure(
            "posts refused and sent again", sum(pair.refused for pair in done), "answers", float(len(done)), "pairs"
        ),
        Figure("lists that know the event", sum(pair.is_known for pair in done), "lists", float(len(done)), "pairs"),
        *(Figure(f"lost: {story}", count, "pairs") for story, count in lost.items()),
        Figure("p50 of a pair", percentile(both, 0.5), "ms", percentile(alone.seconds, 0.5), "the list alone"),
        Figure("p99 of a pair", percentile(both, 0.99), "ms", percentile(alone.seconds, 0.99), "the list alone"),
        Figure("slowest pair", percentile(both, 1.0), "ms"),
        Figure("p50 of its post", percentile(posts, 0.5), "ms"),
        Figure("p99 of its post", percentile(posts, 0.99), "ms"),
    ]


def _pairs(port: int, key: str, products: Sequence[str], seconds: float, wanted: int | None) -> list[Pair]:
    done: list[list[Pair]] = [[] for _ in range(CLIENTS)]
    end = time.monotonic() + seconds
    shares = None if wanted is None else [len(range(number, wanted, CLIENTS)) for number in range(CLIENTS)]

    def client(number: int) -> None:
        line, turn = load.Connection(port), 0
        who = f"{traces.NAME}f{number}-{uuid.uuid4().hex[:6]}"
        while time.monotonic() < end if shares is None else turn < shares[number]:
            done[number].append(_pair(line, key, who, products[(turn * CLIENTS + number) % len(products)]))
            turn += 1
        line.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [pair for part in done for pair in part]


def _pair(line: load.Connection, key: str, who: str, product: str) -> Pair:
    event = uuid.uuid4()
    seen = {"event_id": str(event), "type": "view", "at": timezone.now().isoformat(), "visitor": who}
    body = orjson.dumps({"events": [{**seen, "product": product}]})
    post = load.request("POST", "/api/v1/events", key=key, body=body, headers=HEADER)
    path = f"/api/v1/recommendations?visitor={who}&placement=recently-viewed&n=1"
    ask = load.request("GET", path, key=key, headers=HEADER)
    again, began = line.again, time.perf_counter()
    posted, said, refused = _insist(line, post)
    between = time.perf_counter()
    asked, answer = line.send(ask)
    seconds = (between - began, time.perf_counter() - began)
    return Pair(event, who, product, posted, _read(said), asked, _read(answer), seconds, refused, line.again - again)


def _insist(line: load.Connection, post: bytes) -> tuple[int, bytes, int]:
    """Status and body of the last answer, and how many refused."""
    for refused in itertools.count():
        posted, said = line.send(post)
        if posted not in PUT_OFF:
            break
        if line.retry_after is None or refused + 1 == TRIES:
            return posted, said, refused + 1
        time.sleep(line.retry_after)
    return posted, said, refused


def _read(body: bytes) -> dict[str, Any]:
    try:
        return dict(orjson.loads(body))
    except (ValueError, TypeError):
        return {"unreadable": body[:200].decode(errors="replace")}


def _story(pair: Pair) -> str:
    """Everything that is known of a pair whose list does not show its event, in one line."""
    error = (pair.said.get("error") or {}).get("code", "")
    told = f"post {pair.posted} {error}".rstrip() if not pair.is_acknowledged else "acknowledged"
    items = pair.answer.get("items") or [{}]
    shown = "" if pair.asked == 200 else f" {pair.asked}"
    degraded, fallback = pair.answer.get("degraded"), pair.answer.get("fallback")
    kinds = f"list{shown}, degraded {degraded}, fallback {fallback}, led by {'another' if items[0] else 'nothing'}"
    again = f", refused {pair.refused}×" if pair.refused else ""
    again += f", sent again {pair.again}×" if pair.again else ""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM behavior_event WHERE event_id = %s", [pair.event])
        stored = cursor.fetchone()[0]
    try:
        noted = id_hash(pair.event.bytes) in {event.id_hash for event in store.recent(f"v:{pair.who}")}
        redis = "in Redis since" if noted else "not in Redis"
    except store.StoreDown:
        redis = "Redis does not answer"
    slow = f"post {_about(pair.seconds[0])}, list {_about(pair.seconds[1] - pair.seconds[0])}"
    return f"{told}; {kinds}{again}; {'stored' if stored else 'not stored'}, {redis}; {slow}"


def _about(seconds: float) -> str:
    return next((f"< {limit} ms" for limit in (50, 150, 300, 1000) if seconds * 1000 < limit), "longer than 1 s")
