"""What the towers learn from: at several past cuts, what shoppers had and which new items they took up after it.

Items a shopper has had are candidates anyway, so only what was new to them is an answer. An item stands in a window as
it stood at the cut: one with few buyers then has no row of its own and is known by its attributes and its popularity
alone, which is how new items of today are known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recommender.engine import popularity, towers
from recommender.engine.interactions import Interactions, Items, ShopData, histories
from recommender.engine.profile import Profile, Weighing, fold
from recommender.engine.scorer import CLIP, moments
from recommender.engine.towers import LENGTH

WINDOWS = 3
#: Share of the pairs that are asked for where there is no time to cut at.
HELD_OUT = 0.2
#: An item with fewer buyers has no row of its own; nor have those beyond the most bought OWN_ROWS.
FEWEST_BUYERS = 10
OWN_ROWS = 20_000
PRICE_BANDS = 12
#: Shoppers of a step, answers of each, and items drawn as negatives for all of them.
SHOPPERS, ANSWERS, DRAWN = 64, 8, 512
#: Share of the draws that go to any item; the others go by how often an item is an answer.
ANY_ITEM = 0.25
#: Share of a history that is hidden at each step, so that no single item is relied on.
HIDDEN_SHARE = 0.5
#: Added to the correction of a drawn item that the shopper had or took up: it is no negative.
NO_NEGATIVE = np.float32(1e9)


@dataclass(frozen=True)
class Catalogue:
    """``codes`` int32 [n, A]: attribute values in one numbering below ``values``, 0 where missing; ``own`` int32 [n]:
    an item's own row from 1 on, 0 for rare ones; ``rows``: of them, the shared row 0 included."""

    codes: np.ndarray
    values: int
    own: np.ndarray
    rows: int

    @property
    def n(self) -> int:
        return len(self.own)


@dataclass(frozen=True)
class Side:
    """The items as they stand at a moment: ``row`` int32 [n] own rows, ``columns`` float32 [n, f] standardised."""

    row: np.ndarray
    columns: np.ndarray


@dataclass(frozen=True)
class Window:
    """What a cut asks: shoppers ``asked`` int64, whose answers are ``answer[start[s]:start[s + 1]]``; ``held``: places
    in the fold ``p`` that are read, shopper s's at ``bounds[s]:bounds[s + 1]``; ``taken`` int64 ascending: keys of what
    a shopper had or took up."""

    p: Profile
    side: Side
    asked: np.ndarray
    start: np.ndarray
    answer: np.ndarray
    held: np.ndarray
    bounds: np.ndarray
    taken: np.ndarray


@dataclass(frozen=True)
class Lists:
    """All windows, the items of today, and how items are drawn: ``chance`` float64 [n], its sums ``cumulative``."""

    catalogue: Catalogue
    windows: tuple[Window, ...]
    today: Side
    chance: np.ndarray
    cumulative: np.ndarray

    @property
    def asked(self) -> int:
        return sum(len(window.asked) for window in self.windows)

    def batch(self, rng: np.random.Generator) -> tuple[list[np.ndarray], np.ndarray]:
        """One step of one window: the inputs of ``tower_training.network`` in order, and labels float32
        [SHOPPERS, ANSWERS + DRAWN]: 1 or 0 (padding) for answers, log of the expected draws for drawn items."""
        sizes = np.array([len(window.asked) for window in self.windows], float)
        window = self.windows[int(rng.choice(len(self.windows), p=sizes / sizes.sum()))]
        shoppers = rng.choice(window.asked, SHOPPERS, replace=len(window.asked) < SHOPPERS)
        item, weight = _histories(window, shoppers, rng)
        count = window.start[shoppers + 1] - window.start[shoppers]
        place, turn = np.arange(ANSWERS), (rng.random(SHOPPERS) * count).astype(np.int64)
        answer = window.answer[window.start[shoppers, None] + (turn[:, None] + place) % count[:, None]]
        drawn = np.searchsorted(self.cumulative, rng.random(DRAWN) * self.cumulative[-1], "right")
        drawn = np.minimum(drawn, self.catalogue.n - 1)
        correction = np.tile(np.log(DRAWN * self.chance[drawn]).astype(np.float32), (SHOPPERS, 1))
        key = shoppers[:, None] * self.catalogue.n + drawn
        at = np.minimum(np.searchsorted(window.taken, key), len(window.taken) - 1)
        correction[window.taken[at] == key] += NO_NEGATIVE
        labels = np.concatenate([place < count[:, None], correction], axis=1).astype(np.float32)
        codes, row, columns = self.catalogue.codes, window.side.row, window.side.columns
        inputs = [row[item], codes[item], weight]
        for items in (answer, drawn):
            inputs += [row[items], codes[items], columns[items]]
        return inputs, labels


