"""Shoppers as lists of them are asked for, and what one of them did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from django.db import connection
from django.db.models import Case, Count, F, QuerySet, When

from behavior.models import Shopper, ShopperProfile

_ORDER = {
    "id": "external_id",
    "spend": "profile__spend",
    "baskets": "profile__baskets",
    "products": "profile__products",
    "last": "profile__last_at",
}
SORTS = tuple(_ORDER)


@dataclass(frozen=True)
class ShopperFilter:
    """``kind``: shopper or visitor; ``segment`` as the profile names it."""

    text: str = ""
    kind: str = ""
    segment: str = ""


class Line(NamedTuple):
    """One event of a shopper; a tuple, for a page makes thousands of them."""

    at: datetime
    type: str
    product_id: int | None
    quantity: float
    price: float | None
    session: str
    placement: str
    source: str

    @property
    def amount(self) -> float:
        return (self.price or 0.0) * self.quantity


def matching(wanted: ShopperFilter) -> QuerySet[Shopper]:
    """The shoppers that a filter lets through; a visitor that logged in stands under the shopper it became."""
    found = Shopper.objects.filter(merged_into__isnull=True)
    if text := wanted.text.strip():
        found = found.filter(external_id__icontains=text)
    if wanted.kind:
        found = found.filter(kind=wanted.kind)
    if wanted.segment:
        found = found.filter(profile__segment=wanted.segment)
    return found


def ordered(shoppers: QuerySet[Shopper], sort: str, *, descending: bool) -> QuerySet[Shopper]:
    """Sorted by one of ``SORTS`` with their profiles; shoppers without a profile come last."""
    column = F(_ORDER[sort])
    by = column.desc(nulls_last=True) if descending else column.asc(nulls_last=True)
    return shoppers.select_related("profile").order_by(by, "id")


def segments() -> list[tuple[str, int]]:
    """The segments there are, the largest first, with their sizes."""
    sizes = ShopperProfile.objects.values_list("segment").annotate(size=Count("pk")).order_by("-size")
    return [(segment, size) for segment, size in sizes if segment]


def suggestions(text: str, *, limit: int = 6) -> tuple[list[Shopper], int]:
    """Shoppers whose id holds ``text``, the id itself first, then those that begin with it; and how many there are."""
    found = matching(ShopperFilter(text=text))
    text = text.strip()
    distance = Case(When(external_id=text, then=0), When(external_id__startswith=text, then=1), default=2)
    by_closeness = found.annotate(distance=distance)
    rows: list[Shopper] = [*by_closeness.select_related("profile").order_by("distance", "external_id")[:limit]]
    return rows, (found.count() if len(rows) == limit else len(rows))


def lines_of(shopper_id: int, *, limit: int = 20_000) -> list[Line]:
    """A shopper's newest events, newest first. One query; times come as seconds, which are read ten times as fast, and
    events of one time share it."""
    sql = """
        SELECT extract(epoch FROM at)::float8, type, product_id, coalesce(quantity, 1), price,
               session, placement, source
        FROM behavior_event WHERE shopper_id = %s ORDER BY at DESC, event_id LIMIT %s
    """

    @cache
    def moment(seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)

    with connection.cursor() as cursor:
        cursor.execute(sql, [shopper_id, limit])
        return [Line(moment(row[0]), *row[1:]) for row in cursor.fetchall()]
