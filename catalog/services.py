"""Everything that writes the catalogue. Each call is one transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.models import Category, Product
from catalog.paths import ancestors, name_of
from catalog.records import KNOWN, NewProduct, read_product

STORED = (*KNOWN, "category", "attributes", "is_stub", "retired_at", "updated_at")


def ensure_categories(paths: Iterable[str]) -> dict[str, int]:
    """Ids of the categories with these (tidied) paths, made with all above them where they are missing."""
    wanted = {part for path in paths for part in ancestors(path)}
    known = _category_ids(wanted)
    by_depth: dict[int, list[str]] = {}
    for path in sorted(wanted - set(known)):
        by_depth.setdefault(len(ancestors(path)) - 1, []).append(path)
    for depth in sorted(by_depth):
        rows = [_category(path, depth, known) for path in by_depth[depth]]
        Category.objects.bulk_create(rows, ignore_conflicts=True)
        known |= _category_ids(by_depth[depth])
    return known


def _category_ids(paths: Iterable[str]) -> dict[str, int]:
    return dict(Category.objects.filter(path__in=list(paths)).values_list("path", "id"))


def _category(path: str, depth: int, known: Mapping[str, int]) -> Category:
    above = ancestors(path)[:-1]
    parent_id = known[above[-1]] if above else None
    return Category(path=path, name=name_of(path), depth=depth, parent_id=parent_id)


@dataclass(frozen=True)
class Upserted:
    """How many products were new, how many differ now, and how many were the same already."""

    created: int
    changed: int
    unchanged: int


def upsert_products(*, products: Sequence[NewProduct]) -> Upserted:
    """Create or change products; of two with the same id the later counts. A stub becomes a known product."""
    unique = {product.external_id: product for product in products}
    with transaction.atomic():
        categories = ensure_categories({product.category for product in unique.values() if product.category})
        # Locked in the order of ids, so that two writers of the same products wait and never deadlock.
        rows = Product.objects.select_for_update().filter(external_id__in=unique).order_by("external_id")
        there = {row.external_id: row for row in rows}
        new = [unique[name] for name in sorted(set(unique) - set(there))]
        made = [_applied(Product(external_id=product.external_id), product, categories) for product in new]
        # Somebody may make the same product this very moment: then ours, the later one, counts.
        Product.objects.bulk_create(made, update_conflicts=True, unique_fields=["external_id"], update_fields=STORED)
        changed = [row for name, row in there.items() if _differs(row, unique[name], categories)]
        if changed:
            Product.objects.bulk_update(changed, STORED, batch_size=500)
    return Upserted(len(new), len(changed), len(there) - len(changed))


def _applied(row: Product, product: NewProduct, categories: Mapping[str, int]) -> Product:
    for name, value in product.given.items():
        setattr(row, name, value)
    if product.category is not None:
        row.category_id = categories[product.category] if product.category else None
    merged = {**row.attributes, **product.attributes}
    row.attributes = {name: value for name, value in merged.items() if value is not None}
    row.is_stub = False
    row.retired_at = None  # whoever sends a retired product sells it again
    row.updated_at = timezone.now()
    return row


def _differs(row: Product, product: NewProduct, categories: Mapping[str, int]) -> bool:
    """Change ``row`` as ``product`` says; whether anything differs now."""
    fields = [*KNOWN, "category_id", "attributes", "is_stub", "retired_at"]
    before = [getattr(row, name) for name in fields]
    _applied(row, product, categories)
    return before != [getattr(row, name) for name in fields]


def patch_product(*, external_id: str, values: Mapping[str, Any]) -> Product:
    """Change single fields of a product that exists; raises ``Product.DoesNotExist`` and :class:`ProductError`."""
    change = read_product(values, external_id=external_id)
    with transaction.atomic():
        row = Product.objects.select_for_update().get(external_id=external_id)
        categories = ensure_categories([change.category] if change.category else [])
        retired = row.retired_at
        if _differs(row, change, categories):
            row.retired_at = retired  # a price for a retired product does not sell it again
            row.save()
    return row


def retire_product(*, external_id: str) -> bool:
    """Take a product out of every answer for good; its events stay. False where there is no such product."""
    now = timezone.now()
    rows = Product.objects.filter(external_id=external_id)
    rows.filter(retired_at=None).update(retired_at=now, updated_at=now)
    return rows.exists()


def hide(*, external_ids: Sequence[str]) -> int:
    """Take products out of every answer until they are shown again; returns how many changed."""
    return _set_hidden(external_ids, True)


def unhide(*, external_ids: Sequence[str]) -> int:
    """Let hidden products be recommended again; returns how many changed."""
    return _set_hidden(external_ids, False)


def _set_hidden(external_ids: Sequence[str], hidden: bool) -> int:
    rows = Product.objects.filter(external_id__in=list(external_ids)).exclude(hidden=hidden)
    return rows.update(hidden=hidden, updated_at=timezone.now())
