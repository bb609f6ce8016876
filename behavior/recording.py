"""Storing events: a batch in one transaction, in one statement where everybody in it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from behavior import partitions, queries
from behavior.array_literals import of_plain, of_texts
from behavior.models import Shopper
from behavior.records import NewEvent, Reject, Rules
from behavior.rejects import keep as keep_rejects
from catalog.models import Product

Subject = tuple[str, str]  # (kind, external id)


@dataclass(frozen=True)
class StoredEvent:
    """An accepted event with the database's ids; ``known`` is false where shopper or product are stubs."""

    event: NewEvent
    shopper_id: int
    product_id: int | None
    source: str
    known: bool


@dataclass(frozen=True)
class Recorded:
    """What became of a batch: accepted + duplicate + rejected = sent; ``unjoined`` counts among the accepted."""

    accepted: list[StoredEvent]
    duplicate: int
    unjoined: int


@dataclass(frozen=True)
class _Known:
    """Ids by the shop's own ids, and which of them nobody has described yet."""

    shoppers: dict[Subject, tuple[int, bool]]
    products: dict[str, tuple[int, bool]]


def current_rules() -> Rules:
    """What an event is held against just now: one query."""
    return Rules(tuple(queries.declared_types()), timezone.now(), settings.EVENT_RETENTION_DAYS)


def record_events(*, events: Sequence[NewEvent], rejects: Sequence[Reject] = (), source: str = "api") -> Recorded:
    """Store a batch in one transaction: new events, stubs for ids not seen before, and the dead letters.

    An event whose id is stored already, under whatever time, is a duplicate and changes nothing. After this returns
    all of it is committed; telling Redis is the caller's next step.
    """
    partitions.ensure_current()
    unique = list({event.event_id: event for event in reversed(events)}.values())[::-1]  # the first of equals counts
    if unique and not rejects and (stored := _store_known(unique, source)) is not None:
        return Recorded(stored, len(events) - len(stored), sum(not one.known for one in stored))
    with transaction.atomic():
        known = _resolve(unique)
        new = _insert_events(unique, known, source) if unique else set()
        if rejects:
            keep_rejects(rejects, source)
    accepted = [_stored(event, known, source) for event in unique if event.event_id in new]
    unjoined = sum(not stored.known for stored in accepted)
    return Recorded(accepted, len(events) - len(accepted), unjoined)


STORE_KNOWN = """
WITH new AS (
    SELECT new.*, coalesce(shopper.merged_into_id, shopper.id) AS shopper_id, product.id AS product_id,
           (shopper.kind = 'visitor' OR NOT shopper.is_stub) AND NOT coalesce(product.is_stub, false) AS is_known
    FROM unnest(
        %s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::text[], %s::text[], %s::float8[], %s::float8[],
        %s::float8[], %s::text[], %s::text[], %s::text[], %s::smallint[], %s::boolean[]
    ) AS new(event_id, at, type, kind, who, product, quantity, price, value,
             session, placement, recommendation_id, position, consent)
    LEFT JOIN behavior_shopper shopper ON shopper.kind = new.kind AND shopper.external_id = new.who
    LEFT JOIN catalog_product product ON product.external_id = new.product
), stored AS (
    INSERT INTO behavior_event (event_id, at, type, shopper_id, product_id, quantity, price, value,
                                session, placement, recommendation_id, position, consent, source)
    SELECT event_id, at, type, shopper_id, product_id, quantity, price, value,
           session, placement, recommendation_id, position, consent, %s
    FROM new
    WHERE NOT EXISTS (SELECT FROM new WHERE shopper_id IS NULL OR (product IS NOT NULL AND product_id IS NULL))
      AND NOT EXISTS (SELECT FROM behavior_event old WHERE old.event_id = new.event_id)
    ORDER BY event_id
    ON CONFLICT DO NOTHING
    RETURNING event_id
)
SELECT new.event_id, shopper_id, product_id, is_known, stored.event_id IS NOT NULL
FROM new LEFT JOIN stored USING (event_id)
"""


def _store_known(events: Sequence[NewEvent], source: str) -> list[StoredEvent] | None:
    """Store events in one statement, so one trip and one commit; None, and nothing stored, where a shopper or a
    product has never been seen."""
    connection.ensure_connection()
    raw = connection.connection
    # Django lets nothing be prepared. Here planning, with a partition for each month, takes as long as storing.
    before, raw.prepare_threshold = raw.prepare_threshold, 1
    try:
        # Its parameters travel beside the statement; Django would write them into it.
        with connection.wrap_database_errors, psycopg.Cursor(raw) as cursor:
            cursor.execute(STORE_KNOWN, [*_columns(events), source], prepare=True)
            found = {row[0]: row[1:] for row in cursor.fetchall()}
    finally:
        raw.prepare_threshold = before
    if any(found[event.event_id][0] is None for event in events) or any(
        found[event.event_id][1] is None and event.product is not None for event in events
    ):
        return None
    stored = []
    for event in events:
        shopper_id, product_id, is_known, is_new = found[event.event_id]
        if is_new:
            stored.append(StoredEvent(event, shopper_id, product_id, source, is_known))
    return stored


