"""Asking for lists as the shop would, to look at them: the API's own code path, never recorded as served."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from behavior.models import Shopper
from catalog.models import Product
from recommender import compiled_rules, serve, state
from recommender.compiled_rules import CompiledRule, RuleError
from recommender.engine.artifact import ArtifactError
from recommender.explain import Fact
from recommender.generations import NotStored
from recommender.models import Generation, Placement, Rule, Switch
from recommender.ranked import Step
from recommender.serve import Answer, Item
from recommender.steering import Slot
from recsite.dashboard import numbers
from recsite.dashboard.components import ReasonChip
from recsite.dashboard.lists import TileCard
from recsite.dashboard.names import display_name
from recsite.dashboard.shop import Shop
from recsite.dashboard.tiles import tile_of

#: Strategies that go by a product on the page or in the basket.
ANCHORED = frozenset({"similar", "bought_together", "basket"})
RULES = {"live": "live rules", "off": "no rules", "draft": "live + draft rules"}
GENERATIONS = 4  # that can be looked at beside each other: those whose lists are kept
BY_RULE = frozenset({"pinned", "boosted"})


@dataclass(frozen=True)
class Wish:
    """Whose list (None: a new visitor), for which slot, beside which product, when (None: now), for which segment
    ("" is the shopper's own)."""

    shopper: Shopper | None
    placement: Placement
    anchor: Product | None = None
    at: datetime | None = None
    segment: str = ""


@dataclass(frozen=True)
class Setting:
    """What makes a list: a model (``generation`` None: the one that serves) and which rules run."""

    key: str  # in the address: ``serving.live``, ``7.draft``
    label: str
    state: str
    generation: int | None
    rules: str


@dataclass(frozen=True)
class Listing:
    """One answer, and how long it took."""

    answer: Answer
    milliseconds: float
    wish: Wish
    setting: Setting
    failed: str = ""  # why this setting cannot be looked at

    @property
    def items(self) -> Sequence[Item]:
        return self.answer.items

    def rank_of(self, product: str) -> int | None:
        return next((item.position for item in self.items if item.product == product), None)


def serving() -> Setting:
    """The serving model under live rules: what the API answers by. One query."""
    return _setting(_serving(), None, "live")


def settings() -> list[Setting]:
    """What there is to compare, :func:`serving` first. Two queries."""
    serving = _serving()
    found = [_setting(serving, None, name) for name in RULES]
    kept = Generation.objects.filter(status=Generation.Status.READY).only("run_id", "model_name")
    for generation in kept[: GENERATIONS + 1]:
        if serving is None or generation.pk != serving.pk:
            found += [_setting(generation, generation.pk, name) for name in RULES]
    return found


def _serving() -> Generation | None:
    fields = ("generation__run_id", "generation__model_name")
    switch = Switch.objects.select_related("generation").only("generation_id", *fields).first()
    return switch.generation if switch else None


def _setting(generation: Generation | None, number: int | None, which: str) -> Setting:
    model = "No model" if generation is None else f"Model {generation.run_id}"
    if generation is not None and generation.model_name != "deep":
        model += f" ({generation.model_name.replace('_', ' ')})"
    state = "serving" if number is None and generation is not None else "not serving"
    return Setting(f"{number or 'serving'}.{which}", f"{model} · {RULES[which]}", state, number, which)


def ask(
    wish: Wish,
    setting: Setting,
    *,
    explain: bool = False,
    n: int | None = None,
    instead: tuple[CompiledRule, ...] | None = None,
    slot: Slot | None = None,
) -> Listing:
    """The list that the API would answer, under ``setting``. One whose model is gone is empty and says so.

    ``instead``: these rules and no others, for a rule that is still being written; ``slot``: the placement as it
    would be, for one that is still being set up.
    """
    request = _request(wish, setting, explain=explain, n=n)
    if instead is not None:
        request = replace(request, rules=instead)
    if slot is not None:
        request = replace(request, slot=slot)
    start = time.perf_counter()
    failed = ""
    try:
        answer = serve.recommend(request)
    except (NotStored, ArtifactError):
        failed = f"The lists of {setting.label.split(' · ')[0].lower()} are no longer kept."
        answer = serve.recommend(replace(request, generation=None))
        answer = replace(answer, items=(), empty_because=failed)
    return Listing(answer, 1000 * (time.perf_counter() - start), wish, setting, failed)


def _request(wish: Wish, setting: Setting, *, explain: bool, n: int | None) -> serve.Request:
    shopper = wish.shopper
    visiting = shopper is not None and shopper.kind == Shopper.Kind.VISITOR
    return serve.Request(
        shopper=shopper.external_id if shopper and not visiting else None,
        visitor=shopper.external_id if shopper and visiting else None,
        placement=wish.placement.slug,
        n=n,
        products=(wish.anchor.external_id,) if wish.anchor else (),
        explain=explain,
        as_of=wish.at,
        record=False,
        rules=rules_of(setting.rules),
        generation=setting.generation,
        segment=wish.segment or None,
    )


def rules_of(which: str) -> tuple[CompiledRule, ...] | None:
    """``live``: what serving holds itself (None); ``off``: none; ``draft``: drafts too, as if they were live."""
    if which == "live":
        return None
    if which == "off":
        return ()
    rows = Rule.objects.filter(status__in=[Rule.Status.LIVE, Rule.Status.DRAFT])
    return tuple(rule for row in rows if (rule := _compiled(row)) is not None)


def _compiled(row: Rule) -> CompiledRule | None:
    try:
        return compiled_rules.compile_rule(row)
    except RuleError:  # a draft half written does not run
        return None


@dataclass(frozen=True)
class Reasoned:
    """Everything that is known of one place of a list."""

    sentence: str
    score: float | None
    contributions: Sequence[tuple[str, float]]
    facts: Sequence[Fact]
    steps: Sequence[Step]
    without: str


def reasoned(listing: Listing, product: str) -> Reasoned | None:
    """Ask again with an explanation, and once more without the rule that had the last word."""
    told = ask(listing.wish, listing.setting, explain=True)
    item = next((item for item in told.items if item.product == product), None)
    if item is None:
        return None
    return Reasoned(
        sentence=item.reason.told + ".",
        score=item.score,
        contributions=[(part.words, part.value) for part in item.contributions],
        facts=item.reason.evidence,
        steps=item.trace,
        without=_without(told, item),
    )


def _without(told: Listing, item: Item) -> str:
    """Where the product would stand were it not for the rule that touched it last."""
    if item.rule is None:
        return ""
    name = next((step.name for step in item.trace if step.rule == item.rule), f"rule {item.rule}")
    held = told.setting.rules
    every = rules_of("draft") if held == "draft" else state.current().rules
    rest = tuple(rule for rule in every or () if rule.id != item.rule)
    request = replace(_request(told.wish, told.setting, explain=False, n=100), rules=rest)
    places = {one.product: one.position for one in serve.recommend(request).items}
    if item.product not in places:
        return f"Without “{name}” it would not be among the first 100."
    if places[item.product] == item.position:
        return f"Without “{name}” it would stand at the same rank."
    return f"Without “{name}” it would be at rank {places[item.product]}."


_WAYS_OUT = {  # by what serving says of an empty list
    "the catalogue is empty": "The catalogue is empty. Import products under Data, or post them to the API.",
    "no product is for sale": "No product is for sale: each is hidden, retired or out of stock. Products shows which.",
    "the rules leave no product": "The rules leave no product. Widen an “only” or take back an “exclude” under Rules.",
    "no product passes the filters and exclusions": "No product passes the filters. Loosen those of the placement.",
}


def why_empty(answer: Answer) -> str:
    """Why a list is empty and what to do about it, in sentences."""
    return _WAYS_OUT.get(answer.empty_because or "", answer.empty_because or "No product may be shown here.")


def chip(item: Item) -> ReasonChip:
    """The reason on a tile, in the accent where a rule brought the product there."""
    return ReasonChip(item.reason.chip, item.reason.code in BY_RULE)


def card(item: Item, product: Product, shop: Shop, *, href: str, selected: bool = False) -> TileCard:
    """One place of a list as a tile: rank, name, price, reason."""
    price = "" if product.price is None else numbers.price(product.price, product.currency or shop.currency)
    return TileCard(
        tile_of(product),
        display_name(product),
        href,
        rank=item.position,
        price=price,
        chip=chip(item),
        selected=selected,
        key=item.product,
        brand=product.brand,
    )


def home_of(shopper: Shopper, *, n: int) -> tuple[Listing, Listing | None]:
    """What a shopper sees on Home now, and what they would have seen a day ago."""
    placement = Placement.objects.filter(slug="home", is_active=True).first()
    if placement is None:
        raise serve.UnknownPlacement("home")
    setting = serving()
    now = ask(Wish(shopper, placement), setting, n=n)
    yesterday = now.answer.as_of - timedelta(days=1)
    before = ask(Wish(shopper, placement, at=yesterday), setting, n=n) if now.answer.generation else None
    return now, before


def neighbours_of(product: Product, placement: str, *, n: int) -> list[str]:
    """The shop's ids of what a placement answers for a product as its anchor, rules left out; empty where the
    placement has to fall back on what has nothing to do with the product."""
    row = Placement.objects.filter(slug=placement, is_active=True).first()
    if row is None:
        return []
    bare = replace(serving(), rules="off")
    listing = ask(Wish(None, row, product), bare, n=n)
    return [] if listing.answer.fallback else [item.product for item in listing.items]
