"""The lower half of one product's page: its neighbours, where it is shown, what came of that, rules that touch it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.models import Product
from recommender.models import Placement
from recommender.rulebook import wording_of
from recsite.dashboard import numbers, preview, roles, rule_words
from recsite.dashboard.addresses import changed, page, product_url
from recsite.dashboard.components import SIMULATED, Badge, Nothing, Segment, Segments, State
from recsite.dashboard.graphics import Bars, funnel_bars
from recsite.dashboard.lists import TileCard, TileList
from recsite.dashboard.names import display_name
from recsite.dashboard.queries import product as queries
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import rules as rule_queries
from recsite.dashboard.queries.product import AfterShowing, ShownAt, Together
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile_of

RANGE = timedelta(days=28)
MOST, NEARLY_ALL = 0.4, 0.95
NEIGHBOURS = {"bought-together": "Bought together", "similar": "Similar"}  # placements that go by one product
NEIGHBOURS_SHOWN = 8
PART = "part"  # in the address: which piece of the page is asked for
_STATE_TONES = {"live": "good", "draft": "accent", "paused": "warn", "ended": "neutral"}

NOT_SERVED = "No list was served in these days. The shop asks for lists by the API; Preview shows what one would hold."


@dataclass(frozen=True)
class RuleLine:
    """A rule that touches the product: its verb with an icon, what and where, its state."""

    verb: str
    icon: str
    text: str
    href: str
    state: State


@dataclass(frozen=True)
class ProductMore:
    """Blocks that a best seller's page asks for after it has shown the upper half."""

    neighbours: TileList | Nothing
    neighbours_choice: Segments
    neighbours_title: str
    funnel: Bars | Nothing
    funnel_badge: Badge | None
    range_text: str
    shown: Table
    rules: Sequence[RuleLine]
    new_rule_href: str


def build(
    product: Product, params: Mapping[str, str], shop: Shop, *, end: datetime, permissions: frozenset[str]
) -> ProductMore:
    """The 28 days up to ``end``. ``permissions``: what the person may do."""
    placement = str(params.get("neighbours") if params.get("neighbours") in NEIGHBOURS else "bought-together")
    after = queries.after_showing(product.pk, start=end - RANGE, end=end, window=shop.click_window)
    range_text = numbers.date_range(shop.day_of(end - RANGE) + timedelta(days=1), shop.day_of(end))
    return ProductMore(
        neighbours=_neighbours(product, placement),
        neighbours_choice=choice("Neighbours", NEIGHBOURS, placement, params, "neighbours"),
        neighbours_title=NEIGHBOURS[placement],
        funnel=_funnel(after),
        funnel_badge=SIMULATED if after.simulated else None,
        range_text=range_text,
        shown=_shown(queries.shown_at(product.pk, start=end - RANGE, end=end), range_text),
        rules=_rule_lines(product, shop),
        new_rule_href=rule_href(product) if roles.EDIT_RULES in permissions else "",
    )


def rule_href(product: Product, *, verb: str = "") -> str:
    """The rule editor with this product filled in."""
    return page("rule-new", verb=verb, product=product.external_id)


def choice(label: str, choices: Mapping[str, str], current: str, params: Mapping[str, str], name: str) -> Segments:
    """One of several views of a block, kept in the address as ``name``."""
    rest = {key: value for key, value in params.items() if key != PART}
    return Segments(
        label, [Segment(text, changed(rest, **{name: key}), key == current) for key, text in choices.items()]
    )


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
    ignored = numbers.rate(after.shown - after.clicks, after.shown, 1)
    return funnel_bars(steps, remark=f"{ignored} were seen and ignored.")


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
        Column("Lists", numeric=True),
        Column("Shoppers", numeric=True),
        Column("Rank", numeric=True, wide=True),
        Column("How often", unseen=True),
    ]
    rows = []
    for shown in placements:
        often = _often(shown)
        rank = numbers.NONE if shown.mean_rank is None else numbers.decimal(Decimal(shown.mean_rank), 1)
        counts = [numbers.count(shown.lists), numbers.count(shown.shoppers)] if shown.total else ["no data"] * 2
        cells = [titles.get(shown.placement, shown.placement), *counts, rank]
        rows.append(Row([*map(Cell, cells), Cell(often, tone="muted")]))
    return Table(f"Placements that showed it, {range_text}", columns, rows, empty=NOT_SERVED)


def _often(shown: ShownAt) -> str:
    """``1 in 31 lists``; many are counted out of ten."""
    if not shown.lists:
        return f"never in {numbers.count(shown.total)} lists"
    share = shown.lists / shown.total
    if share > NEARLY_ALL:
        return "nearly every list" if shown.lists < shown.total else "every list"
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
