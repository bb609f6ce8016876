"""Rows → Plotly figures in the console's own style, drawn in the browser by static/js/charts.js.

Colours are names of CSS variables (``--accent``, ``--accent/.07`` with an alpha) or hues (``hue:140``), resolved when
the chart is drawn, so that one figure serves both schemes. A value of None breaks the line: a missing day is no zero.
Every chart carries a sentence that says what it shows, and its numbers as a table.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, ClassVar

from recsite.dashboard import numbers
from recsite.dashboard.tables import Cell, Column, Row, Table

Value = float | None
Figure = dict[str, Any]
Trace = dict[str, Any]

_DASHED = {"color": "--line-2", "width": 1.5, "dash": "4px,4px"}
TREEMAP_WIDTH, LETTER = 540, 5.4  # pixels, about: what an area has no room for is said by its hover and in the table
LABEL_ALL = 12  # bars up to this many carry their value
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
    layout = _layout(unit, height)
    layout["xaxis"] |= _day_axis(now)
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


def bar_chart(
    *,
    id: str,
    what: str,
    labels: Sequence[str],
    values: Sequence[Value],
    unit: Unit = COUNT,
    axis: str = "",
    links: Sequence[str] = (),
    height: int = 240,
) -> Chart:
    """Categories or positions as bars, labelled with their values up to twelve of them.

    Labels of rates leave out the "%" for want of room: the heading above says it ("Click rate by position, %").
    """
    shown = [unit.scaled(value) for value in values]
    trace: Trace = {
        "type": "bar",
        "x": list(labels),
        "y": shown,
        "marker": {"color": "--accent", "line": {"width": 0}},
        "hovertemplate": "%{x}: %{hovertext}<extra></extra>",
        "hovertext": [unit.text(value) for value in values],
    }
    if links:
        trace["customdata"] = list(links)
    if len(labels) <= LABEL_ALL:
        trace |= {"text": [unit.short(value) for value in values], "textposition": "outside", "cliponaxis": False}
        trace |= {"textfont": {"size": 11, "color": "--text-2"}, "textangle": 0, "constraintext": "none"}
    layout = _layout(unit, height) | {"bargap": 0.34, "hovermode": "closest"}
    layout["xaxis"] |= {"type": "category", "title": {"text": axis, "font": {"size": 11}}}
    layout["yaxis"]["rangemode"] = "tozero"
    if len(labels) <= LABEL_ALL:
        layout["yaxis"] |= {"visible": False}
        layout["margin"]["t"] = 24
    return Chart(
        id,
        "bar",
        {"data": [trace], "layout": layout},
        _bars_sentence(what, labels, values, unit),
        _pairs_table(what, axis or "What", labels, values, unit),
        (),
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
    layout = _layout(unit, height) | {"bargap": 0.34, "hovermode": "closest"}
    layout["xaxis"] |= _day_axis(days)
    layout["yaxis"]["rangemode"] = "tozero"
    summary = _days_sentence(what, days, None, unit)
    return Chart(
        id, "bar", {"data": [trace], "layout": layout}, summary, _days_table(what, days, None, unit), (), height
    )


def histogram(
    *,
    id: str,
    what: str,
    edges: Sequence[float],
    counts: Sequence[int],
    axis: str,
    unit: Unit = COUNT,
    height: int = 240,
) -> Chart:
    """Counts between edges (one more edge than counts), which the caller has binned; ``unit`` is the edges' own."""
    labels = [f"{unit.text(low)} {numbers.DASH} {unit.text(high)}" for low, high in itertools.pairwise(edges)]
    made = bar_chart(id=id, what=what, labels=labels, values=list(counts), axis=axis, height=height)
    made.figure["layout"]["bargap"] = 0.06
    return made


@dataclass(frozen=True)
class Area:
    """A part of a treemap: its name, size, hue (see ``tiles.hue_of_category``), a remark and where a click leads."""

    label: str
    value: float
    hue: int
    note: str = ""
    href: str = ""
    key: str = ""
    parent: str = ""


