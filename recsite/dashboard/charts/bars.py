"""Categories, positions and binned counts as bars."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from recsite.dashboard import numbers
from recsite.dashboard.charts.figures import COUNT, Chart, Trace, Unit, Value, layout_of, pairs_table

LABEL_ALL = 12  # bars up to this many carry their value


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
    layout = layout_of(unit, height) | {"bargap": 0.34, "hovermode": "closest"}
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
        pairs_table(what, axis or "What", labels, values, unit),
        (),
        height,
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


def _bars_sentence(what: str, labels: Sequence[str], values: Sequence[Value], unit: Unit) -> str:
    known = [(value, label) for value, label in zip(values, labels, strict=True) if value is not None]
    if not known:
        return f"{what}: no data."
    top, top_label = max(known)
    low, low_label = min(known)
    return f"{what}: most at {top_label} with {unit.text(top)}, least at {low_label} with {unit.text(low)}."
