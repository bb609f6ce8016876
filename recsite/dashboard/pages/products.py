"""Products: which there are, how they sell, what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from behavior.queries import newest_event_at
from catalog.models import Product
from recsite.dashboard import numbers, tables
from recsite.dashboard.addresses import changed, linked, page, product_url
from recsite.dashboard.components import (
    Action,
    Badge,
    Component,
    Delta,
    EmptyState,
    FilterBar,
    Nothing,
    PageHeader,
    any_or_one,
    delta_of_counts,
)
from recsite.dashboard.kept import Kept
from recsite.dashboard.names import full_name
from recsite.dashboard.queries import products as queries
from recsite.dashboard.queries.products import ProductFilter
from recsite.dashboard.queries.sold import Sales, Sold, between
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Sorting, Table
from recsite.dashboard.tiles import tile, tile_of

RANGE = timedelta(days=28)
CSV_HEADER = ("product_id", "title", "category", "brand", "price", "stock", "lines", "lines_before", "revenue")
_COLUMNS = (
    Column("Product", "name"),
    Column("Category", wide=True),
    Column("Price", "price", numeric=True, wide=True),
    Column("Lines sold", "lines", numeric=True),
    Column("28 days before", "before", numeric=True, wide=True),
    Column("Revenue", "revenue", numeric=True),
)
_GAPS = {
    "title": "No title",
    "category": "No category",
    "brand": "No brand",
    "price": "No price",
    "image_url": "No picture",
}


@dataclass(frozen=True)
class ProductsPage:
    """The list with its filters; ``period`` says which days the sales are of."""

    header: PageHeader
    filters: FilterBar
    table: Table
    period: str


_KEPT: Kept[Sales] = Kept("product list", seconds=60, oldest=3600, passing=lambda sales: not len(sales.ids))


def newest_sales() -> Sales:
    """Of the newest 28 days of the log and the 28 before them, kept for a minute.

    Up to and with the newest event, so that a log that ended weeks ago still shows its last days.
    """

    def count() -> Sales:
        end = (newest_event_at() or timezone.now()) + timedelta(microseconds=1)
        return between(end - RANGE, end, (end - 2 * RANGE, end - RANGE))

    return _KEPT.get(count)


def read_filter(params: Mapping[str, str]) -> ProductFilter:
    """The filter in the address; see ``queries.products.ProductFilter``."""
    return ProductFilter(
        text=params.get("q", ""),
        department=params.get("department", ""),
        state=params.get("state", ""),
        missing=params.get("missing", ""),
    )


def build(params: Mapping[str, str], shop: Shop) -> ProductsPage:
    """One page of fifty. Queries: departments, ids, products; newest event and sales once a minute."""
    wanted, sales = read_filter(params), newest_sales()
    sorting = tables.read_sorting(params, queries.SORTS, "-lines")
    chosen = queries.matching(wanted)
    ids = queries.ids_of(chosen)
    total = len(ids)
    number = tables.page_number(params, total)
    found = queries.sold(
        chosen,
        sales,
        ids=ids,
        sort=sorting.key,
        descending=sorting.descending,
        limit=tables.PAGE_SIZE,
        offset=(number - 1) * tables.PAGE_SIZE,
    )
    days = numbers.date_range(shop.day_of(sales.start) + timedelta(days=1), shop.day_of(sales.end))
    return ProductsPage(
        header=_header(params),
        filters=_filters(params, wanted, total, sorting),
        table=Table(
            caption=f"Products with their sales of {days}",
            columns=tables.sorted_columns(_COLUMNS, sorting),
            rows=[_row(sold, shop) for sold in found],
            pager=tables.pager(page=number, total=total, noun="products", params=params),
            empty=_empty(params, wanted),
            id="products",
        ),
        period=f"Sales of {days}, the newest 28 days that there are",
    )


def csv_rows(params: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
    """Every product that the filter lets through, best sellers first, under ``CSV_HEADER``."""
    for sold in queries.sold(queries.matching(read_filter(params)), newest_sales()):
        product = sold.product
        category = product.category.path if product.category else ""
        yield (
            *(product.external_id, product.title, category, product.brand, product.price, product.stock),
            *(sold.lines, sold.before, round(sold.revenue, 2)),
        )


def _header(params: Mapping[str, str]) -> PageHeader:
    return PageHeader(
        "Products",
        "Which products are there, how do they sell, and what is missing?",
        actions=[Action("Export CSV", changed(params, format="csv"), "quiet", download=True)],
    )


def _filters(params: Mapping[str, str], wanted: ProductFilter, total: int, sorting: Sorting) -> FilterBar:
    keep = {"sort": params["sort"]} if params.get("sort") else {}
    missing = dict(_GAPS)
    if wanted.missing and wanted.missing not in missing:
        missing[wanted.missing] = f"No {wanted.missing.replace('_', ' ')}"
    return FilterBar(
        action=page("products"),
        query=wanted.text,
        placeholder="Filter by name, brand or №",
        selects=[
            any_or_one(
                "department", "Department", "Any department", {d: d for d in queries.departments()}, wanted.department
            ),
            any_or_one("state", "State", "Any state", queries.STATES, wanted.state),
            any_or_one("missing", "Missing", "Complete or not", missing, wanted.missing),
        ],
        count=numbers.plural(total, "product"),
        clear_href=changed(keep) if wanted != ProductFilter() else "",
        target="list",
        keep=keep,
    )


def _row(sold: Sold, shop: Shop) -> Row:
    product = sold.product
    name = full_name(product)
    return Row(
        id=product.external_id,
        href=product_url(product),
        cells=[
            Cell(name, note=_note(product, name), tile=tile_of(product, size="s"), badge=_state(sold)),
            Cell(
                product.category.name if product.category else "no category", tone="" if product.category else "muted"
            ),
            Cell(numbers.price(product.price, product.currency or shop.currency)),
            Cell(numbers.count(sold.lines), tone="" if sold.lines else "muted"),
            Cell(_change(sold)),
            Cell(numbers.money(sold.revenue, shop.currency)),
        ],
    )


def _note(product: Product, name: str) -> str:
    """Brand and number; the number once, where there is no other name."""
    number = f"№ {product.external_id}"
    return " · ".join(part for part in (product.brand, "" if name == number else number) if part)


def _state(sold: Sold) -> Badge | None:
    product = sold.product
    if product.retired_at:
        return Badge("retired")
    if product.hidden:
        return Badge("hidden", "warn")
    if product.stock == 0:
        return Badge("out of stock", "warn")
    return Badge("known from events only") if product.is_stub else None


def _change(sold: Sold) -> Delta | str:
    """The change against the 28 days before; of fewer than ten lines a percentage says nothing."""
    if max(sold.lines, sold.before) < 10:
        return f"{numbers.count(sold.before)} before" if sold.before else numbers.NONE
    return delta_of_counts(sold.lines, sold.before)


def _empty(params: Mapping[str, str], wanted: ProductFilter) -> Component:
    if wanted == ProductFilter():
        return EmptyState(
            "No products yet",
            "Products come from a file, from the shop's own calls, or with the first event that names one. "
            "Until then there is nothing to recommend.",
            actions=linked(Action("Import products", page("data"), "primary")),
            tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Milk")],
        )
    what = f"No product is called “{wanted.text}”" if wanted.text else "No product is like this"
    return Nothing(what, "Search by № too.", [Action("Clear filters", changed({}), small=True)])
