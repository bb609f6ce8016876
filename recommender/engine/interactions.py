"""What the engine sees of a shop: integer codes in flat arrays, nothing else.

Everything below is a frozen dataclass of NumPy arrays. Items, shoppers and event
kinds are codes 0 … n−1; ``recommender.dataset`` is the only bridge from rows to codes.
Time is a float of days since 1970-01-01 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

#: The time of an event whose file had no time column (1970-01-01).
UNTIMED = 0.0


@dataclass(frozen=True)
class Codes:
    """One categorical attribute of items or shoppers.

    ``codes``: int32 [n], −1 where the value is missing; ``labels``: the values, by code.
    """

    codes: np.ndarray
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Items:
    """The catalogue. ``price`` float32 [n] (NaN: unknown); ``sellable`` bool [n]."""

    n: int
    price: np.ndarray
    sellable: np.ndarray
    attributes: dict[str, Codes] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)  # float32 [n], NaN: missing
    texts: tuple[str, ...] | None = None  # title and description, by code


@dataclass(frozen=True)
class Shoppers:
    """Who shops. Numbers such as age arrive banded (``Codes``) and raw (``numbers``)."""

    n: int
    attributes: dict[str, Codes] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Kinds:
    """Event types: ``names`` [K], ``weights`` float32 [K], ``targets`` bool [K] (what a good
    recommendation leads to). ``impression`` and ``dismiss`` have weight ≤ 0 and are no targets."""

    names: tuple[str, ...]
    weights: np.ndarray
    targets: np.ndarray

    def code(self, name: str) -> int:
        """The code of ``name``, or −1 when the shop does not declare it."""
        return self.names.index(name) if name in self.names else -1


@dataclass(frozen=True)
class Interactions:
    """Events sorted by (shopper, at); one row an event.

    ``shopper`` int32 [E], ``item`` int32 [E], ``at`` float64 [E] days, ``kind`` int8 [E],
    ``quantity`` float32 [E] (1 where unknown), ``price`` float32 [E] (NaN where unknown),
    ``value`` float32 [E] (a rating for kind ``rate``; NaN elsewhere).
    """

    shopper: np.ndarray
    item: np.ndarray
    at: np.ndarray
    kind: np.ndarray
    quantity: np.ndarray
    price: np.ndarray
    value: np.ndarray

    def __len__(self) -> int:
        return len(self.shopper)

    def select(self, mask: np.ndarray | slice) -> Interactions:
        """The events where ``mask`` (bool [E], positions or a slice) holds, order kept."""
        return Interactions(*(getattr(self, name)[mask] for name in self.__dataclass_fields__))

    def before(self, cut: float) -> Interactions:
        """What was known at ``cut`` (days): events strictly earlier."""
        return self.select(self.at < cut)

    def between(self, start: float, end: float) -> Interactions:
        """Events with start ≤ at < end."""
        return self.select((self.at >= start) & (self.at < end))

    @property
    def timed(self) -> bool:
        """Whether the log has usable time: at least two different times."""
        return len(self) > 0 and float(self.at.min()) < float(self.at.max())

    @property
    def span(self) -> float:
        """Days from the first event to the last; 0 without time.

        Dates gone wrong do not stretch it: events without a time are left out, and so are the oldest five in a
        thousand where what is left is less than half as long.
        """
        at = self.at[self.at != UNTIMED] if self.timed else self.at[:0]
        if not len(at):
            return 0.0
        last, first, usual = float(at.max()), float(at.min()), float(np.quantile(at, 0.005))
        return last - usual if 0 < 2 * (last - usual) < last - first else last - first


@dataclass(frozen=True)
class Shown:
    """Products that were shown, one row each: ``shopper`` and ``item`` int32 [R] codes, ``at`` float64 [R] days,
    ``placement`` int16 [R] code of ``placements``, ``position`` int16 [R] from 1 on, 0 where it is not known."""

    shopper: np.ndarray
    item: np.ndarray
    at: np.ndarray
    placement: np.ndarray
    position: np.ndarray
    placements: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.shopper)

    def select(self, mask: np.ndarray) -> Shown:
        """The rows where ``mask`` (bool [R] or positions) holds, order kept."""
        names = ("shopper", "item", "at", "placement", "position")
        return replace(self, **{name: getattr(self, name)[mask] for name in names})

    def before(self, cut: float) -> Shown:
        """What had been shown at ``cut`` (days)."""
        return self.select(self.at < cut)


def nothing_shown() -> Shown:
    """Of a shop that keeps no record of its lists."""
    codes, short = np.zeros(0, np.int32), np.zeros(0, np.int16)
    return Shown(codes, codes, np.zeros(0), short, short)


@dataclass(frozen=True)
class ShopData:
    """One snapshot of a shop: all that training, measuring and batch scoring read."""

    interactions: Interactions
    items: Items
    shoppers: Shoppers
    kinds: Kinds
    shown: Shown = field(default_factory=nothing_shown)

    def before(self, cut: float) -> ShopData:
        """What was known at ``cut`` (days): events and lists strictly earlier."""
        return replace(self, interactions=self.interactions.before(cut), shown=self.shown.before(cut))


@dataclass(frozen=True)
class Histories:
    """Event lists of S shoppers as one ragged array: ``offsets`` int64 [S+1] into the event
    columns of ``events`` (whose ``shopper`` column is 0 … S−1 here, in order).

    ``attributes``: per shopper attribute int32 [S] codes of ``Shoppers.attributes`` (−1: missing).
    One live shopper and ten thousand in a batch are the same call.
    """

    offsets: np.ndarray
    events: Interactions
    attributes: dict[str, np.ndarray] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offsets) - 1


def histories(events: Interactions, shoppers: np.ndarray, attributes: dict[str, Codes]) -> Histories:
    """The event lists of ``shoppers`` (int32 [S], codes) out of ``events`` sorted by (shopper, at)."""
    start = np.searchsorted(events.shopper, shoppers, "left")
    end = np.searchsorted(events.shopper, shoppers, "right")
    size = end - start
    offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    rows = np.repeat(start - offsets[:-1], size) + np.arange(offsets[-1])
    picked = events.select(rows)
    local = np.repeat(np.arange(len(shoppers), dtype=np.int32), size)
    picked = Interactions(local, *(getattr(picked, f) for f in list(picked.__dataclass_fields__)[1:]))
    return Histories(offsets, picked, {name: a.codes[shoppers] for name, a in attributes.items()})


def everybody(events: Interactions, n_shoppers: int) -> Histories:
    """The event lists of all shoppers, without attributes: ``events`` themselves, which are in that order."""
    return Histories(np.searchsorted(events.shopper, np.arange(n_shoppers + 1, dtype=np.int32)), events)