def treemap(*, id: str, what: str, areas: Sequence[Area], unit: Unit = COUNT, height: int = 320) -> Chart:
    """Shares as areas in their categories' hues, each with label, value and share; a click drills in."""
    total = sum(area.value for area in areas if not area.parent) or 1.0
    nested = any(area.parent for area in areas)
    told = [f"{unit.text(area.value, whole=total >= 100)} · {numbers.percent(area.value / total, 0)}" for area in areas]
    notes = [_plain(area.note) for area in areas]
    sides = [(TREEMAP_WIDTH * height * area.value / total) ** 0.5 for area in areas]
    texts = [
        "<br>".join(line for line in (words, note) if line and len(line) * LETTER < side)
        for words, note, side in zip(told, notes, sides, strict=True)
    ]
    trace: Trace = {
        "type": "treemap",
        "labels": [_plain(area.label) for area in areas],  # bold by the style sheet: a tag would be a style attribute
        "ids": [area.key or area.label for area in areas],
        "parents": [area.parent for area in areas],
        "values": [area.value for area in areas],
        "branchvalues": "total",
        "text": texts,
        "textinfo": "label+text",
        "hovertext": ["<br>".join(filter(None, both)) for both in zip(told, notes, strict=True)],
        "hovertemplate": "%{label}<br>%{hovertext}<extra></extra>",
        "customdata": [area.href or None for area in areas],
        "marker": {
            "colors": [f"hue:{area.hue}" for area in areas],
            "line": {"width": 2, "color": "--surface"},
            "pad": {"t": 18 if nested else 0, "l": 0, "r": 0, "b": 0},
        },
        "tiling": {"pad": 2, "packing": "squarify"},
        "pathbar": {"visible": nested, "thickness": 20, "textfont": {"size": 11}},
        "textfont": {"size": 12, "color": "--text"},
        "root": {"color": "--surface"},
    }
    layout = _layout(unit, height)
    for axis in ("xaxis", "yaxis"):
        del layout[axis]
    layout["margin"] = {"l": 0, "r": 0, "t": 0, "b": 0}
    layout["hovermode"] = "closest"
    layout["uniformtext"] = {"minsize": 10, "mode": "hide"}  # or a small area shrinks its words until nobody reads them
    top = sorted((area for area in areas if not area.parent), key=lambda area: -area.value)
    listed = ", ".join(f"{area.label} {numbers.percent(area.value / total, 0)}" for area in top[:3])
    table = _pairs_table(what, "What", [area.label for area in areas], [area.value for area in areas], unit)
    return Chart(id, "treemap", {"data": [trace], "layout": layout}, f"{what}: {listed}.", table, (), height)


@dataclass(frozen=True)
class Curve:
    """A learning curve, one value for each epoch; ``tone`` as in ``LegendKey``."""

    name: str
    values: Sequence[Value]
    tone: str = ""


def curves_chart(
    *,
    id: str,
    what: str,
    curves: Sequence[Curve],
    epochs: int,
    reference: tuple[str, float] | None = None,
    digits: int = 3,
    height: int = 160,
    label_room: int = 24,
    axis: str = "Epoch",
) -> Chart:
    """Learning curves over ``epochs``, each labelled at its end; ``reference`` is a dashed level with its words.

    ``label_room``: pixels right of the last epoch; curves that have reached it need room for their labels.
    """
    data = [_curve(curve) for curve in curves]
    layout = _layout(DECIMAL, height)
    layout["xaxis"] |= {
        "range": [0.6, max(2, epochs) + 0.4],
        "title": {"text": axis, "font": {"size": 11}},
        "nticks": 6,
    }
    layout["margin"]["r"] = label_room
    layout["annotations"] = [_end_label(curve, digits) for curve in curves if _last(curve.values)]
    _spread_labels(layout["annotations"], curves, height)
    if reference is not None:
        words, level = reference
        ends_below = any(last[1] < level for curve in curves if (last := _last(curve.values)))
        layout["shapes"] = [
            {
                "type": "line",
                "xref": "paper",
                "x0": 0,
                "x1": 1,
                "y0": level,
                "y1": level,
                "line": {"color": "--line-2", "width": 1.5, "dash": "4px,4px"},
            }
        ]
        layout["annotations"].append(
            {
                "xref": "paper",
                "x": 1,
                "xanchor": "right",
                "y": level,
                "yanchor": "bottom" if ends_below else "top",
                "showarrow": False,
                "text": _plain(f"{words}: {level:.{digits}f}"),
                "font": {"size": 11, "color": "--text-2"},
            }
        )
    ends = [f"{curve.name} {numbers.decimal(last[1], digits)}" for curve in curves if (last := _last(curve.values))]
    summary = (
        f"{what} by {axis.lower()}; now {', '.join(ends)}." if ends else f"{what}: no {axis.lower()} is finished yet."
    )
    return Chart(
        id, "line", {"data": data, "layout": layout}, summary, _curves_table(what, curves, digits, axis), (), height
    )


