"""What pages, the API and other apps read about shoppers and events as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Count, Q, QuerySet

from behavior.models import EventType, RejectedEvent, Shopper

#: After an event got its ``received_at`` it is seen by others: a profile read within that time may not know it.
LONGEST_COMMIT = timedelta(seconds=10)


@dataclass(frozen=True)
class TypeCount:
    """Events of one type: how many, by how many shoppers, from when to when."""

    type: str
    events: int
    shoppers: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True)
class ShopperTotals:
    """How many shoppers and visitors there are, and what is known of them."""

    shoppers: int
    visitors: int
    stubs: int
    with_age: int
    with_gender: int
    with_income: int
    no_profile: int  # said that they do not want one


def declared_types() -> list[str]:
    """Names of the declared event types in the order of lists."""
    return list(EventType.objects.values_list("name", flat=True))


def without_fresh_profile(*, since: datetime, now: datetime, limit: int) -> list[int]:
    """Ids of shoppers who may be profiled and whose profile does not know an event received after ``since``; whoever
    waits longest comes first. What lies ahead of ``now`` waits until its time has come."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT e.shopper_id FROM behavior_event e JOIN behavior_shopper s ON s.id = e.shopper_id
            LEFT JOIN behavior_shopperprofile p ON p.shopper_id = e.shopper_id
            WHERE e.received_at > %s AND e.at <= %s AND NOT (e.source = 'simulator' AND e.type <> 'purchase')
              AND s.consent IS NOT FALSE
              AND (p.updated_at IS NULL OR p.updated_at < e.received_at + make_interval(secs => %s) OR p.as_of < e.at)
            GROUP BY e.shopper_id ORDER BY min(e.received_at), e.shopper_id LIMIT %s
            """,
            [since, now, LONGEST_COMMIT.total_seconds(), limit],
        )
        return [shopper for (shopper,) in cursor.fetchall()]


def newest_event_at() -> datetime | None:
    """The time of the newest event, None without any. What batch work is as of, unless it is told otherwise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT at FROM behavior_event ORDER BY at DESC LIMIT 1")
        row = cursor.fetchone()
    return row[0] if row else None


def type_counts(*, start: datetime | None = None, end: datetime | None = None) -> list[TypeCount]:
    """Events by type within [start, end), the most first; one pass over the months in question."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT type, sum(events)::bigint, count(*), min(first_at), max(last_at)
            FROM (  -- by shopper first: a count of distinct ones would sort the whole log
                SELECT type, shopper_id, count(*) AS events, min(at) AS first_at, max(at) AS last_at
                FROM behavior_event
                WHERE (%(start)s::timestamptz IS NULL OR at >= %(start)s)
                  AND (%(end)s::timestamptz IS NULL OR at < %(end)s)
                GROUP BY type, shopper_id
            ) AS by_shopper
            GROUP BY type ORDER BY 2 DESC, 1
            """,
            {"start": start, "end": end},
        )
        return [TypeCount(*row) for row in cursor.fetchall()]


def shopper_totals() -> ShopperTotals:
    """One query."""
    people = Q(kind=Shopper.Kind.SHOPPER)
    counted = Shopper.objects.aggregate(
        shoppers=Count("pk", filter=people),
        visitors=Count("pk", filter=~people),
        stubs=Count("pk", filter=people & Q(is_stub=True)),
        with_age=Count("pk", filter=people & ~Q(age="")),
        with_gender=Count("pk", filter=people & ~Q(gender="")),
        with_income=Count("pk", filter=people & ~Q(income="")),
        no_profile=Count("pk", filter=Q(consent=False)),
    )
    return ShopperTotals(**counted)


def waiting_rejects(*, code: str = "") -> QuerySet[RejectedEvent]:
    """Dead letters that were not replayed since, the newest first."""
    rows = RejectedEvent.objects.filter(replayed_at=None).order_by("-id")
    return rows.filter(code=code) if code else rows


def search_shoppers(text: str, *, limit: int = 8) -> list[Shopper]:
    """Shoppers and visitors whose id contains ``text``, the shortest (closest) first. One query, trigram index."""
    text = text.strip()
    if not text:
        return []
    found = Shopper.objects.filter(external_id__icontains=text, merged_into=None).select_related("profile")
    return sorted(found.order_by("external_id")[: limit * 10], key=lambda shopper: len(shopper.external_id))[:limit]
