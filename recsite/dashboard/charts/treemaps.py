"""Shares as areas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recsite.dashboard import numbers
from recsite.dashboard.charts.figures import COUNT, Chart, Trace, Unit, layout_of, pairs_table, plain

TREEMAP_WIDTH, LETTER = 540, 5.4  # pixels, about: what an area has no room for is said by its hover and in the table


@dataclass(frozen=True)
class Area:
    """A part of a treemap: its name, size, hue (see ``departments.department``), a remark and where a click leads."""

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
    notes = [plain(area.note) for area in areas]
    sides = [(TREEMAP_WIDTH * height * area.value / total) ** 0.5 for area in areas]
    texts = [
        "<br>".join(line for line in (words, note) if line and len(line) * LETTER < side)
        for words, note, side in zip(told, notes, sides, strict=True)
    ]
    trace: Trace = {
        "type": "treemap",
        "labels": [plain(area.label) for area in areas],  # bold by the style sheet: a tag would be a style attribute
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
    layout = layout_of(unit, height)
    for axis in ("xaxis", "yaxis"):
        del layout[axis]
    layout["margin"] = {"l": 0, "r": 0, "t": 0, "b": 0}
    layout["hovermode"] = "closest"
    layout["uniformtext"] = {"minsize": 10, "mode": "hide"}  # or a small area shrinks its words until nobody reads them
    top = sorted((area for area in areas if not area.parent), key=lambda area: -area.value)
    listed = ", ".join(f"{area.label} {numbers.percent(area.value / total, 0)}" for area in top[:3])
    table = pairs_table(what, "What", [area.label for area in areas], [area.value for area in areas], unit)
    return Chart(id, "treemap", {"data": [trace], "layout": layout}, f"{what}: {listed}.", table, (), height)
