"""Why this product: a reason in words, the events and products that bear it out, what each group of features added.

A reason is read off facts – the shopper's own events with the product, which of the
products they touched it neighbours, which of their categories it is in – in a fixed
order of how telling they are; it is never a guess about the network. How much each group
of features moved the score is the ranker's own account (``Ranker.explain``, by leaving a
group out) and is shown beside it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np

from recommender.conditions import SEPARATOR, Shelf
from recommender.engine.interactions import UNTIMED, Interactions

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CHIP = 28  # characters of a chip on a tile
TOUCHED = 20  # latest products whose neighbours count as a reason
NEIGHBOURS = 50  # of each
OFTEN = 3  # purchases on different days
EVIDENCE = 3  # events or products named
HABIT = 0.2  # share of a shopper's events that makes a category theirs

#: (item codes, k, table) → neighbour codes [n, k] (−1 pad) and weights: ``Ranker.neighbours``.
Neighbours = Callable[[np.ndarray, int, str], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Fact:
    """One event, or a neighbour product (``kind`` "goes with" or "similar to"), that bears a reason out."""

    kind: str
    product: str
    at: datetime | None = None

    def __str__(self) -> str:
        when = f" at {self.at.isoformat(timespec='seconds').removesuffix('+00:00')}Z" if self.at else ""
        return f"{self.kind} {self.product}{when}"


@dataclass(frozen=True)
class Reason:
    """``text`` speaks to the shopper, ``chip`` (≤ 28 characters) to the merchandiser, of "they"."""

    code: str
    text: str
    chip: str
    evidence: tuple[Fact, ...] = ()

    @property
    def told(self) -> str:
        """``text`` as said to the merchandiser: "They buy this about every 9 days"."""
        text = self.text
        for pattern, words in _TOLD:
            text = pattern.sub(words, text)
        return text

    def to_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        return {"code": self.code, "text": self.text, "evidence": [str(fact) for fact in self.evidence]}


#: Where a text speaks to the shopper: at its beginning or end, never inside, where a product's name may say "you".
_TOLD = (
    (re.compile(r"^You\b"), "They"),
    (re.compile(r"^One of your\b"), "One of their"),
    (re.compile(r"^Picked for you\b"), "Picked for them"),
    (re.compile(r"\binto your basket$"), "into their basket"),
    (re.compile(r", which you chose$"), ", which they chose"),
)


@dataclass(frozen=True)
class Contribution:
    """What a group of features added to the score (negative: took away), in the score's own unit."""

    group: str
    words: str
    value: float


class Happening(NamedTuple):
    """One event of the shopper: its type, the item's code, when in days since 1970."""

    kind: str
    item: int
    at: float


@dataclass(frozen=True)
class Shopping:
    """One request as the reasons see it: the shopper's events (oldest first), the anchors, the catalogue.

    ``events``: of one shopper, item codes of ``shelf``; ``now``: days since 1970; ``titles``: by item code.
    ``strategy``: the placement's; ``trending``: item codes that sell fast now; ``shown``: those that reasons are
    wanted for (None: any).
    """

    events: Interactions
    kinds: tuple[str, ...]
    now: float
    shelf: Shelf
    titles: Sequence[str]
    neighbours: Neighbours
    anchors: np.ndarray
    strategy: str = "personal"
    trending: frozenset[int] = frozenset()
    shown: np.ndarray | None = None

    @cached_property
    def known(self) -> np.ndarray:
        """bool [E]: events that say something – no impressions, nothing dismissed, a product we know."""
        known = self.events.item >= 0
        for code, kind in enumerate(self.kinds):
            if kind in ("impression", "dismiss"):
                known &= self.events.kind != code
        return known

    @cached_property
    def touched(self) -> np.ndarray:
        """int64: the latest different products, newest first."""
        latest = self.events.item[self.known][::-1]
        _, first = np.unique(latest, return_index=True)
        return latest[np.sort(first)][:TOUCHED].astype(np.int64)

    @cached_property
    def with_anchor(self) -> dict[int, int]:
        """For each product that is bought with or like an anchor, that anchor."""
        table = "similar" if self.strategy == "similar" else "bought_together"
        return self._sources(self.anchors, table)

    @cached_property
    def with_touched(self) -> dict[int, int]:
        """For each product that goes with one of the latest, that one."""
        return self._sources(self.touched, "bought_together")

    @cached_property
    def like_touched(self) -> dict[int, int]:
        """For each product that is similar to one of the latest, that one."""
        return self._sources(self.touched, "similar")

    def _sources(self, items: np.ndarray, table: str) -> dict[int, int]:
        if not len(items):
            return {}
        codes, weights = self.neighbours(items, NEIGHBOURS, table)
        owner = np.repeat(items, codes.shape[1])
        codes, weights = codes.ravel(), weights.ravel()
        if self.shown is not None:
            told = np.flatnonzero(np.isin(codes, self.shown))
            codes, weights, owner = codes[told], weights[told], owner[told]
        order = np.argsort(weights, kind="stable")  # the strongest is written last and stays
        pairs = zip(codes[order].tolist(), owner[order].tolist(), strict=True)
        return {code: source for code, source in pairs if code >= 0 and code != source}

    @cached_property
    def categories(self) -> dict[int, float]:
        """Share of the shopper's events in each top category (by its code in level 1)."""
        level = self.shelf.category_level(1).codes[self.events.item[self.known]]
        found = level[level >= 0]
        codes, counts = np.unique(found, return_counts=True)
        return dict(zip(codes.tolist(), (counts / max(len(found), 1)).tolist(), strict=True))

    @cached_property
    def brands(self) -> dict[int, int]:
        """Events of the shopper by brand code."""
        found = self.shelf.brand.codes[self.events.item[self.known]]
        codes, counts = np.unique(found[found >= 0], return_counts=True)
        return dict(zip(codes.tolist(), counts.tolist(), strict=True))

    def own(self, item: int) -> list[Happening]:
        """The shopper's telling events with the item, oldest first."""
        if self.shown is None or item not in self._own:
            return self._happened(np.flatnonzero((self.events.item == item) & self.known))
        return self._own[item]

    @cached_property
    def _own(self) -> dict[int, list[Happening]]:
        """The telling events of each item that is shown: one pass for all of them."""
        shown = np.zeros(0, np.int64) if self.shown is None else self.shown
        found: dict[int, list[Happening]] = {item: [] for item in shown.tolist()}
        for event in self._happened(np.flatnonzero(np.isin(self.events.item, shown) & self.known)):
            found[event.item].append(event)
        return found

    def _happened(self, places: np.ndarray) -> list[Happening]:
        columns = (self.events.kind, self.events.item, self.events.at)
        rows = zip(*(column[places].tolist() for column in columns), strict=True)
        return [Happening(self.kinds[kind], item, at) for kind, item, at in rows]

    def name(self, item: int) -> str:
        return self.titles[item] or f"№ {self.shelf.external_ids[item]}"

    def fact(self, event: Happening) -> Fact:
        at = EPOCH + timedelta(days=event.at) if event.at != UNTIMED else None
        return Fact(event.kind, self.shelf.external_ids[event.item], at)

    def facts(self, events: Sequence[Happening]) -> tuple[Fact, ...]:
        """The newest few of ``events`` (oldest first), newest first."""
        return tuple(self.fact(event) for event in events[::-1][:EVIDENCE])


