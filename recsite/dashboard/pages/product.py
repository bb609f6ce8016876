"""One product: how it sells, what is known of it, where it is shown and what came of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from behavior.queries import newest_event_at
from catalog.models import Product
from recsite.dashboard import charts, numbers, roles
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.charts import Chart, Days, Unit
from recsite.dashboard.components import (
    Action,
    Crumb,
    Fact,
    Facts,
    Later,
    Segments,
    Stat,
    State,
    delta_of_counts,
)
from recsite.dashboard.names import SIZE_KEYS, full_name
from recsite.dashboard.pages import product_more
from recsite.dashboard.pages.product_more import PART, RANGE, ProductMore, choice, rule_href
from recsite.dashboard.queries import product as queries
from recsite.dashboard.queries import sales
from recsite.dashboard.queries.product import SoldInAll
from recsite.dashboard.queries.sales import PeriodSales
from recsite.dashboard.shop import Shop
from recsite.dashboard.tiles import Tile, tile_of

MANY_WEEKS = 4
MANY_LINES = 2_000  # sold in all, from which what happened around them takes longer than a page may
TRENDS = {"units": "Units", "revenue": "Revenue", "price": "Price"}


@dataclass(frozen=True)
class ProductPage:
    """The head, then blocks. A block without data is a ``Nothing`` or a sentence in its table's place."""

    title: str
    crumbs: Sequence[Crumb]
    tile: Tile
    line: str
    state: State
    figures: Sequence[Stat]
    actions: Sequence[Action]
    trend: Chart | None
    trend_choice: Segments
    trend_title: str
    attributes: Facts
    known: str
    more: ProductMore | Later


