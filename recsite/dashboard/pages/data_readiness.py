"""Can each strategy work with the data that arrives?"""

from __future__ import annotations

from collections.abc import Sequence

from recommender.models import Placement
from recommender.readiness import Readiness
from recsite.dashboard import numbers
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Badge
from recsite.dashboard.graphics import Bar
from recsite.dashboard.placement_words import STRATEGIES
from recsite.dashboard.readiness import TONES, Checked
from recsite.dashboard.tables import Cell, Column, Row, Table


def readiness_table(checked: Checked) -> Table:
    """A line for each strategy: how ready it is, why, and where to mend it."""
    used: dict[str, list[str]] = {}
    for title, strategy in Placement.objects.filter(is_active=True).values_list("title", "strategy"):
        used.setdefault(strategy, []).append(title)
    columns = [
        Column("Strategy"),
        Column("Readiness", wide=True),
        Column("Share", numeric=True),
        Column("State", wide=True),
        Column("Why"),
        Column("Mend it", wide=True, unseen=True),
    ]
    rows = [
        _readiness_row(name, title, checked.strategies[name], used.get(name, []))
        for name, (title, _) in STRATEGIES.items()
        if name in checked.strategies
    ]
    return Table("Readiness by strategy", columns, rows, id="readiness")


def _readiness_row(name: str, title: str, found: Readiness, placements: Sequence[str]) -> Row:
    tone = TONES[found.state]
    mend = _mend(name, found)
    note = f"in {', '.join(placements)}" if placements else "in no placement"
    return Row(
        id=f"ready-{name}",
        cells=[
            Cell(title, note=note),
            Cell(Bar(max(found.share, 0.01), tone)),
            Cell(numbers.percent(found.share, 0)),
            Cell(Badge(found.state, tone)),
            Cell(found.words, note=" ".join(found.causes)),
            Cell(mend.label, href=mend.href) if mend else Cell(""),
        ],
    )


def _mend(name: str, found: Readiness) -> Action | None:
    """The one click to where the cause is mended, where there is one."""
    if found.state == "ready":
        return None
    words = " ".join((found.words, *found.causes))
    if "model" in words or "profile" in words:
        return next(iter(linked(Action("Train a model", page("models")))), None)
    if "ever arrived" in words or "views" in words or "purchases" in words:
        return Action("Post events", page("docs"))
    return None
