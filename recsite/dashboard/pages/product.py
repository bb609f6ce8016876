"""One product: how it sells, what is known of it, where it is shown and what came of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from behavior.queries import newest_event_at
from catalog.models import Product
from recommender.models import Placement
from recommender.rulebook import wording_of
from recsite.dashboard import charts, numbers, preview, roles, rule_words
from recsite.dashboard.addresses import changed, linked, page, product_url
from recsite.dashboard.charts import Chart, Days, Unit
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Crumb,
    Delta,
    Fact,
    Facts,
    Nothing,
    Segment,
    Segments,
    State,
    delta_of_counts,
)
from recsite.dashboard.graphics import Bars, funnel_bars
from recsite.dashboard.lists import TileCard, TileList
from recsite.dashboard.names import SIZE_KEYS, display_name, full_name
from recsite.dashboard.queries import product as queries
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import rules as rule_queries
from recsite.dashboard.queries import sales
from recsite.dashboard.queries.product import AfterShowing, ShownAt, SoldInAll, Together
from recsite.dashboard.queries.sales import PeriodSales
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import Tile, tile_of

RANGE = timedelta(days=28)
MANY_WEEKS = 4
MOST = 0.4
NEIGHBOURS = {"bought-together": "Bought together", "similar": "Similar"}  # placements that go by one product
NEIGHBOURS_SHOWN = 8
TRENDS = {"units": "Units", "revenue": "Revenue", "price": "Price"}
_STATE_TONES = {"live": "good", "draft": "accent", "paused": "warn", "ended": "neutral"}


@dataclass(frozen=True)
class RuleLine:
    """A rule that touches the product: its verb with an icon, what and where, its state."""

    verb: str
    icon: str
    text: str
    href: str
    state: State


@dataclass(frozen=True)
class Figure:
    """One of the head's figures."""

    label: str
    value: str
    delta: Delta | None = None


@dataclass(frozen=True)
class ProductPage:
    """The head, then blocks. A block without data is a ``Nothing`` or a sentence in its table's place."""

    title: str
    crumbs: Sequence[Crumb]
    tile: Tile
    line: str
    state: State
    figures: Sequence[Figure]
    actions: Sequence[Action]
    trend: Chart | None
    trend_choice: Segments
    trend_title: str
    attributes: Facts
    known: str
    neighbours: TileList | Nothing
    neighbours_choice: Segments
    neighbours_title: str
    funnel: Bars | Nothing
    funnel_badge: Badge | None
    range_text: str
    shown: Table
    rules: Sequence[RuleLine]
    new_rule_href: str


def build(product: Product, params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> ProductPage:
    """Everything on the page. ``product`` comes with its category; ``permissions``: what the person may do."""
    end = (newest_event_at() or timezone.now()) + timedelta(microseconds=1)
    sold = queries.sold_in_all(product.pk, lately=end - RANGE, before=end - 2 * RANGE)
    weeks = sales.of_product(product.pk, zone=shop.zone)
    trend = params.get("trend") if params.get("trend") in TRENDS else "units"
    table = params.get("neighbours") if params.get("neighbours") in NEIGHBOURS else "bought-together"
    after = queries.after_showing(product.pk, start=end - RANGE, end=end, window=shop.click_window)
    range_text = numbers.date_range(shop.day_of(end - RANGE) + timedelta(days=1), shop.day_of(end))
    facts = attributes(product, shop)
    return ProductPage(
        title=full_name(product),
        crumbs=_crumbs(product),
        tile=tile_of(product, size="l"),
        line=_line(product, shop),
        state=_state(product),
        figures=_figures(sold, shop),
        actions=_actions(product, permissions),
        trend=_trend(weeks, str(trend), shop, end),
        trend_choice=_choice("Trend", TRENDS, str(trend), params, "trend"),
        trend_title=f"{TRENDS[str(trend)]} {'of a unit' if trend == 'price' else 'sold'} per week",
        attributes=Facts(facts),
        known=f"{sum(bool(fact.value) for fact in facts)} of {len(facts)} known",
        neighbours=_neighbours(product, str(table)),
        neighbours_choice=_choice("Neighbours", NEIGHBOURS, str(table), params, "neighbours"),
        neighbours_title=NEIGHBOURS[str(table)],
        funnel=_funnel(after),
        funnel_badge=SIMULATED if after.simulated else None,
        range_text=range_text,
        shown=_shown(queries.shown_at(product.pk, start=end - RANGE, end=end), range_text),
        rules=_rule_lines(product, shop),
        new_rule_href=_rule_href(product) if roles.EDIT_RULES in permissions else "",
    )


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


def _figures(sold: SoldInAll, shop: Shop) -> list[Figure]:
    since = f" since {numbers.day(sold.first_at)}" if sold.first_at else ""
    value, unit = numbers.money_short(sold.revenue, shop.currency)
    return [
        Figure(f"Lines sold{since}", numbers.count(sold.lines)),
        Figure("Shoppers", numbers.count(sold.shoppers)),
        Figure("Revenue", f"{value}{numbers.THIN}{unit}" if unit else value),
        Figure("Last 28 days", numbers.count(sold.lately), delta_of_counts(sold.lately, sold.before)),
    ]


def _actions(product: Product, permissions: frozenset[str]) -> list[Action]:
    anchored = page("preview", placement="similar", product=product.external_id)
    pin = _rule_href(product, verb="pin") if roles.EDIT_RULES in permissions else ""
    return linked(Action("Preview with it as anchor", anchored), Action("Pin…", pin, "primary"))


def _rule_href(product: Product, *, verb: str = "") -> str:
    """The rule editor with this product filled in."""
    return page("rule-new", verb=verb, product=product.external_id)


def _choice(label: str, choices: Mapping[str, str], current: str, params: Mapping[str, str], name: str) -> Segments:
    return Segments(
        label, [Segment(text, changed(params, **{name: key}), key == current) for key, text in choices.items()]
    )


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
    )


