"""Everything that writes shoppers and events. Each call is one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
import orjson
import psycopg
from django.conf import settings
from django.db import connection, transaction
from django.db.models import JSONField, Value
from django.utils import timezone

from behavior import partitions, profile_batches, queries
from behavior.calendar import shop_zone
from behavior.models import RejectedEvent, Shopper, ShopperProfile
from behavior.profiles import Norms, Profile, fold
from behavior.records import MAX_EVENT_BYTES, NewEvent, Reject, Rules, parse_event
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
            _keep_rejects(rejects, source)
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
    # In order of id: of two batches with the same events, sent at once, one waits for the other and neither for both.
    rows = [_plain_row(event) for event in sorted(events, key=lambda event: event.event_id)]
    columns = [list(column) for column in zip(*rows, strict=True)]
    connection.ensure_connection()
    # Its parameters travel beside the statement, which the server has parsed before; Django would write them into it.
    with connection.wrap_database_errors, psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(STORE_KNOWN, [*columns, source], prepare=True)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
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


def _plain_row(event: NewEvent) -> tuple[Any, ...]:
    return (
        event.event_id,
        event.at,
        event.type,
        *event.subject,
        event.product,
        event.quantity,
        event.price,
        event.value,
        event.session,
        event.placement,
        event.recommendation_id,
        event.position,
        event.consent,
    )


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
    return (
        event.event_id,
        event.at,
        event.type,
        known.shoppers[event.subject][0],
        product_id,
        event.quantity,
        event.price,
        event.value,
        event.session,
        event.placement,
        event.recommendation_id,
        event.position,
        event.consent,
    )


def _keep_rejects(rejects: Sequence[Reject], source: str) -> None:
    letters = (
        RejectedEvent(
            source=source,
            payload=_storable(reject.payload),
            code=reject.code,
            field=reject.field[:40],
            message=reject.message.replace("\0", "␀")[:500],
        )
        for reject in rejects
    )
    RejectedEvent.objects.bulk_create(letters)


def _storable(payload: Any) -> Any:
    """What came, as a jsonb may hold it: no NUL, and not more than an event may be."""
    if payload is None:
        return Value(None, JSONField())  # a JSON null, where None would be no value at all
    text = orjson.dumps(payload)
    if len(text) > MAX_EVENT_BYTES:
        return {"shortened": text[:1_000].decode(errors="replace")}
    return _without_nul(payload) if b"\\u0000" in text else payload


def _without_nul(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "␀")
    if isinstance(value, list):
        return [_without_nul(part) for part in value]
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(part) for key, part in value.items()}
    return value


@dataclass(frozen=True)
class Replayed:
    """What became of the dead letters: ``stored`` (duplicates included) left the queue, ``still`` stay in it."""

    stored: int
    still: int
    accepted: list[StoredEvent]


REPLAY_BATCH = 500


def replay_rejects(*, code: str | None = None, ids: Sequence[int] | None = None) -> Replayed:
    """Try refused events again, for instance once their type is declared. What is refused again stays waiting."""
    stored, still, accepted = 0, 0, []
    rules = current_rules()
    waiting = RejectedEvent.objects.filter(replayed_at=None).order_by("id")
    if code is not None:
        waiting = waiting.filter(code=code)
    if ids is not None:
        waiting = waiting.filter(pk__in=ids)
    last = 0
    while letters := list(waiting.filter(pk__gt=last)[:REPLAY_BATCH]):
        last = letters[-1].pk
        recorded, again = _replay(letters, rules)
        accepted += recorded
        still += again
        stored += len(letters) - again
    return Replayed(stored, still, accepted)


def _replay(letters: Sequence[RejectedEvent], rules: Rules) -> tuple[list[StoredEvent], int]:
    read = [(letter, parse_event(letter.payload, index=0, rules=rules)) for letter in letters]
    good = [(letter, event) for letter, event in read if isinstance(event, NewEvent)]
    accepted: list[StoredEvent] = []
    with transaction.atomic():
        for source in sorted({letter.source for letter, _ in good}):
            batch = [event for letter, event in good if letter.source == source]
            accepted += record_events(events=batch, source=source).accepted
        done = [letter.pk for letter, _ in good]
        RejectedEvent.objects.filter(pk__in=done).update(replayed_at=timezone.now())
    return accepted, len(letters) - len(good)


def set_shopper(
    *, external_id: str, kind: str = "shopper", attributes: Mapping[str, Any] | None = None, **fields: Any
) -> Shopper:
    """Create a shopper or change the given ``fields`` (age, gender, income, consent) and ``attributes``.

    A field that is not named stays; an attribute of None is removed.
    """
    allowed = {"age", "gender", "income", "consent"}
    if unknown := sorted(set(fields) - allowed):
        raise TypeError(f"expected fields among {', '.join(sorted(allowed))}; received {', '.join(unknown)}")
    with transaction.atomic():
        shopper, _ = Shopper.objects.select_for_update().get_or_create(kind=kind, external_id=external_id)
        for name, value in fields.items():
            setattr(shopper, name, value if name == "consent" else str(value if value is not None else ""))
        if attributes is not None:
            merged = {**shopper.attributes, **attributes}
            shopper.attributes = {name: value for name, value in merged.items() if value is not None}
        shopper.is_stub = False
        shopper.save()
        if shopper.consent is False:
            ShopperProfile.objects.filter(shopper=shopper).delete()
    return shopper


@dataclass(frozen=True)
class Merged:
    """A visitor that became a shopper: their internal ids and how many events moved."""

    shopper_id: int
    visitor_id: int | None
    moved: int


def merge_visitor(*, visitor: str, shopper: str) -> Merged:
    """Give a visitor's events, past and future, to the shopper who logged in. Doing it twice changes nothing.

    A visitor who was merged into somebody else before keeps that person: two people share one browser, and what was
    done until then was the first one's.
    """
    with transaction.atomic():
        person, _ = Shopper.objects.get_or_create(
            kind=Shopper.Kind.SHOPPER, external_id=shopper, defaults={"is_stub": True}
        )
        browser, _ = Shopper.objects.select_for_update().get_or_create(
            kind=Shopper.Kind.VISITOR, external_id=visitor, defaults={"is_stub": True}
        )
        if browser.merged_into_id is not None and browser.merged_into_id != person.pk:
            return Merged(person.pk, browser.pk, 0)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE behavior_event SET shopper_id = %s WHERE shopper_id = %s", [person.pk, browser.pk])
            moved = cursor.rowcount
        Shopper.objects.filter(pk=browser.pk).update(merged_into=person, updated_at=timezone.now())
        ShopperProfile.objects.filter(shopper=browser).delete()  # their events are the person's now
    return Merged(person.pk, browser.pk, moved)


#: At once, for everything else of the queue waits that long: about a second.
PROFILES_AT_ONCE = 200
FRESH_WITHIN = timedelta(hours=1)
ReportProfiles = Callable[[int, int], None]  # (shoppers done, shoppers in all)


def build_profiles(*, as_of: datetime | None = None, report: ReportProfiles | None = None) -> int:
    """Fold everybody's events up to ``as_of`` (default: the newest event) into their profiles; returns how many.

    Who must not be profiled, or has no event any more, has no profile afterwards. Each portion is a transaction, so
    that pages read whole profiles all the while.
    """
    started = timezone.now()
    as_of = as_of or queries.newest_event_at() or started
    counted = profile_batches.sizes(as_of)
    norms = profile_batches.read_norms(as_of)
    done = 0
    for portion in profile_batches.portions(counted):
        _fold_and_store(portion, norms, as_of)
        done += len(portion)
        if report:
            report(done, len(counted))
    ShopperProfile.objects.filter(updated_at__lt=started).delete()
    return done


def are_profiles_current() -> bool:
    """Whether every profile knows the newest event; not where there are events and no profile."""
    newest = queries.newest_event_at()
    if newest is None:
        return True
    return ShopperProfile.objects.exists() and not ShopperProfile.objects.filter(as_of__lt=newest).exists()


def build_profile(shopper: Shopper, *, as_of: datetime | None = None) -> Profile:
    """One shopper's profile from what is stored just now, by the same fold and the norms of the last batch."""
    as_of = as_of or timezone.now()
    return _fold([shopper.pk], _norms(as_of), as_of).get(shopper.pk, Profile())


