"""The feedback page's filters and choices."""

from __future__ import annotations

from collections.abc import Mapping

from recsite.dashboard.addresses import changed, page
from recsite.dashboard.components import FilterBar, Segment, Segments, Select, any_or_one
from recsite.dashboard.pages import feedback_tables
from recsite.dashboard.pages.feedback_asked import Asked
from recsite.dashboard.pages.feedback_tables import Naming
from recsite.dashboard.queries import feedback as queries

SOURCES = {"api": "Real shoppers only", "simulator": "Simulated only"}


def filters(asked: Asked, choices: queries.Choices, naming: Naming) -> FilterBar:
    """What one may narrow by, and the way back to everything."""
    params = asked.params
    keep = {key: params[key] for key in ("from", "to", "compare", "split", "sort", "trend") if params.get(key)}
    runs = {str(run): naming.of("run", str(run)) for run in choices.runs}
    segments = {name or feedback_tables.NOTHING: naming.of("segment", name) for name in choices.segments}
    selects = [
        _select("placement", "Placement", "All placements", naming.names.placements, params),
        _select("run", "Model", "All models", runs, params),
        _select("segment", "Segment", "All segments", segments, params),
    ]
    if "simulator" in choices.sources:
        selects.append(_select("source", "Source", "Real and simulated", SOURCES, params))
    if asked.scope.part:
        name, key = asked.scope.part
        chosen = {key or feedback_tables.NOTHING: naming.of(name, key)}
        every = f"Any {feedback_tables.TITLES[name].lower()}"
        selects.append(_select(name, feedback_tables.TITLES[name], every, chosen, params))
    return FilterBar(
        action=page("feedback"),
        selects=selects,
        clear_href=changed(keep) if asked.narrowed else "",
        keep=keep,
        search=False,
    )


def _select(name: str, label: str, anything: str, choices: Mapping[str, str], params: Mapping[str, str]) -> Select:
    """A value that the address has and the shop does not stays visible: it is why nothing is found."""
    value = params.get(name, "")
    known = {**choices, value: value} if value and value not in choices else choices
    return any_or_one(name, label, anything, known, value)


def choice(label: str, asked: Asked, name: str, choices: Mapping[str, str], current: str) -> Segments:
    """One of several views of the page, each a link that keeps the rest of the address; another split sorts anew."""
    clear = {"sort": ""} if name == "split" else {}
    items = [
        Segment(text, changed(asked.params, **{name: key, **clear}), key == current) for key, text in choices.items()
    ]
    return Segments(label, items)


def splits(asked: Asked) -> dict[str, str]:
    """What this part of the lists can be split by, with its words."""
    return {key: text for key, text in feedback_tables.TITLES.items() if key in asked.scope.splits}
