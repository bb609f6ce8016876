"""One shopper: who they are, what they see now, what they buy, how often, and what they did."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from behavior.models import Shopper
from behavior.profiles import Profile
from behavior.queries import newest_event_at
from catalog.models import Product
from recommender.serve import UnknownPlacement
from recsite.dashboard import numbers, preview, roles, runs
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart
from recsite.dashboard.components import (
    Action,
    Badge,
    Crumb,
    EmptyState,
    Fact,
    Facts,
    Nothing,
    PageHeader,
    Segments,
    StatStrip,
)
from recsite.dashboard.evidence import Timeline
from recsite.dashboard.graphics import Bars
from recsite.dashboard.lists import TileList, moved
from recsite.dashboard.names import told_apart
from recsite.dashboard.pages import shopper_habits as blocks
from recsite.dashboard.pages import shopper_scene, shopper_timeline
from recsite.dashboard.pages.shopper_scene import Scene
from recsite.dashboard.pages.shoppers import describe, profile_of
from recsite.dashboard.preview import Listing
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import sales
from recsite.dashboard.queries import shoppers as queries
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Table
from recsite.dashboard.tiles import tile

SEEN = 8
USUAL_DAY = 0.2  # share of visits
WINDOW = timedelta(days=28)  # over which the whole shop's prices are taken
CSV_HEADER = ("at", "type", "product_id", "title", "quantity", "price", "session", "placement", "source")


@dataclass(frozen=True)
class Sees:
    """The list on Home as it is now: the model that made it, and how much of it changed since yesterday."""

    tiles: TileList | Nothing
    badge: Badge | None = None
    note: str = ""
    compare: Action | None = None
    left: str = ""  # a sentence: what was in the list a day ago and is no more


@dataclass(frozen=True)
class ShopperPage:
    """The head and the blocks. ``empty`` stands in place of all blocks but the list when nothing was done yet."""

    header: PageHeader
    stats: StatStrip | None
    sees: Sees
    buys: Chart | None
    buys_title: str
    buys_note: str
    buys_choice: Segments
    prices: Bars | None
    brands: Bars | None
    about: Facts | None
    segment: Facts | None
    rhythm: Table | None
    baskets: Chart | None
    baskets_note: str
    timeline: Timeline
    timeline_choice: Segments
    empty: EmptyState | None


def build(
    shopper: Shopper, params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str] = frozenset()
) -> ShopperPage:
    """Everything on the page: the list that the API would answer now, and what the shopper's own events say."""
    newest = newest_event_at() or timezone.now()
    scene = shopper_scene.read(shopper, params, shop, newest=newest)
    folded = scene.habits
    bands = sales.price_bands(start=newest - WINDOW, end=newest)
    note = blocks.period(scene)
    return ShopperPage(
        header=_header(scene, permissions),
        stats=blocks.stats(scene) if folded.counts else None,
        sees=_sees(shopper, shop),
        buys=blocks.treemap(scene) if folded.lines else None,
        buys_title="What they look at" if folded.by_interest else "What they buy",
        buys_note=note,
        buys_choice=blocks.measures(scene),
        prices=blocks.prices(scene, bands),
        brands=blocks.brands(scene),
        about=_about(shopper),
        segment=_segment(shopper),
        rhythm=blocks.rhythms(scene) if folded.lines else None,
        baskets=blocks.baskets(scene),
        baskets_note=note,
        timeline=shopper_timeline.timeline(scene),
        timeline_choice=shopper_timeline.kinds(scene),
        empty=_empty(shopper) if not folded.counts else None,
    )


def csv_rows(shopper: Shopper) -> Iterator[tuple[object, ...]]:
    """Every event of the shopper, newest first, under ``CSV_HEADER``."""
    lines = queries.lines_of(shopper.pk, limit=1_000_000)
    products = product_queries.by_ids({line.product_id for line in lines if line.product_id is not None})
    for line in lines:
        product = products.get(line.product_id or 0)
        what = (product.external_id, product.title) if product else ("", "")
        yield (
            line.at.isoformat(),
            line.type,
            *what,
            line.quantity,
            line.price,
            line.session,
            line.placement,
            line.source,
        )


def name_of(shopper: Shopper) -> str:
    """``Shopper 2124`` or ``Visitor 7f3a…``."""
    return f"{'Visitor' if shopper.kind == Shopper.Kind.VISITOR else 'Shopper'} {shopper.external_id}"


def _header(scene: Scene, permissions: frozenset[str]) -> PageHeader:
    shopper, profile = scene.shopper, profile_of(scene.shopper)
    last = scene.habits.baskets[0].day if scene.habits.baskets and scene.habits.baskets[0].is_timed else None
    may_erase = roles.ERASE in permissions
    words = [
        describe(shopper),
        f"last {'visit' if scene.habits.by_interest else 'basket'} {numbers.day(last)}" if last else "",
    ]
    return PageHeader(
        name_of(shopper),
        " · ".join(word for word in words if word),
        actions=linked(
            Action("Export CSV", "?format=csv", "quiet", download=True),
            Action("Export all (JSON)", "?format=json", "quiet", download=True),
            Action("Erase …", page("erase", shopper.kind, shopper.external_id) if may_erase else "", "quiet"),
            Action("Open in Preview", page("preview", **_subject(shopper)), "primary"),
        ),
        badge=Badge(profile.segment) if profile and profile.segment else None,
        crumbs=[Crumb("Shoppers", page("shoppers")), Crumb(name_of(shopper))],
    )


