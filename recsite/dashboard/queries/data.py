"""What the Data page counts: gaps by column and department, event types, lines per day, dead letters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from behavior.queries import ShopperTotals, newest_event_at, shopper_totals
from catalog.queries import EMPTY
from recsite.dashboard.shop import Shop

WINDOW = timedelta(days=28)


@dataclass(frozen=True)
class Gap:
    """How many products lack a column or attribute; ``worst``: the department that lacks it most, with its share."""

    name: str
    missing: int
    total: int
    worst: str = ""
    worst_share: float = 0.0

    @property
    def share(self) -> float:
        return self.missing / self.total if self.total else 0.0


@dataclass(frozen=True)
class TypeRow:
    """A declared event type with what arrived of it in the newest 28 days."""

    name: str
    weight: float
    is_target: bool
    is_builtin: bool
    events: int
    simulated: int
    newest: datetime | None


@dataclass(frozen=True)
class DeadLetters:
    """Waiting dead letters of one reason, with the newest of them."""

    code: str
    field: str
    count: int
    newest: datetime
    message: str
    payload: Any


def gaps() -> list[Gap]:
    """Per column and attribute how many products lack it, the most first. Two queries, each a pass of the catalogue."""
    given: dict[str, dict[str, int]] = {}
    totals: dict[str, int] = {}
    counts = ", ".join(f"count(*) FILTER (WHERE NOT ({empty}))" for empty in EMPTY.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_ROOT}, count(*), {counts} {_PRODUCTS} GROUP BY 1")
        for root, total, *present in cursor.fetchall():
            totals[root] = total
            for name, count in zip(EMPTY, present, strict=True):
                given.setdefault(name, {})[root] = count
        cursor.execute(f"SELECT {_ROOT}, key, count(*) {_ATTRIBUTES} GROUP BY 1, 2")
        for root, name, count in cursor.fetchall():
            given.setdefault(name, {})[root] = count
    found = [_gap(name, by_root, totals) for name, by_root in given.items()]
    return sorted(found, key=lambda gap: (-gap.missing, gap.name))


_ROOT = "coalesce(split_part(category.path, ' > ', 1), '')"
_JOINED = "FROM catalog_product LEFT JOIN catalog_category AS category ON category.id = category_id"
_PRODUCTS = f"{_JOINED} WHERE retired_at IS NULL"
_ATTRIBUTES = f"{_JOINED}, jsonb_object_keys(attributes) AS key WHERE retired_at IS NULL"
_FEW = 20  # products; of fewer a department's share says nothing


def _gap(name: str, given: Mapping[str, int], totals: Mapping[str, int]) -> Gap:
    total, missing = sum(totals.values()), sum(totals.values()) - sum(given.values())
    shares = {
        root: 1 - given.get(root, 0) / count for root, count in totals.items() if root and count >= min(_FEW, total)
    }
    worst = max(shares, key=lambda root: shares[root], default="")
    return Gap(name, missing, total, worst, shares.get(worst, 0.0))


def event_types() -> list[TypeRow]:
    """Every declared type with its events of the newest 28 days of the log. Two queries."""
    newest = newest_event_at()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT declared.name, weight, is_target, is_builtin, coalesce(events, 0), coalesce(simulated, 0), newest
            FROM behavior_eventtype AS declared LEFT JOIN (
                SELECT type, count(*) FILTER (WHERE source <> 'simulator') AS events,
                       count(*) FILTER (WHERE source = 'simulator') AS simulated, max(at) AS newest
                FROM behavior_event WHERE at > %s AND at <= %s GROUP BY type
            ) AS counted ON counted.type = declared.name
            ORDER BY position, declared.name
            """,
            [newest - WINDOW if newest else None, newest],
        )
        return [TypeRow(*row) for row in cursor.fetchall()]


def lines_per_day(shop: Shop) -> tuple[date, list[int]]:
    """Events of each of the newest 28 days, by the shop's calendar: the first day, and a count a day. Two queries."""
    newest = newest_event_at()
    if newest is None:
        return date.min, []
    last = shop.day_of(newest)
    first = last - WINDOW + timedelta(days=1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (at AT TIME ZONE %s)::date, count(*) FROM behavior_event WHERE at >= %s AND at <= %s GROUP BY 1",
            [shop.zone.key, shop.midnight(first), newest],
        )
        counted = dict(cursor.fetchall())
    return first, [counted.get(first + timedelta(days=day), 0) for day in range(WINDOW.days)]


def dead_letters() -> list[DeadLetters]:
    """Waiting ones by reason, the most first. One query."""
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT counted.code, counted.field, counted.count, newest.received_at, newest.message, newest.payload::text
            FROM (
                SELECT code, field, count(*), max(id) AS newest FROM behavior_rejectedevent
                WHERE replayed_at IS NULL GROUP BY code, field
            ) AS counted JOIN behavior_rejectedevent AS newest ON newest.id = counted.newest
            ORDER BY 3 DESC, 1, 2
        """)
        return [DeadLetters(*row) for row in cursor.fetchall()]


@dataclass(frozen=True)
class Counted:
    """All that takes a pass of the catalogue or of four weeks of the log."""

    gaps: Sequence[Gap]
    shoppers: ShopperTotals
    types: Sequence[TypeRow]
    first_day: date
    days: Sequence[int]


def counted(shop: Shop) -> Counted:
    """Counted anew: seven queries."""
    first, days = lines_per_day(shop)
    return Counted(gaps(), shopper_totals(), event_types(), first, days)
