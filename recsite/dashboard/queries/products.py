"""Products as lists of them are asked for: what was typed, filters, and how they sold lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Upper

from behavior.models import Event
from catalog.models import Category, Product

# The states that the list filters by, in words.
STATES = {
    "sellable": "May be recommended",
    "out": "Out of stock",
    "hidden": "Hidden",
    "retired": "Retired",
    "unknown": "Known from events only",
}
COLUMNS = ("title", "category", "brand", "price", "stock", "tags", "description", "image_url", "rating")
SORTS = ("name", "price", "lines", "before", "revenue")


@dataclass(frozen=True)
class ProductFilter:
    """``department``: a category's path, with all beneath it. ``missing``: a column or attribute not given."""

    text: str = ""
    department: str = ""
    state: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Sold:
    """A product with its sales of a period: ``before`` counts the lines of the period before."""

    product: Product
    lines: int
    before: int
    revenue: float


def matching(wanted: ProductFilter) -> QuerySet[Product]:
    """The products that a filter lets through, unordered."""
    found = Product.objects.all()
    if text := wanted.text.strip().removeprefix("№").strip():
        found = found.filter(Q(title__icontains=text) | Q(external_id__icontains=text) | Q(brand__icontains=text))
    if wanted.department:
        path = wanted.department
        found = found.filter(Q(category__path=path) | Q(category__path__startswith=f"{path} > "))
    if wanted.missing:
        found = found.filter(_without(wanted.missing))
    return found.filter(_in_state(wanted.state))


def _without(name: str) -> Q:
    if name in ("category", "price", "stock", "rating"):
        return Q(**{f"{name}__isnull": True})
    if name == "tags":
        return Q(tags=[])
    return Q(**{name: ""}) if name in COLUMNS else ~Q(attributes__has_key=name)


def _in_state(state: str) -> Q:
    retired = Q(retired_at__isnull=False)
    return {
        "sellable": Q(hidden=False, retired_at__isnull=True) & (Q(stock__isnull=True) | ~Q(stock=0)),
        "out": Q(stock=0) & ~retired,
        "hidden": Q(hidden=True) & ~retired,
        "retired": retired,
        "unknown": Q(is_stub=True),
    }.get(state, Q())


@dataclass(frozen=True)
class Sales:
    """Purchases of ``start … end``, and of as long before, by product: arrays of one length n.

    ``ids`` int64 (``Product.id``), ``lines`` and ``before`` int64, ``revenue`` float64. Products without a line in
    either period are absent.
    """

    before_start: datetime
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


