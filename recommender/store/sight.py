"""What people look at: who is alive, what waits, what was counted, what was just posted."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import orjson
from django.conf import settings

from recommender.store.connection import StoreDown, connected
from recommender.store.keys import key

ALIVE_SECONDS = 30
MINUTE_SECONDS = 2 * 3600
ARRIVAL_SECONDS = 24 * 3600
ARRIVALS = 200  # kept of the newest


def beat(name: str) -> None:
    """A worker says that it is alive."""
    with connected() as server:
        server.set(key("alive", name), int(time.time()), ex=ALIVE_SECONDS)


def is_alive(name: str) -> bool:
    """Whether a worker called ``name`` was seen within ALIVE_SECONDS; False when Redis is down too."""
    try:
        with connected(1.0) as server:
            return bool(server.exists(key("alive", name)))
    except StoreDown:
        return False


def queue_lengths(names: Sequence[str]) -> dict[str, int]:
    """Tasks that wait, by queue."""
    prefix = settings.CELERY_BROKER_TRANSPORT_OPTIONS.get("global_keyprefix", "")
    with connected(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for name in names:
            pipeline.llen(f"{prefix}{name}")
        return dict(zip(names, pipeline.execute(), strict=True))


def ping() -> float:
    """Seconds of a round trip; raises :class:`StoreDown`."""
    started = time.perf_counter()
    with connected(0.5) as server:
        server.ping()
    return time.perf_counter() - started


def add_minute(minute: int, counts: Mapping[str, float]) -> None:
    """Add what a process counted in a minute (since 1970) to what others did."""
    with connected(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for name, count in counts.items():
            pipeline.hincrbyfloat(key("minute", minute), name, count)
        pipeline.expire(key("minute", minute), MINUTE_SECONDS)
        pipeline.execute()


def minutes(first: int, last: int) -> dict[int, dict[str, float]]:
    """The counts of each of these minutes, both included; a minute without any is empty."""
    with connected(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for minute in range(first, last + 1):
            pipeline.hgetall(key("minute", minute))
        found = pipeline.execute()
    return {
        minute: {name.decode(): float(count) for name, count in counts.items()}
        for minute, counts in zip(range(first, last + 1), found, strict=True)
    }


def add_arrivals(rows: Sequence[Mapping[str, object]]) -> None:
    """Put what was posted (oldest first) at the head of the list that the console looks at."""
    with connected(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        pipeline.lpush(key("arrivals"), *(orjson.dumps(row) for row in rows))
        pipeline.ltrim(key("arrivals"), 0, ARRIVALS - 1)
        pipeline.expire(key("arrivals"), ARRIVAL_SECONDS)
        pipeline.execute()


def arrivals(limit: int) -> list[dict[str, object]]:
    """The newest ``limit`` of what was posted, newest first."""
    with connected(1.0) as server:
        return [orjson.loads(row) for row in server.lrange(key("arrivals"), 0, limit - 1)]


def forget_arrivals() -> None:
    """Empty that list: it names people."""
    with connected(1.0) as server:
        server.delete(key("arrivals"))


def note_keys_used(used: Mapping[int, float]) -> None:
    """When API keys were used, by their ids."""
    with connected(1.0) as server:
        server.hset(key("keys", "used"), mapping={str(pk): round(at) for pk, at in used.items()})


def keys_used() -> dict[int, float]:
    """When each API key was last used."""
    with connected(1.0) as server:
        return {int(pk): float(at) for pk, at in server.hgetall(key("keys", "used")).items()}
