"""Products' rows as the engine's items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from django.db import connection

from recommender.engine.interactions import Codes, Interactions, Items
from recommender.vocabulary import as_codes, as_number

#: Products known from events only are left out while they are this small a share of the events.
STUB_SHARE = 0.02
#: An attribute is worth a column with this many values.
VALUES = (2, 3000)


@dataclass(frozen=True)
class Products:
    """Every product by ``Product.id``, one entry each."""

    product_ids: np.ndarray
    item_ids: tuple[str, ...]
    price: np.ndarray
    sellable: np.ndarray
    stub: np.ndarray
    paths: list[str | None]
    brands: list[str | None]
    texts: list[str]
    ratings: np.ndarray
    rating_counts: np.ndarray
    attributes: list[dict[str, object] | None]


def read_products() -> Products:
    """Every product by ``Product.id``; retired ones too, for they are in histories."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.id, p.external_id, p.price::float8, NOT p.hidden AND p.retired_at IS NULL,
                      p.is_stub, c.path, p.brand,
                      trim(concat_ws(' ', p.title, array_to_string(p.tags, ' '), p.description)),
                      p.rating, p.rating_count, CASE WHEN p.attributes <> '{}' THEN p.attributes::text END
               FROM catalog_product p LEFT JOIN catalog_category c ON c.id = p.category_id ORDER BY p.id"""
        )
        rows = cursor.fetchall()
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) or [()] * 11
    return Products(
        np.array(columns[0], np.int64),
        tuple(columns[1]),
        np.array(columns[2], np.float32),
        np.array(columns[3], bool),
        np.array(columns[4], bool),
        list(columns[5]),
        list(columns[6]),
        list(columns[7]),
        np.array(columns[8], np.float32),
        np.array(columns[9], np.float32),
        [None if value is None else orjson.loads(value) for value in columns[10]],
    )


def items_of(products: Products, events: Interactions) -> tuple[Items, int]:
    """The engine's items, and how many products known from events only are not recommended."""
    sellable, stubs = _worth_recommending(events, products)
    items = Items(
        n=len(products.item_ids),
        price=_prices(events, products),
        sellable=sellable,
        attributes=_attributes(products),
        numbers=_numbers(products),
        texts=tuple(products.texts) if any(products.texts) else None,
    )
    return items, stubs


def _worth_recommending(events: Interactions, products: Products) -> tuple[np.ndarray, int]:
    """bool [n] of products that may be recommended, and how many stubs are not.

    A product that is known from events only has no name to show; while such products are rare they stay out,
    where they are many the catalogue simply has not arrived yet.
    """
    share = products.stub[events.item].mean() if len(events) else 0.0
    if 0 < share <= STUB_SHARE:
        return products.sellable & ~products.stub, int(products.stub.sum())
    return products.sellable, 0


def _prices(events: Interactions, products: Products) -> np.ndarray:
    """float32 [n]: the catalogue's price; where it has none, the mean of what was paid."""
    paid = ~np.isnan(events.price) & (events.price > 0)
    n = len(products.item_ids)
    total = np.bincount(events.item[paid], events.price[paid].astype(np.float64), minlength=n)
    count = np.bincount(events.item[paid], minlength=n)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return np.where(np.isnan(products.price), mean, products.price).astype(np.float32)


def _attributes(products: Products) -> dict[str, Codes]:
    """The category path and its levels, the brand, and every further text column with a useful number of values."""
    columns: dict[str, Codes] = {}
    if any(products.paths):
        columns["category"] = as_codes(products.paths)
        columns |= _levels(products.paths)
    columns["brand"] = as_codes(products.brands)
    for name in _names(products):
        values = [_label(row.get(name)) if row else None for row in products.attributes]
        columns.setdefault(name, as_codes(values))
    return {
        name: codes for name, codes in columns.items() if name == "category" or VALUES[0] <= codes.size <= VALUES[1]
    }


def _names(products: Products) -> list[str]:
    """Of the shop's own attributes, in order."""
    return sorted({name for values in products.attributes if values for name in values})


def _levels(paths: list[str | None]) -> dict[str, Codes]:
    """``category_1`` … by depth; a level that says the same as the whole path is left out."""
    distinct = len({path for path in paths if path})
    levels: dict[str, Codes] = {}
    depth = max(path.count(" > ") for path in paths if path)
    for level in range(1, depth + 1):
        codes = as_codes([" > ".join(path.split(" > ")[:level]) if path else None for path in paths])
        if codes.size < distinct:
            levels[f"category_{level}"] = codes
    return levels


def _numbers(products: Products) -> dict[str, np.ndarray]:
    numbers = {"rating": products.ratings, "rating_count": products.rating_counts}
    for name in _names(products):
        values = [row.get(name) if row else None for row in products.attributes]
        if any(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
            numbers.setdefault(name, as_column(values))
    return {name: column for name, column in numbers.items() if not np.isnan(column).all()}


def as_column(values: list[object]) -> np.ndarray:
    """float32: the numbers that ``values`` spell, NaN where there is none."""
    numbers = (as_number(value) for value in values)
    return np.array([float("nan") if number is None else number for number in numbers], np.float32)


def _label(value: object) -> str | None:
    """Texts, truths and whole numbers can be labels (many shops number their groups); fractions are amounts."""
    if value is None or value == "" or isinstance(value, list | dict):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return str(int(value)) if isinstance(value, float) else str(value)
