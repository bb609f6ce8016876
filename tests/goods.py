"""Named roles and goods that tests share: a small grocer with a planted taste.

Anna and the other *tea* shoppers buy tea things, Ben and the *coffee* shoppers coffee things; each buys the goods of
their own side again and again and never the other side's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from behavior.models import Event, Shopper
from catalog.models import Category, Product

NEWEST = datetime(2026, 3, 30, 12, tzinfo=UTC)
SIDES = ("Tea", "Coffee")


def make_products(n: int = 24, *, prefix: str = "p", **fields: object) -> list[Product]:
    """``n`` products, alternately of the categories Drinks > Tea and Drinks > Coffee, with price and brand."""
    root, _ = Category.objects.get_or_create(path="Drinks", defaults={"name": "Drinks"})
    sides = [
        Category.objects.get_or_create(path=f"Drinks > {side}", defaults={"name": side, "parent": root, "depth": 1})[0]
        for side in SIDES
    ]
    rows = [
        Product(
            external_id=f"{prefix}{number}",
            title=f"{SIDES[number % 2]} number {number}",
            category=sides[number % 2],
            brand=f"Brand {number % 3}",
            price=1 + number,
            **fields,
        )
        for number in range(n)
    ]
    return Product.objects.bulk_create(rows)


def make_shoppers(n: int = 30, *, prefix: str = "s", **fields: object) -> list[Shopper]:
    """``n`` shoppers with age and gender; the even ones love tea, the odd ones coffee."""
    rows = [
        Shopper(external_id=f"{prefix}{number}", age=str(20 + number % 50), gender="fm"[number % 2], **fields)
        for number in range(n)
    ]
    return Shopper.objects.bulk_create(rows)


def make_event(
    shopper: Shopper, product: Product | None, *, type: str = "purchase", at: datetime = NEWEST, **fields: object
) -> Event:
    """One stored event, imported unless ``source`` says otherwise."""
    fields = {"source": "import", **fields}
    return Event.objects.create(event_id=uuid.uuid4(), shopper=shopper, product=product, type=type, at=at, **fields)


def make_history(
    shoppers: Sequence[Shopper], products: Sequence[Product], *, weeks: int = 12, basket: int = 5, seed: int = 0
) -> list[Event]:
    """Weekly purchases up to NEWEST, each of the shopper's own side; ``weeks`` · ``basket`` events a shopper."""
    rng = np.random.default_rng(seed)
    events = []
    for number, shopper in enumerate(shoppers):
        side = products[number % 2 :: 2]
        loved = rng.choice(len(side), size=min(6, len(side)), replace=False)
        for week in range(weeks):
            at = NEWEST - timedelta(days=7 * (weeks - 1 - week) + int(number) % 5, hours=number % 7)
            for pick in rng.choice(loved, size=min(basket, len(loved)), replace=False):
                events.append(_purchase(shopper, side[int(pick)], at, rng))
            if week % 3 == 0:
                events.append(_purchase(shopper, side[int(rng.integers(len(side)))], at, rng))
    return Event.objects.bulk_create(events, batch_size=2000)


def _purchase(shopper: Shopper, product: Product, at: datetime, rng: np.random.Generator) -> Event:
    return Event(
        event_id=uuid.UUID(bytes=rng.bytes(16), version=4),
        shopper=shopper,
        product=product,
        type="purchase",
        at=at,
        quantity=1,
        price=float(product.price or 1),
        source="import",
    )


def external_ids(products: Iterable[Product]) -> list[str]:
    return [product.external_id for product in products]
