"""The rule editor: what will this do? The form, beside it the list that the API would answer with the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.models import Rule
from recsite.dashboard import numbers, rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Component, Crumb, Dialog, Notice, State, StatStrip, Submit
from recsite.dashboard.pages.rule_clashes import clash_notices, clashes_of
from recsite.dashboard.pages.rule_effect import effect_of
from recsite.dashboard.pages.rule_entries import Read, judged
from recsite.dashboard.pages.rule_fields import Fields, fields_of
from recsite.dashboard.pages.rule_scene import Scene, scene_of
from recsite.dashboard.pages.rule_trial import Trial, TrialInputs, inputs_of, trial_of, wish_of
from recsite.dashboard.pages.rules_history import what_happened
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_forms import RuleForm
from recsite.dashboard.rule_states import shown_state
from recsite.dashboard.shop import Shop

VERSIONS = 20


@dataclass(frozen=True)
class Version:
    number: int
    when: str
    who: str
    what: Sequence[str]
    can_restore: bool


@dataclass(frozen=True)
class RulePage:
    title: str
    crumbs: Sequence[Crumb]
    state: State | None
    sentence: str
    actions: Sequence[Component]
    action_url: str
    fields: Fields
    errors: Mapping[str, str]
    notices: Sequence[Notice]
    inputs: TrialInputs
    trial: Trial
    effect: StatStrip | None
    effect_note: str
    effect_href: str
    versions: Sequence[Version]
    can_edit: bool
    pk: int


def build(
    form: RuleForm,
    trial: Mapping[str, str],
    shop: Shop,
    *,
    permissions: frozenset[str],
    rule: Rule | None = None,
    read: Read | None = None,
    tried: bool = False,
) -> RulePage:
    """``read``: what was sent, else ``form`` is read here. ``tried``: it was to be saved, so what is wrong is said."""
    read = read or judged(form, shop)
    scene = scene_of(rule, read, shop, permissions)
    wish, wish_notices = wish_of(trial, scene)
    found = clashes_of(scene)
    told = found.open
    return RulePage(
        title=rule.name if rule else "New rule",
        crumbs=[Crumb("Rules", page("rules"))],
        state=shown_state(rule, scene.now) if rule else None,
        sentence=rule_words.sentence(read.wording, scene.names) + ".",
        actions=_actions(scene),
        action_url=page("rule", rule.pk) if rule else page("rule-new"),
        fields=fields_of(scene, read.errors if tried or _entered(read) else {}),
        errors=read.errors if tried else {},
        notices=[notice for notice in (read.notice, _wrong(read.errors) if tried else None) if notice],
        inputs=inputs_of(wish, trial, scene),
        trial=trial_of(scene, wish, [*wish_notices, *clash_notices(scene, read, found)], told),
        effect=(effect := effect_of(rule, shop))[0],
        effect_note=effect[1],
        effect_href=page("feedback", rule=rule.pk) if rule and effect[0] else "",
        versions=_versions(rule, scene) if rule else [],
        can_edit=scene.can_edit,
        pk=scene.pk,
    )


def _entered(read: Read) -> bool:
    """Whether anything is there that could be wrong; an untouched form is not scolded."""
    return bool(read.errors) and set(read.errors) != {"condition"}


def _wrong(errors: Mapping[str, str]) -> Notice | None:
    return Notice("Not saved.", " ".join(errors.values()), "bad") if errors else None


def _actions(scene: Scene) -> list[Component]:
    if not scene.can_edit:
        return []
    rule = scene.rule
    if rule is None:
        return [
            Action("Discard", page("rules"), "quiet"),
            Submit("Save draft", "save", save=True),
            Submit(_go_live(scene), "live", kind="primary"),
        ]
    if rule.status == Rule.Status.DRAFT:
        return [
            Action("Delete draft", page("rule-delete", rule.pk), "quiet"),
            Submit("Save draft", "save", save=True),
            Submit(_go_live(scene), "live", kind="primary"),
        ]
    if rule.status == Rule.Status.LIVE:
        return [
            _state_action(rule, "End", "end"),
            _state_action(rule, "Pause", "pause"),
            Submit("Save changes", "save", kind="primary", save=True),
        ]
    word = "Resume" if rule.status == Rule.Status.PAUSED else "Go live again"
    return [Submit("Save", "save", save=True), Submit(word, "live", kind="primary")]


def _state_action(rule: Rule, label: str, do: str) -> Action:
    kind = "quiet" if do == "end" else "default"
    return Action(label, page("rule-do", rule.pk), kind, post=True, fields={"do": do})


def _go_live(scene: Scene) -> str:
    start = scene.wording.starts_at
    if start and start > scene.now:
        return f"Go live on {numbers.day(start, year=start.year != scene.now.year)}"
    return "Go live"


def _versions(rule: Rule, scene: Scene) -> list[Version]:
    found = queries.versions(rule=rule, limit=VERSIONS)
    names = queries.names_in(found, currency=scene.shop.currency)
    return [
        Version(
            one.version,
            numbers.moment(one.at),
            one.by,
            what_happened(one, names),
            scene.can_edit and one.version != rule.version,
        )
        for one in found
    ]


@dataclass(frozen=True)
class DeletePage:
    title: str
    dialog: Dialog


def build_delete(rule: Rule) -> DeletePage:
    """Asked before a draft goes for good."""
    dialog = Dialog(
        "delete-rule",
        f"Delete the draft “{rule.name}”?",
        "The draft and its history go for good. Nothing changes in the shop: it is not live.",
        page("rule-delete", rule.pk),
        "Delete draft",
        cancel_href=page("rule", rule.pk),
    )
    return DeletePage(f"Delete “{rule.name}”", dialog)
