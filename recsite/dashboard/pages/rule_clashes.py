"""What the draft is in the way of: the conflicts that it is part of, and the ways out."""

from __future__ import annotations

from recommender import state
from recommender.conflicts import REMARKS
from recommender.models import Rule
from recsite.dashboard import rule_fixes
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Component, Notice, Submit
from recsite.dashboard.pages import rule_conflicts
from recsite.dashboard.pages.rule_entries import Read
from recsite.dashboard.pages.rule_scene import Scene
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_fixes import Told


def clash_notices(scene: Scene, read: Read, found: rule_conflicts.Found) -> list[Notice]:
    """Those to be solved in amber, then those that were meant; why there are none to tell while nothing can be read."""
    if scene.draft is None:
        text = " ".join(read.errors.values()) or "Say which products it is for."
        return [Notice("The list is shown without this rule.", text, "grey")]
    meant = [rule_conflicts.meant_notice(one, row, can_edit=False) for one, row in found.meant]
    return [*(_conflict(one, scene) for one in found.open), *meant]


def clashes_of(scene: Scene) -> rule_conflicts.Found:
    """Those that this rule is part of, among what is live or a draft."""
    if scene.draft is None:
        return rule_conflicts.Found()
    rules = [*queries.compiled_of(scene.others), scene.draft]
    now = scene.now.timestamp()
    found = rule_fixes.find(rules, state.current(), scene.sizes, scene.names, at=now, mine=scene.pk)
    mine = [one for one in found if scene.pk in one.rules]
    read = scene.wording
    as_written = Rule(pk=scene.pk, verb=read.verb, condition=read.condition, parameters=read.parameters)
    return rule_conflicts.split(mine, [*scene.others, as_written], live=set())


def _conflict(told: Told, scene: Scene) -> Notice:
    names = {row.pk: row.name for row in scene.others}
    actions: list[Component] = []
    if scene.can_edit:
        mine = [fix for fix in told.fixes if fix.rule == scene.pk][:3]
        actions += [Submit(fix.label, f"{fix.do}:{fix.value}", name="fix", small=True) for fix in mine]
    for one in told.rules:
        if one != scene.pk and len(actions) < 4:
            actions.append(Action(f"Open “{names[one]}”", page("rule", one), "quiet", small=True))
    if told.conflict.code in REMARKS and scene.can_edit and len(actions) < 4:
        actions.append(Action("It is meant so: say it in the list", page("rules"), "quiet", small=True))
    return Notice(told.title, told.text, "warn", actions)
