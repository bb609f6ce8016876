"""One placement, or a new one: its form beside the list that it would make, and what was changed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.http import QueryDict

from recommender import experiments
from recommender.models import Experiment, Placement
from recommender.placements import setup_of
from recsite.dashboard import numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import SIMULATED, Action, Badge, Crumb, Notice, PageHeader, SearchBox, Stat
from recsite.dashboard.pages import (
    placement_fields,
    placement_history,
    placement_onlooker,
    placement_results,
    placement_trial,
)
from recsite.dashboard.pages.placement_fields import Fields
from recsite.dashboard.pages.placement_history import Change
from recsite.dashboard.pages.placement_trial import Trial
from recsite.dashboard.pages.placements import rules_text
from recsite.dashboard.placement_forms import Entries, Read, entries_of
from recsite.dashboard.preview import Wish
from recsite.dashboard.queries import placements as queries
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class PlacementPage:
    """The form with its errors, the trial, figures and history. ``can_edit`` False: the form is for reading."""

    header: PageHeader
    is_new: bool
    can_edit: bool
    action_url: str
    seen: str
    form: Fields
    shopper: SearchBox
    anchor: SearchBox
    trial: Trial
    figures: Sequence[Stat]
    figures_note: str
    simulated: Badge | None
    rules: str
    rules_href: str
    history: Sequence[Change]
    notices: Sequence[Notice]


def entries(placement: Placement) -> Entries:
    """The form of a placement as it is."""
    return entries_of(setup_of(placement), slug=placement.slug, seen=placement.updated_at.isoformat())


def read_trial(data: QueryDict) -> dict[str, str]:
    """Whose list the trial shows, as the preview page names it."""
    return {name.removeprefix("preview_"): data.get(name, "") for name in data if name.startswith("preview_")}


def build(
    placement: Placement | None,
    found: Read,
    onlooker: Mapping[str, str],
    shop: Shop,
    *,
    permissions: frozenset[str],
    notices: Sequence[Notice] = (),
    tried: bool = False,
) -> PlacementPage:
    """``placement`` None: a new one. ``tried``: it was to be saved, so that errors stand at their fields."""
    typed, errors = found.entries, found.errors if tried else {}
    may_edit = roles.EDIT_PLACEMENTS in permissions
    running = experiments.running_on(placement.slug) if placement else None
    wish, told = placement_onlooker.read_onlooker(onlooker, shop)
    results = placement_results.results()
    came = results.rows.get(placement.slug) if placement else None
    rules = queries.of_placement(queries.live_rules(), placement.slug) if placement else ()
    return PlacementPage(
        header=_header(placement, wish, may_edit, running),
        is_new=placement is None,
        can_edit=may_edit and running is None,
        action_url=page("placement", placement.slug) if placement else page("placement-new"),
        seen=typed.seen,
        form=placement_fields.build(typed, errors, is_new=placement is None, currency=shop.currency),
        shopper=placement_onlooker.shopper_box(wish.shopper, prefix="preview_", submit=False),
        anchor=placement_onlooker.anchor_box(wish, prefix="preview_", submit=False),
        trial=placement_trial.build(placement, found, wish, shop),
        figures=placement_results.figures(came, shop) if came and came.counts.has_data else (),
        figures_note=results.text,
        simulated=SIMULATED if results.simulated else None,
        rules=rules_text(rules),
        rules_href=page("rules", placement=placement.slug) if placement else "",
        history=placement_history.build(placement, shop) if placement else (),
        notices=[*_standing_still(running), *notices, *told, *_summary(errors)],
    )


def _header(placement: Placement | None, wish: Wish, may_edit: bool, running: Experiment | None) -> PageHeader:
    crumbs = [Crumb("Placements", page("placements"))]
    if placement is None:
        return PageHeader("New placement", "A slot of the shop under a name of its own.", crumbs=crumbs)
    seen = replace(wish, placement=placement)
    actions = [
        Action("Preview", placement_onlooker.preview_href(seen) if placement.is_active else ""),
        Action("Feedback", page("feedback", placement=placement.slug)),
        Action("Add a rule", page("rule-new", placement=placement.slug) if may_edit else ""),
        _experiment(placement, may_edit, running),
    ]
    if may_edit and running is None and not placement.is_builtin:
        actions.append(Action("Delete", page("placement-delete", placement.slug), "danger", post=True))
    return PageHeader(
        placement.title,
        f"{placement.slug} in the API · {'built in' if placement.is_builtin else 'your own'}",
        actions=linked(*actions),
        badge=_badge(placement, running),
        crumbs=crumbs,
    )


def _badge(placement: Placement, running: Experiment | None) -> Badge | None:
    if running is not None:
        return Badge("experiment runs", "accent", page("experiment", running.slug))
    return None if placement.is_active else Badge("off", "warn")


def _experiment(placement: Placement, may_edit: bool, running: Experiment | None) -> Action:
    """To the experiment that runs here, else to a new one."""
    if running is not None:
        return Action("Experiment", page("experiment", running.slug))
    may_start = may_edit and placement.is_active
    return Action("Try another setup", page("experiment-new", placement=placement.slug) if may_start else "")


def _standing_still(running: Experiment | None) -> list[Notice]:
    if running is None:
        return []
    text = (
        f"“{running.title}” runs here: {running.share}{numbers.THIN}% of the shoppers get another setup than the one "
        "below. What is compared must not change meanwhile, so nothing can be saved before it is ended."
    )
    action = Action("Open the experiment", page("experiment", running.slug), small=True)
    return [Notice("This placement stands still.", text, "info", [action])]


def _summary(errors: Mapping[str, str]) -> list[Notice]:
    if not errors:
        return []
    return [Notice("Nothing was saved.", " ".join(errors.values()), "bad")]
