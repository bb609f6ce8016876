"""Two arms of an experiment as lines over the same days: A grey, B in the accent, as lists side by side are marked."""

from __future__ import annotations

from recsite.dashboard import numbers
from recsite.dashboard.charts.days import Days, day_axis
from recsite.dashboard.charts.figures import COUNT, Chart, LegendKey, Trace, Unit, layout_of
from recsite.dashboard.tables import Cell, Column, Row, Table

_STYLES = {"A": {"color": "--line-2", "width": 2.2}, "B": {"color": "--accent", "width": 2.2}}


def arms_chart(*, id: str, what: str, a: Days, b: Days, unit: Unit = COUNT, height: int = 240) -> Chart:
    """Both begin on the same day and are equally long; a day without a value breaks its line."""
    layout = layout_of(unit, height)
    layout["xaxis"] |= day_axis(a)
    layout["yaxis"]["rangemode"] = "tozero"
    data = [_line("A", a, unit), _line("B", b, unit)]
    keys = [LegendKey("A", "grey"), LegendKey("B")]
    return Chart(
        id,
        "line",
        {"data": data, "layout": layout},
        _sentence(what, a, b, unit),
        _table(what, a, b, unit),
        keys,
        height,
    )


def _line(mark: str, days: Days, unit: Unit) -> Trace:
    """With a dot on each day: the first days of an experiment are few."""
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": mark,
        "x": [day.isoformat() for day in days.dates],
        "y": [unit.scaled(value) for value in days.values],
        "connectgaps": False,
        "line": _STYLES[mark],
        "marker": {"size": 6, "color": _STYLES[mark]["color"]},
        "text": [unit.text(value) for value in days.values],
        "hovertemplate": f"{mark} %{{text}}<extra></extra>",
    }


def _sentence(what: str, a: Days, b: Days, unit: Unit) -> str:
    spans = [_span(mark, days, unit) for mark, days in (("A", a), ("B", b))]
    return f"{what}, {a.label}: {'; '.join(spans)}."


def _span(mark: str, days: Days, unit: Unit) -> str:
    known = [value for value in days.values if value is not None]
    return f"{mark} from {unit.text(min(known))} to {unit.text(max(known))}" if known else f"{mark} no data"


def _table(what: str, a: Days, b: Days, unit: Unit) -> Table:
    columns = [Column("Day"), Column("A", numeric=True), Column("B", numeric=True)]
    rows = [
        Row([Cell(numbers.day(day)), Cell(unit.text(one)), Cell(unit.text(other))])
        for day, one, other in zip(a.dates, a.values, b.values, strict=True)
    ]
    return Table(what, columns, rows)
