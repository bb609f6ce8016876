"""The rules in running order: what each says, where it stands and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from recommender.feedback import TOO_FEW
from recommender.models import Rule
from recsite.dashboard import numbers, rule_words
from recsite.dashboard.addresses import page
from recsite.dashboard.components import SIMULATED, Badge, Delta, State
from recsite.dashboard.pages.rule_effect import change_of
from recsite.dashboard.pages.rules_scene import DAYS, Scene, owner_of, places_of, products_of, steps_of
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.queries.rules import Effect
from recsite.dashboard.rule_fixes import Told
from recsite.dashboard.rule_states import shown_state, state_of
from recsite.dashboard.rule_words import VERB_WORDS
from recsite.dashboard.tables import Pager

_SEES_NOTHING = ("exclude", "only")  # what they remove is never shown, so nothing can be clicked


@dataclass(frozen=True)
class Outcome:
    """What came of a rule: a figure or why there is none, its change, a remark."""

    text: str
    change: Delta | None = None
    note: str = ""
    badge: Badge | None = None


@dataclass(frozen=True)
class RuleLine:
    """A row of the table. ``order`` among all that can run; ``up`` and ``down`` where it can still move."""

    pk: int
    verb: str
    icon: str
    name: str
    says: str
    where: str
    when: str
    state: State
    reach: str
    share: str
    effect: Outcome
    owner: str
    href: str
    order: str = ""
    in_conflict: bool = False
    up: bool = False
    down: bool = False
    moved: bool = False


@dataclass(frozen=True)
class RuleTable:
    """The rules in running order, with boxes to choose several and buttons to move one."""

    template: ClassVar[str] = "partials/rule_table.html"
    lines: Sequence[RuleLine]
    days: int
    can_edit: bool
    pager: Pager | None


def lines(shown: Sequence[Rule], scene: Scene, found: Sequence[Told], *, moved: str) -> list[RuleLine]:
    """``found``: the open conflicts. ``moved``: the id of the rule that was just moved, if any."""
    effects = queries.effects(shown, days=DAYS)
    places, steps = places_of(scene), steps_of(scene)
    clashing = {one for told in found for one in told.rules if len(told.rules) > 1}
    return [
        replace(
            _line(row, effects.get(row.pk), scene, _neighbours(row, steps)),
            order=str(places.get(row.pk, "")),
            in_conflict=row.pk in clashing,
            moved=moved == str(row.pk),
        )
        for row in shown
    ]


def _neighbours(row: Rule, steps: Mapping[int, Sequence[int]]) -> Sequence[int]:
    """Ids of the rules that it can change places with, in order and with its own; none for an ended one."""
    return () if row.status == Rule.Status.ENDED else steps.get(rule_words.order_of(str(row.verb)), ())


def _line(row: Rule, effect: Effect | None, scene: Scene, neighbours: Sequence[int]) -> RuleLine:
    wording = scene.wordings[row.pk]
    return RuleLine(
        pk=row.pk,
        verb=VERB_WORDS[str(row.verb)],
        icon=str(row.verb),
        name=row.name,
        says=rule_words.command(wording, scene.names),
        where=rule_words.where(wording.placements, scene.names),
        when=rule_words.when(wording),
        state=shown_state(row, scene.now),
        reach=numbers.plural(products_of(row, scene), "product"),
        share=_share(effect),
        effect=_effect(row, effect, scene),
        owner=owner_of(row),
        href=page("rule", row.pk),
        up=bool(neighbours) and neighbours[0] != row.pk,
        down=bool(neighbours) and neighbours[-1] != row.pk,
    )


def _share(effect: Effect | None) -> str:
    if effect is None or effect.share is None:
        return ""
    return f"{numbers.percent(effect.share, 0 if effect.share >= 0.1 else 1)} of lists"


def _effect(row: Rule, effect: Effect | None, scene: Scene) -> Outcome:
    """The click rate of what it brought into lists, beside the other products of the same placements."""
    if effect is None:
        return Outcome(_no_effect(row, scene))
    badge = SIMULATED if effect.simulated else None
    rate = effect.rate
    if rate is None:
        return Outcome("no data", note="in lists, seen by nobody yet", badge=badge)
    if rate.of < TOO_FEW:
        return Outcome("too few to judge", note=f"shown {numbers.count(rate.of)} times", badge=badge)
    bounds = f"{rate.low * 100:.1f} {numbers.DASH} {rate.high * 100:.1f}"
    text = f"Click rate {numbers.percent(rate.value, 1)} ({bounds})"
    return Outcome(text, change_of(effect, str(row.verb)), badge=badge)


def _no_effect(row: Rule, scene: Scene) -> str:
    name = state_of(row, scene.now)
    if name == "draft":
        return "Not live yet"
    if name == "scheduled" and row.starts_at:
        return f"Starts {numbers.moment(row.starts_at)}"
    if row.verb in _SEES_NOTHING:
        many = numbers.plural(products_of(row, scene), "product")
        return f"{many} left out" if row.verb == "exclude" else f"{many} let through"
    return "no data"
