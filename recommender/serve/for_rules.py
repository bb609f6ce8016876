"""What is ranked only because of rules: enough behind walls, and what pins name."""

from __future__ import annotations

import numpy as np

from recommender import rules, walls
from recommender.compiled_rules import Context
from recommender.ranked import Ranked
from recommender.serve.case import Case
from recommender.serve.strategies import ENOUGH, Strategies


def behind_walls(ranked: Ranked, strategies: Strategies, context: Context) -> Ranked:
    """Where only and exclude rules would leave less than a list of what is ranked, what they let through and sells
    best stands behind it, by the shopper's own score where the placement goes by that: a narrow rule still fills
    the list."""
    case = strategies.case
    found = walls.in_scope(case.rules, context)
    if not found or np.count_nonzero(walls.let_through(found, context, ranked.items)) >= case.n:
        return ranked
    rest = case.besides(ranked.items)
    left = np.flatnonzero(rest)
    rest[left] = walls.let_through(found, context, left)
    more = case.best_sellers(case.n + ENOUGH, rest)
    own = case.slot.strategy == "personal" and case.subject is not None and case.subject.known
    return ranked.then(strategies.by_score(more) if own else Ranked.unscored(more))


def with_pins(ranked: Ranked, case: Case, context: Context) -> Ranked:
    """Products that pins name are ranked too, at the end, so that the rule finds them."""
    if not case.rules:
        return ranked
    named = rules.named_by_pins(case.rules, context)
    return ranked.then(Ranked.unscored(named[case.allowed[named] & ~np.isin(named, ranked.items)]))