@dataclass(frozen=True)
class Weeks(Days):
    """One value for each week, standing on its Monday."""

    @property
    def dates(self) -> list[Any]:
        return [self.first + timedelta(weeks=index) for index in range(len(self.values))]


def _neighbours(product: Product, placement: str) -> TileList | Nothing:
    """What the API answers for the placement with this product as anchor, beside how often both were bought."""
    ids = preview.neighbours_of(product, placement, n=NEIGHBOURS_SHOWN)
    known = product_queries.by_external_ids(ids)
    found = [known[key] for key in ids if key in known]
    if not found:
        text = "They come with the first model that knows this product: it needs sales beside others."
        return Nothing("No neighbours yet", text)
    together = queries.bought_with(product.pk, [other.pk for other in found])
    cards = [_neighbour(other, together.get(other.pk)) for other in found]
    return TileList(cards, NEIGHBOURS[placement], columns=8, strip=True)


def _neighbour(other: Product, together: Together | None) -> TileCard:
    notes = []
    if together and together.baskets:
        lift = [] if together.lift is None else [f"{numbers.decimal(together.lift)} × chance"]
        notes = [*lift, numbers.plural(together.baskets, "basket")]
    return TileCard(
        tile_of(other), display_name(other), product_url(other), notes=notes, key=other.external_id, brand=other.brand
    )


def _funnel(after: AfterShowing) -> Bars | Nothing:
    if not after.shown:
        return Nothing("Not seen in this range", "Nobody saw a list that held this product.")
    steps = [
        ("Seen", after.shown, f"in {numbers.plural(after.shown, 'list')}"),
        ("Clicked", after.clicks, _share(after.clicks, after.shown, "of lists")),
        ("In basket", after.carts, _share(after.carts, after.clicks, "of clicks")),
        ("Bought", after.purchases, _share(after.purchases, after.clicks, "of clicks")),
    ]
    return funnel_bars(steps)


def _share(part: int, whole: int, of: str) -> str:
    if not whole:
        return "no data"
    if whole < 30:
        return "too few to judge"
    return f"{numbers.rate(part, whole, 1)} {of} ({numbers.interval(part, whole, 1)})"


def _shown(placements: Sequence[ShownAt], range_text: str) -> Table:
    titles = dict(Placement.objects.values_list("slug", "title"))
    columns = [
        Column("Placement"),
        Column("Times shown", numeric=True),
        Column("Mean rank", numeric=True),
        Column("How often", unseen=True),
    ]
    rows = []
    for shown in placements:
        often = _often(shown)
        rank = numbers.NONE if shown.mean_rank is None else numbers.decimal(Decimal(shown.mean_rank), 1)
        count = numbers.count(shown.lists) if shown.total else "no data"
        cells = [Cell(titles.get(shown.placement, shown.placement)), Cell(count), Cell(rank), Cell(often, tone="muted")]
        rows.append(Row(cells))
    return Table(f"Placements that showed it, {range_text}", columns, rows, empty="No list was served in this range.")


def _often(shown: ShownAt) -> str:
    """``1 in 31 lists``; most lists are counted out of ten."""
    if not shown.lists:
        return f"never in {numbers.count(shown.total)} lists"
    share = shown.lists / shown.total
    return f"{round(10 * share)} in 10 lists" if share > MOST else f"1 in {round(1 / share)} lists"


def _rule_lines(product: Product, shop: Shop) -> list[RuleLine]:
    """Each rule that touches it, in one sentence; three queries, one where there is none."""
    rules = rule_queries.touching(product)
    if not rules:
        return []
    names = rule_queries.names_for(map(wording_of, rules), currency=shop.currency)
    return [
        RuleLine(
            rule.get_verb_display(),
            str(rule.verb),
            f"{rule.name}: {rule_words.sentence(wording_of(rule), names)}",
            page("rule", rule.pk),
            State(rule.get_status_display(), _STATE_TONES[rule.status]),
        )
        for rule in rules
    ]
