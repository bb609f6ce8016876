"""One shopper: who they are, what they see now, what they buy, how often, and what they did."""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

from django.utils import timezone

from behavior.models import Shopper
from behavior.profiles import Profile
from behavior.queries import newest_event_at
from catalog.models import Product
from recommender.models import Placement
from recommender.serve import UnknownPlacement
from recsite.dashboard import charts, habits, numbers, preview, tiles
from recsite.dashboard.addresses import changed, linked, page, product_url
from recsite.dashboard.charts import Area, Chart, Days, Unit
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Crumb,
    EmptyState,
    Fact,
    Facts,
    Nothing,
    PageHeader,
    Segment,
    Segments,
    Stat,
    StatStrip,
)
from recsite.dashboard.evidence import Timeline, TimelineEntry
from recsite.dashboard.graphics import Bar, BarRow, Bars, Rhythm
from recsite.dashboard.habits import Habits, ProductRhythm, Visit
from recsite.dashboard.lists import TileList, moves
from recsite.dashboard.names import display_name, told_apart
from recsite.dashboard.pages.shoppers import describe, profile_of
from recsite.dashboard.preview import Listing
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries import sales
from recsite.dashboard.queries import shoppers as queries
from recsite.dashboard.queries.shoppers import Line
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile, tile_of

MEASURES = {"spend": "Spend", "lines": "Lines"}
KINDS = {"": "All", "purchases": "Purchases", "clicks": "Clicks and views"}
SEEN = 8
ENTRIES, ALL_ENTRIES = 6, 100
TILES = 6
BRANDS = 4
USUAL_DAY = 0.2  # share of visits
WINDOW = timedelta(days=28)  # over which the whole shop's prices are taken
CSV_HEADER = ("at", "type", "product_id", "title", "quantity", "price", "session", "placement", "source")
_DID = {
    "view": "Viewed",
    "click": "Clicked",
    "cart": "Put in the basket:",
    "favourite": "Marked as favourite:",
    "rate": "Rated",
    "dismiss": "Dismissed",
}


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


@dataclass(frozen=True)
class _Scene:
    """What every block of the page reads."""

    shopper: Shopper
    params: Mapping[str, str]
    shop: Shop
    lines: Sequence[Line]
    habits: Habits
    products: Mapping[int, Product]
    today: date


