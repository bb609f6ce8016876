"""What a shopper's events say about them: one pure fold over columns, for one shopper or for a hundred thousand.

``fold`` takes a :class:`~behavior.profiles.Log` sorted by nothing in particular and returns a
:class:`~behavior.profiles.Profile` a shopper. What is usual in the shop (how often people come, what things cost)
comes in as :class:`~behavior.profiles.Norms`, so that a page that folds one shopper live says the same as the batch
that folds everybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from behavior.profiles import PURCHASE, Affinity, Log, Norms, Profile, Rhythm, Shelf
from behavior.segments import segment_of

DAY = 86_400.0
TOP = 8  # names kept per affinity
RHYTHMS = 10
LEVELS = 3  # of the category path
MOST_SPENT = 1e12  # in one line; more is a slip of the keyboard, and must not make a sum infinite


def fold(log: Log, shelf: Shelf, norms: Norms, *, as_of: datetime, zone: ZoneInfo) -> dict[int, Profile]:
    """A profile by shopper id, for every shopper with an event in ``log``."""
    if len(log) == 0:
        return {}
    events = _frame(log, norms, zone)
    liked = events[events.liked]
    bought = events[events.bought]
    parts: dict[str, dict[Any, Any]] = {
        "events": events.groupby("shopper").size().to_dict(),
        "counts": _counts(events),
        **_visits(liked),
        **_purchases(bought),
        "products": events[events["product"] >= 0].groupby("shopper")["product"].nunique().to_dict(),
        "categories": _categories(liked, shelf),
        "brands": _grouped(liked, _looked_up(liked, shelf, shelf.brands), liked.spend.to_numpy()),
        "price_bands": _price_bands(liked, norms.band_edges),
        "weekdays": _shares(liked[liked.timed].drop_duplicates(["shopper", "day"]), "weekday", 7),
        "hours": _shares(liked[liked.timed], "hour", 24),
        "rhythms": _rhythms(bought if len(bought) else liked, shelf),
    }
    now = as_of.timestamp()
    return {int(shopper): _profile(int(shopper), parts, norms, now) for shopper in parts["events"]}


def _frame(log: Log, norms: Norms, zone: ZoneInfo) -> pd.DataFrame:
    moments = pd.to_datetime((log.at * 1e6).astype(np.int64), unit="us", utc=True).tz_convert(zone)
    types = log.type
    quantity = np.where(np.isnan(log.quantity), 1.0, np.clip(log.quantity, -MOST_SPENT, MOST_SPENT))
    bought = np.asarray(types == PURCHASE)
    return pd.DataFrame(
        {
            "shopper": log.shopper,
            "at": log.at,
            "timed": log.at != 0,
            "type": types,
            "product": log.product,
            "price": log.price,
            "spend": np.clip(
                np.where(bought, np.nan_to_num(np.minimum(log.price, MOST_SPENT)) * quantity, 0.0),
                -MOST_SPENT,
                MOST_SPENT,
            ),
            "session": log.session.codes,
            "no_session": np.asarray(log.session == ""),
            "day": moments.normalize().tz_localize(None).to_numpy().astype("datetime64[D]").astype(np.int64),
            "weekday": moments.weekday.to_numpy(),
            "hour": moments.hour.to_numpy(),
            "liked": np.isin(np.asarray(types), list(norms.interest)),
            "bought": bought,
        }
    )


def _counts(events: pd.DataFrame) -> dict[int, dict[str, int]]:
    sizes = events.groupby(["shopper", "type"], observed=True).size()
    counts: dict[int, dict[str, int]] = {}
    for shopper, kind, size in sizes.reset_index().itertuples(index=False):
        counts.setdefault(shopper, {})[kind] = int(size)
    return counts


def _visits(liked: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    timed = liked[liked.timed].groupby("shopper")
    days = timed.day.nunique()
    span = timed.day.max() - timed.day.min()
    gap = (span / (days - 1)).where(days > 1)
    return {
        "visits": days.to_dict(),
        "gap_days": gap.dropna().to_dict(),
        "first": timed["at"].min().to_dict(),
        "last": timed["at"].max().to_dict(),
    }


def _purchases(bought: pd.DataFrame) -> dict[str, dict[Any, Any]]:
    # A basket is a session; where the shop sends none, a day.
    key = np.where(bought.no_session, -1 - bought.day, bought.session)
    baskets = bought.assign(key=key).drop_duplicates(["shopper", "key"]).groupby("shopper").size()
    return {"baskets": baskets.to_dict(), "spend": bought.groupby("shopper").spend.sum().to_dict()}


def _looked_up(rows: pd.DataFrame, shelf: Shelf, names: np.ndarray) -> np.ndarray:
    """The name of each row's product; "" where there is no product or nothing is known of it."""
    if len(shelf.ids) == 0:
        return np.full(len(rows), "", dtype=object)
    products = rows["product"].to_numpy()
    place = np.minimum(np.searchsorted(shelf.ids, products), len(shelf.ids) - 1)
    return np.where(shelf.ids[place] == products, names[place], "").astype(object)


