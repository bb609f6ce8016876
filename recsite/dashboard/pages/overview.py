"""Overview: do recommendations earn their place, and what needs a person?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.utils import timezone

from behavior.queries import newest_event_at
from recommender import feedback
from recommender.feedback import Counts, Rate, Scope, wilson
from recommender.models import Placement, Switch
from recsite.api import sight
from recsite.api.sight import Lately
from recsite.dashboard import charts, findings, numbers
from recsite.dashboard.addresses import changed, linked, page, product_url
from recsite.dashboard.charts import Chart, Days, Legend, Unit
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Delta,
    EmptyState,
    Findings,
    Nothing,
    PageHeader,
    Segment,
    Segments,
    Stat,
    StatStrip,
    delta_of_counts,
    delta_of_rates,
)
from recsite.dashboard.graphics import Bar, Spark
from recsite.dashboard.names import told_apart
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.queries.coverage import Coverage, coverage
from recsite.dashboard.queries.sold import FLOOR, ProductSales, kept_between
from recsite.dashboard.ranges import DateRange, Range, read_range
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile, tile_of

HOUR = 3600
MINUTES = 15  # that "right now" looks back
CSV_HEADER = ("day", "lists", "served", "shown", "clicked", "carted", "bought", "revenue", "revenue_by_view")
SELLS = {"risers": "Risers", "sellers": "Top sellers", "fallers": "Fallers"}
_NO_MOVERS = {
    "risers": f"No product with {FLOOR} lines or more rose in this range.",
    "sellers": "Nothing was sold in this range.",
    "fallers": f"No product with {FLOOR} lines or more fell in this range.",
}


@dataclass(frozen=True)
class OverviewPage:
    """The head, figures, revenue beside what needs attention, what sells beside placements."""

    header: PageHeader
    stats: StatStrip
    revenue: Chart | Nothing
    legend: Legend | None
    simulated: Badge | None
    placements: Table
    all_placements: Action | None
    findings: Findings
    findings_badge: Badge | None
    sells: Table
    sells_choice: Segments
    right_now: StatStrip
    empty: EmptyState | None


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str] = frozenset()) -> OverviewPage:
    """The range is the newest 28 days of data unless the address says otherwise; ``permissions``: of who looks."""
    newest = newest_event_at()
    last = shop.day_of(newest or timezone.now())
    chosen = read_range(params, newest=last)
    found = findings.find(newest, permissions)
    results = read_results(chosen, shop)
    sells = params.get("sells") if params.get("sells") in SELLS else "risers" if chosen.before else "sellers"
    return OverviewPage(
        header=_header(params, chosen, DateRange(chosen, last, keep=_keep(params))),
        stats=_stats(results, shop),
        revenue=(revenue := _revenue(results, shop)),
        legend=Legend(revenue.legend) if isinstance(revenue, Chart) and revenue.legend else None,
        simulated=SIMULATED if results.simulated else None,
        placements=_placements(results),
        all_placements=next(iter(linked(Action("All placements", page("placements"), "link"))), None),
        findings=Findings(found),
        findings_badge=Badge(str(len(found)), "warn") if found else None,
        sells=_sells(str(sells), chosen, shop),
        sells_choice=Segments(
            "What sells", [Segment(text, changed(params, sells=key), key == sells) for key, text in SELLS.items()]
        ),
        right_now=_right_now(newest),
        empty=None if newest else _empty(),
    )


@dataclass(frozen=True)
class Results:
    """What came of the lists of a range: totals and days, now and in the period before (empty without one)."""

    chosen: Range
    now: Counts
    before: Counts | None
    days: Sequence[tuple[date, Counts | None]]
    days_before: Sequence[tuple[date, Counts | None]]
    coverage: Coverage
    coverage_before: Coverage | None
    by_placement: Sequence[feedback.Row]
    simulated: bool

    @property
    def begins(self) -> date | None:
        """The first day with lists, where it lies within the period before: amounts of so few days compare with
        nothing. None: the period before is whole, or empty."""
        with_lists = [place for place, (_, counts) in enumerate(self.days_before) if counts]
        late = with_lists and with_lists[0] > len(self.days_before) / 10
        return self.days_before[with_lists[0]][0] if late else None


def read_results(chosen: Range, shop: Shop) -> Results:
    """Everything that the page says about lists: eight queries over the daily counts."""
    scope, earlier = _scope(chosen), _scope(chosen.before) if chosen.before else None
    return Results(
        chosen,
        feedback.totals(scope),
        feedback.totals(earlier) if earlier else None,
        feedback.daily(scope),
        feedback.daily(earlier) if earlier else (),
        coverage(*span(chosen, shop)),
        coverage(*span(chosen.before, shop)) if chosen.before else None,
        feedback.by("placement", scope),
        feedback.is_simulated(scope),
    )


def _scope(days: Range) -> Scope:
    return Scope(days.first, days.last)


def csv_rows(params: Mapping[str, str], shop: Shop) -> Iterator[tuple[object, ...]]:
    """A line for each day of the range, under ``CSV_HEADER``; empty where nothing was shown."""
    chosen = read_range(params, newest=shop.day_of(newest_event_at() or timezone.now()))
    for day, counts in feedback.daily(_scope(chosen)):
        if counts is None:
            yield (day.isoformat(),)
        else:
            figures = (counts.lists, counts.served, counts.shown, counts.clicked, counts.carted, counts.bought)
            yield (day.isoformat(), *figures, round(counts.revenue, 2), round(counts.revenue_by_view, 2))


def _revenue_of(counts: Counts | None) -> float | None:
    return None if counts is None else counts.revenue + counts.revenue_by_view


def _stats(results: Results, shop: Shop) -> StatStrip:
    now, before = results.now, results.before or Counts()
    revenue, unit = numbers.money_short(_revenue_of(now), shop.currency)
    share = results.coverage.share
    earlier = results.coverage_before.share if results.coverage_before else None
    return StatStrip(
        [
            Stat(
                "Recommendations shown",
                numbers.count(now.shown) if now.has_data else "no data",
                delta=_delta_of_amounts(results, now.shown, before.shown, numbers.count(before.shown)),
                spark=_spark(results, lambda counts: float(counts.shown)),
            ),
            _rate_stat("Click rate", results, lambda counts: counts.click_rate),
            _rate_stat("Bought after click", results, lambda counts: wilson(counts.bought, counts.clicked), digits=1),
            Stat(
                "Attributed revenue",
                revenue if now.has_data else "no data",
                unit,
                delta=_delta_of_amounts(
                    results,
                    _revenue_of(now) or 0.0,
                    _revenue_of(before) or 0.0,
                    numbers.money(_revenue_of(before), shop.currency),
                ),
                spark=_spark(results, lambda counts: _revenue_of(counts)),
            ),
            Stat(
                "Catalogue shown",
                "no data" if share is None else numbers.decimal(100 * share),
                "" if share is None else "%",
                delta=delta_of_rates(
                    share,
                    None if results.begins else earlier,
                    note=f"{numbers.count(results.coverage.shown)} of {numbers.count(results.coverage.sellable)}",
                ),
            ),
        ],
        label=f"Recommendations, {results.chosen.text}",
        simulated=results.simulated,
    )


def _delta_of_amounts(results: Results, now: float, before: float, text: str) -> Delta:
    """The change of an amount, which grows with the days that it covers; ``text``: the earlier one as written."""
    if results.begins:
        return delta_of_counts(now, None, note=f"lists since {numbers.day(results.begins)}")
    return delta_of_counts(now, before, note=_before(text, results.before is not None and results.before.has_data))


def _before(text: str, known: bool) -> str:
    return f"{text} before" if known else "no period before"


def _rate_stat(label: str, results: Results, rate_of: Callable[[Counts], Rate | None], digits: int = 2) -> Stat:
    """A rate with its change; within the noise where the interval of the difference holds 0."""
    now, before = rate_of(results.now), rate_of(results.before or Counts())
    change = feedback.difference(now, before)
    within = change is not None and change[1] <= 0 <= change[2]
    if now is None:
        return Stat(label, "no data", spark=None)
    note = "" if within else _before(numbers.percent(before.value if before else None, digits), before is not None)
    return Stat(
        label,
        numbers.decimal(100 * now.value, digits),
        "%",
        delta=delta_of_rates(
            now.value, before.value if before else None, noise=abs(change[0]) if change and within else 0.0, note=note
        ),
        note="too few to judge" if now.too_few else "",
        spark=_spark(results, lambda counts: rate.value if (rate := rate_of(counts)) else None),
    )


def _spark(results: Results, value_of: Callable[[Counts], float | None]) -> Spark | None:
    if not results.now.has_data:
        return None
    now, before = (
        [None if counts is None else value_of(counts) for _, counts in days]
        for days in (results.days, results.days_before)
    )
    return Spark(now, before if any(value is not None for value in before) else ())


def _revenue(results: Results, shop: Shop) -> Chart | Nothing:
    """Revenue by day, the period before dashed on the same days; a day on which nothing was shown breaks the line."""
    if not results.now.has_data:
        return Nothing(
            f"Nothing was shown, {results.chosen.text}",
            "Revenue is attributed to lists that a shopper saw. The shop reports them as impressions.",
            linked(Action("See a list in Preview", page("preview"), small=True)),
        )
    return charts.line_chart(
        id="revenue",
        what="Attributed revenue",
        now=Days(results.chosen.first, [_revenue_of(counts) for _, counts in results.days]),
        before=_days_before(results),
        unit=Unit("money", shop.currency),
        height=320,
    )


def _days_before(results: Results) -> Days | None:
    if not any(counts for _, counts in results.days_before):
        return None
    return Days(results.days_before[0][0], [_revenue_of(counts) for _, counts in results.days_before])


def _placements(results: Results) -> Table:
    """Every active placement, those shown most first; one that was never requested says so and has no rate."""
    found = {row.key: row.counts for row in results.by_placement}
    slots = sorted(Placement.objects.filter(is_active=True), key=lambda slot: -found.get(slot.slug, Counts()).shown)
    best = max((rate.value for counts in found.values() if (rate := counts.click_rate) and not rate.too_few), default=0)
    columns = [
        Column("Placement"),
        Column("Shown", numeric=True, wide=True),
        Column("Click rate", numeric=True),
        Column("Against the best", unseen=True),
    ]
    rows = [_placement_row(slot, found.get(slot.slug, Counts()), best) for slot in slots]
    return Table(f"Placements, {results.chosen.text}", columns, rows, empty="No placement is active.")


def _placement_row(slot: Placement, counts: Counts, best: float) -> Row:
    rate = counts.click_rate
    href = page("placement", slot.slug)
    cells = [Cell(slot.title), Cell(numbers.count(counts.shown))]
    if rate is None:
        note = "Not seen yet" if counts.served else "Not requested yet"
        return Row([*cells, Cell("no data", tone="muted"), Cell(note, tone="muted")], href)
    bar = "Too few to judge" if rate.too_few else Bar(rate.value / best if best else 0.0)
    return Row([*cells, Cell(numbers.percent(rate.value, 1)), Cell(bar, tone="muted")], href)


def span(days: Range, shop: Shop) -> tuple[datetime, datetime]:
    """The moments at which a range of days begins and has ended."""
    return shop.midnight(days.first), shop.midnight(days.last + timedelta(days=1))


def _keep(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key == "sells"}


def _header(params: Mapping[str, str], chosen: Range, control: DateRange) -> PageHeader:
    return PageHeader(
        "Overview",
        "Are recommendations earning their place, and what needs you today?",
        actions=[control, Action("Export CSV", changed(params, format="csv"), "quiet", download=True)],
    )


def _sells(kind: str, chosen: Range, shop: Shop) -> Table:
    start, end = span(chosen, shop)
    before = span(chosen.before, shop) if chosen.before else None
    moved = kept_between(start, end, before).movers(kind)
    products = product_queries.by_ids(one.product_id for one in moved)
    columns = [
        Column("Product"),
        Column("Lines sold", numeric=True, wide=True),
        Column("vs before", numeric=True),
        Column("Revenue", numeric=True),
    ]
    names = told_apart(products.values())
    rows = [
        _sold_row(one, products[one.product_id], names[one.product_id], shop)
        for one in moved
        if one.product_id in products
    ]
    return Table(f"{SELLS[kind]}, {chosen.text}", columns, rows, empty=_NO_MOVERS[kind])


def _sold_row(sold: ProductSales, product: product_queries.Product, name: str, shop: Shop) -> Row:
    return Row(
        href=product_url(product),
        cells=[
            Cell(name, tile=tile_of(product, size="s")),
            Cell(numbers.count(sold.lines)),
            Cell(delta_of_counts(sold.lines, sold.before)),
            Cell(numbers.money(sold.revenue, shop.currency)),
        ],
    )


def _right_now(newest: datetime | None) -> StatStrip:
    """How the shop's calls fare at this moment, and what answers them."""
    switch = Switch.objects.select_related("generation").first()
    return StatStrip(
        [
            *_lately(sight.lately(MINUTES)),
            _newest(newest),
            Stat(
                "Serving",
                f"model {switch.generation.run_id}" if switch else "best sellers",
                note=f"since {numbers.moment(switch.at)}" if switch else "until the first model is ready",
                href=page("models"),
            ),
        ],
        label="Right now",
    )