def _sees(shopper: Shopper, shop: Shop) -> Sees:
    try:
        now, before = preview.home_of(shopper, n=SEEN)
    except UnknownPlacement:
        return Sees(Nothing("Home is switched off", "Switch the placement on to see what they would see there."))
    if not now.items:
        return Sees(Nothing("Nothing to show", preview.why_empty(now.answer)))
    earlier = before.items if before else ()
    products = product_queries.by_external_ids(item.product for item in (*now.items, *earlier))
    cards = [
        preview.card(item, products[item.product], shop, href=_why_url(shopper, item.product))
        for item in now.items
        if item.product in products
    ]
    if before:  # each with how its rank came about since yesterday
        cards = moved([item.product for item in earlier], cards)
    return Sees(
        TileList(cards, "Sees now on Home", columns=8, strip=True),
        _model(now),
        _changes(now, before) if before else "",
        _compare(shopper, before) if before else None,
        _left(now, before, products) if before else "",
    )


def _model(listing: Listing) -> Badge:
    """Which model made the list, as its own page calls it."""
    version, run = listing.answer.model_version, listing.answer.run
    if version is None or run is None:
        return Badge("no model yet", "warn")
    return Badge(runs.name_of_served(version, run), href=page("model", run))


def _why_url(shopper: Shopper, product: str) -> str:
    """Where the tile is taken apart for this shopper; from there the product's own page is one click."""
    return page("preview", **_subject(shopper), why=product) + "#why"


def _subject(shopper: Shopper) -> dict[str, str]:
    """How an address names them: visitors and shoppers may bear the same id."""
    return {"visitor" if shopper.kind == Shopper.Kind.VISITOR else "shopper": shopper.external_id}


def _left(now: Listing, before: Listing, products: Mapping[str, Product]) -> str:
    """``No longer among the first 8: white milk, bananas.``"""
    shown = {item.product for item in now.items}
    gone = [products[item.product] for item in before.items if item.product not in shown and item.product in products]
    names = told_apart(gone)
    if not gone:
        return ""
    return f"No longer among the first {SEEN}: {', '.join(names[product.pk] for product in gone)}."


def _changes(now: Listing, before: Listing) -> str:
    """How many of the products were not in yesterday's list."""
    new = len({item.product for item in now.items} - {item.product for item in before.items})
    return f"{new} new since yesterday" if new else "the same products as yesterday"


def _compare(shopper: Shopper, before: Listing) -> Action | None:
    moment = f"{timezone.localtime(before.answer.as_of):%Y-%m-%dT%H:%M}"
    found = linked(Action("Yesterday’s list", page("preview", **_subject(shopper), at=moment), "link"))
    return found[0] if found else None


def _about(shopper: Shopper) -> Facts | None:
    given = [
        ("Age", shopper.age),
        ("Gender", shopper.gender),
        ("Income", shopper.income),
        *((name.replace("_", " ").capitalize(), str(value)) for name, value in sorted(shopper.attributes.items())),
    ]
    facts = [Fact(term, value) for term, value in given if value]
    if shopper.consent is False:
        facts.append(Fact("Consent", "do not profile"))
    return Facts(facts) if facts else None


def _segment(shopper: Shopper) -> Facts | None:
    """The segment with its reason in words, and the usual times, as the newest profile has them."""
    row = profile_of(shopper)
    if row is None:
        return None
    profile = Profile.from_dict(row.data)
    facts = [
        Fact("Segment", row.segment.capitalize()),
        Fact("Because", profile.reason),
        Fact("Usual days", _usual_days(profile.weekdays)),
        Fact("Usual hours", _usual_hours(profile.hours)),
        Fact("As of", numbers.moment(row.as_of)),
    ]
    return Facts([fact for fact in facts if fact.value])


def _usual_days(shares: Sequence[float]) -> str:
    """The weekdays that hold at least a fifth of the visits, the most usual first."""
    days = sorted((share, -day) for day, share in enumerate(shares) if share >= USUAL_DAY)
    return ", ".join(f"{calendar.day_name[-day]} ({numbers.percent(share, 0)})" for share, day in reversed(days))


def _usual_hours(shares: Sequence[float]) -> str:
    """The four hours on end that hold most of what they do."""
    if not any(shares):
        return ""
    sums = [sum(shares[(hour + step) % 24] for step in range(4)) for hour in range(24)]
    hour = max(range(24), key=sums.__getitem__)
    return f"{hour}:00 – {(hour + 4) % 24}:00 ({numbers.percent(sums[hour], 0)})"


def _empty(shopper: Shopper) -> EmptyState:
    return EmptyState(
        "Nothing has happened yet",
        f"No event of {name_of(shopper).lower()} has arrived. Their list above is what any newcomer sees.",
        actions=[Action("All shoppers", page("shoppers"))],
        tiles=[tile(key=word, title=word) for word in ("Bananas", "Bread", "Milk")],
    )
