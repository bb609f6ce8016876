"""Whose lists the pages of placements show, and beside which product."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from behavior.models import Shopper
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Notice, SearchBox
from recsite.dashboard.names import full_name
from recsite.dashboard.pages.preview import read_wish
from recsite.dashboard.pages.shopper import name_of
from recsite.dashboard.preview import ANCHORED, Wish
from recsite.dashboard.queries import placements as queries
from recsite.dashboard.shop import Shop


def read_onlooker(params: Mapping[str, str], shop: Shop) -> tuple[Wish, list[Notice]]:
    """Whose lists: as the address says, else of the shopper who bought last, beside what they bought."""
    wish, notices = read_wish(params, shop)
    chose_shopper = any(name in params for name in ("shopper", "visitor", "shopper_text"))
    if chose_shopper and wish.anchor is not None:
        return wish, notices
    example = queries.example()
    if example is None:
        return wish, notices
    shopper = wish.shopper if chose_shopper else example.shopper
    anchor = wish.anchor if wish.anchor or "product" in params else example.product
    return replace(wish, shopper=shopper, anchor=anchor), notices


def shopper_box(shopper: Shopper | None, *, prefix: str = "", submit: bool = True) -> SearchBox:
    visiting = shopper is not None and shopper.kind == Shopper.Kind.VISITOR
    return SearchBox(
        "placement-shopper",
        "Lists as seen by",
        page("search", kinds="shoppers"),
        placeholder="A new visitor",
        name=f"{prefix}{'visitor' if visiting else 'shopper'}",
        value=shopper.external_id if shopper else "",
        text=name_of(shopper) if shopper else "",
        submit=submit,
    )


def anchor_box(wish: Wish, *, prefix: str = "", submit: bool = True) -> SearchBox:
    return SearchBox(
        "placement-anchor",
        "On the page of, or in the basket",
        page("search", kinds="products"),
        placeholder="Find a product",
        name=f"{prefix}product",
        value=wish.anchor.external_id if wish.anchor else "",
        text=full_name(wish.anchor) if wish.anchor else "",
        submit=submit,
    )


def subject(wish: Wish) -> str:
    """``for shopper 2124, beside White milk``."""
    who = name_of(wish.shopper).lower() if wish.shopper else "a new visitor"
    beside = wish.anchor is not None and str(wish.placement.strategy) in ANCHORED
    return f"for {who}" + (f", beside {full_name(wish.anchor)}" if beside else "")


def preview_href(wish: Wish) -> str:
    """Preview with this slot, for the same shopper and product."""
    shopper = wish.shopper
    who = {str(shopper.kind): shopper.external_id} if shopper else {}
    product = wish.anchor.external_id if wish.anchor and str(wish.placement.strategy) in ANCHORED else ""
    return page("preview", placement=wish.placement.slug, product=product, **who)
