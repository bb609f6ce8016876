"""Counting feedback: the log's days joined with served lists into rows that pages read (``FeedbackDay``, and of lists
that an experiment made ``ExperimentDay``).

``roll_up`` counts a whole day, deleting and inserting in one transaction: doing it twice changes nothing. ``refresh``
finds the days that newly arrived events touch. What counts for what is said in ``feedback``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from recommender.models import ExperimentDay, FeedbackDay, FeedbackProgress, ServedList

SLACK = timedelta(minutes=2)  # an event that was received earlier may be committed later


@dataclass(frozen=True)
class Windows:
    """How long after a click and after an impression a purchase still counts."""

    click: timedelta = timedelta(hours=24)
    view: timedelta = timedelta(hours=1)


#: Slots of the day's lists and of those within a window of it (another list may have the better claim to a
#: purchase); touches; the last touch of each cart and purchase; counts for each dimension.
ROLL_UP = """
WITH lists AS MATERIALIZED (
    SELECT recommendation_id, at, source, placement, coalesce(run, 0) AS run, segment, products, rules,
           experiment, shopper_kind, shopper_external_id
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
), subjects AS (
    INSERT INTO recommender_experimentday
        (experiment, day, arm, source, shopper_kind, shopper_external_id, first_at, shown, clicked, bought, revenue)
    SELECT split_part(l.experiment, ':', 1), %(day)s, split_part(l.experiment, ':', 2), l.source, l.shopper_kind,
           l.shopper_external_id, min(l.at), sum(c.shown), sum(c.clicked), sum(c.bought + c.bought_by_view),
           sum(c.revenue + c.revenue_by_view)
    FROM counted c JOIN lists l USING (recommendation_id)
    WHERE l.experiment <> ''
    GROUP BY 1, 3, 4, 5, 6
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
    values: dict[str, Any] = {  # psycopg takes a timedelta, which the stubs do not know
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
        cursor.execute("DELETE FROM recommender_experimentday WHERE day = %s", [day])
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
        ExperimentDay.objects.exclude(day__in=days).delete()
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
