"""Features of (shopper, item) pairs: the one code path of training, batch and live scoring.

Pairs are ragged: ``offsets`` int64 [S+1] into ``items`` int [P]. Every block is one compiled loop over the
pairs (``kernels.py``), whatever the number of shoppers. Values are squashed (sign · log1p) but not standardised;
the scorer does that, because it owns the scale.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from recommender.engine.compiled import elementwise, kernels
from recommender.engine.interactions import Histories
from recommender.engine.order import NEWEST
from recommender.engine.profile import RECENT, TAUS, Profile, fold
from recommender.engine.scorebook import Pairs, Scorebook
from recommender.engine.tables import Tables

#: How many of the latest items the similarity block compares with.
LATEST = (5, NEWEST)


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
    kernels().own(
        x.offsets, x.item, p.starts, x.group, p.count, p.days, p.weight, p.first, p.last, p.quantity, p.decayed.T,
        p.by_kind.T, p.events, p.newest, x.tables.items.rate, out,
    )  # fmt: skip


def collaborative_names(t: Tables) -> list[str]:
    names = [name for name in t.neighbours if name != "followed"]
    for attribute in t.attributes:
        if attribute.model is not None:
            names += [f"{attribute.name}_ease", f"{attribute.name}_ease_within"]
    ranks = t.spectrum.ranks
    return names + [f"spectrum_{rank}" for rank in ranks] + [f"spectrum_recent_{rank}" for rank in ranks]


def collaborative(x: Pairs, out: np.ndarray) -> None:
    """Raw scores of every collaborative model; no ranks in the list, whose length differs between doors."""
    t, row = x.tables, 0
    for name in t.neighbours:
        if name != "followed":
            out[row] = x.scores.model_at(name, x)
            row += 1
    for number, attribute in enumerate(t.attributes):
        if attribute.model is not None:
            out[row] = x.scores.attribute_at(number, x)
            np.multiply(out[row], attribute.within[x.item] * 100, out=out[row + 1])
            row += 2
    held, spectrum = x.scores.held, t.spectrum
    kernels().bands(
        x.offsets, x.item, held.bounds, held.item, held.plain, held.recent, spectrum.vectors, spectrum.read,
        np.array(spectrum.ranks), out[row:],
    )  # fmt: skip


def affinity_names(t: Tables) -> list[str]:
    parts = ("count", "share", "recent", "lift", "since")
    return [f"{a.name}_{part}" for a in t.attributes for part in parts]


def affinity(x: Pairs, out: np.ndarray) -> None:
    """Per attribute: the shopper's count, share, recent share, lift over popularity and days since, for
    the item's value."""
    p = x.profile
    recent = p.decayed[:, RECENT]
    for a, row in zip(x.tables.attributes, range(0, len(out), 5), strict=True):
        kernels().affinity(
            x.offsets, x.item, p.starts, p.item, a.codes, p.count, recent, p.last, p.events, a.popularity,
            out[row : row + 5],
        )  # fmt: skip


def price_names(t: Tables) -> list[str]:
    return ["price_level", "price_difference", "price_distance", "price_relative"] if t.prices.any_known else []


def price(x: Pairs, out: np.ndarray) -> None:
    """The shopper's mean log price, the item's difference from it, and the same within the item's type."""
    if not len(out):
        return
    p, prices = x.profile, x.tables.prices
    kernels().price(x.offsets, x.item, p.starts, p.item, p.count, prices.known, prices.log, prices.relative, out)


def competition_names(t: Tables) -> list[str]:
    return [
        "type_count", "type_items", "type_recent", "type_since", "type_rate", "type_due", "type_share",
        "type_recent_share", "type_last", "type_new", "type_discovery", "shopper_new",
    ]  # fmt: skip


def competition(x: Pairs, out: np.ndarray) -> None:
    """The candidate against the rest of its type: rate, due-ness, variety, its share, whether it was the
    last of it, and how likely the next one of the type is a new item times its share of first purchases."""
    p, types = x.profile, x.tables.types
    kernels().competition(
        x.offsets, x.item, p.starts, p.item, x.group, types.codes, p.count, p.days, p.decayed[:, RECENT], p.last,
        p.events, p.oldest, types.novelty, types.new_share, out,
    )  # fmt: skip


def lift_names(t: Tables) -> list[str]:
    return [f"{lift.name}_lift" for lift in t.lifts]


def lifts(x: Pairs, out: np.ndarray) -> None:
    """Log lift of the item among shoppers of the same band of each shopper attribute."""
    unknown = np.full(x.profile.n_shoppers, -1)
    for row, lift in zip(out, x.tables.lifts, strict=True):
        band = x.profile.attributes.get(lift.name, unknown)
        kernels().lift(x.offsets, x.item, band.astype(np.int64), lift.table, row)


def similarity_names(t: Tables) -> list[str]:
    return [f"latest_{k}" for k in LATEST]


def similarity(x: Pairs, out: np.ndarray) -> None:
    """Mean cosine between the item and the shopper's latest items, in the space of the spectrum."""
    latest, spectrum = x.scores.latest, x.tables.spectrum
    kernels().similarity(
        x.offsets, x.item, latest.bounds, latest.item, latest.rank, spectrum.vectors, spectrum.unit, np.array(LATEST),
        out,
    )  # fmt: skip


def order_names(t: Tables) -> list[str]:
    return [name for name in t.neighbours if name == "followed"]


def order(x: Pairs, out: np.ndarray) -> None:
    """How often the item came next after the shopper's latest ones."""
    if len(out):
        out[0] = x.scores.model_at("followed", x)


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
    "order": (order_names, order),
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
    offsets, items = np.asarray(offsets, np.int64), np.ascontiguousarray(items, np.int64)
    x = Pairs(tables, profile, scores, offsets, items, shopper, profile.find(shopper, items))
    places = _places(tables)
    width = max(place.stop for place in places.values())
    out = np.empty((width + tables.static.shape[1], len(items)), np.float32)
    for name, place in places.items():
        BLOCKS[name][1](x, out[place])
    elementwise().squash(out[:width].reshape(-1))
    kernels().columns(items, tables.static, out[width:])
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
