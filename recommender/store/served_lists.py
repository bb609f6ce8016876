"""Answered lists on their way to Postgres: a capped stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

import orjson

from recommender.store.connection import connected
from recommender.store.keys import key

SERVED_LISTS = 200_000  # kept at most


def record_served(rows: Sequence[Mapping[str, object]]) -> None:
    """Put answered lists on their way; raises :class:`StoreDown`."""
    with connected(1.0) as server:
        pipeline = server.pipeline(transaction=False)
        for row in rows:
            pipeline.xadd(key("served"), {b"j": orjson.dumps(row)}, maxlen=SERVED_LISTS, approximate=True)
        pipeline.execute()


def take_served(count: int) -> tuple[list[str], list[dict[str, object]]]:
    """The oldest ``count`` answered lists with their stream ids; they stay until :func:`drop_served`."""
    with connected() as server:
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", server.xrange(key("served"), count=count))
    return [name.decode() for name, _ in entries], [orjson.loads(fields[b"j"]) for _, fields in entries]


def drop_served(ids: Sequence[str]) -> None:
    """Called after they are committed in Postgres."""
    if ids:
        with connected() as server:
            server.xdel(key("served"), *ids)
