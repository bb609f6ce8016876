"""Overview: do recommendations earn their place, and what needs a person?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils import timezone

from behavior.queries import newest_event_at
from recommender import feedback
from recsite.dashboard import findings
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.charts import Chart, Legend
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    EmptyState,
    Findings,
    Nothing,
    PageHeader,
    Segment,
    Segments,
    StatStrip,
)
from recsite.dashboard.pages import overview_figures, overview_right_now, overview_tables
from recsite.dashboard.pages.overview_results import read_results, scope_of
from recsite.dashboard.pages.overview_tables import SELLS
from recsite.dashboard.ranges import DateRange, Range, read_range
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Table
from recsite.dashboard.tiles import tile

CSV_HEADER = ("day", "lists", "served", "shown", "clicked", "carted", "bought", "revenue", "revenue_by_view")


@dataclass(frozen=True)
class OverviewPage:
    """The head, figures, revenue beside what needs attention, what sells beside placements."""

    header: PageHeader
    stats: StatStrip
    revenue: Chart | Nothing
    legend: Legend | None
    simulated: Badge | None
    placements: Table
    all_placements: Action | None
    findings: Findings
    findings_badge: Badge | None
    sells: Table
    sells_choice: Segments
    right_now: StatStrip
    empty: EmptyState | None


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str] = frozenset()) -> OverviewPage:
    """The range is the newest 28 days of data unless the address says otherwise; ``permissions``: of who looks."""
    newest = newest_event_at()
    last = shop.day_of(newest or timezone.now())
    chosen = read_range(params, newest=last)
    found = findings.find(newest, permissions)
    results = read_results(chosen, shop)
    sells = params.get("sells") if params.get("sells") in SELLS else "risers" if chosen.before else "sellers"
    revenue = overview_figures.revenue_by_day(results, shop)
    return OverviewPage(
        header=_header(params, chosen, DateRange(chosen, last, keep=_keep(params))),
        stats=overview_figures.stats(results, shop),
        revenue=revenue,
        legend=Legend(revenue.legend) if isinstance(revenue, Chart) and revenue.legend else None,
        simulated=SIMULATED if results.simulated else None,
        placements=overview_tables.placements(results),
        all_placements=next(iter(linked(Action("All placements", page("placements"), "link"))), None),
        findings=Findings(found),
        findings_badge=Badge(str(len(found)), "warn") if found else None,
        sells=overview_tables.sells(str(sells), chosen, shop),
        sells_choice=Segments(
            "What sells", [Segment(text, changed(params, sells=key), key == sells) for key, text in SELLS.items()]
        ),
        right_now=overview_right_now.build(newest),
        empty=None if newest else _empty(),
    )


def csv_rows(params: Mapping[str, str], shop: Shop) -> Iterator[tuple[object, ...]]:
    """A line for each day of the range, under ``CSV_HEADER``; empty where nothing was shown."""
    chosen = read_range(params, newest=shop.day_of(newest_event_at() or timezone.now()))
    for day, counts in feedback.daily(scope_of(chosen)):
        if counts is None:
            yield (day.isoformat(),)
        else:
            figures = (counts.lists, counts.served, counts.shown, counts.clicked, counts.carted, counts.bought)
            yield (day.isoformat(), *figures, round(counts.revenue, 2), round(counts.revenue_by_view, 2))


def _keep(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key == "sells"}


def _header(params: Mapping[str, str], chosen: Range, control: DateRange) -> PageHeader:
    return PageHeader(
        "Overview",
        "Are recommendations earning their place, and what needs you today?",
        actions=[control, Action("Export CSV", changed(params, format="csv"), "quiet", download=True)],
    )


def _empty() -> EmptyState:
    return EmptyState(
        "No events yet",
        "Figures appear with the first purchases, views or clicks: import a file, or let the shop post them.",
        actions=linked(
            Action("Import a file or connect the shop", page("data"), "primary"),
            Action("See what a visitor would see", page("preview")),
        ),
        tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Soft drink cans")],
    )
