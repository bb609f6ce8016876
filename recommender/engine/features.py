"""Features of (shopper, item) pairs: the one code path of training, batch and live scoring.

Pairs are ragged: ``offsets`` int64 [S+1] into ``items`` int [P]. Every block is vectorised over the
pairs, whatever the number of shoppers. Values are squashed (sign · log1p) but not standardised;
the scorer does that, because it owns the scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from recommender.engine.interactions import Histories
from recommender.engine.profile import NEVER, RECENT, TAUS, Profile, fold
from recommender.engine.tables import INPUTS, Tables, squash

#: How many of the latest items the similarity block compares with.
LATEST = (5, 20)


@dataclass
class Scorebook:
    """Collaborative scores of S shoppers for the whole catalogue, computed on first use.

    Only the models that also propose candidates are kept (``keep``); the others are read once.
    """

    tables: Tables
    profile: Profile
    keep: bool = False
    _kept: dict[str, np.ndarray] = field(default_factory=dict)
    _inputs: tuple[np.ndarray, ...] | None = None

    def _history(self) -> tuple[np.ndarray, ...]:
        """Groups that count as the input of a model: each shopper's most recent items."""
        if self._inputs is None:
            p, limit = self.profile, self.tables.history_items
            picked = latest(p, limit) if len(p.key) and np.diff(p.starts).max() > limit else np.arange(len(p.key))
            self._inputs = (p.shopper[picked], p.item[picked], p.plain[picked], p.recent[picked])
        return self._inputs

    def model(self, name: str) -> np.ndarray:
        """float64 [S, n] scores of the collaborative table ``name``."""
        if name in self._kept:
            return self._kept[name]
        shopper, item, plain, recent = self._history()
        value = recent if INPUTS[name] else plain
        scores = self.tables.neighbours[name].spread(shopper, item, value, self.profile.n_shoppers)
        if self.keep:
            self._kept[name] = scores
        return scores

    def attribute(self, number: int) -> np.ndarray:
        """float64 [S, values] scores of the values of attribute ``number`` (which must have a model)."""
        name = f"attribute_{number}"
        if name in self._kept:
            return self._kept[name]
        attribute = self.tables.attributes[number]
        if attribute.model is None:
            raise ValueError(f"expected an attribute with a model, received {attribute.name}")
        p, size = self.profile, attribute.size
        counts = np.bincount(p.shopper * size + attribute.codes[p.item], p.count, p.n_shoppers * size)
        cell = np.flatnonzero(counts)
        scores = attribute.model.spread(cell // size, cell % size, np.log2(1 + counts[cell]), p.n_shoppers)
        if self.keep:
            self._kept[name] = scores
        return scores

    def vectors(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 [S, r] of the plain and of the recent history in the space of the spectrum."""
        shopper, item, plain, recent = self._history()
        spectrum = self.tables.spectrum
        read = spectrum.vectors[item] * spectrum.read[item][:, None]
        starts = np.searchsorted(shopper, np.arange(self.profile.n_shoppers))
        return tuple(
            _ragged_sum(read * value[:, None], starts, shopper, self.profile.n_shoppers) for value in (plain, recent)
        )  # type: ignore[return-value]


def _ragged_sum(rows: np.ndarray, starts: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """float32 [n, c]: sum of the rows of each owner (sorted); owners without rows get 0."""
    total = np.zeros((n, rows.shape[1]), np.float32)
    if len(rows):
        has = np.flatnonzero(np.bincount(owner, minlength=n))
        total[has] = np.add.reduceat(rows, starts[has], axis=0)
    return total


def latest(p: Profile, limit: int) -> np.ndarray:
    """Positions of each shopper's ``limit`` groups with the most recent events, ascending."""
    order = np.lexsort((p.last, p.shopper))
    rank = np.arange(len(order)) - p.starts[p.shopper[order]]
    return np.sort(order[rank < limit])


@dataclass(frozen=True)
class Pairs:
    """What every block reads: the fold, the pairs, and each pair's group in the fold (G: none)."""

    tables: Tables
    profile: Profile
    scores: Scorebook
    shopper: np.ndarray
    item: np.ndarray
    group: np.ndarray


# --- blocks: each gives (names, [P, f]) ------------------------------------------------------------


def _with_never(columns: list[np.ndarray], never: list[float]) -> np.ndarray:
    """[G + 1, f]: group columns and, as the last row, the values of "never had"."""
    table = np.empty((len(columns[0]) + 1, len(columns)), np.float32)
    for c, (column, absent) in enumerate(zip(columns, never, strict=True)):
        table[:-1, c] = column
        table[-1, c] = absent
    return table


def own_names(t: Tables) -> list[str]:
    names = ["own_count", "own_days", "own_weight", *(f"own_{tau:.0f}d" for tau in TAUS)]
    names += ["own_since", "own_gap", "own_since_per_gap", "own_first", "own_last_session", "own_share"]
    names += ["own_recent_share", "own_quantity", "own_rate", "own_rate_due"]
    if len(t.kinds) > 1:
        names += [f"own_{kind}" for kind in t.kinds] + [f"own_{kind}_60d" for kind in t.kinds]
    return names


def own(x: Pairs) -> np.ndarray:
    """Own history with the item. ``own_rate`` is the mean of a Poisson rate whose gamma prior is worth
    one event in the item's usual repeat time; ``own_rate_due`` decays it by the days since."""
    p = x.profile
    several = p.days > 1
    gap = np.where(several, (p.first - p.last) / np.maximum(p.days - 1, 1), NEVER)
    recent_total = np.bincount(p.shopper, p.decayed[:, RECENT], p.n_shoppers)
    columns = [p.count, p.days, p.weight, *p.decayed.T, p.last, gap, np.where(several, p.last / (gap + 0.5), 0)]
    columns += [p.first, p.last <= p.newest[p.shopper] + 0.5, p.count / p.events[p.shopper]]
    columns += [p.decayed[:, RECENT] / np.maximum(recent_total[p.shopper], 1e-6), p.quantity]
    never = [0.0] * 3 + [0.0] * len(TAUS) + [NEVER, NEVER, 0, NEVER] + [0.0] * 4
    rows = _with_never(columns, never)[x.group]
    # own_rate needs the item as well: [P]
    rate = rows[:, 1] / (np.where(rows[:, 1] > 0, rows[:, 10], 0) + 1 / x.tables.items.rate[x.item])
    due = rate * np.exp(-rows[:, 7] / 60)
    blocks = [rows, rate[:, None] * 100, due[:, None] * 100]
    if len(x.tables.kinds) > 1:
        kinds = np.vstack([p.by_kind, np.zeros((1, p.by_kind.shape[1]), np.float32)])
        blocks.append(kinds[x.group])
    return np.hstack(blocks)


def collaborative_names(t: Tables) -> list[str]:
    names = list(t.neighbours)
    for attribute in t.attributes:
        if attribute.model is not None:
            names += [f"{attribute.name}_ease", f"{attribute.name}_ease_within"]
    ranks = t.spectrum.ranks
    return names + [f"spectrum_{rank}" for rank in ranks] + [f"spectrum_recent_{rank}" for rank in ranks]


def collaborative(x: Pairs) -> np.ndarray:
    """Raw scores of every collaborative model; no ranks in the list, whose length differs between doors."""
    t = x.tables
    columns = [x.scores.model(name)[x.shopper, x.item] for name in t.neighbours]
    for number, attribute in enumerate(t.attributes):
        if attribute.model is not None:
            value = x.scores.attribute(number)[x.shopper, attribute.codes[x.item]]
            columns += [value, value * attribute.within[x.item] * 100]
    write = t.spectrum.vectors[x.item]
    begins = np.concatenate([[0], t.spectrum.ranks[:-1]]).astype(int)
    bands = [np.add.reduceat(write * vector[x.shopper], begins, axis=1) for vector in x.scores.vectors()]
    return np.hstack([np.column_stack(columns), *(np.cumsum(band, axis=1) for band in bands)])


def affinity_names(t: Tables) -> list[str]:
    parts = ("count", "share", "recent", "lift", "since")
    return [f"{a.name}_{part}" for a in t.attributes for part in parts]


def affinity(x: Pairs) -> np.ndarray:
    """Per attribute: the shopper's count, share, recent share, lift over popularity and days since, for
    the item's value."""
    p, columns = x.profile, []
    recent = p.decayed[:, RECENT]
    recent_total = np.maximum(np.bincount(p.shopper, recent, p.n_shoppers), 1e-6)
    for a in x.tables.attributes:
        cell = p.shopper * a.size + a.codes[p.item]
        asked = x.shopper * a.size + a.codes[x.item]
        count = np.bincount(cell, p.count, p.n_shoppers * a.size)[asked]
        fresh = np.bincount(cell, recent, p.n_shoppers * a.size)[asked]
        since = np.full(p.n_shoppers * a.size, NEVER, np.float32)
        np.minimum.at(since, cell, p.last)
        total, base = p.events[x.shopper], a.popularity[a.codes[x.item]]
        lift = np.log((count + 5 * base) / ((total + 5) * base))
        columns += [count, 10 * count / np.maximum(total, 1), 10 * fresh / recent_total[x.shopper], lift, since[asked]]
    return np.column_stack(columns) if columns else np.zeros((len(x.item), 0), np.float32)


def price_names(t: Tables) -> list[str]:
    return ["price_level", "price_difference", "price_distance", "price_relative"] if t.prices.known.any() else []


def price(x: Pairs) -> np.ndarray:
    """The shopper's mean log price, the item's difference from it, and the same within the item's type."""
    if not x.tables.prices.known.any():
        return np.zeros((len(x.item), 0), np.float32)
    p, prices = x.profile, x.tables.prices
    weight = p.count * prices.known[p.item]
    total = np.maximum(np.bincount(p.shopper, weight, p.n_shoppers), 1e-6)
    level = np.bincount(p.shopper, weight * prices.log[p.item], p.n_shoppers) / total
    usual = np.bincount(p.shopper, weight * prices.relative[p.item], p.n_shoppers) / total
    known = prices.known[x.item]
    difference = (prices.log[x.item] - level[x.shopper]) * known
    relative = (prices.relative[x.item] - usual[x.shopper]) * known
    return np.column_stack([level[x.shopper], difference, np.abs(difference), np.abs(relative)])


def competition_names(t: Tables) -> list[str]:
    return [
        "type_count", "type_items", "type_recent", "type_since", "type_rate", "type_due", "type_share",
        "type_recent_share", "type_last", "type_new", "type_discovery", "shopper_new",
    ]  # fmt: skip


def competition(x: Pairs) -> np.ndarray:
    """The candidate against the rest of its type: rate, due-ness, variety, its share, whether it was the
    last of it, and how likely the next one of the type is a new item times its share of first purchases."""
    p, types = x.profile, x.tables.types
    cell = p.shopper * types.size + types.codes[p.item]
    asked = x.shopper * types.size + types.codes[x.item]
    size = p.n_shoppers * types.size
    count, groups = np.bincount(cell, p.count, size), np.bincount(cell, minlength=size)
    recent, days = np.bincount(cell, p.decayed[:, RECENT], size), np.bincount(cell, p.days, size)
    last = np.full(size, NEVER, np.float32)
    np.minimum.at(last, cell, p.last)
    count, groups, recent, days, since = count[asked], groups[asked], recent[asked], days[asked], last[asked]
    rows = _with_never([p.count, p.decayed[:, RECENT], p.last], [0, 0, NEVER])[x.group]
    oldest = np.where(p.oldest >= NEVER, 0, p.oldest)[x.shopper]
    rate = days / (oldest + 14)
    novelty = types.novelty[types.codes[x.item]]
    new = (groups + 5 * novelty) / (count + 5)
    discovery = (recent + 0.02) * new * types.new_share[x.item]
    shopper_new = (np.diff(p.starts) / np.maximum(p.events, 1))[x.shopper]
    columns = [count, groups, recent, since, rate * 100, np.minimum(since, NEVER) * rate]
    columns += [10 * rows[:, 0] / np.maximum(count, 1), 10 * rows[:, 1] / np.maximum(recent, 1e-6)]
    columns += [(rows[:, 2] <= since + 0.5) & (rows[:, 2] < NEVER), new, 100 * discovery, shopper_new]
    return np.column_stack(columns)


def lift_names(t: Tables) -> list[str]:
    return [f"{lift.name}_lift" for lift in t.lifts]


def lifts(x: Pairs) -> np.ndarray:
    """Log lift of the item among shoppers of the same band of each shopper attribute."""
    columns = []
    for lift in x.tables.lifts:
        band = x.profile.attributes.get(lift.name)
        code = np.full(x.profile.n_shoppers, -1) if band is None else band
        columns.append(lift.table[code[x.shopper], x.item])
    return np.column_stack(columns) if columns else np.zeros((len(x.item), 0), np.float32)


def similarity_names(t: Tables) -> list[str]:
    return [f"latest_{k}" for k in LATEST]


def similarity(x: Pairs) -> np.ndarray:
    """Mean cosine between the item and the shopper's latest items, in the space of the spectrum."""
    p, spectrum = x.profile, x.tables.spectrum
    picked = latest(p, max(LATEST))
    order = picked[np.lexsort((p.last[picked], p.shopper[picked]))]
    owner = p.shopper[order]
    starts = np.searchsorted(owner, np.arange(p.n_shoppers))
    rank = np.arange(len(order)) - starts[owner]
    vectors = spectrum.vectors[p.item[order]] * spectrum.unit[p.item[order]][:, None]
    candidate = spectrum.vectors[x.item] * spectrum.unit[x.item][:, None]
    columns = []
    for k in LATEST:
        kept = (rank < k).astype(np.float32)
        mean = _ragged_sum(vectors * kept[:, None], starts, owner, p.n_shoppers) / k
        columns.append(np.einsum("pr,pr->p", mean[x.shopper], candidate))
    return 10 * np.column_stack(columns)


def activity_names(t: Tables) -> list[str]:
    return ["shopper_events", "shopper_items", "shopper_sessions", "shopper_gap", "shopper_since", "shopper_age"]


def activity(x: Pairs) -> np.ndarray:
    """How active the shopper is; the same for every item of a list, so it only works in combination."""
    p = x.profile
    gap = (p.oldest - p.newest) / np.maximum(p.sessions - 1, 1)
    table = np.column_stack([p.events, np.diff(p.starts), p.sessions, gap, p.newest, p.oldest])
    return table[x.shopper]


#: Group of features → (names, block). The order is the order of the columns.
BLOCKS: dict[str, tuple[Callable[[Tables], list[str]], Callable[[Pairs], np.ndarray]]] = {
    "own": (own_names, own),
    "collaborative": (collaborative_names, collaborative),
    "affinity": (affinity_names, affinity),
    "price": (price_names, price),
    "competition": (competition_names, competition),
    "attributes": (lift_names, lifts),
    "similarity": (similarity_names, similarity),
    "activity": (activity_names, activity),
}


def names(tables: Tables) -> tuple[str, ...]:
    """The columns of :func:`pair_features`."""
    return tuple(n for block_names, _ in BLOCKS.values() for n in block_names(tables)) + tables.static_names


def groups(tables: Tables) -> dict[str, np.ndarray]:
    """Positions of the columns of each feature group."""
    found, start = {}, 0
    for name, (block_names, _) in BLOCKS.items():
        size = len(block_names(tables))
        found[name], start = np.arange(start, start + size), start + size
    found["popularity"] = np.arange(start, start + len(tables.static_names))
    return found


def pair_features(
    tables: Tables, profile: Profile, scores: Scorebook, offsets: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """float32 [P, F] squashed features of the pairs of folded histories."""
    shopper = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    x = Pairs(tables, profile, scores, shopper, items, profile.find(shopper, items))
    columns = [block(x) for _, block in BLOCKS.values()]
    width = sum(block.shape[1] for block in columns)
    out = np.empty((len(items), width + tables.static.shape[1]), np.float32)
    start = 0
    for block in columns:
        out[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    out[:, :width] = squash(out[:, :width])
    out[:, width:] = tables.static[items]
    return out


def features(tables: Tables, history: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
    """float32 [P, F]: features of ``items`` (int [P], shopper s's at offsets[s]:offsets[s+1]) at ``now``."""
    profile = fold(history, now, tables.weigh, tables.n)
    return pair_features(tables, profile, Scorebook(tables, profile), offsets, items)
