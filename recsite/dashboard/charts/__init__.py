"""Rows → Plotly figures in the console's own style, drawn in the browser by static/js/charts.js.

Colours are names of CSS variables (``--accent``, ``--accent/.07`` with an alpha) or hues (``hue:140``), resolved when
the chart is drawn, so that one figure serves both schemes. A value of None breaks the line: a missing day is no zero.
Every chart carries a sentence that says what it shows, and its numbers as a table.
"""

from recsite.dashboard.charts.arms import arms_chart
from recsite.dashboard.charts.bars import bar_chart, histogram
from recsite.dashboard.charts.curves import Curve, curves_chart, reliability_chart
from recsite.dashboard.charts.days import Days, Event, day_bars, line_chart
from recsite.dashboard.charts.figures import (
    COUNT,
    DECIMAL,
    PERCENT,
    Chart,
    Figure,
    Legend,
    LegendKey,
    Trace,
    Unit,
    Value,
)
from recsite.dashboard.charts.treemaps import Area, treemap

__all__ = [
    "COUNT",
    "DECIMAL",
    "PERCENT",
    "Area",
    "Chart",
    "Curve",
    "Days",
    "Event",
    "Figure",
    "Legend",
    "LegendKey",
    "Trace",
    "Unit",
    "Value",
    "arms_chart",
    "bar_chart",
    "curves_chart",
    "day_bars",
    "histogram",
    "line_chart",
    "reliability_chart",
    "treemap",
]