def build(shopper: Shopper, params: Mapping[str, str], shop: Shop) -> ShopperPage:
    """Everything on the page: the list that the API would answer now, and what the shopper's own events say."""
    lines = queries.lines_of(shopper.pk)
    products = product_queries.by_ids({line.product_id for line in lines if line.product_id is not None})
    newest = newest_event_at() or timezone.now()
    scene = _Scene(shopper, params, shop, lines, habits.fold(lines, shop.day_of), products, shop.day_of(newest))
    folded = scene.habits
    measure = "lines" if params.get("by") == "lines" or not folded.spend else "spend"
    bands = sales.price_bands(start=newest - WINDOW, end=newest)
    return ShopperPage(
        header=_header(scene),
        stats=_stats(scene) if lines else None,
        sees=_sees(shopper, shop),
        buys=_buys(scene, measure) if folded.lines else None,
        buys_title="What they look at" if folded.by_interest else "What they buy",
        buys_note=_period(scene),
        buys_choice=_measures(scene, measure),
        prices=_prices(scene, bands),
        brands=_brands(scene),
        about=_about(shopper),
        segment=_segment(shopper),
        rhythm=_rhythm_table(scene) if folded.lines else None,
        baskets=_baskets_chart(scene, measure),
        baskets_note=_period(scene),
        timeline=_timeline(scene),
        timeline_choice=Segments(
            "Kinds of events",
            [Segment(text, changed(params, kind=key), params.get("kind", "") == key) for key, text in KINDS.items()],
        ),
        empty=_empty(shopper) if not lines else None,
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


def known_of(shopper: Shopper) -> dict[str, Any]:
    """All that is stored about the shopper, JSON-able: what they told, what was folded, the lists, the events."""
    profile = profile_of(shopper)
    return {
        "id": shopper.external_id,
        "kind": shopper.kind,
        "age": shopper.age or None,
        "gender": shopper.gender or None,
        "income": shopper.income or None,
        "consent": shopper.consent,
        "attributes": shopper.attributes,
        "visitors": list(shopper.merged.order_by("external_id").values_list("external_id", flat=True)),
        "first_known_at": shopper.created_at,
        "profile": {**profile.data, "as_of": profile.as_of} if profile else None,
        "lists_answered": queries.lists_of(shopper),
        "events": queries.all_events_of(shopper.pk),
    }


def name_of(shopper: Shopper) -> str:
    """``Shopper 2124`` or ``Visitor 7f3a…``."""
    return f"{'Visitor' if shopper.kind == Shopper.Kind.VISITOR else 'Shopper'} {shopper.external_id}"


def _header(scene: _Scene) -> PageHeader:
    shopper, profile = scene.shopper, profile_of(scene.shopper)
    last = scene.habits.baskets[0].day if scene.habits.baskets and scene.habits.baskets[0].is_timed else None
    words = [
        describe(shopper),
        f"last {'visit' if scene.habits.by_interest else 'basket'} {numbers.day(last)}" if last else "",
    ]
    subject = {"visitor" if shopper.kind == Shopper.Kind.VISITOR else "shopper": shopper.external_id}
    return PageHeader(
        name_of(shopper),
        " · ".join(word for word in words if word),
        actions=linked(
            Action("Export CSV", "?format=csv", "quiet", download=True),
            Action("Export all (JSON)", "?format=json", "quiet", download=True),
            Action("Open in Preview", page("preview", **subject), "primary"),
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
        return Sees(Nothing("Nothing to show", now.answer.empty_because or ""))
    earlier = before.items if before else ()
    products = product_queries.by_external_ids(item.product for item in (*now.items, *earlier))
    cards = [
        preview.card(item, products[item.product], shop, href=product_url(products[item.product]))
        for item in now.items
        if item.product in products
    ]
    if before:  # each with how its rank came about since yesterday
        marks = moves([item.product for item in earlier], [card.key for card in cards])[1]
        cards = [replace(card, move=mark) for card, mark in zip(cards, marks, strict=True)]
    return Sees(
        TileList(cards, "Sees now on Home", columns=8, strip=True),
        Badge(now.answer.model_version) if now.answer.model_version else Badge("no model yet", "warn"),
        _changes(now, before) if before else "",
        _compare(shopper, before) if before else None,
        _left(now, before, products) if before else "",
    )


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
    kind = "visitor" if shopper.kind == Shopper.Kind.VISITOR else "shopper"
    moment = f"{timezone.localtime(before.answer.as_of):%Y-%m-%dT%H:%M}"
    found = linked(Action("Yesterday’s list", page("preview", **{kind: shopper.external_id, "at": moment}), "link"))
    return found[0] if found else None


def _stats(scene: _Scene) -> StatStrip:
    folded, currency = scene.habits, scene.shop.currency
    spent, unit = numbers.money_short(folded.spend, currency)
    gap = "" if folded.gap is None else f"every {numbers.decimal(folded.gap)}{numbers.THIN}d, median gap"
    basket = "" if folded.median_basket is None else f"{numbers.money(folded.median_basket, currency)} median basket"
    last = folded.baskets[0].day if folded.baskets and folded.baskets[0].is_timed else None
    return StatStrip(
        [
            Stat("Visits" if folded.by_interest else "Baskets", numbers.count(len(folded.baskets)), note=gap),
            Stat("Spent", spent if folded.spend else "no data", unit, note=basket if folded.spend else ""),
            Stat("Products", numbers.count(folded.products), note=f"{folded.often} had {habits.OFTEN} times or more"),
            Stat("Events", numbers.count(sum(folded.counts.values())), note=_kinds(folded)),
            Stat("Last seen", numbers.day(last, year=False) if last else "no data", note=_since(last, scene.today)),
        ]
    )


def _kinds(folded: Habits) -> str:
    most = sorted(folded.counts.items(), key=lambda pair: -pair[1])[:2]
    return ", ".join(numbers.plural(count, kind) for kind, count in most)


def _since(last: date | None, today: date) -> str:
    if last is None:
        return "the events have no time"
    days = (today - last).days
    return "on the newest day" if not days else f"{numbers.plural(days, 'day')} before the newest"


def _period(scene: _Scene) -> str:
    """The days of the data, and what they came to."""
    timed = [basket.day for basket in scene.habits.baskets if basket.is_timed]
    total = numbers.money(scene.habits.spend, scene.shop.currency) if scene.habits.spend else ""
    return " · ".join(part for part in (total, numbers.date_range(timed[-1], timed[0]) if timed else "") if part)


def _measures(scene: _Scene, measure: str) -> Segments:
    if not scene.habits.spend:
        return Segments("Measured by", [])
    return Segments(
        "Measured by", [Segment(text, changed(scene.params, by=key), key == measure) for key, text in MEASURES.items()]
    )


def _buys(scene: _Scene, measure: str) -> Chart:
    """Departments as areas; what is under 1 % together goes into one."""
    hues: dict[str, int] = {}

    @cache  # a product is bought again and again
    def department(product_id: int) -> str:
        product = scene.products.get(product_id)
        path = product.category.path if product and product.category else ""
        name, hue = tiles.department(product.title if product else "", path)
        hues.setdefault(name, hue)
        return name

    parts = habits.shares(scene.habits.lines, department)
    sizes = {part.name: part.spend if measure == "spend" else float(part.lines) for part in parts}
    total = sum(sizes.values()) or 1.0
    large = [part for part in parts if sizes[part.name] >= total / 100]
    areas = [
        Area(part.name, round(sizes[part.name], 2), hues[part.name] // 4 * 4, _mostly(scene, part.most))
        for part in large
    ]
    if rest := total - sum(area.value for area in areas):
        areas.append(Area("Everything else", round(rest, 2), 0)) if rest > total / 1000 else None
    unit = Unit("money", scene.shop.currency) if measure == "spend" else charts.COUNT
    return charts.treemap(id="buys", what=f"{MEASURES[measure]} by department", areas=areas, unit=unit)


def _mostly(scene: _Scene, product_id: int) -> str:
    product = scene.products.get(product_id)
    return f"mostly {display_name(product).lower()}" if product else ""


def _prices(scene: _Scene, bands: sales.PriceBands) -> Bars | None:
    mine = habits.price_shares(scene.habits.lines, bands.edges)
    if mine is None or not bands.edges:
        return None
    most = max([*mine, *bands.shares]) or 1.0
    rows = [
        BarRow(label, Bar(own / most, tick=theirs / most), numbers.percent(own, 0))
        for label, own, theirs in zip(_band_labels(bands.edges, scene.shop), mine, bands.shares, strict=True)
    ]
    return Bars(rows, foot="Share of lines by the price of a unit. The tick marks the whole shop, newest 28 days.")


def _band_labels(edges: Sequence[float], shop: Shop) -> list[str]:
    def short(value: float) -> str:
        text = numbers.money(value, shop.currency)
        return text.removesuffix(".00")

    between = [f"{short(low)} – {short(high)}" for low, high in pairwise(edges)]
    return [f"under {short(edges[0])}", *between, f"over {short(edges[-1])}"]


def _brands(scene: _Scene) -> Bars | None:
    def brand(product_id: int) -> str:
        product = scene.products.get(product_id)
        return product.brand if product else ""

    parts = [part for part in habits.shares(scene.habits.lines, brand) if part.name]
    if not parts:
        return None
    total = len(scene.habits.lines)
    best = sorted(parts, key=lambda part: -part.lines)[:BRANDS]
    rows = [BarRow(part.name, Bar(part.lines / best[0].lines), numbers.percent(part.lines / total, 0)) for part in best]
    return Bars(rows, foot=f"Share of lines; {numbers.plural(len(parts), 'brand')} in all.")


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


def _rhythm_table(scene: _Scene) -> Table:
    found = habits.rhythms(scene.habits.lines, scene.shop.day_of)
    first = min((rhythm.days[0] for rhythm in found), default=scene.today)
    last = max([scene.today, *(rhythm.due for rhythm in found if rhythm.due)], default=scene.today)
    span = numbers.date_range(first, scene.today)
    columns = [
        Column("Product"),
        Column(span, wide=True),
        Column("Bought", numeric=True, wide=True),
        Column("Every", numeric=True),
        Column("Next", numeric=True),
    ]
    names = told_apart(scene.products[one.product_id] for one in found if one.product_id in scene.products)
    rows = [
        _rhythm_row(scene, rhythm, names[rhythm.product_id], first, last)
        for rhythm in found
        if rhythm.product_id in names
    ]
    return Table(
        "Products bought again and again", columns, rows, empty="Nothing was bought on two different days yet."
    )


def _rhythm_row(scene: _Scene, rhythm: ProductRhythm, name: str, first: date, last: date) -> Row:
    product = scene.products[rhythm.product_id]
    width = max(1, (last - first).days)
    drawn = Rhythm(
        [(day - first).days / width for day in rhythm.days],
        None if rhythm.due is None else min(1.0, (rhythm.due - first).days / width),
    )
    return Row(
        href=product_url(product),
        cells=[
            Cell(name, tile=tile_of(product, size="s")),
            Cell(drawn),
            Cell(f"{rhythm.times} ×"),
            Cell(f"{numbers.decimal(rhythm.gap)}{numbers.THIN}d"),
            Cell(_due(rhythm.due, scene.today), tone="muted" if rhythm.due is None else ""),
        ],
    )


def _due(due: date | None, today: date) -> str:
    if due is None:
        return "too early to say"
    days = (due - today).days
    if days == 0:
        return "due now"
    return f"due in {numbers.plural(days, 'day')}" if days > 0 else f"{numbers.plural(-days, 'day')} late"


def _baskets_chart(scene: _Scene, measure: str) -> Chart | None:
    timed = [basket for basket in scene.habits.baskets if basket.is_timed]
    if len({basket.day for basket in timed}) < 2:
        return None
    first = min(basket.day for basket in timed)
    values: list[float | None] = [None] * ((scene.today - first).days + 1)
    for basket in timed:
        index = (basket.day - first).days
        values[index] = (values[index] or 0.0) + (basket.amount if measure == "spend" else len(basket.lines))
    unit = Unit("money", scene.shop.currency) if measure == "spend" else charts.COUNT
    chart = charts.day_bars(id="baskets", what=f"{MEASURES[measure]} a day", days=Days(first, values), unit=unit)
    bought = [row for row, value in zip(chart.data.rows, values, strict=True) if value is not None]
    return replace(chart, data=replace(chart.data, rows=bought))  # a year of empty days is no reading


def _timeline(scene: _Scene) -> Timeline:
    kind = scene.params.get("kind", "")
    chosen = [line for line in scene.lines if _is_kind(line, kind)]
    found = habits.visits(chosen, scene.shop.day_of)
    limit = ALL_ENTRIES if scene.params.get("timeline") == "all" else ENTRIES
    titles = dict(Placement.objects.values_list("slug", "title")) if any(line.placement for line in chosen) else {}
    more = len(found) - limit
    return Timeline(
        [_entry(scene, visit, titles) for visit in found[:limit]],
        more=f"{numbers.plural(more, 'earlier visit')}" if more > 0 else "",
        more_href=changed(scene.params, timeline="all") if more > 0 and limit == ENTRIES else "",
        none="Nothing of this kind has happened yet.",
    )


def _is_kind(line: Line, kind: str) -> bool:
    if kind == "purchases":
        return line.type == habits.PURCHASE
    return not kind or line.type not in {habits.PURCHASE, "impression"}


def _entry(scene: _Scene, visit: Visit, titles: Mapping[str, str]) -> TimelineEntry:
    local = timezone.localtime(visit.at)
    ids = list(dict.fromkeys(line.product_id for line in visit.lines if line.product_id in scene.products))
    shown = [tile_of(scene.products[key], size="s", alone=True) for key in ids[:TILES] if key is not None]
    simulated = all(line.source == "simulator" for line in visit.lines)
    places = sorted({titles.get(line.placement, line.placement) for line in visit.lines if line.placement})
    return TimelineEntry(
        day=numbers.day(visit.day, year=visit.day.year != scene.today.year) if visit.is_timed else "no time",
        time=f"{local:%H:%M}" if visit.is_timed else "",
        title=_title(visit, places),
        note="" if visit.type == "impression" or not places else f"from {', '.join(places)}",
        tiles=shown,
        more=max(0, len(ids) - TILES),
        amount=numbers.money(visit.amount, scene.shop.currency)
        if visit.type == habits.PURCHASE and visit.amount
        else "",
        badge=SIMULATED if simulated else None,
    )


def _title(visit: Visit, places: Sequence[str]) -> str:
    size = len(visit.lines)
    if visit.type == habits.PURCHASE:
        return f"Basket, {numbers.plural(size, 'line')}"
    if visit.type == "impression":
        return f"Saw {', '.join(places) or 'a list'}" + (f", {size} times" if size > 1 else "")
    return f"{_DID.get(visit.type, visit.type.capitalize())} {numbers.plural(size, 'product')}"


def _empty(shopper: Shopper) -> EmptyState:
    return EmptyState(
        "Nothing has happened yet",
        f"No event of {name_of(shopper).lower()} has arrived. Their list above is what any newcomer sees.",
        actions=[Action("All shoppers", page("shoppers"))],
        tiles=[tile(key=word, title=word) for word in ("Bananas", "Bread", "Milk")],
    )
