"""Rules: what have we told the recommender, in what order, and what did it change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from recsite.dashboard import roles, rule_words, tables
from recsite.dashboard.addresses import changed, page
from recsite.dashboard.components import Action, Component, EmptyState, FilterBar, Nothing, Notice, PageHeader
from recsite.dashboard.pages import rule_conflicts, rules_filter, rules_table
from recsite.dashboard.pages.rules_scene import DAYS, owner_of, places_of, products_of, read_scene
from recsite.dashboard.pages.rules_table import RuleTable
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_states import state_of
from recsite.dashboard.shop import Shop
from recsite.dashboard.tiles import tile

CSV_HEADER = (
    *("order", "id", "name", "verb", "rule", "placements", "when", "segments", "state", "priority", "owner", "note"),
    *("products", "lists_touched", "shown", "clicked", "click_rate", "revenue", "simulated"),
)


@dataclass(frozen=True)
class RulesPage:
    header: PageHeader
    conflicts: Sequence[Notice]
    filters: FilterBar
    table: RuleTable | None
    empty: Component | None
    order: str
    can_edit: bool


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> RulesPage:
    """The table with what came of each rule in the newest 28 days, and the conflicts of all that is live or a draft."""
    scene = read_scene(shop)
    can_edit = roles.EDIT_RULES in permissions
    found = rule_conflicts.find(scene)
    rule_conflicts.count(found, scene)
    chosen = [row for row in scene.rows if rules_filter.passes(row, params, scene)]
    number = tables.page_number(params, len(chosen))
    shown = chosen[(number - 1) * tables.PAGE_SIZE : number * tables.PAGE_SIZE]
    pager = tables.pager(page=number, total=len(chosen), noun="rules", params=params)
    lines = rules_table.lines(shown, scene, found.open, moved=params.get("moved", ""))
    return RulesPage(
        header=_header(params, can_edit, bool(scene.rows)),
        conflicts=rule_conflicts.notices(found, scene, can_edit),
        filters=rules_filter.bar(params, scene, len(chosen)),
        table=RuleTable(lines, DAYS, can_edit, pager if len(chosen) > tables.PAGE_SIZE else None) if lines else None,
        empty=None if lines else _empty(params, bool(scene.rows), can_edit),
        order=rule_words.ORDER,
        can_edit=can_edit,
    )


def csv_rows(params: Mapping[str, str], shop: Shop) -> Iterator[tuple[object, ...]]:
    """Every rule that the filter lets through, under ``CSV_HEADER``."""
    scene = read_scene(shop)
    chosen = [row for row in scene.rows if rules_filter.passes(row, params, scene)]
    effects = queries.effects(chosen, days=DAYS)
    places = places_of(scene)
    for row in chosen:
        wording, effect = scene.wordings[row.pk], effects.get(row.pk)
        rate = effect.rate if effect else None
        yield (
            *(places.get(row.pk, ""), row.pk, row.name, row.verb, rule_words.sentence(wording, scene.names)),
            *(", ".join(row.placements), rule_words.when(wording), ", ".join(row.segments)),
            *(state_of(row, scene.now), row.priority, owner_of(row), row.note, products_of(row, scene)),
            effect.counts.lists if effect else None,
            effect.counts.shown if effect else None,
            effect.counts.clicked if effect else None,
            round(rate.value, 6) if rate else None,
            round(effect.counts.attributed_revenue, 2) if effect else None,
            int(effect.simulated) if effect else None,
        )


def _header(params: Mapping[str, str], can_edit: bool, any_rules: bool) -> PageHeader:
    actions = []
    if any_rules:
        actions = [
            Action("History", page("rules-history"), "quiet"),
            Action("Export CSV", changed(params, format="csv", moved=""), "quiet", download=True),
            Action("Preview all", page("preview", a="serving.off", b="serving.draft")),
        ]
    if can_edit:
        actions.append(Action("New rule", page("rule-new"), "primary", key="N"))
    return PageHeader("Rules", "What have we told the recommender, in what order, and what did it change?", actions)


def _empty(params: Mapping[str, str], any_rules: bool, can_edit: bool) -> Component:
    if any_rules:
        return Nothing(
            "No rule is like this", "Ended rules are left out unless asked for.",
            [Action("Clear filters", page("rules"), small=True)],
        )  # fmt: skip
    text = (
        "Shoppers see what the model chose. Pin a product for next week: you see the list change before anything "
        "goes live."
    )
    new = [Action("New rule", page("rule-new"), "primary")] if can_edit else []
    actions = [*new, Action("Try it in Preview", page("preview"))]
    return EmptyState("No rules yet.", text, actions, [tile(key=word, title=word) for word in ("Bread", "Milk", "Tea")])