def _categories(liked: pd.DataFrame, shelf: Shelf) -> dict[int, tuple[tuple[Affinity, ...], ...]]:
    levels = [path.split(" > ") if path else [] for path in shelf.paths]
    by_level = []
    for depth in range(LEVELS):
        names = np.array([" > ".join(path[: depth + 1]) if len(path) > depth else "" for path in levels], dtype=object)
        by_level.append(_grouped(liked, _looked_up(liked, shelf, names), liked.spend.to_numpy()))
    shoppers = set().union(*by_level)
    return {shopper: tuple(level.get(shopper, ()) for level in by_level) for shopper in shoppers}


def _grouped(rows: pd.DataFrame, names: np.ndarray, spend: np.ndarray) -> dict[int, tuple[Affinity, ...]]:
    """The names with most lines a shopper; rows without a name count in no share."""
    named = pd.DataFrame({"shopper": rows.shopper.to_numpy(), "name": pd.Categorical(names), "spend": spend})
    named = named[names != ""]
    if named.empty:
        return {}
    grouped = named.groupby(["shopper", "name"], observed=True).spend.agg(["size", "sum"]).reset_index()
    total = grouped.groupby("shopper")["size"].transform("sum")
    grouped["share"] = grouped["size"] / total
    grouped = grouped.sort_values(["shopper", "size", "sum"], ascending=[True, False, False])
    grouped = grouped.groupby("shopper", sort=False).head(TOP)
    result: dict[int, list[Affinity]] = {}
    for shopper, name, lines, money, share in grouped.itertuples(index=False):
        result.setdefault(shopper, []).append(Affinity(name, int(lines), round(money, 2), round(share, 4)))
    return {shopper: tuple(affinities) for shopper, affinities in result.items()}


def _price_bands(liked: pd.DataFrame, edges: tuple[float, ...]) -> dict[int, tuple[float, ...]]:
    priced = liked[liked.price > 0]
    if not edges or priced.empty:
        return {}
    band = np.searchsorted(np.asarray(edges), priced.price.to_numpy(), side="right")
    return _shares(priced.assign(band=band), "band", len(edges) + 1)


def _shares(rows: pd.DataFrame, column: str, size: int) -> dict[int, tuple[float, ...]]:
    """Per shopper the share of rows by the value 0 … size−1 of ``column``."""
    if rows.empty:
        return {}
    shoppers, codes = np.unique(rows.shopper.to_numpy(), return_inverse=True)
    counts = np.bincount(codes * size + rows[column].to_numpy(), minlength=len(shoppers) * size)
    table = counts.reshape(len(shoppers), size)  # [S, size]
    shares = np.round(table / table.sum(1, keepdims=True), 4).tolist()
    return {int(shopper): tuple(row) for shopper, row in zip(shoppers, shares, strict=True)}


def _rhythms(bought: pd.DataFrame, shelf: Shelf) -> dict[int, tuple[Rhythm, ...]]:
    rows = bought[bought.timed & (bought["product"] >= 0)].drop_duplicates(["shopper", "product", "day"])
    if rows.empty:
        return {}
    grouped = rows.groupby(["shopper", "product"])["at"].agg(["size", "min", "max"]).reset_index()
    grouped = grouped[grouped["size"] >= 3].sort_values(["shopper", "size", "max"], ascending=[True, False, False])
    grouped = grouped.groupby("shopper", sort=False).head(RHYTHMS)
    names = _looked_up(grouped, shelf, shelf.external_ids)
    result: dict[int, list[Rhythm]] = {}
    for (shopper, _, times, first, last), name in zip(grouped.itertuples(index=False), names, strict=True):
        gap = (last - first) / (times - 1)
        rhythm = Rhythm(str(name), int(times), round(gap / DAY, 1), _iso(last), _iso(last + gap))
        result.setdefault(shopper, []).append(rhythm)
    return {shopper: tuple(rhythms) for shopper, rhythms in result.items()}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _profile(shopper: int, parts: Mapping[str, Mapping[Any, Any]], norms: Norms, now: float) -> Profile:
    def part(name: str, default: Any = None) -> Any:
        return parts[name].get(shopper, default)

    last, first = part("last"), part("first")
    recency = None if last is None else max(0.0, (now - last) / DAY)
    spend, baskets = float(part("spend", 0.0)), int(part("baskets", 0))
    visits, events = int(part("visits", 0)), int(part("events", 0))
    gap = part("gap_days")
    segment, reason = segment_of(visits=visits, events=events, gap=gap, recency=recency, norms=norms)
    return Profile(
        events=events,
        counts=part("counts", {}),
        visits=visits,
        baskets=baskets,
        products=int(part("products", 0)),
        spend=round(spend, 2),
        mean_basket=round(spend / baskets, 2) if baskets and spend else None,
        first_at=None if first is None else datetime.fromtimestamp(first, UTC),
        last_at=None if last is None else datetime.fromtimestamp(last, UTC),
        recency_days=None if recency is None else round(recency, 2),
        gap_days=None if gap is None else round(float(gap), 2),
        categories=part("categories", ()),
        brands=part("brands", ()),
        price_bands=part("price_bands", ()),
        weekdays=part("weekdays", ()),
        hours=part("hours", ()),
        rhythms=part("rhythms", ()),
        segment=segment,
        reason=reason,
    )
