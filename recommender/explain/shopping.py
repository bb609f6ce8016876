"""One request as its reasons see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np

from recommender.conditions import Shelf
from recommender.engine.interactions import UNTIMED, Interactions
from recommender.explain.facts import Fact
from recommender.ranked import distinct

DAY = 86_400.0  # s
TOUCHED = 20  # latest products whose neighbours count as a reason
NEIGHBOURS = 50  # of each
JUST_TOUCHED = 3  # latest products of which it is told what comes next
FOLLOWERS = 10  # of each
EVIDENCE = 3  # events or products named

#: (item codes, k, table) → neighbour codes [n, k] (−1 pad) and weights: ``Ranker.neighbours``.
Neighbours = Callable[[np.ndarray, int, str], tuple[np.ndarray, np.ndarray]]


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
        return distinct(self.events.item[self.known][::-1])[:TOUCHED]

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

    @cached_property
    def after_touched(self) -> dict[int, int]:
        """For each product that often comes next after one of the very latest, that one."""
        return self._sources(self.touched[:JUST_TOUCHED], "next", FOLLOWERS)

    def _sources(self, items: np.ndarray, table: str, k: int = NEIGHBOURS) -> dict[int, int]:
        if not len(items):
            return {}
        codes, weights = self.neighbours(items, k, table)
        owner = np.repeat(items, codes.shape[1])
        codes, weights = codes.ravel(), weights.ravel()
        if self.shown is not None:
            told = np.flatnonzero(self._is_shown[codes])
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
        for event in self._happened(np.flatnonzero(self._is_shown[self.events.item] & self.known)):
            found[event.item].append(event)
        return found

    @cached_property
    def _is_shown(self) -> np.ndarray:
        """bool [n + 1]: by item code whether a reason is wanted for it; the last is for what is no product (−1)."""
        marked = np.zeros(len(self.titles) + 1, bool)
        if self.shown is not None:
            marked[self.shown] = True
        return marked

    def _happened(self, places: np.ndarray) -> list[Happening]:
        columns = (self.events.kind, self.events.item, self.events.at)
        rows = zip(*(column[places].tolist() for column in columns), strict=True)
        kinds = self.kinds
        return [Happening(kinds[kind], item, at) for kind, item, at in rows]

    def name(self, item: int) -> str:
        return self.titles[item] or f"№ {self.shelf.external_ids[item]}"

    def fact(self, event: Happening) -> Fact:
        at = datetime.fromtimestamp(event.at * DAY, UTC) if event.at != UNTIMED else None
        return Fact(event.kind, self.shelf.external_ids[event.item], at)

    def facts(self, events: Sequence[Happening]) -> tuple[Fact, ...]:
        """The newest few of ``events`` (oldest first), newest first."""
        return tuple(self.fact(event) for event in events[::-1][:EVIDENCE])
