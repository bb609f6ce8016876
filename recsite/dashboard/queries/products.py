"""Products as lists of them are asked for: what was typed, filters, and how they sold lately."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Upper

from catalog.models import Category, Product
from recsite.dashboard.queries.sold import Sales, Sold

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


def ids_of(products: QuerySet[Product]) -> np.ndarray:
    """int64 [n], ascending: the ids of ``products``. One query that sends them as bytes: as rows, those of a large
    catalogue would take longer to read than to find."""
    chosen, parameters = products.order_by().values("id").query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT string_agg(int8send(id), '') FROM ({chosen}) AS chosen", parameters)
        sent = cursor.fetchone()[0]
    return np.sort(np.frombuffer(sent or b"", ">i8").astype(np.int64))


def sold(
    products: QuerySet[Product],
    sales: Sales,
    *,
    ids: np.ndarray | None = None,
    sort: str = "lines",
    descending: bool = True,
    limit: int | None = None,
    offset: int = 0,
) -> list[Sold]:
    """``products`` with their sales, sorted by one of ``SORTS``, ties by id; what has none comes last. One query, or
    two where ``ids`` (see :func:`ids_of`) is not known yet."""
    end = None if limit is None else offset + limit
    if sort in ("name", "price"):
        key = Upper("title") if sort == "name" else F("price")
        ordered = products.order_by(key.desc(nulls_last=True) if descending else key.asc(nulls_last=True), "id")
        chosen = list(ordered.values_list("id", flat=True)[offset:end])
    else:
        known = ids_of(products) if ids is None else ids
        chosen = _ranked(known, sales.ranking(sort, descending=descending), offset, end)
    rows = by_ids(chosen)
    return [sales.of(rows[key]) for key in chosen if key in rows]


def _ranked(ids: np.ndarray, ranking: np.ndarray, offset: int, end: int | None) -> list[int]:
    """Those at ``offset … end`` of ``ids`` in the order of ``ranking``, the others behind by id."""
    ranked = ranking[np.isin(ranking, ids, assume_unique=True)]
    if end is None or len(ranked) < end:
        ranked = np.concatenate([ranked, np.setdiff1d(ids, ranking, assume_unique=True)])
    return [int(key) for key in ranked[offset:end]]


def by_ids(ids: Iterable[int]) -> dict[int, Product]:
    """Products by internal id, with their category: one query."""
    return Product.objects.select_related("category").in_bulk(list(ids))


class Kind(NamedTuple):
    """What kind of thing a product is; ``category`` is its path. A tuple, for a page makes thousands of them."""

    title: str
    category: str
    brand: str


def kinds_of(ids: Iterable[int]) -> dict[int, Kind]:
    """The kinds of many products by internal id: one query, a tenth of the work of whole products."""
    sql = """
        SELECT p.id, p.title, coalesce(c.path, ''), p.brand
        FROM catalog_product p LEFT JOIN catalog_category c ON c.id = p.category_id WHERE p.id = ANY(%s)
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(ids)])
        return {row[0]: Kind(*row[1:]) for row in cursor.fetchall()}


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
