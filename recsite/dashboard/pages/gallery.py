"""The style gallery: every component of the console drawn from its own dataclass, to be looked at beside each other.

What it shows is made up to have one of each; no number of it is the shop's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import sin

from recsite.dashboard import charts, graphics, lists
from recsite.dashboard import components as c
from recsite.dashboard import evidence as why
from recsite.dashboard.ranges import DateRange, Range
from recsite.dashboard.tables import Cell, Column, Row, Table, pager, read_sorting, sorted_columns
from recsite.dashboard.tiles import Tile, tile

# Title, category, size: one for each of the 23 drawings.
GOODS: tuple[tuple[str, str, str], ...] = (
    ("White bread", "Bakery > Bread", "20 oz"),
    ("White milk", "Dairy > Milk", "1 gal"),
    ("Bananas", "Produce > Tropical fruit", "loose"),
    ("Lean beef mince", "Meat > Beef", ""),
    ("Soft drink cans", "Drinks > Soft drinks", "12 × 12 oz"),
    ("Red grapes", "Produce > Grapes", "loose"),
    ("Family cereal", "Pantry > Cold cereal", "22 oz"),
    ("Sweet corn, canned", "Pantry > Vegetables, shelf stable", "15.25 oz"),
    ("Tortilla chips", "Snacks > Bag snacks", "12.5 oz"),
    ("Large eggs", "Dairy > Eggs", "1 dozen"),
    ("Yogurt cup", "Dairy > Yogurt", "6 oz"),
    ("Frozen pizza", "Frozen > Frozen pizza", "21.35 oz"),
    ("Grape tomatoes", "Produce > Tomatoes", "1 pt"),
    ("Blueberries", "Produce > Berries", "4.4 oz"),
    ("Cantaloupe", "Produce > Melons", "whole"),
    ("Spinach", "Produce > Salad", "1 lb"),
    ("Paper towels", "Household > Paper towels", "83 sq ft"),
    ("Hand soap", "Household > Soap", "12 oz"),
    ("Baby food junior", "Baby > Baby foods", "1 oz"),
    ("Orange juice", "Drinks > Juices", "64 oz"),
    ("Strawberries", "Produce > Berries", "16 oz"),
    ("Hamburger buns", "Bakery > Buns", "12 oz"),
    ("Coffee creamer", "Dairy > Creamers", "16 oz"),
    ("Gala apples", "Produce > Apples", "loose"),
    ("Sushi", "Deli > Sushi", ""),
)


@dataclass(frozen=True)
class GalleryPage:
    """One of each. ``tiles`` has every silhouette, ``sizes`` the same product as S, M and L."""

    header: c.PageHeader
    stats: c.StatStrip
    tiles: Sequence[Tile]
    sizes: Sequence[Tile]
    actions: Sequence[c.Action]
    badges: Sequence[c.Badge]
    states: Sequence[c.State]
    chips: Sequence[c.ReasonChip]
    segments: c.Segments
    filters: c.FilterBar
    search: c.SearchBox
    fields: Sequence[c.Field | c.Checks]
    found: c.SearchResults
    table: Table
    progress: c.Progress
    start: c.Progress
    notices: Sequence[c.Notice]
    empty: c.EmptyState
    nothing: c.Nothing
    dialog: c.Dialog
    toast: c.Toast
    findings: c.Findings
    facts: c.Facts
    compare: lists.SideBySide
    contributions: why.Contributions
    evidence: why.Evidence
    trace: why.RuleTrace
    timeline: why.Timeline
    funnel: graphics.Bars
    shares: graphics.Bars
    revenue: charts.Chart
    revenue_legend: charts.Legend
    clicks: charts.Chart
    positions: charts.Chart
    shares_map: charts.Chart
    loss: charts.Chart
    copy: c.Copy


def good(name: str, size: str = "m") -> Tile:
    """The tile of one of ``GOODS``."""
    title, category, label = next(entry for entry in GOODS if entry[0] == name)
    return tile(key=title, title=title, category=category, label=label, size=size)


def build(address: str = "/gallery/") -> GalleryPage:
    """Every component once; ``address`` is where links and forms lead."""
    revenue = _revenue()
    return GalleryPage(
        header=_header(),
        stats=_stats(),
        tiles=[good(name) for name, _, _ in GOODS],
        sizes=[good("Strawberries", size) for size in ("s", "m", "l")],
        actions=_actions(address),
        badges=[
            c.Badge("serving", "good"),
            c.Badge("draft", "accent"),
            c.Badge("thin", "warn"),
            c.Badge("refused", "bad"),
            c.Badge("retired"),
            c.SIMULATED,
        ],
        states=[c.State("Live", "good"), c.State("Draft", "accent"), c.State("Paused", "warn"), c.State("Ended")],
        chips=[c.ReasonChip("Goes with bananas"), c.ReasonChip("Pinned: own-brand bread", by_rule=True)],
        segments=c.Segments(
            "What sells",
            [c.Segment("Risers", address, True), c.Segment("Top sellers", address), c.Segment("Fallers", address)],
        ),
        filters=_filters(address),
        search=c.SearchBox("gallery-search", "Product", address, "Type a name or №", name="product"),
        fields=[
            c.Field("shop", "Shop", "Corner Shop", hint="Shown at the top of every page."),
            c.Field(
                "currency",
                "Currency",
                "EURO",
                error="expected an ISO 4217 code such as EUR; received “EURO”",
                suggestions=[c.Option("EUR", "Euro")],
            ),
            c.Checks("may", "What it may do", [c.Option("a", "Post events", True), c.Option("b", "Ask for lists")]),
        ],
        found=_found(address),
        table=_table(address),
        progress=_progress(),
        start=_start(),
        notices=_notices(address),
        empty=_empty(address),
        nothing=c.Nothing(
            "No clicks between 6 and 12 Nov",
            "Home was shown 4,102 times, so this is a real 0 %. Recently viewed was never shown: that is no data.",
            [
                c.Action("Widen to 28 days", address, small=True),
                c.Action("Clear filters", address, "quiet", small=True),
            ],
        ),
        dialog=c.Dialog(
            "erase",
            "Erase shopper 2124?",
            "1,312 purchase lines, the profile and 7 cached lists go now. The model forgets with the next retrain. "
            "This cannot be undone.",
            address,
            "Erase",
            type_this="2124",
            cancel_href=address,
        ),
        toast=c.Toast("“No tobacco” is live since 14:02:07.", address),
        findings=_findings(address),
        facts=c.Facts(
            [
                c.Fact("Category", "Bread, buns and rolls"),
                c.Fact("Package size", "20 oz"),
                c.Fact("Margin", "", "Margin rules skip it", tone="warn"),
                c.Fact("Tags", "", "Add tags", address),
            ]
        ),
        compare=_compare(address),
        contributions=_contributions(),
        evidence=_evidence(address),
        trace=_trace(address),
        timeline=_timeline(address),
        funnel=graphics.funnel_bars(
            [
                ("Shown", 412_908, "in 41,290 lists"),
                ("Clicked", 22_380, "5.42 % of shown"),
                ("In basket", 7_588, "33.9 % of clicks"),
                ("Bought", 4_774, "62.9 % of baskets"),
            ],
            apart=[("Ignored", 256_380, "62.1 % of shown")],
        ),
        shares=_shares(),
        revenue=revenue,
        revenue_legend=charts.Legend(revenue.legend),
        clicks=_clicks(),
        positions=charts.bar_chart(
            id="gallery-positions",
            what="Click rate",
            labels=[str(rank) for rank in range(1, 11)],
            values=[0.089 / rank**0.42 for rank in range(1, 11)],
            unit=charts.PERCENT,
            axis="Position in the list",
        ),
        shares_map=_treemap(address),
        loss=_loss(),
        copy=c.Copy("Copy as curl", "curl -H 'Authorization: Bearer …' 'http://localhost:8000/api/v1/recommendations'"),
    )


def _header() -> c.PageHeader:
    return c.PageHeader(
        "Gallery",
        "What is the console built of? Every figure here is made up.",
        actions=[
            DateRange(Range(date(2017, 12, 4), date(2017, 12, 31)), date(2017, 12, 31), closed="closed on 25 Dec"),
            c.Action("Export CSV", "#main", "quiet", download=True),
            c.Action("New rule", "#main", "primary", key="n"),
        ],
        badge=c.Badge("Draft, saved 14:01", "accent"),
    )


def _wave(count: int, shift: float = 0.0) -> list[float]:
    return [10 + 3 * sin(index / 2.3 + shift) + 2 * sin(index * 1.7 + shift) for index in range(count)]


def _stats() -> c.StatStrip:
    spark = graphics.Spark(_wave(28), _wave(28, 2))
    return c.StatStrip(
        [
            c.Stat(
                "Recommendations",
                "412,908",
                delta=c.delta_of_counts(412_908, 389_170, note="389,170 before"),
                spark=spark,
            ),
            c.Stat("Click rate", "5.42", "%", c.delta_of_rates(0.0542, 0.0491, note="4.91 % before"), spark=spark),
            c.Stat("Bought after click", "21.3", "%", c.delta_of_rates(0.213, 0.211, noise=0.004), spark=spark),
            c.Stat(
                "Attributed revenue",
                "$14.4",
                "k",
                c.delta_of_counts(14_400, 12_800, note="$12.8 k before"),
                spark=spark,
            ),
            c.Stat(
                "Catalogue shown", "23.7", "%", c.delta_of_rates(0.237, 0.251, note="16,240 of 68,509"), spark=spark
            ),
        ],
        simulated=True,
    )


def _actions(address: str) -> list[c.Action]:
    return [
        c.Action("Primary", address, "primary"),
        c.Action("Default", address),
        c.Action("Quiet", address, "quiet"),
        c.Action("Destructive", address, "danger"),
        c.Action("Disabled", address, disabled=True, hint="Another run is training"),
        c.Action("In a card", address, small=True),
    ]


def _filters(address: str) -> c.FilterBar:
    return c.FilterBar(
        address,
        "bread",
        "Filter rules by name or product",
        [
            c.Select("placement", "Placement", [c.Option("", "Any placement", True), c.Option("home", "Home")]),
            c.Select("state", "State", [c.Option("", "Live, draft, scheduled", True), c.Option("ended", "Ended")]),
        ],
        "10 of 10 rules",
        address,
    )


def _found(address: str) -> c.SearchResults:
    options = [
        c.SearchOption(
            "1",
            c.pieces("White bread · 20 oz", "white br"),
            "Own brand · $1.29 · № 883404 · sold 319",
            address,
            good("White bread", "s"),
        ),
        c.SearchOption(
            "2",
            c.pieces("Whole white bread · 24 oz", "white br"),
            "National brand · $1.99 · № 951590",
            address,
            good("Hamburger buns", "s"),
        ),
    ]
    return c.SearchResults("gallery-found", [c.SearchGroup("Products", options)], summary="2 of 68,509")


def _table(address: str) -> Table:
    params = {"sort": "-revenue"}
    columns = [
        Column("Product", "name"),
        Column("Shown", "shown", numeric=True, wide=True),
        Column("Click rate", "rate", numeric=True),
        Column("95 % interval", numeric=True, wide=True),
        Column("0 – 10 %, dashed: all", wide=True),
        Column("vs before", numeric=True, wide=True),
        Column("Revenue", "revenue", numeric=True),
        Column("Share", wide=True),
    ]
    rows = [
        _table_row(address, "Red grapes", 128_218, 6.11, 5.98, 6.24, c.delta_of_rates(0.0611, 0.0541), "$465", 0.8),
        _table_row(address, "White milk", 96_212, 3.2, 3.08, 3.33, c.delta_of_rates(0.032, 0.041), "$406", 0.5),
        _table_row(
            address,
            "Tortilla chips",
            51_984,
            2.72,
            2.58,
            2.86,
            c.delta_of_rates(0.0272, 0.027, noise=0.002),
            "$361",
            0.3,
        ),
    ]
    rows.append(
        Row(
            [
                Cell("Recently viewed", tile=good("Sushi", "s")),
                Cell("0"),
                Cell("no data", tone="muted"),
                Cell("–", tone="muted"),
                Cell("Never shown in this range", tone="muted"),
                Cell("–", tone="muted"),
                Cell("–", tone="muted"),
                Cell(""),
            ]
        )
    )
    made = sorted_columns(columns, read_sorting(params, ["name", "shown", "rate", "revenue"], "name"))
    return Table("Products shown", made, rows, pager(page=2, total=143, noun="products", params=params))


def _table_row(
    address: str,
    name: str,
    shown: int,
    rate: float,
    low: float,
    high: float,
    delta: c.Delta,
    revenue: str,
    share: float,
) -> Row:
    return Row(
        [
            Cell(name, note="Own brand · № 883404", tile=good(name, "s")),
            Cell(f"{shown:,}"),
            Cell(f"{rate:.2f} %", tone="strong"),
            Cell(f"{low:.2f} – {high:.2f}", tone="muted"),
            Cell(graphics.IntervalBar(rate, low, high, 10, 5.42)),
            Cell(delta),
            Cell(revenue),
            Cell(graphics.Bar(share)),
        ],
        href=address,
        selected=name == "White milk",
    )


def _progress() -> c.Progress:
    return c.Progress(
        "Run 31",
        0.63,
        [
            c.Step("Read 1,437,911 lines", "done"),
            c.Step("Clean", "done"),
            c.Step("Profiles and features", "done"),
            c.Step("Train, epoch 12 of 20", "current"),
            c.Step("Measure"),
            c.Step("Gate"),
        ],
        left=110,
        facts=("41,300 rows/s", "CPU, 8 cores", "2.1 GB memory"),
        silent=12,
    )


def _start() -> c.Progress:
    return c.Progress(
        "Getting the shop ready",
        0.58,
        [
            c.Step("Database is ready", "done", "1.2 s"),
            c.Step("Products read", "done", "68,509 of 68,509"),
            c.Step("Purchases read", "done", "1,469,307 lines, 31,396 rejected"),
            c.Step("Shopper profiles", "current", "1,580 of 2,469", 0.64),
            c.Step("First model", "waiting", "starts in about 20 s"),
            c.Step("Shop simulation", "failed", "stopped at 14:02"),
        ],
        left=75,
        tall=True,
        started="started 14:00:12",
    )


def _notices(address: str) -> list[c.Notice]:
    return [
        c.Notice(
            "Two rules want position 1 on Home from 18 to 24 Dec.",
            "“Holiday baking” is 5th in order and live; your draft “Own-brand bread” is 4th and would win. "
            "Sugar · 4 lb would move to position 2.",
            "warn",
            [
                c.Action("Move the draft to position 2", address, small=True, post=True),
                c.Action("Start on 25 Dec instead", address, small=True, post=True),
                c.Action("Let the draft win", address, "quiet", small=True, post=True),
            ],
        ),
        c.Notice(
            "Run 30 stopped at epoch 4: out of memory at 8 GB.",
            "Model 14 goes on serving. A batch of 2,048 instead of 8,192 needs about 3 GB.",
            "bad",
            [
                c.Action("Retry with 2,048", address, small=True, post=True),
                c.Action("Open log", address, "quiet", small=True),
            ],
        ),
        c.Notice(
            "You can already look at products.", "Recommendations are best sellers until the first model is ready."
        ),
        c.Notice("Model 15 is published.", "It serves since 14:02:07.", "good"),
    ]


def _empty(address: str) -> c.EmptyState:
    return c.EmptyState(
        "No rules yet",
        "Shoppers see what the model chose. Pin a product for next week, or keep one off the home page: "
        "you see the list change before anything goes live.",
        [c.Action("New rule", address, "primary"), c.Action("Try it in Preview", address)],
        [good("White bread"), good("Strawberries"), good("Soft drink cans")],
    )


def _findings(address: str) -> c.Findings:
    return c.Findings(
        [
            c.Finding(
                "Two rules want position 1 on Home",
                "“Holiday baking” and “Own-brand bread” overlap",
                "Resolve",
                address,
                "bad",
            ),
            c.Finding(
                "32.1 % lack a package size", "Price-per-unit reasons are off for them", "See products", address, "warn"
            ),
            c.Finding("Model 15 is waiting for your decision", "Gate passed; coverage is lower", "Compare", address),
        ]
    )


def _compare(address: str) -> lists.SideBySide:
    names = [name for name, _, _ in GOODS]
    first, second = names[:10], [names[7], *names[0:4], names[11], *names[4:7], names[12]]
    reasons = ["Goes with bananas", "Buys yogurt cups often", "Goes with large eggs", "Similar homes buy it"]

    def card(rank: int, name: str) -> lists.TileCard:
        chip = c.ReasonChip(reasons[rank % 4])
        return lists.TileCard(good(name), name, address, rank, price=f"${rank * 0.61 + 0.4:.2f}", chip=chip, key=name)

    a, b = lists.with_moves(
        [card(rank, name) for rank, name in enumerate(first, 1)],
        [card(rank, name) for rank, name in enumerate(second, 1)],
    )
    b[0] = replace(b[0], chip=c.ReasonChip("Pinned: own-brand week", True), conflict=True)
    b[2] = replace(b[2], selected=True)
    return lists.SideBySide(
        lists.ListCard("A", "Model 14 · live rules", "serving", lists.TileList(a, "List A", strip=True)),
        lists.ListCard("B", "Model 15 · live + draft", "not serving", lists.TileList(b, "List B", strip=True)),
        lists.summary(first, second, by_rules=1),
    )


def _contributions() -> why.Contributions:
    parts = [
        ("Goes with past baskets", 0.34),
        ("Taste for fruit", 0.21),
        ("Similar households", 0.14),
        ("Bought recently", -0.09),
        ("Popularity", 0.09),
        ("Price fit", 0.02),
    ]
    return why.Contributions(
        0.71,
        [why.Contribution(label, value) for label, value in parts],
        "Method: leave one group out of the network, then score again. Parts need not add up exactly.",
    )


def _evidence(address: str) -> why.Evidence:
    return why.Evidence(
        [
            why.EvidenceItem("Bananas bought 47 times", "last on 28 Dec, 1 unit", good("Bananas", "s")),
            why.EvidenceItem("Strawberries · 16 oz bought", "24 Nov, $3.99", good("Strawberries", "s")),
        ],
        "All 1,312 purchase lines",
        address,
    )


def _trace(address: str) -> why.RuleTrace:
    return why.RuleTrace(
        [
            why.TraceStep("Exclude out of stock", "did not touch it"),
            why.TraceStep(
                "Pin own-brand bread to 1", "moved it from 2 to 3", True, c.Badge("draft", "accent"), address
            ),
            why.TraceStep("At most 3 per category", "1st of the 3 allowed in Fruit"),
        ],
        "Without the draft rule it would be at rank 2.",
    )


def _timeline(address: str) -> why.Timeline:
    tiles = [good(name, "s") for name, _, _ in GOODS[5:11]]
    return why.Timeline(
        [
            why.TimelineEntry("28 Dec", "17:23", "Basket, 30 lines", "saved $16.62 with the card", tiles, 24, "$78.29"),
            why.TimelineEntry("24 Nov", "18:01", "Click in Home, position 3", "", tiles[:1], badge=c.SIMULATED),
            why.TimelineEntry("21 Nov", "02:10", "Basket, 3 lines", "saved $0.05 with the card", tiles[:3], 0, "$7.48"),
        ],
        "76 earlier baskets",
        address,
    )


def _shares() -> graphics.Bars:
    rows = [("under $1", 0.22, 0.15), ("$1 – 2", 0.30, 0.32), ("$2 – 3", 0.25, 0.23), ("over $3", 0.23, 0.30)]
    return graphics.Bars(
        [
            graphics.BarRow(label, graphics.Bar(share * 2, tick=whole * 2), f"{share:.0%}")
            for label, share, whole in rows
        ]
    )


def _revenue() -> charts.Chart:
    now: list[float | None] = [50 * value for value in _wave(28)]
    now[21] = None
    return charts.line_chart(
        id="gallery-revenue",
        what="Attributed revenue",
        now=charts.Days(date(2017, 12, 4), now),
        before=charts.Days(date(2017, 11, 6), [45 * value for value in _wave(28, 2)]),
        unit=charts.Unit("money"),
        events=[charts.Event(date(2017, 12, 18), "Model 14 promoted")],
    )


def _clicks() -> charts.Chart:
    rates: list[float | None] = [0.045 + 0.001 * value for value in _wave(28)]
    return charts.line_chart(
        id="gallery-clicks",
        what="Click rate",
        unit=charts.PERCENT,
        from_zero=False,
        now=charts.Days(date(2017, 12, 4), rates, [(r or 0) - 0.003 for r in rates], [(r or 0) + 0.003 for r in rates]),
    )


def _treemap(address: str) -> charts.Chart:
    parts = [
        ("Pantry", 587, 95, "mostly family cereal"),
        ("Dairy & eggs", 445, 256, "mostly white milk"),
        ("Produce", 341, 140, "mostly golden apples"),
        ("Baby & pets", 299, 345, ""),
        ("Health", 286, 295, ""),
        ("Meat & fish", 224, 18, ""),
        ("Snacks", 209, 325, ""),
        ("Drinks", 167, 172, ""),
        ("Bakery", 87, 72, ""),
    ]
    return charts.treemap(
        id="gallery-treemap",
        what="What this household buys",
        unit=charts.Unit("money"),
        areas=[charts.Area(label, value, hue, note, address) for label, value, hue, note in parts],
    )


def _loss() -> charts.Chart:
    training = [0.338 + 0.45 * 0.75**epoch for epoch in range(12)]
    validation = [0.381 + 0.41 * 0.74**epoch for epoch in range(12)]
    return charts.curves_chart(
        id="gallery-loss",
        what="Loss",
        epochs=20,
        height=160,
        reference=("model 14, serving", 0.42),
        curves=[charts.Curve("validation", validation), charts.Curve("training", training, "grey")],
    )
