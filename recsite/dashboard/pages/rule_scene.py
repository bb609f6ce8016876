"""What all parts of the rule editor go by: the draft, the rules beside it, the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.utils import timezone

from recommender.compiled_rules import CompiledRule
from recommender.conditions import ConditionError
from recommender.models import Rule
from recommender.rulebook import Wording, wording_of
from recsite.dashboard import roles
from recsite.dashboard.pages.rule_entries import Read
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_forms import RuleForm
from recsite.dashboard.rule_words import Names
from recsite.dashboard.shop import Shop

NEW = 2**62  # stands for the id of a rule that is not stored yet: it will be the highest, so it runs last of equals


@dataclass(frozen=True)
class Scene:
    """What all parts of the page go by."""

    rule: Rule | None
    form: RuleForm
    wording: Wording
    draft: CompiledRule | None  # None while it cannot be read
    others: Sequence[Rule]  # live and draft, without this one
    sizes: Mapping[str, int]
    names: Names
    shop: Shop
    now: datetime
    can_edit: bool

    @property
    def pk(self) -> int:
        return self.rule.pk if self.rule else NEW

    @property
    def live(self) -> list[CompiledRule]:
        return queries.compiled_of(row for row in self.others if row.status == Rule.Status.LIVE)


def scene_of(rule: Rule | None, read: Read, shop: Shop, permissions: frozenset[str]) -> Scene:
    """The draft as ``read`` says it; its ``draft`` is ``None`` where its condition says nothing yet."""
    awake = Rule.objects.filter(status__in=[Rule.Status.LIVE, Rule.Status.DRAFT]).order_by("priority", "id")
    others = [row for row in awake if rule is None or row.pk != rule.pk]
    wordings = [read.wording, *map(wording_of, others)]
    try:
        # Nobody named it yet: conflicts and reasons say "this rule" of it.
        named = replace(read.wording, name=read.form.name or "this rule")
        draft = named.compiled(rule.pk if rule else NEW)
    except ConditionError:
        draft = None
    return Scene(
        rule=rule,
        form=read.form,
        wording=read.wording,
        draft=draft,
        others=others,
        sizes=queries.placement_sizes(),
        names=queries.names_for(wordings, currency=shop.currency),
        shop=shop,
        now=timezone.now(),
        can_edit=roles.EDIT_RULES in permissions,
    )
