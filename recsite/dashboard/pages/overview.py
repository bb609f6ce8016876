"""Overview: do recommendations earn their place, and what needs a person?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from behavior.queries import newest_event_at
from recsite.dashboard import findings, numbers
from recsite.dashboard.addresses import changed, linked, page, product_url
from recsite.dashboard.components import (
    Action,
    Badge,
    EmptyState,
    Findings,
    PageHeader,
    Segment,
    Segments,
    delta_of_counts,
)
from recsite.dashboard.names import full_name
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import sales
from recsite.dashboard.queries.sales import ProductSales
from recsite.dashboard.ranges import DateRange, Range, read_range
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile, tile_of

SELLS = {"risers": "Risers", "sellers": "Top sellers", "fallers": "Fallers"}
_NO_MOVERS = {
    "risers": f"No product with {sales.FLOOR} lines or more rose in this range.",
    "sellers": "Nothing was sold in this range.",
    "fallers": f"No product with {sales.FLOOR} lines or more fell in this range.",
}


@dataclass(frozen=True)
class OverviewPage:
    """The head, figures, revenue beside what needs attention, what sells beside placements."""

    header: PageHeader
    findings: Findings
    findings_badge: Badge | None
    sells: Table
    sells_choice: Segments
    empty: EmptyState | None


def build(params: Mapping[str, str], shop: Shop) -> OverviewPage:
    """The range is the newest 28 days of data unless the address says otherwise."""
    newest = newest_event_at()
    last = shop.day_of(newest or timezone.now())
    chosen = read_range(params, newest=last)
    found = findings.find(newest)
    sells = params.get("sells") if params.get("sells") in SELLS else "risers" if chosen.before else "sellers"
    return OverviewPage(
        header=_header(params, chosen, DateRange(chosen, last, keep=_keep(params))),
        findings=Findings(found),
        findings_badge=Badge(str(len(found)), "warn") if found else None,
        sells=_sells(str(sells), chosen, shop),
        sells_choice=Segments(
            "What sells", [Segment(text, changed(params, sells=key), key == sells) for key, text in SELLS.items()]
        ),
        empty=None if newest else _empty(),
    )


def span(days: Range, shop: Shop) -> tuple[datetime, datetime]:
    """The moments at which a range of days begins and has ended."""
    return shop.midnight(days.first), shop.midnight(days.last + timedelta(days=1))


def _keep(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key == "sells"}


def _header(params: Mapping[str, str], chosen: Range, control: DateRange) -> PageHeader:
    return PageHeader(
        "Overview",
        "Are recommendations earning their place, and what needs you today?",
        actions=[control, Action("Export CSV", changed(params, format="csv"), "quiet")],
    )


def _sells(kind: str, chosen: Range, shop: Shop) -> Table:
    start, end = span(chosen, shop)
    before = span(chosen.before, shop) if chosen.before else None
    moved = sales.movers(kind, start=start, end=end, before=before)
    products = product_queries.by_ids(one.product_id for one in moved)
    columns = [
        Column("Product"),
        Column("Lines sold", numeric=True, wide=True),
        Column("vs before", numeric=True),
        Column("Revenue", numeric=True),
    ]
    rows = [_sold_row(one, products, shop) for one in moved if one.product_id in products]
    return Table(f"{SELLS[kind]}, {chosen.text}", columns, rows, empty=_NO_MOVERS[kind])


def _sold_row(sold: ProductSales, products: Mapping[int, product_queries.Product], shop: Shop) -> Row:
    product = products[sold.product_id]
    return Row(
        href=product_url(product),
        cells=[
            Cell(full_name(product), tile=tile_of(product, size="s")),
            Cell(numbers.count(sold.lines)),
            Cell(delta_of_counts(sold.lines, sold.before)),
            Cell(numbers.money(sold.revenue, shop.currency)),
        ],
    )


def _empty() -> EmptyState:
    return EmptyState(
        "No events yet",
        "Figures appear with the first purchases, views or clicks: import a file, or let the shop post them.",
        actions=linked(Action("See what a visitor would see", page("preview"), "primary")),
        tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Soft drink cans")],
    )