def _columns(events: Sequence[NewEvent]) -> list[str]:
    """The arrays that ``STORE_KNOWN`` unnests."""
    # In order of id: of two batches with the same events, sent at once, one waits for the other and neither for both.
    events = sorted(events, key=lambda event: event.event_id.int)
    kinds, names = zip(*[event.subject for event in events], strict=True)
    return [
        of_plain([event.event_id for event in events]),
        of_plain([event.at.isoformat() for event in events]),
        of_texts([event.type for event in events]),
        of_plain(kinds),
        of_texts(names),
        of_texts([event.product for event in events]),
        of_plain([event.quantity for event in events]),
        of_plain([event.price for event in events]),
        of_plain([event.value for event in events]),
        of_texts([event.session for event in events]),
        of_texts([event.placement for event in events]),
        of_texts([event.recommendation_id for event in events]),
        of_plain([event.position for event in events]),
        of_plain([event.consent for event in events]),
    ]


def _details(event: NewEvent) -> tuple[Any, ...]:
    """The columns from ``quantity`` on, in the order of the table."""
    amounts = (event.quantity, event.price, event.value)
    return (*amounts, event.session, event.placement, event.recommendation_id, event.position, event.consent)


def _stored(event: NewEvent, known: _Known, source: str) -> StoredEvent:
    shopper_id, shopper_known = known.shoppers[event.subject]
    product_id, product_known = (None, True) if event.product is None else known.products[event.product]
    return StoredEvent(event, shopper_id, product_id, source, shopper_known and product_known)


def _resolve(events: Sequence[NewEvent]) -> _Known:
    subjects = sorted({event.subject for event in events})
    products = sorted({event.product for event in events if event.product is not None})
    known = _look_up(subjects, products)
    new_products = [name for name in products if name not in known.products]
    new_subjects = [subject for subject in subjects if subject not in known.shoppers]
    if not new_products and not new_subjects:
        return known
    # In sorted order, products before shoppers, everywhere: two batches with the same new ids wait, never deadlock.
    _add_stubs(new_products, new_subjects)
    added = _look_up(new_subjects, new_products)
    return _Known(known.shoppers | added.shoppers, known.products | added.products)


LOOK_UP = """
SELECT 'product', external_id, id, NOT is_stub FROM catalog_product WHERE external_id = ANY(%s)
UNION ALL
SELECT shopper.kind, shopper.external_id, coalesce(shopper.merged_into_id, shopper.id),
       shopper.kind = 'visitor' OR NOT shopper.is_stub
FROM behavior_shopper shopper
JOIN unnest(%s::text[], %s::text[]) wanted(kind, external_id) USING (kind, external_id)
"""


def _look_up(subjects: Sequence[Subject], products: Sequence[str]) -> _Known:
    with connection.cursor() as cursor:
        cursor.execute(LOOK_UP, [list(products), [kind for kind, _ in subjects], [name for _, name in subjects]])
        rows = cursor.fetchall()
    return _Known(
        {(kind, name): (pk, is_known) for kind, name, pk, is_known in rows if kind != "product"},
        {name: (pk, is_known) for kind, name, pk, is_known in rows if kind == "product"},
    )


def _add_stubs(products: Sequence[str], subjects: Sequence[Subject]) -> None:
    if products:
        stubs = [Product(external_id=name, is_stub=True) for name in products]
        Product.objects.bulk_create(stubs, ignore_conflicts=True)
    if subjects:
        people = [Shopper(kind=kind, external_id=name, is_stub=True) for kind, name in subjects]
        Shopper.objects.bulk_create(people, ignore_conflicts=True)


INSERT = """
INSERT INTO behavior_event (event_id, at, type, shopper_id, product_id, quantity, price, value,
                            session, placement, recommendation_id, position, consent, source)
SELECT new.*, %s FROM unnest(
    %s::uuid[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::float8[], %s::float8[], %s::float8[],
    %s::text[], %s::text[], %s::text[], %s::smallint[], %s::boolean[]
) AS new(event_id, at, type, shopper_id, product_id, quantity, price, value,
         session, placement, recommendation_id, position, consent)
WHERE NOT EXISTS (SELECT FROM behavior_event old WHERE old.event_id = new.event_id)
ON CONFLICT DO NOTHING
RETURNING event_id
"""


def _insert_events(events: Sequence[NewEvent], known: _Known, source: str) -> set[UUID]:
    # In order of id: of two batches with the same events, sent at once, one waits for the other and neither for both.
    rows = [_row(event, known) for event in sorted(events, key=lambda event: event.event_id)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [source, *columns])
        return {event_id for (event_id,) in cursor.fetchall()}


def _row(event: NewEvent, known: _Known) -> tuple[Any, ...]:
    product_id = None if event.product is None else known.products[event.product][0]
    return (event.event_id, event.at, event.type, known.shoppers[event.subject][0], product_id, *_details(event))
