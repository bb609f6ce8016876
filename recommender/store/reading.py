"""All that one GET needs, of one round trip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from recommender import packing
from recommender.packing import RecentEvent, StoredHistory, StoredList
from recommender.store import connection
from recommender.store.keys import encoded
from recommender.store.line import Command
from recommender.store.pointers import Pointer
from recommender.store.recent_events import RECENT_EVENTS, unpacked


@dataclass(frozen=True)
class Reading:
    """What serves, which versions the shared values have, and what is known of the subject (if one was named)."""

    pointer: Pointer | None
    versions: dict[str, int]
    list: StoredList | None
    history: StoredHistory | None
    recent: tuple[RecentEvent, ...]


_watchers: list[Callable[[Mapping[str, int]], None]] = []


def watch_versions(told: Callable[[Mapping[str, int]], None]) -> None:
    """Call ``told`` with the versions that ride in each request's round trip, for whoever keeps a shared value."""
    _watchers.append(told)


def read(subject: str | None, generation: int | None) -> Reading:
    """Pointer, versions and, for a ``subject``, its list and history in ``generation`` and its recent events:
    one round trip. Raises :class:`StoreDown`."""
    commands: list[Command] = [(b"GET", encoded("pointer")), (b"HGETALL", encoded("versions"))]
    if subject:
        commands += [
            (b"LRANGE", encoded("recent", subject), b"0", b"%d" % (RECENT_EVENTS - 1)),
            (b"GET", encoded("list", generation, subject)),
            (b"GET", encoded("history", generation, subject)),
        ]
    pointer, found, *own = connection.ask(commands)
    recent, pool, history = own or ((), None, None)
    versions = {name.decode(): int(version) for name, version in zip(found[::2], found[1::2], strict=True)}
    for told in _watchers:
        told(versions)
    return Reading(
        Pointer.parse(pointer),
        versions,
        packing.unpack_list(pool),
        packing.unpack_history(history),
        unpacked(recent),
    )
