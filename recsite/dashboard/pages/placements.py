"""Placements: what each slot of the shop does, what follows when that is not enough, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from behavior.models import Shopper
from recommender import feedback
from recommender.feedback import Counts, Scope
from recommender.models import Placement, Rule
from recommender.readiness import Readiness
from recsite.dashboard import numbers, placement_words, preview, readiness, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Delta,
    Notice,
    PageHeader,
    SearchBox,
    State,
    delta_of_rates,
)
from recsite.dashboard.graphics import Bar
from recsite.dashboard.lists import TileCard, TileList
from recsite.dashboard.names import display_name, full_name
from recsite.dashboard.pages.preview import read_wish
from recsite.dashboard.pages.shopper import name_of
from recsite.dashboard.preview import ANCHORED, Listing, Wish
from recsite.dashboard.queries import placements as queries
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.shop import Shop
from recsite.dashboard.tiles import tile_of

DAYS = 28
TILES = 6
TONES = {"ready": "good", "works, thin": "warn", "not ready": "bad"}


@dataclass(frozen=True)
class Figure:
    """One of a slot's figures of the newest days."""

    label: str
    value: str
    delta: Delta | None = None


@dataclass(frozen=True)
class Ready:
    """How ready the strategy is, as a bar with its state, and in words."""

    bar: Bar
    state: State
    share: str
    words: str


@dataclass(frozen=True)
class SlotRow:
    """One placement. ``figures`` is empty where nothing was shown, then ``unseen`` says so."""

    slug: str
    title: str
    href: str
    off: Badge | None
    order: str
    about: str
    filters: str
    ready: Ready
    figures: Sequence[Figure]
    unseen: str
    rules: str
    rules_href: str
    tiles: TileList | None
    none: str
    subject: str
    actions: Sequence[Action]


@dataclass(frozen=True)
class PlacementsPage:
    """Whose lists are shown, then one row for each placement."""

    header: PageHeader
    shopper: SearchBox
    anchor: SearchBox
    notices: Sequence[Notice]
    range_text: str
    simulated: Badge | None
    checked: str
    rows: Sequence[SlotRow]


@dataclass(frozen=True)
class Results:
    """What came of each placement in the newest days that there are."""

    text: str
    rows: Mapping[str, feedback.Row]
    simulated: bool


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> PlacementsPage:
    """About fifteen queries, whatever the number of placements: lists are made without any."""
    wish, notices = read_onlooker(params, shop)
    rules, ready, found = queries.live_rules(), readiness.checked(), results()
    slots = list(Placement.objects.all())
    serving = preview.serving()
    lists = {
        slot.slug: preview.ask(replace(wish, placement=slot), serving, n=TILES) for slot in slots if slot.is_active
    }
    products = product_queries.by_external_ids({item.product for one in lists.values() for item in one.items})
    return PlacementsPage(
        header=_header(permissions),
        shopper=shopper_box(wish.shopper),
        anchor=anchor_box(wish),
        notices=notices,
        range_text=found.text,
        simulated=SIMULATED if found.simulated else None,
        checked=f"Readiness checked {numbers.ago(ready.at)}.",
        rows=[
            _row(
                slot,
                ready_of(ready.strategies[str(slot.strategy)]),
                found.rows.get(slot.slug),
                queries.of_placement(rules, slot.slug),
                tiles(lists.get(slot.slug), products, f"{slot.title} now"),
                replace(wish, placement=slot),
                shop,
                permissions,
            )
            for slot in slots
        ],
    )


def _header(permissions: frozenset[str]) -> PageHeader:
    new = page("placement-new") if roles.EDIT_PLACEMENTS in permissions else ""
    return PageHeader(
        "Placements",
        "What does each slot do, and what follows when that is not enough?",
        actions=linked(Action("New placement", new, "primary")),
    )


def read_onlooker(params: Mapping[str, str], shop: Shop) -> tuple[Wish, list[Notice]]:
    """Whose lists: as the address says, else of the shopper who bought last, beside what they bought."""
    wish, notices = read_wish(params, shop)
    chose_shopper = any(name in params for name in ("shopper", "visitor", "shopper_text"))
    if chose_shopper and wish.anchor is not None:
        return wish, notices
    example = queries.example()
    if example is None:
        return wish, notices
    shopper = wish.shopper if chose_shopper else example.shopper
    anchor = wish.anchor if wish.anchor or "product" in params else example.product
    return replace(wish, shopper=shopper, anchor=anchor), notices


def shopper_box(shopper: Shopper | None, *, prefix: str = "", submit: bool = True) -> SearchBox:
    visiting = shopper is not None and shopper.kind == Shopper.Kind.VISITOR
    return SearchBox(
        "placement-shopper",
        "Lists as seen by",
        page("search", kinds="shoppers"),
        placeholder="A new visitor",
        name=f"{prefix}{'visitor' if visiting else 'shopper'}",
        value=shopper.external_id if shopper else "",
        text=name_of(shopper) if shopper else "",
        submit=submit,
    )


def anchor_box(wish: Wish, *, prefix: str = "", submit: bool = True) -> SearchBox:
    return SearchBox(
        "placement-anchor",
        "On the page of, or in the basket",
        page("search", kinds="products"),
        placeholder="Find a product",
        name=f"{prefix}product",
        value=wish.anchor.external_id if wish.anchor else "",
        text=full_name(wish.anchor) if wish.anchor else "",
        submit=submit,
    )


