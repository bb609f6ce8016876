"""Everything that is fitted at a cut, before any network: what features and candidates read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from recommender.engine import attributes, competition, ease, neighbours, order, popularity, spectrum, tower_training
from recommender.engine.attributes import Attribute
from recommender.engine.competition import Types
from recommender.engine.config import Config
from recommender.engine.interactions import ShopData, everybody
from recommender.engine.neighbours import Neighbours
from recommender.engine.popularity import ItemTable
from recommender.engine.profile import Profile, Weighing, fold, weighing
from recommender.engine.spectrum import Spectrum
from recommender.engine.towers import Towers

#: Collaborative tables: name → what of a history they read (``scorebook.Held``): all of it by how often, or as it is
#: lately, or the latest items.
INPUTS = {
    "cosine": "plain", "bm25": "recent", "together": "recent", "ease_0": "plain", "ease_1": "plain", "rp3": "plain",
    "followed": "latest",
}  # fmt: skip
#: Shopper attributes beyond this many values tell nothing per value.
MOST_BANDS = 24


@dataclass(frozen=True)
class Lift:
    """``table`` float32 [bands + 1, n]: log of how much more often an item is bought in a band of a
    shopper attribute than overall; the last row (unknown band) is 0."""

    name: str
    table: np.ndarray


@dataclass(frozen=True)
class Prices:
    """``log`` float32 [n] log price (0 where unknown), ``known`` float32 [n] 0/1, ``relative`` float32 [n]:
    log price minus the mean of the item's type."""

    log: np.ndarray
    known: np.ndarray
    relative: np.ndarray

    @cached_property
    def any_known(self) -> bool:
        return bool(self.known.any())


@dataclass(frozen=True)
class Tables:
    """The fitted state of one cut (``now``, days). All item axes have ``n`` entries.

    ``static`` float32 [n, f]: item features, already squashed, named by ``static_names``; ``towers`` propose candidates
    (None: switched off, or a model made before there were any).
    """

    n: int
    now: float
    weigh: Weighing
    kinds: tuple[str, ...]
    items: ItemTable
    neighbours: dict[str, Neighbours]
    spectrum: Spectrum
    attributes: tuple[Attribute, ...]
    types: Types
    lifts: tuple[Lift, ...]
    prices: Prices
    static: np.ndarray
    static_names: tuple[str, ...]
    history_items: int
    towers: Towers | None = None


def counts_of(p: Profile, values: np.ndarray, limit: int) -> sparse.csr_matrix:
    """csr float32 [S, n] of group ``values``; each shopper's ``limit`` most recent items only,
    which keeps the products of the neighbour models linear in the log."""
    order = np.lexsort((p.last, p.shopper))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - p.starts[p.shopper[order]]
    kept = np.flatnonzero((rank < limit) & (values > 0))
    starts = np.searchsorted(p.shopper[kept], np.arange(p.n_shoppers + 1))
    return sparse.csr_matrix((values[kept].astype(np.float32), p.item[kept], starts), (p.n_shoppers, p.n_items))


def _baskets(data: ShopData, weigh: Weighing, now: float) -> sparse.csr_matrix:
    """csr 0/1 [shopper-days, n] of the events that count; at most 60 items of a day."""
    events = data.interactions
    keep = np.flatnonzero(weigh.of(events) > 0)
    day = np.floor((now - events.at[keep]) / weigh.scale).astype(np.int64)
    visit = events.shopper[keep].astype(np.int64) * (1 << 24) + day
    # Two columns in one number sort many times faster than rows do.
    key = np.unique(np.unique(visit, return_inverse=True)[1].astype(np.int64) * data.items.n + events.item[keep])
    visit, item = key // data.items.n, key % data.items.n
    begins = np.concatenate([[True], visit[1:] != visit[:-1]])
    row = np.cumsum(begins) - 1
    rank = np.arange(len(row)) - np.flatnonzero(begins)[row]
    kept = rank < 60
    return sparse.csr_matrix(
        (np.ones(int(kept.sum()), np.float32), (row[kept], item[kept])), (int(row[-1]) + 1, data.items.n)
    )


def _unit_scale(table: Neighbours) -> Neighbours:
    """Weights divided by the mean of the rows' largest, so that scores of all models are of order one."""
    top = np.abs(table.weights).max(axis=1)
    size = float(top[top > 0].mean()) if (top > 0).any() else 1.0
    return Neighbours(table.row, table.items, table.weights / np.float32(size))


