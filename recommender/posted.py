"""What was posted, on its way to the next list: noted in Redis after commit, mended from Postgres where that failed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection

from behavior.services import StoredEvent
from recommender import behind, broker, store
from recommender.dataset import id_hash, subject
from recommender.models import Generation
from recommender.outbox import Outbox
from recommender.packing import RecentEvent

log = logging.getLogger(__name__)

BEFORE = 600.0  # s before a generation was made, from which on its snapshot may lack an event
MARGIN = 120.0  # s that an event's transaction may have begun before its note was not taken
MEND_SECONDS = 0.1
LONGEST_WAIT = 2.0


@dataclass(frozen=True)
class Noted:
    """How many events reached Redis and how many subjects are on their way to be refreshed."""

    events: int
    refreshes: int


def note_events(events: Sequence[StoredEvent]) -> Noted:
    """After commit: the next answer counts these. What Redis does not take is mended from Postgres, and read there
    until it is.

    Simulated feedback stays out, as it does of training.
    """
    by_subject: dict[str, list[RecentEvent]] = {}
    for stored in events:
        if stored.product_id is not None and stored.source != "simulator":
            by_subject.setdefault(subject(*stored.event.subject), []).append(as_recent(stored))
    return _note(by_subject)


def note_again(ids: Sequence[UUID]) -> Noted:
    """Note what Postgres holds under these ids, once more: it counts once."""
    return _note(_stored("e.event_id = ANY(%s)", [list(ids)]))


def _note(by_subject: Mapping[str, Sequence[RecentEvent]]) -> Noted:
    if not by_subject:
        return Noted(0, 0)
    try:
        due = store.note_recent(by_subject)
    except store.StoreDown as error:
        log.warning("recent events were not noted: %s", error)
        _mender.wake()
        return Noted(0, 0)
    refreshes.add(*due)
    return Noted(sum(map(len, by_subject.values())), len(due))


def as_recent(stored: StoredEvent) -> RecentEvent:
    """What the live features need of a stored event."""
    event = stored.event
    nan = float("nan")
    return RecentEvent(
        id_hash=id_hash(event.event_id.bytes),
        product_id=stored.product_id or 0,
        at=event.at.timestamp(),
        type=event.type,
        quantity=nan if event.quantity is None else event.quantity,
        price=nan if event.price is None else event.price,
        value=nan if event.value is None else event.value,
    )


def send_refresh(name: str) -> bool:
    """Ask a worker for a fresh list of the subject ``name``."""
    from recommender.tasks import refresh_list

    return broker.send(refresh_list, name, queue="refresh")


def _send_refreshes(names: Sequence[str]) -> None:
    for name in names:
        if not send_refresh(name):  # the broker is away: whoever posts again in a minute asks again
            break


#: A broker that is slow or frozen keeps no event waiting.
refreshes: Outbox[str] = Outbox(_send_refreshes, name="refreshes")


# --- Out of Postgres ---

STORED = """
SELECT s.kind, s.external_id, e.event_id, e.product_id, extract(epoch FROM e.at)::float8, e.type,
       e.quantity, e.price, e.value
FROM behavior_event e JOIN behavior_shopper s ON s.id = e.shopper_id
WHERE e.product_id IS NOT NULL AND e.source NOT IN ('import', 'simulator') AND {}
ORDER BY e.at, e.event_id
"""
OF_ONE = """
e.shopper_id = (SELECT id FROM behavior_shopper WHERE kind = %s AND external_id = %s)
AND e.received_at > %s
"""
KINDS = {"s": "shopper", "v": "visitor"}


def kind_and_id(name: str) -> tuple[str, str]:
    """The inverse of ``dataset.subject``; kind "" for what is no subject."""
    kind, _, external_id = name.partition(":")
    return KINDS.get(kind, ""), external_id


def recent_of(name: str, *, since: float) -> tuple[RecentEvent, ...]:
    """The events of the subject ``name`` received after ``since`` (seconds since 1970), oldest first."""
    found = _stored(OF_ONE, [*kind_and_id(name), datetime.fromtimestamp(since, UTC)])
    return tuple(found.get(name, ()))[-store.RECENT_EVENTS :]


def refill_recent(generation: Generation) -> int:
    """Recent events of everybody who posted since shortly before ``generation`` was made; returns how many."""
    return sum(map(len, _put(generation.created_at.timestamp() - BEFORE).values()))


def mend(mark: Path) -> None:
    """Put what Redis may lack since ``mark`` there and take the mark away. Raises ``store.StoreDown``."""
    since = behind.since(mark)
    if since is not None:
        log.info("Redis knows the events of %s again: %s subjects", mark.name, _fill(since))
        mark.unlink(missing_ok=True)


def _fill(since: float) -> int:
    store.beat("mend")  # a Redis that takes nothing says so before Postgres is read
    by_subject = _put(since - MARGIN)
    refreshes.add(*by_subject)
    return len(by_subject)


def _put(since: float) -> dict[str, list[RecentEvent]]:
    by_subject = _stored("e.received_at > %s", [datetime.fromtimestamp(since, UTC)])
    names = list(by_subject)
    for start in range(0, len(names), store.BATCH):
        store.refill_recent({name: by_subject[name] for name in names[start : start + store.BATCH]})
    return by_subject


def _stored(condition: str, values: list[Any]) -> dict[str, list[RecentEvent]]:
    """Events by subject, oldest first."""
    by_subject: dict[str, list[RecentEvent]] = {}
    with connection.cursor() as cursor:
        cursor.execute(STORED.format(condition), values)
        for kind, external_id, event_id, product_id, at, type_, *numbers in cursor.fetchall():
            event = RecentEvent(id_hash(event_id.bytes), product_id, at, type_, *map(_number, numbers))
            by_subject.setdefault(subject(kind, external_id), []).append(event)
    return by_subject


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


class _Mender:
    """Mends what this process was not able to note, in a thread that lives as long as there is something."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._missed = 0
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """A note was not taken: marked when this returns."""
        with self._lock:
            self._missed += 1
            behind.mark()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, daemon=True, name="mender")
                self._thread.start()

    def _run(self) -> None:
        wait = MEND_SECONDS
        while True:
            time.sleep(wait)
            missed, mark = self._missed, behind.mark()
            try:
                _fill(behind.since(mark) or time.time())
            except (store.StoreDown, DatabaseError):
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            finally:
                connection.close()
            with self._lock:
                if missed == self._missed:  # else another one was missed meanwhile, perhaps after it was read
                    mark.unlink(missing_ok=True)
                    self._thread = None
                    return


_mender = _Mender()
