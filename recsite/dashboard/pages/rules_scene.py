"""What all parts of the rules page go by: every rule in running order, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from recommender import conditions, state
from recommender.compiled_rules import CompiledRule
from recommender.models import Rule
from recommender.rulebook import Wording, wording_of
from recsite.dashboard import rule_words
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_words import Names
from recsite.dashboard.shop import Shop

DAYS = 28  # the newest, that a rule's effect is counted in


@dataclass(frozen=True)
class Scene:
    """All rules in running order, and what the page knows of them."""

    rows: Sequence[Rule]
    wordings: Mapping[int, Wording]
    compiled: Mapping[int, CompiledRule]
    names: Names
    shop: Shop
    now: datetime


def read_scene(shop: Shop) -> Scene:
    """Three queries: rules, placements, products that they name."""
    rows = sorted(Rule.objects.select_related("owner"), key=_running_order)
    wordings = {row.pk: wording_of(row) for row in rows}
    compiled = {rule.id: rule for rule in queries.compiled_of(rows)}
    return Scene(
        rows, wordings, compiled, queries.names_for(wordings.values(), currency=shop.currency), shop, timezone.now()
    )


def _running_order(row: Rule) -> tuple[bool, int, int, int]:
    return row.status == Rule.Status.ENDED, rule_words.order_of(str(row.verb)), row.priority, row.pk


def places_of(scene: Scene) -> dict[int, int]:
    """The place in the running order, from 1; ended rules have none."""
    running = [row.pk for row in scene.rows if row.status != Rule.Status.ENDED]
    return {pk: place for place, pk in enumerate(running, 1)}


def steps_of(scene: Scene) -> dict[int, list[int]]:
    """Ids by step, in order: a rule moves within its step only."""
    found: dict[int, list[int]] = {}
    for row in scene.rows:
        if row.status != Rule.Status.ENDED:
            found.setdefault(rule_words.order_of(str(row.verb)), []).append(row.pk)
    return found


def products_of(row: Rule, scene: Scene) -> int:
    """How many products its condition names now; 0 where it cannot be read."""
    rule = scene.compiled.get(row.pk)
    return conditions.count(rule.condition, state.current().catalogue.shelf, at=scene.now.timestamp()) if rule else 0


def owner_of(row: Rule) -> str:
    return (row.owner.get_full_name() or row.owner.get_username()) if row.owner else ""
