"""One product: what it sold, in how many lists it stood, and what came of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.cache import cache
from django.db import connection
from django.db.models import Sum

from behavior.models import ShopperProfile
from recommender.models import ServedList


@dataclass(frozen=True)
class SoldInAll:
    """All purchases of a product, and its lines of the newest days and of as many days before."""

    lines: int
    shoppers: int
    revenue: float
    lately: int
    before: int
    first_at: datetime | None


@dataclass(frozen=True)
class ShownAt:
    """How often a placement showed the product: ``lists`` with it of ``total``, at which mean rank."""

    placement: str
    lists: int
    mean_rank: float | None
    total: int


@dataclass(frozen=True)
class AfterShowing:
    """What followed on lists that held the product, in events of the product that name such a list."""

    shown: int
    clicks: int
    carts: int
    purchases: int
    simulated: bool


@dataclass(frozen=True)
class Together:
    """How often two products were in one basket, and how many times more than chance (1 = no more)."""

    baskets: int
    lift: float | None


def sold_in_all(product_id: int, *, lately: datetime, before: datetime) -> SoldInAll:
    """One query over the product's own index. Untimed purchases count in all, never as lately."""
    sql = """
        SELECT count(*), count(DISTINCT shopper_id), coalesce(sum(coalesce(price, 0) * coalesce(quantity, 1)), 0),
               count(*) FILTER (WHERE at > %(lately)s),
               count(*) FILTER (WHERE at > %(before)s AND at <= %(lately)s),
               min(at) FILTER (WHERE at > '1970-01-02')
        FROM behavior_event WHERE product_id = %(product)s AND type = 'purchase'
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"product": product_id, "lately": lately, "before": before})
        return SoldInAll(*cursor.fetchone())


def shown_at(product_id: int, *, start: datetime, end: datetime) -> list[ShownAt]:
    """The placements that served any list in ``start … end``, with the lists that held the product. One query."""
    sql = """
        SELECT placement, count(*) FILTER (WHERE %(product)s = ANY(products)),
               avg(array_position(products, %(product)s::bigint)), count(*)
        FROM recommender_servedlist WHERE at >= %(start)s AND at < %(end)s GROUP BY placement ORDER BY 2 DESC, 1
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"product": product_id, "start": start, "end": end})
        return [
            ShownAt(placement, lists, None if rank is None else float(rank), total)
            for placement, lists, rank, total in cursor.fetchall()
        ]


def after_showing(product_id: int, *, start: datetime, end: datetime) -> AfterShowing:
    """Clicks, baskets and purchases of the product that name a served list which held it. Two queries."""
    shown = ServedList.objects.filter(at__gte=start, at__lt=end, products__contains=[product_id])
    sql = """
        SELECT count(DISTINCT (e.recommendation_id)) FILTER (WHERE e.type = 'click'),
               count(DISTINCT (e.recommendation_id)) FILTER (WHERE e.type = 'cart'),
               count(DISTINCT (e.recommendation_id)) FILTER (WHERE e.type = 'purchase'),
               coalesce(bool_or(e.source = 'simulator'), false)
        FROM behavior_event e
        WHERE e.product_id = %s AND e.recommendation_id <> '' AND e.at >= %s AND e.at < %s
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [product_id, start, end])
        clicks, carts, purchases, simulated = cursor.fetchone()
    return AfterShowing(shown.count(), clicks, carts, purchases, simulated)


def bought_with(product_id: int, others: Sequence[int]) -> dict[int, Together]:
    """For each of ``others``: shared baskets, and the lift P(both) / (P(one) P(other)) over all baskets of the shop.

    A basket is a session; purchases without one are put together by shopper and day.
    """
    if not others:
        return {}
    sql = """
        WITH lines AS (
            SELECT product_id, CASE WHEN session <> '' THEN session ELSE shopper_id || ' ' || at::date END AS basket
            FROM behavior_event WHERE type = 'purchase' AND product_id = ANY(%(products)s)
        ), baskets AS (
            SELECT DISTINCT product_id, basket FROM lines
        ), mine AS (
            SELECT basket FROM baskets WHERE product_id = %(product)s
        )
        SELECT b.product_id, count(m.basket), count(*), (SELECT count(*) FROM mine)
        FROM baskets b LEFT JOIN mine m USING (basket) WHERE b.product_id <> %(product)s GROUP BY b.product_id
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"product": product_id, "products": [product_id, *others]})
        found = cursor.fetchall()
    return {other: Together(both, _lift(both, theirs, mine)) for other, both, theirs, mine in found}


def _lift(both: int, theirs: int, mine: int) -> float | None:
    total = baskets_in_all()
    return both * total / (theirs * mine) if theirs and mine and total else None


def baskets_in_all() -> int:
    """Baskets of the whole shop, from the profiles (a minute old at most); 0 before there are any."""

    def count() -> int:
        return int(ShopperProfile.objects.aggregate(total=Sum("baskets"))["total"] or 0)

    return int(cache.get_or_set("dashboard:baskets", count, 60) or 0)
