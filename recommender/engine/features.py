"""Features of (shopper, item) pairs: the one code path of training, batch and live scoring.

Pairs are ragged: ``offsets`` int64 [S+1] into ``items`` int [P]. Every block is vectorised over the
pairs, whatever the number of shoppers. Values are squashed (sign · log1p) but not standardised;
the scorer does that, because it owns the scale.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from recommender.engine.interactions import Histories
from recommender.engine.profile import NEVER, RECENT, TAUS, Profile, fold
from recommender.engine.tables import INPUTS, Tables, squash_in_place

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
            picked = latest(p, limit) if len(p.key) and np.diff(p.starts).max() > limit else slice(None)
            self._inputs = (p.shopper[picked], p.item[picked], p.plain[picked], p.recent[picked])
        return self._inputs

    def model(self, name: str, out: np.ndarray | None = None) -> np.ndarray:
        """float32 [S, n] scores of the collaborative table ``name``; ``out``: see ``Neighbours.spread``."""
        if name in self._kept:
            return self._kept[name]
        shopper, item, plain, recent = self._history()
        value = recent if INPUTS[name] else plain
        scores = self.tables.neighbours[name].spread(shopper, item, value, self.profile.n_shoppers, out)
        if self.keep and out is None:
            self._kept[name] = scores
        return scores

    def attribute(self, number: int) -> np.ndarray:
        """float32 [S, values] scores of the values of attribute ``number`` (which must have a model)."""
        name = f"attribute_{number}"
        if name in self._kept:
            return self._kept[name]
        attribute = self.tables.attributes[number]
        if attribute.model is None:
            raise ValueError(f"expected an attribute with a model, received {attribute.name}")
        p, size = self.profile, attribute.size
        counts = np.bincount(p.shopper * size + attribute.codes[p.item], p.count, p.n_shoppers * size)
        cell = np.flatnonzero(counts)
        owner = cell // size
        value = np.log2(1 + counts[cell])
        scores = attribute.model.spread(owner, cell - owner * size, value, p.n_shoppers)
        if self.keep:
            self._kept[name] = scores
        return scores

    def vectors(self) -> np.ndarray:
        """float32 [2, S, r]: the plain and the recent history in the space of the spectrum."""
        shopper, item, plain, recent = self._history()
        spectrum = self.tables.spectrum
        weights = np.stack([plain, recent]) * spectrum.read[item]
        return _weighted_sums(weights, spectrum.vectors[item], shopper, self.profile.n_shoppers)


def _weighted_sums(weights: np.ndarray, rows: np.ndarray, owner: np.ndarray, n: int) -> np.ndarray:
    """float32 [w, n, c]: for each of the ``weights`` [w, H], the sum of the weighted ``rows`` [H, c] of each owner
    (sorted); owners without rows get 0."""
    if n == 1:
        return (weights @ rows)[:, None, :]
    total = np.zeros((len(weights), n, rows.shape[1]), np.float32)
    has = np.flatnonzero(np.bincount(owner, minlength=n))
    starts = np.searchsorted(owner, has)
    if len(rows):
        for row, weight in zip(total, weights, strict=True):
            row[has] = np.add.reduceat(rows * weight[:, None], starts, axis=0)
    return total


def latest(p: Profile, limit: int) -> np.ndarray:
    """Positions of each shopper's ``limit`` groups with the most recent events, ascending."""
    return np.sort(_newest(p, limit)[0])