def _lifts(p: Profile, data: ShopData, prior: float = 20.0) -> tuple[Lift, ...]:
    found = []
    buyers = np.bincount(p.item, minlength=p.n_items) / max(p.n_shoppers, 1)
    for name, attribute in sorted(data.shoppers.attributes.items()):
        if not 2 <= attribute.size <= MOST_BANDS or (attribute.codes >= 0).mean() < 0.02:
            continue
        band = np.where(attribute.codes < 0, attribute.size, attribute.codes)
        seen = np.bincount(band[p.shopper] * p.n_items + p.item, minlength=(attribute.size + 1) * p.n_items)
        seen = seen.reshape(attribute.size + 1, p.n_items)
        expected = np.bincount(band, minlength=attribute.size + 1)[:, None] * buyers
        table = np.log((seen + prior) / (expected + prior)).astype(np.float32)
        table[-1] = 0
        found.append(Lift(name, table))
    return tuple(found)


def _prices(data: ShopData, types: Types) -> Prices:
    known = np.isfinite(data.items.price) & (data.items.price >= 0)
    log = np.where(known, np.log1p(np.where(known, data.items.price, 0)), 0).astype(np.float32)
    total = np.bincount(types.codes, log * known, types.size)
    mean = total / np.maximum(np.bincount(types.codes, known, types.size), 1)
    return Prices(log, known.astype(np.float32), np.where(known, log - mean[types.codes], 0).astype(np.float32))


def _attributes(p: Profile, data: ShopData, names: tuple[str, ...], config: Config) -> tuple[Attribute, ...]:
    """The named attributes; the first ``attribute_models`` with values enough get a model of their own."""
    weight = np.bincount(p.item, minlength=p.n_items).astype(float) + 0.01
    fitted: list[Attribute] = []
    for name in names:
        codes, size = attributes.pooled(data.items.attributes[name], weight)
        models = sum(attribute.model is not None for attribute in fitted)
        with_model = size >= attributes.LEAST_MODELLED and models < config.attribute_models
        fitted.append(attributes.fit(p, name, codes, size, with_model=with_model, k=config.ease_neighbours))
    return tuple(fitted)


def squash(x: np.ndarray) -> np.ndarray:
    """sign · log(1 + |x|), element by element: heavy tails of either sign."""
    return np.copysign(np.log(1 + np.abs(x)), x)


def telling_attributes(data: ShopData, now: float, config: Config) -> tuple[str, ...]:
    """The attributes worth features, most telling first."""
    weigh = weighing(data.interactions, data.kinds, config.kind_weights, config.pace)
    p = fold(everybody(data.interactions, data.shoppers.n), now, weigh, data.items.n)
    return attributes.choose(p, data.items, config.attributes)


def fit(data: ShopData, now: float, config: Config, telling: tuple[str, ...] | None = None) -> Tables:
    """Fit every table on the events of ``data`` (all of them before ``now``).

    ``telling``: the attributes to use, in order (None: chosen from ``data``); they decide the columns, so all
    cuts of a run must share them.
    """
    rng = np.random.default_rng(config.seed)
    n, shoppers, threads = data.items.n, data.shoppers, config.threads
    weigh = weighing(data.interactions, data.kinds, config.kind_weights, config.pace)
    p = fold(everybody(data.interactions, shoppers.n), now, weigh, n)
    plain = counts_of(p, p.plain, config.history_items)
    recent = counts_of(p, p.recent, config.history_items)
    k = config.neighbours
    tables = {
        "cosine": neighbours.cosine(plain, k, threads),
        "bm25": neighbours.bm25(recent, k, threads),
        "together": neighbours.together(_baskets(data, weigh, now), k, threads),
        "rp3": neighbours.rp3(plain, k, threads),
        "followed": order.followers(data.interactions.select(weigh.of(data.interactions) > 0), n, k),
    }
    linear = ease.fit(plain, config.ease_ridges, cap=config.ease_items, k=config.ease_neighbours)
    for number, table in enumerate(linear):
        tables[f"ease_{number}"] = table
    spectral = spectrum.fit(plain, config.spectrum, rng)
    names = attributes.choose(p, data.items, config.attributes) if telling is None else telling
    fitted = _attributes(p, data, names, config)
    types = competition.fit(p, fitted, spectral, config.seed)
    items = popularity.fit(p, data.items)
    static_names = list(items.names)
    static = [items.columns]
    for attribute in fitted:
        static_names += [f"{attribute.name}_crowd", f"{attribute.name}_within"]
        static += [attribute.crowd[:, None], np.log(attribute.within)[:, None]]
    return Tables(
        n=n,
        now=now,
        weigh=weigh,
        kinds=data.kinds.names,
        items=items,
        neighbours={name: _unit_scale(tables[name]) for name in INPUTS if name in tables},
        spectrum=spectral,
        attributes=fitted,
        types=types,
        lifts=_lifts(p, data),
        prices=_prices(data, types),
        static=squash(np.column_stack(static)).astype(np.float32),
        static_names=tuple(static_names),
        history_items=config.history_items,
        towers=tower_training.fit(data, now, weigh, p, config),
    )
