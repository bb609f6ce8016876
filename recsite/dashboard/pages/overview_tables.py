"""What sells, and what each placement brought."""

from __future__ import annotations

from recommender.feedback import Counts
from recommender.models import Placement
from recsite.dashboard import numbers
from recsite.dashboard.addresses import page, product_url
from recsite.dashboard.components import delta_of_counts
from recsite.dashboard.graphics import Bar
from recsite.dashboard.names import told_apart
from recsite.dashboard.pages.overview_results import Results
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries.sold import FLOOR, ProductSales, kept_between
from recsite.dashboard.ranges import Range, span
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile_of

SELLS = {"risers": "Risers", "sellers": "Top sellers", "fallers": "Fallers"}
_NO_MOVERS = {
    "risers": f"No product with {FLOOR} lines or more rose in this range.",
    "sellers": "Nothing was sold in this range.",
    "fallers": f"No product with {FLOOR} lines or more fell in this range.",
}


def sells(kind: str, chosen: Range, shop: Shop) -> Table:
    start, end = span(chosen, shop)
    before = span(chosen.before, shop) if chosen.before else None
    moved = kept_between(start, end, before).movers(kind)
    products = product_queries.by_ids(one.product_id for one in moved)
    columns = [
        Column("Product"),
        Column("Lines sold", numeric=True, wide=True),
        Column("vs before", numeric=True),
        Column("Revenue", numeric=True),
    ]
    names = told_apart(products.values())
    rows = [
        _sold_row(one, products[one.product_id], names[one.product_id], shop)
        for one in moved
        if one.product_id in products
    ]
    return Table(f"{SELLS[kind]}, {chosen.text}", columns, rows, empty=_NO_MOVERS[kind])


def _sold_row(sold: ProductSales, product: product_queries.Product, name: str, shop: Shop) -> Row:
    return Row(
        href=product_url(product),
        cells=[
            Cell(name, tile=tile_of(product, size="s")),
            Cell(numbers.count(sold.lines)),
            Cell(delta_of_counts(sold.lines, sold.before)),
            Cell(numbers.money(sold.revenue, shop.currency)),
        ],
    )


def placements(results: Results) -> Table:
    """Every active placement, those shown most first; one that was never requested says so and has no rate."""
    found = {row.key: row.counts for row in results.by_placement}
    slots = sorted(Placement.objects.filter(is_active=True), key=lambda slot: -found.get(slot.slug, Counts()).shown)
    best = max((rate.value for counts in found.values() if (rate := counts.click_rate) and not rate.too_few), default=0)
    columns = [
        Column("Placement"),
        Column("Shown", numeric=True, wide=True),
        Column("Click rate", numeric=True),
        Column("Against the best", unseen=True),
    ]
    rows = [_placement_row(slot, found.get(slot.slug, Counts()), best) for slot in slots]
    return Table(f"Placements, {results.chosen.text}", columns, rows, empty="No placement is active.")


def _placement_row(slot: Placement, counts: Counts, best: float) -> Row:
    rate = counts.click_rate
    href = page("placement", slot.slug)
    cells = [Cell(slot.title), Cell(numbers.count(counts.shown))]
    if rate is None:
        note = "Not seen yet" if counts.served else "Not requested yet"
        return Row([*cells, Cell("no data", tone="muted"), Cell(note, tone="muted")], href)
    bar = "Too few to judge" if rate.too_few else Bar(rate.value / best if best else 0.0)
    return Row([*cells, Cell(numbers.percent(rate.value, 1)), Cell(bar, tone="muted")], href)
