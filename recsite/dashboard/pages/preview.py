"""Preview: what would this shopper see, and why? Nothing here changes the shop, and nothing is recorded."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from behavior.models import Shopper
from catalog.models import Product
from recommender.models import Placement
from recsite.dashboard import numbers, preview, roles
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.components import Action, Copy, Notice, Option, PageHeader, SearchBox, Select, any_or_one
from recsite.dashboard.lists import ListCard, SideBySide, TileCard, TileList, summary, with_moves
from recsite.dashboard.names import full_name
from recsite.dashboard.pages import preview_notices
from recsite.dashboard.pages.preview_why import Why, why_of
from recsite.dashboard.pages.shopper import name_of
from recsite.dashboard.pages.shoppers import describe
from recsite.dashboard.preview import Listing, Setting, Wish
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import shoppers as shopper_queries
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class PreviewPage:
    """The inputs as they are set, one list or two, and the panel when a tile is chosen."""

    header: PageHeader
    shopper: SearchBox
    subject: str  # of whom: a sentence
    placement: Select
    anchor: SearchBox
    segment: Select
    at: str  # of the datetime field; empty: now
    setting_a: Select
    setting_b: Select
    swap_href: str
    curl: Copy
    timing: str
    single: TileList | None
    single_title: str
    single_state: str
    both: SideBySide | None
    notices: Sequence[Notice]
    why: Why | None
    kept: Mapping[str, str]


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str], host: str) -> PreviewPage:
    """``host``: the address of the site, for the curl line. Unknown ids become notices, never errors."""
    asked, notices = read_wish(params, shop)
    settings = preview.settings()
    a = _setting(params.get("a", ""), settings) or settings[0]
    b = _setting(params.get("b", ""), settings)
    listing_a = preview.ask(asked, a)
    listing_b = preview.ask(asked, b) if b else None
    products = product_queries.by_external_ids(_ids(listing_a, listing_b))
    side = "B" if params.get("side") == "B" and listing_b else "A"
    cards_a = _cards(listing_a, products, params, shop, "A")
    cards_b = _cards(listing_b, products, params, shop, "B") if listing_b else []
    both = _both(a, b, listing_a, listing_b, cards_a, cards_b, params) if listing_b and b else None
    chosen = listing_b if side == "B" and listing_b else listing_a
    return PreviewPage(
        header=_header(params, permissions),
        shopper=_shopper_box(asked),
        subject=_subject(asked),
        placement=_placement_select(asked.placement),
        anchor=_anchor_box(asked),
        segment=_segment_select(asked.segment),
        at=f"{timezone.localtime(asked.at):%Y-%m-%dT%H:%M}" if asked.at else "",
        setting_a=_setting_select("a", "A", settings, a),
        setting_b=_setting_select("b", "B", settings, b),
        swap_href=changed(params, a=b.key, b=a.key, why="", side="") if b else "",
        curl=Copy("Copy as curl", curl(asked, host)),
        timing=_timing(listing_a, listing_b),
        single=None if both else TileList(cards_a, f"What {_subject(asked)} would see", columns=8, strip=True),
        single_title=a.label,
        single_state=a.state,
        both=both,
        notices=[
            *notices,
            *preview_notices.of_lists(listing_a, listing_b),
            *preview_notices.of_sameness(listing_a, listing_b, permissions),
        ],
        why=why_of(params, side, chosen, asked, permissions),
        kept={key: params[key] for key in ("diff",) if params.get(key)},
    )


def read_wish(params: Mapping[str, str], shop: Shop) -> tuple[Wish, list[Notice]]:
    """Whose list, for which placement, anchor and moment; what is not known is said and left out."""
    notices = []
    shopper = _find_shopper(params)
    typed = params.get("shopper") or params.get("visitor") or params.get("shopper_text", "")
    if typed and shopper is None:
        notices.append(Notice(f"No shopper {typed}", "You see what a new visitor sees.", "warn"))
    placements = list(Placement.objects.filter(is_active=True))
    placement = next((one for one in placements if one.slug == params.get("placement", "home")), placements[0])
    anchor = Product.objects.select_related("category").filter(external_id=params.get("product", "")).first()
    if params.get("product") and anchor is None:
        notices.append(Notice(f"No product № {params['product']}", "The list is made without an anchor.", "warn"))
    moment = _moment(params.get("at", ""), shop)
    return Wish(shopper, placement, anchor, moment, params.get("segment", "")), notices


def _find_shopper(params: Mapping[str, str]) -> Shopper | None:
    """By id. The kind that the address names goes first, but the search finds both, and either may be chosen there."""
    wanted = params.get("visitor") or params.get("shopper") or params.get("shopper_text", "")
    wanted = wanted.removeprefix("Shopper ").removeprefix("Visitor ").strip()
    order = "-kind" if params.get("visitor") else "kind"
    rows = Shopper.objects.select_related("profile").filter(external_id=wanted)
    return rows.order_by(order).first() if wanted else None


def _moment(text: str, shop: Shop) -> datetime | None:
    """A moment of the shop's calendar; None for now and for what is no moment."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=shop.zone)


