"""What a shopper buys, at which prices, of which brands, how often again: the blocks that tell of habits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise

from recsite.dashboard import charts, habits, numbers
from recsite.dashboard.addresses import changed, product_url
from recsite.dashboard.charts import Area, Chart, Days, Unit
from recsite.dashboard.components import Segment, Segments, Stat, StatStrip
from recsite.dashboard.graphics import Bar, BarRow, Bars, Rhythm
from recsite.dashboard.habits import Habits, ProductRhythm
from recsite.dashboard.names import display_name, told_apart
from recsite.dashboard.pages.shopper_scene import UNKNOWN, Scene
from recsite.dashboard.queries import sales
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile_of

MEASURES = {"spend": "Spend", "lines": "Lines"}
BRANDS = 4


def stats(scene: Scene) -> StatStrip:
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


def period(scene: Scene) -> str:
    """The days of the data, and what they came to."""
    timed = [basket.day for basket in scene.habits.baskets if basket.is_timed]
    total = numbers.money(scene.habits.spend, scene.shop.currency) if scene.habits.spend else ""
    return " · ".join(part for part in (total, numbers.date_range(timed[-1], timed[0]) if timed else "") if part)


def measures(scene: Scene) -> Segments:
    if not scene.habits.spend:
        return Segments("Measured by", [])
    return Segments(
        "Measured by",
        [Segment(text, changed(scene.params, by=key), key == scene.measure) for key, text in MEASURES.items()],
    )


def treemap(scene: Scene) -> Chart:
    """Departments as areas; what is under 1 % together goes into one."""
    parts, measure = scene.departments, scene.measure
    sizes = {part.name: part.spend if measure == "spend" else float(part.lines) for part in parts}
    total = sum(sizes.values()) or 1.0
    large = [part for part in parts if sizes[part.name] >= total / 100]
    areas = [
        Area(part.name, round(sizes[part.name], 2), scene.hues[part.name] // 4 * 4, _mostly(scene, part.most))
        for part in large
    ]
    if rest := total - sum(area.value for area in areas):
        areas.append(Area("Everything else", round(rest, 2), 0)) if rest > total / 1000 else None
    unit = Unit("money", scene.shop.currency) if measure == "spend" else charts.COUNT
    return charts.treemap(id="buys", what=f"{MEASURES[measure]} by department", areas=areas, unit=unit)


def _mostly(scene: Scene, product_id: int) -> str:
    product = scene.products.get(product_id)
    return f"mostly {display_name(product).lower()}" if product else ""


def prices(scene: Scene, bands: sales.PriceBands) -> Bars | None:
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


def brands(scene: Scene) -> Bars | None:
    def brand(product_id: int) -> str:
        return scene.kinds.get(product_id, UNKNOWN).brand

    parts = [part for part in habits.shares(scene.habits.lines, brand) if part.name]
    if not parts:
        return None
    total = len(scene.habits.lines)
    best = sorted(parts, key=lambda part: -part.lines)[:BRANDS]
    rows = [BarRow(part.name, Bar(part.lines / best[0].lines), numbers.percent(part.lines / total, 0)) for part in best]
    return Bars(rows, foot=f"Share of lines; {numbers.plural(len(parts), 'brand')} in all.")


def rhythms(scene: Scene) -> Table:
    found = scene.rhythms
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


def _rhythm_row(scene: Scene, rhythm: ProductRhythm, name: str, first: date, last: date) -> Row:
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


def baskets(scene: Scene) -> Chart | None:
    measure = scene.measure
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