def reliability_chart(
    *, id: str, what: str, said: Sequence[float], happened: Sequence[float], counts: Sequence[int], height: int = 240
) -> Chart:
    """What happened (share) beside the probability that was said; on the dashed diagonal both are the same.

    ``counts`` are the pairs in each bin.
    """
    texts = [
        f"said {PERCENT.text(one)}, happened {PERCENT.text(share)} of {numbers.count(count)}"
        for one, share, count in zip(said, happened, counts, strict=True)
    ]
    points: Trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": what,
        "x": [PERCENT.scaled(value) for value in said],
        "y": [PERCENT.scaled(value) for value in happened],
        "line": {"color": "--accent", "width": 2.2},
        "marker": {"color": "--accent", "size": 6},
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
    }
    layout = _layout(PERCENT, height) | {"hovermode": "closest"}
    layout["xaxis"] |= {
        "range": [0, 100],
        "ticksuffix": PERCENT.suffix,
        "title": {"text": "Probability that was said", "font": {"size": 11}},
    }
    layout["yaxis"] |= {"range": [0, 100]}
    layout["shapes"] = [
        {"type": "line", "x0": 0, "x1": 100, "y0": 0, "y1": 100, "line": _DASHED, "layer": "below"},
    ]
    rows = [
        Row([Cell(PERCENT.text(one)), Cell(PERCENT.text(share)), Cell(numbers.count(count))])
        for one, share, count in zip(said, happened, counts, strict=True)
    ]
    columns = [Column("Said", numeric=True), Column("Happened", numeric=True), Column("Pairs", numeric=True)]
    widest = max((abs(one - share) for one, share in zip(said, happened, strict=True)), default=0.0)
    summary = f"{what}: never more than {numbers.points(widest)} off." if said else f"{what}: no data."
    return Chart(id, "line", {"data": [points], "layout": layout}, summary, Table(what, columns, rows), (), height)


# --- Parts -------------------------------------------------------------------------------------------------------


def _layout(unit: Unit, height: int) -> Figure:
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


def _line(dates: Sequence[str], values: Sequence[Value], unit: Unit, *, name: str, previous: bool = False) -> Trace:
    style = {"color": "--line-2", "width": 1.5, "dash": "4px,4px"} if previous else {"color": "--accent", "width": 2.2}
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
                "text": _plain(event.words),
                "font": {"size": 11, "color": "--text-2"},
            }
            for event in events
        ],
    }


def _day_axis(days: Days) -> Figure:
    """Ticks from the first day on: each day of a short range, the same weekday of a longer one, else months."""
    dates = days.dates or [days.first]
    count = (dates[-1] - dates[0]).days + 1  # values may stand for weeks
    axis: Figure = {"type": "date", "tickformat": "%-d %b", "hoverformat": "%-d %b %Y"}
    if count > 70:
        return axis | {"dtick": "M1" if count < 400 else "M3", "tickformat": "%b" if count < 400 else "%b %Y"}
    step = 1 if count <= 7 else 2 if count <= 14 else 7
    return axis | {"tick0": days.first.isoformat(), "dtick": step * 86_400_000}


