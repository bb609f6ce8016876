"""What conflicts are looked for in: the rules in running order, what each reaches, and the lists they run on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from recommender.compiled_rules import CompiledRule
from recommender.conditions import Shelf
from recommender.rules import running_order


@dataclass(frozen=True)
class Conflict:
    """What is wrong (``code``), between which rules, where, and what happens: who wins. ``limit``: of a spread that is
    too strict, the smallest that fills the list (None: none does)."""

    # same_position, beyond_list, excluded_pin, not_only_pin, too_few_left, too_strict, gone_placement, never_matches,
    # never_runs, overlapping_boosts
    code: str
    rules: tuple[int, ...]
    placement: str  # empty: everywhere
    text: str
    winner: int | None = None
    limit: int | None = None


#: Codes that only remark on what a person may well have meant.
REMARKS = ("overlapping_boosts",)


@dataclass(frozen=True)
class Scene:
    """``rules`` in running order; ``sellable`` bool [n items]; ``sizes``: items per list by placement slug; ``at``:
    seconds since 1970; ``titles`` of all placements, None where they are not known."""

    rules: tuple[CompiledRule, ...]
    shelf: Shelf
    sellable: np.ndarray
    sizes: Mapping[str, int]
    at: float
    titles: Mapping[str, str] | None
    masks: Mapping[int, np.ndarray]  # by the rule's place in memory: drafts have no id yet

    @property
    def walls(self) -> list[CompiledRule]:
        return [rule for rule in self.rules if rule.verb in ("only", "exclude")]

    def reach(self, rule: CompiledRule) -> np.ndarray:
        """bool [n items]: what the rule matches."""
        return self.masks[id(rule)]

    def let_through(self, walls: Iterable[CompiledRule]) -> np.ndarray:
        """bool [n items]: what sells and passes every one of the only and exclude rules."""
        left = self.sellable.copy()
        for wall in walls:
            left &= self.reach(wall) if wall.verb == "only" else ~self.reach(wall)
        return left

    def title(self, slug: str) -> str:
        return (self.titles or {}).get(slug, slug)


def scene_of(
    rules: Sequence[CompiledRule],
    shelf: Shelf,
    sizes: Mapping[str, int],
    at: float,
    sellable: np.ndarray | None,
    titles: Mapping[str, str] | None,
) -> Scene:
    """``sellable`` None: all of them."""
    ordered = tuple(sorted(rules, key=running_order))
    masks = {id(rule): rule.condition.matches(shelf, np.arange(len(shelf)), at=at) for rule in ordered}
    shown = np.ones(len(shelf), dtype=bool) if sellable is None else sellable
    return Scene(ordered, shelf, shown, sizes, at, titles, masks)
