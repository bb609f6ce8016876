"""The lists and histories of a generation, its manifest, and the room that they take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import orjson

from recommender import packing
from recommender.packing import StoredHistory, StoredList
from recommender.store.connection import BATCH, StoreFull, connected
from recommender.store.keys import key

LIST_SECONDS = 30 * 86_400


def write_lists(generation: int, rows: Iterable[tuple[str, bytes, bytes | None]]) -> int:
    """Write (subject, packed list, packed history) under ``generation``; returns how many subjects."""
    written = 0
    with connected() as server:
        pipeline = server.pipeline(transaction=False)
        for subject, pool, history in rows:
            pipeline.set(key("list", generation, subject), pool, ex=LIST_SECONDS)
            if history is not None:
                pipeline.set(key("history", generation, subject), history, ex=LIST_SECONDS)
            written += 1
            if written % BATCH == 0:
                pipeline.execute()
        pipeline.execute()
    return written


def read_many(subjects: Sequence[str], generation: int) -> dict[str, tuple[StoredList | None, StoredHistory | None]]:
    """Lists and histories of many subjects, for a sample check and for batch work."""
    with connected() as server:
        keys = [key(kind, generation, subject) for subject in subjects for kind in ("list", "history")]
        values = cast("list[bytes | None]", server.mget(keys)) if keys else []
    pairs = zip(values[::2], values[1::2], strict=True)
    return {
        subject: (packing.unpack_list(pool), packing.unpack_history(history))
        for subject, (pool, history) in zip(subjects, pairs, strict=True)
    }


def put_manifest(generation: int, manifest: Mapping[str, object]) -> None:
    """Say that ``generation`` is whole."""
    with connected() as server:
        server.set(key("manifest", generation), packing.seal(orjson.dumps(manifest)), ex=LIST_SECONDS)


def manifest(generation: int) -> dict[str, object] | None:
    """What the complete ``generation`` holds, None where it is not (or no longer) whole in Redis."""
    with connected() as server:
        body = packing.unseal(cast("bytes | None", server.get(key("manifest", generation))))
    return None if body is None else orjson.loads(body)


def drop_generation(generation: int) -> int:
    """Delete every key of a retired generation, in small steps; returns how many."""
    dropped = 0
    with connected() as server:
        for kind in ("list", "history"):
            batch: list[bytes] = []
            for name in server.scan_iter(match=key(kind, generation, "*"), count=1000):
                batch.append(name)
                if len(batch) == BATCH:
                    dropped += server.unlink(*batch)
                    batch.clear()
            dropped += server.unlink(*batch) if batch else 0
        dropped += server.unlink(key("manifest", generation))
    return dropped


# --- Room ---


def used_memory() -> int:
    """Bytes that Redis holds for everything in it."""
    with connected() as server:
        return int(server.info("memory")["used_memory"])


def require_memory(wanted: int) -> None:
    """Raise :class:`StoreFull` unless ``wanted`` more bytes fit under the server's limit (if it has one)."""
    with connected() as server:
        memory = server.info("memory")
    limit, used = int(memory.get("maxmemory", 0)), int(memory.get("used_memory", 0))
    if limit and used + wanted > limit:
        raise StoreFull(f"expected {wanted:,} bytes free in Redis, found {max(limit - used, 0):,} of {limit:,}")