def _histories(window: Window, shoppers: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """int64 [B, LENGTH] items (0 beyond a history's end) and float32 [B, LENGTH, 2] their shares, some hidden."""
    place = window.bounds[shoppers, None] + np.arange(LENGTH)
    shown = (place < window.bounds[shoppers + 1, None]) & (rng.random(place.shape) >= HIDDEN_SHARE)
    group = window.held[np.minimum(place, len(window.held) - 1)]
    weight = towers.weights(window.p, group.ravel()) * shown.reshape(-1, 1)
    row = np.repeat(np.arange(len(shoppers)), LENGTH)
    share = towers.shares(weight, row, len(shoppers)).reshape(*place.shape, 2)
    return np.where(shown, window.p.item[group], 0), share


def gather(
    data: ShopData, now: float, weigh: Weighing, p: Profile, horizon: float, rng: np.random.Generator
) -> Lists | None:
    """The windows before ``now``, ``horizon`` days each; ``p``: the fold of everything. None: nothing to ask."""
    catalogue = _catalogue(data.items, p)
    raw: list[tuple[Profile, np.ndarray]] = []
    for known, cut, later in _parts(data, now, weigh, horizon, rng):
        past = fold(histories(known, np.arange(data.shoppers.n), {}), cut, weigh, catalogue.n)
        asked = np.unique(later.shopper.astype(np.int64) * catalogue.n + later.item)
        if len(past.key) and len(new := asked[~np.isin(asked, past.key, assume_unique=True)]):
            raw.append((past, new))
    if not raw:
        return None
    tables = [popularity.fit(past, data.items).columns for past, _ in raw]
    mean, scale = moments(_squashed(np.concatenate(tables)))

    def side(past: Profile, columns: np.ndarray) -> Side:
        buyers = np.bincount(past.item, minlength=catalogue.n)
        standard = np.clip((_squashed(columns) - mean) * scale, -CLIP, CLIP).astype(np.float32)
        return Side(np.where(buyers >= FEWEST_BUYERS, catalogue.own, 0).astype(np.int32), standard)

    windows = [_window(past, new, side(past, columns)) for (past, new), columns in zip(raw, tables, strict=True)]
    windows = [window for window in windows if len(window.asked)]
    if not windows:
        return None
    answers = np.bincount(np.concatenate([window.answer for window in windows]), minlength=catalogue.n)
    chance = (1 - ANY_ITEM) * answers / answers.sum() + ANY_ITEM / catalogue.n
    today = side(p, popularity.fit(p, data.items).columns)
    return Lists(catalogue, tuple(windows), today, chance, np.cumsum(chance))


def _parts(
    data: ShopData, now: float, weigh: Weighing, horizon: float, rng: np.random.Generator
) -> list[tuple[Interactions, float, Interactions]]:
    """Of each window what was known, the cut, and what came in the ``horizon`` days after it; without time a random
    fifth of the pairs is what came after."""
    events = data.interactions.select(weigh.of(data.interactions) > 0)
    found = []
    for number in range(1, WINDOWS + 1):
        if events.timed:
            cut = now - horizon * number
            found.append((events.before(cut), cut, events.between(cut, cut + horizon)))
        else:
            pair = events.shopper.astype(np.int64) * data.items.n + events.item
            pairs, which = np.unique(pair, return_inverse=True)
            later = (rng.random(len(pairs)) < HELD_OUT)[which]
            found.append((events.select(~later), now, events.select(later)))
    return found


def _window(past: Profile, new: np.ndarray, side: Side) -> Window:
    everyone = np.arange(past.n_shoppers + 1)
    start = np.searchsorted(new, everyone * past.n_items)
    held = towers.newest(past)
    asked = np.flatnonzero((np.diff(start) > 0) & (np.diff(past.starts) > 0))
    bounds = np.searchsorted(past.shopper[held], everyone)
    return Window(past, side, asked, start, new % past.n_items, held, bounds, np.union1d(past.key, new))


def _catalogue(items: Items, p: Profile) -> Catalogue:
    columns, used = [], 1
    for attribute in items.attributes.values():
        columns.append(np.where(attribute.codes >= 0, attribute.codes + used, 0))
        used += attribute.size
    known = np.isfinite(items.price)
    if known.any():
        edges = np.quantile(items.price[known], np.arange(1, PRICE_BANDS) / PRICE_BANDS)
        columns.append(np.where(known, used + np.searchsorted(edges, np.nan_to_num(items.price)), 0))
        used += PRICE_BANDS
    codes = np.stack(columns, axis=1).astype(np.int32) if columns else np.zeros((items.n, 1), np.int32)
    buyers = np.bincount(p.item, minlength=items.n)
    often = np.argsort(-buyers, kind="stable")[:OWN_ROWS]
    often = often[buyers[often] >= FEWEST_BUYERS]
    own = np.zeros(items.n, np.int32)
    own[often] = np.arange(1, len(often) + 1)
    return Catalogue(codes, used, own, len(often) + 1)


def _squashed(columns: np.ndarray) -> np.ndarray:
    return np.copysign(np.log1p(np.abs(columns)), columns)
