"""What happens after a list is shown: impression → click → cart → purchase → revenue, and what was ignored.

**Attribution.** A cart or purchase counts for a recommended product when the same shopper clicked it at most
``click`` before (24 h unless set otherwise), or else saw it at most ``view`` before (1 h). Each cart and each purchase
counts once: for the latest click, else the latest impression. The day is the day of the list, so the rates of a day
are about what was shown on it, and go on growing for as long as the click window is.

**Counting.** Module ``roll_up`` counts whole days into ``FeedbackDay``. Pages read the counts: ``totals``, ``by``,
``daily``.

**Nothing shown is not zero.** A rate of nothing is None, and pages say "no data".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from django.db.models import F, QuerySet, Sum

from recommender.models import FeedbackDay

Z_95 = 1.959964
TOO_FEW = 300  # shown: below it a rate is no judgement
#: What the counts can be split by, and the dimension that holds it.
SPLITS = {
    "placement": "all",
    "run": "all",
    "segment": "all",
    "source": "all",
    "day": "all",
    "category": "category",
    "position": "position",
    "rule": "rule",
}


@dataclass(frozen=True)
class Scope:
    """Which days (both included) and which part of the lists; None: all.

    ``part`` takes of the lists only the products of one category, at one position or touched by one rule:
    ``("rule", "4")``. Products are counted by one of these at a time, so a scope with a part can be split by its own
    dimension and by what holds for whole lists (``splits``), not by another dimension.
    """

    first: date
    last: date
    placement: str | None = None
    run: int | None = None
    segment: str | None = None
    source: str | None = None
    part: tuple[str, str] | None = None

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def before(self) -> Scope:
        """The same number of days directly before."""
        return replace(self, first=self.first - timedelta(days=self.days), last=self.first - timedelta(days=1))

    @property
    def splits(self) -> tuple[str, ...]:
        """What the scope can be split by."""
        return tuple(name for name, held in SPLITS.items() if self.part is None or held in ("all", self.part[0]))


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval, all 0 … 1."""

    value: float
    low: float
    high: float
    hits: int
    of: int

    @property
    def too_few(self) -> bool:
        return self.of < TOO_FEW


def wilson(hits: int, of: int) -> Rate | None:
    """The score interval of Wilson (1927), which stays within 0 … 1 and is right for few; None of nothing."""
    if of <= 0:
        return None
    hits = min(hits, of)
    share, z2 = hits / of, Z_95**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = Z_95 / (1 + z2 / of) * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return Rate(share, max(0.0, middle - half), min(1.0, middle + half), hits, of)


def difference(now: Rate | None, before: Rate | None) -> tuple[float, float, float] | None:
    """Change of a rate with its 95 % interval (Newcombe 1998, method 10); None where one of them has no data."""
    if now is None or before is None:
        return None
    change = now.value - before.value
    low = change - math.hypot(now.value - now.low, before.high - before.value)
    high = change + math.hypot(now.high - now.value, before.value - before.low)
    return change, low, high


@dataclass(frozen=True)
class Counts:
    """Recommended products and what became of them; revenue in the shop's currency."""

    lists: int = 0
    served: int = 0
    shown: int = 0
    clicked: int = 0
    carted: int = 0
    bought: int = 0
    bought_by_view: int = 0
    revenue: float = 0.0
    revenue_by_view: float = 0.0

    @property
    def has_data(self) -> bool:
        """Whether anybody saw anything; without, there are no rates and no zeros."""
        return self.shown > 0

    @property
    def ignored(self) -> int:
        """Seen and not clicked."""
        return self.shown - self.clicked

    @property
    def click_rate(self) -> Rate | None:
        return wilson(self.clicked, self.shown)

    @property
    def ignore_rate(self) -> Rate | None:
        return wilson(self.ignored, self.shown)

    @property
    def conversion(self) -> Rate | None:
        """Bought after a click, of what was shown."""
        return wilson(self.bought, self.shown)

    @property
    def attributed_revenue(self) -> float:
        """After a click and after merely seeing."""
        return self.revenue + self.revenue_by_view

    @property
    def revenue_per_thousand(self) -> float | None:
        """Attributed revenue of both kinds for a thousand products shown."""
        return 1000 * self.attributed_revenue / self.shown if self.shown else None

    def to_dict(self) -> dict[str, float]:
        return {f.name: getattr(self, f.name) for f in fields(self)}


@dataclass(frozen=True)
class Row:
    """One line of a table: ``key`` as stored (a slug, a run id, a position …), and the period before."""

    key: str
    counts: Counts
    previous: Counts


def totals(scope: Scope) -> Counts:
    """The funnel of a scope: one query."""
    return _counts(_rows(scope, "all").aggregate(**_SUMS))


def by(split: str, scope: Scope, *, earlier: Scope | None = None) -> list[Row]:
    """The scope split by one of ``scope.splits``, beside it the period before (or ``earlier``), most shown first: two
    queries. Days stand alone: no day of the period before is the same day."""
    now, before = _split(split, scope), {} if split == "day" else _split(split, earlier or scope.before())
    rows = [Row(key, now.get(key, Counts()), before.get(key, Counts())) for key in dict.fromkeys([*now, *before])]
    return sorted(rows, key=lambda row: (-row.counts.shown, row.key))


def daily(scope: Scope) -> list[tuple[date, Counts | None]]:
    """Every day of the scope in order; None where nothing was shown, so that a line breaks there."""
    found = _split("day", scope)
    days = [scope.first + timedelta(days=n) for n in range(scope.days)]
    return [(day, counts if (counts := found.get(day.isoformat())) and counts.has_data else None) for day in days]


def newest_day() -> date | None:
    """The last day with lists; None before the first: where date ranges end by default."""
    newest: date | None = FeedbackDay.objects.order_by("-day").values_list("day", flat=True).first()
    return newest


def is_simulated(scope: Scope) -> bool:
    """Whether any of the scope's lists were shown by the simulator."""
    return _rows(replace(scope, source="simulator"), "all").exists()


_SUMS = {f.name: Sum(f.name) for f in fields(Counts)}


def _rows(scope: Scope, dimension: str) -> QuerySet[FeedbackDay]:
    wanted = {
        name: getattr(scope, name)
        for name in ("placement", "run", "segment", "source")
        if getattr(scope, name) is not None
    }
    if scope.part is not None:
        dimension, wanted["key"] = scope.part
    return FeedbackDay.objects.filter(dimension=dimension, day__range=(scope.first, scope.last), **wanted)


def _split(split: str, scope: Scope) -> dict[str, Counts]:
    if split not in scope.splits:
        raise ValueError(f"expected one of {', '.join(scope.splits)}; received {split!r}")
    dimension = SPLITS[split]
    column = split if dimension == "all" else "key"
    rows = _rows(scope, dimension).values(name=F(column)).annotate(**_SUMS).order_by()
    return {str(row["name"]): _counts(row) for row in rows}


def _counts(row: Mapping[str, object]) -> Counts:
    return Counts(**{f.name: row[f.name] or 0 for f in fields(Counts)})  # type: ignore[arg-type]