def results() -> Results:
    """Of the newest 28 days with lists, beside the 28 before. Four queries."""
    last = feedback.newest_day()
    if last is None:
        return Results("no list was served yet", {}, False)
    scope = Scope(last - timedelta(days=DAYS - 1), last)
    rows = {row.key: row for row in feedback.by("placement", scope)}
    return Results(numbers.date_range(scope.first, scope.last), rows, feedback.is_simulated(scope))


def ready_of(found: Readiness) -> Ready:
    """The bar of a strategy."""
    tone = TONES[found.state]
    return Ready(
        Bar(found.share, tone), State(found.state, tone), numbers.percent(found.share, 0), " ".join(
            [found.words, *found.causes[:1]]
        ),
    )  # fmt: skip


def _row(
    slot: Placement,
    ready: Ready,
    came: feedback.Row | None,
    rules: Sequence[Rule],
    shown: TileList | None,
    wish: Wish,
    shop: Shop,
    permissions: frozenset[str],
) -> SlotRow:
    counts = came.counts if came else Counts()
    filters = placement_words.filters(slot.filters, shop.currency)
    return SlotRow(
        slug=slot.slug,
        title=slot.title,
        href=page("placement", slot.slug),
        off=None if slot.is_active else Badge("off", "warn"),
        order=placement_words.order(str(slot.strategy), slot.fallbacks),
        about=f"{numbers.plural(slot.n, 'product')} · {slot.slug} in the API",
        filters=", ".join(filters),
        ready=ready,
        figures=figures(came, shop) if came and counts.has_data else (),
        unseen="" if counts.has_data else "Served, not seen yet" if counts.served else "Not requested yet",
        rules=rules_text(rules),
        rules_href=page("rules", placement=slot.slug),
        tiles=shown,
        none="Switched off: the API answers 404."
        if not slot.is_active
        else "No product may stand here. “Preview” says why.",
        subject=_first_of(slot, shown, wish),
        actions=_actions(slot, wish, permissions),
    )


def figures(came: feedback.Row, shop: Shop) -> list[Figure]:
    """Shown, clicked with the change against the period before, bought, revenue."""
    counts, rate = came.counts, came.counts.click_rate
    revenue, unit = numbers.money_short(counts.revenue + counts.revenue_by_view, shop.currency)
    return [
        Figure("Shown", numbers.count(counts.shown)),
        Figure("Clicked", numbers.percent(rate.value if rate else None), _change(came)),
        Figure("Bought", numbers.count(counts.bought)),
        Figure("Revenue", f"{revenue}{numbers.THIN}{unit}" if unit else revenue),
    ]


def _change(came: feedback.Row) -> Delta | None:
    now, before = came.counts.click_rate, came.previous.click_rate
    change = feedback.difference(now, before)
    if now is None or before is None or change is None:
        return None
    if now.too_few or before.too_few:
        return Delta("too few to judge")
    within = change[1] <= 0 <= change[2]
    delta = delta_of_rates(now.value, before.value, noise=abs(change[0]) if within else 0.0)
    return Delta(delta.text, delta.sign, delta.better)


def rules_text(rules: Sequence[Rule]) -> str:
    """``2 rules: Fruit first, No spirits``."""
    if not rules:
        return "No rule runs here"
    names = ", ".join(rule.name for rule in rules[:2])
    more = f" and {len(rules) - 2} more" if len(rules) > 2 else ""
    return f"{numbers.plural(len(rules), 'rule')}: {names}{more}"


def tiles(listing: Listing | None, products: Mapping[str, product_queries.Product], label: str) -> TileList | None:
    """The list as small tiles; None where it is empty."""
    items = listing.items if listing else ()
    cards = [
        TileCard(
            tile_of(product),
            display_name(product),
            page("product", item.product),
            key=item.product,
            brand=product.brand,
        )
        for item in items
        if (product := products.get(item.product)) is not None
    ]
    return TileList(cards, label, columns=TILES, strip=True) if cards else None


def _first_of(slot: Placement, shown: TileList | None, wish: Wish) -> str:
    """``First 6 of 10, for shopper 2124``; the whole list needs no saying."""
    told = subject(wish)
    if shown is None or slot.n <= len(shown.cards):
        return told
    return f"First {len(shown.cards)} of {slot.n}, {told[0].lower()}{told[1:]}"


def subject(wish: Wish) -> str:
    """``For shopper 2124, beside White milk``."""
    who = name_of(wish.shopper).lower() if wish.shopper else "a new visitor"
    beside = wish.anchor is not None and str(wish.placement.strategy) in ANCHORED
    return f"For {who}" + (f", beside {full_name(wish.anchor)}" if beside else "")


def preview_href(wish: Wish) -> str:
    """Preview with this slot, for the same shopper and product."""
    shopper = wish.shopper
    who = {str(shopper.kind): shopper.external_id} if shopper else {}
    product = wish.anchor.external_id if wish.anchor and str(wish.placement.strategy) in ANCHORED else ""
    return page("preview", placement=wish.placement.slug, product=product, **who)


def _actions(slot: Placement, wish: Wish, permissions: frozenset[str]) -> list[Action]:
    may_edit = roles.EDIT_PLACEMENTS in permissions
    return linked(
        Action("Preview", preview_href(wish) if slot.is_active else "", "quiet", small=True),
        Action("Feedback", page("feedback", placement=slot.slug), "quiet", small=True),
        Action("Edit" if may_edit else "Open", page("placement", slot.slug), small=True),
    )
