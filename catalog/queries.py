"""What pages and other apps read about the catalogue as a whole."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection
from django.db.models import Case, Count, IntegerField, Q, QuerySet, Value, When

from catalog.models import Import, Product

#: Columns of a product that may be empty, with the SQL that says so.
EMPTY = {
    "title": "title = ''",
    "category": "category_id IS NULL",
    "brand": "brand = ''",
    "price": "price IS NULL",
    "stock": "stock IS NULL",
    "tags": "tags = '{}'",
    "description": "description = ''",
    "image_url": "image_url = ''",
    "rating": "rating IS NULL",
}


@dataclass(frozen=True)
class Totals:
    """How many products there are and in which state; retired ones count only in ``retired``."""

    products: int
    sellable: int
    out_of_stock: int
    hidden: int
    stubs: int
    retired: int


@dataclass(frozen=True)
class MissingValues:
    """How many products lack a column or an attribute."""

    name: str
    missing: int
    total: int
    is_attribute: bool

    @property
    def share(self) -> float:
        """0 … 1; 0 in an empty catalogue."""
        return self.missing / self.total if self.total else 0.0


def totals() -> Totals:
    """One query."""
    selling = Q(retired_at=None)
    counted = Product.objects.aggregate(
        products=Count("pk", filter=selling),
        sellable=Count("pk", filter=selling & Q(hidden=False) & (Q(stock=None) | Q(stock__gt=0))),
        out_of_stock=Count("pk", filter=selling & Q(stock=0)),
        hidden=Count("pk", filter=selling & Q(hidden=True)),
        stubs=Count("pk", filter=selling & Q(is_stub=True)),
        retired=Count("pk", filter=~selling),
    )
    return Totals(**counted)


def missing_values() -> list[MissingValues]:
    """Per column and attribute how many products lack it, the most first. Two queries, each one pass."""
    counts = ", ".join(f"count(*) FILTER (WHERE {empty})" for empty in EMPTY.values())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*), {counts} FROM catalog_product WHERE retired_at IS NULL")
        total, *missing = cursor.fetchone()
        cursor.execute("""
            SELECT key, count(*) FROM catalog_product, jsonb_object_keys(attributes) AS key
            WHERE retired_at IS NULL GROUP BY key
        """)
        given = cursor.fetchall()
    columns = [MissingValues(name, count, total, False) for name, count in zip(EMPTY, missing, strict=True)]
    attributes = [MissingValues(name, total - count, total, True) for name, count in given]
    return sorted(columns + attributes, key=lambda row: (-row.missing, row.name))


def search(text: str, *, limit: int = 8) -> list[Product]:
    """Products whose title or id contains ``text``; an id that begins with it first. One query on the trigram index."""
    text = text.strip()
    if not text:
        return []
    closeness = Case(
        When(external_id=text, then=Value(0)),
        When(external_id__istartswith=text, then=Value(1)),
        When(title__istartswith=text, then=Value(2)),
        default=Value(3),
        output_field=IntegerField(),
    )
    found = Product.objects.filter(Q(title__icontains=text) | Q(external_id__istartswith=text), retired_at=None)
    ordered = found.select_related("category").annotate(closeness=closeness)
    return list(ordered.order_by("closeness", "title", "external_id")[:limit])


def imports(*, kind: str = "") -> QuerySet[Import]:
    """Imports, the newest first."""
    rows = Import.objects.order_by("-id")
    return rows.filter(kind=kind) if kind else rows


def latest_imports() -> dict[str, Import]:
    """The newest finished import of each kind: whose health the Data page shows. One query."""
    rows = Import.objects.filter(status=Import.Status.STORED).order_by("kind", "-id").distinct("kind")
    return {row.kind: row for row in rows}
