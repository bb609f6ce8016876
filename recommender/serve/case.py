"""What one list is made from, fixed before anything is ranked: who asks, where, when, and what may be shown."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np

from recommender.assignment import assigned
from recommender.catalogue import Catalogue
from recommender.compiled_rules import CompiledRule, Context
from recommender.conditions import Condition, ConditionError
from recommender.dataset import subject as subject_name
from recommender.live import Subject
from recommender.serve.request import Request
from recommender.serve.slots import slot_of
from recommender.state import State
from recommender.steering import Slot


@dataclass(frozen=True)
class Case:
    """``subject`` None: no model serves. ``experiment``: the one and its arm that gave ``slot``. ``at``: seconds since
    1970. ``anchors`` int64: the codes of the products that the request names; ``allowed`` bool [n]: which products may
    be shown."""

    request: Request
    held: State
    subject: Subject | None
    slot: Slot
    experiment: str | None
    at: float
    anchors: np.ndarray
    allowed: np.ndarray

    @property
    def catalogue(self) -> Catalogue:
        return self.held.catalogue

    @property
    def n(self) -> int:
        """How many places the list has."""
        return self.request.n or self.slot.n

    @property
    def rules(self) -> tuple[CompiledRule, ...]:
        return self.held.rules if self.request.rules is None else self.request.rules

    @property
    def segment(self) -> str:
        if self.request.segment is not None:
            return self.request.segment
        return self.subject.segment if self.subject else ""

    @property
    def context(self) -> Context:
        """Where and when, as rules ask for it."""
        return Context(self.catalogue.shelf, self.request.placement, self.at, self.segment, self.allowed)

    def ranking(self, column: str) -> np.ndarray:
        """int64: ``trend`` or ``popularity``, best first, by the model where one serves."""
        return self.subject.model.ranking(column) if self.subject else self.catalogue.ranking(column)

    def besides(self, items: np.ndarray) -> np.ndarray:
        """bool [n]: which products may be shown that are not among ``items``."""
        rest = self.allowed.copy()
        rest[items] = False
        return rest

    def best_sellers(self, k: int, among: np.ndarray) -> np.ndarray:
        """int64 [≤ k]: the codes of what is sold most of those ``among`` (bool [n])."""
        return self.catalogue.best(self.catalogue.popularity, k, among)

    def why_empty(self, *, by_rules: bool) -> str:
        """Why nothing is left to show; ``by_rules``: whether rules removed something."""
        if not len(self.catalogue):
            return "the catalogue is empty"
        if not self.catalogue.sellable.any():
            return "no product is for sale"
        if by_rules:
            return "the rules leave no product"
        return "no product passes the filters and exclusions"


def case_of(request: Request, held: State, subject: Subject | None, at: float) -> Case:
    """Raises ``UnknownPlacement``."""
    slot, experiment = request.slot, None
    if slot is None:
        kind, external_id = request.who
        name = subject_name(kind, external_id) if external_id else None
        slot, experiment = assigned(slot_of(held, request.placement), name)
    anchors = held.catalogue.shelf.codes_of(request.products)
    allowed = _allowed(request, held, subject, slot, at, anchors)
    return Case(request, held, subject, slot, experiment, at, anchors, allowed)


def _allowed(
    request: Request, held: State, subject: Subject | None, slot: Slot, at: float, anchors: np.ndarray
) -> np.ndarray:
    """bool [n]: for sale, not excluded, not dismissed, not the anchor itself, and as the filters say."""
    shelf = held.catalogue.shelf
    allowed = held.catalogue.sellable.copy()
    if request.exclude:
        allowed[shelf.codes_of(request.exclude)] = False
    allowed[anchors] = False
    if subject:
        allowed[subject.dismissed] = False
        if request.new_only:
            allowed[subject.history.events.item] = False
    for condition in _filters(request, slot):
        left = np.flatnonzero(allowed)
        allowed[left] = condition.matches(shelf, left, at=at)
    return allowed


def _filters(request: Request, slot: Slot) -> list[Condition]:
    found = [] if request.filters is None else [request.filters]
    if slot.filters:
        # The form that stores them refuses what cannot be read; an answer must not fall over it.
        with contextlib.suppress(ConditionError):
            found.append(Condition.from_filter(slot.filters))
    return found
