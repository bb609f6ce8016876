"""What goes into the fold of a shopper's events, and the profile that comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

BANDS = 5
PURCHASE = "purchase"


@dataclass(frozen=True)
class Log:
    """Events as columns of one length E.

    ``shopper`` int64 ids; ``at`` float64 seconds since 1970 (0: untimed); ``type`` and ``session`` text (categorical
    or object; "" without a session); ``product`` int64 ids (−1: none); ``quantity``, ``price`` float64 (NaN: unknown).
    """

    shopper: np.ndarray
    at: np.ndarray
    type: pd.Categorical
    product: np.ndarray
    quantity: np.ndarray
    price: np.ndarray
    session: pd.Categorical

    def __len__(self) -> int:
        return len(self.shopper)


@dataclass(frozen=True)
class Shelf:
    """What the log's products are, by ascending id: ``ids`` int64 [n], and by position external id, path, brand."""

    ids: np.ndarray
    external_ids: np.ndarray  # text
    paths: np.ndarray  # text, "" without a category
    brands: np.ndarray  # text, "" without a brand


@dataclass(frozen=True)
class Norms:
    """What is usual in the shop. ``interest``: types that say that somebody likes something (weight over 0).

    ``often``: days with a visit that four of five shoppers stay under; ``gap``: the median of shoppers' mean gaps, in
    days (None without times); ``band_edges``: prices that cut the shop's sales into fifths (empty without prices).
    """

    interest: tuple[str, ...]
    often: float = 1.0
    often_events: float = 1.0
    gap: float | None = None
    band_edges: tuple[float, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Norms:
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        return cls(**values)


@dataclass(frozen=True)
class Affinity:
    """A name and how much of the shopper's interest goes to it: lines, money, share of lines (0 … 1)."""

    name: str
    lines: int
    spend: float
    share: float


@dataclass(frozen=True)
class Rhythm:
    """A product that comes back: on how many days, how many days apart on average, when again."""

    product: str  # the shop's own id
    times: int
    gap_days: float
    last_at: str  # ISO
    expected_at: str  # ISO


@dataclass(frozen=True)
class Profile:
    """One shopper as of one time. Times are None where the events have none; shares are 0 … 1.

    ``visits`` are days with an event of interest; ``baskets`` sessions (without: days) with a purchase.
    """

    events: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    visits: int = 0
    baskets: int = 0
    products: int = 0
    spend: float = 0.0
    mean_basket: float | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None
    recency_days: float | None = None
    gap_days: float | None = None
    categories: tuple[tuple[Affinity, ...], ...] = ()  # by level of the path, the root first
    brands: tuple[Affinity, ...] = ()
    price_bands: tuple[float, ...] = ()  # share of lines by the shop's fifths of price, cheapest first
    weekdays: tuple[float, ...] = ()  # share of visits from Monday on, in the shop's time zone
    hours: tuple[float, ...] = ()  # share of events of interest by hour of the day
    rhythms: tuple[Rhythm, ...] = ()
    segment: str = "new"
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        stored = asdict(self)
        for name in ("first_at", "last_at"):
            stored[name] = stored[name].isoformat() if stored[name] else None
        return stored

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Profile:
        """The inverse of :meth:`to_dict`; what an older version did not have yet reads as its default."""
        values = {name: value for name, value in stored.items() if name in {f.name for f in fields(cls)}}
        for name in ("first_at", "last_at"):
            values[name] = datetime.fromisoformat(values[name]) if values.get(name) else None
        values["categories"] = tuple(_affinities(level) for level in values.get("categories", ()))
        values["brands"] = _affinities(values.get("brands", ()))
        values["rhythms"] = tuple(Rhythm(**rhythm) for rhythm in values.get("rhythms", ()))
        for name in ("price_bands", "weekdays", "hours"):
            values[name] = tuple(values.get(name, ()))
        return cls(**values)


def _affinities(stored: Sequence[Mapping[str, Any]]) -> tuple[Affinity, ...]:
    return tuple(Affinity(**affinity) for affinity in stored)
