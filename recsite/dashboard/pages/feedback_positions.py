"""How much a place in the list counts: the click rate by position."""

from __future__ import annotations

from collections.abc import Sequence

from recommender import feedback
from recsite.dashboard import charts
from recsite.dashboard.addresses import changed, page
from recsite.dashboard.charts import Chart
from recsite.dashboard.components import Nothing
from recsite.dashboard.pages.feedback_asked import Asked

POSITIONS = 20  # drawn


def positions(rows: Sequence[feedback.Row] | None, asked: Asked) -> Chart | Nothing:
    if rows is None:
        return Nothing(
            "Not counted by position within this filter", "Positions are counted over all products of a list."
        )
    shown = {int(row.key): row for row in rows if row.counts.has_data and row.key.isdecimal()}
    if not shown:
        return Nothing("No data", "The chart begins with the first list that somebody saw.")
    places = sorted(shown)[:POSITIONS]
    rates = [shown[place].counts.click_rate for place in places]
    return charts.bar_chart(
        id="positions",
        what="Click rate",
        labels=[str(place) for place in places],
        values=[None if rate is None or rate.too_few else rate.value for rate in rates],
        unit=charts.PERCENT,
        axis="Position in the list",
        height=320,
        links=[page("feedback") + changed(asked.params, position=str(place), category="", rule="") for place in places],
    )


def positions_note(rows: Sequence[feedback.Row] | None) -> str:
    """How much the first place is ahead of the last one that was shown often enough."""
    judged = {
        int(row.key): rate.value
        for row in rows or ()
        if row.key.isdecimal() and (rate := row.counts.click_rate) and not rate.too_few
    }
    if not rows or not judged:
        return "Too few to judge" if rows else ""
    first, last = min(judged), max(place for place in judged if place <= POSITIONS or place == min(judged))
    if first == last or not judged[last]:
        return ""
    return f"Position {first} gets {judged[first] / judged[last]:.1f} × the clicks of position {last}"
