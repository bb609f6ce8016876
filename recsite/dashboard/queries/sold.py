"""What every product sold in one period and in another: counted once, then ranked in memory however it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db import connection

from catalog.models import Product
from recsite.dashboard.kept import Kept

FLOOR = 20  # lines in the better of the two periods, or a rise means nothing
_OLDEST = 3600.0  # seconds after which even the first to ask waits for new figures
_RANGES = 8  # of days that are kept


@dataclass(frozen=True)
class Sold:
    """A product with its sales of a period: ``before`` counts the lines of the period before."""

    product: Product
    lines: int
    before: int
    revenue: float


@dataclass(frozen=True)
class ProductSales:
    """The same by ``Product.id``."""

    product_id: int
    lines: int
    before: int
    revenue: float


@dataclass(frozen=True)
class Sales:
    """Purchases of ``start … end`` and of the period before by product: arrays of one length n.

    ``ids`` int64 (``Product.id``), ``lines`` and ``before`` int64, ``revenue`` float64. Products without a line in
    either period are absent.
    """

    start: datetime
    end: datetime
    ids: np.ndarray
    lines: np.ndarray
    before: np.ndarray
    revenue: np.ndarray

    @cached_property
    def _places(self) -> dict[int, int]:
        return {key: place for place, key in enumerate(self.ids.tolist())}

    def of(self, product: Product) -> Sold:
        """The product with its figures."""
        place = self._places.get(product.pk)
        if place is None:
            return Sold(product, 0, 0, 0.0)
        return Sold(product, int(self.lines[place]), int(self.before[place]), float(self.revenue[place]))

    def ranking(self, by: str, *, descending: bool) -> np.ndarray:
        """int64 [n]: the products' ids by ``lines``, ``before`` or ``revenue``, ties by id."""
        values = getattr(self, by)
        return self.ids[np.lexsort((self.ids, -values if descending else values))]

    def movers(self, kind: str, *, limit: int = 6) -> list[ProductSales]:
        """Products that sell (``sellers``), sell more (``risers``) or less (``fallers``) than in the period before;
        ties by revenue, then id."""
        lines, before = self.lines, self.before
        if kind == "sellers":
            found, worth = lines > 0, lines.astype(float)
        elif kind == "risers":
            found, worth = (lines >= FLOOR) & (before >= FLOOR / 4) & (lines > before), lines / np.maximum(before, 1)
        else:
            found, worth = (before >= FLOOR) & (lines < before), -lines / np.maximum(before, 1)
        places = np.flatnonzero(found)
        order = np.lexsort((self.ids[places], -self.revenue[places], -worth[places]))[:limit]
        return [
            ProductSales(int(self.ids[n]), int(lines[n]), int(before[n]), float(self.revenue[n])) for n in places[order]
        ]


_KEPT: Kept[Sales] = Kept(
    "product sales", seconds=60, oldest=_OLDEST, most=_RANGES, passing=lambda sales: not len(sales.ids)
)
Span = tuple[datetime, datetime]


def kept_between(start: datetime, end: datetime, before: Span | None) -> Sales:
    """:func:`between`, kept for a minute by its days."""
    return _KEPT.get(lambda: between(start, end, before), (start, end, before))


def between(start: datetime, end: datetime, before: Span | None) -> Sales:
    """Sales of every product that had any in ``start … end`` or in ``before`` (None compares with nothing): one query
    over both periods."""
    earlier = before or (start, start)
    sql = """
        SELECT string_agg(int8send(product_id) || int8send(lines) || int8send(before) || float8send(revenue), '')
        FROM (
            SELECT product_id, count(*) FILTER (WHERE at >= %(start)s AND at < %(end)s) AS lines,
                   count(*) FILTER (WHERE at >= %(from)s AND at < %(to)s) AS before,
                   coalesce(sum(coalesce(price, 0) * coalesce(quantity, 1))
                            FILTER (WHERE at >= %(start)s AND at < %(end)s), 0) AS revenue
            FROM behavior_event
            WHERE type = 'purchase' AND product_id IS NOT NULL
              AND ((at >= %(start)s AND at < %(end)s) OR (at >= %(from)s AND at < %(to)s))
            GROUP BY product_id
        ) AS sold
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"start": start, "end": end, "from": earlier[0], "to": earlier[1]})
        sent = np.frombuffer(cursor.fetchone()[0] or b"", _SENT)
    columns = {name: sent[name].astype(sent[name].dtype.newbyteorder("=")) for name in _SENT.names or ()}
    return Sales(start, end, **columns)


# A row as Postgres sends it: numbers of eight bytes, the highest first. As text they would take ten times as long.
_SENT = np.dtype([("ids", ">i8"), ("lines", ">i8"), ("before", ">i8"), ("revenue", ">f8")])
