"""Made-up shops for measuring the engine: as large as wanted, the same law at every size."""

from __future__ import annotations

import numpy as np

from recommender.engine.interactions import Codes, Interactions, Items, Kinds, ShopData, Shoppers

KINDS = Kinds(
    ("impression", "view", "purchase", "dismiss"),
    np.array([0, 1, 5, -1], np.float32),
    np.array([False, False, True, False]),
)
CATEGORIES = 6


def busy_shop(
    n_shoppers: int = 200,
    n_items: int = 120,
    *,
    days: float = 100,
    seed: int = 3,
    taste: float = 0.6,
    habit: float = 0.3,
) -> ShopData:
    """Views and purchases with taste, habit and novelty, prices, two attributes, a shopper band, dirt.

    Of an event's item, ``habit`` is the chance that it is one of the shopper's two habits; else ``taste`` the chance
    that it is of their favourite category; else it is drawn by popularity. A shopper has 10 to 59 events.
    """
    rng = np.random.default_rng(seed)
    per_shopper = rng.integers(10, 60, n_shoppers)
    shopper = np.repeat(np.arange(n_shoppers), per_shopper)
    size = len(shopper)
    group = np.arange(n_items) % CATEGORIES
    favourite = rng.integers(CATEGORIES, size=n_shoppers)
    weight = 1 / (1 + np.arange(n_items) / 10)
    item = rng.choice(n_items, size=size, p=weight / weight.sum())
    of_taste = rng.random(size) < taste
    taste_item = rng.integers(n_items // CATEGORIES, size=size) * CATEGORIES + favourite[shopper]
    habits = rng.integers(n_items, size=(n_shoppers, 2))
    item = np.where(of_taste, taste_item, item)
    item = np.where(rng.random(size) < habit, habits[shopper, rng.integers(2, size=size)], item)
    at = 17_000 + rng.random(size) * days
    kind = rng.choice(4, size=size, p=[0.1, 0.5, 0.38, 0.02]).astype(np.int8)
    order = np.lexsort((at, shopper))
    quantity = np.where(rng.random(size) < 0.001, 1e6, 1).astype(np.float32)
    price = rng.lognormal(2, 1, n_items).astype(np.float32)
    price[::9] = np.nan
    missing = np.full(size, np.nan, np.float32)
    log = Interactions(
        shopper[order].astype(np.int32),
        item[order].astype(np.int32),
        at[order],
        kind[order],
        quantity[order],
        missing,
        missing,
    )
    codes = np.where(np.arange(n_items) % 11 == 0, -1, group).astype(np.int32)
    attributes = {
        "category": Codes(codes, tuple(f"c{c}" for c in range(CATEGORIES))),
        "brand": Codes((np.arange(n_items) // 4).astype(np.int32), tuple(f"b{b}" for b in range(-(-n_items // 4)))),
    }
    bands = {
        "age": Codes((favourite % 3 - (rng.random(n_shoppers) < 0.2) * 5).clip(-1).astype(np.int32), ("a", "b", "c"))
    }
    items = Items(n_items, price, np.ones(n_items, bool), attributes)
    return ShopData(log, items, Shoppers(n_shoppers, bands), KINDS)


def newest(data: ShopData) -> float:
    """The time of the last event, in days."""
    return float(data.interactions.at.max())
