"""Histories of a few shoppers in the words of a run that is there already: read, and grown by what was just posted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from psycopg import sql

from recommender.dataset.events import DAY, events_of, read_columns, simulated_or_not
from recommender.dataset.events import until as until_moment
from recommender.dataset.shoppers import read_shoppers
from recommender.engine.interactions import Histories, Interactions
from recommender.packing import RecentEvent, StoredHistory
from recommender.vocabulary import Vocabulary

#: Newest events of a shopper that are looked at: bounds the cost of one answer.
HISTORY_EVENTS = 4096


def read_histories(
    shopper_ids: Sequence[int], vocabulary: Vocabulary, *, until: datetime | None = None
) -> dict[int, StoredHistory]:
    """Events of a few shoppers (``Shopper.id``) in the codes of ``vocabulary``, as of ``until`` (None: all of them).

    A shopper without events has an empty history; one that does not exist is absent.
    """
    condition = sql.SQL("e.shopper_id = ANY({ids}) AND {simulated} AND {until}").format(
        ids=sql.Literal(list(shopper_ids)), simulated=simulated_or_not(False), until=until_moment(until)
    )
    columns = read_columns(vocabulary.kinds, condition)
    rows, _ = events_of(columns, vocabulary.product_ids, vocabulary.kinds)
    people = read_shoppers(shopper_ids)
    found: dict[int, StoredHistory] = {}
    for shopper_id, values in people.items():
        place = int(np.searchsorted(rows.shopper_ids, shopper_id))
        start, end = (int(bound) for bound in np.searchsorted(rows.events.shopper, [place, place + 1]))
        if place >= len(rows.shopper_ids) or rows.shopper_ids[place] != shopper_id:
            start = end = 0
        part = slice(max(start, end - HISTORY_EVENTS), end)
        own = rows.events.select(part)
        own = Interactions(np.zeros(len(own), np.int32), *columns_of(own)[1:])
        found[shopper_id] = StoredHistory(own, rows.hashes[part], vocabulary.shopper_codes(values))
    return found


def as_histories(stored: Sequence[StoredHistory], vocabulary: Vocabulary) -> Histories:
    """The engine's form of many shoppers' histories."""
    size = [len(history.events) for history in stored]
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    local = np.repeat(np.arange(len(stored), dtype=np.int32), size)
    of_each = [columns_of(history.events)[1:] for history in stored]
    columns = of_each[0] if len(stored) == 1 else [np.concatenate(parts) for parts in zip(*of_each, strict=True)]
    attributes = {
        name: np.array([history.attributes[place] for history in stored], np.int32)
        for place, name in enumerate(vocabulary.attributes)
    }
    return Histories(offsets, Interactions(local, *columns), attributes)


def empty_history(vocabulary: Vocabulary) -> StoredHistory:
    """Of somebody of whom nothing is known."""
    return StoredHistory(no_events(), np.zeros(0, np.uint64), np.full(len(vocabulary.attributes), -1, np.int32))


def no_events() -> Interactions:
    """An empty log."""
    zero = np.zeros(0, np.float32)
    whole = np.zeros(0, np.int32)
    return Interactions(whole, whole, np.zeros(0), np.zeros(0, np.int8), zero, zero, zero)


def extend(history: StoredHistory, recent: Sequence[RecentEvent], vocabulary: Vocabulary) -> StoredHistory:
    """``history`` with the events posted since: those it holds already (by id) are not counted twice.

    Unknown types and products are left out, and so are purchases of nothing.
    """
    if not recent:
        return history
    known = set(history.hashes.tolist())
    fresh = [event for event in recent if event.id_hash not in known and not _is_no_sale(event)]
    items = vocabulary.codes(np.array([event.product_id for event in fresh], np.int64))
    kinds = [vocabulary.kind(event.type) for event in fresh]
    kept = [place for place, kind in enumerate(kinds) if kind >= 0 and items[place] >= 0]
    if not kept:
        return history
    fresh = [fresh[place] for place in kept]
    added = Interactions(
        np.zeros(len(fresh), np.int32),
        items[kept],
        np.array([event.at / DAY for event in fresh]),
        np.array([kinds[place] for place in kept], np.int8),
        np.array([1.0 if np.isnan(event.quantity) else event.quantity for event in fresh], np.float32),
        np.array([event.price for event in fresh], np.float32),
        np.array([event.value for event in fresh], np.float32),
    )
    hashes = np.concatenate([history.hashes, np.array([event.id_hash for event in fresh], np.uint64)])
    both = [np.concatenate(pair) for pair in zip(columns_of(history.events), columns_of(added), strict=True)]
    events = Interactions(*both)
    size = len(history.events)
    if len(events) <= HISTORY_EVENTS and _are_in_order(events.at[max(size - 1, 0) :]):
        return StoredHistory(events, hashes, history.attributes)
    order = np.lexsort((hashes, events.at))[-HISTORY_EVENTS:]
    return StoredHistory(events.select(order), hashes[order], history.attributes)


def _are_in_order(at: np.ndarray) -> bool:
    """Whether each moment is after the one before, as what was posted mostly is: nothing need be sorted then."""
    return bool((at[1:] > at[:-1]).all())


def _is_no_sale(event: RecentEvent) -> bool:
    return event.type == "purchase" and event.quantity <= 0


def id_hash(event_id: bytes) -> int:
    """The last 64 bits of an event's UUID (random in versions 4 and 7), never 0."""
    return int.from_bytes(event_id[8:], "big") or 1


def columns_of(events: Interactions) -> list[np.ndarray]:
    """The columns in the order of the class."""
    return [getattr(events, name) for name in events.__dataclass_fields__]


def rows_between(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """int64: the positions start[0] … end[0]−1, start[1] … end[1]−1 and so on."""
    size = end - start
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    return np.repeat(start - offsets[:-1], size) + np.arange(offsets[-1])


def histories_between(
    events: Interactions, start: np.ndarray, end: np.ndarray, attributes: dict[str, np.ndarray]
) -> Histories:
    """The events start[0] … end[0]−1 as the first history, and so on; ``attributes`` int32 [S] codes by name."""
    offsets = np.concatenate([[0], np.cumsum(end - start)]).astype(np.int64)
    picked = events.select(rows_between(start, end))
    local = np.repeat(np.arange(len(start), dtype=np.int32), end - start)
    return Histories(offsets, Interactions(local, *columns_of(picked)[1:]), attributes)
