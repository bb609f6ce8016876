"""The feedback page's line per day, and whether it moved by more than chance."""

from __future__ import annotations

from datetime import date

from recommender import feedback
from recommender.feedback import Counts, Scope
from recsite.dashboard import charts, numbers
from recsite.dashboard.charts import Chart, Days, Event, Unit
from recsite.dashboard.components import Nothing, is_noise
from recsite.dashboard.pages.feedback_asked import MEASURES, Asked, Measure
from recsite.dashboard.queries import feedback as queries
from recsite.dashboard.ranges import span
from recsite.dashboard.shop import Shop

MARKS = 3  # events written into the trend at most


def trend_of(asked: Asked, now: Counts, shop: Shop) -> Chart | Nothing:
    if not now.has_data:
        return Nothing("No trend", "A line begins with the first day on which something was shown.")
    measure = MEASURES[asked.measure]
    return charts.line_chart(
        id="trend",
        what=measure.label,
        now=_days(asked.scope, measure, band=True),
        before=_days(asked.earlier, measure) if asked.earlier else None,
        unit=charts.PERCENT if measure.rate else Unit("money", shop.currency),
        events=_marks(asked, shop),
        from_zero=measure.rate is None,
        height=320,
    )


def _days(scope: Scope, measure: Measure, *, band: bool = False) -> Days:
    days = [counts for _, counts in feedback.daily(scope)]
    if measure.rate is None:
        return Days(scope.first, [None if one is None else one.attributed_revenue for one in days])
    rates = [None if one is None else measure.rate(one) for one in days]
    values = [None if rate is None else rate.value for rate in rates]
    if not band:
        return Days(scope.first, values if any(value is not None for value in values) else ())
    low, high = ([None if r is None else getattr(r, side) for r in rates] for side in ("low", "high"))
    return Days(scope.first, values, low, high)


def _marks(asked: Asked, shop: Shop) -> list[Event]:
    """Where another model began to serve; the newest few, or the words would cover the line."""
    found: dict[date, str] = {}
    for switch in queries.switches(*span(asked.days, shop)):
        found[shop.day_of(switch.at)] = f"Model {switch.generation.run_id} {switch.reason.replace('_', ' ')}"
    return [Event(day, words) for day, words in list(found.items())[-MARKS:]]


def verdict(now: Counts, before: Counts, asked: Asked) -> str:
    """Whether the rate that is drawn differs from the period before by more than chance."""
    measure = MEASURES[asked.measure]
    rate = measure.rate(now) if measure.rate else None
    if measure.rate is None or rate is None:
        return ""
    earlier = measure.rate(before)
    text = f"{measure.label} {numbers.percent(rate.value)} ({numbers.interval(rate.hits, rate.of)})"
    change = feedback.difference(rate, earlier)
    if earlier is None or change is None:
        return f"{text}. Nothing was shown in the period before." if asked.earlier else f"{text}."
    if rate.too_few or earlier.too_few:
        return f"{text}, {numbers.percent(earlier.value)} before. Too few to judge the difference."
    text += f" against {numbers.percent(earlier.value)} before: "
    bounds = f"{numbers.signed(100 * change[1])} to {numbers.signed(100 * change[2])} points"
    if is_noise(change):
        return f"{text}a difference that chance alone can make ({bounds})."
    return f"{text}{'up' if change[0] > 0 else 'down'} {numbers.points(change[0])}, more than chance makes ({bounds})."
