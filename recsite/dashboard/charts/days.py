"""Days as lines and bars; a day without a value breaks the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from recsite.dashboard import numbers
from recsite.dashboard.charts.figures import (
    COUNT,
    DASHED,
    Chart,
    Figure,
    LegendKey,
    Trace,
    Unit,
    Value,
    layout_of,
    plain,
)
from recsite.dashboard.tables import Cell, Column, Row, Table


@dataclass(frozen=True)
class Event:
    """A vertical hairline with words: a model promoted, a rule gone live."""

    at: date
    words: str


@dataclass(frozen=True)
class Days:
    """One value for each day from ``first`` on; None where there is none."""

    first: date
    values: Sequence[Value]
    low: Sequence[Value] = field(default=())  # an interval's bounds, one for each day
    high: Sequence[Value] = field(default=())

    @property
    def dates(self) -> list[date]:
        return [self.first + timedelta(days=index) for index in range(len(self.values))]

    @property
    def label(self) -> str:
        dates = self.dates or [self.first]
        return numbers.date_range(dates[0], dates[-1], year=False)


def line_chart(
    *,
    id: str,
    what: str,
    now: Days,
    before: Days | None = None,
    unit: Unit = COUNT,
    events: Sequence[Event] = (),
    from_zero: bool = True,
    height: int = 240,
) -> Chart:
    """Days as a line; ``before`` dashed, shifted onto the same days; ``now``'s bounds as a band.

    ``what`` names the values ("Attributed revenue"). Counts start at 0; rates may zoom (``from_zero`` False).
    """
    dates = [day.isoformat() for day in now.dates]
    data: list[Trace] = []
    if now.low and now.high:
        data += _band(dates, now, unit)
    if before is not None and before.values:
        data.append(_line(dates, before.values[: len(dates)], unit, name=before.label, previous=True))
    if from_zero and not now.low:
        data += _fill(dates, now.values, unit)
    data.append(_line(dates, now.values, unit, name=now.label))
    layout = layout_of(unit, height)
    layout["xaxis"] |= day_axis(now)
    if from_zero:
        layout["yaxis"]["rangemode"] = "tozero"
    layout |= _event_marks(events)
    keys = [LegendKey(now.label + (", 95 % band" if now.low else ""))]
    keys += [LegendKey(before.label, "before")] if before is not None and before.values else []
    return Chart(
        id,
        "line",
        {"data": data, "layout": layout},
        _days_sentence(what, now, before, unit),
        _days_table(what, now, before, unit),
        keys,
        height,
    )


def day_bars(*, id: str, what: str, days: Days, unit: Unit = COUNT, height: int = 160) -> Chart:
    """Days as bars, for what happens on some days only (baskets, lines imported)."""
    trace: Trace = {
        "type": "bar",
        "x": [day.isoformat() for day in days.dates],
        "y": [unit.scaled(value) for value in days.values],
        "marker": {"color": "--accent", "line": {"width": 0}},
        "hovertext": [unit.text(value) for value in days.values],
        "hovertemplate": "%{x|%-d %b %Y}: %{hovertext}<extra></extra>",
    }
    layout = layout_of(unit, height) | {"bargap": 0.34, "hovermode": "closest"}
    layout["xaxis"] |= day_axis(days)
    layout["yaxis"]["rangemode"] = "tozero"
    summary = _days_sentence(what, days, None, unit)
    return Chart(
        id, "bar", {"data": [trace], "layout": layout}, summary, _days_table(what, days, None, unit), (), height
    )


def _line(dates: Sequence[str], values: Sequence[Value], unit: Unit, *, name: str, previous: bool = False) -> Trace:
    style = DASHED if previous else {"color": "--accent", "width": 2.2}
    trace: Trace = {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(dates[: len(values)]),
        "y": [unit.scaled(value) for value in values],
        "connectgaps": False,
        "line": style,
        "text": [unit.text(value) for value in values],
        "hovertemplate": "%{text}",
    }
    if sum(value is not None for value in values) == 1:
        trace |= {"mode": "lines+markers", "marker": {"size": 6, "color": style["color"]}}
    return trace


def _band(dates: Sequence[str], days: Days, unit: Unit) -> list[Trace]:
    """Two invisible lines with the ground between them coloured; one pair for each run of days without a gap."""
    traces: list[Trace] = []
    for start, stop in _runs(days.low, days.high):
        common = {
            "type": "scatter",
            "mode": "lines",
            "x": list(dates[start:stop]),
            "hoverinfo": "skip",
            "line": {"width": 0},
        }
        traces.append({**common, "y": [unit.scaled(value) for value in days.low[start:stop]]})
        traces.append(
            {
                **common,
                "y": [unit.scaled(value) for value in days.high[start:stop]],
                "fill": "tonexty",
                "fillcolor": "--accent/.13",
            }
        )
    return traces


def _fill(dates: Sequence[str], values: Sequence[Value], unit: Unit) -> list[Trace]:
    """The ground beneath a line, one piece for each run of days: one for all would paint over a missing day."""
    return [
        {
            "type": "scatter",
            "mode": "lines",
            "x": list(dates[start:stop]),
            "hoverinfo": "skip",
            "line": {"width": 0},
            "y": [unit.scaled(value) for value in values[start:stop]],
            "fill": "tozeroy",
            "fillcolor": "--accent/.07",
        }
        for start, stop in _runs(values, values)
    ]


def _runs(low: Sequence[Value], high: Sequence[Value]) -> list[tuple[int, int]]:
    known = [bottom is not None and top is not None for bottom, top in zip(low, high, strict=True)]
    runs, start = [], None
    for index, is_known in enumerate([*known, False]):
        if is_known and start is None:
            start = index
        elif not is_known and start is not None:
            runs.append((start, index))
            start = None
    return runs


def _event_marks(events: Sequence[Event]) -> Figure:
    return {
        "shapes": [
            {
                "type": "line",
                "x0": event.at.isoformat(),
                "x1": event.at.isoformat(),
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"color": "--line-2", "width": 1},
            }
            for event in events
        ],
        "annotations": [
            {
                "x": event.at.isoformat(),
                "yref": "paper",
                "y": 1,
                "xanchor": "left",
                "yanchor": "top",
                "xshift": 4,
                "showarrow": False,
                "text": plain(event.words),
                "font": {"size": 11, "color": "--text-2"},
            }
            for event in events
        ],
    }


def day_axis(days: Days) -> Figure:
    """Ticks from the first day on: each day of a short range, the same weekday of a longer one, else months."""
    dates = days.dates or [days.first]
    count = (dates[-1] - dates[0]).days + 1  # values may stand for weeks
    axis: Figure = {"type": "date", "tickformat": "%-d %b", "hoverformat": "%-d %b %Y"}
    if count > 70:
        return axis | {"dtick": "M1" if count < 400 else "M3", "tickformat": "%b" if count < 400 else "%b %Y"}
    step = 1 if count <= 7 else 2 if count <= 14 else 7
    return axis | {"tick0": days.first.isoformat(), "dtick": step * 86_400_000}


def _days_sentence(what: str, now: Days, before: Days | None, unit: Unit) -> str:
    known = [(value, day) for value, day in zip(now.values, now.dates, strict=True) if value is not None]
    if not known:
        return f"{what}, {now.label}: no data."
    top, top_day = max(known)
    low, low_day = min(known)
    text = f"{what}, {now.label}: from {unit.text(low)} on {numbers.day(low_day, year=False)} "
    text += f"to {unit.text(top)} on {numbers.day(top_day, year=False)}"
    return text + (f", beside {before.label} before." if before is not None and before.values else ".")


def _days_table(what: str, now: Days, before: Days | None, unit: Unit) -> Table:
    columns = [Column("Day"), Column(what, numeric=True)]
    columns += [Column("Interval", numeric=True)] if now.low else []
    columns += [Column(before.label, numeric=True)] if before is not None else []
    rows = []
    for index, (day, value) in enumerate(zip(now.dates, now.values, strict=True)):
        cells = [Cell(numbers.day(day)), Cell(unit.text(value))]
        if now.low:
            cells.append(Cell(f"{unit.text(now.low[index])} {numbers.DASH} {unit.text(now.high[index])}"))
        if before is not None:
            cells.append(Cell(unit.text(before.values[index] if index < len(before.values) else None)))
        rows.append(Row(cells))
    return Table(what, columns, rows)
