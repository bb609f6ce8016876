"""Rules that get in each other's way, found while they are edited and named in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from recommender.compiled_rules import CompiledRule
from recommender.conditions import Shelf
from recommender.conflicts.lists import too_few_left, too_strict
from recommender.conflicts.pairs import can_meet, of_pair
from recommender.conflicts.scene import REMARKS, Conflict, scene_of
from recommender.conflicts.single import of_rule

__all__ = ["REMARKS", "Conflict", "conflicts"]


def conflicts(
    rules: Sequence[CompiledRule],
    shelf: Shelf,
    *,
    sizes: Mapping[str, int],
    at: float,
    sellable: np.ndarray | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Conflict]:
    """Every conflict among ``rules`` from ``at`` (seconds since 1970) on.

    ``sizes``: items per list by placement slug. ``sellable``: bool [n items], None for all. ``titles``: what all
    placements that there are, on or off, are called in the words (None: not known).
    """
    scene = scene_of(rules, shelf, sizes, at, sellable, titles)
    found: list[Conflict] = []
    for rule in scene.rules:
        found.extend(of_rule(rule, scene))
    for first, second in combinations(scene.rules, 2):
        if can_meet(first, second, at):
            found.extend(of_pair(first, second, scene))
    found.extend(too_few_left(scene))
    for rule in scene.rules:
        if rule.verb == "spread":
            found.extend(too_strict(rule, scene))
    return found