def sales(*, start: datetime, end: datetime, before: datetime) -> Sales:
    """Sales of every product that had any: one query over the log of ``before … end``."""
    sql = """
        SELECT product_id, count(*) FILTER (WHERE at >= %(start)s), count(*) FILTER (WHERE at < %(start)s),
               coalesce(sum(coalesce(price, 0) * coalesce(quantity, 1)) FILTER (WHERE at >= %(start)s), 0)
        FROM behavior_event
        WHERE type = 'purchase' AND at >= %(before)s AND at < %(end)s AND product_id IS NOT NULL GROUP BY product_id
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, {"start": start, "before": before, "end": end})
        rows = cursor.fetchall()
    columns = list(zip(*rows, strict=True)) or [()] * 4
    ids, lines, earlier = (np.array(column, np.int64) for column in columns[:3])
    return Sales(before, start, end, ids, lines, earlier, np.array(columns[3], np.float64))


def sold(
    products: QuerySet[Product],
    sales: Sales,
    *,
    sort: str = "lines",
    descending: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> list[Sold]:
    """``products`` with their sales, sorted by one of ``SORTS``, ties by id; what has none comes last. Two queries or
    a few more."""
    end = None if limit is None else offset + limit
    if sort in ("name", "price"):
        key = Upper("title") if sort == "name" else F("price")
        ordered = products.order_by(key.desc(nulls_last=True) if descending else key.asc(nulls_last=True), "id")
        ids = list(ordered.values_list("id", flat=True)[offset:end])
    else:
        ids = _ranked(products, sales.ranking(sort, descending=descending), offset, end)
    rows = by_ids(ids)
    return [sales.of(rows[key]) for key in ids if key in rows]


def _ranked(products: QuerySet[Product], ranking: np.ndarray, offset: int, end: int | None) -> list[int]:
    """The ids at ``offset … end`` of ``products`` in the order of ``ranking``, the others behind by id.

    The best are asked for first, in portions that grow: a first page seldom needs more than one.
    """
    if not products.query.where and end is not None and end <= len(ranking):
        return [int(key) for key in ranking[offset:end]]
    found: list[int] = []
    start, size = 0, FIRST_PORTION if end is not None else len(ranking)
    while start < len(ranking) and (end is None or len(found) < end):
        portion = ranking[start : start + size].tolist()
        let_through = _among(products, portion)
        found += [key for key in portion if key in let_through]
        start, size = start + size, size * 8
    if end is None or len(found) < end:
        rest, parameters = products.order_by("id").values("id").query.sql_with_params()
        sql = f"""
            SELECT id FROM ({rest}) AS rest
            WHERE NOT EXISTS (SELECT FROM unnest(%s::bigint[]) AS ranked(id) WHERE ranked.id = rest.id)
            ORDER BY id LIMIT %s OFFSET %s
        """
        limit = None if end is None else end - max(offset, len(found))
        with connection.cursor() as cursor:
            cursor.execute(sql, [*parameters, ranking.tolist(), limit, max(0, offset - len(found))])
            found = found[offset:] + [key for (key,) in cursor.fetchall()]
        return found
    return found[offset:end]


FIRST_PORTION = 2_000


def _among(products: QuerySet[Product], ids: list[int]) -> set[int]:
    """Which of ``ids`` are among ``products``."""
    chosen, parameters = products.order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM ({chosen}) AS chosen WHERE id = ANY(%s)", [*parameters, ids])
        return {key for (key,) in cursor.fetchall()}


def by_ids(ids: Iterable[int]) -> dict[int, Product]:
    """Products by internal id, with their category: one query."""
    return Product.objects.select_related("category").in_bulk(list(ids))


def by_external_ids(ids: Iterable[str]) -> dict[str, Product]:
    """Products by the shop's own id, with their category: one query."""
    found = Product.objects.select_related("category").filter(external_id__in=list(ids))
    return {product.external_id: product for product in found}


def departments() -> list[str]:
    """The roots of the category tree, by name."""
    return list(Category.objects.filter(parent__isnull=True).order_by("path").values_list("path", flat=True))


def suggestions(text: str, *, start: datetime | None, limit: int = 8) -> tuple[list[tuple[Product, int]], int]:
    """Products whose title or id holds ``text``, with lines sold since ``start``; and how many there are.

    The id itself first, then what begins with the text, then what sells most.
    """
    text = text.strip().removeprefix("№").strip()
    found = Product.objects.filter(Q(title__icontains=text) | Q(external_id__icontains=text))
    ids = list(found.values_list("id", flat=True)[:_SUGGESTED_FROM])
    total = len(ids) if len(ids) < _SUGGESTED_FROM else found.count()
    sales = lines_since(ids, start)
    folded = text.casefold()

    def rank(product: Product) -> tuple[bool, bool, int, str]:
        begins = product.title.casefold().startswith(folded)
        return (product.external_id != text, not begins, -sales.get(product.pk, 0), product.title)

    best = sorted(by_ids(ids).values(), key=rank)[:limit]
    return [(product, sales.get(product.pk, 0)) for product in best], total


_SUGGESTED_FROM = 400  # of more matches than this, the first by id are ranked


def lines_since(ids: Sequence[int], start: datetime | None) -> dict[int, int]:
    """Purchase lines of each product since ``start``; products without any are absent. One query."""
    if not ids or start is None:
        return {}
    sql = """
        SELECT product_id, count(*) FROM behavior_event
        WHERE type = 'purchase' AND at >= %s AND product_id = ANY(%s) GROUP BY product_id
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [start, list(ids)])
        return dict(cursor.fetchall())


def has_events() -> bool:
    """Whether anything at all has happened in the shop."""
    return Event.objects.exists()
