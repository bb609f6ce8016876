"""The conflicts of all rules, above their list: what is in each other's way, what solves it, what was meant so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recommender import acceptance, state
from recommender.conflicts import REMARKS
from recommender.models import AcceptedOverlap, Rule
from recsite.dashboard import navigation, numbers, rule_fixes
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Notice
from recsite.dashboard.pages.rules_scene import Scene
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_fixes import Fix, Told


@dataclass(frozen=True)
class Found:
    """``open``: to be solved, those of live rules alone first; ``meant``: accepted as intended, with who and when."""

    open: Sequence[Told] = ()
    meant: Sequence[tuple[Told, AcceptedOverlap]] = ()


def find(scene: Scene) -> Found:
    """Of what is live and of the drafts; a paused or ended rule is in nobody's way."""
    rows = [row for row in scene.rows if row.status in (Rule.Status.LIVE, Rule.Status.DRAFT)]
    awake = [scene.compiled[row.pk] for row in rows if row.pk in scene.compiled]
    if not awake:
        return Found()
    found = rule_fixes.find(
        awake,
        state.current(),
        queries.placement_sizes(),
        scene.names,
        at=scene.now.timestamp(),
        drafts=[row.pk for row in rows if row.status == Rule.Status.DRAFT],
    )
    return split(found, rows, live={row.pk for row in rows if row.status == Rule.Status.LIVE})


def split(found: Sequence[Told], rows: Sequence[Rule], *, live: set[int]) -> Found:
    """What is open and what somebody meant, by how ``rows`` read."""
    accepted = acceptance.accepted(acceptance.reads_of(rows))
    rows_of = [(one, accepted.get(acceptance.key_of(one.conflict))) for one in found]
    still = [one for one, row in rows_of if row is None]
    return Found(sorted(still, key=lambda one: not set(one.rules) <= live), [(one, row) for one, row in rows_of if row])


def count(found: Found, scene: Scene) -> None:
    """The amber number in the navigation: those of live rules, as on the overview."""
    live = {row.pk for row in scene.rows if row.status == Rule.Status.LIVE}
    open_now = sum(set(one.rules) <= live for one in found.open)
    navigation.set_counts({**navigation.counts(), "rules": open_now})


def notices(found: Found, scene: Scene, can_edit: bool) -> list[Notice]:
    """Open ones in amber, then those that were meant."""
    return [
        *(_notice(one, scene, can_edit) for one in found.open),
        *(meant_notice(one, row, can_edit=can_edit) for one, row in found.meant),
    ]


def meant_notice(told: Told, row: AcceptedOverlap, *, can_edit: bool) -> Notice:
    """Accepted by whom and when, and the way back."""
    back = Action("Name it again", _address("overlap-withdraw", told), "quiet", post=True, small=True)
    by = row.by.get_username() if row.by else "somebody who is no more"
    said = f"Accepted as meant by {by}, {numbers.moment(row.at)}."
    return Notice(told.title, f"{told.text} {said}", "grey", [back] if can_edit else [])


def _notice(told: Told, scene: Scene, can_edit: bool) -> Notice:
    """At most three ways out: what solves it or that it is meant, then pausing or opening one of the rules."""
    rows = {row.pk: row for row in scene.rows}
    involved = [rows[one] for one in told.rules]
    actions: list[Action] = []
    if can_edit:
        actions += [_fix(fix, rows[fix.rule]) for fix in told.fixes[:2]]
        if told.conflict.code in REMARKS:
            actions.append(Action("It is meant so", _address("overlap-accept", told), post=True, small=True))
        pauses = [_pause(row, kind="quiet" if actions else "default") for row in involved if row.status == "live"]
        actions += pauses[: 3 - len(actions)]
    actions += [
        Action(f"Open “{row.name}”", page("rule", row.pk), "quiet", small=True) for row in involved[: 3 - len(actions)]
    ]
    return Notice(told.title, told.text, "warn", actions)


def _address(name: str, told: Told) -> str:
    code, rules = acceptance.key_of(told.conflict)
    return page(name, code, "-".join(map(str, rules)))


def _fix(fix: Fix, row: Rule) -> Action:
    fields = {"do": fix.do, "value": fix.value, "seen": str(row.version)}
    return Action(fix.label, page("rule-fix", row.pk), post=True, small=True, fields=fields)


def _pause(row: Rule, *, kind: str) -> Action:
    fields = {"do": "pause", "back": "list"}
    return Action(f"Pause “{row.name}”", page("rule-do", row.pk), kind, post=True, small=True, fields=fields)
