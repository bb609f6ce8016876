"""Made-up shops whose best answer is known."""

from __future__ import annotations

import numpy as np

from recommender.engine.interactions import Codes, Interactions, Items, Kinds, ShopData, Shoppers

PURCHASES = Kinds(("purchase",), np.array([5], np.float32), np.array([True]))


def events(shopper: np.ndarray, item: np.ndarray, at: np.ndarray, *, value: np.ndarray | None = None) -> Interactions:
    """Purchases sorted by (shopper, at)."""
    order = np.lexsort((at, shopper))
    size = len(order)
    missing = np.full(size, np.nan, np.float32)
    return Interactions(
        shopper[order].astype(np.int32),
        item[order].astype(np.int32),
        at[order].astype(np.float64),
        np.zeros(size, np.int8),
        np.ones(size, np.float32),
        missing,
        missing if value is None else value[order].astype(np.float32),
    )


def shop(log: Interactions, n_shoppers: int, n_items: int, *, kinds: Kinds = PURCHASES, **items: object) -> ShopData:
    """A shop of purchases; ``items`` overrides fields of ``Items``."""
    price = items.pop("price", np.full(n_items, np.nan, np.float32))
    sold = Items(n_items, price, np.ones(n_items, bool), **items)  # type: ignore[arg-type]
    return ShopData(log, sold, Shoppers(n_shoppers), kinds)


def chequerboard(n_shoppers: int = 80, n_items: int = 24, *, days: int = 40, seed: int = 0) -> ShopData:
    """Even shoppers buy even items only, odd shoppers odd ones, one at random every other day; the
    colour is the ``square`` attribute too. Whoever has learned anything never crosses colours."""
    rng = np.random.default_rng(seed)
    shopper = np.repeat(np.arange(n_shoppers), days // 2)
    at = np.tile(np.arange(0, days, 2), n_shoppers) + rng.random(len(shopper))
    item = 2 * rng.integers(n_items // 2, size=len(shopper)) + shopper % 2
    square = Codes((np.arange(n_items) % 2).astype(np.int32), ("white", "black"))
    return shop(events(shopper, item, at), n_shoppers, n_items, attributes={"square": square})


def tastes(n_shoppers: int = 240, n_items: int = 60, *, tastes: int = 4, days: int = 60, seed: int = 0) -> ShopData:
    """Each shopper has one of ``tastes`` and buys up to 12 different items, nine in ten of the taste.
    Of an item not had before, the known answer is: one of the shopper's own taste."""
    rng = np.random.default_rng(seed)
    per_taste = n_items // tastes
    bought = min(12, per_taste)
    shoppers, items, times = [], [], []
    for shopper in range(n_shoppers):
        own = rng.permutation(per_taste) * tastes + shopper % tastes
        other = rng.permutation(n_items)
        pick = np.where(rng.random(bought) < 0.9, own[:bought], other[:bought])
        shoppers.append(np.full(bought, shopper))
        items.append(pick)
        times.append(np.sort(rng.random(bought)) * days)
    log = events(np.concatenate(shoppers), np.concatenate(items), np.concatenate(times))
    taste = Codes((np.arange(n_items) % tastes).astype(np.int32), tuple(f"taste {t}" for t in range(tastes)))
    texts = tuple(
        f"{('red wine', 'green tea', 'black coffee', 'orange juice')[i % tastes % 4]} {i}" for i in range(n_items)
    )
    return shop(log, n_shoppers, n_items, attributes={"taste": taste}, texts=texts)


def chain(n_shoppers: int = 200, n_items: int = 60, *, days: int = 90, seed: int = 0) -> tuple[ShopData, np.ndarray]:
    """Each purchase is followed, four times in five, by the one item that follows it (int [n], also returned), else by
    any; nobody has a taste, so of a history only its end says what comes next. A purchase every other day or so."""
    rng = np.random.default_rng(seed)
    circle = rng.permutation(n_items)
    follower = np.empty(n_items, np.int64)
    follower[circle] = np.roll(circle, -1)
    size = days // 3
    item = np.empty((n_shoppers, size), np.int64)
    item[:, 0] = rng.integers(n_items, size=n_shoppers)
    for step in range(1, size):
        any_item = rng.integers(n_items, size=n_shoppers)
        item[:, step] = np.where(rng.random(n_shoppers) < 0.8, follower[item[:, step - 1]], any_item)
    at = np.sort(rng.random((n_shoppers, size)), axis=1) * days
    log = events(np.repeat(np.arange(n_shoppers), size), item.ravel(), at.ravel())
    return shop(log, n_shoppers, n_items), follower


def launches(n_shoppers: int = 300, n_items: int = 1200, *, days: int = 120, seed: int = 0) -> ShopData:
    """Every product is bought in the ten days after its launch only, mostly by those whose style, colour and maker it
    has (of 8 each; two of the three decide); a day's shoppers buy one each. What comes next has hardly a buyer before,
    so no table of who bought what can find it; what it is made of tells whose it will be."""
    rng = np.random.default_rng(seed)
    made_of = rng.integers(8, size=(3, n_items))
    wanted = rng.integers(8, size=(3, n_shoppers))
    launch = np.sort(rng.random(n_items)) * (days + 10) - 10
    shoppers, items, times = [], [], []
    for day in range(days):
        fresh = np.flatnonzero((launch > day - 10) & (launch <= day))
        for shopper in rng.permutation(n_shoppers)[: n_shoppers // 4]:
            fit = (made_of[:, fresh] == wanted[:, [shopper]]).sum(axis=0)
            chance = np.exp(3.0 * fit)
            shoppers.append(shopper)
            items.append(rng.choice(fresh, p=chance / chance.sum()))
            times.append(day + rng.random())
    log = events(np.array(shoppers), np.array(items), np.array(times))
    names = ("style", "colour", "maker")
    attributes = {
        name: Codes(codes.astype(np.int32), tuple(f"{name} {value}" for value in range(8)))
        for name, codes in zip(names, made_of, strict=True)
    }
    return shop(log, n_shoppers, n_items, attributes=attributes)


def popular(n_shoppers: int = 150, n_items: int = 200, *, seed: int = 0) -> tuple[ShopData, np.ndarray]:
    """Nobody has a taste or a habit: each of a shopper's 6 to 29 purchases is drawn by one unchanging law, the chance
    of each item, float64 [n] and also returned. The best list of items not had is what has most chance of them."""
    rng = np.random.default_rng(seed)
    chance = 1 / (3.0 + rng.permutation(n_items))
    chance /= chance.sum()
    shopper = np.repeat(np.arange(n_shoppers), rng.integers(6, 30, n_shoppers))
    item = rng.choice(n_items, len(shopper), p=chance)
    return shop(events(shopper, item, rng.random(len(shopper)) * 120), n_shoppers, n_items), chance
