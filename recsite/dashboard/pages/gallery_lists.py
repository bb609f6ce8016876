"""The gallery's tables, lists beside each other, and why a product stands where it does."""

from __future__ import annotations

from dataclasses import replace

from recsite.dashboard import components as c
from recsite.dashboard import evidence as why
from recsite.dashboard import graphics, lists
from recsite.dashboard.pages.gallery_goods import GOODS, good
from recsite.dashboard.tables import Cell, Column, Row, Table, pager, read_sorting, sorted_columns


def table(address: str) -> Table:
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


def compare(address: str) -> lists.SideBySide:
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


def contributions() -> why.Contributions:
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


def evidence(address: str) -> why.Evidence:
    return why.Evidence(
        [
            why.EvidenceItem("Bananas bought 47 times", "last on 28 Dec, 1 unit", good("Bananas", "s")),
            why.EvidenceItem("Strawberries · 16 oz bought", "24 Nov, $3.99", good("Strawberries", "s")),
        ],
        "All 1,312 purchase lines",
        address,
    )


def trace(address: str) -> why.RuleTrace:
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


def timeline(address: str) -> why.Timeline:
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
