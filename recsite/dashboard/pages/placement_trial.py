"""The list that a placement would make with the form's entries, beside the list as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from django.utils import timezone

from recommender import state
from recommender.conditions import SEPARATOR, Condition
from recommender.models import Placement
from recommender.placements import Setup, setup_of
from recsite.dashboard import numbers, placement_words, preview, readiness
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Notice
from recsite.dashboard.lists import TileCard, TileList, moved
from recsite.dashboard.names import full_name
from recsite.dashboard.pages import placement_onlooker, placement_results, rule_terms
from recsite.dashboard.pages.placement_results import Ready
from recsite.dashboard.placement_forms import Read
from recsite.dashboard.preview import Listing, Wish
from recsite.dashboard.queries import products as product_queries
from recsite.dashboard.shop import Shop


@dataclass(frozen=True)
class Trial:
    """The list with the form's entries in force, beside the list as it is; ``reach`` of its filters in words."""

    title: str
    tiles: TileList | None
    empty: str
    leaves: str
    timing: str
    reach: str
    notices: Sequence[Notice]
    ready: Ready | None


def build(placement: Placement | None, found: Read, wish: Wish, shop: Shop) -> Trial:
    """The API's answer with the entries in force beside its answer now; nothing is recorded."""
    setup = found.draft or (setup_of(placement) if placement else None)
    if setup is None:
        return _no_trial(found)
    slug = placement.slug if placement else found.entries.slug.strip() or "new"
    row = Placement(slug=slug, title=setup.title, strategy=setup.strategy, n=setup.n)
    wish = replace(wish, placement=row)
    serving = preview.serving()
    trying = preview.ask(wish, serving, slot=setup.slot(slug))
    before = preview.ask(wish, serving, slot=setup_of(placement).slot(slug)) if placement else None
    cards, leaves = _cards(trying, before, shop)
    return Trial(
        title=f"{setup.title or 'The new placement'} {placement_onlooker.subject(wish)}",
        tiles=TileList(cards, "The list with this setup", strip=True) if cards else None,
        empty=preview.why_empty(trying.answer),
        leaves=leaves,
        timing=f"Same code path as the API · {numbers.milliseconds(trying.milliseconds)}"
        + (" · moves compare with the list as it is now" if before else ""),
        reach=reach(setup),
        notices=[*_invalid(found), *unknown(setup), *unusual(setup, trying)],
        ready=placement_results.ready_of(readiness.checked().strategies[setup.strategy]),
    )


def _no_trial(found: Read) -> Trial:
    return Trial("Live preview", None, "Shown once the form can be read.", "", "", "", _invalid(found), None)


def _cards(trying: Listing, before: Listing | None, shop: Shop) -> tuple[list[TileCard], str]:
    """Tiles with their moves, and which products leave the list."""
    was = [item.product for item in before.items] if before else []
    known = product_queries.by_external_ids({*was, *(item.product for item in trying.items)})
    shown = [item for item in trying.items if item.product in known]
    cards = [preview.card(item, known[item.product], shop, href=page("product", item.product)) for item in shown]
    now = [card.key for card in cards]
    if before is None or was == now:
        return cards, ""
    gone = [full_name(known[key]) for key in was if key not in now and key in known]
    return moved(was, cards), f"Leaves the list: {', '.join(gone)}." if gone else ""


def reach(setup: Setup) -> str:
    """How many products the filters let through, of those that may be recommended."""
    if not setup.filters:
        return ""
    catalogue = state.current().catalogue
    sellable = np.flatnonzero(catalogue.sellable)
    condition = Condition.from_filter(setup.filters)
    left = int(condition.matches(catalogue.shelf, sellable, at=timezone.now().timestamp()).sum())
    return f"The filters let {numbers.count(left)} of {numbers.plural(len(sellable), 'product')} through."


def _invalid(found: Read) -> list[Notice]:
    if found.draft is not None:
        return []
    return [Notice("The list is shown without these changes.", " ".join(found.errors.values()), "grey")]


def unknown(setup: Setup) -> list[Notice]:
    """Names in the filters that no product has: mostly a slip of the pen, and the list is short or empty for it."""
    condition, shelf = Condition.from_filter(setup.filters), state.current().catalogue.shelf
    named = {"categories": condition.categories, "brands": condition.brands, "tags": condition.tags}
    missing = [value for kind, values in named.items() for value in values if rule_terms.known(kind, value) is None]
    missing += [value for value in condition.products if value not in shelf.index]
    missing += [name for name, _ in condition.attributes if name not in shelf.attributes and name not in shelf.numbers]
    if not missing:
        return []
    listed = " and ".join(f"“{value.replace(SEPARATOR, ' › ')}”" for value in missing)
    return [Notice(f"No product has {listed}.", "Choose from what is offered as one types.", "warn")]


def unusual(setup: Setup, trying: Listing) -> list[Notice]:
    """What a list under ``setup`` has of its own: too short, or from a fallback."""
    if trying.failed:
        return [Notice("No list", trying.failed, "warn")]
    if trying.items and len(trying.items) < setup.n:
        text = f"Fewer than the {setup.n} that are asked for: nothing else may stand here."
        return [Notice(f"{numbers.plural(len(trying.items), 'product')} only", text, "warn")]
    if trying.answer.fallback:
        text = f"“{placement_words.strategy(setup.strategy)}” has nothing to go by for this shopper."
        return [Notice(f"From “{placement_words.strategy(trying.answer.fallback)}”", text, "grey")]
    return []
