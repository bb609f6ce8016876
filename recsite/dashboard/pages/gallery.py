"""The style gallery: every component of the console drawn from its own dataclass, to be looked at beside each other.

What it shows is made up to have one of each; no number of it is the shop's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from recsite.dashboard import charts, graphics, lists
from recsite.dashboard import components as c
from recsite.dashboard import evidence as why
from recsite.dashboard.pages import gallery_controls, gallery_figures, gallery_lists, gallery_notices
from recsite.dashboard.pages.gallery_goods import GOODS, good
from recsite.dashboard.ranges import DateRange, Range
from recsite.dashboard.tables import Table
from recsite.dashboard.tiles import Tile


@dataclass(frozen=True)
class GalleryPage:
    """One of each. ``tiles`` has every silhouette, ``sizes`` the same product as S, M and L."""

    header: c.PageHeader
    stats: c.StatStrip
    tiles: Sequence[Tile]
    sizes: Sequence[Tile]
    actions: Sequence[c.Action]
    badges: Sequence[c.Badge]
    states: Sequence[c.State]
    chips: Sequence[c.ReasonChip]
    segments: c.Segments
    filters: c.FilterBar
    search: c.SearchBox
    fields: Sequence[c.Field | c.Checks]
    found: c.SearchResults
    table: Table
    progress: c.Progress
    start: c.Progress
    notices: Sequence[c.Notice]
    empty: c.EmptyState
    nothing: c.Nothing
    dialog: c.Dialog
    toast: c.Toast
    findings: c.Findings
    facts: c.Facts
    compare: lists.SideBySide
    contributions: why.Contributions
    evidence: why.Evidence
    trace: why.RuleTrace
    timeline: why.Timeline
    funnel: graphics.Bars
    shares: graphics.Bars
    revenue: charts.Chart
    revenue_legend: charts.Legend
    clicks: charts.Chart
    positions: charts.Chart
    shares_map: charts.Chart
    loss: charts.Chart
    copy: c.Copy


def build(address: str = "/gallery/") -> GalleryPage:
    """Every component once; ``address`` is where links and forms lead."""
    earned = gallery_figures.revenue()
    return GalleryPage(
        header=_header(),
        stats=gallery_figures.stats(),
        tiles=[good(name) for name, _, _ in GOODS],
        sizes=[good("Strawberries", size) for size in ("s", "m", "l")],
        actions=gallery_controls.actions(address),
        badges=gallery_controls.badges(),
        states=[c.State("Live", "good"), c.State("Draft", "accent"), c.State("Paused", "warn"), c.State("Ended")],
        chips=[c.ReasonChip("Goes with bananas"), c.ReasonChip("Pinned: own-brand bread", by_rule=True)],
        segments=gallery_controls.segments(address),
        filters=gallery_controls.filters(address),
        search=c.SearchBox("gallery-search", "Product", address, "Type a name or №", name="product"),
        fields=gallery_controls.fields(),
        found=gallery_controls.found(address),
        table=gallery_lists.table(address),
        progress=gallery_notices.progress(),
        start=gallery_notices.start(),
        notices=gallery_notices.notices(address),
        empty=gallery_notices.empty(address),
        nothing=gallery_notices.nothing(address),
        dialog=gallery_notices.dialog(address),
        toast=c.Toast("“No tobacco” is live since 14:02:07.", address),
        findings=gallery_notices.findings(address),
        facts=gallery_notices.facts(address),
        compare=gallery_lists.compare(address),
        contributions=gallery_lists.contributions(),
        evidence=gallery_lists.evidence(address),
        trace=gallery_lists.trace(address),
        timeline=gallery_lists.timeline(address),
        funnel=gallery_figures.funnel(),
        shares=gallery_figures.shares(),
        revenue=earned,
        revenue_legend=charts.Legend(earned.legend),
        clicks=gallery_figures.clicks(),
        positions=gallery_figures.positions(),
        shares_map=gallery_figures.treemap(address),
        loss=gallery_figures.loss(),
        copy=c.Copy("Copy as curl", "curl -H 'Authorization: Bearer …' 'http://localhost:8000/api/v1/recommendations'"),
    )


def _header() -> c.PageHeader:
    return c.PageHeader(
        "Gallery",
        "What is the console built of? Every figure here is made up.",
        actions=[
            DateRange(Range(date(2017, 12, 4), date(2017, 12, 31)), date(2017, 12, 31), closed="closed on 25 Dec"),
            c.Action("Export CSV", "#main", "quiet", download=True),
            c.Action("New rule", "#main", "primary", key="n"),
        ],
        badge=c.Badge("Draft, saved 14:01", "accent"),
    )