def curl(asked: Wish, host: str) -> str:
    """The same request as a shop would send it; the key is the reader's to fill in."""
    query = {"placement": asked.placement.slug, "explain": "true", "record": "false"}
    remarks = ["# With the shopper's own segment: only the console can ask for another."] if asked.segment else []
    if asked.shopper is not None:
        query[str(asked.shopper.kind)] = asked.shopper.external_id
    if asked.anchor is not None:
        query["product"] = asked.anchor.external_id
    if asked.at is not None:
        query["as_of"] = asked.at.isoformat()
    lines = [
        f"curl -G {host}/api/v1/recommendations",
        '-H "Authorization: Bearer $RECSITE_KEY"',
        *(f"--data-urlencode {shlex.quote(f'{name}={value}')}" for name, value in query.items()),
    ]
    return "\n".join([*remarks, " \\\n  ".join(lines)])


def _ids(*listings: Listing | None) -> set[str]:
    return {item.product for listing in listings if listing for item in listing.items}


def _setting(key: str, settings: Sequence[Setting]) -> Setting | None:
    return next((setting for setting in settings if setting.key == key), None)


def _header(params: Mapping[str, str], permissions: frozenset[str]) -> PageHeader:
    editor = page("rule-new", placement=params.get("placement", "")) if roles.EDIT_RULES in permissions else ""
    return PageHeader(
        "Preview",
        "What would a shopper see, and why? Nothing here changes the shop.",
        actions=linked(Action("Open in rule editor", editor)),
    )


def _shopper_box(asked: Wish) -> SearchBox:
    shopper = asked.shopper
    return SearchBox(
        "preview-shopper",
        "Shopper",
        page("search", kinds="shoppers"),
        placeholder="A new visitor",
        name="visitor" if shopper and shopper.kind == Shopper.Kind.VISITOR else "shopper",
        value=shopper.external_id if shopper else "",
        text=name_of(shopper) if shopper else "",
        submit=True,
    )


def _subject(asked: Wish) -> str:
    if asked.shopper is None:
        return "a new visitor"
    about = describe(asked.shopper)
    return name_of(asked.shopper).lower() + (f" ({about})" if about else "")


def _placement_select(chosen: Placement) -> Select:
    placements = Placement.objects.filter(is_active=True)
    return Select(
        "placement",
        "Placement",
        [
            Option(one.slug, f"{one.title} · {numbers.plural(one.n, 'product')}", one.slug == chosen.slug)
            for one in placements
        ],
    )


def _anchor_box(asked: Wish) -> SearchBox:
    needed = asked.placement.strategy in preview.ANCHORED
    return SearchBox(
        "preview-anchor",
        "Anchor product",
        page("search", kinds="products"),
        placeholder="Find a product" if needed else f"None ({asked.placement.title} has no anchor)",
        name="product",
        value=asked.anchor.external_id if asked.anchor else "",
        text=full_name(asked.anchor) if asked.anchor else "",
        submit=True,
    )


def _segment_select(chosen: str) -> Select:
    names = {name: name.capitalize() for name, _ in shopper_queries.segments()}
    return any_or_one("segment", "Segment", "Their own", names, chosen)


def _setting_select(name: str, mark: str, settings: Sequence[Setting], chosen: Setting | None) -> Select:
    options = [] if name == "a" else [Option("", "nothing", chosen is None)]
    options += [Option(setting.key, setting.label, setting == chosen) for setting in settings]
    return Select(name, f"{'Show' if mark == 'A' else 'Compare with'} {mark}", options)


def _timing(*listings: Listing | None) -> str:
    times = " + ".join(numbers.milliseconds(listing.milliseconds) for listing in listings if listing)
    return f"Same code path as the API · {times}"


def _differences(params: Mapping[str, str]) -> Action:
    if params.get("diff"):
        return Action("Show everything", changed(params, diff=""), key="D", small=True)
    return Action("Show only differences", changed(params, diff="1"), key="D", small=True)


def _cards(
    listing: Listing, products: Mapping[str, Product], params: Mapping[str, str], shop: Shop, side: str
) -> list[TileCard]:
    chosen = params.get("why") if params.get("side", "A") == side else None
    return [
        preview.card(
            item,
            products[item.product],
            shop,
            href=changed(params, why=item.product, side=side) + "#why",
            selected=item.product == chosen,
        )
        for item in listing.items
        if item.product in products
    ]


def _both(
    a: Setting,
    b: Setting,
    listing_a: Listing,
    listing_b: Listing,
    cards_a: Sequence[TileCard],
    cards_b: Sequence[TileCard],
    params: Mapping[str, str],
) -> SideBySide:
    left, right = with_moves(cards_a, cards_b)
    counted = summary(
        [card.key for card in left],
        [card.key for card in right],
        sum(item.rule is not None for item in listing_b.items),
    )
    if params.get("diff"):
        left = [card for card in left if card.move]
        right = [card for card in right if card.move and card.move.kind != "same"]
    return SideBySide(_card("A", a, left), _card("B", b, right), counted, _differences(params))


def _card(mark: str, setting: Setting, cards: Sequence[TileCard]) -> ListCard:
    return ListCard(
        mark, setting.label, setting.state, TileList(cards, f"List {mark}", strip=True), empty="No difference."
    )
