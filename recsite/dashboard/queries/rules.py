"""Which rules touch a product."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np

from catalog.models import Product
from recommender.conditions import Condition, ConditionError, Shelf, Tags
from recommender.engine.interactions import Codes
from recommender.models import Rule
from recommender.vocabulary import as_number


def touching(product: Product) -> list[Rule]:
    """The rules, ended ones apart, whose condition the product meets, in order of priority. One query."""
    shelf, now = shelf_of(product), datetime.now(UTC).timestamp()
    rules = Rule.objects.exclude(status=Rule.Status.ENDED).order_by("priority", "id")
    return [rule for rule in rules if _meets(rule, shelf, now)]


def _meets(rule: Rule, shelf: Shelf, now: float) -> bool:
    try:
        condition = Condition.from_dict(rule.condition)
    except ConditionError:  # a draft half written touches nothing
        return False
    return bool(condition.matches(shelf, np.zeros(1, np.int64), at=now)[0])


def shelf_of(product: Product) -> Shelf:
    """A catalogue of this one product, so that conditions can be tested on it."""
    attributes = {name: _code(str(value)) for name, value in product.attributes.items() if not _is_number(value)}
    numbers = {name: _column(as_number(value)) for name, value in product.attributes.items() if _is_number(value)}
    return Shelf(
        external_ids=(product.external_id,),
        category=_code(product.category.path if product.category else ""),
        brand=_code(product.brand),
        price=_column(product.price),
        stock=_column(product.stock),
        added=np.array([product.created_at.timestamp()]),
        tags=Tags(np.array([0, len(product.tags)]), np.arange(len(product.tags), dtype=np.int32), tuple(product.tags)),
        attributes=attributes,
        numbers=numbers,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _code(label: str) -> Codes:
    return Codes(np.array([0 if label else -1], np.int32), (label,) if label else ())


def _column(value: Any) -> np.ndarray:
    return np.array([np.nan if value is None else float(value)], np.float32)