def _newest(p: Profile, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of each shopper's ``limit`` most recent groups, newest first, and their rank 0 … limit − 1."""
    if p.n_shoppers == 1:
        order = np.argsort(p.last, kind="stable")[:limit]
        return order, np.arange(len(order))
    order = np.lexsort((p.last, p.shopper))
    rank = np.arange(len(order)) - p.starts[p.shopper[order]]
    kept = rank < limit
    return order[kept], rank[kept]


@dataclass(frozen=True)
class Pairs:
    """What every block reads: the fold, the pairs, and each pair's group in the fold (G: none)."""

    tables: Tables
    profile: Profile
    scores: Scorebook
    shopper: np.ndarray
    item: np.ndarray
    group: np.ndarray

    def cells(self, size: int) -> np.ndarray:
        """int64 [P]: where each shopper's row of a table [S, ``size``] begins, flat."""
        return self.shopper * size

    @cached_property
    def vectors(self) -> np.ndarray:
        """float32 [P, r]: the items in the space of the spectrum."""
        return self.tables.spectrum.vectors[self.item]

    def of_shopper(self, values: np.ndarray) -> np.ndarray:
        """``values`` [..., S] by pair [..., P]; of a single shopper [..., 1], which broadcasts."""
        return values if values.shape[-1] == 1 else values[..., self.shopper]

    def by_group(self, columns: Sequence[np.ndarray], never: Sequence[float]) -> np.ndarray:
        """float32 [f, P]: columns of groups by pair, and the values of "never had"."""
        table = np.empty((len(columns), len(self.profile.key) + 1), np.float32)
        for row, column in zip(table, columns, strict=True):
            row[:-1] = column
        table[:, -1] = never
        return table[:, self.group]


# --- blocks: each writes its features, one a row, into float32 [f, P] -----------------------------


def own_names(t: Tables) -> list[str]:
    names = ["own_count", "own_days", "own_weight", *(f"own_{tau:.0f}d" for tau in TAUS)]
    names += ["own_since", "own_gap", "own_since_per_gap", "own_first", "own_last_session", "own_share"]
    names += ["own_recent_share", "own_quantity", "own_rate", "own_rate_due"]
    if len(t.kinds) > 1:
        names += [f"own_{kind}" for kind in t.kinds] + [f"own_{kind}_60d" for kind in t.kinds]
    return names


def own(x: Pairs, out: np.ndarray) -> None:
    """Own history with the item. ``own_rate`` is the mean of a Poisson rate whose gamma prior is worth
    one event in the item's usual repeat time; ``own_rate_due`` decays it by the days since."""
    p = x.profile
    several = p.days > 1
    gap = np.where(several, (p.first - p.last) / np.maximum(p.days - 1, 1), NEVER)
    recent = p.decayed[:, RECENT]
    recent_total = np.bincount(p.shopper, recent, p.n_shoppers)
    columns = [p.count, p.days, p.weight, *p.decayed.T, p.last, gap, np.where(several, p.last / (gap + 0.5), 0)]
    columns += [p.first, p.last <= p.newest[p.shopper] + 0.5, p.count / p.events[p.shopper]]
    columns += [recent / np.maximum(recent_total[p.shopper], 1e-6), p.quantity]
    never = [0.0] * 3 + [0.0] * len(TAUS) + [NEVER, NEVER, 0, NEVER] + [0.0] * 4
    n_kinds = p.by_kind.shape[1]
    rows = x.by_group([*columns, *p.by_kind.T], never + [0.0] * n_kinds)
    size = len(columns)
    out[:size] = rows[:size]
    # own_rate needs the item as well
    rate = rows[1] / (np.where(rows[1] > 0, rows[10], 0) + 1 / x.tables.items.rate[x.item])
    out[size] = rate * 100
    out[size + 1] = rate * np.exp(rows[7] * (-1 / 60)) * 100
    if len(x.tables.kinds) > 1:
        out[size + 2 :] = rows[size:]


def collaborative_names(t: Tables) -> list[str]:
    names = list(t.neighbours)
    for attribute in t.attributes:
        if attribute.model is not None:
            names += [f"{attribute.name}_ease", f"{attribute.name}_ease_within"]
    ranks = t.spectrum.ranks
    return names + [f"spectrum_{rank}" for rank in ranks] + [f"spectrum_recent_{rank}" for rank in ranks]


def collaborative(x: Pairs, out: np.ndarray) -> None:
    """Raw scores of every collaborative model; no ranks in the list, whose length differs between doors."""
    t, row = x.tables, 0
    for name in t.neighbours:
        out[row] = _model_scores(x, name)
        row += 1
    for number, attribute in enumerate(t.attributes):
        if attribute.model is not None:
            value = out[row]
            value[:] = x.scores.attribute(number)[x.shopper, attribute.codes[x.item]]
            np.multiply(value, attribute.within[x.item] * 100, out=out[row + 1])
            row += 2
    _bands(x, out[row:])


def _model_scores(x: Pairs, name: str) -> np.ndarray:
    """float32 [P]: a table's scores of the pairs."""
    if x.profile.n_shoppers > 1:
        return x.scores.model(name)[x.shopper, x.item]
    # One shopper's row is read at a few hundred items and not kept: a row of this thread's own is used again.
    row = getattr(_spare, "row", None)
    if row is None or row.shape[1] != x.tables.n + 1:
        row = _spare.row = np.zeros((1, x.tables.n + 1), np.float32)
    scores = x.scores.model(name, row)[0, x.item]
    row.fill(0)
    return scores


_spare = threading.local()


def _bands(x: Pairs, out: np.ndarray) -> None:
    """The pairs in the space of the spectrum, read at its ranks: by the plain history, then by the recent one."""
    ranks = x.tables.spectrum.ranks
    vectors = x.scores.vectors()
    if x.profile.n_shoppers == 1:
        upto = (np.arange(ranks[-1]) < np.array(ranks)[:, None]).astype(np.float32)  # [ranks, r]
        masked = vectors * upto  # [2, 1, r] · [ranks, r] → [2, ranks, r]
        np.matmul(masked.reshape(-1, ranks[-1]), x.vectors.T, out=out)
        return
    begins = np.concatenate([[0], ranks[:-1]]).astype(int)
    for part, vector in zip(np.split(out, 2), vectors, strict=True):
        band = np.add.reduceat(x.vectors * vector[x.shopper], begins, axis=1)
        np.cumsum(band.T, axis=0, out=part)


def affinity_names(t: Tables) -> list[str]:
    parts = ("count", "share", "recent", "lift", "since")
    return [f"{a.name}_{part}" for a in t.attributes for part in parts]


def affinity(x: Pairs, out: np.ndarray) -> None:
    """Per attribute: the shopper's count, share, recent share, lift over popularity and days since, for
    the item's value."""
    p = x.profile
    recent = p.decayed[:, RECENT]
    recent_total = x.of_shopper(np.maximum(np.bincount(p.shopper, recent, p.n_shoppers), 1e-6))
    total = x.of_shopper(p.events)
    for a, row in zip(x.tables.attributes, range(0, len(out), 5), strict=True):
        value = a.codes[x.item]
        cell, asked, size = p.shopper * a.size + a.codes[p.item], x.cells(a.size) + value, p.n_shoppers * a.size
        since = np.full(size, NEVER, np.float32)
        np.minimum.at(since, cell, p.last)
        count = np.bincount(cell, p.count, size)[asked]
        base = a.popularity[value]
        out[row] = count
        out[row + 1] = count * 10 / np.maximum(total, 1)
        out[row + 2] = np.bincount(cell, recent, size)[asked] * 10 / recent_total
        out[row + 3] = np.log((count + 5 * base) / ((total + 5) * base))
        out[row + 4] = since[asked]


def price_names(t: Tables) -> list[str]:
    return ["price_level", "price_difference", "price_distance", "price_relative"] if t.prices.any_known else []


def price(x: Pairs, out: np.ndarray) -> None:
    """The shopper's mean log price, the item's difference from it, and the same within the item's type."""
    if not len(out):
        return
    p, prices = x.profile, x.tables.prices
    weight = p.count * prices.known[p.item]
    total = np.maximum(np.bincount(p.shopper, weight, p.n_shoppers), 1e-6)
    level = x.of_shopper(np.bincount(p.shopper, weight * prices.log[p.item], p.n_shoppers) / total)
    usual = x.of_shopper(np.bincount(p.shopper, weight * prices.relative[p.item], p.n_shoppers) / total)
    known = prices.known[x.item]
    out[0] = level
    out[1] = (prices.log[x.item] - level) * known
    np.abs(out[1], out=out[2])
    out[3] = np.abs((prices.relative[x.item] - usual) * known)


def competition_names(t: Tables) -> list[str]:
    return [
        "type_count", "type_items", "type_recent", "type_since", "type_rate", "type_due", "type_share",
        "type_recent_share", "type_last", "type_new", "type_discovery", "shopper_new",
    ]  # fmt: skip


def competition(x: Pairs, out: np.ndarray) -> None:
    """The candidate against the rest of its type: rate, due-ness, variety, its share, whether it was the
    last of it, and how likely the next one of the type is a new item times its share of first purchases."""
    p, types = x.profile, x.tables.types
    kind = types.codes[x.item]
    cell, asked = p.shopper * types.size + types.codes[p.item], x.cells(types.size) + kind
    size, decayed = p.n_shoppers * types.size, p.decayed[:, RECENT]
    last = np.full(size, NEVER, np.float32)
    np.minimum.at(last, cell, p.last)
    count = np.bincount(cell, p.count, size)[asked]
    groups = np.bincount(cell, minlength=size)[asked]
    recent = np.bincount(cell, decayed, size)[asked]
    since = last[asked]
    mine = x.by_group([p.count, decayed, p.last], [0, 0, NEVER])
    oldest = x.of_shopper(np.where(p.oldest >= NEVER, 0, p.oldest))
    rate = np.bincount(cell, p.days, size)[asked] / (oldest + 14)
    new = (groups + 5 * types.novelty[kind]) / (count + 5)
    out[0], out[1], out[2], out[3] = count, groups, recent, since
    out[4] = rate * 100
    out[5] = np.minimum(since, NEVER) * rate
    out[6] = 10 * mine[0] / np.maximum(count, 1)
    out[7] = 10 * mine[1] / np.maximum(recent, 1e-6)
    out[8] = (mine[2] <= since + 0.5) & (mine[2] < NEVER)
    out[9] = new
    out[10] = 100 * (recent + 0.02) * new * types.new_share[x.item]
    out[11] = x.of_shopper(np.diff(p.starts) / np.maximum(p.events, 1))


def lift_names(t: Tables) -> list[str]:
    return [f"{lift.name}_lift" for lift in t.lifts]


def lifts(x: Pairs, out: np.ndarray) -> None:
    """Log lift of the item among shoppers of the same band of each shopper attribute."""
    for row, lift in zip(out, x.tables.lifts, strict=True):
        band = x.profile.attributes.get(lift.name)
        code = np.full(x.profile.n_shoppers, -1) if band is None else band
        if len(code) == 1:
            row[:] = lift.table[code[0]][x.item]
        else:
            row[:] = lift.table[code[x.shopper], x.item]


def similarity_names(t: Tables) -> list[str]:
    return [f"latest_{k}" for k in LATEST]


def similarity(x: Pairs, out: np.ndarray) -> None:
    """Mean cosine between the item and the shopper's latest items, in the space of the spectrum."""
    p, spectrum = x.profile, x.tables.spectrum
    order, rank = _newest(p, max(LATEST))
    item = p.item[order]
    weights = np.stack([(rank < k) / np.float32(k) for k in LATEST]) * spectrum.unit[item]
    means = _weighted_sums(weights.astype(np.float32), spectrum.vectors[item], p.shopper[order], p.n_shoppers)
    for row, mean in zip(out, means, strict=True):
        row[:] = x.vectors @ mean[0] if len(mean) == 1 else np.einsum("pr,pr->p", mean[x.shopper], x.vectors)
    out *= 10 * spectrum.unit[x.item]


def activity_names(t: Tables) -> list[str]:
    return ["shopper_events", "shopper_items", "shopper_sessions", "shopper_gap", "shopper_since", "shopper_age"]


def activity(x: Pairs, out: np.ndarray) -> None:
    """How active the shopper is; the same for every item of a list, so it only works in combination."""
    p = x.profile
    gap = (p.oldest - p.newest) / np.maximum(p.sessions - 1, 1)
    out[:] = x.of_shopper(np.stack([p.events, np.diff(p.starts), p.sessions, gap, p.newest, p.oldest]))


#: Group of features → (names, block). The order is the order of the columns.
BLOCKS: dict[str, tuple[Callable[[Tables], list[str]], Callable[[Pairs, np.ndarray], None]]] = {
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
    places = _places(tables)
    found = {name: np.arange(place.start, place.stop) for name, place in places.items()}
    start = max((place.stop for place in places.values()), default=0)
    found["popularity"] = np.arange(start, start + len(tables.static_names))
    return found


def _places(tables: Tables) -> dict[str, slice]:
    """Rows of each block; kept with the tables."""
    held: dict[str, slice] | None = tables.__dict__.get("_places")
    if held is None:
        held, start = {}, 0
        for name, (block_names, _) in BLOCKS.items():
            size = len(block_names(tables))
            held[name], start = slice(start, start + size), start + size
        tables.__dict__["_places"] = held
    return held


def feature_rows(
    tables: Tables, profile: Profile, scores: Scorebook, offsets: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """float32 [F, P]: the features of the pairs of folded histories, each a row, squashed.

    Rows, because every feature is then written, squashed and standardised in one run of memory.
    """
    shopper = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    x = Pairs(tables, profile, scores, shopper, items, profile.find(shopper, items))
    places = _places(tables)
    width = max(place.stop for place in places.values())
    out = np.empty((width + tables.static.shape[1], len(items)), np.float32)
    for name, place in places.items():
        BLOCKS[name][1](x, out[place])
    squash_in_place(out[:width])
    out[width:] = tables.static[items].T
    return out


def pair_features(
    tables: Tables, profile: Profile, scores: Scorebook, offsets: np.ndarray, items: np.ndarray
) -> np.ndarray:
    """float32 [P, F] squashed features of the pairs of folded histories."""
    return np.ascontiguousarray(feature_rows(tables, profile, scores, offsets, items).T)


def features(tables: Tables, history: Histories, offsets: np.ndarray, items: np.ndarray, now: float) -> np.ndarray:
    """float32 [P, F]: features of ``items`` (int [P], shopper s's at offsets[s]:offsets[s+1]) at ``now``."""
    profile = fold(history, now, tables.weigh, tables.n)
    return pair_features(tables, profile, Scorebook(tables, profile), offsets, items)
