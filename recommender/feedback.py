"""What happens after a list is shown: impression → click → cart → purchase → revenue, and what was ignored.

**Attribution.** A cart or purchase counts for a recommended product when the same shopper clicked it at most
``click`` before (24 h unless set otherwise), or else saw it at most ``view`` before (1 h). Each cart and each purchase
counts once: for the latest click, else the latest impression. The day is the day of the list, so the rates of a day
are about what was shown on it, and go on growing for as long as the click window is.

**Counting.** ``roll_up`` counts whole days into ``FeedbackDay`` (delete and insert in one transaction: doing it twice
changes nothing); ``refresh`` finds the days that newly arrived events touch. Pages read the counts: ``totals``,
``by``, ``daily``.

**Nothing shown is not zero.** A rate of nothing is None, and pages say "no data".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from recommender.models import FeedbackDay, FeedbackProgress, ServedList

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
SLACK = timedelta(minutes=2)  # an event that was received earlier may be committed later


@dataclass(frozen=True)
class Windows:
    """How long after a click and after an impression a purchase still counts."""

    click: timedelta = timedelta(hours=24)
    view: timedelta = timedelta(hours=1)


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
    def cart_rate(self) -> Rate | None:
        """Of what was clicked."""
        return wilson(self.carted, self.clicked)

    @property
    def conversion(self) -> Rate | None:
        """Bought after a click, of what was shown."""
        return wilson(self.bought, self.shown)

    @property
    def revenue_per_thousand(self) -> float | None:
        """Attributed revenue of both kinds for a thousand products shown."""
        return 1000 * (self.revenue + self.revenue_by_view) / self.shown if self.shown else None

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


def _counts(row: Mapping[str, float | None]) -> Counts:
    return Counts(**{f.name: row[f.name] or 0 for f in fields(Counts)})  # type: ignore[arg-type]


# --- Counting ---

#: Slots of the day's lists and of those within a window of it (another list may have the better claim to a
#: purchase); touches; the last touch of each cart and purchase; counts for each dimension.
ROLL_UP = """
WITH lists AS MATERIALIZED (
    SELECT recommendation_id, at, source, placement, coalesce(run, 0) AS run, segment, products, rules
    FROM recommender_servedlist
    WHERE at >= %(start)s::timestamptz - %(reach)s AND at < %(end)s::timestamptz + %(reach)s
), slots AS MATERIALIZED (
    SELECT l.recommendation_id, p.product_id, p.position, coalesce(l.rules[p.position], 0) AS rule,
           l.at >= %(start)s AND l.at < %(end)s AS counted
    FROM lists l, unnest(l.products) WITH ORDINALITY AS p(product_id, position)
), events AS MATERIALIZED (  -- one row an impression or click of a recommended product
    SELECT s.recommendation_id, s.product_id, s.position, e.shopper_id, e.type, e.at
    FROM slots s JOIN behavior_event e
      ON e.recommendation_id = s.recommendation_id
     AND (e.product_id = s.product_id OR (e.product_id IS NULL AND e.type = 'impression'))
    WHERE e.recommendation_id <> '' AND e.type IN ('impression', 'click')
      AND e.at >= %(start)s::timestamptz - %(reach)s AND e.at < %(end)s::timestamptz + %(reach)s + %(reach)s
), touches AS MATERIALIZED (
    SELECT recommendation_id, product_id, position, bool_or(type = 'click') AS clicked
    FROM events GROUP BY 1, 2, 3
), buys AS MATERIALIZED (
    SELECT e.event_id, e.type, e.shopper_id, e.product_id, e.at,
           coalesce(e.quantity, 1) * coalesce(e.price, 0) AS revenue
    FROM behavior_event e
    WHERE e.type IN ('cart', 'purchase') AND e.product_id IS NOT NULL
      AND e.at >= %(start)s AND e.at < %(end)s::timestamptz + %(reach)s + %(reach)s
), attributed AS (
    SELECT DISTINCT ON (b.event_id)
           b.type, b.revenue, t.recommendation_id, t.product_id, t.position, t.type = 'click' AS by_click
    FROM buys b JOIN events t ON t.shopper_id = b.shopper_id AND t.product_id = b.product_id AND t.at <= b.at
     AND b.at < t.at + CASE t.type WHEN 'click' THEN %(click)s::interval ELSE %(view)s::interval END
    ORDER BY b.event_id, by_click DESC, t.at DESC, t.recommendation_id, t.position
), outcome AS (
    SELECT recommendation_id, product_id, position,
           bool_or(type = 'cart') AS carted,
           bool_or(type = 'purchase' AND by_click) AS bought,
           bool_or(type = 'purchase' AND NOT by_click) AS bought_by_view,
           coalesce(sum(revenue) FILTER (WHERE type = 'purchase' AND by_click), 0) AS revenue,
           coalesce(sum(revenue) FILTER (WHERE type = 'purchase' AND NOT by_click), 0) AS revenue_by_view
    FROM attributed GROUP BY 1, 2, 3
), counted AS MATERIALIZED (
    SELECT l.source, l.placement, l.run, l.segment, s.recommendation_id, s.position, s.rule,
           coalesce(split_part(c.path, ' > ', 1), '') AS category,
           (t.clicked IS NOT NULL)::int AS shown,  -- who clicked it saw it
           coalesce(t.clicked, false)::int AS clicked,
           coalesce(o.carted, false)::int AS carted,
           coalesce(o.bought, false)::int AS bought,
           (coalesce(o.bought_by_view, false) AND NOT coalesce(o.bought, false))::int AS bought_by_view,
           coalesce(o.revenue, 0) AS revenue, coalesce(o.revenue_by_view, 0) AS revenue_by_view
    FROM slots s
    JOIN lists l USING (recommendation_id)
    LEFT JOIN touches t USING (recommendation_id, product_id, position)
    LEFT JOIN outcome o USING (recommendation_id, product_id, position)
    LEFT JOIN catalog_product p ON p.id = s.product_id
    LEFT JOIN catalog_category c ON c.id = p.category_id
    WHERE s.counted
)
INSERT INTO recommender_feedbackday
    (day, source, placement, run, segment, dimension, key, lists, served, shown, clicked, carted, bought,
     bought_by_view, revenue, revenue_by_view)
