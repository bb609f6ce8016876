"""The gallery's figures: numbers with their course, bars and charts."""

from __future__ import annotations

from datetime import date
from math import sin

from recsite.dashboard import charts, graphics
from recsite.dashboard import components as c


def _wave(count: int, shift: float = 0.0) -> list[float]:
    return [10 + 3 * sin(index / 2.3 + shift) + 2 * sin(index * 1.7 + shift) for index in range(count)]


def stats() -> c.StatStrip:
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


def funnel() -> graphics.Bars:
    return graphics.funnel_bars(
        [
            ("Shown", 412_908, "in 41,290 lists"),
            ("Clicked", 22_380, "5.42 % of shown"),
            ("In basket", 7_588, "33.9 % of clicks"),
            ("Bought", 4_774, "62.9 % of baskets"),
        ],
        apart=[("Ignored", 256_380, "62.1 % of shown")],
    )


def shares() -> graphics.Bars:
    rows = [("under $1", 0.22, 0.15), ("$1 – 2", 0.30, 0.32), ("$2 – 3", 0.25, 0.23), ("over $3", 0.23, 0.30)]
    return graphics.Bars(
        [
            graphics.BarRow(label, graphics.Bar(share * 2, tick=whole * 2), f"{share:.0%}")
            for label, share, whole in rows
        ]
    )


def revenue() -> charts.Chart:
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


def clicks() -> charts.Chart:
    rates: list[float | None] = [0.045 + 0.001 * value for value in _wave(28)]
    return charts.line_chart(
        id="gallery-clicks",
        what="Click rate",
        unit=charts.PERCENT,
        from_zero=False,
        now=charts.Days(date(2017, 12, 4), rates, [(r or 0) - 0.003 for r in rates], [(r or 0) + 0.003 for r in rates]),
    )


def positions() -> charts.Chart:
    return charts.bar_chart(
        id="gallery-positions",
        what="Click rate",
        labels=[str(rank) for rank in range(1, 11)],
        values=[0.089 / rank**0.42 for rank in range(1, 11)],
        unit=charts.PERCENT,
        axis="Position in the list",
    )


def treemap(address: str) -> charts.Chart:
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


def loss() -> charts.Chart:
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