def build(product: Product, params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> ProductPage:
    """Everything on the page. ``product`` comes with its category; ``permissions``: what the person may do."""
    end = _end()
    sold, weeks = queries.sold(product.pk, lately=end - RANGE, before=end - 2 * RANGE, zone=shop.zone)
    trend = str(params.get("trend") if params.get("trend") in TRENDS else "units")
    facts = attributes(product, shop)
    later = sold.lines >= MANY_LINES and params.get(PART) != "all"
    return ProductPage(
        title=full_name(product),
        crumbs=_crumbs(product),
        tile=tile_of(product, size="l"),
        line=_line(product, shop),
        state=_state(product),
        figures=_figures(sold, shop),
        actions=_actions(product, permissions),
        trend=_trend(weeks, trend, shop, end),
        trend_choice=choice("Trend", TRENDS, trend, params, "trend"),
        trend_title=f"{TRENDS[trend]} {'of a unit' if trend == 'price' else 'sold'} per week",
        attributes=Facts(facts),
        known=f"{sum(bool(fact.value) for fact in facts)} of {len(facts)} known",
        more=_later(params) if later else product_more.build(product, params, shop, end=end, permissions=permissions),
    )


def build_more(product: Product, params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> ProductMore:
    """The lower half alone, for a page that asks for it afterwards."""
    return product_more.build(product, params, shop, end=_end(), permissions=permissions)


def _end() -> datetime:
    """Just after the newest event: a log that ended weeks ago still shows its last days."""
    return (newest_event_at() or timezone.now()) + timedelta(microseconds=1)


def _later(params: Mapping[str, str]) -> Later:
    return Later(changed(params, **{PART: "more"}), changed(params, **{PART: "all"}))


def attributes(product: Product, shop: Shop) -> list[Fact]:
    """What is known of the product and, said in words, what is not and what is done instead."""
    money = product.currency or shop.currency
    facts = [
        Fact(
            "Category", product.category.path.replace(" > ", " › ") if product.category else "", "Similar by sales only"
        ),
        Fact("Brand", product.brand, "Brand rules skip it"),
        Fact("Price", "" if product.price is None else numbers.price(product.price, money), "Price rules skip it"),
        Fact("Stock", "" if product.stock is None else numbers.count(product.stock), "Counted as available"),
        *(Fact(_words(name), _value(name, value)) for name, value in sorted(product.attributes.items())),
        Fact("Tags", ", ".join(product.tags), "Tag rules skip it"),
        Fact("Picture", "given" if product.image_url else "", "A tile is drawn"),
        Fact("Description", _shortened(product.description)),
    ]
    return [Fact(fact.term, fact.value, "" if fact.value else fact.note) for fact in facts]


def _words(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def _value(name: str, value: Any) -> str:
    from recsite.dashboard.names import size_label

    if isinstance(value, bool):
        return "yes" if value else "no"
    return size_label(str(value)) if name in SIZE_KEYS else str(value)


def _shortened(text: str) -> str:
    return text if len(text) <= 120 else text[:117].rstrip() + "…"


def _crumbs(product: Product) -> list[Crumb]:
    path = product.category.path.split(" > ") if product.category else []
    crumbs = [Crumb("Products", page("products"))]
    for depth, name in enumerate(path):
        crumbs.append(Crumb(name, page("products", department=" > ".join(path[: depth + 1]))))
    return [*crumbs, Crumb(f"№ {product.external_id}")]


def _line(product: Product, shop: Shop) -> str:
    price = "" if product.price is None else numbers.price(product.price, product.currency or shop.currency)
    return " · ".join(part for part in (product.brand, price) if part)


def _state(product: Product) -> State:
    if product.retired_at:
        return State(f"retired on {numbers.day(product.retired_at)}", "neutral")
    if product.hidden:
        return State("hidden: never recommended", "warn")
    if product.stock == 0:
        return State("out of stock: not recommended", "warn")
    if product.is_stub:
        return State("known from events only", "warn")
    return State("in stock" if product.stock else "available", "good")


def _figures(sold: SoldInAll, shop: Shop) -> list[Stat]:
    since = f" since {numbers.day(sold.first_at)}" if sold.first_at else ""
    value, unit = numbers.money_short(sold.revenue, shop.currency)
    return [
        Stat(f"Lines sold{since}", numbers.count(sold.lines)),
        Stat("Shoppers", numbers.count(sold.shoppers)),
        Stat("Revenue", value, unit),
        Stat("Last 28 days", numbers.count(sold.lately), delta=delta_of_counts(sold.lately, sold.before)),
    ]


def _actions(product: Product, permissions: frozenset[str]) -> list[Action]:
    anchored = page("preview", placement="similar", product=product.external_id)
    pin = rule_href(product, verb="pin") if roles.EDIT_RULES in permissions else ""
    return linked(Action("Preview with it as anchor", anchored), Action("Pin…", pin, "primary"))


def _trend(weeks: Sequence[PeriodSales], trend: str, shop: Shop, end: datetime) -> Chart | None:
    """A point for each whole week; one without a sale is 0 units but has no price.

    The week of the first sale and the newest week are seldom whole: they would read as a rise and a fall.
    """
    if not weeks:
        return None
    known = {week.start: week for week in weeks}
    starts = sales.weeks_between(weeks[0].start, shop.day_of(end))
    starts = starts[1:-1] if len(starts) > MANY_WEEKS else starts
    if trend == "price":
        values = [known[start].price if start in known else None for start in starts]
    else:
        values = [float(getattr(known[start], trend)) if start in known else 0.0 for start in starts]
    return charts.line_chart(
        id="trend",
        what=f"{TRENDS[trend]} per week",
        now=Weeks(starts[0], values),
        unit=charts.COUNT if trend == "units" else Unit("money", shop.currency),
        from_zero=trend != "price",
        height=320,
    )


@dataclass(frozen=True)
class Weeks(Days):
    """One value for each week, standing on its Monday."""

    @property
    def dates(self) -> list[Any]:
        return [self.first + timedelta(weeks=index) for index in range(len(self.values))]