def refresh_profiles() -> int:
    """Fold anew whoever posted in the last hour and after their profile was made, :data:`PROFILES_AT_ONCE` of them;
    returns how many. What an hour leaves undone waits for the next batch."""
    as_of = timezone.now()
    waiting = queries.without_fresh_profile(since=as_of - FRESH_WITHIN, now=as_of, limit=PROFILES_AT_ONCE)
    if waiting:
        _fold_and_store(waiting, _norms(as_of), as_of)
    return len(waiting)


def _norms(as_of: datetime) -> Norms:
    """Those of the last batch."""
    stored = ShopperProfile.objects.order_by("-updated_at").values_list("data__norms", flat=True).first()
    return Norms.from_dict(stored) if stored else profile_batches.read_norms(as_of)


def _fold(shoppers: Sequence[int], norms: Norms, as_of: datetime) -> dict[int, Profile]:
    log = profile_batches.read_log(shoppers, as_of)
    shelf = profile_batches.read_shelf(np.unique(log.product))
    return fold(log, shelf, norms, as_of=as_of, zone=shop_zone())


def _fold_and_store(shoppers: Sequence[int], norms: Norms, as_of: datetime) -> None:
    read_at = timezone.now()  # before the read: an event that comes during it is newer than the profile
    profiles = _fold(shoppers, norms, as_of)
    said = norms.to_dict()
    rows = [
        ShopperProfile(
            shopper_id=shopper,
            segment=profile.segment,
            events=profile.events,
            baskets=profile.baskets,
            products=profile.products,
            spend=profile.spend,
            first_at=profile.first_at,
            last_at=profile.last_at,
            data=profile.to_dict() | {"norms": said},
            as_of=as_of,
            updated_at=read_at,
        )
        for shopper, profile in profiles.items()
    ]
    columns = [name for name in PROFILE_COLUMNS if name != "shopper"]
    with transaction.atomic():
        ShopperProfile.objects.bulk_create(
            rows, batch_size=500, update_conflicts=True, unique_fields=["shopper"], update_fields=columns
        )


PROFILE_COLUMNS = tuple(field.name for field in ShopperProfile._meta.concrete_fields)