def reasons(items: np.ndarray, shopping: Shopping) -> list[Reason]:
    """One reason for each of the item codes."""
    return [reason(int(item), shopping) for item in items]


def reason(item: int, shopping: Shopping) -> Reason:
    """The most telling fact that speaks for the item.

    In order: what it goes with on the page; the shopper's own purchases; their views, carts and favourites of
    it; a neighbour of what they touched lately; their category or brand; what sells now.
    """
    for find in (_with_anchor, _bought, _noticed, _goes_with, _similar, _category, _brand, _selling):
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
    fact = (Fact("similar to" if shopping.strategy == "similar" else "goes with", shopping.shelf.external_ids[anchor]),)
    name = shopping.name(anchor)
    if shopping.strategy == "similar":
        return Reason("similar_to", f"Similar to {short(name)}", clip("Resembles ", short(name)), fact)
    return Reason("goes_with", f"Often bought with {short(name)}", clip("Goes with ", short(name)), fact)


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
        text = f"You buy this about every {_span(gap)}"
        if 0.8 <= since / gap <= 2.5:
            return Reason("due_again", text, f"Due again, every {_span(gap)}", facts)
        return Reason("bought_often", text, clip("Buys ", _thing(item, shopping), " often"), facts)
    return Reason("bought_before", f"You bought this {_ago(since)}", f"Bought {times} times before", facts)


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
    if source is None:
        return None
    name = short(shopping.name(source))
    return Reason(
        "goes_with",
        f"Goes with {name}, which you chose",
        clip("Goes with ", name),
        _neighbour(source, shopping, "goes with"),
    )


def _similar(item: int, shopping: Shopping) -> Reason | None:
    source = shopping.like_touched.get(item)
    if source is None:
        return None
    name = short(shopping.name(source))
    return Reason(
        "similar_to",
        f"Similar to {name}, which you chose",
        clip("Resembles ", name),
        _neighbour(source, shopping, "similar to"),
    )


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


def short(title: str) -> str:
    """A title inside a sentence: without the size, its first letter small unless it is an abbreviation."""
    words = title.split(" · ")[0].strip()
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


def clip(before: str, name: str, after: str = "") -> str:
    """``before + name + after`` within 28 characters, the name cut at a word."""
    room = CHIP - len(before) - len(after)
    if len(name) > room:
        cut = name[: room - 1]
        if " " in cut[room // 2 :]:
            cut = cut[: cut.rindex(" ")]
        name = cut.rstrip(" ,·-") + "…"
    return before + name + after


def _span(days: float) -> str:
    if days < 1.5:
        return "day"
    if days < 45:
        return f"{days:.0f} days"
    return f"{days / 30.4:.0f} months"


def _ago(days: float) -> str:
    if days < 1:
        return "today"
    if days < 1.5:
        return "yesterday"
    if days < 45:
        return f"{days:.0f} days ago"
    return f"{days / 30.4:.0f} months ago" if days < 700 else "long ago"


class Explanation(Protocol):
    """What ``Ranker.explain`` gives: ``contributions`` float [pairs, G] by the names in ``groups``."""

    @property
    def groups(self) -> Sequence[str]: ...
    @property
    def contributions(self) -> np.ndarray: ...


GROUP_WORDS = {
    "own": "Their own history with it",
    "popularity": "How it sells",
    "item": "The product itself",
    "collaborative": "What similar shoppers choose",
    "bank": "What similar shoppers choose, further views",
    "competition": "Its rivals of the same type",
    "affinity": "Their categories, brands and prices",
    "attributes": "People like them",
    "similarity": "Like what they touched last",
    "activity": "How active they are",
}


def contributions(explanation: Explanation, row: int) -> list[Contribution]:
    """The groups of one pair, what lifted it first, what held it back last."""
    pairs = zip(explanation.groups, explanation.contributions[row].tolist(), strict=True)
    found = [
        Contribution(group, GROUP_WORDS.get(group, group.replace("_", " ").capitalize()), value)
        for group, value in pairs
    ]
    return sorted(found, key=lambda contribution: -contribution.value)
