"""What one shopper's events say about them, folded for drawing: visits, shares, prices, rhythms. Pure.

The profile (``behavior.profiles``) is what models and lists use; this is what a person looks at.
"""

from __future__ import annotations

import statistics
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from operator import itemgetter

from recsite.dashboard.queries.shoppers import Line

PURCHASE = "purchase"
SILENT = frozenset({"impression", "dismiss"})  # say nothing of what a shopper likes
UNTIMED_BEFORE = date(1970, 1, 2)
OFTEN = 6  # purchases that make a product a habit
DUE_FROM = 3  # days of buying from which a next one is expected


@dataclass(frozen=True)
class Visit:
    """Events of one kind that belong together: a basket, or a day's clicks. ``lines`` oldest first."""

    type: str
    at: datetime
    day: date
    lines: Sequence[Line]

    @cached_property
    def amount(self) -> float:
        return sum(line.amount for line in self.lines)

    @property
    def is_timed(self) -> bool:
        return self.day >= UNTIMED_BEFORE


@dataclass(frozen=True)
class Share:
    """A part of all that was bought: lines, money, and the product with most of it."""

    name: str
    lines: int
    spend: float
    most: int  # Product.id


@dataclass(frozen=True)
class ProductRhythm:
    """On which days a product was bought, the usual gap in days, and when it is due."""

    product_id: int
    times: int
    days: Sequence[date]
    gap: float | None
    due: date | None


@dataclass(frozen=True)
class Habits:
    """``baskets`` newest first. Without any purchase the other telling events stand in for them (``by_interest``)."""

    lines: Sequence[Line]
    baskets: Sequence[Visit]
    by_interest: bool
    gap: float | None  # median days between baskets
    median_basket: float | None
    spend: float
    products: int
    often: int
    counts: Mapping[str, int] = field(default_factory=dict)  # events by type


def fold(lines: Sequence[Line], day_of: Callable[[datetime], date]) -> Habits:
    """``lines``: a shopper's events in any order; ``day_of``: the shop's calendar."""
    bought = [line for line in lines if line.type == PURCHASE and line.product_id is not None]
    telling = bought or [line for line in lines if line.type not in SILENT and line.product_id is not None]
    baskets = visits(telling, day_of)
    days = sorted({basket.day for basket in baskets if basket.is_timed})
    times = Counter(line.product_id for line in telling)
    return Habits(
        lines=telling,
        baskets=baskets,
        by_interest=not bought,
        gap=_median([(later - earlier).days for earlier, later in pairwise(days)]),
        median_basket=_median([basket.amount for basket in baskets]),
        spend=sum(line.amount for line in bought),
        products=len(times),
        often=sum(count >= OFTEN for count in times.values()),
        counts=Counter(line.type for line in lines),
    )


def visits(lines: Iterable[Line], day_of: Callable[[datetime], date]) -> list[Visit]:
    """Events grouped by kind and session, where there is no session by kind and day; newest first."""
    groups: dict[tuple[str, str, date], list[Line]] = defaultdict(list)
    for line in lines:
        groups[line.type, line.session, day_of(line.at)].append(line)
    for group in groups.values():
        group.sort(key=_AT)
    made = [Visit(kind, group[-1].at, day, group) for (kind, _, day), group in groups.items()]
    return sorted(made, key=lambda visit: visit.at, reverse=True)


_AT = itemgetter(Line._fields.index("at"))


def shares(lines: Sequence[Line], name_of: Callable[[int], str]) -> list[Share]:
    """Parts of all lines by what ``name_of`` says of a product, the largest spend first, then lines."""
    counts: Counter[int] = Counter()
    spent: dict[int, float] = defaultdict(float)
    for line in lines:
        if line.product_id is not None:
            counts[line.product_id] += 1
            spent[line.product_id] += line.amount
    groups: dict[str, list[int]] = defaultdict(list)  # a name is asked for once a product, not once a line
    for product in counts:
        groups[name_of(product)].append(product)
    made = [
        Share(
            name,
            sum(counts[product] for product in group),
            sum(spent[product] for product in group),
            max(group, key=counts.__getitem__),
        )
        for name, group in groups.items()
    ]
    return sorted(made, key=lambda share: (-share.spend, -share.lines, share.name))


def price_shares(lines: Sequence[Line], edges: Sequence[float]) -> list[float] | None:
    """The share of lines in each band between rising ``edges`` (one band more than edges); None without any price."""
    prices = [line.price for line in lines if line.price is not None]
    if not prices:
        return None
    counts = Counter(bisect_right(edges, price) for price in prices)
    return [counts[band] / len(prices) for band in range(len(edges) + 1)]


def rhythms(lines: Sequence[Line], day_of: Callable[[datetime], date], *, limit: int = 6) -> list[ProductRhythm]:
    """The products bought on most days, with their gaps; nothing where the log has no time."""
    days: dict[int, set[date]] = defaultdict(set)
    times: Counter[int] = Counter()
    for line in lines:
        if line.product_id is not None and (day := day_of(line.at)) >= UNTIMED_BEFORE:
            days[line.product_id].add(day)
            times[line.product_id] += 1
    most = sorted(days, key=lambda product: (-len(days[product]), -times[product], product))[:limit]
    return [_rhythm(product, times[product], sorted(days[product])) for product in most if len(days[product]) > 1]


def _rhythm(product: int, times: int, days: Sequence[date]) -> ProductRhythm:
    """The gap is the mean one: (last − first) ÷ (days − 1)."""
    gap = (days[-1] - days[0]).days / (len(days) - 1)
    due = days[-1] + timedelta(days=round(gap)) if len(days) >= DUE_FROM else None
    return ProductRhythm(product, times, days, gap, due)


def _median(values: Sequence[float]) -> float | None:
    return float(statistics.median(values)) if values else None
