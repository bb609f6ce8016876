"""Which of the facts is told: the most telling one, in a fixed order."""

from __future__ import annotations

import math

from recommender.conditions import SEPARATOR
from recommender.explain.facts import Fact, Reason
from recommender.explain.shopping import Shopping
from recommender.explain.words import CHIP, ago, clip, short, span

OFTEN = 3  # purchases on different days, events with a brand
HABIT = 0.2  # share of a shopper's events that makes a category theirs


def reason(item: int, shopping: Shopping) -> Reason:
    """The most telling fact that speaks for the item.

    In order: what it goes with on the page; the shopper's own purchases; their views, carts and favourites of
    it; what goes with, comes after or is like what they touched lately; their category or brand; what sells now.
    """
    for find in (_with_anchor, _bought, _noticed, _goes_with, _follows, _similar, _category, _brand, _selling):
        if (found := find(item, shopping)) is not None:
            return found
    return Reason("popular", "Popular in the shop", "Sells well in the shop")


def by_rule(name: str, verb: str) -> Reason:
    """The reason of a product that a rule brought to its place."""
    if verb == "pin":
        return Reason("pinned", "Picked for you by the shop", clip("Pinned by ", name))
    return Reason("boosted", "Featured by the shop", clip("Lifted by ", name))


def _with_anchor(item: int, shopping: Shopping) -> Reason | None:
    anchor = shopping.with_anchor.get(item)
    if anchor is None:
        return None
    name, code = short(shopping.name(anchor)), shopping.shelf.external_ids[anchor]
    if shopping.strategy == "similar":
        return Reason("similar_to", f"Similar to {name}", clip("Resembles ", name), (Fact("similar to", code),))
    return Reason("goes_with", f"Often bought with {name}", clip("Goes with ", name), (Fact("goes with", code),))


def _bought(item: int, shopping: Shopping) -> Reason | None:
    bought = [event for event in shopping.own(item) if event.kind == "purchase"]
    if not bought:
        return None
    facts = shopping.facts(bought)
    days = sorted({math.floor(event.at) for event in bought})
    times = len(bought)
    if len(days) < 2:  # once, or data without time
        often = "Bought once before" if times == 1 else f"Bought {times} times before"
        return Reason("bought_before", "You bought this before", often, facts)
    gap = (days[-1] - days[0]) / (len(days) - 1)
    since = shopping.now - bought[-1].at
    if len(days) >= OFTEN:
        text = f"You buy this about every {span(gap)}"
        if 0.8 <= since / gap <= 2.5:
            return Reason("due_again", text, f"Due again, every {span(gap)}", facts)
        return Reason("bought_often", text, clip("Buys ", _thing(item, shopping), " often"), facts)
    return Reason("bought_before", f"You bought this {ago(since)}", f"Bought {times} times before", facts)


def _noticed(item: int, shopping: Shopping) -> Reason | None:
    """Carts, favourites, ratings, views and clicks of this very product, the strongest kind first."""
    own = shopping.own(item)
    for kind, text, chip in (
        ("cart", "You put this into your basket", "Put it into the basket"),
        ("favourite", "One of your favourites", "Keeps it as a favourite"),
        ("rate", "You rated this", "Rated it before"),
    ):
        if hits := [event for event in own if event.kind == kind]:
            return Reason(kind, text, chip, shopping.facts(hits))
    if not own:
        return None
    facts = shopping.facts(own)
    times = "" if len(own) == 1 else f" {len(own)} times"
    return Reason("viewed", f"You looked at this{times or ' before'}", f"Looked at it{times or ' before'}", facts)


def _goes_with(item: int, shopping: Shopping) -> Reason | None:
    source = shopping.with_touched.get(item)
    return None if source is None else _chosen(source, shopping, "goes_with", "Goes with", "Goes with ", "goes with")


def _follows(item: int, shopping: Shopping) -> Reason | None:
    source = shopping.after_touched.get(item)
    text = "Often chosen right after"
    return None if source is None else _chosen(source, shopping, "follows", text, "Often after ", "comes after")


def _similar(item: int, shopping: Shopping) -> Reason | None:
    source = shopping.like_touched.get(item)
    return None if source is None else _chosen(source, shopping, "similar_to", "Similar to", "Resembles ", "similar to")


def _chosen(source: int, shopping: Shopping, code: str, text: str, chip: str, fact: str) -> Reason:
    """What the item is to ``source``, which the shopper chose: in a sentence, on a chip and as a fact."""
    name = short(shopping.name(source))
    return Reason(code, f"{text} {name}, which you chose", clip(chip, name), _neighbour(source, shopping, fact))


def _neighbour(source: int, shopping: Shopping, kind: str) -> tuple[Fact, ...]:
    """The neighbour product, then the shopper's latest event with it."""
    last = shopping.own(source)[-1:]
    return (Fact(kind, shopping.shelf.external_ids[source]), *(shopping.fact(event) for event in last))


def _category(item: int, shopping: Shopping) -> Reason | None:
    top = shopping.shelf.category_level(1)
    code = int(top.codes[item])
    if shopping.categories.get(code, 0.0) < HABIT:
        return None
    name = top.labels[code]
    share = f"{shopping.categories[code]:.0%} of events in"
    return Reason("category", f"You often shop in {name}", clip("Shops ", name.lower(), " often"), (Fact(share, name),))


def _brand(item: int, shopping: Shopping) -> Reason | None:
    code = int(shopping.shelf.brand.codes[item])
    times = shopping.brands.get(code, 0)
    if times < OFTEN:
        return None
    name = shopping.shelf.brand.labels[code]
    return Reason(
        "brand", f"You often choose {name}", clip("Chooses ", name, " often"), (Fact(f"{times} events with", name),)
    )


def _selling(item: int, shopping: Shopping) -> Reason | None:
    if item not in shopping.trending:
        return None
    return Reason("trending", "Selling fast right now", "Sells fast this week")


def _thing(item: int, shopping: Shopping) -> str:
    """What to call the item in "Buys … often": the last word of its category or its own name."""
    code = int(shopping.shelf.category.codes[item])
    if code >= 0:
        leaf = shopping.shelf.category.labels[code].split(SEPARATOR)[-1]
        if len(leaf) <= CHIP - len("Buys  often"):
            return leaf.lower()
    return short(shopping.name(item))