_TONES = {"": "--accent", "before": "--line-2", "grey": "--line-2", "c2": "--c2", "c3": "--c3", "c4": "--c4"}


def _curve(curve: Curve) -> Trace:
    epochs = list(range(1, len(curve.values) + 1))
    return {
        "type": "scatter",
        "mode": "lines" if len(epochs) > 1 else "markers",
        "name": curve.name,
        "x": epochs,
        "y": list(curve.values),
        "connectgaps": False,
        "line": {"color": _TONES[curve.tone], "width": 2.2},
        "marker": {"color": _TONES[curve.tone], "size": 6},
        "hovertemplate": "%{y:.4f}",
    }


def _last(values: Sequence[Value]) -> tuple[int, float] | None:
    """The last epoch with a value, counted from 1, and the value."""
    return next(((i, value) for i, value in reversed(list(enumerate(values, 1))) if value is not None), None)


def _end_label(curve: Curve, digits: int) -> Figure:
    epoch, value = _last(curve.values) or (1, 0.0)
    tone = _TONES[curve.tone]
    return {
        "x": epoch,
        "y": value,
        "xanchor": "left",
        "yanchor": "middle",
        "xshift": 6,
        "showarrow": False,
        "text": _plain(f"{curve.name} {numbers.decimal(value, digits)}"),
        "font": {"size": 11, "color": "--text-2" if tone == "--line-2" else tone},
    }


def _spread_labels(labels: list[Figure], curves: Sequence[Curve], height: int) -> None:
    """Push end labels at least 13 px apart, keeping their order."""
    values = [value for curve in curves for value in curve.values if value is not None]
    pixels = (height - 50) / ((max(values) - min(values)) or 1.0) if values else 1.0
    placed: float | None = None
    for label in sorted(labels, key=lambda label: label["y"]):
        at = label["y"] * pixels
        shift = 0.0 if placed is None else max(0.0, placed + 13 - at)
        label["yshift"] = round(shift)
        placed = at + shift


def _plain(text: str) -> str:
    """Plotly reads a few HTML tags in its texts; what a shop wrote must not be one."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _days_sentence(what: str, now: Days, before: Days | None, unit: Unit) -> str:
    known = [(value, day) for value, day in zip(now.values, now.dates, strict=True) if value is not None]
    if not known:
        return f"{what}, {now.label}: no data."
    top, top_day = max(known)
    low, low_day = min(known)
    text = f"{what}, {now.label}: from {unit.text(low)} on {numbers.day(low_day, year=False)} "
    text += f"to {unit.text(top)} on {numbers.day(top_day, year=False)}"
    return text + (f", beside {before.label} before." if before is not None and before.values else ".")


def _bars_sentence(what: str, labels: Sequence[str], values: Sequence[Value], unit: Unit) -> str:
    known = [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]
    if not known:
        return f"{what}: no data."
    top, top_label = max(known)
    low, low_label = min(known)
    return f"{what}: most at {top_label} with {unit.text(top)}, least at {low_label} with {unit.text(low)}."


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


def _pairs_table(what: str, axis: str, labels: Sequence[str], values: Sequence[Value], unit: Unit) -> Table:
    rows = [Row([Cell(label), Cell(unit.text(value))]) for label, value in zip(labels, values, strict=True)]
    return Table(what, [Column(axis), Column(what, numeric=True)], rows)


def _curves_table(what: str, curves: Sequence[Curve], digits: int, axis: str) -> Table:
    longest = max([len(curve.values) for curve in curves] + [0])
    rows = [
        Row(
            [Cell(str(epoch + 1))]
            + [
                Cell(numbers.decimal(curve.values[epoch] if epoch < len(curve.values) else None, digits))
                for curve in curves
            ]
        )
        for epoch in range(longest)
    ]
    return Table(what, [Column(axis), *(Column(curve.name, numeric=True) for curve in curves)], rows)
