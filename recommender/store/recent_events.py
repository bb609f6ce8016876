"""What was posted lately: a capped list of events for each subject, newest at its head."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import cast

from recommender import packing
from recommender.packing import RecentEvent
from recommender.store import connection
from recommender.store.connection import NOTE_TIMEOUT, connected, note_breaker
from recommender.store.keys import encoded, key
from recommender.store.line import Command

RECENT_SECONDS = 7 * 86_400
BY_TIME = attrgetter("at", "id_hash")
RECENT_EVENTS = 200
REFRESH_SECONDS = 60


def note_recent(events: Mapping[str, Sequence[RecentEvent]]) -> list[str]:
    """Put events (by subject) at the head of each subject's list; returns the subjects that are due a refresh."""
    commands: list[Command] = []
    for subject, posted in events.items():
        name = encoded("recent", subject)
        commands += [
            (b"LPUSH", name, *(packing.pack_event(event) for event in posted)),
            (b"LTRIM", name, b"0", b"%d" % (RECENT_EVENTS - 1)),
            (b"EXPIRE", name, b"%d" % RECENT_SECONDS),
            (b"SET", encoded("refresh", subject), b"1", b"NX", b"EX", b"%d" % REFRESH_SECONDS),
        ]
    answers = connection.ask(commands, NOTE_TIMEOUT, note_breaker) if commands else []
    return [subject for subject, due in zip(events, answers[3::4], strict=True) if due]


def start_refresh(subject: str) -> None:
    """The refresh of ``subject`` begins: what is posted from here on asks for another one."""
    with connected(1.0) as server:
        server.delete(key("refresh", subject))


def refill_recent(events: Mapping[str, Sequence[RecentEvent]]) -> None:
    """Put ``events`` (oldest first) at the head of each subject's list where they are not in it already; what others
    note meanwhile stays."""
    with connected() as server:
        pipeline = server.pipeline(transaction=False)
        for subject, posted in events.items():
            name, packed = key("recent", subject), [packing.pack_event(event) for event in posted[-RECENT_EVENTS:]]
            for value in packed:
                pipeline.lrem(name, 1, value)  # type: ignore[arg-type]  # typed as text, sent as bytes
            pipeline.lpush(name, *packed)
            pipeline.ltrim(name, 0, RECENT_EVENTS - 1)
            pipeline.expire(name, RECENT_SECONDS)
        pipeline.execute()


def recent(subject: str) -> tuple[RecentEvent, ...]:
    """The subject's recent events, oldest first."""
    with connected() as server:
        return unpacked(cast("list[bytes]", server.lrange(key("recent", subject), 0, RECENT_EVENTS - 1)))


def unpacked(values: Iterable[bytes]) -> tuple[RecentEvent, ...]:
    """Oldest first, each once; an event whose bytes are not readable is left out."""
    return in_order(event for value in values if (event := packing.unpack_event(value)) is not None)


def in_order(events: Iterable[RecentEvent]) -> tuple[RecentEvent, ...]:
    """Oldest first, each once: what was noted again, or by two hands, counts once."""
    by_id = {event.id_hash: event for event in events}
    return tuple(sorted(by_id.values(), key=BY_TIME))


def traces(subject: str, generations: Sequence[int]) -> int:
    """How many keys there are of a subject, as :func:`forget` removes them."""
    with connected() as server:
        return int(server.exists(*_keys_of(subject, generations)))


def forget(subject: str, generations: Sequence[int]) -> None:
    """Remove every trace of a subject: recent events and its lists in ``generations``."""
    with connected() as server:
        server.delete(*_keys_of(subject, generations))


def _keys_of(subject: str, generations: Sequence[int]) -> list[str]:
    lists = [key(kind, generation, subject) for generation in generations for kind in ("list", "history")]
    return [key("recent", subject), key("refresh", subject), *lists]
