"""How much of the catalogue recommendations bring before anyone, and how varied their lists are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.db import connection

from recommender.feedback import Scope
from recsite.dashboard.kept import Kept

SAMPLED = 400  # lists that variety is measured on: a standard error of about 0.1 categories
FIRST = 10  # places of a list that variety looks at


@dataclass(frozen=True)
class Coverage:
    """Different products in the lists of a range, and products that may be recommended now."""

    shown: int
    sellable: int

    @property
    def share(self) -> float | None:
        return self.shown / self.sellable if self.sellable and self.shown else None


@dataclass(frozen=True)
class Variety:
    """How many different categories the first ten places of a list hold on average, on how many lists."""

    categories: float | None
    lists: int


COVERAGE = """
    SELECT (SELECT count(*) FROM (
                SELECT DISTINCT product FROM recommender_servedlist, unnest(products) AS product
                WHERE at >= %s AND at < %s{where}) AS shown),
           (SELECT count(*) FROM catalog_product
            WHERE NOT hidden AND retired_at IS NULL AND stock IS DISTINCT FROM 0)
"""
VARIETY = f"""
    WITH sample AS (
        SELECT recommendation_id, products[1:{FIRST}] AS products FROM recommender_servedlist
        WHERE at >= %s AND at < %s{{where}} ORDER BY md5(recommendation_id) LIMIT {SAMPLED}
    ), lists AS (
        SELECT count(DISTINCT p.category_id) AS categories
        FROM sample, unnest(sample.products) AS one(id) JOIN catalog_product p ON p.id = one.id
        WHERE p.category_id IS NOT NULL GROUP BY recommendation_id
    )
    SELECT avg(categories)::float8, count(*) FROM lists
"""


_KEPT: Kept[tuple[Any, ...]] = Kept("coverage", seconds=60, oldest=3600, most=32)


def coverage(start: datetime, end: datetime, scope: Scope | None = None) -> Coverage:
    """One query over the served lists of ``start … end``, of ``scope``'s placement, run, segment and source; kept for
    a minute."""
    return Coverage(*_read("coverage", COVERAGE, start, end, scope))


def variety(start: datetime, end: datetime, scope: Scope | None = None) -> Variety:
    """One query over a sample of the same lists; kept for a minute."""
    return Variety(*_read("variety", VARIETY, start, end, scope))


def _read(name: str, sql: str, start: datetime, end: datetime, scope: Scope | None) -> tuple[Any, ...]:
    columns = {} if scope is None else _columns(scope)
    wanted = {column: value for column, value in columns.items() if value is not None}
    values: list[Any] = [start, end, *wanted.values()]

    def read() -> tuple[Any, ...]:
        with connection.cursor() as cursor:
            cursor.execute(sql.format(where="".join(f" AND {column} = %s" for column in wanted)), values)
            return cast(tuple[Any, ...], cursor.fetchone())

    return _KEPT.get(read, (name, *wanted, *values))


def _columns(scope: Scope) -> dict[str, object]:
    return {
        "placement": scope.placement,
        "coalesce(run, 0)": scope.run,
        "segment": scope.segment,
        "source": scope.source,
    }
