"""Everything that writes the catalogue. Each call is one transaction of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.models import Category, Product
from catalog.paths import MAX_PATH, ancestors, name_of, tidy_path

MAX_ID = 128
MAX_PRICE = Decimal("9999999999.9999")
MAX_COUNT = 2**31 - 1
TEXTS = {"title": 500, "brand": 200, "description": 100_000}


class ProductError(ValueError):
    """A product that cannot be stored; ``field`` and ``code`` name what was wrong."""

    def __init__(self, code: str, field: str, message: str) -> None:
        super().__init__(message)
        self.code, self.field = code, field


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
class NewProduct:
    """One product as a shop sends it. ``given`` maps the model's field to its value; what is not named stays."""

    external_id: str
    given: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    category: str | None = None  # a path; None: not given, "": none


def read_product(values: Mapping[str, Any], *, external_id: str | None = None) -> NewProduct:
    """A product from the API's JSON (the columns of a products file); raises :class:`ProductError`.

    A column that is sent as null is cleared; further columns are attributes.
    """
    rest = dict(values)
    identity = _identity(rest.pop("product_id", None) if external_id is None else external_id)
    rest.pop("product_id", None)
    category = _category_path(rest.pop("category")) if "category" in rest else None
    readers = {name: _reader(name) for name in rest if name in KNOWN}
    given = {name: reader(rest.pop(name)) for name, reader in readers.items()}
    return NewProduct(identity, given, _attributes(rest), category)


def _identity(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ProductError("missing", "product_id", f"expected an id as a string; received {value!r}")
    if len(value.strip()) > MAX_ID or "\0" in value:
        raise ProductError("too_long", "product_id", f"expected at most {MAX_ID} characters of text")
    return value.strip()


def _category_path(value: Any) -> str:
    if value is None:
        return ""
    path = tidy_path(_text("category", value, 10_000))
    if len(path) > MAX_PATH:
        raise ProductError("too_long", "category", f"expected at most {MAX_PATH} characters; received {len(path)}")
    return path


def _text(name: str, value: Any, length: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ProductError("wrong_type", name, f"expected a string; received {value!r}")
    if len(value) > length:
        raise ProductError("too_long", name, f"expected at most {length} characters; received {len(value)}")
    if "\0" in value:
        raise ProductError("not_text", name, "expected text; received a NUL character")
    return value.strip()


def _price(name: str, value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise InvalidOperation
        price = Decimal(str(value))
    except InvalidOperation:
        raise ProductError("not_a_number", name, f"expected a number; received {value!r}") from None
    if not price.is_finite() or not 0 <= price <= MAX_PRICE:
        raise ProductError("out_of_range", name, f"expected a number from 0 to {MAX_PRICE}; received {value!r}")
    return price.quantize(Decimal("0.0001"))


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProductError("not_a_number", name, f"expected a number; received {value!r}")
    if value != value or abs(value) > 1e300:
        raise ProductError("not_finite", name, f"expected a finite number; received {value!r}")
    return float(value)


def _count(name: str, value: Any) -> int | None:
    number = _number(name, value)
    if number is None:
        return None
    if not 0 <= number <= MAX_COUNT:
        raise ProductError("out_of_range", name, f"expected a number from 0 to {MAX_COUNT}; received {value!r}")
    return int(number)


def _currency(name: str, value: Any) -> str:
    code = _text(name, value, 10).upper()
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise ProductError("bad_currency", name, f"expected three letters such as USD; received {value!r}")
    return code


def _image_url(name: str, value: Any) -> str:
    url = _text(name, value, 1000)
    if url and not url.lower().startswith(("https://", "http://")):
        raise ProductError("bad_url", name, f"expected an address that begins with https://; received {value!r}")
    return url


def _tags(name: str, value: Any) -> list[str]:
    tags = [] if value is None else value.split("|") if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ProductError("wrong_type", name, f"expected a list of strings; received {value!r}")
    stripped = (_text(name, tag, 100) for tag in tags)
    return list(dict.fromkeys(tag for tag in stripped if tag))


def _flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ProductError("wrong_type", name, f"expected true or false; received {value!r}")
    return value


_READERS = {
    "price": _price,
    "currency": _currency,
    "stock": _count,
    "tags": _tags,
    "image_url": _image_url,
    "rating": _number,
    "rating_count": _count,
    "hidden": _flag,
}
KNOWN = (*TEXTS, *_READERS)
STORED = (*KNOWN, "category", "attributes", "is_stub", "retired_at", "updated_at")


def _reader(name: str) -> Any:
    if name in TEXTS:
        return lambda value: _text(name, value, TEXTS[name])
    return lambda value: _READERS[name](name, value)


def _attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        if not name or len(name) > 100 or "\0" in name:
            raise ProductError("bad_name", name[:100], "expected attribute names of 1 to 100 characters")
        if value is not None and not isinstance(value, str | int | float | bool):
            raise ProductError("wrong_type", name, f"expected text, a number or true/false; received {value!r}")
        if isinstance(value, str):
            _text(name, value, 10_000)
        if isinstance(value, int | float):
            _number(name, float(value))
    return dict(values)


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
