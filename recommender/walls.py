"""Only and exclude rules as walls: what they let through, for whoever fills a list before the rules run over it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recommender.compiled_rules import CompiledRule, Context


def in_scope(rules: Sequence[CompiledRule], context: Context) -> list[CompiledRule]:
    """The only and exclude rules that apply here and now."""
    return [rule for rule in rules if rule.verb in ("only", "exclude") and rule.applies(context)]


def let_through(walls: Sequence[CompiledRule], context: Context, items: np.ndarray) -> np.ndarray:
    """bool [len(items)]: which of the item codes every wall lets through."""
    allowed = np.ones(len(items), dtype=bool)
    for wall in walls:
        matched = wall.condition.matches(context.shelf, items, at=context.at)
        allowed &= matched if wall.verb == "only" else ~matched
    return allowed
