"""The last step of a list: not too much of one kind at its top.

The k-th product of a category that stands above it costs a product k × strength deviations of the list's scores, and
the list is sorted by what is left. Within a category the order never changes, so the greedy choice of maximal marginal
relevance (Carbonell & Goldstein 1998), with "same category" for likeness and the count of it for its weight, is one
sort: no loop over places.

It runs after the rules and keeps to them. Scores are taken by *place* – the best score goes to the first place, and so
on –, so that what a boost has lifted keeps its lead; pinned products stand where they stand and count as siblings from
the start; nothing leaves the list, so a spread's limit holds as before. What the model gave no score stands behind as
it stood; a list without any scores (best sellers, for instance) is taken as falling by the logarithm of the place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recommender.ranked import NO_RULE, Ranked, Step, Trace

OFF, GENTLE, STRONG = "off", "gentle", "strong"
#: Deviations of the list's scores that each sibling above costs.
COST = {OFF: 0.0, GENTLE: 0.1, STRONG: 0.4}
REACH = 400  # places that are looked at


@dataclass(frozen=True)
class Varied:
    """The list, and for what moved: place before, place now (both 1 …)."""

    ranked: Ranked
    moved: Mapping[int, tuple[int, int]] = field(default_factory=dict)


def apply(ranked: Ranked, kinds: np.ndarray, strength: str, *, pinned: Sequence[int], told: int) -> Varied:
    """Vary the first ``REACH`` of ``ranked``. ``kinds`` int [n items]: each product's category, −1 unknown (nobody's
    sibling); ``pinned`` products keep their place. Moves are told of the first ``told``."""
    cost, n = COST[strength], min(len(ranked), REACH)
    if not cost or n < 2:
        return Varied(ranked)
    head = ranked.take(np.arange(n))
    fixed = np.isin(head.items, pinned) if pinned else np.zeros(n, bool)
    free = np.flatnonzero(~fixed)
    values = _by_place(head.scores[free])
    free = free[: len(values)]  # behind them, without a score: as they stood
    above = _siblings_above(kinds[head.items], fixed)[free]
    left = values - cost * float(values.std()) * above
    order = np.arange(n)
    order[free] = free[np.argsort(-left, kind="stable")]
    items = np.concatenate([head.items[order], ranked.items[n:]])
    scores = np.concatenate([head.scores[order], ranked.scores[n:]])
    moved = {int(head.items[was]): (was + 1, now + 1) for now, was in enumerate(order[:told].tolist()) if was != now}
    return Varied(Ranked(items, scores), moved)


def told(trace: Trace, varied: Varied) -> Trace:
    """The trace with what moved after the rules."""
    if not varied.moved:
        return trace
    steps = {item: (*trace.of(item), _step(*places)) for item, places in varied.moved.items()}
    return replace(trace, steps={**trace.steps, **steps})


def _step(before: int, now: int) -> Step:
    return Step(NO_RULE, "Variety", "diversity", True, words(before, now))


def words(before: int, now: int) -> str:
    """What happened to a product that stood at ``before``."""
    if now < before:
        return f"up from {before}: what stood above it repeats a category"
    return f"down from {before}: its category stands above it already"


def _by_place(scores: np.ndarray) -> np.ndarray:
    """float64: a falling score for each place that has one."""
    finite = scores[np.isfinite(scores)].astype(np.float64)
    return np.sort(finite)[::-1] if len(finite) else -np.log(np.arange(1, len(scores) + 1))


def _siblings_above(groups: np.ndarray, first: np.ndarray) -> np.ndarray:
    """int64 [m]: how many of the same group come before each place, those of ``first`` (bool [m]) before all others."""
    order = np.lexsort((~first, groups))  # stable: by group, within it the fixed, then by place
    sorted_groups = groups[order]
    starts = np.flatnonzero(np.concatenate([[True], sorted_groups[1:] != sorted_groups[:-1]]))
    rank = np.arange(len(groups)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(groups)]])))
    above = np.empty(len(groups), np.int64)
    above[order] = np.where(sorted_groups < 0, 0, rank)
    return above
