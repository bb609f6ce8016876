"""What the collaborative models say of some shoppers: whole rows for the candidates, single pairs for the features."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from recommender.engine.compiled import folding
from recommender.engine.neighbours import Neighbours
from recommender.engine.order import FALL, NEWEST
from recommender.engine.profile import Profile
from recommender.engine.tables import INPUTS, Tables


@dataclass(frozen=True)
class Held:
    """What S shoppers bring to the models: ``bounds`` int64 [S+1] into ``item`` int64 [H], ``plain`` and ``recent``
    float32 [H]."""

    bounds: np.ndarray
    item: np.ndarray
    plain: np.ndarray
    recent: np.ndarray


@dataclass(frozen=True)
class Latest:
    """The newest items of S shoppers: ``bounds`` int64 [S+1] into ``item`` int64 [H], ``rank`` int64 [H] (0: the
    newest) and ``value`` float32 [H], what each says of what comes next."""

    bounds: np.ndarray
    item: np.ndarray
    rank: np.ndarray
    value: np.ndarray


@dataclass
class Scorebook:
    """Collaborative scores of S shoppers, computed on first use.

    Whole rows of the models that propose candidates are kept (``keep``); the others are read at the pairs alone.
    """

    tables: Tables
    profile: Profile
    keep: bool = False
    _kept: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def held(self) -> Held:
        """Groups that count as the input of a model: each shopper's most recent items."""
        p, limit = self.profile, self.tables.history_items
        if not len(p.key) or np.diff(p.starts).max() <= limit:
            return Held(p.starts, p.item, p.plain, p.recent)
        picked = latest(p, limit)
        bounds = np.searchsorted(p.shopper[picked], np.arange(p.n_shoppers + 1))
        return Held(bounds, p.item[picked], p.plain[picked], p.recent[picked])

    def held_values(self, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What S shoppers bring to the model of attribute ``number``: bounds int64 [S+1], values int64 [H], log2 of
        one more than their events float32 [H]."""
        p, attribute = self.profile, self.tables.attributes[number]
        bounds, values = np.empty(p.n_shoppers + 1, np.int64), np.empty(len(p.item), np.int64)
        sizes = np.empty(len(p.item), np.float32)
        size = folding().by_value(
            p.starts, p.item, attribute.codes, p.count, bounds, values, sizes, np.zeros(attribute.size)
        )
        return bounds, values[:size], sizes[:size]

    def model(self, name: str) -> np.ndarray:
        """float32 [S, n] scores of the collaborative table ``name``."""
        if name in self._kept:
            return self._kept[name]
        scores = self.tables.neighbours[name].spread(*self._input(name))
        if self.keep:
            self._kept[name] = scores
        return scores

    def attribute(self, number: int) -> np.ndarray:
        """float32 [S, values] scores of the values of attribute ``number`` (which must have a model)."""
        name = f"attribute_{number}"
        if name in self._kept:
            return self._kept[name]
        scores = self._model_of(number).spread(*self.held_values(number))
        if self.keep:
            self._kept[name] = scores
        return scores

    def model_at(self, name: str, x: Pairs) -> np.ndarray:
        """float32 [P]: :meth:`model` at the pairs."""
        if name in self._kept:
            return self._kept[name][x.shopper, x.item]
        return self.tables.neighbours[name].spread_to(x.offsets, x.item, *self._input(name))

    def attribute_at(self, number: int, x: Pairs) -> np.ndarray:
        """float32 [P]: :meth:`attribute` at the values of the pairs' items."""
        value = self.tables.attributes[number].codes[x.item].astype(np.int64)
        name = f"attribute_{number}"
        if name in self._kept:
            return self._kept[name][x.shopper, value]
        return self._model_of(number).spread_to(x.offsets, value, *self.held_values(number))

    @cached_property
    def latest(self) -> Latest:
        """The newest items of each shopper."""
        p = self.profile
        order, rank = newest(p, NEWEST)
        value = np.empty(len(order), np.float32)
        folding().lateness(p.last[order], rank, FALL, value)
        if p.n_shoppers == 1:
            return Latest(np.array([0, len(order)]), p.item[order], rank, value)
        bounds = np.searchsorted(p.shopper[order], np.arange(p.n_shoppers + 1))
        return Latest(bounds, p.item[order], rank, value)

    def _input(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the table ``name`` reads: bounds [S+1], items and values [H]."""
        if INPUTS[name] == "latest":
            return self.latest.bounds, self.latest.item, self.latest.value
        return self.held.bounds, self.held.item, self.held.recent if INPUTS[name] == "recent" else self.held.plain

    def _model_of(self, number: int) -> Neighbours:
        attribute = self.tables.attributes[number]
        if attribute.model is None:
            raise ValueError(f"expected an attribute with a model, received {attribute.name}")
        return attribute.model


def latest(p: Profile, limit: int) -> np.ndarray:
    """Positions of each shopper's ``limit`` groups with the most recent events, ascending."""
    return np.sort(newest(p, limit)[0])


def newest(p: Profile, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of each shopper's ``limit`` most recent groups, newest first, and their rank 0 … limit − 1."""
    if p.n_shoppers == 1:
        order = np.argsort(p.last, kind="stable")[:limit]
        return order, np.arange(len(order))
    order = np.lexsort((p.last, p.shopper))
    rank = np.arange(len(order)) - p.starts[p.shopper[order]]
    kept = rank < limit
    return order[kept], rank[kept]


@dataclass(frozen=True)
class Pairs:
    """What every block reads: the fold, the pairs (``offsets`` int64 [S+1] into ``item`` int64 [P]), and each pair's
    ``group`` int64 [P] in the fold (G: none)."""

    tables: Tables
    profile: Profile
    scores: Scorebook
    offsets: np.ndarray
    item: np.ndarray
    shopper: np.ndarray
    group: np.ndarray

    def of_shopper(self, values: np.ndarray) -> np.ndarray:
        """``values`` [..., S] by pair [..., P]; of a single shopper [..., 1], which broadcasts."""
        return values if values.shape[-1] == 1 else values[..., self.shopper]
