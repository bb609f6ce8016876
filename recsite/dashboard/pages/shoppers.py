"""Shoppers: who shops here, how much and how lately."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from behavior.models import Shopper, ShopperProfile
from recsite.dashboard import numbers, tables
from recsite.dashboard.addresses import changed, linked, page, shopper_url
from recsite.dashboard.components import Action, Component, EmptyState, FilterBar, Nothing, PageHeader, any_or_one
from recsite.dashboard.queries import shoppers as queries
from recsite.dashboard.queries.shoppers import ShopperFilter
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

CSV_HEADER = ("shopper_id", "kind", "segment", "events", "baskets", "products", "spend", "first_at", "last_at")
_COLUMNS = (
    Column("Shopper", "id"),
    Column("Segment", wide=True),
    Column("Baskets", "baskets", numeric=True, wide=True),
    Column("Products", "products", numeric=True, wide=True),
    Column("Spent", "spend", numeric=True),
    Column("Last visit", "last", numeric=True),
)


@dataclass(frozen=True)
class ShoppersPage:
    """The list with its filters."""

    header: PageHeader
    filters: FilterBar
    table: Table


def read_filter(params: Mapping[str, str]) -> ShopperFilter:
    """The filter in the address; see ``queries.shoppers.ShopperFilter``."""
    return ShopperFilter(text=params.get("q", ""), kind=params.get("kind", ""), segment=params.get("segment", ""))


def build(params: Mapping[str, str], shop: Shop) -> ShoppersPage:
    """One page of fifty. Queries: segments, count, shoppers with their profiles."""
    wanted = read_filter(params)
    sorting = tables.read_sorting(params, queries.SORTS, "-spend")
    chosen = queries.matching(wanted)
    total = chosen.count()
    number = tables.page_number(params, total)
    start = (number - 1) * tables.PAGE_SIZE
    found = queries.ordered(chosen, sorting.key, descending=sorting.descending)[start : start + tables.PAGE_SIZE]
    return ShoppersPage(
        header=PageHeader(
            "Shoppers",
            "Who shops here, how much, and how lately?",
            actions=linked(
                Action("Export CSV", changed(params, format="csv"), "quiet", download=True),
                Action("Preview as a new visitor", page("preview")),
            ),
        ),
        filters=_filters(params, wanted, total),
        table=Table(
            caption="Shoppers with what they bought in all",
            columns=tables.sorted_columns(_COLUMNS, sorting),
            rows=[_row(shopper, shop) for shopper in found],
            pager=tables.pager(page=number, total=total, noun="shoppers", params=params),
            empty=_empty(wanted),
            id="shoppers",
        ),
    )


def csv_rows(params: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
    """Every shopper that the filter lets through, under ``CSV_HEADER``."""
    chosen = queries.ordered(queries.matching(read_filter(params)), "id", descending=False)
    for shopper in chosen.iterator(2000):
        p = profile_of(shopper)
        figures = (p.segment, p.events, p.baskets, p.products, round(p.spend, 2), p.first_at, p.last_at) if p else ()
        yield (shopper.external_id, shopper.kind, *figures)


def profile_of(shopper: Shopper) -> ShopperProfile | None:
    """The stored profile, or None where none was built yet."""
    return getattr(shopper, "profile", None)


def _filters(params: Mapping[str, str], wanted: ShopperFilter, total: int) -> FilterBar:
    keep = {"sort": params["sort"]} if params.get("sort") else {}
    segments = {name: f"{name.capitalize()} ({numbers.count(size)})" for name, size in queries.segments()}
    kinds = {"shopper": "Logged in", "visitor": "Visitors only"}
    return FilterBar(
        action=page("shoppers"),
        query=wanted.text,
        placeholder="Filter by shopper id",
        selects=[
            any_or_one("segment", "Segment", "Any segment", segments, wanted.segment),
            any_or_one("kind", "Kind", "Shoppers and visitors", kinds, wanted.kind),
        ],
        count=numbers.plural(total, "shopper"),
        clear_href=changed(keep) if wanted != ShopperFilter() else "",
        target="list",
        keep=keep,
    )


def _row(shopper: Shopper, shop: Shop) -> Row:
    profile = profile_of(shopper)
    cells = [Cell(shopper.external_id, note=describe(shopper))]
    if profile is None:
        cells += [Cell("not built yet", tone="muted"), *(Cell(numbers.NONE, tone="muted") for _ in range(4))]
    else:
        cells += [
            Cell(profile.segment.capitalize()),
            Cell(numbers.count(profile.baskets)),
            Cell(numbers.count(profile.products)),
            Cell(numbers.money(profile.spend, shop.currency)),
            Cell(numbers.day(profile.last_at)),
        ]
    return Row(cells, href=shopper_url(shopper), id=f"{shopper.kind}-{shopper.external_id}")


def describe(shopper: Shopper) -> str:
    """What is known of a shopper in a few words: ``25-34 · income 50-74K · 2 Adults Kids``."""
    words = [shopper.age and f"age {shopper.age}", shopper.gender, shopper.income and f"income {shopper.income}"]
    if shopper.kind == Shopper.Kind.VISITOR:
        words.insert(0, "not logged in")
    return " · ".join(word for word in words if word)


def _empty(wanted: ShopperFilter) -> Component:
    if wanted == ShopperFilter():
        return EmptyState(
            "No shoppers yet",
            "A shopper appears with their first event, or with an import of shoppers. "
            "Until then everyone sees what is popular.",
            actions=linked(Action("See what a new visitor sees", page("preview"), "primary")),
            tiles=[tile(key=word, title=word) for word in ("Bananas", "Yogurt", "Soft drink cans")],
        )
    what = f"No shopper's id holds “{wanted.text}”" if wanted.text else "No shopper is like this"
    return Nothing(what, "", [Action("Clear filters", changed({}), small=True)])
