"""Sales out of the event log: one line a purchase event, revenue = price of a unit × quantity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

from recsite.dashboard.kept import Kept


@dataclass(frozen=True)
class PeriodSales:
    """Sales of one day or week: ``start`` is its first day."""

    start: date
    lines: int
    units: float
    revenue: float
    price: float | None  # median of a unit


def weeks_between(first: date, last: date) -> list[date]:
    """Every Monday from the week of ``first`` to the week of ``last``."""
    monday = first - timedelta(days=first.weekday())
    return [monday + timedelta(weeks=n) for n in range((last - monday).days // 7 + 1)]


@dataclass(frozen=True)
class PriceBands:
    """Bands of a unit's price that hold about equal shares of the shop's lines, at round numbers.

    ``edges`` between the bands; ``shares`` of the shop's lines, one more than edges.
    """

    edges: tuple[float, ...] = ()
    shares: tuple[float, ...] = (1.0,)


_BANDS: Kept[PriceBands] = Kept("price bands", seconds=600)


def price_bands(*, start: datetime, end: datetime, bands: int = 7) -> PriceBands:
    """From the purchases of ``start … end``. Two queries, then kept for ten minutes."""

    def read() -> PriceBands:
        edges = _edges(start, end, bands)
        return PriceBands(edges, _shares(start, end, edges)) if edges else PriceBands()

    return _BANDS.get(read, (end.date(), bands))


def _edges(start: datetime, end: datetime, bands: int) -> tuple[float, ...]:
    sql = """
        SELECT percentile_cont(%s::float8[]) WITHIN GROUP (ORDER BY price) FROM behavior_event
        WHERE type = 'purchase' AND at >= %s AND at < %s AND price > 0
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [[n / bands for n in range(1, bands)], start, end])
        quantiles = cursor.fetchone()[0]
    return tuple(sorted({_round(value) for value in quantiles or []}))


def _round(value: float) -> float:
    """The nearest of 1, 1.5, 2, 2.5, 3, 4, 5, 7 and 10 in its decade."""
    decade = 10.0 ** math.floor(math.log10(value))
    return min((step * decade for step in (1, 1.5, 2, 2.5, 3, 4, 5, 7, 10)), key=lambda edge: abs(edge - value))


def _shares(start: datetime, end: datetime, edges: tuple[float, ...]) -> tuple[float, ...]:
    sql = """
        SELECT width_bucket(price, %s::float8[]), count(*) FROM behavior_event
        WHERE type = 'purchase' AND at >= %s AND at < %s AND price IS NOT NULL GROUP BY 1
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(edges), start, end])
        counts = dict(cursor.fetchall())
    total = sum(counts.values()) or 1
    return tuple(counts.get(band, 0) / total for band in range(len(edges) + 1))
