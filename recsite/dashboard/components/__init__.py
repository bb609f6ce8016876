"""What the console is built of: one frozen dataclass for each component, with the template that draws it.

A page's dataclass holds these; its template writes ``{% show page.stats %}``. Nothing else need be passed.
Tiles are in ``tiles``, tables in ``tables``, lists of tiles in ``lists``, reasons and timelines in ``evidence``,
bars and lines in ``graphics``, Plotly charts in ``charts``, date ranges in ``ranges``.
"""

from recsite.dashboard.components.acts import Action, Copy, Dialog, Segment, Segments, Submit, Tabs, Toast
from recsite.dashboard.components.fields import Checks, Field, FilterBar, Option, Select, any_or_one
from recsite.dashboard.components.figures import Fact, Facts, Stat, StatStrip
from recsite.dashboard.components.headers import Crumb, PageHeader
from recsite.dashboard.components.marks import (
    SIMULATED,
    Badge,
    Component,
    Delta,
    ReasonChip,
    State,
    delta_of_counts,
    delta_of_rates,
    is_noise,
    noise_of,
)
from recsite.dashboard.components.notices import EmptyState, Finding, Findings, Nothing, Notice
from recsite.dashboard.components.searching import SearchBox, SearchGroup, SearchOption, SearchResults, pieces
from recsite.dashboard.components.waiting import Later, Progress, Step, time_left

__all__ = [
    "SIMULATED",
    "Action",
    "Badge",
    "Checks",
    "Component",
    "Copy",
    "Crumb",
    "Delta",
    "Dialog",
    "EmptyState",
    "Fact",
    "Facts",
    "Field",
    "FilterBar",
    "Finding",
    "Findings",
    "Later",
    "Nothing",
    "Notice",
    "Option",
    "PageHeader",
    "Progress",
    "ReasonChip",
    "SearchBox",
    "SearchGroup",
    "SearchOption",
    "SearchResults",
    "Segment",
    "Segments",
    "Select",
    "Stat",
    "StatStrip",
    "State",
    "Step",
    "Submit",
    "Tabs",
    "Toast",
    "any_or_one",
    "delta_of_counts",
    "delta_of_rates",
    "is_noise",
    "noise_of",
    "pieces",
    "time_left",
]
