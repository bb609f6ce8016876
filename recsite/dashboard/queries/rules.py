"""Rules as pages read them: which touch a product, what they are called, what came of them, how far one reaches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import F, JSONField, Window
from django.db.models.functions import Lag

from catalog.models import Product
from recommender import feedback
from recommender.compiled_rules import CompiledRule
from recommender.conditions import Condition, ConditionError, Shelf, Tags
from recommender.engine.interactions import Codes
from recommender.feedback import Counts, Rate, Scope
from recommender.models import Placement, Rule, RuleVersion, ServedList
from recommender.rulebook import Wording, wording_of
from recommender.rules import groups_of
from recommender.state import State
from recommender.vocabulary import as_number
from recsite.dashboard.names import full_name
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.rule_words import Names

RECENT_LISTS = 1000  # over which a rule's reach is estimated
LISTS_DAYS = 7  # over which lists of a day are counted


def touching(product: Product) -> list[Rule]:
    """The rules, ended ones apart, whose condition the product meets, in order of priority. One query."""
    shelf, now = shelf_of(product), datetime.now(UTC).timestamp()
    rules = Rule.objects.exclude(status=Rule.Status.ENDED).order_by("priority", "id")
    return [rule for rule in rules if _meets(rule, shelf, now)]


def _meets(rule: Rule, shelf: Shelf, now: float) -> bool:
    try:
        condition = Condition.from_dict(rule.condition)
    except ConditionError:  # a draft half written touches nothing
        return False
    return bool(condition.matches(shelf, np.zeros(1, np.int64), at=now)[0])


def shelf_of(product: Product) -> Shelf:
    """A catalogue of this one product, so that conditions can be tested on it."""
    attributes = {name: _code(str(value)) for name, value in product.attributes.items() if not _is_number(value)}
    numbers = {name: _column(as_number(value)) for name, value in product.attributes.items() if _is_number(value)}
    return Shelf(
        external_ids=(product.external_id,),
        category=_code(product.category.path if product.category else ""),
        brand=_code(product.brand),
        price=_column(product.price),
        stock=_column(product.stock),
        added=np.array([product.created_at.timestamp()]),
        tags=Tags(np.array([0, len(product.tags)]), np.arange(len(product.tags), dtype=np.int32), tuple(product.tags)),
        attributes=attributes,
        numbers=numbers,
    )


# --- What things are called ---


def names_for(wordings: Iterable[Wording], *, currency: str) -> Names:
    """The titles of the placements and of the products that the wordings name. Two queries."""
    ids = {str(one) for wording in wordings for one in wording.condition.get("products", ())}
    found = product_queries.by_external_ids(ids) if ids else {}
    return Names(
        {key: full_name(product) for key, product in found.items()},
        dict(Placement.objects.values_list("slug", "title")),
        currency,
    )


@dataclass(frozen=True)
class Written:
    """One version of a rule: its wording with the state, and that of the version before (None: the first)."""

    rule: int
    name: str  # of the rule now
    version: int
    at: datetime
    by: str
    wording: Mapping[str, Any]
    before: Mapping[str, Any] | None


def versions(*, rule: Rule | None = None, limit: int, offset: int = 0) -> list[Written]:
    """What was written, newest first, of one rule or of all. One query."""
    before = Window(Lag("wording"), partition_by=F("rule_id"), order_by=F("version").asc(), output_field=JSONField())
    found = RuleVersion.objects.annotate(before=before).order_by("-at", "-id")
    if rule is not None:
        found = found.filter(rule=rule)
    columns = ("rule_id", "rule__name", "version", "at", "by__username", "wording", "before")
    rows = found.values_list(*columns)[offset : offset + limit]
    return [Written(pk, name, number, at, by or "", now, was) for pk, name, number, at, by, now, was in rows]


def names_in(written: Iterable[Written], *, currency: str) -> Names:
    """What all that these versions name is called. Two queries."""
    wordings = [wording for one in written for wording in (one.wording, one.before) if wording]
    return names_for(map(Wording.from_dict, wordings), currency=currency)


# --- What came of them ---


@dataclass(frozen=True)
class Effect:
    """Products that a rule brought into lists against all other products of the same lists' placements.

    ``before``: everything in those placements in as many days before. ``change`` of the click rate against the others
    with its interval, None without data.
    """

    counts: Counts
    others: Counts
    before: Counts
    of_lists: int
    simulated: bool

    @property
    def rate(self) -> Rate | None:
        return self.counts.click_rate

    @property
    def change(self) -> tuple[float, float, float] | None:
        return feedback.difference(self.counts.click_rate, self.others.click_rate)

    @property
    def share(self) -> float | None:
        """Of the lists of its placements."""
        return self.counts.lists / self.of_lists if self.of_lists else None


def effects(rules: Sequence[Rule], *, days: int = 28) -> dict[int, Effect]:
    """What came of each rule in the newest ``days`` that there are, by id; empty before the first list. Six queries."""
    last = feedback.newest_day()
    if last is None or not rules:
        return {}
    return _effects(rules, Scope(last - timedelta(days=days - 1), last))


def effect_since(rule: Rule, first: date) -> Effect | None:
    """What came of a rule since the day ``first``; None before the first list of it."""
    last = feedback.newest_day()
    if last is None or last < first:
        return None
    return _effects([rule], Scope(first, last)).get(rule.pk)


def _effects(rules: Sequence[Rule], scope: Scope) -> dict[int, Effect]:
    touched = {row.key: row.counts for row in feedback.by("rule", scope)}
    placed = {row.key: row for row in feedback.by("placement", scope)}
    simulated = feedback.is_simulated(scope)
    found = {}
    for rule in rules:
        own = touched.get(str(rule.pk))
        if own is None or not own.lists:
            continue
        rows = [row for slug, row in placed.items() if not rule.placements or slug in rule.placements]
        shown, clicked = sum(row.counts.shown for row in rows), sum(row.counts.clicked for row in rows)
        others = Counts(shown=max(0, shown - own.shown), clicked=max(0, clicked - own.clicked))
        before = Counts(
            shown=sum(row.previous.shown for row in rows), clicked=sum(row.previous.clicked for row in rows)
        )
        found[rule.pk] = Effect(own, others, before, sum(row.counts.lists for row in rows), simulated)
    return found


# --- How far one reaches ---


@dataclass(frozen=True)
class Reach:
    """``products`` that a rule's condition means and how many of them may be shown; of ``lists`` served lately in its
    scope, ``touched`` that it would have changed; ``lists_a_day`` in its scope."""

    products: int
    sellable: int
    lists: int
    touched: int
    lists_a_day: float

    @property
    def share(self) -> float | None:
        return self.touched / self.lists if self.lists else None


def reach_of(rule: CompiledRule, held: State, *, at: float, until: datetime | None = None) -> Reach:
    """Two queries. Over the newest ``RECENT_LISTS`` lists of the rule's placements and segments.

    ``until``: only lists from before then; a list made under the rule no longer shows what it changed.
    """
    mask = rule.condition.matches(held.catalogue.shelf, np.arange(len(held.catalogue)), at=at)
    scope = ServedList.objects.all()
    if rule.placements:
        scope = scope.filter(placement__in=sorted(rule.placements))
    if rule.segments:
        scope = scope.filter(segment__in=sorted(rule.segments))
    if until is not None:
        scope = scope.filter(at__lt=until)
    lately = list(scope.order_by("-at").values_list("at", "products")[:RECENT_LISTS])
    week = scope.filter(at__gt=lately[0][0] - timedelta(days=LISTS_DAYS)).count() if lately else 0
    # One look-up for all of them: it costs the size of the catalogue, however few it is asked for.
    every = held.catalogue.codes(np.array([one for _, products in lately for one in products], np.int64))
    ends = np.cumsum([len(products) for _, products in lately])
    sellable = int((mask & held.catalogue.sellable).sum())
    idle = rule.verb == "pin" and not sellable  # nothing that could stand there
    touched = 0 if idle else sum(_changes(rule, mask, held, items) for items in np.split(every, ends)[:-1])
    return Reach(int(mask.sum()), sellable, len(lately), touched, week / LISTS_DAYS)


def _changes(rule: CompiledRule, mask: np.ndarray, held: State, items: np.ndarray) -> bool:
    """Whether the rule would have changed a list of these item codes (−1: no longer in the catalogue)."""
    hit = mask[items] & (items >= 0)
    if rule.verb == "pin":
        return not (len(hit) >= rule.position and hit[rule.position - 1])
    if rule.verb == "only":
        return not bool(hit.all())
    if rule.verb == "spread":
        groups = groups_of(held.catalogue.shelf, rule, items[hit])
        groups = groups[groups >= 0]
        return bool(len(groups) and np.bincount(groups).max() > rule.limit)
    return bool(hit.any())


def _compiled(row: Rule) -> CompiledRule | None:
    try:
        return wording_of(row).compiled(row.pk)
    except ConditionError:  # half written, or made by an older release: serving leaves it out too
        return None


def compiled_of(rows: Iterable[Rule]) -> list[CompiledRule]:
    """Those that can be read, ready to run."""
    return [rule for row in rows if (rule := _compiled(row)) is not None]


def placement_sizes() -> Mapping[str, int]:
    """Products a list by slug, of the active placements."""
    return dict(Placement.objects.filter(is_active=True).values_list("slug", "n"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _code(label: str) -> Codes:
    return Codes(np.array([0 if label else -1], np.int32), (label,) if label else ())


def _column(value: Any) -> np.ndarray:
    return np.array([np.nan if value is None else float(value)], np.float32)