def _newest(newest: datetime | None) -> Stat:
    """``2 min ago``; the day, with the time beneath, where it is longer ago than an hour."""
    if newest is None:
        return Stat("Newest event", "no data")
    if (timezone.now() - newest).total_seconds() < HOUR:
        return Stat("Newest event", numbers.ago(newest), note="by its own time")
    return Stat(
        "Newest event", numbers.day(newest, year=False), note=f"at {timezone.localtime(newest):%H:%M}, its own time"
    )


def _lately(seen: Lately | None) -> list[Stat]:
    """Speed, lists and events of the last minutes; without Redis nobody counts them."""
    within = f"in the last {MINUTES} minutes"
    if seen is None:
        labels = ("Answers, 95 of 100 within", "Lists answered", "Events received")
        return [Stat(label, "no data", note="Redis does not answer") for label in labels]
    quick = f"half within {_ms(seen.p50)}, 99 of 100 within {_ms(seen.p99)}" if seen.lists else within
    ill = f"{numbers.count(seen.fallbacks)} by a fallback, {numbers.count(seen.degraded)} in part"
    late = seen.event_delay is not None and seen.event_delay < HOUR  # a replay of old events says nothing of speed
    delay = f"stored {numbers.duration(seen.event_delay)} after they happened" if late else within
    return [
        Stat("Answers, 95 of 100 within", _ms(seen.p95) if seen.lists else "no data", note=quick),
        Stat("Lists answered", numbers.count(seen.lists), note=ill if seen.lists else within),
        Stat("Events received", numbers.count(seen.events), note=delay),
    ]


def _ms(seconds: float | None) -> str:
    return numbers.milliseconds(None if seconds is None else 1000 * seconds)


def _empty() -> EmptyState:
    return EmptyState(
        "No events yet",
        "Figures appear with the first purchases, views or clicks: import a file, or let the shop post them.",
        actions=linked(
            Action("Import a file or connect the shop", page("data"), "primary"),
            Action("See what a visitor would see", page("preview")),
        ),
        tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Soft drink cans")],
    )