SELECT %(day)s, source, placement, run, segment, d.dimension, d.key, count(DISTINCT recommendation_id), count(*),
       sum(shown), sum(clicked), sum(carted), sum(bought), sum(bought_by_view), sum(revenue), sum(revenue_by_view)
FROM counted, LATERAL (VALUES ('all', ''), ('category', category), ('position', position::text),
                              ('rule', rule::text)) AS d(dimension, key)
WHERE NOT (d.dimension = 'rule' AND rule = 0)
GROUP BY source, placement, run, segment, d.dimension, d.key
"""


def roll_up(*, day: date, windows: Windows, zone: ZoneInfo) -> int:
    """Count one day of the shop's calendar anew; returns how many rows there are for it now."""
    start, end = (datetime.combine(d, time.min, tzinfo=zone).astimezone(UTC) for d in (day, day + timedelta(days=1)))
    values = {
        "day": day,
        "start": start,
        "end": end,
        "click": windows.click,
        "view": windows.view,
        "reach": max(windows.click, windows.view),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('feedback'), %s)", [day.toordinal()])
        cursor.execute("DELETE FROM recommender_feedbackday WHERE day = %s", [day])
        cursor.execute(ROLL_UP, values)
        return cursor.rowcount


TOUCHED = """
SELECT min(at), max(at) FROM behavior_event
WHERE received_at > %s AND (recommendation_id <> '' OR type IN ('cart', 'purchase')) AND source <> 'import'
"""


def refresh(*, windows: Windows, zone: ZoneInfo, now: datetime | None = None) -> list[date]:
    """Count the days that newly arrived events touch, and today; returns them. All days where the windows or the
    zone are others than before."""
    now = now or timezone.now()
    progress = FeedbackProgress.objects.first()
    same = (
        progress is not None
        and progress.counted_to is not None
        and (progress.click_window, progress.view_window, progress.zone) == (windows.click, windows.view, str(zone))
    )
    since = progress.counted_to - SLACK if same and progress and progress.counted_to else None
    days = _touched_days(since, windows, zone, now)
    if not same:
        FeedbackDay.objects.exclude(day__in=days).delete()  # days of another zone's calendar
    for day in days:
        roll_up(day=day, windows=windows, zone=zone)
    FeedbackProgress.objects.update_or_create(
        pk=1,
        defaults={
            "counted_to": now,
            "click_window": windows.click,
            "view_window": windows.view,
            "zone": str(zone),
        },
    )
    return days


def _touched_days(since: datetime | None, windows: Windows, zone: ZoneInfo, now: datetime) -> list[date]:
    """Days with lists that what arrived after ``since`` may change; every day with lists for None."""
    lists = ServedList.objects.all()
    if since is not None:
        with connection.cursor() as cursor:
            cursor.execute(TOUCHED, [since])
            first, last = cursor.fetchone()
        today = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
        first, last = min(first or today, today), max(last or now, now)
        lists = lists.filter(at__gte=first - 2 * max(windows.click, windows.view), at__lte=last)
    with_lists = lists.datetimes("at", "day", tzinfo=zone)
    return [moment.date() for moment in with_lists]
