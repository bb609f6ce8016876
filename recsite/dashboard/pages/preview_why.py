"""Why a product stands where it does in a previewed list: its score taken apart, the evidence, the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog.models import Product
from recommender.models import Rule
from recsite.dashboard import numbers, preview, roles
from recsite.dashboard.addresses import changed, linked, page, product_url, shopper_url
from recsite.dashboard.components import Action, Badge
from recsite.dashboard.evidence import (
    Contribution,
    Contributions,
    Evidence,
    EvidenceItem,
    RuleTrace,
    TraceStep,
)
from recsite.dashboard.names import full_name
from recsite.dashboard.preview import Listing, Reasoned, Wish
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.tiles import Tile, tile_of

METHOD = (
    "Method: one group of features is left out at a time and the product scored again. Parts need not add up exactly."
)


@dataclass(frozen=True)
class Why:
    """The panel about one product of one list."""

    title: str
    tile: Tile
    sentence: str
    contributions: Contributions | None
    evidence: Evidence
    trace: RuleTrace
    next_href: str
    close_href: str
    actions: Sequence[Action]


def why_of(
    params: Mapping[str, str], side: str, listing: Listing, asked: Wish, permissions: frozenset[str]
) -> Why | None:
    ranks = {item.product: rank for rank, item in enumerate(listing.items, 1)}
    wanted = params.get("why", "")
    if wanted not in ranks:
        return None
    reasoned = preview.reasoned(listing, wanted)
    if reasoned is None:
        return None
    products = product_queries.by_external_ids([wanted, *(fact.product for fact in reasoned.facts)])
    product = products.get(wanted)
    if product is None:
        return None
    following = listing.items[ranks[wanted] % len(listing.items)].product
    where = f" in {side}" if params.get("b") else ""
    return Why(
        title=f"Why is “{full_name(product)}” at rank {ranks[wanted]}{where}?",
        tile=tile_of(product, size="s"),
        sentence=reasoned.sentence,
        contributions=_contributions(reasoned),
        evidence=_evidence(reasoned, products, asked),
        trace=_trace(reasoned),
        next_href=changed(params, why=following, side=side) + "#why",
        close_href=changed(params, why="", side=""),
        actions=_why_actions(product, asked, permissions),
    )


def _contributions(reasoned: Reasoned) -> Contributions | None:
    if not reasoned.contributions:
        return None
    parts = [Contribution(words, value) for words, value in reasoned.contributions]
    return Contributions(reasoned.score or 0.0, parts, METHOD)


def _evidence(reasoned: Reasoned, products: Mapping[str, Product], asked: Wish) -> Evidence:
    items = []
    for fact in reasoned.facts:
        product = products.get(fact.product)
        name = full_name(product) if product else fact.product
        when = numbers.moment(fact.at) if fact.at else ""
        title = f"{name}: {fact.kind}" if fact.at else f"{fact.kind.capitalize()} {name}"
        tile = tile_of(product, size="s") if product else None
        items.append(EvidenceItem(title, when, tile, product_url(product) if product else ""))
    if asked.shopper is None:
        return Evidence(items, none="A new visitor has no history.")
    return Evidence(items, more="All of their events", more_href=shopper_url(asked.shopper) + "?timeline=all")


def _trace(reasoned: Reasoned) -> RuleTrace:
    rules = {rule.pk: rule for rule in Rule.objects.filter(pk__in=[step.rule for step in reasoned.steps])}
    steps = []
    for step in reasoned.steps:
        rule = rules.get(step.rule)
        badge = Badge("draft", "accent") if rule and rule.status == Rule.Status.DRAFT else None
        steps.append(
            TraceStep(step.name or f"Rule {step.rule}", step.text, step.changed, badge, page("rule", step.rule))
        )
    return RuleTrace(steps, reasoned.without, none="No rule touched it.")


def _why_actions(product: Product, asked: Wish, permissions: frozenset[str]) -> list[Action]:
    whose = {"preview_shopper": asked.shopper.external_id} if asked.shopper else {}
    if asked.anchor:
        whose["preview_product"] = asked.anchor.external_id
    pin = page("rule-new", verb="pin", product=product.external_id, placement=asked.placement.slug, **whose)
    allowed = pin if roles.EDIT_RULES in permissions else ""
    return linked(
        Action("Pin this product", allowed, small=True),
        Action("Product page", product_url(product), "quiet", small=True),
    )
