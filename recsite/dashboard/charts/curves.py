"""Learning curves, and what was said beside what happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recsite.dashboard import numbers
from recsite.dashboard.charts.figures import (
    DASHED,
    DECIMAL,
    PERCENT,
    Chart,
    Figure,
    Trace,
    Value,
    layout_of,
    plain,
)
from recsite.dashboard.tables import Cell, Column, Row, Table


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
    layout = layout_of(DECIMAL, height)
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
                "line": DASHED,
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
                "text": plain(f"{words}: {level:.{digits}f}"),
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
    layout = layout_of(PERCENT, height) | {"hovermode": "closest"}
    layout["xaxis"] |= {
        "range": [0, 100],
        "ticksuffix": PERCENT.suffix,
        "title": {"text": "Probability that was said", "font": {"size": 11}},
    }
    layout["yaxis"] |= {"range": [0, 100]}
    layout["shapes"] = [
        {"type": "line", "x0": 0, "x1": 100, "y0": 0, "y1": 100, "line": DASHED, "layer": "below"},
    ]
    rows = [
        Row([Cell(PERCENT.text(one)), Cell(PERCENT.text(share)), Cell(numbers.count(count))])
        for one, share, count in zip(said, happened, counts, strict=True)
    ]
    columns = [Column("Said", numeric=True), Column("Happened", numeric=True), Column("Pairs", numeric=True)]
    widest = max((abs(one - share) for one, share in zip(said, happened, strict=True)), default=0.0)
    summary = f"{what}: never more than {numbers.points(widest)} off." if said else f"{what}: no data."
    return Chart(id, "line", {"data": [points], "layout": layout}, summary, Table(what, columns, rows), (), height)


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
        "text": plain(f"{curve.name} {numbers.decimal(value, digits)}"),
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
