"""How much of the catalogue recommendations bring before anyone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.core.cache import cache
from django.db import connection

KEPT = 60  # seconds


@dataclass(frozen=True)
class Coverage:
    """Different products in the lists of a range, and products that may be recommended now."""

    shown: int
    sellable: int

    @property
    def share(self) -> float | None:
        return self.shown / self.sellable if self.sellable and self.shown else None


def coverage(start: datetime, end: datetime) -> Coverage:
    """One query over the served lists of ``start … end``; kept for a minute."""

    def read() -> Coverage:
        sql = """
            SELECT (SELECT count(*) FROM (
                        SELECT DISTINCT product FROM recommender_servedlist, unnest(products) AS product
                        WHERE at >= %s AND at < %s) AS shown),
                   (SELECT count(*) FROM catalog_product
                    WHERE NOT hidden AND retired_at IS NULL AND stock IS DISTINCT FROM 0)
        """
        with connection.cursor() as cursor:
            cursor.execute(sql, [start, end])
            return Coverage(*cursor.fetchone())

    key = f"dashboard:coverage:{start.timestamp()}:{end.timestamp()}"
    return cast(Coverage, cache.get_or_set(key, read, KEPT))
