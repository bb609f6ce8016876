"""What every chart is made of: the figure with its sentence and its table, units, and the console's own style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from recsite.dashboard import numbers
from recsite.dashboard.tables import Cell, Column, Row, Table

Value = float | None
Figure = dict[str, Any]
Trace = dict[str, Any]
DASHED = {"color": "--line-2", "width": 1.5, "dash": "4px,4px"}
FONT = '"Inter Variable", system-ui, sans-serif'


@dataclass(frozen=True)
class LegendKey:
    """A line of the legend; ``tone``: "" (accent), before, c2, c3, c4 or grey."""

    label: str
    tone: str = ""


@dataclass(frozen=True)
class Chart:
    """A figure to draw, what it says in one sentence, and its numbers."""

    template: ClassVar[str] = "partials/chart.html"
    id: str
    kind: str  # line, bar, treemap …
    figure: Figure
    summary: str
    data: Table
    legend: Sequence[LegendKey] = ()
    height: int = 240  # pixels: 160, 240 or 320

    @property
    def figure_id(self) -> str:
        return f"{self.id}-figure"


@dataclass(frozen=True)
class Legend:
    """A chart's legend where it stands apart, in a card's header."""

    template: ClassVar[str] = "partials/legend.html"
    keys: Sequence[LegendKey]


@dataclass(frozen=True)
class Unit:
    """How a chart's values are written: ticks by d3 format with prefix and suffix, cells by ``numbers``."""

    kind: str = "count"  # count, money, percent, decimal
    currency: str = "USD"

    @property
    def prefix(self) -> str:
        return numbers.SYMBOLS.get(self.currency, "") if self.kind == "money" else ""

    @property
    def suffix(self) -> str:
        if self.kind == "percent":
            return f"{numbers.THIN}%"
        return f"{numbers.THIN}{self.currency}" if self.kind == "money" and not self.prefix else ""

    @property
    def tick_format(self) -> str:
        return {"percent": ",.3~g", "decimal": ",.3~g"}.get(self.kind, ",.3~s")

    def scaled(self, value: Value) -> Value:
        """Fractions are drawn as per cent."""
        return value if value is None or self.kind != "percent" else value * 100

    def short(self, value: Value) -> str:
        """As little as a label over a bar needs; the unit is in the heading."""
        if value is None:
            return ""
        return numbers.decimal(value * 100, 1) if self.kind == "percent" else self.text(value)

    def text(self, value: Value, *, whole: bool = False) -> str:
        if value is None:
            return "no data"
        if self.kind == "money":
            return numbers.money(value, self.currency, whole=whole)
        if self.kind == "percent":
            return numbers.percent(value)
        return numbers.decimal(value, 3 if abs(value) < 10 else 1) if self.kind == "decimal" else numbers.count(value)


COUNT, PERCENT, DECIMAL = Unit(), Unit("percent"), Unit("decimal")


def layout_of(unit: Unit, height: int) -> Figure:
    axis = {"automargin": True, "zeroline": False, "showline": False, "tickfont": {"size": 11, "color": "--text-3"}}
    return {
        "height": height,
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 12, "color": "--text-2"},
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": "--surface",
            "bordercolor": "--line",
            "font": {"size": 12, "color": "--text", "family": FONT},
        },
        "xaxis": {**axis, "showgrid": False, "fixedrange": True, "ticks": "", "ticklabelstandoff": 4},
        "yaxis": {
            **axis,
            "gridcolor": "--line",
            "gridwidth": 1,
            "nticks": 4 if height < 200 else 5,
            "ticklabelstandoff": 6,
            "fixedrange": True,
            "tickprefix": unit.prefix,
            "ticksuffix": unit.suffix,
            "tickformat": unit.tick_format,
        },
    }


def pairs_table(what: str, axis: str, labels: Sequence[str], values: Sequence[Value], unit: Unit) -> Table:
    rows = [Row([Cell(label), Cell(unit.text(value))]) for label, value in zip(labels, values, strict=True)]
    return Table(what, [Column(axis), Column(what, numeric=True)], rows)


def plain(text: str) -> str:
    """Plotly reads a few HTML tags in its texts; what a shop wrote must not be one."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
