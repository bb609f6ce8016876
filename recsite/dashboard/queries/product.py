"""One product: what it sold, in how many lists it stood, and what came of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Sum

from behavior.models import ShopperProfile
from recsite.dashboard.kept import Kept
from recsite.dashboard.queries.sales import PeriodSales


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
    """How often a placement showed the product: ``lists`` with it of ``total``, to how many different shoppers and
    visitors, at which mean rank."""

    placement: str
    lists: int
    shoppers: int
    mean_rank: float | None
    total: int


@dataclass(frozen=True)
class AfterShowing:
    """Lists in which somebody saw the product, and on how many of them what followed. ``simulated``: some of them."""

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


def sold(product_id: int, *, lately: datetime, before: datetime, zone: ZoneInfo) -> tuple[SoldInAll, list[PeriodSales]]:
    """What a product sold in all, and in each week (from Monday, in the shop's zone) in which it was bought, oldest
    first. One query that reads its lines once. Untimed purchases count in all, never as lately nor in a week."""
    sql = """
        SELECT GROUPING(week), week, count(*), sum(units), sum(revenue),
               percentile_cont(.5) WITHIN GROUP (ORDER BY price), count(DISTINCT shopper_id),
               count(*) FILTER (WHERE at > %(lately)s),
               count(*) FILTER (WHERE at > %(before)s AND at <= %(lately)s),
               min(at) FILTER (WHERE at > '1970-01-02')
        FROM (
            SELECT at, shopper_id, price, coalesce(quantity, 1) AS units,
                   coalesce(price, 0) * coalesce(quantity, 1) AS revenue,
                   CASE WHEN at > '1970-01-02' THEN date_trunc('week', at AT TIME ZONE %(zone)s)::date END AS week
            FROM behavior_event WHERE product_id = %(product)s AND type = 'purchase'
        ) AS lines GROUP BY GROUPING SETS ((), (week)) ORDER BY 1 DESC, week
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"product": product_id, "lately": lately, "before": before, "zone": zone.key})
        (_, _, lines, _, revenue, _, shoppers, late, earlier, first_at), *weeks = cursor.fetchall()
    in_all = SoldInAll(lines, shoppers, revenue or 0.0, late, earlier, first_at)
    return in_all, [PeriodSales(*week[1:6]) for week in weeks if week[1] is not None]


def shown_at(product_id: int, *, start: datetime, end: datetime) -> list[ShownAt]:
    """The placements that served any list in ``start … end``, with the lists that held the product. One query."""
    sql = """
        SELECT placement, count(*) FILTER (WHERE %(product)s = ANY(products)),
               count(DISTINCT shopper_kind || ' ' || shopper_external_id)
                   FILTER (WHERE %(product)s = ANY(products) AND shopper_external_id <> ''),
               avg(array_position(products, %(product)s::bigint)), count(*)
        FROM recommender_servedlist WHERE at >= %(start)s AND at < %(end)s GROUP BY placement ORDER BY 2 DESC, 1
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"product": product_id, "start": start, "end": end})
        return [
            ShownAt(placement, lists, shoppers, None if rank is None else float(rank), total)
            for placement, lists, shoppers, rank, total in cursor.fetchall()
        ]


def after_showing(product_id: int, *, start: datetime, end: datetime, window: timedelta) -> AfterShowing:
    """Lists of ``start … end`` in which the product was seen, and what the same shopper did with it within ``window``
    after the click: what ``recommender.feedback`` counts by day, for one product. One query, over the months since
    ``start``: nothing comes of a list before it was served."""
    sql = """
        WITH lists AS MATERIALIZED (
            SELECT recommendation_id, source FROM recommender_servedlist
            WHERE at >= %(start)s AND at < %(end)s AND %(product)s = ANY(products)
        ), touches AS MATERIALIZED (
            SELECT l.recommendation_id, l.source, max(e.shopper_id) AS shopper_id,
                   max(e.at) FILTER (WHERE e.type = 'click' AND e.product_id = %(product)s) AS clicked_at
            FROM lists l JOIN behavior_event e USING (recommendation_id)
            WHERE e.recommendation_id <> '' AND e.at >= %(start)s AND e.type IN ('impression', 'click')
              AND (e.product_id = %(product)s OR e.product_id IS NULL)
            GROUP BY 1, 2
        ), later AS (
            SELECT t.recommendation_id, bool_or(b.type = 'cart') AS carted, bool_or(b.type = 'purchase') AS bought
            FROM (SELECT * FROM touches WHERE clicked_at IS NOT NULL) t JOIN behavior_event b
              ON b.product_id = %(product)s AND b.shopper_id = t.shopper_id AND b.type IN ('cart', 'purchase')
             AND b.at >= %(start)s AND b.at >= t.clicked_at AND b.at < t.clicked_at + %(window)s * interval '1 second'
            GROUP BY 1
        )
        SELECT count(*), count(t.clicked_at), count(*) FILTER (WHERE carted), count(*) FILTER (WHERE bought),
               coalesce(bool_or(t.source = 'simulator'), false)
        FROM touches t LEFT JOIN later USING (recommendation_id)
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"product": product_id, "start": start, "end": end, "window": window.total_seconds()})
        return AfterShowing(*cursor.fetchone())


_TOGETHER: Kept[dict[int, Together]] = Kept("shared baskets", seconds=600, oldest=3600, most=1_000)


def bought_with(product_id: int, others: Sequence[int]) -> dict[int, Together]:
    """For each of ``others``: shared baskets, and the lift P(both) / (P(one) P(other)) over all baskets of the shop.

    A basket is a session; purchases without one are put together by shopper and day. Kept for ten minutes: a year of
    a best seller's baskets changes slowly and takes long to read.
    """
    if not others:
        return {}
    return _TOGETHER.get(lambda: _shared_baskets(product_id, others), (product_id, *others))


def _shared_baskets(product_id: int, others: Sequence[int]) -> dict[int, Together]:
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


_BASKETS: Kept[int] = Kept("baskets", seconds=60, oldest=3600, passing=lambda total: not total)


def baskets_in_all() -> int:
    """Baskets of the whole shop, from the profiles (about a minute old); 0 before there are any."""
    return _BASKETS.get(lambda: int(ShopperProfile.objects.aggregate(total=Sum("baskets"))["total"] or 0))
