"""A ranked list, and the trace of what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NO_RULE = -1  # a step of the list that nobody ordered by a rule: variety


@dataclass(frozen=True)
class Ranked:
    """Item codes int64 [m], best first, and the model's scores float32 [m] (NaN where it gave none)."""

    items: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def unscored(cls, items: np.ndarray | None = None) -> Ranked:
        """Items in this order (None: none) without scores."""
        items = np.zeros(0, np.int64) if items is None else items.astype(np.int64)
        return cls(items, np.full(len(items), np.nan, np.float32))

    def take(self, chosen: np.ndarray) -> Ranked:
        return Ranked(self.items[chosen], self.scores[chosen])

    def then(self, others: Ranked) -> Ranked:
        """``others`` behind these."""
        return Ranked(np.concatenate([self.items, others.items]), np.concatenate([self.scores, others.scores]))


@dataclass(frozen=True)
class Step:
    """What one rule (``NO_RULE``: the placement's own setting) did to one item; ``changed`` is false where it matched
    without effect."""

    rule: int
    name: str
    verb: str
    changed: bool
    text: str

    def to_dict(self) -> dict[str, Any]:
        rule = None if self.rule == NO_RULE else self.rule
        return {"rule": rule, "name": self.name, "verb": self.verb, "changed": self.changed, "text": self.text}


@dataclass(frozen=True)
class Trace:
    """Steps by item code in running order; ``removed`` by the rule that removed it; ``idle`` rules in scope
    that touched nothing; ``pinned`` items stand where they were put."""

    steps: Mapping[int, tuple[Step, ...]] = field(default_factory=dict)
    removed: Mapping[int, int] = field(default_factory=dict)
    idle: tuple[int, ...] = ()
    pinned: tuple[int, ...] = ()

    def of(self, item: int) -> tuple[Step, ...]:
        return self.steps.get(item, ())

    def rule_of(self, item: int) -> int | None:
        """The rule that had the last word on the item: the API's ``rule``."""
        changed = [step.rule for step in self.of(item) if step.changed and step.rule != NO_RULE]
        return changed[-1] if changed else None


def distinct(items: np.ndarray) -> np.ndarray:
    """int64: each item once, in the order of its first place."""
    if not len(items):
        return np.zeros(0, np.int64)
    _, first = np.unique(items, return_index=True)
    return items[np.sort(first)].astype(np.int64)
