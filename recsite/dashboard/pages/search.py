"""The search at the top of every page, and the pickers of a shopper or product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from behavior.models import Shopper
from behavior.queries import newest_event_at
from catalog.models import Product
from recommender.models import Rule
from recommender.rulebook import wording_of
from recsite.dashboard import numbers
from recsite.dashboard.addresses import page, product_url, shopper_url
from recsite.dashboard.components import (
    Action,
    Nothing,
    PageHeader,
    SearchGroup,
    SearchOption,
    SearchResults,
    pieces,
)
from recsite.dashboard.names import full_name
from recsite.dashboard.pages.shoppers import describe, profile_of
from recsite.dashboard.queries import products, shoppers
from recsite.dashboard.queries.rules import names_for
from recsite.dashboard.rule_words import Names, sentence
from recsite.dashboard.shop import Shop
from recsite.dashboard.tiles import tile_of

KINDS = ("shoppers", "products", "rules")
_WORDS = {"shoppers": "shopper", "products": "product", "rules": "rule"}
RECENT = timedelta(days=28)
MOST = 20  # of a kind on the page


@dataclass(frozen=True)
class SearchPage:
    """The whole page, for browsers without scripts and for ↵: what was asked and everything found."""

    header: PageHeader
    query: str
    results: SearchResults
    more: Sequence[Action]
    nothing: Nothing


def build(text: str, shop: Shop) -> SearchPage:
    """What a search of everything found, twenty of a kind at most; their lists have the others."""
    question = f"What is called “{text}”, or has it in its number?" if text else "Type a name or a number above."
    results = find(text, shop, limit=MOST)
    more = [
        Action(f"All {group.heading.lower()} like this", page(group.heading.lower(), q=text.strip()), small=True)
        for group in results.groups
        if len(group.options) == MOST
    ]
    lists = [Action(f"All {kind}", page(kind), small=True) for kind in KINDS]
    advice = "A part of a name or a number is enough: try a shorter word, or look through a list."
    return SearchPage(PageHeader("Search", question), text, results, more, Nothing(results.none, advice, lists))


def find(
    text: str, shop: Shop, *, kinds: tuple[str, ...] = KINDS, box: str = "search", limit: int = 6
) -> SearchResults:
    """Shoppers by id, products by name or id, rules by name. An empty text finds nothing."""
    text = text.strip()
    if not text:
        return SearchResults(box, [])
    makers = {"shoppers": _shoppers, "products": _products, "rules": _rules}
    groups, seen, total = [], 0, 0
    for kind in kinds:
        group, count = makers[kind](text, shop, limit)
        groups.append(group)
        seen, total = seen + len(group.options), total + count
    words = ", ".join(_WORDS[kind] for kind in kinds[:-1]) + (" or " if len(kinds) > 1 else "") + _WORDS[kinds[-1]]
    return SearchResults(
        box,
        [group for group in groups if group.options],
        none=f"No {words} is called “{text}”. Search by № too.",
        summary=f"{seen} of {numbers.count(total)}",
    )


def _shoppers(text: str, shop: Shop, limit: int) -> tuple[SearchGroup, int]:
    found, total = shoppers.suggestions(text, limit=limit)
    return SearchGroup("Shoppers", [_shopper(shopper, text, shop) for shopper in found]), total


def _shopper(shopper: Shopper, text: str, shop: Shop) -> SearchOption:
    profile = profile_of(shopper)
    words = [describe(shopper)]
    if profile:
        words += [
            profile.segment,
            numbers.plural(profile.baskets, "basket"),
            numbers.money(profile.spend, shop.currency),
        ]
    name = f"{'Visitor' if shopper.kind == Shopper.Kind.VISITOR else 'Shopper'} {shopper.external_id}"
    note = " · ".join(word for word in words if word)
    return SearchOption(shopper.external_id, pieces(name, text), note, shopper_url(shopper))


def _products(text: str, shop: Shop, limit: int) -> tuple[SearchGroup, int]:
    newest = newest_event_at()
    found, total = products.suggestions(text, start=newest and newest - RECENT, limit=limit)
    return SearchGroup("Products", [_product(product, lines, text, shop) for product, lines in found]), total


def _product(product: Product, lines: int, text: str, shop: Shop) -> SearchOption:
    price = numbers.price(product.price, product.currency or shop.currency) if product.price is not None else ""
    sold = f"{numbers.count(lines)} sold in 28 days" if lines else "not sold lately"
    note = " · ".join(part for part in (product.brand, price, f"№ {product.external_id}", sold) if part)
    return SearchOption(
        product.external_id, pieces(full_name(product), text), note, product_url(product), tile_of(product, size="s")
    )


def _rules(text: str, shop: Shop, limit: int) -> tuple[SearchGroup, int]:
    found = list(Rule.objects.filter(name__icontains=text).order_by("priority", "id")[: limit + 1])
    wordings = {rule.pk: wording_of(rule) for rule in found[:limit]}
    names = names_for(wordings.values(), currency=shop.currency) if wordings else Names()
    options = [
        SearchOption(
            str(rule.pk),
            pieces(rule.name, text),
            f"{rule.status} · {sentence(wordings[rule.pk], names)}",
            page("rule", rule.pk),
        )
        for rule in found[:limit]
    ]
    return SearchGroup("Rules", options), len(found)
