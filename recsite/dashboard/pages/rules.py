"""Rules: what have we told the recommender, in what order, and what did it change?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from django.utils import timezone

from recommender import conditions, state
from recommender.compiled_rules import CompiledRule
from recommender.feedback import TOO_FEW
from recommender.models import Rule, RuleVersion
from recommender.rulebook import Wording, wording_of
from recsite.dashboard import numbers, roles, rule_words, tables
from recsite.dashboard.addresses import changed, page
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Component,
    Delta,
    EmptyState,
    FilterBar,
    Nothing,
    Notice,
    Option,
    PageHeader,
    Select,
    State,
    delta_of_rates,
)
from recsite.dashboard.pages import rule_conflicts
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.queries.rules import Effect, Written
from recsite.dashboard.rule_fixes import Told
from recsite.dashboard.rule_words import VERB_WORDS, Names
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Pager, Row, Table
from recsite.dashboard.tiles import tile

DAYS = 28
CSV_HEADER = (
    *("order", "id", "name", "verb", "rule", "placements", "when", "segments", "state", "priority", "owner", "note"),
    *("products", "lists_touched", "shown", "clicked", "click_rate", "revenue", "simulated"),
)
STATES = {
    "": "All but ended",
    "live": "Live",
    "scheduled": "Scheduled",
    "draft": "Draft",
    "paused": "Paused",
    "ended": "Ended",
    "all": "Any state",
}
_TONES = {"live": "good", "scheduled": "neutral", "draft": "accent", "paused": "warn", "ended": "neutral"}
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
    order: str
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


@dataclass(frozen=True)
class RulesPage:
    header: PageHeader
    conflicts: Sequence[Notice]
    filters: FilterBar
    table: RuleTable | None
    empty: Component | None
    order: str
    can_edit: bool


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


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> RulesPage:
    """The table with what came of each rule in the newest 28 days, and the conflicts of all that is live or a draft."""
    scene = read_scene(shop)
    can_edit = roles.EDIT_RULES in permissions
    found = rule_conflicts.find(scene)
    rule_conflicts.count(found, scene)
    chosen = [row for row in scene.rows if _passes(row, params, scene)]
    number = tables.page_number(params, len(chosen))
    shown = chosen[(number - 1) * tables.PAGE_SIZE : number * tables.PAGE_SIZE]
    pager = tables.pager(page=number, total=len(chosen), noun="rules", params=params)
    lines = _lines(shown, scene, found.open, moved=params.get("moved", ""))
    return RulesPage(
        header=_header(params, can_edit, bool(scene.rows)),
        conflicts=rule_conflicts.notices(found, scene, can_edit),
        filters=_filters(params, scene, len(chosen)),
        table=RuleTable(lines, DAYS, can_edit, pager if len(chosen) > tables.PAGE_SIZE else None) if lines else None,
        empty=None if lines else _empty(params, bool(scene.rows), can_edit),
        order=rule_words.ORDER,
        can_edit=can_edit,
    )


def csv_rows(params: Mapping[str, str], shop: Shop) -> Iterator[tuple[object, ...]]:
    """Every rule that the filter lets through, under ``CSV_HEADER``."""
    scene = read_scene(shop)
    chosen = [row for row in scene.rows if _passes(row, params, scene)]
    effects = queries.effects(chosen, days=DAYS)
    places = _places(scene)
    for row in chosen:
        wording, effect = scene.wordings[row.pk], effects.get(row.pk)
        rate = effect.rate if effect else None
        yield (
            *(places.get(row.pk, ""), row.pk, row.name, row.verb, rule_words.sentence(wording, scene.names)),
            *(", ".join(row.placements), rule_words.when(wording), ", ".join(row.segments)),
            *(state_of(row, scene.now), row.priority, _owner(row), row.note, _products(row, scene)),
            effect.counts.lists if effect else None,
            effect.counts.shown if effect else None,
            effect.counts.clicked if effect else None,
            round(rate.value, 6) if rate else None,
            round(effect.counts.revenue + effect.counts.revenue_by_view, 2) if effect else None,
            int(effect.simulated) if effect else None,
        )


def state_of(rule: Rule, now: datetime) -> str:
    """``live``, ``scheduled`` (live, its start to come), ``draft``, ``paused`` or ``ended`` (its end is past, too)."""
    if rule.status == Rule.Status.LIVE and rule.ends_at and rule.ends_at <= now:
        return "ended"
    if rule.status == Rule.Status.LIVE and rule.starts_at and rule.starts_at > now:
        return "scheduled"
    return str(rule.status)


def shown_state(rule: Rule, now: datetime) -> State:
    name = state_of(rule, now)
    return State(STATES[name], _TONES[name])


# --- Table ---


def _lines(shown: Sequence[Rule], scene: Scene, found: Sequence[Told], *, moved: str) -> list[RuleLine]:
    effects = queries.effects(shown, days=DAYS)
    places = _places(scene)
    clashing = {one for told in found for one in told.rules if len(told.rules) > 1}
    steps = _steps(scene)
    lines = []
    for row in shown:
        wording, effect = scene.wordings[row.pk], effects.get(row.pk)
        line = steps.get(rule_words.order_of(str(row.verb)), []) if row.status != Rule.Status.ENDED else []
        lines.append(
            RuleLine(
                pk=row.pk,
                order=str(places.get(row.pk, "")),
                verb=VERB_WORDS[str(row.verb)],
                icon=str(row.verb),
                name=row.name,
                says=rule_words.command(wording, scene.names),
                where=rule_words.where(wording.placements, scene.names),
                when=rule_words.when(wording),
                state=shown_state(row, scene.now),
                reach=numbers.plural(_products(row, scene), "product"),
                share=_share(effect),
                effect=_effect(row, effect, scene),
                owner=_owner(row),
                href=page("rule", row.pk),
                in_conflict=row.pk in clashing,
                up=bool(line) and line[0] != row.pk,
                down=bool(line) and line[-1] != row.pk,
                moved=moved == str(row.pk),
            )
        )
    return lines


def _share(effect: Effect | None) -> str:
    if effect is None or effect.share is None:
        return ""
    return f"{numbers.percent(effect.share, 0 if effect.share >= 0.1 else 1)} of lists"


def _products(row: Rule, scene: Scene) -> int:
    rule = scene.compiled.get(row.pk)
    return conditions.count(rule.condition, state.current().catalogue.shelf, at=scene.now.timestamp()) if rule else 0


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


def change_of(effect: Effect, verb: str) -> Delta | None:
    """Against the other products; ≈ where the interval of the difference holds 0. Only of what a rule puts forward is
    more better: a bury picks what is clicked less."""
    rate, others, change = effect.rate, effect.others.click_rate, effect.change
    if rate is None or others is None or change is None:
        return None
    noise = abs(change[0]) if change[1] <= 0 <= change[2] else 0.0
    delta = delta_of_rates(rate.value, others.value, noise=noise, note="vs other products")
    return delta if verb in ("pin", "boost") else replace(delta, better=None)


def _no_effect(row: Rule, scene: Scene) -> str:
    name = state_of(row, scene.now)
    if name == "draft":
        return "Not live yet"
    if name == "scheduled" and row.starts_at:
        return f"Starts {numbers.moment(row.starts_at)}"
    if row.verb in _SEES_NOTHING:
        many = numbers.plural(_products(row, scene), "product")
        return f"{many} left out" if row.verb == "exclude" else f"{many} let through"
    return "no data"


def _running_order(row: Rule) -> tuple[bool, int, int, int]:
    return row.status == Rule.Status.ENDED, rule_words.order_of(str(row.verb)), row.priority, row.pk


def _places(scene: Scene) -> dict[int, int]:
    """The place in the running order, from 1; ended rules have none."""
    running = [row.pk for row in scene.rows if row.status != Rule.Status.ENDED]
    return {pk: place for place, pk in enumerate(running, 1)}


def _steps(scene: Scene) -> dict[int, list[int]]:
    """Ids by step, in order: a rule moves within its step only."""
    found: dict[int, list[int]] = {}
    for row in scene.rows:
        if row.status != Rule.Status.ENDED:
            found.setdefault(rule_words.order_of(str(row.verb)), []).append(row.pk)
    return found


def _owner(row: Rule) -> str:
    return (row.owner.get_full_name() or row.owner.get_username()) if row.owner else ""


# --- Filter ---


def _passes(row: Rule, params: Mapping[str, str], scene: Scene) -> bool:
    wanted, name = params.get("status", ""), state_of(row, scene.now)
    if wanted != "all" and name != wanted and (wanted or name == "ended"):
        return False
    if params.get("verb") and row.verb != params["verb"]:
        return False
    if params.get("placement") and row.placements and params["placement"] not in row.placements:
        return False
    if params.get("owner") and str(row.owner_id) != params["owner"]:
        return False
    text = params.get("q", "").strip().casefold()
    return not text or any(text in part.casefold() for part in _texts(row, scene))


def _texts(row: Rule, scene: Scene) -> Iterator[str]:
    yield row.name
    yield row.note
    yield rule_words.sentence(scene.wordings[row.pk], scene.names)
    yield from map(str, row.condition.get("products", ()))


def _filters(params: Mapping[str, str], scene: Scene, total: int) -> FilterBar:
    owners = {str(row.owner_id): _owner(row) for row in scene.rows if row.owner_id}
    set_ones = [name for name in ("q", "status", "verb", "placement", "owner") if params.get(name)]
    return FilterBar(
        action=page("rules"),
        query=params.get("q", ""),
        placeholder="Filter rules by name or product",
        selects=[
            _select("placement", "Placement", "Any placement", scene.names.placements, params),
            _select("verb", "Verb", "Any verb", VERB_WORDS, params),
            Select("status", "State", [Option(k, v, k == params.get("status", "")) for k, v in STATES.items()]),
            _select("owner", "Owner", "Any owner", owners, params),
        ],
        count=numbers.plural(total, "rule"),
        clear_href=page("rules") if set_ones else "",
        target="list",
    )


def _select(name: str, label: str, anything: str, choices: Mapping[str, str], params: Mapping[str, str]) -> Select:
    value = params.get(name, "")
    options = [Option("", anything, not value)]
    return Select(name, label, options + [Option(key, text, key == value) for key, text in choices.items()])


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


# --- History ---


@dataclass(frozen=True)
class HistoryPage:
    """Every version of every rule, newest first."""

    header: PageHeader
    table: Table


def build_history(params: Mapping[str, str], shop: Shop) -> HistoryPage:
    """Fifty a page."""
    total = RuleVersion.objects.count()
    number = tables.page_number(params, total)
    written = queries.versions(limit=tables.PAGE_SIZE, offset=(number - 1) * tables.PAGE_SIZE)
    names = queries.names_in(written, currency=shop.currency)
    rows = [
        Row(
            [
                Cell(numbers.moment(one.at)),
                Cell(one.name, href=page("rule", one.rule)),
                Cell("; ".join(what_happened(one, names))),
                Cell(one.by),
            ]
        )
        for one in written
    ]
    return HistoryPage(
        PageHeader(
            "History of rules",
            "Who did what, and when? Any version can be restored on its rule's page.",
            [Action("All rules", page("rules"))],
        ),
        Table(
            "Versions of rules, newest first",
            [Column("When"), Column("Rule"), Column("What"), Column("Who", wide=True)],
            rows,
            tables.pager(page=number, total=total, noun="versions", params=params),
            empty=Nothing(
                "No rule was written yet",
                "Every change of a rule stands here from the first on: who made it, when, and the way back.",
                [Action("See the rules", page("rules"), small=True)],
            ),
        ),
    )


_HAPPENED = {
    ("draft", "live"): "went live",
    ("paused", "live"): "resumed",
    ("ended", "live"): "went live again",
    ("live", "paused"): "paused",
    ("live", "ended"): "ended",
    ("paused", "ended"): "ended",
    ("live", "draft"): "taken back to a draft",
}


def what_happened(written: Written, names: Names) -> list[str]:
    """What a version did, in words: first the state, then the wording."""
    now = Wording.from_dict(written.wording)
    if written.before is None:
        return [f"made: {rule_words.sentence(now, names)}"]
    was, is_now = str(written.before.get("status", "")), str(written.wording.get("status", ""))
    found = [_HAPPENED.get((was, is_now), f"{is_now}, was {was}")] if was != is_now else []
    return [*found, *rule_words.changes(Wording.from_dict(written.before), now, names)] or ["saved unchanged"]
